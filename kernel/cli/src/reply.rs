//! What a command found, with the way it is printed.

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Format, Output},
};

#[cfg(test)]
use crate::output::Printer;

/// What a command found and how the program ends.
pub struct Reply {
    output: Box<dyn Output>,
    format: Format,
    exit: Exit,
}

impl Reply {
    /// Returns a reply that ends well; `json` is the command's switch.
    pub fn new(output: impl Output + 'static, json: bool) -> Self {
        Self { output: Box::new(output), format: Format::json_if(json), exit: Exit::Accepted }
    }

    /// Lets the program end in another way.
    #[must_use]
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Prints it.
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
