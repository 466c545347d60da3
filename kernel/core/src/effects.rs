//! The log of what one call does to the workspace, kept by whoever does it on behalf of the call.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    change_set::{CallEffects, PathEffect, PathState},
    event::Event,
    fact,
    failure::Failure,
    port::Pending,
    recorder::{RecordError, Recorder},
};

/// Changes that a call's programs made apart from the workspace. They are made there when the loop lets them through,
/// and dropped with this.
pub trait HeldBack: Send {
    /// Returns the changes that are wanted; the states before and after are kept.
    fn effects(&mut self) -> Pending<'_, Result<CallEffects, Failure>>;

    /// Makes the changes, and returns those that were made. A path that somebody else changed meanwhile is left.
    fn commit(&mut self) -> Pending<'_, Result<CallEffects, Failure>>;

    /// Drops the changes for good. Otherwise those that were asked for with [`HeldBack::effects`] wait for whoever resumes
    /// the run.
    fn discard(&mut self) -> Pending<'_, ()>;
}

/// The log of one call. Several parts of a call may write to it at once.
pub struct EffectLog {
    recorder: Arc<Recorder>,
    key: String,
    kept: Mutex<CallEffects>,
    held: Mutex<Option<Box<dyn HeldBack>>>,
}

impl EffectLog {
    /// Returns the log of the call with this key.
    pub fn new(recorder: Arc<Recorder>, key: &str) -> Self {
        Self { recorder, key: key.to_owned(), kept: Mutex::default(), held: Mutex::default() }
    }

    /// Makes durable what is about to be changed: after a crash the loop compares these paths with the states before
    /// and after, and knows what was done.
    ///
    /// # Errors
    ///
    /// The journal cannot be written; the change must not be made.
    pub fn intend(&self, paths: &[PathEffect]) -> Result<(), RecordError> {
        let is_free = |key: &String| self.recorder.recall::<fact::EffectsIntended>(key).is_none();
        let free = (0..).map(|number| intent_key(&self.key, number)).find(is_free);
        let intended = Event::EffectsIntended { paths: paths.to_vec() };
        self.recorder.record(&free.unwrap_or_default(), intended)
    }

    /// Adds what was done.
    pub fn keep(&self, done: CallEffects) {
        self.kept().extend(done);
    }

    /// Returns the files that the call has written so far.
    pub fn written(&self) -> Vec<String> {
        let kept = self.kept();
        let is_file = |effect: &&PathEffect| matches!(effect.after, PathState::File { .. });
        let written: BTreeSet<&String> =
            kept.paths.iter().filter(is_file).map(|effect| &effect.path).collect();
        written.into_iter().cloned().collect()
    }

    /// Takes everything that was kept so far.
    pub fn take(&self) -> CallEffects {
        std::mem::take(&mut self.kept())
    }

    /// Leaves changes to the loop, which lets them through after the call.
    pub fn hold_back(&self, held: Box<dyn HeldBack>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// Takes what is held back.
    pub fn held(&self) -> Option<Box<dyn HeldBack>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn kept(&self) -> MutexGuard<'_, CallEffects> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the key of what a call did the `number`th time that it was run.
pub(crate) fn kept_key(call: &str, number: usize) -> String {
    format!("{call}/e{number}")
}

/// Returns the key of the call that did what is kept under this key.
pub fn call_of(key: &str) -> &str {
    let call = key.rsplit_once("/e").filter(|(_, number)| number.parse::<usize>().is_ok());
    call.map_or(key, |(call, _)| call)
}

/// Returns the key of the intent with this number of the call with this key.
pub fn intent_key(key: &str, number: u32) -> String {
    format!("{key}/f{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_leads_back_to_its_call() {
        assert_eq!(call_of(&kept_key("i1/t2/c0", 3)), "i1/t2/c0");
        // As journals of earlier releases have it.
        assert_eq!(call_of("i1/t2/c0"), "i1/t2/c0");
        assert_eq!(call_of("i1/e/rubric"), "i1/e/rubric");
    }
}
