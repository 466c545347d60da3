//! A line of text for a person: pieces, each in its style. Where it is shown decides what a style looks like.

use super::{Palette, Style};

/// A line of harmless text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// The pieces, from left to right.
    pub(crate) pieces: Vec<(Style, String)>,
    /// What stands before the rest where the line is broken for a narrow place.
    pub(crate) lead: String,
}

impl Line {
    /// Returns a line of one piece.
    pub(crate) fn of(style: Style, text: impl Into<String>) -> Self {
        let mut line = Self::default();
        line.push(style, text);
        line
    }

    /// Returns the line with what stands before the rest where it is broken.
    pub(crate) fn led_by(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push((style, text));
        }
    }

    /// Takes away the spaces at the end.
    pub(crate) fn trim_end(&mut self) {
        while let Some((_, text)) = self.pieces.last_mut() {
            text.truncate(text.trim_end_matches(' ').len());
            if !text.is_empty() {
                return;
            }
            self.pieces.pop();
        }
    }

    /// Returns the line in colours.
    pub(super) fn painted(&self, palette: Palette) -> String {
        self.pieces.iter().map(|(style, text)| palette.paint(*style, text)).collect()
    }

    /// Returns the words of the line.
    pub(crate) fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}
