//! The facts of a run, past tense. They are the journal, and all that anybody sees of a run is made from them.

use serde::{Deserialize, Serialize};

use crate::{
    approval::Answer,
    contract::{Contract, Repair},
    decision::Decision,
    evaluation::{EvaluatorCard, Rubric, Verdict},
    evidence::Standing,
    failure::Failure,
    id::TreeId,
    ledger::Reservation,
    message::{ToolCall, Turn},
    model::{ModelCard, ModelError},
    outcome::{Outcome, Trip},
    task::Task,
    tool::{Effect, Receipt, Tool, ToolOutput},
};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which operation of the loop it belongs to, for example `i1/t2` or `i1/t2/c0`. The loop gives the same
    /// operation the same key whenever it runs, which is what resuming rests on.
    pub key: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long the run had been running, pauses left out, in milliseconds.
    pub elapsed_ms: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// A task was accepted for work.
    #[serde(rename = "task.started")]
    TaskStarted {
        /// The task.
        task: Box<Task>,
        /// What the roles resolve to.
        models: Vec<(String, ModelCard)>,
        /// What the model is told of the workspace.
        overview: String,
        /// The project's rules and the skills that apply, for the system prompt.
        instructions: String,
        /// The tools on offer.
        tools: Vec<Tool>,
        /// The evaluators to ask.
        evaluators: Vec<EvaluatorCard>,
    },
    /// A stopped run was taken up again.
    #[serde(rename = "task.resumed")]
    TaskResumed,
    /// The plan is made.
    #[serde(rename = "plan.made")]
    PlanMade {
        /// Steps and criteria.
        contract: Contract,
        /// What the rubric tier judges by.
        rubric: Option<Rubric>,
    },
    /// The state of the workspace was recorded.
    #[serde(rename = "tree.captured")]
    TreeCaptured {
        /// Its name.
        tree: TreeId,
    },
    /// The workspace was compared with the state at the beginning.
    #[serde(rename = "tree.compared")]
    TreeCompared {
        /// What changed.
        changes: Vec<crate::evaluation::Change>,
        /// The difference as text.
        diff: String,
    },
    /// The workspace was brought back to a recorded state.
    #[serde(rename = "tree.restored")]
    TreeRestored {
        /// Its name.
        tree: TreeId,
    },
    /// An iteration began.
    #[serde(rename = "iteration.started")]
    IterationStarted {
        /// Counted from 1.
        number: u32,
    },
    /// A model is being asked.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The role.
        role: String,
        /// `provider/model`.
        model: String,
        /// SHA-256 of the request.
        request: String,
        /// The most that it may take.
        reserved: Reservation,
    },
    /// A turn was under way when the program died; what it may have cost counts as spent. After a turn that failed,
    /// whose cost is known, it is nothing.
    #[serde(rename = "turn.lost")]
    TurnLost {
        /// The most that it may have taken.
        reserved: Reservation,
    },
    /// A model could not answer; the run pauses and asks again when it is resumed.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// The role.
        role: String,
        /// `provider/model`.
        model: String,
        /// Why, with what had arrived.
        error: ModelError,
        /// What that took.
        #[serde(default)]
        spent: Reservation,
    },
    /// A model answered, or said that the conversation is too long.
    #[serde(rename = "turn.finished")]
    TurnFinished {
        /// The role.
        role: String,
        /// `provider/model`.
        model: String,
        /// The turn.
        result: Result<Turn, ModelError>,
        /// What it took.
        spent: Reservation,
    },
    /// The gate decided about a call or a use of a capability.
    #[serde(rename = "gate.decided")]
    GateDecided {
        /// Who wanted it.
        origin: String,
        /// The tool or capability.
        action: String,
        /// What it does.
        effect: Effect,
        /// The domain.
        domain: String,
        /// What is acted on.
        target: String,
        /// What was decided.
        decision: Decision,
        /// What the person answered, if one was asked.
        answer: Option<Answer>,
    },
    /// A tool call is about to run.
    #[serde(rename = "call.started")]
    CallStarted {
        /// The call.
        call: ToolCall,
        /// What it does.
        effect: Effect,
        /// Who runs it.
        origin: String,
        /// Whether it may run twice.
        idempotent: bool,
        /// What is acted on.
        target: String,
    },
    /// A tool call ended.
    #[serde(rename = "call.finished")]
    CallFinished {
        /// The tool.
        tool: String,
        /// What it answered.
        result: Result<ToolOutput, Failure>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A program that ran on behalf of a call or an evaluation ended.
    #[serde(rename = "process.finished")]
    ProcessFinished {
        /// The proof.
        receipt: Receipt,
        /// The state of the workspace when it ran, where it is known.
        tree: Option<TreeId>,
    },
    /// An evaluator is being asked.
    #[serde(rename = "evaluation.started")]
    EvaluationStarted {
        /// The evaluator.
        evaluator: String,
    },
    /// An evaluator answered; a failure means *not evaluated*.
    #[serde(rename = "evaluation.finished")]
    EvaluationFinished {
        /// The evaluator.
        evaluator: String,
        /// What it said.
        result: Result<Verdict, Failure>,
        /// The state of the workspace that was judged.
        tree: Option<TreeId>,
    },
    /// The loop decided how to go on.
    #[serde(rename = "iteration.decided")]
    IterationDecided {
        /// The iteration.
        number: u32,
        /// `accept`, `refine`, `resample` or `stop`.
        decision: String,
        /// Why, one sentence.
        reason: String,
        /// How the work stands.
        standing: Standing,
    },
    /// The plan was edited: what the evaluation found, and what it showed to be mended.
    #[serde(rename = "plan.refined")]
    PlanRefined {
        /// The iteration that was evaluated.
        number: u32,
        /// All steps that refinement has added so far.
        repairs: Vec<Repair>,
    },
    /// A component says what it is doing.
    #[serde(rename = "progress.reported")]
    ProgressReported {
        /// The component.
        origin: String,
        /// What it is doing.
        message: String,
    },
    /// Four fifths of the budget are spent.
    #[serde(rename = "budget.warned")]
    BudgetWarned {
        /// Spent so far.
        spent: Reservation,
    },
    /// A breaker tripped.
    #[serde(rename = "breaker.tripped")]
    BreakerTripped {
        /// Which, with its numbers.
        trip: Trip,
    },
    /// The run waits for a person, or was cancelled; it can be resumed.
    #[serde(rename = "task.paused")]
    TaskPaused {
        /// Why.
        reason: String,
    },
    /// The run ended.
    #[serde(rename = "task.finished")]
    TaskFinished {
        /// How.
        outcome: Box<Outcome>,
    },
}

