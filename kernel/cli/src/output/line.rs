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
    pub(crate) fn of<T: AsRef<str> + Into<String>>(style: Style, text: T) -> Self {
        let mut line = Self::default();
        line.push(style, text);
        line
    }

    /// Returns the line with what stands before the rest where it is broken.
    pub(crate) fn led_by(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// Adds a piece at the end. Plain text behind plain text is one piece.
    pub(crate) fn push<T: AsRef<str> + Into<String>>(&mut self, style: Style, text: T) {
        match self.pieces.last_mut() {
            _ if text.as_ref().is_empty() => {}
            Some((Style::Plain, before)) if style == Style::Plain => before.push_str(text.as_ref()),
            _ => self.pieces.push((style, text.into())),
        }
    }

    /// Adds so many spaces at the end.
    pub(crate) fn space(&mut self, count: usize) {
        match self.pieces.last_mut() {
            Some((Style::Plain, before)) => before.extend(std::iter::repeat_n(' ', count)),
            _ => self.push(Style::Plain, " ".repeat(count)),
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

    /// Writes the line in colours behind a text.
    pub(super) fn paint(&self, palette: Palette, onto: &mut String) {
        for (style, text) in &self.pieces {
            palette.paint_onto(*style, text, onto);
        }
    }

    /// Returns the words of the line.
    pub(crate) fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}
