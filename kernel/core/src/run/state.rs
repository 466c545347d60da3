//! The state that the phases of a run share.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::AtomicBool},
};

use super::{attempt::Attempt, halt::Paused, meter::TurnMeter, ports::Ports, prompt};
use crate::{
    approval::Unanswered,
    change_set::ChangeSet,
    contract::{Contract, Effort, Repair},
    evaluation::{Check, EvaluatorCard, Rubric},
    event::{Entry, Event},
    fact,
    gate::{Gate, Policy},
    memory::Note,
    message::Role,
    network::OpenPages,
    port::JournalError,
    recorder::{RecordError, Recorder},
    task::{Task, TaskSettings, own_words},
    tool::Tool,
};

/// Key of the first facts of a run.
pub(super) const START: &str = "start";

pub(super) use crate::recorder::END;

/// Returns the settings that held at the end of a journal.
pub(super) fn settings(entries: &[Entry]) -> Option<TaskSettings> {
    entries.iter().rev().find_map(|entry| match &entry.event {
        Event::TaskResumed { settings: Some(settings) } => Some((**settings).clone()),
        Event::TaskStarted { task, .. } => Some(task.settings.clone()),
        _ => None,
    })
}

/// How often a call came in a row.
#[derive(Clone, Default)]
pub(super) struct Repeated {
    pub(super) count: u32,
    /// What it was answered the last time, if it only reads.
    pub(super) answer: String,
}

/// A run under way.
pub(super) struct Run {
    pub(super) task: Task,
    pub(super) tools: Vec<Tool>,
    pub(super) evaluators: Vec<EvaluatorCard>,
    pub(super) overview: String,
    pub(super) instructions: String,
    /// What is remembered that may be of use.
    pub(super) notes: Vec<Note>,
    /// What the user wants the task to be held to, a sentence a line.
    pub(super) directive: String,
    /// What the chamber tells whoever works.
    pub(super) told: String,
    pub(super) ports: Ports,
    pub(super) recorder: Arc<Recorder>,
    pub(super) gate: Arc<Gate>,
    pub(super) meter: Arc<TurnMeter>,
    pub(super) contract: Contract,
    pub(super) rubric: Option<Rubric>,
    /// Sum of the effects of all calls so far.
    pub(super) changes: ChangeSet,
    /// True if something was done: a file changed, a place that no state covers, or something outside.
    pub(super) acted: bool,
    /// True if a call was to change files, whatever came of it.
    pub(super) tried: bool,
    /// True if a program was run to look at the work.
    pub(super) ran: bool,
    /// Places that changed and that no state covers.
    pub(super) uncovered: Vec<String>,
    /// Places in which the run's programs left by-products.
    pub(super) by_products: BTreeSet<String>,
    /// When the first call that may have an effect began, in milliseconds since 1970.
    pub(super) acting_since: Option<u64>,
    /// Paths that others changed too, and that were left as they are.
    pub(super) conflicts: Vec<String>,
    /// Checks on the untouched tree, once something was about to change.
    pub(super) baseline: Option<Vec<Check>>,
    /// True if the checks began to run on it beside the model's reading.
    pub(super) baseline_begun: AtomicBool,
    /// Files that the checks rewrote on the untouched tree.
    pub(super) rewritten_before: Vec<String>,
    pub(super) attempts: Vec<Attempt>,
    /// Steps that evaluations added to the plan.
    pub(super) repairs: Vec<Repair>,
    /// The last call, and the number of times that it came in a row with nothing changed between.
    pub(super) repeats: HashMap<(String, String), Repeated>,
    /// Programs in the background, as far as the model knows.
    pub(super) running: Vec<String>,
    /// Questions that nobody was there to answer.
    pub(super) unanswered: Vec<Unanswered>,
    /// What the person said since the run began, oldest first.
    pub(super) steered: Vec<String>,
    /// What the model is told with its next tool result.
    pub(super) news: String,
    /// What the model said in this iteration.
    pub(super) said: String,
    /// Reason for which the present iteration was ended, for the model.
    pub(super) ended: Option<String>,
    /// The same, or that no rounds were left, for a person.
    pub(super) cut_short: Option<String>,
    /// Reason for which a provider withheld the answer.
    pub(super) withheld: Option<String>,
    /// True if a provider would not hold an answer to the schema of the result.
    pub(super) schema_refused: bool,
}

