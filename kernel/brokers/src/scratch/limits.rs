//! How much a copy may cost.

use std::time::Duration;

/// How large a copy may be.
#[derive(Debug, Clone, Copy)]
pub struct ScratchLimits {
    /// The most bytes that are written. Contents that the file system shares do not count.
    pub bytes: u64,
    /// The most files, links and directories.
    pub files: u64,
    /// The longest time.
    pub time: Duration,
}

impl Default for ScratchLimits {
    fn default() -> Self {
        Self { bytes: 8 << 30, files: 500_000, time: Duration::from_secs(120) }
    }
}
