//! The facts of a run, past tense. They are the journal, and all that anybody sees of a run is made from them.

use serde::{Deserialize, Serialize};

use crate::{
    approval::{Answer, Unanswered},
    change_set::{CallEffects, PathEffect},
    contract::{Contract, Repair},
    decision::Decision,
    deliberation::{
        assessment::{Assessment, UserQuestion},
        futures::Futures,
        motion::Motion,
        ruling::{Ruling, Seat, Stop},
    },
    evaluation::{EvaluatorCard, Rubric, Verdict},
    evidence::Standing,
    failure::Failure,
    id::TreeId,
    ledger::Reservation,
    memory::Note,
    message::{ToolCall, Turn},
    model::{ModelCard, ModelError},
    outcome::{Outcome, Pause, Trip},
    skill::SkillUse,
    task::{Task, TaskSettings},
    tool::{Effect, Receipt, Tool, ToolOutput},
};

/// A sentence of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectiveSentence {
    /// The sentence.
    pub text: String,
    /// Where it came from: `soul`, `values`, `trajectory`, or the id of a learning.
    pub source: String,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the entry in the journal of its task, counted from 1: what surfaces follow. 0 in what was written
    /// without one.
    #[serde(default)]
    pub seq: u64,
    /// Operation of the loop that it belongs to, for example `i1/t2` or `i1/t2/c0`. The loop gives the same
    /// operation the same key whenever it runs, which is what resuming rests on.
    pub key: String,
    /// Time of the entry, in milliseconds since 1970.
    pub at_ms: u64,
    /// Running time of the run so far, pauses left out, in milliseconds.
    pub elapsed_ms: u64,
    /// The fact itself.
    pub event: Event,
}

impl Entry {
    /// Returns when entries that are appended together have to be on the disk. The last one decides: those before it
    /// were let wait for it.
    pub fn durability(entries: &[Self]) -> Durability {
        entries.last().map_or(Durability::Now, |last| last.event.durability())
    }
}

/// When a fact has to be on the disk. It outlives the program at once in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before anything follows from it.
    Now,
    /// As [`Durability::Now`], unless something reached the disk less than [`Durability::SOON_MS`] before it.
    Soon,
    /// Together with the next one that is not later.
    Later,
}

impl Durability {
    /// The time of which a power cut may take what was asked of models, in milliseconds.
    pub const SOON_MS: u64 = 1_000;
}

/// Version of the rules by which a run goes on from its journal: the loop's prompts and its decisions. A journal of another
/// version is not damaged where a replay differs from it.
pub const RULES: u32 = 3;

