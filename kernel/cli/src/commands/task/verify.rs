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
