//! Running time of a guest.
//!
//! A guest runs while its future is polled, and a poll stays on one thread. The CPU time of that thread, summed up
//! over all polls, is the guest's running time: waiting for the host or for the processor does not count.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::engine::Ticker;

const IDLE: u64 = u64::MAX;

/// Counts the running time of one store.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    spent_ns: AtomicU64,
    /// The thread's clock when the present poll began, or [`IDLE`].
    since_ns: AtomicU64,
}

impl CpuMeter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { spent_ns: AtomicU64::new(0), since_ns: AtomicU64::new(IDLE) })
    }

    /// Returns the running time up to now. During a poll, call it on the polling thread: it reads that thread's clock.
    pub(crate) fn spent(&self) -> Duration {
        let since = self.since_ns.load(Ordering::Relaxed);
        let running = if since == IDLE { 0 } else { thread_clock().saturating_sub(since) };
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed).saturating_add(running))
    }

    /// Starts again from zero.
    pub(crate) fn reset(&self) {
        self.spent_ns.store(0, Ordering::Relaxed);
    }

    fn begin(&self) {
        self.since_ns.store(thread_clock(), Ordering::Relaxed);
    }

    fn end(&self) {
        let since = self.since_ns.swap(IDLE, Ordering::Relaxed);
        if since != IDLE {
            let spent = thread_clock().saturating_sub(since);
            self.spent_ns.fetch_add(spent, Ordering::Relaxed);
        }
    }
}

fn thread_clock() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Stops meter and ticker at the end of a poll, also when it panics.
struct Running<'a> {
    meter: &'a CpuMeter,
    ticker: &'a Ticker,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.meter.end();
        self.ticker.leave();
    }
}

/// A future whose polls are metered and let the epoch tick.
pub(crate) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<CpuMeter>,
    ticker: Arc<Ticker>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(inner: F, meter: Arc<CpuMeter>, ticker: Arc<Ticker>) -> Self {
        Self { inner: Box::pin(inner), meter, ticker }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.ticker.enter();
        this.meter.begin();
        let _running = Running { meter: &this.meter, ticker: &this.ticker };
        this.inner.as_mut().poll(context)
    }
}
