//! Errors of editing.

use std::path::PathBuf;

use openkoi_brokers::durable::DurableError;

/// Why a text is not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// No editor is named.
    #[error("neither VISUAL nor EDITOR names an editor")]
    NoEditor,
    /// The editor failed, or what was written cannot be taken.
    #[error("nothing was changed: {why}; what was written is in `{}`", file.display())]
    Failed {
        /// The file that was edited.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Unwritable(#[from] DurableError),
}
