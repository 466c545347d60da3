//! How results are printed.

/// The version of the JSON that commands print. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// Returns the format that a `--json` switch asks for.
    pub fn json_if(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}
