//! The inside of a program that runs in the background.

use super::shared::Namespaces;
use crate::layer::LayerMount;
use std::io;
use std::sync::Arc;

/// The inside of a running program, as far as others may do something there.
#[derive(Debug, Clone)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is looked at there"))]
pub struct ProgramView {
    pub(super) namespaces: Arc<Namespaces>,
    pub(super) layer: LayerMount,
}

impl ProgramView {
    /// Lets a program over a layer see what has changed in the workspace since it began: what an overlay has looked up
    /// once it would show as it was. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// The program is gone, or sees files as they were.
    pub fn refresh(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return super::sandbox::refresh(&self.namespaces, &self.layer);
        #[cfg(not(target_os = "linux"))]
        Ok(())
    }
}
