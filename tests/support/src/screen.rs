//! What a person sees on a terminal, from the bytes that were written to it.

/// Columns and rows of a terminal that does not say its size.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// The cells of a terminal. Of escape sequences those that a program which draws needs are known: to go to a cell, to
/// clear, to switch modes and colours.
#[derive(Debug)]
pub struct Screen {
    cells: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// Escape sequences that nobody who draws needs, such as those for the title or the clipboard.
    pub odd: Vec<String>,
}

impl Screen {
    /// Returns the screen after all of this was written.
    pub fn after(written: &str) -> Self {
        let cells = vec![vec![' '; COLUMNS]; ROWS];
        let mut screen = Self { cells, row: 0, column: 0, odd: Vec::new() };
        let mut rest = written;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                '\u{1b}' => screen.escape(&rest[1..]),
                '\r' => {
                    screen.column = 0;
                    &rest[1..]
                }
                '\n' => {
                    screen.row = (screen.row + 1).min(ROWS - 1);
                    &rest[1..]
                }
                c => {
                    screen.put(c);
                    &rest[c.len_utf8()..]
                }
            };
        }
        screen
    }

    /// Returns the lines, without spaces at their ends.
    pub fn lines(&self) -> Vec<String> {
        let line = |cells: &Vec<char>| cells.iter().collect::<String>().trim_end().to_owned();
        self.cells.iter().map(line).collect()
    }

    fn put(&mut self, c: char) {
        if c.is_control() {
            self.odd.push(c.escape_debug().to_string());
            return;
        }
        if let Some(cell) = self.cells.get_mut(self.row).and_then(|row| row.get_mut(self.column)) {
            *cell = c;
        }
        self.column += 1;
    }

    /// Obeys an escape sequence, and returns what comes behind it.
    fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
        let Some(body) = rest.strip_prefix('[') else {
            self.odd.push(rest.chars().take(8).collect());
            return rest;
        };
        // One that is not whole yet changes nothing.
        let Some(end) = body.find(|c: char| ('@'..='~').contains(&c)) else { return "" };
        let (parameters, last) = (&body[..end], &body[end..=end]);
        let numbers = parameters.split(';').map(|text| text.parse::<usize>().unwrap_or(1));
        let numbers: Vec<usize> = numbers.collect();
        match last {
            "H" => {
                let at =
                    |index: usize| numbers.get(index).map_or(0, |number| number.saturating_sub(1));
                (self.row, self.column) = (at(0), at(1));
            }
            "J" => self.cells = vec![vec![' '; COLUMNS]; ROWS],
            "K" => {
                if let Some(row) = self.cells.get_mut(self.row) {
                    row.iter_mut().skip(self.column).for_each(|cell| *cell = ' ');
                }
            }
            "h" if parameters == "?1049" => self.cells = vec![vec![' '; COLUMNS]; ROWS],
            "h" | "l" | "m" => {}
            _ => self.odd.push(format!("[{parameters}{last}")),
        }
        &body[end + 1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_over_is_seen_and_what_is_odd_is_kept() {
        let screen = Screen::after(
            "\u{1b}[1;1Hrunning\u{1b}[1;1Hca\u{1b}[1;4Hcelled\u{1b}[2;3H\u{1b}[31mkoi\u{1b}[0m",
        );
        assert_eq!(screen.lines()[..2], ["cancelled", "  koi"]);
        assert!(screen.odd.is_empty());

        let screen = Screen::after("old\u{1b}[?1049hnew\u{7}\u{1b}]0;title\u{7}");
        assert!(screen.lines()[0].contains("new") && !screen.lines()[0].contains("old"));
        assert_eq!(screen.odd.len(), 3, "{:?}", screen.odd);
    }
}
