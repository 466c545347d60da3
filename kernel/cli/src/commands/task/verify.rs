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

/// Verifies a task that has ended.
pub(super) fn run(storage: &Storage, task: TaskRecord, json: bool) -> Result<Reply, CommandError> {
    let entries = storage.entries(&task.id)?;
    let recorded = recorded(&entries).ok_or_else(|| unfinished(&task))?;
    let count = entries.len();
    let replayed = replay(&task, entries)?;
    if replayed != recorded {
        let message = "the replay comes to another outcome than the journal";
        return Err(differs(&task, message));
    }
    Ok(Reply::new(Verified { task, outcome: recorded, entries: count }, json))
}

fn recorded(entries: &[Entry]) -> Option<Outcome> {
    let mut ends = entries.iter().rev().filter_map(|entry| match &entry.event {
        Event::TaskFinished { outcome } => Some((**outcome).clone()),
        _ => None,
    });
    ends.next()
}

fn replay(task: &TaskRecord, entries: Vec<Entry>) -> Result<Outcome, CommandError> {
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
    outcome: Outcome,
    entries: usize,
}

impl Output for Verified {
    fn text(&self, page: &mut Page) {
        page.styled(format!("task {} is verified", self.task.id.short()), Style::Good);
        page.field("ending", ending_in_words(&self.outcome.ending));
        page.field("iterations", self.outcome.iterations.to_string());
        page.field("entries", self.entries.to_string());
    }

    fn json(&self) -> Value {
        json!({
            "task_id": self.task.id,
            "verified": true,
            "entries": self.entries,
            "ending": self.outcome.ending,
            "iterations": self.outcome.iterations,
        })
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
        let verified = Verified { task: record("42", "fix it"), outcome, entries: 17 };

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
