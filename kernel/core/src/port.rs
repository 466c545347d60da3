//! The outside world as traits: what the loop needs, and the state that components keep. Adapters live in the
//! crates around core; tests bring their own.
//!
//! A program that has no use for a port passes an implementation that does nothing.

use std::{future::Future, pin::Pin, time::Duration};

use crate::{
    approval::{Answer, ApprovalRequest, Rule},
    change_set::{Applied, PathEffect, PathState},
    deliberation::assessment::UserQuestion,
    evaluation::Change,
    event::Entry,
    failure::Failure,
    id::{TaskId, TreeId},
    learning::Proposal,
    ledger::Charge,
    memory::Learning,
    message::{Prompt, Role, Turn},
    model::{ModelCard, ModelError},
    records::{
        PastAssessment, PastCall, PastCheck, PastCommand, PastDecision, PastFile, PastIteration,
        PastReaction, PastSpending, PastTask, PastVerdict, RecordQuery, ShownLearning,
    },
};

/// A future that a port returns.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Models, by role.
pub trait Model: Send + Sync {
    /// Returns the card of the model that `role` resolves to.
    fn card(&self, role: &Role) -> ModelCard;

    /// Returns the cards of all models that may answer for `role`: the first, then those that are asked when it is
    /// unavailable.
    fn chain(&self, role: &Role) -> Vec<ModelCard> {
        vec![self.card(role)]
    }

    /// Asks for one turn. Text is passed to `deltas` as it arrives. Once `deltas` says that somebody was shown a
    /// piece, the turn is not begun anew: if it breaks off, it ends in an error.
    fn complete<'a>(
        &'a self,
        role: &'a Role,
        prompt: &'a Prompt,
        deltas: &'a Deltas<'a>,
    ) -> Pending<'a, Result<Turn, ModelError>>;
}

/// Takes the pieces of a turn while it arrives. Returns whether it was shown as part of the answer.
pub type Deltas<'a> = dyn Fn(Delta<'_>) -> bool + Send + Sync + 'a;

/// A piece of a turn while it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta<'a> {
    /// Text of the answer.
    Text(&'a str),
    /// Reasoning that may be shown.
    Thought(&'a str),
    /// Reason for which the adapter waits before it tries again; empty once it does.
    Waiting(&'a str),
    /// The adapter waits as the provider ordered, with no request under way; or, with false, it goes on. Listeners do
    /// not get it.
    Resting(bool),
}

/// Reason why the workspace could not be captured or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkspaceError(pub String);

/// The directory that a task works on.
pub trait Workspace: Send + Sync {
    /// Takes the directory for the rest of the run, before its first change. Waits while somebody else has it; asking
    /// again is no harm.
    ///
    /// # Errors
    ///
    /// Nobody can tell whether it is free.
    fn occupy(&self) -> Pending<'_, Result<(), WorkspaceError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Names the present state of the whole directory: equal names mean equal files. Reads on a thread of its own.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    fn fingerprint(&self) -> Pending<'_, Result<TreeId, WorkspaceError>>;

    /// Returns the present states of paths, in their order; contents that are not kept yet are kept.
    ///
    /// # Errors
    ///
    /// The object store cannot be written.
    fn states<'a>(
        &'a self,
        paths: &'a [String],
    ) -> Pending<'a, Result<Vec<PathState>, WorkspaceError>>;

    /// Brings each path from the state before to the state after, if it is in the state before; a path that is in
    /// the state after is done already.
    ///
    /// # Errors
    ///
    /// A file cannot be written; calling again goes on.
    fn apply<'a>(&'a self, steps: &'a [PathEffect])
    -> Pending<'a, Result<Applied, WorkspaceError>>;

    /// Returns effects as a person or a model is shown them: the files of a repository's own directory in one line,
    /// and files that steer agents or tools marked.
    fn describe(&self, effects: &[PathEffect]) -> Vec<Change>;

    /// Returns effects as a unified diff of at most `max` bytes, which names what it could not show.
    ///
    /// # Errors
    ///
    /// A state is not in the store.
    fn diff<'a>(
        &'a self,
        effects: &'a [PathEffect],
        max: usize,
    ) -> Pending<'a, Result<String, WorkspaceError>>;

    /// Returns the contents before of files that were there, in their order; nothing for those longer than `max` bytes.
    ///
    /// # Errors
    ///
    /// A state is not in the store.
    fn contents_before<'a>(
        &'a self,
        _effects: &'a [PathEffect],
        _max: u64,
    ) -> Pending<'a, Result<Vec<Option<Vec<u8>>>, WorkspaceError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Describes the directory for a model: its top level and the project's own rules.
    fn overview(&self) -> String;
}

