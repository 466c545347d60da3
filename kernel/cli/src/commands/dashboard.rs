//! `openkoi dashboard`: everything on one screen, live.

use crate::{
    context::Context,
    dashboard::{self, Form},
    error::CommandError,
    exit::Exit,
};

/// Arguments of `openkoi dashboard`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print lines when something changes instead of drawing, for a screen reader or a log
    #[arg(long)]
    pub plain: bool,
    /// Print all of it once, as JSON
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
}

/// Opens the dashboard. Where it cannot be drawn, all of it is printed once.
///
/// # Errors
///
/// When the home or the settings cannot be read, or the terminal cannot be used.
pub fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let draws = context.printer.out().moves && context.questions.is_interactive();
    let form = match args {
        Args { json: true, .. } => Form::Once { json: true },
        Args { plain: true, .. } => Form::Lines,
        _ if draws => Form::Screen,
        _ => Form::Once { json: false },
    };
    dashboard::open(form, context)
}