/// One fact of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// A task was accepted for work.
    #[serde(rename = "task.started")]
    TaskStarted {
        /// The task as it was accepted.
        task: Box<Task>,
        /// Models of the roles: of each the first, then those that are asked when it is unavailable.
        models: Vec<(String, ModelCard)>,
        /// Description of the workspace, for the models.
        overview: String,
        /// Project rules and skills that apply, for the system prompt.
        instructions: String,
        /// What is remembered that may be of use.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<Note>,
        /// Skills that the instructions hold whole.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skills: Vec<SkillUse>,
        /// Tools that the run may use.
        tools: Vec<Tool>,
        /// Evaluators that the run may ask.
        evaluators: Vec<EvaluatorCard>,
        /// Version of the rules that the run is made under: [`RULES`].
        #[serde(default)]
        rules: u32,
    },
    /// A stopped run was taken up again. Limits that stopped it before are forgotten.
    #[serde(rename = "task.resumed")]
    TaskResumed {
        /// Settings from here on; absent if they are as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Box<TaskSettings>>,
    },
    /// A role resolves to other models than the journal knew, from this turn on.
    #[serde(rename = "models.resolved")]
    ModelsResolved {
        /// The role.
        role: String,
        /// Models of the role: the first, then those that are asked when it is unavailable.
        models: Vec<ModelCard>,
    },
    /// The person said something to the run that is under way.
    #[serde(rename = "task.steered")]
    TaskSteered {
        /// The words of the person.
        text: String,
    },
    /// Programs in the background have ended without the model's doing, and it is told.
    #[serde(rename = "programs.gone")]
    ProgramsGone {
        /// The programs, as commands.
        programs: Vec<String>,
    },
    /// The plan is made.
    #[serde(rename = "plan.made")]
    PlanMade {
        /// Steps and criteria of the plan.
        contract: Contract,
        /// Rubric of the kind of work, if there is one.
        rubric: Option<Rubric>,
    },
    /// What the user wants this task to be held to was chosen.
    #[serde(rename = "directive.made")]
    DirectiveMade {
        /// Its sentences, each with where it came from.
        sentences: Vec<DirectiveSentence>,
    },
    /// A motion was put before the chamber.
    #[serde(rename = "motion.put")]
    MotionPut {
        /// The motion.
        motion: Box<Motion>,
        /// The agencies that are asked.
        agencies: Vec<String>,
        /// Those that are not, because they changed nothing for work of this kind.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        spared: Vec<String>,
    },
    /// An agency said what it thinks of the motion; a failure means that it abstains.
    #[serde(rename = "agency.heard")]
    AgencyHeard {
        /// Name of the agency.
        agency: String,
        /// What it said, or its failure.
        result: Result<Assessment, Failure>,
    },
    /// The chamber came to a conclusion.
    #[serde(rename = "deliberation.held")]
    DeliberationHeld {
        /// Kind of the work, as the contract has it.
        kind: String,
        /// The agencies, with what counts of what they said.
        seats: Vec<Seat>,
        /// The conclusion.
        ruling: Box<Ruling>,
    },
    /// Something speaks against a task that no chamber looks at. It was computed: nobody was asked, and nothing is stopped.
    #[serde(rename = "objections.computed")]
    ObjectionsComputed {
        /// What speaks against it.
        stops: Vec<Stop>,
    },
    /// The user overruled what the chamber had stopped.
    #[serde(rename = "ruling.overruled")]
    RulingOverruled {
        /// Reason of the user.
        reason: String,
        /// What was overruled.
        stops: Vec<Stop>,
    },
    /// A question of the chamber was answered, or nobody was there and something is assumed.
    #[serde(rename = "question.answered")]
    QuestionAnswered {
        /// The question.
        question: UserQuestion,
        /// Answer of the user; absent where nobody gave one.
        answer: Option<String>,
    },
    /// The ways that a simulation found.
    #[serde(rename = "futures.drawn")]
    FuturesDrawn {
        /// The ways.
        futures: Box<Futures>,
    },
    /// The state of the workspace was recorded.
    #[serde(rename = "tree.captured")]
    TreeCaptured {
        /// Id of the recorded state.
        tree: TreeId,
    },
    /// The run's own changes were looked at.
    #[serde(rename = "tree.compared")]
    TreeCompared {
        /// Files that the run changed.
        changes: Vec<crate::evaluation::Change>,
        /// The difference as a unified diff.
        diff: String,
        /// Paths of the run that somebody else changed since.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        foreign: Vec<String>,
    },
    /// Paths that the run had changed were brought to other states.
    #[serde(rename = "tree.restored")]
    TreeRestored {
        /// Id of the whole state that was restored, in journals of version 0.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tree: Option<TreeId>,
        /// Wanted changes.
        #[serde(default)]
        steps: Vec<PathEffect>,
        /// Paths that are now as wanted.
        #[serde(default)]
        done: Vec<String>,
        /// Paths that were left, because somebody else had changed them.
        #[serde(default)]
        conflicts: Vec<String>,
        /// The wanted changes as a person is shown them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<crate::evaluation::Change>,
    },
    /// An iteration began.
    #[serde(rename = "iteration.started")]
    IterationStarted {
        /// Number of the iteration, counted from 1.
        number: u32,
    },
    /// A model is being asked.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// Role that asks.
        role: String,
        /// Name of the model, `provider/model`.
        model: String,
        /// SHA-256 of the request's JSON; empty if it is not known.
        #[serde(default)]
        request: String,
        /// Reservation for the turn.
        reserved: Reservation,
    },
    /// A turn was under way when the program died, and its whole reservation counts as spent; or it was cut by the
    /// user or the time limit, and what had arrived of it counts. After a turn that failed, whose cost is counted
    /// already, nothing does.
    #[serde(rename = "turn.lost")]
    TurnLost {
        /// Amount that counts as spent.
        reserved: Reservation,
    },
    /// A model could not answer; the run pauses and asks again when it is resumed.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// Role that asked.
        role: String,
        /// Name of the model, `provider/model`.
        model: String,
        /// Error of the model, with the part of the turn that had arrived.
        error: ModelError,
        /// Amount that this part took.
        #[serde(default)]
        spent: Reservation,
    },
    /// A provider would not look at something in the conversation; words stand for it from here on.
    #[serde(rename = "prompt.reduced")]
    PromptReduced {
        /// Message of the provider.
        reason: String,
    },
    /// A provider would not hold the answer to the schema of the result; it is not asked to any more.
    #[serde(rename = "schema.refused")]
    SchemaRefused {
        /// Message of the provider.
        reason: String,
    },
    /// The answer does not have the form that the result has to have, and is asked for once more.
    #[serde(rename = "result.asked")]
    ResultAsked {
        /// What does not fit, and where.
        misfit: String,
    },
    /// A model answered, or said that the conversation is too long.
    #[serde(rename = "turn.finished")]
    TurnFinished {
        /// Role that asked.
        role: String,
        /// Name of the model that answered, `provider/model`.
        model: String,
        /// The turn, or the error that the conversation is too long.
        result: Result<Turn, ModelError>,
        /// Amount that it took.
        spent: Reservation,
    },
    /// The gate decided about a call or a use of a capability.
    #[serde(rename = "gate.decided")]
    GateDecided {
        /// Component that wanted it, or the loop.
        origin: String,
        /// Name of the tool or capability.
        action: String,
        /// Effect on the world.
        effect: Effect,
        /// Domain whose trust level held.
        domain: String,
        /// Target of the action.
        target: String,
        /// Decision with its ground.
        decision: Decision,
        /// Answer of the person, if one was asked.
        answer: Option<Answer>,
        /// Hash of the question that was answered, by which it is known when it comes again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<String>,
    },
    /// A call asked what nobody was there to answer; it was refused, and the run went on.
    #[serde(rename = "questions.left")]
    QuestionsLeft {
        /// The questions, with their targets and hashes.
        questions: Vec<Unanswered>,
    },
    /// A tool call is about to run.
    #[serde(rename = "call.started")]
    CallStarted {
        /// The call as the model wrote it.
        call: ToolCall,
        /// Effect on the world.
        effect: Effect,
        /// Component that runs the tool.
        origin: String,
        /// True if running it twice does the same as running it once.
        idempotent: bool,
        /// Target of the call.
        target: String,
    },
    /// A tool call ended.
    #[serde(rename = "call.finished")]
    CallFinished {
        /// Name of the tool.
        tool: String,
        /// Output of the tool, or its failure.
        result: Result<ToolOutput, Failure>,
        /// Duration in milliseconds.
        duration_ms: u64,
    },
    /// Paths are about to be changed on behalf of a call.
    #[serde(rename = "effects.intended")]
    EffectsIntended {
        /// Each path with the state before and the one that is wanted.
        paths: Vec<PathEffect>,
    },
    /// A call ended, and this is what it did to the workspace.
    #[serde(rename = "effects.kept")]
    EffectsKept {
        /// Effects of the call.
        effects: CallEffects,
    },
    /// A program that ran on behalf of a call or an evaluation ended.
    #[serde(rename = "process.finished")]
    ProcessFinished {
        /// Receipt of the host for the program.
        receipt: Receipt,
        /// State of the workspace when it ran, if it is known.
        tree: Option<TreeId>,
    },
    /// The answer was held against the form that the result has to have.
    #[serde(rename = "result.checked")]
    ResultChecked {
        /// What does not fit, and where; absent if the answer has the form.
        misfit: Option<String>,
    },
    /// An evaluator is being asked.
    #[serde(rename = "evaluation.started")]
    EvaluationStarted {
        /// Name of the evaluator.
        evaluator: String,
    },
    /// An evaluator answered; a failure means *not evaluated*.
    #[serde(rename = "evaluation.finished")]
    EvaluationFinished {
        /// Name of the evaluator.
        evaluator: String,
        /// Verdict of the evaluator, or its failure.
        result: Result<Verdict, Failure>,
        /// State of the workspace that was judged.
        tree: Option<TreeId>,
    },
    /// The loop decided how to go on.
    #[serde(rename = "iteration.decided")]
    IterationDecided {
        /// Number of the iteration.
        number: u32,
        /// One of `accept`, `refine`, `resample` and `stop`.
        decision: String,
        /// Reason in one sentence.
        reason: String,
        /// Evidence about the work.
        standing: Standing,
    },
    /// The plan was edited: steps for what the evaluation found, and marks on steps that it showed to be fixed.
    #[serde(rename = "plan.refined")]
    PlanRefined {
        /// Number of the iteration that was evaluated.
        number: u32,
        /// Every step that refinement has added so far.
        repairs: Vec<Repair>,
    },
    /// A component says what it is doing.
    #[serde(rename = "progress.reported")]
    ProgressReported {
        /// Name of the component.
        origin: String,
        /// Message of the component for a person.
        message: String,
    },
    /// Four fifths of the budget are spent.
    #[serde(rename = "budget.warned")]
    BudgetWarned {
        /// Amount that is spent so far.
        spent: Reservation,
    },
    /// A breaker ended the run.
    #[serde(rename = "breaker.tripped")]
    BreakerTripped {
        /// Reason and numbers of the breaker.
        trip: Trip,
    },
    /// The run stopped before its end; it can be resumed.
    #[serde(rename = "task.paused")]
    TaskPaused {
        /// Reason in words, for a person.
        reason: String,
        /// Reason as data; absent in journals of version 0.1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Pause>,
        /// State of the work where a limit stopped it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Box<Outcome>>,
    },
    /// The run came to its end.
    #[serde(rename = "task.finished")]
    TaskFinished {
        /// Everything that the run came to.
        outcome: Box<Outcome>,
    },
}

