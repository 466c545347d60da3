//! Errors of the engine.

use crate::manifest::Kind;

/// The engine could not compile, load or link a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub(super) String);

impl EngineError {
    pub(crate) fn unsupported(kind: Kind) -> Self {
        Self(format!("components of kind `{}` are not run here", kind.word()))
    }
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(crate::text::one_line(&format!("{error:#}"), 500))
    }
}
