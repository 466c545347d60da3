//! Errors of the engine.

/// The engine could not compile, load or link a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub(super) String);

impl EngineError {
    /// Makes an error of a reason, on one line.
    pub(crate) fn of(reason: &str) -> Self {
        Self(crate::text::one_line(reason, 500))
    }
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::of(&format!("{error:#}"))
    }
}