/// Reason why a record could not be kept. It ends the run: what is not recorded must not be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// The append-only record of runs.
pub trait Journal: Send + Sync {
    /// Appends `entries` to the task's journal, all of them or none. They outlive the program when this returns, and a
    /// power cut too unless they may [reach the disk later](Entry::durability).
    ///
    /// # Errors
    ///
    /// The entries are not kept: full disk, read-only home, another process owns the task.
    fn append(&self, task: &TaskId, entries: &[Entry]) -> Result<(), JournalError>;

    /// Returns all entries of the task, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    fn load(&self, task: &TaskId) -> Result<Vec<Entry>, JournalError>;
}

/// Answers to questions of policy.
pub trait Approver: Send + Sync {
    /// Asks a person. `None` when there is nobody to ask.
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>>;

    /// Puts a question of the chamber to a person, and returns the answer. `None` when there is nobody to ask.
    fn answer<'a>(&'a self, _question: &'a UserQuestion) -> Pending<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    /// Keeps a rule that a person agreed to.
    ///
    /// # Errors
    ///
    /// The rule cannot be kept; it then holds for this run only.
    fn remember(&self, rule: &Rule) -> Result<(), JournalError>;
}

/// Watchers of a run: progress lines, event streams, dashboards.
pub trait Listener: Send + Sync {
    /// Tells of a fact that was recorded.
    fn event(&self, entry: &Entry);

    /// Takes a piece of a turn, which is not recorded. Returns whether a person or a program was shown it as part of
    /// the answer; what was shown is not taken back.
    fn delta(&self, role: &Role, delta: Delta<'_>) -> bool;
}

/// The key-value spaces of components. A component sees its own and no other.
///
/// The loop does not use it: the host offers it to components.
pub trait StateStore: Send + Sync {
    /// Returns the value of `key` in the space of `component`.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn get(&self, component: &str, key: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// Sets `key` to `value`; `quota` is the most bytes that the whole space may hold.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] past the quota.
    fn set(&self, component: &str, key: &str, value: &[u8], quota: u64) -> Result<(), Failure>;

    /// Removes `key`.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn delete(&self, component: &str, key: &str) -> Result<(), Failure>;

    /// Returns at most `limit` keys that start with `prefix` and sort after `after`, sorted.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn keys(
        &self,
        component: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Failure>;
}

/// What a text is turned into a vector for. Some models tell the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is kept, and will be found.
    Passage,
    /// It is what somebody looks for.
    Query,
}

/// Texts as vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// The name of the model that made them, with its version. Those of two models cannot be compared.
    pub model: String,
    /// One for each text, all of the same number of finite numbers.
    pub vectors: Vec<Vec<f32>>,
}

/// Turns texts into vectors, so that what means the same lies near.
///
/// The loop does not use it: memory does.
pub trait Embedder: Send + Sync {
    /// Returns whether it can be asked at once. Otherwise the first call makes it ready, which takes up to a second.
    fn is_ready(&self) -> bool;

    /// Turns each text into one vector, in their order. Without texts it says which model it is.
    ///
    /// # Errors
    ///
    /// The model cannot be used.
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        purpose: Purpose,
    ) -> Pending<'a, Result<Vectors, Failure>>;
}

