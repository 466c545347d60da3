//! The settings of the broker.

use super::{Resolve, SystemResolver};
use crate::clock::SystemClock;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the broker.
pub struct EgressSettings {
    /// Time for a connection, TLS included.
    pub connect: Duration,
    /// Certificates (DER) that are trusted in addition to those of the system.
    pub extra_roots: Vec<Vec<u8>>,
    /// The resolver of names.
    pub resolver: Arc<dyn Resolve>,
    /// The wall clock, in milliseconds since 1970. Signatures carry its time.
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            extra_roots: Vec::new(),
            resolver: Arc::new(SystemResolver),
            clock: Arc::new(|| SystemClock.now_ms()),
        }
    }
}

impl fmt::Debug for EgressSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressSettings").field("connect", &self.connect).finish_non_exhaustive()
    }
}
