//! `openkoi task verify`: checks that nobody altered a task's journal, replays the task from it and compares the
//! outcomes.

use openkoi_core::{
    document::{Block, Document, Pairs, Span, Tone, Value},
    event::{Entry, Event},
    learning::is_afterwards,
    outcome::Outcome,
    run,
};
use openkoi_storage::{
    Storage,
    chain::{BrokenEntry, Chain},
    prune::is_pruned,
    tasks::TaskRecord,
};

use super::shown::ending_in_words;
use crate::{error::CommandError, output::Output, reply::Reply};

/// Verifies a task that somebody no longer works on.
pub(super) fn run(storage: &Storage, task: TaskRecord, json: bool) -> Result<Reply, CommandError> {
    let entries = storage.entries(&task.id);
    if entries.as_ref().is_ok_and(|entries| is_pruned(entries)) {
        let message =
            "the course of its run was pruned, as `retention` or `openkoi prune` asked for";
        return Err(differs(&task, message));
    }
    // First of all: what was altered may not even be readable.
    let chained_from = check_chain(storage, &task)?;
    let entries = entries?;
    let (recorded, count) = (recorded(&entries), entries.len());
    let replayed = replay(&task, entries)?;
    let known = match (replayed, recorded) {
        (run::Verified::Outcome(replayed), Some(recorded)) if *replayed == recorded => {
            Known::Outcome(recorded)
        }
        (run::Verified::Open { reason }, None) => Known::Paused(reason),
        (run::Verified::OtherRules { rules }, Some(recorded)) => Known::OtherRules(rules, recorded),
        _ => {
            let message = "the replay comes to another outcome than the journal";
            return Err(differs(&task, message));
        }
    };
    Ok(Reply::new(Verified { task, known, entries: count, chained_from }, json))
}

/// Returns the number of the first entry that the chain covers, if there is a chain and it is whole.
fn check_chain(storage: &Storage, task: &TaskRecord) -> Result<Option<u64>, CommandError> {
    match storage.check_chain(&task.id)? {
        Chain::None => Ok(None),
        Chain::Whole { from } => Ok(Some(from)),
        Chain::Broken(entry) => Err(differs(task, &broken_in_words(&entry))),
    }
}

fn broken_in_words(entry: &BrokenEntry) -> String {
    match entry {
        BrokenEntry::Altered { seq, key, event } => {
            format!("entry {seq} ({key}, {event}) was altered after it was written")
        }
        BrokenEntry::Removed { seq } => format!("entry {seq} was removed after it was written"),
    }
}

/// Says which entries nobody can have altered; `from` is the first of them.
fn chain_in_words(from: Option<u64>) -> String {
    match from {
        None => "none, an earlier release wrote the journal".to_owned(),
        Some(0 | 1) => "unbroken".to_owned(),
        Some(from) => {
            format!("unbroken from entry {from} on, an earlier release wrote those before it")
        }
    }
}

/// Returns the outcome with which the journal ends; none if the task paused without one.
fn recorded(entries: &[Entry]) -> Option<Outcome> {
    let last = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::TaskFinished { outcome } => Some(Some((**outcome).clone())),
        Event::TaskPaused { outcome, .. } => Some(outcome.as_deref().cloned()),
        _ => None,
    });
    last.flatten()
}

fn replay(task: &TaskRecord, entries: Vec<Entry>) -> Result<run::Verified, CommandError> {
    let paused = |entry: &Entry| {
        matches!(entry.event, Event::TaskFinished { .. } | Event::TaskPaused { .. })
    };
    let mut of_run = entries.iter().rev().filter(|entry| !is_afterwards(&entry.key));
    if !of_run.next().is_some_and(paused) {
        return Err(unfinished(task));
    }
    // No drivers: a replay has no clock and no network, and so cannot use either.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| CommandError::failed(format!("cannot start the replay: {error}")))?;
    let outcome = runtime.block_on(run::verify(&task.id, entries));
    outcome.map_err(|paused| differs(task, &paused.to_string()))
}

fn unfinished(task: &TaskRecord) -> CommandError {
    let (short, status) = (task.id.short(), task.status.word());
    let error = CommandError::usage(format!("task {short} has not ended, it is {status}"));
    error.hint(format!("openkoi resume {short}"))
}

fn differs(task: &TaskRecord, why: &str) -> CommandError {
    CommandError::failed(format!("task {} is not verified: {why}", task.id.short()))
}

