//! Errors of manifests.

use super::parts::{DESCRIPTION_BYTES, MANIFEST_BYTES, MOST_TOOLS, SCHEMA_BYTES};

/// A manifest was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The component has no manifest.
    #[error("it has no manifest: the custom section `openkoi:manifest` is missing")]
    Missing,
    /// The component has several manifests.
    #[error("it has more than one manifest")]
    Repeated,
    /// The bytes are not text.
    #[error("the manifest is not UTF-8 text")]
    NotText,
    /// The text exceeds [`MANIFEST_BYTES`].
    #[error("the manifest has {size} bytes; at most {MANIFEST_BYTES} are read")]
    TooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The text does not parse, or has an unknown key.
    #[error("the manifest cannot be read: {0}")]
    Syntax(String),
    /// A name has the wrong form.
    #[error("{what} `{name}` is not a name: use {form}")]
    Name {
        /// The thing that is named.
        what: &'static str,
        /// The name, control characters replaced.
        name: String,
        /// The form of such names.
        form: &'static str,
    },
    /// Two tools share a name.
    #[error("the tool `{name}` is declared twice")]
    DuplicateTool {
        /// The name.
        name: String,
    },
    /// More than [`MOST_TOOLS`] tools are declared.
    #[error("{count} tools are declared; at most {MOST_TOOLS} are taken")]
    TooManyTools {
        /// The number of tools.
        count: usize,
    },
    /// A description exceeds [`DESCRIPTION_BYTES`].
    #[error("the description of {what} has {size} bytes; at most {DESCRIPTION_BYTES} are taken")]
    Description {
        /// The thing that is described.
        what: String,
        /// The size in bytes.
        size: usize,
    },
    /// A schema exceeds [`SCHEMA_BYTES`].
    #[error("the schema of `{tool}` has {size} bytes; at most {SCHEMA_BYTES} are taken")]
    SchemaSize {
        /// The tool.
        tool: String,
        /// The size in bytes.
        size: usize,
    },
    /// A schema cannot be used.
    #[error("the schema of `{tool}` cannot be used: {reason}")]
    Schema {
        /// The tool.
        tool: String,
        /// The reason.
        reason: String,
    },
    /// A capability lacks a key, or has one too many.
    #[error("the capability `{interface}`: {reason}")]
    Capability {
        /// The interface.
        interface: String,
        /// The fault.
        reason: &'static str,
    },
    /// The kind has no such part, or needs one that is missing.
    #[error("a component of kind `{kind}` {reason}")]
    Kind {
        /// The kind.
        kind: &'static str,
        /// The fault.
        reason: String,
    },
    /// A value does not fit its key.
    #[error("`{key}`: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// The fault.
        reason: String,
    },
}

impl ManifestError {
    pub(crate) fn syntax(error: &impl std::fmt::Display) -> Self {
        let text = error.to_string();
        Self::Syntax(crate::text::one_line(&text, 500))
    }
}