impl Event {
    /// Returns whether the loop concludes the fact by itself and does nothing before its next intent: lost with the
    /// program, it is concluded again from what is left.
    pub fn waits(&self) -> bool {
        self.is_news()
            || matches!(
                self,
                Self::TaskStarted { .. }
                    | Self::ModelsResolved { .. }
                    | Self::PlanMade { .. }
                    | Self::DirectiveMade { .. }
                    | Self::MotionPut { .. }
                    | Self::DeliberationHeld { .. }
                    | Self::FuturesDrawn { .. }
                    | Self::PlanRefined { .. }
                    | Self::TreeCaptured { .. }
                    | Self::TreeCompared { .. }
                    | Self::ResultChecked { .. }
                    | Self::EffectsKept { .. }
                    | Self::QuestionsLeft { .. }
                    | Self::ProgramsGone { .. }
                    | Self::IterationStarted { .. }
                    | Self::IterationDecided { .. }
            )
    }

    /// Returns when the fact has to be on the disk. Because of one that may be there later nothing is done outside before
    /// another one is: the intent of a turn, of a program or of a change of files. A power cut takes it back together
    /// with all that was concluded from it, and what was read or answered is then read or asked for again.
    fn durability(&self) -> Durability {
        let is_later = match self {
            // A round of reading costs a wait for the disk otherwise. What a power cut takes is asked for again, and
            // what a second of it cost is not known then.
            Self::TurnStarted { .. } => return Durability::Soon,
            // What changes files says so by an intent of its own.
            Self::CallStarted { effect, .. } => matches!(effect, Effect::Read | Effect::Write),
            Self::TurnFinished { .. }
            | Self::TurnFailed { .. }
            | Self::TurnLost { .. }
            | Self::CallFinished { .. }
            | Self::ProcessFinished { .. }
            | Self::AgencyHeard { .. }
            | Self::EvaluationFinished { .. } => true,
            fact => fact.waits(),
        };
        if is_later { Durability::Later } else { Durability::Now }
    }

