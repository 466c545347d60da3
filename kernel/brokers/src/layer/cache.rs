//! A cache of a tool, which a program may write to without changing it.

use std::path::PathBuf;

/// A cache over which an overlay is to be mounted.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no overlay is mounted here"))]
pub(crate) struct CacheOverlay {
    /// The cache, without links.
    pub(crate) path: PathBuf,
    /// What programs write.
    pub(crate) upper: PathBuf,
    /// The kernel's directory beside it.
    pub(crate) work: PathBuf,
}
