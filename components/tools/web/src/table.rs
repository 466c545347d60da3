//! Tables: as rows of Markdown where they hold data, as paragraphs where they only arrange a page.

/// A table that is being read.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins a row.
    pub(crate) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Adds a cell to the last row.
    pub(crate) fn cell(&mut self, text: String) {
        if self.rows.is_empty() {
            self.row();
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(text.trim().to_owned());
        }
    }

    /// Returns the table as text.
    pub(crate) fn render(mut self) -> String {
        self.rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let arranges = columns < 2 || self.rows.iter().flatten().any(|cell| cell.contains("\n\n"));
        if arranges { self.paragraphs() } else { self.markdown(columns) }
    }

    fn paragraphs(self) -> String {
        let cells = self.rows.into_iter().flatten().filter(|cell| !cell.is_empty());
        cells.collect::<Vec<_>>().join("\n\n")
    }

    fn markdown(self, columns: usize) -> String {
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = (0..columns)
                .map(|column| row.get(column).map_or(String::new(), |cell| one_line(cell)));
            text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
            if number == 0 {
                text.push_str(&format!("|{}\n", "---|".repeat(columns)));
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn one_line(cell: &str) -> String {
    let words: Vec<&str> = cell.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}