    /// Returns whether a replay that comes to `other` agrees with this recorded fact.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::TurnStarted { request, .. },
                Self::TurnStarted { role, model, reserved, .. },
            ) if request.is_empty() => {
                let (role, model, reserved) = (role.clone(), model.clone(), *reserved);
                *self == Self::TurnStarted { role, model, request: String::new(), reserved }
            }
            _ => self == other,
        }
    }

    /// Removes the name of a turn's request, which then agrees with any.
    pub(crate) fn forget_request(&mut self) {
        if let Self::TurnStarted { request, .. } = self {
            request.clear();
        }
    }

    /// Returns whether the fact tells of the present moment and has no consequence for the run.
    pub fn is_news(&self) -> bool {
        matches!(
            self,
            Self::EvaluationStarted { .. }
                | Self::ProgressReported { .. }
                | Self::ObjectionsComputed { .. }
        )
    }

    /// Returns whether the fact belongs to a turn of a model.
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
            Self::TaskResumed { .. } => "task.resumed",
            Self::ModelsResolved { .. } => "models.resolved",
            Self::TaskSteered { .. } => "task.steered",
            Self::ProgramsGone { .. } => "programs.gone",
            Self::PlanMade { .. } => "plan.made",
            Self::DirectiveMade { .. } => "directive.made",
            Self::MotionPut { .. } => "motion.put",
            Self::AgencyHeard { .. } => "agency.heard",
            Self::DeliberationHeld { .. } => "deliberation.held",
            Self::ObjectionsComputed { .. } => "objections.computed",
            Self::RulingOverruled { .. } => "ruling.overruled",
            Self::QuestionAnswered { .. } => "question.answered",
            Self::FuturesDrawn { .. } => "futures.drawn",
            Self::TreeCaptured { .. } => "tree.captured",
            Self::TreeCompared { .. } => "tree.compared",
            Self::TreeRestored { .. } => "tree.restored",
            Self::IterationStarted { .. } => "iteration.started",
            Self::TurnStarted { .. } => "turn.started",
            Self::TurnLost { .. } => "turn.lost",
            Self::TurnFailed { .. } => "turn.failed",
            Self::PromptReduced { .. } => "prompt.reduced",
            Self::SchemaRefused { .. } => "schema.refused",
            Self::ResultAsked { .. } => "result.asked",
            Self::TurnFinished { .. } => "turn.finished",
            Self::GateDecided { .. } => "gate.decided",
            Self::QuestionsLeft { .. } => "questions.left",
            Self::CallStarted { .. } => "call.started",
            Self::CallFinished { .. } => "call.finished",
            Self::EffectsIntended { .. } => "effects.intended",
            Self::EffectsKept { .. } => "effects.kept",
            Self::ProcessFinished { .. } => "process.finished",
            Self::ResultChecked { .. } => "result.checked",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_not_known_agrees_with_any_and_a_known_one_with_itself_only() {
        let asked = |role: &str, request: &str| Event::TurnStarted {
            role: role.to_owned(),
            model: "p/m".to_owned(),
            request: request.to_owned(),
            reserved: Reservation::default(),
        };

        assert!(asked("executor", "").agrees_with(&asked("executor", "aa")));
        assert!(!asked("executor", "").agrees_with(&asked("planner", "aa")));
        assert!(asked("executor", "aa").agrees_with(&asked("executor", "aa")));
        assert!(!asked("executor", "aa").agrees_with(&asked("executor", "bb")));
        assert!(!asked("executor", "aa").agrees_with(&asked("executor", "")));
    }
}