/// Keeps what requests took that belong to no task, so that they stand in every sum of money.
pub trait Charges: Send + Sync {
    /// Keeps what a request took that was made now. What cannot be kept is said in the log: the work goes on.
    fn charge(&self, charge: Charge);
}

/// What is known of earlier tasks, the newest first.
///
/// The loop does not use it: the host offers it to components. Every function fails if the records cannot be read.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "the trait says what all of them do")]
pub trait Records: Send + Sync {
    fn tasks(&self, query: &RecordQuery) -> Result<Vec<PastTask>, Failure>;
    fn iterations(&self, query: &RecordQuery) -> Result<Vec<PastIteration>, Failure>;
    fn calls(&self, query: &RecordQuery) -> Result<Vec<PastCall>, Failure>;
    fn decisions(&self, query: &RecordQuery) -> Result<Vec<PastDecision>, Failure>;
    fn verdicts(&self, query: &RecordQuery) -> Result<Vec<PastVerdict>, Failure>;
    fn spendings(&self, query: &RecordQuery) -> Result<Vec<PastSpending>, Failure>;
    fn commands(&self, query: &RecordQuery) -> Result<Vec<PastCommand>, Failure>;
    fn checks(&self, query: &RecordQuery) -> Result<Vec<PastCheck>, Failure>;
    fn changed_files(&self, query: &RecordQuery) -> Result<Vec<PastFile>, Failure>;
    fn reactions(&self, query: &RecordQuery) -> Result<Vec<PastReaction>, Failure>;
    fn shown_learnings(&self, query: &RecordQuery) -> Result<Vec<ShownLearning>, Failure>;
    fn assessments(&self, query: &RecordQuery) -> Result<Vec<PastAssessment>, Failure>;
}

/// What is remembered, for those who look for something in it.
///
/// The loop does not use it: the host offers it to components.
pub trait Recall: Send + Sync {
    /// Returns at most `limit` learnings that hold in this workspace, those that fit a text best first, each with how sure it
    /// is now.
    ///
    /// # Errors
    ///
    /// The memory cannot be read.
    fn recall(
        &self,
        workspace: &str,
        text: &str,
        limit: usize,
    ) -> Result<Vec<(Learning, f64)>, Failure>;
}

/// What learners propose and a person decides about.
///
/// The loop does not use it.
pub trait Proposals: Send + Sync {
    /// Keeps what a learner proposed after a task, and returns how much more there is to decide. What a person decided is not
    /// kept again without new evidence.
    ///
    /// # Errors
    ///
    /// The proposals cannot be kept.
    fn propose(
        &self,
        learner: &str,
        task: &TaskId,
        proposals: &[Proposal],
    ) -> Result<usize, Failure>;
}

/// Proposals that nobody keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProposals;

impl Proposals for NoProposals {
    fn propose(&self, _: &str, _: &TaskId, _: &[Proposal]) -> Result<usize, Failure> {
        Ok(0)
    }
}

/// Clocks and waiting.
pub trait Clock: Send + Sync {
    /// Returns the milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// Returns the milliseconds of a clock that only goes forward.
    fn monotonic_ms(&self) -> u64;

    /// Returns a future that is ready after `duration`.
    fn sleep(&self, duration: Duration) -> Pending<'static, ()>;
}

/// The user's wish that the run ends.
pub trait Cancellation: Send + Sync {
    /// Waits until the run is to end.
    fn cancelled(&self) -> Pending<'static, ()>;
}

/// What a person says to a run that is under way.
pub trait Steering: Send + Sync {
    /// Takes what was said since the last call, as one text.
    fn take(&self) -> Option<String>;
}

/// The form that a task's result has to have: what `--json-schema` asks for.
///
/// It is asked while the work is evaluated, so that a result of another form is a fact that the model can act on.
pub trait ResultSchema: Send + Sync {
    /// Returns the schema, for the provider's own structured output.
    fn schema(&self) -> &serde_json::Value;

    /// Checks the text of an answer.
    ///
    /// # Errors
    ///
    /// One sentence that says what does not fit, and where.
    fn check(&self, text: &str) -> Result<(), String>;
}
