//! Text in paragraphs, put together from the scattered white space of HTML.

/// The separator of the text so far from what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Block,
}

/// Collects text. White space is only remembered until something follows it.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
    gap: Gap,
    /// Keeps what comes next on this line, whatever would separate it.
    held: bool,
}

impl Writer {
    /// Adds text whose white space means no more than that words end.
    pub(crate) fn words(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.gap = self.gap.max(Gap::Space);
        }
        for word in text.split_whitespace() {
            self.settle();
            self.text.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(char::is_whitespace) && text.contains(|c: char| !c.is_whitespace()) {
            self.gap = Gap::None;
        }
    }

    /// Adds text as it is.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.settle();
        self.text.push_str(text);
    }

    /// Adds what begins a line, such as the sign of a list item; what follows stays beside it.
    pub(crate) fn sign(&mut self, text: &str) {
        self.held = false;
        self.verbatim(text);
        self.held = true;
    }

    /// Ends what a sign began: what follows is separated again, even if nothing was beside the sign.
    pub(crate) fn release(&mut self) {
        self.held = false;
    }

    /// Begins a line.
    pub(crate) fn line(&mut self) {
        self.gap = self.gap.max(Gap::Line);
    }

    /// Begins a paragraph.
    pub(crate) fn block(&mut self) {
        self.gap = Gap::Block;
    }

    /// Begins a piece that [`take`](Self::take) will take out again, and returns where it begins.
    pub(crate) fn mark(&mut self) -> usize {
        self.settle();
        self.text.len()
    }

    /// As [`mark`](Self::mark), for a piece that goes elsewhere: what separates it from the text before stays
    /// due for what follows it.
    pub(crate) fn mark_apart(&mut self) -> usize {
        self.gap = Gap::None;
        self.text.len()
    }

    /// Takes out what was added since `mark`.
    pub(crate) fn take(&mut self, mark: usize) -> String {
        let mark = mark.min(self.text.len());
        self.text.split_off(mark)
    }

    /// Returns how much text there is, in bytes.
    pub(crate) fn position(&self) -> usize {
        self.text.len()
    }

    /// Returns all of the text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn settle(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if std::mem::take(&mut self.held) || self.text.is_empty() {
            return;
        }
        match gap {
            Gap::None => {}
            Gap::Space if self.text.ends_with(char::is_whitespace) => {}
            Gap::Space => self.text.push(' '),
            Gap::Line => self.end_with("\n"),
            Gap::Block => self.end_with("\n\n"),
        }
    }

    fn end_with(&mut self, end: &str) {
        let kept = self.text.trim_end_matches(['\n', ' ']).len();
        self.text.truncate(kept);
        self.text.push_str(end);
    }
}
