//! Formats of results, and the version of the JSON.

/// The version of the JSON that commands print. It is raised when a field changes its meaning or is
/// removed.
pub const SCHEMA_VERSION: u32 = 1;

/// The format of a command's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text for a person.
    #[default]
    Text,
    /// One JSON document for a program.
    Json,
}

impl Format {
    /// Returns the format that a `--json` switch asks for.
    pub fn json_if(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}
