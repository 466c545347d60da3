//! What can go wrong here, in sentences that cargo shows.

use std::path::{Path, PathBuf};

/// Why the components were not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("the target wasm32-wasip2 is not installed; run `rustup target add wasm32-wasip2`")]
    NoTarget,
    #[error("the components: {0}")]
    Nested(String),
    #[error("cannot read or write {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{package}: {problem}")]
    Manifest { package: String, problem: String },
    #[error("{path}: {problem}")]
    Skill { path: PathBuf, problem: String },
    #[error("{0} and {1} are both called `{2}`; a component's name is unique")]
    Duplicate(String, String, String),
    #[error("cannot compile {package}: {problem}")]
    Compile { package: String, problem: String },
}

/// Adds the path to what went wrong with it.
pub(crate) fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, BuildError> {
    result.map_err(|source| BuildError::Io { path: path.to_owned(), source })
}
