//! Printing: results, errors, notices and questions.
//!
//! A command returns its result as an [`Output`], which is a document, and the [`Printer`] turns it into text or JSON.
//! Results go to stdout and everything else to stderr, so that a pipe carries results alone.
//! Progress lines, [`Questions`] and the approver write to stderr without the printer, because they
//! stay on a line or wait for an answer.
//!
//! Text from a model, a tool or a file has to go through [`mod@sanitise`], which escapes the characters
//! that a terminal would obey. A document is sanitised where it is written.

pub(crate) mod beside;
mod colour;
pub(crate) mod diff;
pub(crate) mod format;
mod grid;
pub(crate) mod json;
mod line;
pub(crate) mod markdown;
mod measure;
mod page;
mod questions;
pub(crate) mod sanitise;
mod terminal;

pub use colour::{ColourChoice, Palette, Style};
pub use format::{Format, SCHEMA_VERSION};
pub(crate) use grid::cut as shortened;
use grid::{Align, Cell, Grid};
pub(crate) use line::Line;
use measure::clock_time;
pub use measure::{ago, bytes, count, duration, money, money_at_most, plural};
use page::Page;
pub(crate) use page::{Places, QUOTED, Times};
pub use questions::{Choice, Questions};
pub use sanitise::{sanitise, sanitise_line};

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use openkoi_app::environment::Environment;
use openkoi_core::document::Document;
use serde::Serialize;
use serde_json::Value;

use crate::{
    env::{COLUMNS, TERM},
    error::CommandError,
};

/// The result of a command: one document, for people and for programs.
pub trait Output {
    /// Returns what there is to say. For a program it becomes an object, to which the printer adds the version of the
    /// schema.
    fn document(&self) -> Document;

    /// Returns what there is to say to people, who may be told less than a program.
    fn for_people(&self) -> Document {
        self.document()
    }
}

/// The properties of stdout or stderr.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// True if the stream is a terminal.
    pub terminal: bool,
    /// The colours that may be used.
    pub palette: Palette,
    /// The width of the terminal, or `None` if lines may have any length.
    pub width: Option<usize>,
    /// True if the cursor can be moved, so that a line can be written anew.
    pub moves: bool,
}

/// Prints results to stdout, and notices, warnings and errors to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    out: Stream,
    err: Stream,
    now_ms: u64,
}

impl Printer {
    /// Returns a printer, after a look at both streams.
    pub fn new(environment: &Environment, choice: ColourChoice, now_ms: u64) -> Self {
        let columns = environment.text(&COLUMNS).and_then(|text| text.parse().ok());
        let stream = |terminal: bool, size: Option<usize>| Stream {
            terminal,
            palette: Palette::decide(choice, environment, terminal),
            width: terminal.then(|| size.or(columns).unwrap_or(80).max(20)),
            moves: terminal && environment.text(&TERM).is_some_and(|term| term != "dumb"),
        };
        Self {
            out: stream(io::stdout().is_terminal(), width_of(&io::stdout())),
            err: stream(io::stderr().is_terminal(), width_of(&io::stderr())),
            now_ms,
        }
    }

    /// Returns the properties of stdout.
    pub fn out(&self) -> Stream {
        self.out
    }

    /// Returns the properties of stderr, which gets the progress lines.
    pub fn err(&self) -> Stream {
        self.err
    }

    /// Returns the time that relative times are counted from.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Prints a command's result to stdout.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written. A reader that has closed its end is not an error.
    pub fn result(&self, output: &dyn Output, format: Format) -> Result<(), CommandError> {
        self.raw(self.rendered(output, format).as_bytes())
    }

    /// Returns what [`Printer::result`] prints.
    pub(crate) fn rendered(&self, output: &dyn Output, format: Format) -> String {
        match format {
            Format::Json => indented(&json::Object::of(&output.document()).versioned()),
            Format::Text => self.text(&output.for_people()),
        }
    }

    /// Returns a document as it is printed for a person on stdout.
    pub(crate) fn text(&self, document: &Document) -> String {
        let mut page = Page::new(self.out.palette, self.out.width, self.now_ms);
        terminal::write(document, &mut page);
        page.finish()
    }

