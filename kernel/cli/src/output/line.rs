//! A line of text for a person: pieces, each in its style. Where it is shown decides what a style looks like.

use super::{Palette, Style};

/// A line of harmless text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(pub(crate) Vec<(Style, String)>);

impl Line {
    /// Returns a line of one piece.
    pub(crate) fn of(style: Style, text: impl Into<String>) -> Self {
        let mut line = Self::default();
        line.push(style, text);
        line
    }

    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((style, text));
        }
    }

    /// Takes away the spaces at the end.
    pub(crate) fn trim_end(&mut self) {
        while let Some((_, text)) = self.0.last_mut() {
            text.truncate(text.trim_end_matches(' ').len());
            if !text.is_empty() {
                return;
            }
            self.0.pop();
        }
    }

    /// Returns the line in colours.
    pub(super) fn painted(&self, palette: Palette) -> String {
        self.0.iter().map(|(style, text)| palette.paint(*style, text)).collect()
    }

    /// Returns the words of the line.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}