impl Run {
    /// Begins with the first fact of the journal. `settings` are those of the last resume, if it changed them.
    pub(super) fn begin(
        recorder: Arc<Recorder>,
        policy: Policy,
        ports: Ports,
        settings: Option<TaskSettings>,
    ) -> Result<Self, Paused> {
        let Some(fact::TaskStarted {
            mut task,
            models,
            overview,
            instructions,
            notes,
            tools,
            evaluators,
            ..
        }) = recorder.recall(START)
        else {
            return Err(Paused::Record(RecordError::Journal(JournalError(
                "it does not begin with a task".to_owned(),
            ))));
        };
        let sentences = recorder.recall(START).map(|fact::DirectiveMade { sentences }| sentences);
        let directive: Vec<String> =
            sentences.unwrap_or_default().into_iter().map(|one| one.text).collect();
        let directive = directive.join("\n");
        if let Some(settings) = settings {
            task.settings = settings;
        }
        let (workspace, session) = (task.workspace.clone(), task.session.to_string());
        let pages = OpenPages::of_task(&task.text);
        let policy = Policy { workspace, session, pages, ..policy };
        let (approver, cancellation) = (ports.approver.clone(), ports.cancellation.clone());
        let gate = Arc::new(Gate::new(policy, approver, recorder.clone(), cancellation));
        let meter = Arc::new(TurnMeter::new(&task, models, recorder.clone(), &ports));
        Ok(Self {
            task: *task,
            tools,
            evaluators,
            overview,
            instructions,
            notes,
            directive,
            told: String::new(),
            ports,
            recorder,
            gate,
            meter,
            contract: Contract::none(),
            rubric: None,
            changes: ChangeSet::default(),
            acted: false,
            tried: false,
            ran: false,
            uncovered: Vec::new(),
            by_products: BTreeSet::new(),
            conflicts: Vec::new(),
            acting_since: None,
            baseline: None,
            baseline_begun: AtomicBool::new(false),
            rewritten_before: Vec::new(),
            attempts: Vec::new(),
            repairs: Vec::new(),
            repeats: HashMap::new(),
            running: Vec::new(),
            unanswered: Vec::new(),
            steered: Vec::new(),
            news: String::new(),
            said: String::new(),
            ended: None,
            cut_short: None,
            withheld: None,
            schema_refused: false,
        })
    }

    /// Returns what the person asked for, from the beginning until now.
    pub(super) fn asked(&self) -> String {
        let said = self.steered.iter().map(|text| prompt::steered(text));
        std::iter::once(self.task.text.clone()).chain(said).collect::<Vec<_>>().join("\n\n")
    }

    /// Returns what the person says in that, without what was piped or put into it: that lets nothing through.
    pub(super) fn own_words(&self) -> String {
        std::iter::once(&self.task.text).chain(&self.steered).map(|text| own_words(text)).collect()
    }

    /// Returns whether a planner makes the plan: a model of its own, or any for the chamber. Otherwise the executor does, once it knows enough.
    pub(super) fn has_planner(&self) -> bool {
        let name = |role| self.meter.card(&Role::new(role)).name;
        self.task.settings.think || name(Role::PLANNER) != name(Role::EXECUTOR)
    }

    /// Returns what the task takes: what the plan says, or else what was tried.
    pub(super) fn effort(&self) -> Effort {
        match self.contract.effort {
            Effort::Open if self.tried => Effort::Change,
            effort => effort,
        }
    }

    /// Returns whether nobody was asked what the task takes. Where a planner was asked and said nothing that can be
    /// read, it is not known to be a question, and what comes of it is evaluated.
    pub(super) fn is_open(&self) -> bool {
        self.effort() == Effort::Open && !(self.plans() && self.has_planner())
    }

    /// Returns whether a plan belongs to this run at all.
    pub(super) fn plans(&self) -> bool {
        self.task.settings.plan && self.task.settings.max_iterations > 0
    }
}
