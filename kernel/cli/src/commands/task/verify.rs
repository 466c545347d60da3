//! `openkoi task verify`: replays a task from its journal and compares the outcomes.

use openkoi_core::{
    event::{Entry, Event},
    outcome::Outcome,
    run,
};
use openkoi_storage::{Storage, tasks::TaskRecord};
use serde_json::{Value, json};

use super::shown::ending_in_words;
use crate::{
    error::CommandError,
    output::{Output, Page, Style},
    reply::Reply,
};

/// Verifies a task that somebody no longer works on.
pub(super) fn run(storage: &Storage, task: TaskRecord, json: bool) -> Result<Reply, CommandError> {
    let entries = storage.entries(&task.id)?;
    if is_pruned(&entries) {
        let message = "the replay differs from the journal, which has nothing of its run; `openkoi prune` removes \
                       that of old tasks";
        return Err(differs(&task, message));
    }
    let (recorded, count) = (recorded(&entries), entries.len());
    let replayed = replay(&task, entries)?;
    let outcome = match (replayed, recorded) {
        (run::Verified::Outcome(replayed), Some(recorded)) if *replayed == recorded => Ok(recorded),
        (run::Verified::Open { reason }, None) => Err(reason),
        _ => {
            let message = "the replay comes to another outcome than the journal";
            return Err(differs(&task, message));
        }
    };
    Ok(Reply::new(Verified { task, outcome, entries: count }, json))
}

/// Returns true if the journal has a beginning and an end, and nothing of what was between them.
fn is_pruned(entries: &[Entry]) -> bool {
    matches!(entries, [Entry { event: Event::TaskStarted { .. }, .. }, Entry { event: Event::TaskFinished { outcome }, .. }] if outcome.iterations > 0)
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
    if !entries.last().is_some_and(paused) {
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

struct Verified {
    task: TaskRecord,
    /// The outcome, or the reason for which the task paused without one.
    outcome: Result<Outcome, String>,
    entries: usize,
}

impl Output for Verified {
    fn text(&self, page: &mut Page) {
        page.styled(format!("task {} is verified", self.task.id.short()), Style::Good);
        match &self.outcome {
            Ok(outcome) => {
                page.field("ending", ending_in_words(&outcome.ending));
                page.field("iterations", outcome.iterations.to_string());
            }
            Err(reason) => page.field("paused", reason),
        }
        page.field("entries", self.entries.to_string());
    }

    fn json(&self) -> Value {
        let (task, entries) = (&self.task.id, self.entries);
        match &self.outcome {
            Ok(Outcome { ending, iterations, .. }) => json!({
                "task_id": task,
                "verified": true,
                "entries": entries,
                "ending": ending,
                "iterations": iterations,
            }),
            Err(reason) => json!({
                "task_id": task,
                "verified": true,
                "entries": entries,
                "paused": reason,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use openkoi_core::outcome::Ending;

    use super::*;
    use crate::testing::{narrow, outcome, record, text};

    #[test]
    fn a_verified_task_is_told_with_its_ending_and_the_size_of_its_journal() {
        let ending = Ending::Stalled { reason: "the same check failed twice".to_owned() };
        let outcome = outcome(ending, "Half of it.");
        let verified = Verified { task: record("42", "fix it"), outcome: Ok(outcome), entries: 17 };

        let words = "task 00000042 is verified\n\
                     ending       stalled: the same check failed twice\n\
                     iterations   1\n\
                     entries      17\n";
        assert_eq!((text(&verified), narrow(&verified)), (words.to_owned(), words.to_owned()));
        assert_eq!(
            verified.json(),
            json!({
                "task_id": "01k9abcdef0000000000000042",
                "verified": true,
                "entries": 17,
                "ending": { "ending": "stalled", "reason": "the same check failed twice" },
                "iterations": 1,
            })
        );
    }

    #[test]
    fn of_several_ends_the_last_is_the_one_that_counts() {
        let end = |text: &str| Entry {
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
