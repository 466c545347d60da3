//! Errors of the engine.

use crate::manifest::Kind;

/// The engine could not compile, load or link a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub(super) String);

impl EngineError {
    /// Makes an error of a reason, on one line.
    pub(crate) fn of(reason: &str) -> Self {
        Self(crate::text::one_line(reason, 500))
    }

    pub(crate) fn unsupported(kind: Kind) -> Self {
        Self(format!("components of kind `{}` are not run here", kind.word()))
    }
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::of(&format!("{error:#}"))
    }
}
