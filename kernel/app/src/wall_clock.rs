//! The wall clock, for what is due at a time of it.

use openkoi_brokers::clock::{self, SystemClock};
use openkoi_core::port::Pending;

pub use openkoi_brokers::clock::timestamp;

/// A clock that people read. It may be set, and it goes on while the machine sleeps.
pub trait WallClock: Send + Sync {
    /// Returns the milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// Returns a future that is ready when it shows this time, or earlier: whoever waits looks at it again.
    fn until(&self, at_ms: u64) -> Pending<'static, ()>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemWallClock;

impl WallClock for SystemWallClock {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms()
    }

    fn until(&self, at_ms: u64) -> Pending<'static, ()> {
        Box::pin(clock::until(at_ms))
    }
}
