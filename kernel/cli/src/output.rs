//! The one place that prints.
//!
//! A command returns what it found as an [`Output`]; the [`Printer`] turns it into text or JSON. The result
//! goes to stdout and everything else to stderr, so that a pipe carries the result only.
//!
//! Text that came from a model, a tool or a file is never printed as it is: [`mod@sanitise`] shows what a terminal
//! would obey. The page and the table do it by themselves.

mod colour;
mod measure;
mod page;
mod prompt;
mod sanitise;
mod table;

pub use colour::{ColourChoice, Palette, Style};
pub use measure::{ago, bytes, count, duration, money, plural, timestamp};
pub use page::Page;
pub use prompt::{Choice, Prompt};
pub use sanitise::{sanitise, sanitise_line};
pub use table::{Align, Cell, Table};

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::{
    env::{COLUMNS, Environment},
    error::CommandError,
};

/// The version of the JSON that commands print. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What a command found: one value, for people and for programs.
pub trait Output {
    /// Writes it for a person.
    fn text(&self, page: &mut Page);

    /// Returns it for a program, with absolute times and whole ids: an object, to which the printer adds the
    /// version of its schema.
    fn json(&self) -> Value;
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// Returns the format that a `--json` switch asks for.
    pub fn json_if(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// What is known of one of the two streams.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Whether a person looks at it.
    pub terminal: bool,
    /// The colours that may be used.
    pub palette: Palette,
    /// The width of the terminal; absent where lines may be as long as they like.
    pub width: Option<usize>,
}

/// Prints.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    out: Stream,
    err: Stream,
    now_ms: u64,
}

impl Printer {
    /// Looks at both streams.
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

    /// Returns what is known of stdout.
    pub fn out(&self) -> Stream {
        self.out
    }

    /// Returns what is known of stderr, where progress goes.
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
    /// When stdout cannot be written. A reader that went away is no error.
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

    /// Prints a JSON document to stdout, on one line, as a stream of events needs it.
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

    /// Prints text of any origin to stdout, sanitised. A pipe too may end at a terminal; `-o FILE` and JSON have the
    /// text as it is.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn verbatim(&self, text: &str) -> Result<(), CommandError> {
        self.raw(sanitise(text).as_bytes())
    }

    /// Writes bytes to stdout that are known to be harmless.
    ///
    /// # Errors
    ///
    /// As [`Printer::result`].
    pub fn raw(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        tolerate(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Says something on stderr.
    pub fn notice(&self, text: &str) {
        self.tell(&sanitise(text));
    }

    /// Warns on stderr.
    pub fn warning(&self, text: &str) {
        let label = self.err.palette.paint(Style::Caution, "warning");
        self.tell(&format!("{label}: {}", sanitise(text)));
    }

    /// Reports an error on stderr, and for a program that reads JSON on stdout too.
    pub fn error(&self, error: &CommandError, format: Format) {
        let label = self.err.palette.paint(Style::Bad, "error");
        let text = error.to_string();
        self.tell(&text.replacen("error", &label, 1));
        if format == Format::Json && self.json_line(&error.record()).is_err() {
            self.tell("warning: standard output cannot be written either");
        }
    }

    /// Writes a line that is already harmless to stderr. When even that fails there is nobody left to tell.
    fn tell(&self, line: &str) {
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}

/// Adds the version of the schema to a document, as every document of this program has it.
pub fn versioned(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
    }
    document
}

/// Takes a reader that went away for the end of the work it wanted, not for a failure.
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
