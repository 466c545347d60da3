//! A test that stands in the source that it tests.

/// A test, or several that belong together.
#[derive(Debug, PartialEq)]
pub(super) struct Item<'a> {
    pub start: usize,
    pub end: usize,
    /// What it belongs to, by which it is found again: `mod tests`, `fn adds`.
    pub name: String,
    pub text: &'a str,
    /// Whether it can stand at the end of the file, when what it belonged to is gone.
    pub alone: bool,
}
