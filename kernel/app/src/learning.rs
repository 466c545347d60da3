//! Learning: what the user says for good is kept when it is said; what a finished task teaches is kept after its answer was
//! given, by the learners of the catalog.
//!
//! A learner only says what it thinks. What of it is remembered is decided here, by core's rules: [`admission`].

mod atlas;
mod keep;
mod learned;
mod reactions;
mod said;

use std::{sync::Arc, time::Duration};

use openkoi_core::{
    event::Entry,
    failure::Failure,
    id::{SessionId, TaskId},
    learners::Learners,
    learning::{self, Lesson, SeenTask, admission},
    message::{Prompt, Role, Turn},
    port::Pending,
    records::Reaction,
    run::Afterwards,
    scope::Turns,
    task::own_words,
};
use openkoi_host::kinds::learner::CatalogLearners;
use openkoi_storage::{StorageError, tasks::TaskRecord};
use tokio::sync::oneshot;

pub use self::learned::{Learned, NewLearning};
pub(crate) use self::{atlas::lines, keep::keep_said};
use crate::{
    error::AppError,
    settings::LearningMode,
    task_runtime::{RunSkills, Surface, TaskRuntime, Unseen},
    thread,
};

/// The longest that a learner may take.
const LONGEST: Duration = Duration::from_secs(30);
/// The names of the threads that make learners ready, and that look at earlier work.
const THREAD: &str = "learning";
const LOOKING: &str = "reactions";

impl TaskRuntime {
    /// Has the learners look at a task that has ended. Nothing is learnt from a dry run, from one that nobody evaluated, and from
    /// an answer that needed no tool.
    ///
    /// # Errors
    ///
    /// When its journal cannot be read, or memory cannot be written. A learner that fails costs its lesson alone.
    pub async fn learn(
        self: Arc<Self>,
        task: TaskId,
        session: SessionId,
        surface: Surface,
    ) -> Result<Learned, AppError> {
        if !self.learns() || !self.storage().used_tools(&task)? {
            return Ok(Learned::default());
        }
        thread::apart(&task.clone(), move || async move {
            let lease = match self.storage().claim_task(&task) {
                Err(StorageError::Owned { .. }) => return Ok(Learned::default()),
                lease => lease?,
            };
            let entries = self.storage().entries(&task)?;
            let seen = SeenTask::of(&entries).filter(SeenTask::has_facts);
            let Some(seen) = seen.filter(|seen| seen.iterations > 0) else {
                return Ok(Learned::default());
            };
            let lessons = self.lessons(&seen, entries, &session, surface).await?;
            drop(lease);
            let mut learned = Learned::default();
            for (learner, lesson, asked) in lessons {
                learned.extend(self.take(&learner, lesson, &seen, asked).await?);
            }
            Ok(learned)
        })
        .await
    }

    /// Looks, on a thread of its own, what became of the work of earlier tasks here, for a task with this text.
    pub(crate) fn look_back(self: &Arc<Self>, task: &TaskId, text: &str) -> LookBack {
        let (done, looked_back) = oneshot::channel();
        let (own, task, text) = (Arc::clone(self), task.clone(), own_words(text));
        thread::beside(LOOKING, move || {
            let looked = thread::block(own.looked_back(&task, &text));
            if let Err(error) = looked {
                tracing::debug!(%error, "what became of earlier work is not known");
            }
            // Whoever waits hears of it.
            drop(done);
        });
        LookBack(looked_back)
    }

    async fn looked_back(self: &Arc<Self>, task: &TaskId, text: &str) -> Result<(), AppError> {
        let now = (task, text);
        let news = reactions::look(self.app(), self.storage(), self.workspace(), now)?;
        for (task, reaction) in news.iter().filter(|(_, reaction)| *reaction != Reaction::Kept) {
            self.learn_of_reaction(task, *reaction).await?;
        }
        Ok(())
    }

    /// Has the learners that are ready look at a task once more: it is known now what the user did with its work.
    async fn learn_of_reaction(
        self: &Arc<Self>,
        task: &TaskRecord,
        reaction: Reaction,
    ) -> Result<(), AppError> {
        let learners = self.learners();
        if !learners.names().iter().any(|name| learners.is_ready(name)) {
            return Ok(());
        }
        let lease = match self.storage().claim_task(&task.id) {
            Err(StorageError::Owned { .. }) => return Ok(()),
            lease => lease?,
        };
        let entries = self.storage().entries(&task.id)?;
        let Some(mut seen) = SeenTask::of(&entries).filter(SeenTask::has_facts) else {
            return Ok(());
        };
        seen.reaction = Some(reaction);
        let surface = Surface::unseen(Arc::new(Unseen));
        let lessons = self.lessons(&seen, entries, &task.session, surface).await?;
        drop(lease);
        for (learner, lesson, asked) in lessons {
            self.take(&learner, lesson, &seen, asked).await?;
        }
        Ok(())
    }

