//! The languages that are known here.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Go.
    Go,
    /// JavaScript and TypeScript.
    Script,
    /// Anything else.
    Other,
}

impl Language {
    /// The language of a file, by its name.
    pub(crate) fn of(path: &str) -> Self {
        match path.rsplit('.').next().unwrap_or("") {
            "rs" => Self::Rust,
            "py" => Self::Python,
            "go" => Self::Go,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => Self::Script,
            _ => Self::Other,
        }
    }
}
