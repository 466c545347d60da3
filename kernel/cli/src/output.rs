//! Printing: results, errors, notices and questions.
//!
//! A command returns its result as an [`Output`], and the [`Printer`] turns it into text or JSON.
//! Results go to stdout and everything else to stderr, so that a pipe carries results alone.
//! Progress lines, [`Questions`] and the approver write to stderr without the printer, because they
//! stay on a line or wait for an answer.
//!
//! Text from a model, a tool or a file has to go through [`mod@sanitise`], which escapes the characters
//! that a terminal would obey. [`Page`] and [`Table`] do so by themselves.

mod colour;
pub(crate) mod format;
mod measure;
mod page;
mod questions;
pub(crate) mod sanitise;
mod table;

pub use colour::{ColourChoice, Palette, Style};
pub use format::{Format, SCHEMA_VERSION};
pub use measure::{ago, bytes, count, duration, money, plural, timestamp};
pub use page::Page;
pub use questions::{Choice, Questions};
pub use sanitise::{sanitise, sanitise_line};
pub use table::{Align, Cell, Table};

use std::io::{self, IsTerminal, Write};

use openkoi_app::environment::Environment;
use serde_json::Value;

use crate::{env::COLUMNS, error::CommandError};

/// The result of a command: one value, for people and for programs.
pub trait Output {
    /// Writes the result for a person.
    fn text(&self, page: &mut Page);

    /// Returns the result for a program, with absolute times and whole ids. It is an object, to
    /// which the printer adds the version of the schema.
    fn json(&self) -> Value;
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
        match format {
            Format::Json => self.json(&versioned(output.json())),
            Format::Text => {
                let mut page = self.page();
                output.text(&mut page);
                self.raw(page.finish().as_bytes())
            }
        }
    }

    /// Returns an empty page for stdout.
    pub fn page(&self) -> Page {
        Page::new(self.out.palette, self.out.width, self.now_ms)
    }

    /// Prints a JSON document to stdout on one line, as in a stream of events.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn json_line(&self, value: &Value) -> Result<(), CommandError> {
        self.raw(format!("{}\n", sanitise::json(&value.to_string())).as_bytes())
    }

    /// Prints a JSON document to stdout, indented.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn json(&self, value: &Value) -> Result<(), CommandError> {
        self.raw(format!("{}\n", sanitise::json(&format!("{value:#}"))).as_bytes())
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

/// Returns a document with the version of the schema of this program's JSON.
pub fn versioned(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
    }
    document
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

fn width_of(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        assert!(tolerate(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(tolerate(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