/// What a replay came to.
enum Known {
    /// The recorded outcome.
    Outcome(Outcome),
    /// The reason for which the task paused without one.
    Paused(String),
    /// The rules of the journal are of another release, and this one would have gone on in another way.
    OtherRules(u32, Outcome),
}

struct Verified {
    task: TaskRecord,
    known: Known,
    entries: usize,
    /// The first entry that the chain covers.
    chained_from: Option<u64>,
}

impl Output for Verified {
    fn document(&self) -> Document {
        let short = self.task.id.short();
        let is_other = matches!(self.known, Known::OtherRules(..));
        let first = match is_other {
            true => Span::toned(
                format!(
                    "task {short} is as it was written; another release wrote it, and this one does not replay it"
                ),
                Tone::Warning,
            ),
            false => Span::toned(format!("task {short} is verified"), Tone::Good),
        };
        let chained_from = self.chained_from.map_or(Value::Nothing, Value::count);
        let pairs = self
            .end(Pairs::new(""))
            .pair("entries", "entries", Value::count(self.entries))
            .for_people("chain", chain_in_words(self.chained_from))
            .for_programs("task_id", Value::id(&self.task.id))
            .for_programs("verified", !is_other)
            .for_programs("chained_from", chained_from);
        Document::new("Verified").with(Block::paragraph(first)).with(pairs)
    }
}

impl Verified {
    /// Adds how the task ended.
    fn end(&self, pairs: Pairs) -> Pairs {
        let of = |outcome: &Outcome| {
            pairs
                .clone()
                .for_people("ending", ending_in_words(&outcome.ending))
                .for_programs("ending", Value::data(&outcome.ending))
                .pair("iterations", "iterations", Value::count(outcome.iterations))
        };
        match &self.known {
            Known::Outcome(outcome) => of(outcome),
            Known::OtherRules(rules, outcome) => {
                of(outcome).for_programs("rules", Value::count(*rules))
            }
            Known::Paused(reason) => pairs.pair("paused", "paused", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use openkoi_core::outcome::Ending;
    use serde_json::json;

    use super::*;
    use crate::testing::{InJson, narrow, outcome, record, text};

    #[test]
    fn a_verified_task_is_told_with_its_ending_and_the_size_of_its_journal() {
        let ending = Ending::Stalled { reason: "the same check failed twice".to_owned() };
        let outcome = outcome(ending, "Half of it.");
        let (task, known) = (record("42", "fix it"), Known::Outcome(outcome));
        let verified = Verified { task, known, entries: 17, chained_from: Some(1) };

        let words = "task 00000042 is verified\n\
                     ending       stalled: the same check failed twice\n\
                     iterations   1\n\
                     entries      17\n\
                     chain        unbroken\n";
        assert_eq!((text(&verified), narrow(&verified)), (words.to_owned(), words.to_owned()));
        assert_eq!(
            verified.json(),
            json!({
                "task_id": "01k9abcdef0000000000000042",
                "verified": true,
                "entries": 17,
                "chained_from": 1,
                "ending": { "ending": "stalled", "reason": "the same check failed twice" },
                "iterations": 1,
            })
        );
    }

    #[test]
    fn a_journal_of_an_earlier_release_is_said_to_have_no_chain() {
        assert_eq!(chain_in_words(None), "none, an earlier release wrote the journal");
        assert_eq!(
            chain_in_words(Some(7)),
            "unbroken from entry 7 on, an earlier release wrote those before it"
        );
    }

    #[test]
    fn a_broken_entry_is_named_with_what_was_done_to_it() {
        let (key, event) = ("i1/t0/c0".to_owned(), "gate.decided".to_owned());
        let altered = BrokenEntry::Altered { seq: 3, key, event };

        assert_eq!(
            broken_in_words(&altered),
            "entry 3 (i1/t0/c0, gate.decided) was altered after it was written"
        );
        assert_eq!(
            broken_in_words(&BrokenEntry::Removed { seq: 9 }),
            "entry 9 was removed after it was written"
        );
    }

    #[test]
    fn of_several_ends_the_last_is_the_one_that_counts() {
        let end = |text: &str| Entry {
            seq: 1,
            key: "end".to_owned(),
            at_ms: 1,
            elapsed_ms: 1,
            event: Event::TaskFinished { outcome: Box::new(outcome(Ending::Accepted, text)) },
        };
        let resumed = Entry { event: Event::TaskResumed { settings: None }, ..end("") };

        assert_eq!(recorded(&[end("first"), end("last"), resumed.clone()]).unwrap().text, "last");
        assert_eq!(recorded(&[resumed]), None);
    }
}
