//! A queue in which one question stands at a time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The queue. Who comes first is not promised.
#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    is_taken: bool,
    waiting: Vec<Waker>,
}

/// The turn of one question. It ends where this is dropped.
pub(super) struct Turn<'a>(&'a Queue);

impl Queue {
    /// Takes the turn, or has the task woken when it is free.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Turn<'_>> {
        let mut state = self.state();
        if !state.is_taken {
            state.is_taken = true;
            return Poll::Ready(Turn(self));
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            state.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make the queue untrue.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.state();
            state.is_taken = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
