//! The log of what one call does to the workspace, kept by whoever does it on behalf of the call.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use serde::{Deserialize, Serialize};

use crate::{
    change_set::PathEffect,
    event::Event,
    recorder::{RecordError, Recorder},
};

/// What a call did to the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEffects {
    /// Changes of paths, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathEffect>,
    /// Changes that were not made because somebody else had changed the path meanwhile: theirs stays, and the state
    /// that the call wanted to leave is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<PathEffect>,
    /// Places that changed and that no state covers, in words for a person: an ignored directory, a huge file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
}

impl CallEffects {
    /// Returns whether the call left everything as it was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the effects of a later part of the call.
    pub fn extend(&mut self, later: Self) {
        self.paths.extend(later.paths);
        self.conflicts.extend(later.conflicts);
        self.uncovered.extend(later.uncovered);
    }
}

/// The log of one call. Several parts of a call may write to it at once.
pub struct EffectLog {
    recorder: Arc<Recorder>,
    key: String,
    intents: AtomicU32,
    kept: Mutex<CallEffects>,
}

impl EffectLog {
    /// Returns the log of the call with this key.
    pub fn new(recorder: Arc<Recorder>, key: &str) -> Self {
        let kept = Mutex::default();
        Self { recorder, key: key.to_owned(), intents: AtomicU32::new(0), kept }
    }

    /// Makes durable what is about to be changed: after a crash the loop compares these paths with the states before
    /// and after, and knows what was done.
    ///
    /// # Errors
    ///
    /// The journal cannot be written; the change must not be made.
    pub fn intend(&self, paths: &[PathEffect]) -> Result<(), RecordError> {
        let number = self.intents.fetch_add(1, Ordering::Relaxed);
        let intended = Event::EffectsIntended { paths: paths.to_vec() };
        self.recorder.record(&intent_key(&self.key, number), intended)
    }

    /// Adds what was done.
    pub fn keep(&self, done: CallEffects) {
        self.kept().extend(done);
    }

    /// Takes everything that was kept so far.
    pub fn take(&self) -> CallEffects {
        std::mem::take(&mut self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, CallEffects> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the key of the intent with this number of the call with this key.
pub fn intent_key(key: &str, number: u32) -> String {
    format!("{key}/f{number}")
}
