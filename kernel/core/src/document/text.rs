//! Pieces of text, and lists of them.

use serde::Serialize;

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As it stands.
    #[default]
    Plain,
    /// It matters.
    Strong,
    /// It matters less.
    Muted,
    /// Something to be typed: a command, a path, an identifier.
    Code,
}

/// What a piece of text says about the state of things. The words have to say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing.
    #[default]
    Neutral,
    /// Well.
    Good,
    /// To be looked at.
    Warning,
    /// Bad.
    Bad,
}

/// A piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The text. A renderer puts it on one line and makes its control characters harmless; a program gets it as it is.
    pub text: String,
    /// How it is meant.
    pub style: Style,
    /// What it says about the state of things.
    pub tone: Tone,
    /// Where it leads. Absent: nowhere.
    pub link: Option<String>,
}

impl Span {
    /// Returns a piece of text that says something about the state of things.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { tone, ..Self::from(text.into()) }
    }

    /// Returns a piece of text that matters.
    pub fn strong(text: impl Into<String>) -> Self {
        Self { style: Style::Strong, ..Self::from(text.into()) }
    }

    /// Returns a piece of text that matters less.
    pub fn muted(text: impl Into<String>) -> Self {
        Self { style: Style::Muted, ..Self::from(text.into()) }
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&String> for Span {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

/// An item of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Item {
    /// How deep it stands, from 0.
    pub depth: u8,
    /// Its text.
    pub text: Vec<Span>,
}

impl Item {
    /// Returns an item of one piece.
    pub fn new(depth: u8, text: impl Into<Span>) -> Self {
        Self { depth, text: vec![text.into()] }
    }
}
