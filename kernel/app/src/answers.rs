//! Questions that any surface may answer: the terminal of the run, the dashboard, the web page, a client of the API.

use std::{sync::Arc, time::Duration};

use openkoi_brokers::clock::SystemClock;
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    deliberation::assessment::UserQuestion,
    id::TaskId,
    port::{Approver, JournalError, Pending},
};
use openkoi_storage::{
    questions::{Asked, Given, QuestionRecord},
    tasks::TaskStatus,
};

use crate::{
    app::App,
    error::AppError,
    handed::{self, HandedRequest},
    live::Live,
};

/// Answers a question of a task, whichever process it waits in. A task that pauses for it goes on if the daemon runs. Returns
/// false if the question does not wait for an answer any more.
///
/// # Errors
///
/// When the storage cannot be written.
pub fn give(
    app: &App,
    question: &QuestionRecord,
    given: &Given,
    by: &str,
) -> Result<bool, AppError> {
    let storage = app.storage()?;
    if !storage.give_answer(&question.id, given, by, app.now_ms())? {
        return Ok(false);
    }
    // One that waits in its process sees the answer itself.
    let pauses = storage.find_task(question.task.as_str())?.status == TaskStatus::Paused;
    if pauses && storage.daemon()?.is_some() {
        handed::take_up(app, &question.task, &HandedRequest::default(), 0)?;
    }
    Ok(true)
}

/// Puts the questions of one task where every surface sees them, and waits for the first answer.
pub struct Asking {
    app: Arc<App>,
    task: TaskId,
    /// Who asks the person of this process, if there is one.
    here: Option<Arc<dyn Approver>>,
    wait: Wait,
    /// Is told of an answer that was given elsewhere.
    told: Arc<dyn Fn(&Given) + Send + Sync>,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// Until there is one.
    ForEver,
    /// This long.
    For(Duration),
    /// Not at all: one that was given before is taken.
    Not,
}

impl Asking {
    /// Returns an approver for a task that nobody watches in this process.
    pub fn elsewhere(app: Arc<App>, task: TaskId, patience: Option<Duration>) -> Self {
        let wait = patience.map_or(Wait::ForEver, Wait::For);
        Self { app, task, here: None, wait, told: Arc::new(|_: &Given| {}) }
    }

    /// Returns an approver for a task with nobody to ask. An answer that was given while it paused is taken.
    pub fn before(app: Arc<App>, task: TaskId) -> Self {
        Self { wait: Wait::Not, ..Self::elsewhere(app, task, None) }
    }

    /// Returns an approver for a task whose person is asked `here`, and may answer elsewhere too.
    pub fn beside(
        app: Arc<App>,
        task: TaskId,
        here: Arc<dyn Approver>,
        told: Arc<dyn Fn(&Given) + Send + Sync>,
    ) -> Self {
        Self { here: Some(here), told, ..Self::elsewhere(app, task, None) }
    }

    /// Puts the question where others see it. That it cannot be put there takes nothing from who is asked here.
    fn put(&self, asked: &Asked) -> Option<(QuestionRecord, Live)> {
        let put = || -> Result<_, AppError> {
            let live = Live::listen(&self.app)?;
            let (id, now) = (self.app.new_id()?, self.app.now_ms());
            Ok((self.app.storage()?.ask(&id, &self.task, asked, now)?, live))
        };
        put().inspect_err(|error| tracing::warn!(%error, "a question is asked here alone")).ok()
    }

    async fn given(&self, asked: &Asked, here: Pending<'_, Option<Given>>) -> Option<Given> {
        if self.wait == Wait::Not {
            return self.given_before(asked);
        }
        let Some((question, live)) = self.put(asked) else { return here.await };
        let elsewhere = self.answered_elsewhere(&question, &live);
        let given = tokio::select! {
            biased;
            given = elsewhere => given.inspect(|given| (self.told)(given)),
            given = here => given.inspect(|given| self.note(&question, given)),
        };
        let closed = self.app.storage().and_then(|all| Ok(all.close_question(&question.id)?));
        if let Err(error) = closed {
            tracing::warn!(%error, "a question that was answered is shown still");
        }
        given
    }

    /// Takes the answer that was given while the task paused.
    fn given_before(&self, asked: &Asked) -> Option<Given> {
        let take = || -> Result<Option<Given>, AppError> {
            let storage = self.app.storage()?;
            let Some(question) = storage.same_question(&self.task, asked)? else { return Ok(None) };
            if question.given.is_some() {
                storage.close_question(&question.id)?;
            }
            Ok(question.given)
        };
        take().inspect_err(|error| tracing::warn!(%error, "no answer can be looked for")).ok()?
    }

    /// Keeps an answer that was given in this process.
    fn note(&self, question: &QuestionRecord, given: &Given) {
        let now = self.app.now_ms();
        let noted = self
            .app
            .storage()
            .and_then(|all| Ok(all.give_answer(&question.id, given, "terminal", now)?));
        if let Err(error) = noted {
            tracing::warn!(%error, "an answer is not kept beside its question");
        }
    }

    /// Waits for the answer of another process.
    async fn answered_elsewhere(&self, question: &QuestionRecord, live: &Live) -> Option<Given> {
        let wait = async {
            loop {
                let found = self.app.storage().and_then(|all| Ok(all.question(&question.id)?));
                match found {
                    Ok(Some(found)) if found.given.is_some() => return found.given,
                    // It was deleted with its session, or nobody is to wait for it any more.
                    Ok(None) => return None,
                    Ok(Some(found)) if !found.is_open => return None,
                    Ok(Some(_)) => {}
                    Err(error) => tracing::warn!(%error, "an answer cannot be looked for"),
                }
                live.next().await;
            }
        };
        match self.wait {
            Wait::For(patience) => tokio::select! {
                given = wait => given,
                () = SystemClock.sleep(patience) => None,
            },
            Wait::ForEver | Wait::Not => wait.await,
        }
    }
}

impl Approver for Asking {
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        let here: Pending<'a, Option<Given>> = match &self.here {
            Some(here) => Box::pin(async move { here.ask(request).await.map(Given::Answer) }),
            None => Box::pin(std::future::pending()),
        };
        Box::pin(async move {
            match self.given(&Asked::Approval(Box::new(request.clone())), here).await {
                Some(Given::Answer(answer)) => Some(answer),
                _ => None,
            }
        })
    }

    fn answer<'a>(&'a self, question: &'a UserQuestion) -> Pending<'a, Option<String>> {
        let here: Pending<'a, Option<Given>> = match &self.here {
            Some(here) => Box::pin(async move { here.answer(question).await.map(Given::Text) }),
            None => Box::pin(std::future::pending()),
        };
        Box::pin(async move {
            match self.given(&Asked::Question(question.clone()), here).await {
                Some(Given::Text(text)) => Some(text),
                _ => None,
            }
        })
    }

    fn remember(&self, rule: &Rule) -> Result<(), JournalError> {
        let kept = self.app.storage().and_then(|all| Ok(all.keep_rule(rule, self.app.now_ms())?));
        kept.map_err(|error| JournalError(error.to_string()))
    }
}
