//! The scripted parts of a world.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    event::Entry,
    failure::Failure,
    id::TaskId,
    message::{Prompt, Role, Turn},
    port::{
        Approver, Cancellation, Clock, Delta, Journal, JournalError, Listener, Pending, StateStore,
    },
    scope::Turns,
};
use tokio::time::Instant;

/// A clock that follows tokio's, so that pausing that one pauses this one. It begins at a fixed date.
#[derive(Debug)]
pub struct TestClock {
    began: Instant,
    /// The time by which the clock was put forward, if waits take no time.
    skipped_ms: Option<AtomicU64>,
}

/// When a world begins: 2026-01-01 00:00:00 UTC.
const BEGINNING_MS: u64 = 1_767_225_600_000;

impl TestClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), skipped_ms: None }
    }

    /// Returns a clock on which each wait is over at once and puts the clock forward.
    pub(crate) fn hurried() -> Self {
        Self { skipped_ms: Some(AtomicU64::new(0)), ..Self::new() }
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        BEGINNING_MS + self.monotonic_ms()
    }

    fn monotonic_ms(&self) -> u64 {
        let skipped = self.skipped_ms.as_ref().map_or(0, |skipped| skipped.load(Ordering::SeqCst));
        skipped + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        if let Some(skipped) = &self.skipped_ms {
            let skip = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            skipped.fetch_add(skip, Ordering::SeqCst);
            return Box::pin(tokio::task::yield_now());
        }
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The journal and everybody who watches.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<Vec<Entry>>,
    state: Mutex<BTreeMap<(String, String), Vec<u8>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// Returns what was recorded, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        locked(&self.entries).clone()
    }
}

impl Journal for Memory {
    fn append(&self, _: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
        locked(&self.entries).extend_from_slice(entries);
        Ok(())
    }

    fn load(&self, _: &TaskId) -> Result<Vec<Entry>, JournalError> {
        Ok(self.entries())
    }
}

impl Listener for Memory {
    fn event(&self, _: &Entry) {}

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

impl StateStore for Memory {
    fn get(&self, component: &str, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(locked(&self.state).get(&(component.to_owned(), key.to_owned())).cloned())
    }

    fn set(&self, component: &str, key: &str, value: &[u8], quota: u64) -> Result<(), Failure> {
        let mut state = locked(&self.state);
        let own = |(owner, _): &&(String, String)| owner == component;
        let others = state.keys().filter(own).filter(|(_, k)| k != key);
        let used: usize = others.map(|id| id.1.len() + state[id].len()).sum();
        if (used + key.len() + value.len()) as u64 > quota {
            let (name, knob) = ("state-bytes".to_owned(), String::new());
            return Err(Failure::Limited { name, value: quota, knob });
        }
        state.insert((component.to_owned(), key.to_owned()), value.to_vec());
        Ok(())
    }

    fn delete(&self, component: &str, key: &str) -> Result<(), Failure> {
        locked(&self.state).remove(&(component.to_owned(), key.to_owned()));
        Ok(())
    }

    fn keys(
        &self,
        component: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Failure> {
        let state = locked(&self.state);
        let fitting = state.keys().filter(|(owner, key)| {
            owner == component
                && key.starts_with(prefix)
                && after.is_none_or(|after| key.as_str() > after)
        });
        Ok(fitting.map(|(_, key)| key.clone()).take(limit).collect())
    }
}

/// A person who answers every question in the same way, or is not there.
#[derive(Debug, Default)]
pub struct Person {
    answer: Mutex<Option<Answer>>,
    asked: Mutex<Vec<ApprovalRequest>>,
}

impl Person {
    pub(crate) fn will_answer(&self, answer: Answer) {
        *locked(&self.answer) = Some(answer);
    }

    /// Returns what was asked.
    pub fn asked(&self) -> Vec<ApprovalRequest> {
        locked(&self.asked).clone()
    }
}

/// Somebody who never cancels.
pub(crate) struct Patience;

impl Cancellation for Patience {
    fn cancelled(&self) -> Pending<'static, ()> {
        Box::pin(std::future::pending())
    }
}

impl Approver for Person {
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        locked(&self.asked).push(request.clone());
        Box::pin(std::future::ready(*locked(&self.answer)))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Turns of a model, given out in order. A request beyond the last is a failure.
#[derive(Debug, Default)]
pub struct TurnScript {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<(Role, Prompt)>>,
}

impl TurnScript {
    pub(crate) fn push(&self, turn: Turn) {
        locked(&self.turns).push_back(turn);
    }

    /// Returns what was asked.
    pub fn asked(&self) -> Vec<(Role, Prompt)> {
        locked(&self.asked).clone()
    }

    /// Returns the number of turns that are left.
    pub fn left(&self) -> usize {
        locked(&self.turns).len()
    }
}

impl Turns for TurnScript {
    fn turn<'a>(&'a self, role: Role, prompt: Prompt) -> Pending<'a, Result<Turn, Failure>> {
        locked(&self.asked).push((role, prompt));
        let turn = locked(&self.turns).pop_front();
        let missing = || Failure::Failed("the test wrote no such turn".to_owned());
        Box::pin(std::future::ready(turn.ok_or_else(missing)))
    }
}
