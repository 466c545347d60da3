//! What is learnt from a task once its answer was given.

use std::sync::{Arc, Mutex, PoisonError};

use openkoi_app::{
    learning::{Learned, NewLearning},
    run::RunEnd,
    task_runtime::{Surface, TaskRuntime},
};
use openkoi_core::{
    id::{SessionId, TaskId},
    port::Cancellation,
};
use serde_json::{Value, json};

use crate::{interrupt::Interrupts, output::Printer};

/// The most tasks of a conversation that are learnt from when it ends: the last ones.
const MOST: usize = 5;

/// Tasks of a conversation that are learnt from when it ends: whoever writes the next message is not kept waiting, and may
/// take the work of the last one back first.
#[derive(Debug, Default)]
pub(crate) struct Later(Mutex<Vec<(TaskId, SessionId)>>);

impl Later {
    pub(super) fn put_off(&self, end: &RunEnd) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push((end.task.clone(), end.session.clone()));
        let many = tasks.len().saturating_sub(MOST);
        tasks.drain(..many);
    }

    pub(super) fn take(&self) -> Vec<(TaskId, SessionId)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Has the learners look at a task. That nothing could be learnt takes nothing from its answer, and Ctrl-C ends it.
pub(super) async fn learn(
    runtime: &Arc<TaskRuntime>,
    interrupts: &Interrupts,
    (task, session): (TaskId, SessionId),
) -> Learned {
    let surface = Surface::unseen(Arc::new(interrupts.clone()));
    let learned = tokio::select! {
        learned = Arc::clone(runtime).learn(task, session, surface) => learned,
        () = interrupts.cancelled() => return Learned::default(),
    };
    learned.unwrap_or_else(|error| {
        tracing::warn!(%error, "nothing is learnt from the task");
        Learned::default()
    })
}

/// Says what was learnt.
pub(super) fn tell(printer: &Printer, learned: &Learned) {
    learned.new.iter().for_each(|one| printer.notice(&line(one)));
    if learned.proposals > 0 {
        printer.notice("There is something to decide about: openkoi learn");
    }
}

fn line(one: &NewLearning) -> String {
    format!("[LEARNED] \"{}\"", one.text)
}

/// Returns what was learnt as the record of a run has it.
pub(super) fn record(learned: &Learned) -> Value {
    json!({ "new": learned.new, "confirmed": learned.confirmed })
}
