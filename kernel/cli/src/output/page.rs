//! A page of text for a person, written from top to bottom.

use super::{Palette, Style, Table, ago, sanitise, sanitise_line};

/// A page of lines, fields and tables. Text that is put on it is sanitised.
#[derive(Debug)]
pub struct Page {
    text: String,
    palette: Palette,
    width: Option<usize>,
    now_ms: u64,
}

impl Page {
    /// Returns an empty page.
    pub fn new(palette: Palette, width: Option<usize>, now_ms: u64) -> Self {
        Self { text: String::new(), palette, width, now_ms }
    }

    /// Writes a line, which may have line breaks in it.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.styled(text, Style::Plain);
    }

    /// Writes a line in a style.
    pub fn styled(&mut self, text: impl AsRef<str>, style: Style) {
        let text = sanitise(text.as_ref());
        self.text.push_str(&self.palette.paint(style, &text));
        self.text.push('\n');
    }

    /// Writes a mark that was painted with [`Page::painted`], and a line after it.
    pub fn marked(&mut self, mark: &str, text: &str) {
        self.text.push_str(mark);
        self.text.push(' ');
        self.line(text);
    }

    /// Returns `text` with the escape codes of `style`. It has to be the program's own, as it is
    /// not sanitised.
    pub fn painted(&self, style: Style, text: &str) -> String {
        self.palette.paint(style, text)
    }

    /// Writes an empty line, unless the page is empty.
    pub fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Writes a title after a gap.
    pub fn title(&mut self, text: &str) {
        self.gap();
        self.styled(text, Style::Strong);
    }

    /// Writes a label and its value, aligned with those above.
    pub fn field(&mut self, label: &str, value: impl AsRef<str>) {
        self.field_styled(label, value, Style::Plain);
    }

    /// Writes a label and its value in a style.
    pub fn field_styled(&mut self, label: &str, value: impl AsRef<str>, style: Style) {
        let value = sanitise_line(value.as_ref()).into_owned();
        let label = self.palette.paint(Style::Faint, &format!("{label:<12}"));
        let value = self.palette.paint(style, &value);
        self.text.push_str(&format!("{label} {value}"));
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Writes the titles and rows of a table.
    pub fn table(&mut self, table: &Table) {
        self.text.push_str(&table.render(self.palette, self.width));
    }

    /// Returns how long ago a time was.
    pub fn ago(&self, then_ms: u64) -> String {
        ago(self.now_ms, then_ms)
    }

    /// Returns the text of the page.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_below_one_another_and_cannot_forge_a_line() {
        let mut page = Page::new(Palette::PLAIN, None, 0);
        page.field("model", "a/b");
        page.field("task", "one\nstatus  accepted");

        assert_eq!(page.finish(), "model        a/b\ntask         one status  accepted\n");
    }
}
