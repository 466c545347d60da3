//! Errors of the catalog.

use crate::{admission::AdmissionError, engine::EngineError, manifest::ManifestError};

/// The largest component that is looked at, in bytes.
pub const COMPONENT_BYTES: usize = 16 << 20;

/// Why a component cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// There is none of that name.
    #[error("there is no component `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is one of that name already.
    #[error("there is a component `{name}` already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// It is larger than any honest one.
    #[error("it has {size} bytes; at most {COMPONENT_BYTES} are taken")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It is something else.
    #[error("it is no WebAssembly component: {0}")]
    NotAComponent(String),
    /// Its manifest is not accepted.
    #[error("the manifest of {component}: {source}")]
    Manifest {
        /// Which component, if it is known.
        component: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// It is not admitted.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Its code is not accepted.
    #[error("`{component}` cannot be compiled: {source}")]
    Code {
        /// The component.
        component: String,
        /// Why.
        source: EngineError,
    },
    /// What was embedded is damaged.
    #[error("the embedded code of `{component}` is damaged: {reason}")]
    Damaged {
        /// The component.
        component: String,
        /// Why.
        reason: String,
    },
    /// The engine does not start.
    #[error("components cannot be run: {0}")]
    Engine(#[source] EngineError),
}
