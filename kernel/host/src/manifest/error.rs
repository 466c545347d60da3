//! What can be wrong with a manifest.

use super::parts::{DESCRIPTION_BYTES, MANIFEST_BYTES, MOST_TOOLS, SCHEMA_BYTES};

/// Why a manifest was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The component carries none.
    #[error("it has no manifest: the custom section `openkoi:manifest` is missing")]
    Missing,
    /// It carries more than one.
    #[error("it has more than one manifest")]
    Repeated,
    /// Its bytes are no text.
    #[error("the manifest is not UTF-8 text")]
    NotText,
    /// It is larger than any honest one.
    #[error("the manifest has {size} bytes; at most {MANIFEST_BYTES} are read")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It does not parse, or has a key that nobody knows.
    #[error("the manifest cannot be read: {0}")]
    Syntax(String),
    /// A name has the wrong form.
    #[error("{what} `{name}` is not a name: use {form}")]
    Name {
        /// Whose name.
        what: &'static str,
        /// The name, control characters replaced.
        name: String,
        /// The form that it should have.
        form: &'static str,
    },
    /// Two tools share a name.
    #[error("the tool `{name}` is declared twice")]
    DuplicateTool {
        /// The name.
        name: String,
    },
    /// There are more tools than anybody can choose from.
    #[error("{count} tools are declared; at most {MOST_TOOLS} are taken")]
    TooManyTools {
        /// How many.
        count: usize,
    },
    /// A description is longer than a model should read.
    #[error("the description of {what} has {size} bytes; at most {DESCRIPTION_BYTES} are taken")]
    Description {
        /// Whose.
        what: String,
        /// Its size.
        size: usize,
    },
    /// A schema is larger than a model should read.
    #[error("the schema of `{tool}` has {size} bytes; at most {SCHEMA_BYTES} are taken")]
    SchemaSize {
        /// The tool.
        tool: String,
        /// Its size.
        size: usize,
    },
    /// A schema cannot be used.
    #[error("the schema of `{tool}` cannot be used: {reason}")]
    Schema {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// A capability is asked for in a way that means nothing.
    #[error("the capability `{interface}`: {reason}")]
    Capability {
        /// The interface.
        interface: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A part is there that its kind does not have, or is missing.
    #[error("a component of kind `{kind}` {reason}")]
    Kind {
        /// The kind.
        kind: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A value does not mean what its key says.
    #[error("`{key}`: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl ManifestError {
    pub(crate) fn syntax(error: &impl std::fmt::Display) -> Self {
        let text = error.to_string();
        Self::Syntax(crate::text::one_line(&text, 500))
    }
}
