//! What a tab lists: its rows, the chosen one, and what is looked for in it.

use super::{
    layout::{Laid, filtered},
    message::{Listing, Topic},
};
use crate::output::Times;

/// The list of a tab.
#[derive(Debug)]
pub(super) struct List {
    listing: Option<Listing>,
    /// What of it is shown.
    pub(super) laid: Laid,
    /// The number that each shown row has in the listing.
    numbers: Vec<usize>,
    /// What is looked for.
    pub(super) search: String,
    /// The chosen row of those that are shown.
    pub(super) chosen: usize,
    /// The first shown line of those that scroll.
    pub(super) top: usize,
    /// True if it has to be read before it is believed.
    pub(super) is_stale: bool,
}

impl Default for List {
    fn default() -> Self {
        Self {
            listing: None,
            laid: Laid::default(),
            numbers: Vec::new(),
            search: String::new(),
            chosen: 0,
            top: 0,
            is_stale: true,
        }
    }
}

impl List {
    /// Takes in what was read. The same thing stays chosen, if it is still there.
    pub(super) fn show(&mut self, listing: Listing, width: usize, room: usize, times: &Times) {
        let before = self.topic().cloned();
        self.is_stale = false;
        self.listing = Some(listing);
        self.arrange(before, width, room, times);
    }

    /// Lays it out anew, for another size or other words to look for.
    pub(super) fn lay(&mut self, width: usize, room: usize, times: &Times) {
        self.arrange(self.topic().cloned(), width, room, times);
    }

    fn arrange(&mut self, before: Option<Topic>, width: usize, room: usize, times: &Times) {
        let Some(listing) = &self.listing else { return };
        let (laid, numbers) = if self.search.is_empty() {
            let laid = Laid::of(&listing.document, width, times);
            let all = (0..laid.places.rows.len()).collect();
            (laid, all)
        } else {
            let (document, numbers) = filtered(&listing.document, &self.search);
            (Laid::of(&document, width, times), numbers)
        };
        self.take(laid, numbers);
        let topics = self.numbers.iter().map(|number| self.topic_of(*number));
        let same =
            before.and_then(|before| topics.into_iter().position(|topic| topic == Some(&before)));
        let last = self.numbers.len().saturating_sub(1);
        self.chosen = same.unwrap_or(self.chosen.min(last));
        self.reveal(room);
    }

    /// Takes lines and their rows, without those that cannot be opened: they are read and not chosen.
    fn take(&mut self, laid: Laid, numbers: Vec<usize>) {
        self.laid = laid;
        let rows = std::mem::take(&mut self.laid.places.rows);
        let both = numbers.into_iter().zip(rows);
        let both = both.filter(|(number, _)| self.topic_of(*number) != Some(&Topic::Nothing));
        (self.numbers, self.laid.places.rows) = both.unzip();
    }

    fn topic_of(&self, number: usize) -> Option<&Topic> {
        self.listing.as_ref()?.topics.get(number)
    }

    /// Returns what the chosen row is about.
    pub(super) fn topic(&self) -> Option<&Topic> {
        self.topic_of(*self.numbers.get(self.chosen)?)
    }

    /// Returns true if it was read.
    pub(super) fn is_known(&self) -> bool {
        self.listing.is_some()
    }

    pub(super) fn is_moving(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.is_moving)
    }

    /// Returns the number of rows that are shown.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the number of lines above the first row, which stay where they are if there is room.
    pub(super) fn head(&self, room: usize) -> usize {
        let first = self.laid.row(0).map_or(0, |row| row.start);
        if first * 2 <= room { first } else { 0 }
    }

    /// Moves the choice, or the text if there are no rows.
    pub(super) fn go(&mut self, steps: isize, room: usize) {
        if self.numbers.is_empty() {
            let last = self.laid.lines.len().saturating_sub(room);
            self.top = self.top.saturating_add_signed(steps).min(last);
            return;
        }
        self.choose(self.chosen.saturating_add_signed(steps), room);
    }

    /// Chooses a row.
    pub(super) fn choose(&mut self, row: usize, room: usize) {
        self.chosen = row.min(self.numbers.len().saturating_sub(1));
        self.reveal(room);
    }

    /// Returns the row at a line of its place on the screen.
    pub(super) fn row_at(&self, line: usize, room: usize) -> Option<usize> {
        let head = self.head(room);
        self.laid.row_at(if line < head { line } else { self.top + line - head })
    }

    /// Scrolls so far that the chosen row is seen. With the last one comes what stands below it.
    fn reveal(&mut self, room: usize) {
        let (head, all) = (self.head(room), self.laid.lines.len());
        let room = room - head;
        let last = all.saturating_sub(room).max(head);
        let Some(row) = self.laid.row(self.chosen) else {
            self.top = self.top.min(last).max(head);
            return;
        };
        let is_last = self.chosen + 1 == self.numbers.len();
        let end = if is_last { all } else { row.end };
        let lowest = end.saturating_sub(room).min(row.start);
        self.top = self.top.clamp(lowest, row.start).max(head).min(last);
    }
}
