//! The state of a task, read from its journal entry by entry.

use openkoi_core::{
    event::{Entry, Event},
    id::{SessionId, TaskId},
    message::Role,
    outcome::Outcome,
    task::Task,
};
use serde::{Deserialize, Serialize};

use crate::status::TaskStatus;

/// The state of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveState {
    /// Its id.
    pub task_id: TaskId,
    /// Its session.
    pub session_id: SessionId,
    /// The request of the user; its beginning, if it is long.
    pub description: String,
    /// Its status.
    pub status: TaskStatus,
    /// Its phase: `plan`, `execute`, `evaluate`, `refine` or `done`.
    pub phase: String,
    /// The iteration, counted from 1.
    pub iteration: u32,
    /// The most iterations.
    pub max_iterations: u32,
    /// The rubric's score of the last evaluated iteration, 0 to 1.
    pub score: Option<f64>,
    /// Tokens so far.
    pub tokens: u64,
    /// Money so far, in US dollars.
    pub cost_usd: f64,
    /// The most money, in US dollars.
    pub max_cost_usd: f64,
    /// `provider/model` of the executor.
    pub model: String,
    /// The workspace.
    pub workspace: String,
    /// The process that runs it.
    pub pid: u32,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When this was written.
    pub updated_ms: u64,
    /// Its running time so far, pauses left out, in milliseconds.
    pub elapsed_ms: u64,
}

/// The most characters of a request that the state files have in them. The journal has all of it.
const DESCRIBED: usize = 1_000;

fn bounded(text: &str) -> String {
    match text.char_indices().nth(DESCRIBED) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl LiveState {
    /// Returns what the entries of a task's journal say, or nothing if they do not begin with its start.
    pub fn of(entries: &[Entry]) -> Option<Self> {
        let (first, rest) = entries.split_first()?;
        let mut state = Self::started(first)?;
        let mut last = first.event.name();
        for entry in rest {
            state.advance(entry, last);
            last = entry.event.name();
        }
        Some(state)
    }

    /// Returns what the first entry of a task's journal says, or nothing if it is not that.
    pub fn started(entry: &Entry) -> Option<Self> {
        let Event::TaskStarted { task, models, .. } = &entry.event else { return None };
        let model = models.iter().find(|(role, _)| role == Role::EXECUTOR).or(models.first());
        Some(Self::begin(task, model.map_or("", |(_, card)| &card.name), entry))
    }

    fn begin(task: &Task, model: &str, entry: &Entry) -> Self {
        Self {
            task_id: task.id.clone(),
            session_id: task.session.clone(),
            description: bounded(&task.text),
            status: TaskStatus::Running,
            phase: if task.settings.plan { "plan" } else { "execute" }.to_owned(),
            iteration: 0,
            max_iterations: task.settings.max_iterations,
            score: None,
            tokens: 0,
            cost_usd: 0.0,
            max_cost_usd: dollars(task.settings.max_cost_micros),
            model: model.to_owned(),
            workspace: task.workspace.clone(),
            pid: std::process::id(),
            started_ms: entry.at_ms,
            updated_ms: entry.at_ms,
            elapsed_ms: entry.elapsed_ms,
        }
    }

    /// Takes in what happened after an event named `last`; returns whether it changed what the state says.
    pub fn advance(&mut self, entry: &Entry, last: &str) -> bool {
        self.updated_ms = self.updated_ms.max(entry.at_ms);
        self.elapsed_ms = entry.elapsed_ms;
        match &entry.event {
            Event::TaskResumed { .. } => self.status = TaskStatus::Running,
            Event::PlanMade { .. } => self.phase("execute"),
            Event::IterationStarted { number } => {
                self.iteration = *number;
                self.phase(if *number > 1 { "refine" } else { "execute" });
            }
            Event::EvaluationStarted { .. } if self.phase != "evaluate" => self.phase("evaluate"),
            Event::TurnFinished { spent, .. }
            | Event::TurnFailed { spent, .. }
            | Event::TurnLost { reserved: spent } => {
                self.tokens = self.tokens.saturating_add(spent.tokens);
                self.cost_usd += dollars(spent.cost_micros);
            }
            Event::IterationDecided { standing, .. } => self.score = standing.score,
            Event::TaskPaused { reason, cause, .. } => {
                self.status = TaskStatus::of_pause(cause.as_ref(), reason, last);
            }
            Event::TaskFinished { outcome } => self.finish(outcome),
            _ => return false,
        }
        true
    }

    fn phase(&mut self, phase: &str) {
        phase.clone_into(&mut self.phase);
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.status = TaskStatus::of(&outcome.ending);
        self.phase("done");
        self.iteration = outcome.iterations;
        self.score = outcome.standing.score;
        self.tokens = outcome.spent.tokens;
        self.cost_usd = dollars(outcome.spent.cost_micros);
    }
}

/// Returns millionths of a dollar as dollars.
pub(super) fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}
