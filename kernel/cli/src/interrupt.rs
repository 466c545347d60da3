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
        let this = Self { state: watch::channel(Asked::No).0, count: Arc::default() };
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

    /// Returns the signal that asked for the end.
    pub(crate) fn asked(&self) -> Asked {
        *self.state.borrow()
    }

    /// Forgets the signals so far, so that a conversation can go on after one of its turns was
    /// interrupted.
    pub(crate) fn clear(&self) {
        self.count.store(0, Ordering::Relaxed);
        self.state.send_replace(Asked::No);
    }

    async fn follow(self, mut signals: Signal, asked: Asked) {
        while signals.recv().await.is_some() {
            if self.count.fetch_add(1, Ordering::Relaxed) > 0 {
                // What matters is in the journal already; the operating system cleans up the rest.
                let exit =
                    if asked == Asked::Interrupt { Exit::Interrupted } else { Exit::Terminated };
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
