//! The screen of a run: lines, streamed text, and a status line below them that moves.

use std::io::Write;

/// The shortest time between two drawings of the status line, in milliseconds.
const FRAME_MS: u64 = 120;
/// The time without a line after which a place where nothing moves is told that the work goes on, in milliseconds.
const QUIET_MS: u64 = 10_000;

/// Goes to the beginning of the line and clears it.
const ERASE: &str = "\r\x1b[K";

/// A screen, or a file that nobody looks at.
pub(super) struct Screen {
    out: Box<dyn Write + Send>,
    /// The width in columns, if the cursor can be moved.
    width: Option<usize>,
    /// True while the cursor stands behind streamed text.
    open: bool,
    drawn: bool,
    /// Number of those who want that nothing moves.
    held: u32,
    drawn_ms: u64,
    said_ms: u64,
    now_ms: u64,
}

impl Screen {
    pub(super) fn new(out: Box<dyn Write + Send>, width: Option<usize>) -> Self {
        let (open, drawn, held) = (false, false, 0);
        Self { out, width, open, drawn, held, drawn_ms: 0, said_ms: 0, now_ms: 0 }
    }

    /// Says what time it is.
    pub(super) fn at(&mut self, now_ms: u64) {
        if self.now_ms == 0 {
            self.said_ms = now_ms;
        }
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// Writes a line.
    pub(super) fn line(&mut self, text: &str) {
        self.erase();
        let begin = if std::mem::take(&mut self.open) { "\n" } else { "" };
        self.said_ms = self.now_ms;
        // A reader of progress that went away is no reason to stop the work.
        drop(writeln!(self.out, "{begin}{text}"));
    }

    /// Writes a piece of text.
    pub(super) fn piece(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.erase();
        self.open = !text.ends_with('\n');
        self.said_ms = self.now_ms;
        drop(write!(self.out, "{text}").and_then(|()| self.out.flush()));
    }

    /// Draws the status line anew, or says once in a while that the work goes on. Both get what they show as a
    /// function of the time, and of the width in columns.
    pub(super) fn tick(
        &mut self,
        now_ms: u64,
        moving: impl Fn(u64, usize) -> Option<String>,
        plain: impl Fn(u64) -> Option<String>,
    ) {
        self.at(now_ms);
        match self.width {
            Some(width) if self.held == 0 && !self.open => {
                if now_ms.saturating_sub(self.drawn_ms) < FRAME_MS {
                    return;
                }
                self.drawn_ms = now_ms;
                match moving(now_ms, width.saturating_sub(1)) {
                    Some(line) => self.draw(&line),
                    None => self.erase(),
                }
            }
            None if now_ms.saturating_sub(self.said_ms) >= QUIET_MS => {
                if let Some(line) = plain(now_ms) {
                    self.line(&line);
                }
            }
            _ => {}
        }
    }

    fn draw(&mut self, line: &str) {
        // The cursor goes back, so that whoever else writes here writes over it.
        drop(write!(self.out, "{ERASE}{line}\r").and_then(|()| self.out.flush()));
        self.drawn = true;
    }

    /// Removes the status line.
    pub(super) fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            drop(write!(self.out, "{ERASE}").and_then(|()| self.out.flush()));
        }
    }

    /// Lets nothing move from now on.
    pub(super) fn hold(&mut self) {
        self.erase();
        self.held += 1;
        if std::mem::take(&mut self.open) {
            drop(writeln!(self.out));
        }
    }

    /// Takes back one [`Screen::hold`].
    pub(super) fn release(&mut self) {
        self.held = self.held.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn screen(&self, width: Option<usize>) -> Screen {
            Screen::new(Box::new(self.clone()), width)
        }

        /// Returns what was written since the last look.
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
        }
    }

    fn tick(screen: &mut Screen, now_ms: u64) {
        let moving = |now, width| Some(format!("at {now} in {width}"));
        screen.tick(now_ms, moving, |now| Some(format!("still at {now}")));
    }

    #[test]
    fn the_status_line_is_drawn_at_most_eight_times_a_second() {
        let paper = Paper::default();
        let mut screen = paper.screen(Some(40));

        (1_000..2_000).for_each(|now| tick(&mut screen, now));

        let drawn = paper.take();
        assert_eq!(drawn.matches("at ").count(), 9, "the first and eight more: {drawn:?}");
        assert!(drawn.starts_with("\r\x1b[Kat 1000 in 39\r"), "{drawn:?}");
    }

    #[test]
    fn it_is_gone_before_anything_else_is_written() {
        let paper = Paper::default();
        let mut screen = paper.screen(Some(40));
        tick(&mut screen, 1_000);
        paper.take();

        screen.line("[EXEC] ls");

        assert_eq!(paper.take(), "\r\x1b[K[EXEC] ls\n");
        screen.line("[EXEC] ls");
        assert_eq!(paper.take(), "[EXEC] ls\n", "it is erased once");
    }

    #[test]
    fn it_stays_away_while_text_is_open_and_while_a_question_stands() {
        let paper = Paper::default();
        let mut screen = paper.screen(Some(40));

        screen.piece("half a line");
        tick(&mut screen, 1_000);
        assert_eq!(paper.take(), "half a line");

        screen.hold();
        tick(&mut screen, 2_000);
        assert_eq!(paper.take(), "\n", "the question begins on a line of its own");

        screen.release();
        tick(&mut screen, 3_000);
        assert_eq!(paper.take(), "\r\x1b[Kat 3000 in 39\r");
    }

    #[test]
    fn where_nothing_moves_a_line_comes_after_ten_quiet_seconds() {
        let paper = Paper::default();
        let mut screen = paper.screen(None);

        for now in (1..=25).map(|second| second * 1_000) {
            tick(&mut screen, now);
            if now == 15_000 {
                screen.line("news");
            }
        }

        assert_eq!(paper.take(), "still at 11000\nnews\nstill at 25000\n");
    }
}