    /// Returns whether anything is learnt in this workspace.
    pub(crate) fn learns(&self) -> bool {
        self.settings().learning != LearningMode::Off && self.settings().memories_of.is_none()
    }

    /// Asks each learner, and says whether it asked a model.
    async fn lessons(
        &self,
        seen: &SeenTask,
        entries: Vec<Entry>,
        session: &SessionId,
        surface: Surface,
    ) -> Result<Vec<(String, Lesson, bool)>, AppError> {
        let learners = self.learners();
        let time = entries.iter().filter(|entry| entry.event.name() == "task.finished").count();
        let occupancy = self.occupancy(&seen.task, seen.workspace.as_ref(), &surface);
        let ports = self.ports(session, surface, occupancy, RunSkills::none())?;
        let policy = self.policy(session)?;
        let afterwards = Afterwards::new(&seen.task, entries, policy, &ports);
        let afterwards = match afterwards {
            Ok(afterwards) => afterwards,
            Err(paused) => {
                tracing::warn!(%paused, "nothing is learnt from a task");
                return Ok(Vec::new());
            }
        };
        let mut lessons = Vec::new();
        for learner in learners.names() {
            let key = learning::key(time, &learner, seen.reaction);
            let mut scope = afterwards.scope(&key, LONGEST);
            if self.settings().learning == LearningMode::Facts || seen.reaction.is_some() {
                scope.turns = Arc::new(NoTurns);
            }
            match learners.observe(&learner, seen, scope).await {
                Ok(lesson) => {
                    let asked = afterwards.turns(&key) > 0;
                    lessons.push((learner, lesson, asked));
                }
                Err(failure) => tracing::debug!(learner, %failure, "a learner failed"),
            }
        }
        if let Err(error) = afterwards.close() {
            tracing::warn!(%error, "what learners did is not recorded");
        }
        Ok(lessons)
    }

    /// Keeps what of a lesson may be kept, and hands its proposals on.
    async fn take(
        &self,
        learner: &str,
        lesson: Lesson,
        seen: &SeenTask,
        asked: bool,
    ) -> Result<Learned, AppError> {
        let proposals = lesson.proposals.clone();
        let (admitted, refused) = admission::admitted(lesson, seen, asked);
        for (one, why) in refused {
            tracing::info!(learner, text = one.text, %why, "a lesson is not remembered");
        }
        let mut learned = keep::keep(self, admitted, seen).await?;
        if !proposals.is_empty() {
            match self.proposals().propose(learner, &seen.task, &proposals) {
                Ok(new) => learned.proposals = new,
                Err(failure) => tracing::warn!(learner, %failure, "proposals are not kept"),
            }
        }
        Ok(learned)
    }

    /// Makes the learners ready on a thread that nobody waits for, if they are not.
    pub(crate) fn warm_learners(&self) {
        let learners = self.learners();
        let cold: Vec<String> =
            learners.names().into_iter().filter(|name| !learners.is_ready(name)).collect();
        if cold.is_empty() {
            return;
        }
        thread::beside(THREAD, move || {
            for name in cold {
                if let Err(failure) = learners.prepare(&name) {
                    tracing::debug!(name, %failure, "a learner is not ready");
                }
            }
        });
    }

    fn learners(&self) -> CatalogLearners {
        CatalogLearners::new(self.host(), Arc::clone(&self.workdir), &[])
    }
}

/// A look at what became of earlier work, on a thread of its own.
#[derive(Debug)]
pub struct LookBack(oneshot::Receiver<()>);

impl LookBack {
    /// Waits until it is over. A program that ends before may not have seen all.
    pub async fn wait(self) {
        drop(self.0.await);
    }
}

/// No model: only facts are learnt.
struct NoTurns;

impl Turns for NoTurns {
    fn turn<'a>(&'a self, _: Role, _: Prompt) -> Pending<'a, Result<Turn, Failure>> {
        let why = "no model is asked for this lesson".to_owned();
        Box::pin(std::future::ready(Err(Failure::Unsupported(why))))
    }
}
