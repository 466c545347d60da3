//! The facts that a run recalls from its journal, each as a type: [`Recorder::recall`](crate::recorder::Recorder::recall)
//! is asked for one of them, and gives back what follows from it.

use crate::{
    approval::{Answer, Unanswered},
    change_set::{CallEffects, PathEffect},
    decision::Decision,
    deliberation::{assessment::Assessment, motion::Motion},
    evaluation::{Change, EvaluatorCard, Rubric, Verdict},
    event::{DirectiveSentence, Event},
    failure::Failure,
    id::TreeId,
    ledger::Reservation,
    memory::Note,
    message::{ToolCall, Turn},
    model::{ModelCard, ModelError},
    outcome::{Outcome, Trip},
    task::Task,
    tool::{Effect, Tool, ToolOutput},
};

/// An event that is recalled by its type.
pub(crate) trait Fact: Sized {
    /// Name of the event.
    const NAME: &'static str;

    /// Returns the fact that an event of this name is.
    fn of(event: Event) -> Option<Self>;
}

/// Defines facts by the fields of their events that a run looks at.
macro_rules! facts {
    ($($kind:ident $name:literal { $($field:ident: $type:ty),* $(,)? })*) => {$(
        pub(crate) struct $kind {
            $(pub(crate) $field: $type),*
        }

        impl Fact for $kind {
            const NAME: &'static str = $name;

            fn of(event: Event) -> Option<Self> {
                match event {
                    Event::$kind { $($field,)* .. } => Some(Self { $($field),* }),
                    _ => None,
                }
            }
        }
    )*};
}

facts! {
    TaskStarted "task.started" {
        task: Box<Task>,
        models: Vec<(String, ModelCard)>,
        overview: String,
        instructions: String,
        notes: Vec<Note>,
        tools: Vec<Tool>,
        evaluators: Vec<EvaluatorCard>,
    }
    TaskResumed "task.resumed" {}
    ModelsResolved "models.resolved" { role: String, models: Vec<ModelCard> }
    TaskSteered "task.steered" { text: String }
    ProgramsGone "programs.gone" { programs: Vec<String> }
    PlanMade "plan.made" { rubric: Option<Rubric> }
    DirectiveMade "directive.made" { sentences: Vec<DirectiveSentence> }
    MotionPut "motion.put" { motion: Box<Motion>, agencies: Vec<String> }
    AgencyHeard "agency.heard" { result: Result<Assessment, Failure> }
    ObjectionsComputed "objections.computed" {}
    QuestionAnswered "question.answered" { answer: Option<String> }
    TreeCaptured "tree.captured" { tree: TreeId }
    TreeCompared "tree.compared" { changes: Vec<Change>, diff: String, foreign: Vec<String> }
    TreeRestored "tree.restored" {
        steps: Vec<PathEffect>,
        done: Vec<String>,
        conflicts: Vec<String>,
        changes: Vec<Change>,
    }
    IterationStarted "iteration.started" {}
    IterationDecided "iteration.decided" { decision: String }
    TurnStarted "turn.started" { reserved: Reservation }
    TurnLost "turn.lost" { reserved: Reservation }
    TurnFailed "turn.failed" { error: ModelError, spent: Reservation }
    PromptReduced "prompt.reduced" { reason: String }
    SchemaRefused "schema.refused" {}
    ResultAsked "result.asked" { misfit: String }
    TurnFinished "turn.finished" { result: Result<Turn, ModelError>, spent: Reservation }
    GateDecided "gate.decided" {
        origin: String,
        action: String,
        effect: Effect,
        domain: String,
        target: String,
        decision: Decision,
        answer: Option<Answer>,
        question: Option<String>,
    }
    QuestionsLeft "questions.left" { questions: Vec<Unanswered> }
    CallStarted "call.started" { call: ToolCall, effect: Effect, target: String }
    CallFinished "call.finished" { tool: String, result: Result<ToolOutput, Failure> }
    EffectsIntended "effects.intended" { paths: Vec<PathEffect> }
    EffectsKept "effects.kept" { effects: CallEffects }
    ResultChecked "result.checked" { misfit: Option<String> }
    EvaluationFinished "evaluation.finished" { result: Result<Verdict, Failure> }
    BreakerTripped "breaker.tripped" { trip: Trip }
    TaskFinished "task.finished" { outcome: Box<Outcome> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_has_the_name_of_its_event() {
        let tree = TreeId::new("t");
        let events = [
            (TreeCaptured::NAME, Event::TreeCaptured { tree }),
            (TaskResumed::NAME, Event::TaskResumed { settings: None }),
            (ResultChecked::NAME, Event::ResultChecked { misfit: None }),
            (TaskSteered::NAME, Event::TaskSteered { text: String::new() }),
            (ProgramsGone::NAME, Event::ProgramsGone { programs: Vec::new() }),
            (IterationStarted::NAME, Event::IterationStarted { number: 1 }),
            (PromptReduced::NAME, Event::PromptReduced { reason: String::new() }),
            (SchemaRefused::NAME, Event::SchemaRefused { reason: String::new() }),
            (ResultAsked::NAME, Event::ResultAsked { misfit: String::new() }),
            (EffectsIntended::NAME, Event::EffectsIntended { paths: Vec::new() }),
            (EffectsKept::NAME, Event::EffectsKept { effects: CallEffects::default() }),
            (QuestionsLeft::NAME, Event::QuestionsLeft { questions: Vec::new() }),
            (TurnLost::NAME, Event::TurnLost { reserved: Reservation::default() }),
        ];
        for (name, event) in events {
            assert_eq!(name, event.name());
        }
        assert!(TreeCaptured::of(Event::TaskResumed { settings: None }).is_none());
    }
}