    /// Prints a JSON document to stdout on one line, as in a stream of events.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn json_line(&self, value: &Value) -> Result<(), CommandError> {
        self.raw(
            format!("{}\n", sanitise::json(&json::rounded(value.clone()).to_string())).as_bytes(),
        )
    }

    /// Prints a JSON document to stdout, indented.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn json(&self, value: &Value) -> Result<(), CommandError> {
        self.raw(indented(&json::rounded(value.clone())).as_bytes())
    }

    /// Prints text of any origin to stdout, sanitised even if stdout is a pipe, which may end at a
    /// terminal. `-o FILE` and JSON have the text as it is.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn verbatim(&self, text: &str) -> Result<(), CommandError> {
        self.raw(sanitise(text).as_bytes())
    }

    /// Writes bytes to stdout as they are. The caller makes sure that they are harmless.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn raw(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        tolerate(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Prints a sanitised line to stderr.
    pub fn notice(&self, text: &str) {
        self.tell(&sanitise(text));
    }

    /// Prints a warning to stderr.
    pub fn warning(&self, text: &str) {
        let label = self.err.palette.paint(Style::Caution, "warning");
        self.tell(&format!("{label}: {}", sanitise(text)));
    }

    /// Prints an error to stderr and, in JSON format, its record to stdout too.
    pub fn error(&self, error: &CommandError, format: Format) {
        let label = self.err.palette.paint(Style::Bad, "error");
        let text = error.to_string();
        self.tell(&text.replacen("error", &label, 1));
        if format == Format::Json && self.json_line(&error.record()).is_err() {
            self.tell("warning: standard output cannot be written either");
        }
    }

    /// Writes a harmless line to stderr. A failure is ignored, because there is no other place to
    /// report it.
    fn tell(&self, line: &str) {
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}

/// Returns the lines of a document at this width, and where on them something begins. Whoever shows them gives each style
/// its look.
pub(crate) fn laid_out(document: &Document, width: usize, times: Times) -> (Vec<Line>, Places) {
    let mut page = Page::with_times(Palette::PLAIN, Some(width), times);
    terminal::write(document, &mut page);
    page.into_lines()
}

/// Returns a JSON document, indented.
fn indented(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    if let Cow::Owned(safe) = sanitise::json(&text) {
        text = safe;
    }
    text.push('\n');
    text
}

/// Returns an error unless the reader of stdout has closed its end, which is not a failure.
fn tolerate(written: io::Result<()>) -> Result<(), CommandError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::failed(format!("cannot write standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Returns the width of the terminal that questions are put on, as it is now.
pub(crate) fn width_of_questions() -> Option<usize> {
    width_of(&io::stderr())
}

fn width_of(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
impl Printer {
    /// Returns a printer for lines so long, without colour and with nobody at a terminal.
    pub(crate) fn on_paper(width: Option<usize>, now_ms: u64) -> Self {
        let stream = Stream { terminal: false, palette: Palette::PLAIN, width, moves: false };
        Self { out: stream, err: stream, now_ms }
    }

    /// Returns the printer with colours on stdout.
    pub(crate) fn in_colour(mut self) -> Self {
        self.out.palette = Palette::ALWAYS;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_closes_its_end_is_not_an_error() {
        assert!(tolerate(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(tolerate(Err(io::ErrorKind::StorageFull.into())).is_err());
    }

    use std::path::Path;

    use openkoi_core::document::{self, Pairs};
    use serde_json::json;

    struct Pond;

    impl Output for Pond {
        fn document(&self) -> Document {
            let pairs = Pairs::new("").for_people("fed", document::Value::Instant(0)).pair(
                "name",
                "name",
                "koi\u{202e}",
            );
            Document::new("Pond").with(pairs)
        }
    }

    #[test]
    fn an_output_is_text_for_people_and_a_document_with_its_version_for_programs() {
        let printer = Printer::on_paper(None, 60_000);

        assert_eq!(
            printer.rendered(&Pond, Format::Text),
            "fed          1 min ago\nname         koi\\u{202e}\n"
        );
        assert_eq!(
            printer.rendered(&Pond, Format::Json),
            "{\n  \"name\": \"koi\\u202e\",\n  \"schema_version\": 1\n}\n"
        );
    }

    #[test]
    fn scores_have_three_decimals_and_other_numbers_are_as_they_are() {
        let odd = 0.919_999_999_999_999_9;
        let record = json!({
            "score": odd, "cost_usd": 0.000_001, "list": [{ "quality": 0.123_456 }, { "score": null }],
            "result": { "score": odd },
        });

        assert_eq!(
            json::rounded(record),
            json!({
                "score": 0.92, "cost_usd": 0.000_001, "list": [{ "quality": 0.123 }, { "score": null }],
                "result": { "score": odd },
            })
        );
    }

    #[test]
    fn the_format_follows_the_switch() {
        assert_eq!([true, false].map(Format::json_if), [Format::Json, Format::Text]);
    }

    #[test]
    fn a_write_that_failed_says_why() {
        let error = tolerate(Err(io::Error::other("the disk is full"))).unwrap_err();

        let message = "cannot write standard output: the disk is full";
        assert_eq!(error, CommandError::failed(message));
    }

    #[test]
    fn a_pipe_has_no_width_whatever_the_environment_says() {
        let environment = Environment::of([("COLUMNS", "30")], Path::new("/"));

        let printer = Printer::new(&environment, ColourChoice::Never, 7);

        let widths = [printer.out(), printer.err()].map(|stream| (stream.terminal, stream.width));
        for (terminal, width) in widths {
            assert_eq!(terminal, width.is_some());
        }
        assert_eq!(printer.now_ms(), 7);
        assert!(!printer.out().palette.is_on());
    }
}
