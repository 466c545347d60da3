//! Running time of a guest.
//!
//! A guest runs only while its future is polled, and a poll stays on one thread, so the thread's CPU clock
//! over all polls is what the guest took: time in which it waits for the host, or in which another program
//! has the processor, is not charged.
//!
//! That clock is a system call, and reading it twice took longer than most polls. So a poll begins with the clock on
//! the wall, which is none and never shows less. Only a guest that is still running when the epoch ticks is worth
//! more: what it took up to then is charged by the wall, the rest of the poll and the next one by the thread's clock.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::ClockId;

use crate::engine::Ticker;

const IDLE: u64 = u64::MAX;

/// The most that is charged by the wall at once, in nanoseconds. The epoch ticks every 10 ms; where so much more went
/// by, the program was stopped or had no processor.
const UNSEEN_NS: u64 = 50_000_000;

/// Counts the running time of one store.
#[derive(Debug)]
pub(crate) struct Meter {
    spent_ns: AtomicU64,
    /// The clock when the present poll began or was last looked at, or [`IDLE`].
    since_ns: AtomicU64,
    /// Whether that clock is the thread's.
    exact: AtomicBool,
    /// Whether the epoch ticked during the last poll.
    busy: AtomicBool,
}

impl Meter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            spent_ns: AtomicU64::new(0),
            since_ns: AtomicU64::new(IDLE),
            exact: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })
    }

    /// Returns the time up to now, when the epoch ticks during a poll. It is right on the polling thread only.
    pub(crate) fn tick(&self) -> Duration {
        if self.since_ns.load(Ordering::Relaxed) != IDLE {
            self.end();
            self.busy.store(true, Ordering::Relaxed);
            self.resume(true);
        }
        Duration::from_nanos(self.spent_ns.load(Ordering::Relaxed))
    }

    /// Begins to count anew.
    pub(crate) fn reset(&self) {
        self.spent_ns.store(0, Ordering::Relaxed);
    }

    fn begin(&self) {
        self.resume(self.busy.swap(false, Ordering::Relaxed));
    }

    fn resume(&self, exact: bool) {
        self.exact.store(exact, Ordering::Relaxed);
        self.since_ns.store(clock(exact), Ordering::Relaxed);
    }

    fn end(&self) {
        let since = self.since_ns.swap(IDLE, Ordering::Relaxed);
        if since != IDLE {
            let exact = self.exact.load(Ordering::Relaxed);
            let spent = clock(exact).saturating_sub(since);
            let charged = if exact { spent } else { spent.min(UNSEEN_NS) };
            self.spent_ns.fetch_add(charged, Ordering::Relaxed);
        }
    }
}

/// Returns what the thread's clock shows, or the one on the wall.
fn clock(exact: bool) -> u64 {
    let id = if exact { ClockId::ThreadCPUTime } else { ClockId::Monotonic };
    let now = rustix::time::clock_gettime(id);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Ends what a poll began, also when the poll panics.
struct Running<'a> {
    meter: &'a Meter,
    ticker: &'a Ticker,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.meter.end();
        self.ticker.leave();
    }
}

/// A future whose polls are counted, and during whose polls the epoch ticks.
pub(crate) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
    ticker: Arc<Ticker>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(inner: F, meter: Arc<Meter>, ticker: Arc<Ticker>) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NAP: Duration = Duration::from_millis(30);

    #[test]
    fn what_is_spent_before_the_first_tick_is_charged_by_the_wall() {
        let meter = Meter::new();

        meter.begin();
        std::thread::sleep(NAP);
        meter.end();

        assert!(meter.spent_ns.load(Ordering::Relaxed) >= 30_000_000);
    }

    #[test]
    fn a_program_that_was_stopped_has_spent_little() {
        let meter = Meter::new();

        meter.begin();
        std::thread::sleep(NAP * 3);
        meter.end();

        assert!(meter.spent_ns.load(Ordering::Relaxed) <= UNSEEN_NS);
    }

    #[test]
    fn a_guest_that_has_not_got_the_processor_is_not_charged_once_it_is_watched() {
        let meter = Meter::new();
        meter.begin();
        let ticked = meter.tick();

        std::thread::sleep(NAP);
        let again = meter.tick();
        meter.end();
        meter.begin();
        std::thread::sleep(NAP);
        meter.end();

        assert!(again - ticked < NAP / 2, "{again:?}");
        assert!(meter.tick() - ticked < NAP, "{:?}", meter.tick());
    }

    #[test]
    fn time_between_polls_is_not_charged() {
        let meter = Meter::new();

        for _ in 0..2 {
            meter.begin();
            meter.end();
            std::thread::sleep(NAP);
        }

        assert!(meter.tick() < NAP);
    }
}