impl Event {
    /// Whether the loop comes to this by itself and does nothing before its next intent: lost with the program,
    /// it is concluded again from what is left.
    pub fn waits(&self) -> bool {
        self.is_news()
            || matches!(
                self,
                Self::TaskStarted { .. }
                    | Self::PlanMade { .. }
                    | Self::PlanRefined { .. }
                    | Self::TreeCaptured { .. }
                    | Self::TreeCompared { .. }
                    | Self::IterationStarted { .. }
                    | Self::IterationDecided { .. }
            )
    }

    /// Whether it only tells what goes on at this moment: nothing follows from it.
    pub fn is_news(&self) -> bool {
        matches!(self, Self::EvaluationStarted { .. } | Self::ProgressReported { .. })
    }

    /// Whether it belongs to a turn of a model, which is never repeated.
    pub fn is_turn(&self) -> bool {
        matches!(
            self,
            Self::TurnStarted { .. }
                | Self::TurnLost { .. }
                | Self::TurnFailed { .. }
                | Self::TurnFinished { .. }
        )
    }

    /// Returns the event's name, `noun.past-participle`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TaskStarted { .. } => "task.started",
            Self::TaskResumed => "task.resumed",
            Self::PlanMade { .. } => "plan.made",
            Self::TreeCaptured { .. } => "tree.captured",
            Self::TreeCompared { .. } => "tree.compared",
            Self::TreeRestored { .. } => "tree.restored",
            Self::IterationStarted { .. } => "iteration.started",
            Self::TurnStarted { .. } => "turn.started",
            Self::TurnLost { .. } => "turn.lost",
            Self::TurnFailed { .. } => "turn.failed",
            Self::TurnFinished { .. } => "turn.finished",
            Self::GateDecided { .. } => "gate.decided",
            Self::CallStarted { .. } => "call.started",
            Self::CallFinished { .. } => "call.finished",
            Self::ProcessFinished { .. } => "process.finished",
            Self::EvaluationStarted { .. } => "evaluation.started",
            Self::EvaluationFinished { .. } => "evaluation.finished",
            Self::IterationDecided { .. } => "iteration.decided",
            Self::PlanRefined { .. } => "plan.refined",
            Self::ProgressReported { .. } => "progress.reported",
            Self::BudgetWarned { .. } => "budget.warned",
            Self::BreakerTripped { .. } => "breaker.tripped",
            Self::TaskPaused { .. } => "task.paused",
            Self::TaskFinished { .. } => "task.finished",
        }
    }
}
