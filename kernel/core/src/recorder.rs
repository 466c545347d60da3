//! The run's side of the journal: it appends what happens and gives back what already happened.
//!
//! The loop runs the same code whether a run is new, resumed or verified. Before an operation it asks
//! [`Recorder::recall`]; only what the journal does not hold is done, and recorded before it is acted on.
//!
//! A commit waits for the disk. What the loop concludes by itself ([`Event::waits`]) is therefore committed with
//! the next intent or result: before anything is done because of it, and nobody hears of it earlier.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    event::{Entry, Event},
    id::TaskId,
    port::{Clock, Journal, JournalError, Listener, entry},
};

/// Why a fact could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] JournalError),
    /// A verified run did something that its journal does not hold.
    #[error("the replay differs from the journal at {key} ({event})")]
    Diverged {
        /// The operation.
        key: String,
        /// What it did.
        event: &'static str,
    },
}

/// What the recorder does with a fact that the journal does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Appends it.
    Live,
    /// Refuses it: the journal is complete.
    Verify,
}

/// Appends facts and recalls them.
pub struct Recorder {
    task: TaskId,
    mode: Mode,
    journal: Arc<dyn Journal>,
    listener: Arc<dyn Listener>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    recorded: HashMap<(String, &'static str), Entry>,
    /// Where the run's own time stands: at the last recalled entry while replaying.
    elapsed_ms: u64,
    /// The monotonic time at which `elapsed_ms` was true, once the run is live.
    live_since: Option<u64>,
    /// The elapsed time of the last entry of the journal.
    last_ms: u64,
    /// The elapsed time of the last entry that was recorded or recalled.
    reached_ms: u64,
    /// Facts that are committed with the next one that does not wait.
    waiting: Vec<Entry>,
}

impl Recorder {
    /// Returns a recorder for a task whose journal holds `entries` so far.
    pub fn new(
        task: TaskId,
        mode: Mode,
        entries: Vec<Entry>,
        journal: Arc<dyn Journal>,
        listener: Arc<dyn Listener>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let last_ms = entries.iter().map(|entry| entry.elapsed_ms).max().unwrap_or(0);
        let recorded = entries
            .into_iter()
            .map(|entry| ((entry.key.clone(), entry.event.name()), entry))
            .collect();
        let state = State {
            recorded,
            elapsed_ms: 0,
            live_since: None,
            last_ms,
            reached_ms: 0,
            waiting: Vec::new(),
        };
        Self { task, mode, journal, listener, clock, state: Mutex::new(state) }
    }

    /// Returns what the journal holds under this key and event name.
    pub fn recall(&self, key: &str, event: &'static str) -> Option<Event> {
        let mut state = self.state();
        let found = state.recorded.get(&(key.to_owned(), event))?;
        let (elapsed, event) = (found.elapsed_ms, found.event.clone());
        state.elapsed_ms = state.elapsed_ms.max(elapsed);
        state.reached_ms = state.reached_ms.max(elapsed);
        Some(event)
    }

    /// Returns every event of this name whose key begins with `prefix`, in no order.
    pub fn recall_below(&self, prefix: &str, event: &'static str) -> Vec<Event> {
        let state = self.state();
        let below = state
            .recorded
            .iter()
            .filter(|((key, name), _)| *name == event && key.starts_with(prefix));
        below.map(|(_, entry)| entry.event.clone()).collect()
    }

    /// Records a fact, unless the journal holds it already.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written, or when a verified run does something else than its journal says.
    pub fn record(&self, key: &str, event: Event) -> Result<(), RecordError> {
        let name = event.name();
        if let Some(known) = self.recall(key, name) {
            return if self.mode == Mode::Live || known == event {
                Ok(())
            } else {
                Err(RecordError::Diverged { key: key.to_owned(), event: name })
            };
        }
        self.append(key, event)
    }

    /// Records a fact that may happen any number of times under its key. Nothing recalls it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub fn note(&self, key: &str, event: Event) -> Result<(), RecordError> {
        self.append(key, event)
    }

    /// Returns how long the run has been running, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        let state = self.state();
        match state.live_since {
            Some(since) => state.elapsed_ms + self.clock.monotonic_ms().saturating_sub(since),
            None => state.elapsed_ms,
        }
    }

    /// Returns how long the run had been running at its last entry: the same in the run and in its replay.
    pub fn reached_ms(&self) -> u64 {
        self.state().reached_ms
    }

    /// Makes the run's time go on from the end of its journal.
    pub fn go_live(&self) {
        let mut state = self.state();
        if state.live_since.is_none() && self.mode == Mode::Live {
            state.elapsed_ms = state.elapsed_ms.max(state.last_ms);
            state.live_since = Some(self.clock.monotonic_ms());
        }
    }

    /// Returns the mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    fn append(&self, key: &str, event: Event) -> Result<(), RecordError> {
        if self.mode == Mode::Verify {
            return Err(RecordError::Diverged { key: key.to_owned(), event: event.name() });
        }
        self.go_live();
        let line = entry(key, self.elapsed_ms(), self.clock.now_ms(), event);
        let waits = line.event.waits();
        let mut state = self.state();
        state.reached_ms = state.reached_ms.max(line.elapsed_ms);
        state.recorded.insert((line.key.clone(), line.event.name()), line.clone());
        state.waiting.push(line);
        let lines = if waits { Vec::new() } else { std::mem::take(&mut state.waiting) };
        drop(state);
        if lines.is_empty() {
            return Ok(());
        }
        self.journal.append(&self.task, &lines)?;
        lines.iter().for_each(|line| self.listener.event(line));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make recorded facts untrue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
