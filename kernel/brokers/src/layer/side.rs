//! A directory beside the workspace that a program may write to without changing it: a cache of a tool, or the repository
//! of a linked working tree.

use std::path::PathBuf;

/// A directory over which an overlay is to be mounted.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no overlay is mounted here"))]
pub(crate) struct SideOverlay {
    /// The directory, without links.
    pub(crate) path: PathBuf,
    /// What programs write.
    pub(crate) upper: PathBuf,
    /// The kernel's directory beside it.
    pub(crate) work: PathBuf,
}
