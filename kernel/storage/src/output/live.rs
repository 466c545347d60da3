//! `state/last-task.json`: the task that runs now, for `status --live` and for other programs.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use openkoi_brokers::durable::{create_private_dir, put_whole};
use openkoi_core::{
    event::{Entry, Event},
    id::{SessionId, TaskId},
    message::Role,
    outcome::Outcome,
    port::{Delta, Listener},
    task::Task,
};
use serde::{Deserialize, Serialize};

use super::{History, HistoryLine, PRIVATE};
use crate::{error::StorageError, tasks::TaskStatus};

/// How long after the file was written it is not written again, but for the end of a run. Whoever looks, looks once a
/// second.
pub const WRITTEN_EVERY: Duration = Duration::from_millis(250);

/// What is known of the running task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveState {
    /// Its id.
    pub task_id: TaskId,
    /// Its session.
    pub session_id: SessionId,
    /// What was asked.
    pub description: String,
    /// How it stands.
    pub status: TaskStatus,
    /// What it does: `plan`, `execute`, `evaluate`, `refine` or `done`.
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
    /// How long it has been running, pauses left out, in milliseconds.
    pub elapsed_ms: u64,
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

    fn started(entry: &Entry) -> Option<Self> {
        let Event::TaskStarted { task, models, .. } = &entry.event else { return None };
        let model = models.iter().find(|(role, _)| role == Role::EXECUTOR).or(models.first());
        Some(Self::begin(task, model.map_or("", |(_, card)| &card.name), entry))
    }

    fn begin(task: &Task, model: &str, entry: &Entry) -> Self {
        Self {
            task_id: task.id.clone(),
            session_id: task.session.clone(),
            description: task.text.clone(),
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
    fn advance(&mut self, entry: &Entry, last: &str) -> bool {
        self.updated_ms = self.updated_ms.max(entry.at_ms);
        self.elapsed_ms = entry.elapsed_ms;
        match &entry.event {
            Event::TaskResumed => self.status = TaskStatus::Running,
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
            Event::TaskPaused { reason } => self.status = TaskStatus::of_pause(reason, last),
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

/// Keeps the state files of `<home>/state` up to date while it listens to one run.
///
/// A resumed run repeats its past to nobody; give [`StateFiles::resume`] what its journal says. A file that
/// cannot be written is reported once and does not stop the run: it is not the record.
#[derive(Debug)]
pub struct StateFiles {
    path: PathBuf,
    history: History,
    state: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    live: Option<LiveState>,
    /// The name of the event before.
    last: &'static str,
    /// Whether the state says something that the file does not.
    changed: bool,
    /// The run's time when the file was written.
    written_ms: Option<u64>,
    reported: bool,
}

impl StateFiles {
    /// Returns the state files of this home. Nothing is written yet.
    pub fn new(home: &Path) -> Self {
        let path = home.join("state").join("last-task.json");
        Self { path, history: History::new(home), state: Mutex::default() }
    }

    /// Goes on with a task that was begun before.
    pub fn resume(&self, live: LiveState) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).live = Some(live);
    }

    /// Writes what changed since the file was written. Somebody has to ask for it every [`WRITTEN_EVERY`].
    pub fn catch_up(&self) {
        self.with(Self::write_changed);
    }

    /// Returns the state of the task that ran last, or runs.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read, or is not what is written here.
    pub fn last(&self) -> Result<Option<LiveState>, StorageError> {
        let bytes = match std::fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| StorageError::io(&self.path, error))?,
        };
        // All that a power failure may leave of it.
        if bytes.is_empty() {
            return Ok(None);
        }
        let what = format!("`{}`", self.path.display());
        let state = serde_json::from_slice(&bytes);
        state.map(Some).map_err(|source| StorageError::Unreadable { what, source })
    }

    /// Returns the history of finished tasks.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn take_in(&self, watched: &mut Watched, entry: &Entry) -> Result<(), StorageError> {
        let changed = match (LiveState::started(entry), &mut watched.live) {
            (Some(started), live) => {
                *live = Some(started);
                true
            }
            (None, Some(live)) => live.advance(entry, watched.last),
            (None, None) => false,
        };
        watched.last = entry.event.name();
        watched.changed |= changed;
        let ends = matches!(entry.event, Event::TaskPaused { .. } | Event::TaskFinished { .. });
        let rests = |written| {
            u128::from(entry.elapsed_ms.saturating_sub(written)) < WRITTEN_EVERY.as_millis()
        };
        if ends || !watched.written_ms.is_some_and(rests) {
            self.write_changed(watched)?;
        }
        if let (Event::TaskFinished { outcome }, Some(live)) = (&entry.event, &watched.live) {
            self.history.append(&HistoryLine::new(live, outcome, entry.at_ms))?;
        }
        Ok(())
    }

    fn write_changed(&self, watched: &mut Watched) -> Result<(), StorageError> {
        let Some(live) = watched.live.as_ref().filter(|_| watched.changed) else { return Ok(()) };
        self.write(live)?;
        watched.written_ms = Some(live.elapsed_ms);
        watched.changed = false;
        Ok(())
    }

    /// Does `work` on what is watched, and reports its error unless one was reported before.
    fn with(&self, work: impl FnOnce(&Self, &mut Watched) -> Result<(), StorageError>) {
        let mut watched = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = work(self, &mut watched)
            && !watched.reported
        {
            watched.reported = true;
            tracing::warn!(error = error.line(), "the state files are not up to date");
        }
    }

    fn write(&self, live: &LiveState) -> Result<(), StorageError> {
        if let Some(directory) = self.path.parent() {
            create_private_dir(directory)?;
        }
        let what = || format!("the state of task {}", live.task_id.short());
        let text = serde_json::to_vec_pretty(live)
            .map_err(|source| StorageError::Unwritable { what: what(), source })?;
        // The journal is the record; this file only has to be whole for whoever reads it.
        Ok(put_whole(&self.path, &text, PRIVATE)?)
    }
}

impl Listener for StateFiles {
    fn event(&self, entry: &Entry) {
        self.with(|files, watched| files.take_in(watched, entry));
    }

    fn delta(&self, _role: &Role, _delta: Delta<'_>) -> bool {
        false
    }
}
