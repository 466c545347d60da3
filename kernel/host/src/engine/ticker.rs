//! The thread that makes guests yield and check their running time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::Thread,
    time::Duration,
};

use wasmtime::EngineWeak;

const TICK: Duration = Duration::from_millis(10);

/// Advances the engine's epoch every 10 ms while a guest runs, and sleeps otherwise.
#[derive(Debug)]
pub(crate) struct Ticker {
    running: AtomicUsize,
    ended: AtomicBool,
    thread: Thread,
}

impl Ticker {
    /// Starts the thread. It ends when the ticker or the engine is dropped.
    pub(crate) fn start(engine: EngineWeak) -> std::io::Result<Arc<Self>> {
        let (give, take) = std::sync::mpsc::sync_channel::<Arc<Self>>(1);
        let handle =
            std::thread::Builder::new().name("openkoi-epoch".to_owned()).spawn(move || {
                let Ok(ticker) = take.recv() else { return };
                let weak = Arc::downgrade(&ticker);
                drop(ticker);
                while let Some(idle) = weak.upgrade().and_then(|ticker| ticker.turn(&engine)) {
                    if idle {
                        std::thread::park();
                    }
                }
            })?;
        let thread = handle.thread().clone();
        let (running, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        let ticker = Arc::new(Self { running, ended, thread });
        // The thread waits in `recv`, so this cannot fail while it lives; if it died there is no epoch.
        give.send(Arc::clone(&ticker)).map_err(std::io::Error::other)?;
        Ok(ticker)
    }

    /// Notes that a guest begins to run.
    pub(crate) fn enter(&self) {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
    }

    /// Notes that a guest stops running.
    pub(crate) fn leave(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    /// Ticks once if a guest runs. Returns true if none does, and `None` when the thread should end.
    #[expect(
        clippy::disallowed_methods,
        reason = "this thread is the clock of guests, and no broker may block in it"
    )]
    fn turn(&self, engine: &EngineWeak) -> Option<bool> {
        if self.ended.load(Ordering::SeqCst) {
            return None;
        }
        if self.running.load(Ordering::SeqCst) == 0 {
            return Some(true);
        }
        std::thread::sleep(TICK);
        engine.upgrade()?.increment_epoch();
        Some(false)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
