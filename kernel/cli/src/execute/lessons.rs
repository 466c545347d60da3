//! What is learnt from a task once its answer was given.

use std::sync::{Arc, Mutex, PoisonError};

use openkoi_app::{
    learning::{Learned, NewLearning},
    run::RunEnd,
};
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    id::{SessionId, TaskId},
    port::{Approver, Cancellation, JournalError, Pending},
};
use serde_json::{Value, json};

use super::Execution;
use crate::interrupt::Asked;

/// The most tasks of a conversation that are learnt from when it ends: the last ones.
const MOST: usize = 5;

/// Tasks of a conversation that are learnt from when it ends: whoever writes the next message is not kept waiting, and may
/// take the work of the last one back first.
#[derive(Debug, Default)]
pub(crate) struct Later(Mutex<Vec<(TaskId, SessionId)>>);

impl Later {
    fn put_off(&self, end: &RunEnd) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push((end.task.clone(), end.session.clone()));
        let many = tasks.len().saturating_sub(MOST);
        tasks.drain(..many);
    }

    fn take(&self) -> Vec<(TaskId, SessionId)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Execution<'_> {
    /// Has the learners look at a task, unless that is put off. That nothing could be learnt takes nothing from its answer.
    pub(super) async fn learn(&self, end: &RunEnd) -> Learned {
        if end.result.is_err() || self.interrupts.asked() != Asked::No {
            return Learned::default();
        }
        if let Some(later) = &self.show.later {
            later.put_off(end);
            return Learned::default();
        }
        self.learn_of(&end.task, &end.session).await
    }

    async fn learn_of(&self, task: &TaskId, session: &SessionId) -> Learned {
        let surface = self.unseen();
        let learning = Arc::clone(self.runtime).learn(task.clone(), session.clone(), surface);
        let learned = tokio::select! {
            learned = learning => learned,
            () = self.interrupts.cancelled() => {
                return Learned::default();
            }
        };
        learned.unwrap_or_else(|error| {
            tracing::warn!(%error, "nothing is learnt from the task");
            Learned::default()
        })
    }

    /// Learns from the tasks that were put off, and says what is new.
    pub(crate) async fn learn_at_last(&self) {
        let put_off = self.show.later.as_ref().map(|later| later.take()).unwrap_or_default();
        for (task, session) in put_off {
            let learned = self.learn_of(&task, &session).await;
            self.tell(&learned);
        }
    }

    /// Says what was learnt.
    pub(super) fn tell(&self, learned: &Learned) {
        if self.show.quiet {
            return;
        }
        learned.new.iter().for_each(|one| self.context.printer.notice(&line(one)));
        if learned.proposals > 0 {
            self.context.printer.notice("There is something to decide about: openkoi learn");
        }
    }
}

/// Answers no question: what goes on after a run asks none.
pub(super) struct Nobody;

impl Approver for Nobody {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(std::future::ready(None))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

fn line(one: &NewLearning) -> String {
    format!("[LEARNED] \"{}\"", one.text)
}

/// Returns what was learnt as the record of a run has it.
pub(super) fn record(learned: &Learned) -> Value {
    json!({ "new": learned.new, "confirmed": learned.confirmed })
}
