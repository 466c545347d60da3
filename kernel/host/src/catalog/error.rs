//! Errors of the catalog.

use crate::{admission::AdmissionError, engine::EngineError, manifest::ManifestError};

/// The largest component that is accepted, in bytes.
pub const COMPONENT_BYTES: usize = 16 << 20;

/// A component cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No component has that name.
    #[error("there is no component `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Another component has that name.
    #[error("there is a component `{name}` already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The bytes exceed [`COMPONENT_BYTES`].
    #[error("it has {size} bytes; at most {COMPONENT_BYTES} are taken")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The bytes are something else.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The manifest is not accepted.
    #[error("the manifest of {component}: {source}")]
    Manifest {
        /// The component, by name if it is known.
        component: String,
        /// The fault of the manifest.
        source: ManifestError,
    },
    /// The component is not admitted.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Nobody has granted what the component cannot be used without.
    #[error(
        "`{component}` has no grant for {what}, so it is not used: a person has to grant it, and `openkoi plugin inspect \
         {component}` shows all that it asks for"
    )]
    NotGranted {
        /// The component.
        component: String,
        /// What is not granted.
        what: String,
    },
    /// Another component has a tool of the same name.
    #[error("the tool `{tool}` is in both `{first}` and `{second}`; only one of them can be used")]
    ToolClash {
        /// The tool.
        tool: String,
        /// The component that is there.
        first: String,
        /// The component that is added.
        second: String,
    },
    /// The component that came with the program is not replaced or removed.
    #[error("`{name}` came with OpenKoi: it can be neither replaced nor removed")]
    BuiltIn {
        /// The name.
        name: String,
    },
    /// The compiler does not accept the code.
    #[error("`{component}` cannot be compiled: {source}")]
    Code {
        /// The component.
        component: String,
        /// The reason.
        source: EngineError,
    },
    /// The component is of another kind than the one that is needed.
    #[error("`{component}` is of kind `{kind}`, and one of kind `{wanted}` is needed")]
    Kind {
        /// The component.
        component: String,
        /// Its kind.
        kind: &'static str,
        /// The kind that is needed.
        wanted: &'static str,
    },
    /// The code that came with the program, or the file of one that was installed, is damaged.
    #[error("the component `{component}` is damaged: {reason}")]
    Damaged {
        /// The component.
        component: String,
        /// The reason.
        reason: String,
    },
    /// The engine does not start.
    #[error("components cannot be run: {0}")]
    Engine(#[source] EngineError),
}
