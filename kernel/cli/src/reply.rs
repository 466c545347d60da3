//! The reply of a command: its result, the format of it, and the exit code.

use openkoi_core::document::Document;

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Format, Output},
};

#[cfg(test)]
use crate::output::Printer;

/// The result of a command, its format, and the exit code of the program.
pub struct Reply {
    output: Box<dyn Output>,
    format: Format,
    exit: Exit,
}

impl Reply {
    /// Returns a reply with the exit code of success. `json` is the command's switch.
    pub fn new(output: impl Output + 'static, json: bool) -> Self {
        Self { output: Box::new(output), format: Format::json_if(json), exit: Exit::Accepted }
    }

    /// Returns the reply with another exit code.
    #[must_use]
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Returns the result, for whoever shows it in a place of its own.
    pub(crate) fn document(&self) -> Document {
        self.output.document()
    }

    /// Prints the result, and returns the exit code.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub fn print(self, context: &Context) -> Result<Exit, CommandError> {
        context.printer.result(self.output.as_ref(), self.format)?;
        Ok(self.exit)
    }
}

#[cfg(test)]
impl Reply {
    /// Returns what `printer` would print, and how the program would end.
    pub(crate) fn rendered(&self, printer: &Printer) -> (String, Exit) {
        (printer.rendered(self.output.as_ref(), self.format), self.exit)
    }
}
