//! What is laid over a list: the details of one thing.

use super::{
    layout::Laid,
    message::{Shown, Topic},
};
use crate::output::Times;

/// A sheet.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What it shows.
    pub(super) shown: Shown,
    /// The same on lines.
    pub(super) laid: Laid,
    /// The first line that is seen.
    pub(super) top: usize,
    /// What is looked for.
    pub(super) search: String,
}

impl Sheet {
    pub(super) fn new(shown: Shown, width: usize, times: &Times) -> Self {
        let laid = Laid::of(&shown.document, width, times);
        Self { shown, laid, top: 0, search: String::new() }
    }

    /// Shows the same anew.
    pub(super) fn renew(&mut self, shown: Shown, width: usize, room: usize, times: &Times) {
        self.shown = shown;
        self.lay(width, room, times);
    }

    pub(super) fn lay(&mut self, width: usize, room: usize, times: &Times) {
        self.laid = Laid::of(&self.shown.document, width, times);
        self.go(0, room);
    }

    /// Returns true if it can be different when somebody wrote.
    pub(super) fn follows(&self) -> bool {
        !matches!(self.shown.topic, Topic::Help | Topic::Undo(_) | Topic::Done | Topic::Report(..))
    }

    /// Scrolls.
    pub(super) fn go(&mut self, lines: isize, room: usize) {
        self.go_to(self.top.saturating_add_signed(lines), room);
    }

    /// Scrolls to a line.
    pub(super) fn go_to(&mut self, line: usize, room: usize) {
        self.top = line.min(self.laid.lines.len().saturating_sub(room));
    }

    /// Scrolls to the next title, or the one before.
    pub(super) fn go_to_title(&mut self, forth: bool, room: usize) {
        let titles = &self.laid.places.titles;
        let title = if forth {
            titles.iter().find(|title| **title > self.top).copied()
        } else {
            Some(titles.iter().rev().find(|title| **title < self.top).copied().unwrap_or(0))
        };
        if let Some(title) = title {
            self.go_to(title, room);
        }
    }

    /// Scrolls to the first line from `from` on that has the words in it. Returns whether there is one.
    pub(super) fn find(&mut self, from: usize, room: usize) -> bool {
        let found = self.laid.find(&self.search, from);
        if let Some(line) = found {
            self.go_to(line, room);
        }
        found.is_some()
    }
}
