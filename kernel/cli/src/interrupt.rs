//! Signals that end a run, such as Ctrl-C: the first ends it cleanly, the second ends the program.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use openkoi_core::port::{Cancellation, Pending};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{error::CommandError, exit::Exit};

/// The signal that asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// None so far.
    No,
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM or SIGHUP.
    Terminate,
}

/// The signals that have arrived. They are listened for as long as the async runtime lives.
#[derive(Clone, Debug)]
pub(crate) struct Interrupts {
    state: watch::Sender<Asked>,
    count: Arc<AtomicU8>,
}

impl Interrupts {
    /// Begins to listen for signals.
    ///
    /// # Errors
    ///
    /// When the system does not let the program listen for signals.
    pub(crate) fn listen() -> Result<Self, CommandError> {
        let this = Self::deaf();
        let kinds = [
            (SignalKind::interrupt(), Asked::Interrupt),
            (SignalKind::terminate(), Asked::Terminate),
            (SignalKind::hangup(), Asked::Terminate),
        ];
        for (kind, asked) in kinds {
            let signals = signal(kind).map_err(|error| {
                CommandError::failed(format!("cannot listen for signals: {error}"))
            })?;
            tokio::spawn(this.clone().follow(signals, asked));
        }
        Ok(this)
    }

    /// Returns interrupts that hear no signal.
    pub(crate) fn deaf() -> Self {
        Self { state: watch::channel(Asked::No).0, count: Arc::default() }
    }

    /// Returns the signal that asked for the end.
    pub(crate) fn asked(&self) -> Asked {
        *self.state.borrow()
    }

    /// Waits for a signal, and returns which it was.
    pub(crate) async fn arrived(&self) -> Asked {
        self.cancelled().await;
        self.asked()
    }

    /// Forgets the signals so far, so that a conversation can go on after one of its turns was
    /// interrupted.
    pub(crate) fn clear(&self) {
        self.count.store(0, Ordering::Relaxed);
        self.state.send_replace(Asked::No);
    }

    /// Asks for the end as a first Ctrl-C does. It may be asked for any number of times.
    pub(crate) fn stop(&self) {
        self.state.send_replace(Asked::Interrupt);
    }

    async fn follow(self, mut signals: Signal, asked: Asked) {
        while signals.recv().await.is_some() {
            if self.count.fetch_add(1, Ordering::Relaxed) > 0 {
                // What matters is in the journal already.
                let exit =
                    if asked == Asked::Interrupt { Exit::Interrupted } else { Exit::Terminated };
                crate::terminal_modes::restore();
                openkoi_app::sandbox::kill_all();
                std::process::exit(i32::from(exit.code()));
            }
            self.state.send_replace(asked);
        }
    }
}

impl Cancellation for Interrupts {
    fn cancelled(&self) -> Pending<'static, ()> {
        let mut state = self.state.subscribe();
        Box::pin(async move {
            // The sender lives in the listening tasks; if it is gone, nobody can ask any more.
            if state.wait_for(|asked| *asked != Asked::No).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
impl Interrupts {
    /// Asks for the end as a first signal does.
    pub(crate) fn ask(&self, asked: Asked) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.state.send_replace(asked);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Whether a run that waits for this would stop now.
    fn is_over(pending: &mut Pending<'static, ()>) -> bool {
        pending.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn nobody_has_asked_at_first_and_a_run_goes_on() {
        let interrupts = Interrupts::deaf();

        assert_eq!(interrupts.asked(), Asked::No);
        assert!(!is_over(&mut interrupts.cancelled()));
    }

    #[test]
    fn a_run_that_waits_and_one_that_begins_later_are_both_cancelled() {
        let interrupts = Interrupts::deaf();
        let mut waiting = interrupts.cancelled();
        assert!(!is_over(&mut waiting));

        interrupts.ask(Asked::Interrupt);

        assert_eq!(interrupts.asked(), Asked::Interrupt);
        assert!(is_over(&mut waiting));
        assert!(is_over(&mut interrupts.cancelled()));
    }

    #[test]
    fn what_was_asked_is_forgotten_for_the_next_message() {
        let interrupts = Interrupts::deaf();
        interrupts.ask(Asked::Terminate);

        interrupts.clear();

        assert_eq!(interrupts.asked(), Asked::No);
        assert_eq!(interrupts.count.load(Ordering::Relaxed), 0);
        assert!(!is_over(&mut interrupts.cancelled()));
    }

    #[test]
    fn a_key_that_stops_is_no_signal_and_may_be_pressed_again() {
        let interrupts = Interrupts::deaf();

        interrupts.stop();
        interrupts.stop();

        assert_eq!(interrupts.asked(), Asked::Interrupt);
        assert_eq!(interrupts.count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_copy_hears_the_same_signals() {
        let interrupts = Interrupts::deaf();
        let copy = interrupts.clone();

        copy.ask(Asked::Terminate);

        assert_eq!(interrupts.asked(), Asked::Terminate);
    }

    #[test]
    fn a_run_outlives_whoever_listened() {
        let interrupts = Interrupts::deaf();
        let mut pending = interrupts.cancelled();

        drop(interrupts);

        assert!(!is_over(&mut pending));
    }
}
