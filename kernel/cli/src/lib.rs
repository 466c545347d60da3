//! The command line of OpenKoi: a surface of `openkoi-app`.
//!
//! [`start`] is the whole program: [`args`] understands what was typed, [`request`] finds out what was meant,
//! a command of [`commands`] does it with what [`context`] gives it, and [`output`] prints what it found. What goes wrong is a
//! [`error::CommandError`], whose kind is the program's [`exit`] code.
//!
//! This crate reads the command line and the environment ([`env`]) and hands them down as values; settings, models,
//! wiring and runs are below it.

mod approver;
pub mod args;
pub mod commands;
mod context;
mod defect;
mod dispatch;
pub mod env;
pub mod error;
mod execute;
pub mod exit;
pub mod flags;
mod interrupt;
pub mod log;
pub mod output;
mod pick;
mod reply;
pub mod request;
mod watch;

use std::{ffi::OsString, process::ExitCode};

use openkoi_app::environment::Environment;

use crate::{
    args::Line,
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{ColourChoice, Format, Printer},
};

/// Runs the program with these arguments, its own name left out.
pub fn start(arguments: Vec<OsString>) -> ExitCode {
    let environment = env::current();
    // Nothing else is worth building for this one.
    if let [only] = arguments.as_slice()
        && (only == "--version" || only == "-V")
    {
        return version(&environment);
    }
    let exit = defect::guarded(&environment, || run(&arguments, environment.clone()));
    exit.into()
}

fn version(environment: &Environment) -> ExitCode {
    let printer = Printer::new(environment, ColourChoice::Never, 0);
    let text = concat!("openkoi ", env!("CARGO_PKG_VERSION"), "\n");
    report(&printer, printer.raw(text.as_bytes()).map(|()| Exit::Accepted), Format::Text).into()
}

fn run(arguments: &[OsString], environment: Environment) -> Exit {
    let format = Format::json_if(args::asks_for_json(arguments));
    match args::parse(arguments) {
        Ok(Line { global, action }) => {
            let context = Context::new(environment, global);
            report(&context.printer, dispatch::dispatch(action, &context), format)
        }
        Err(error) => {
            let printer = Printer::new(&environment, args::colour(arguments), 0);
            report(&printer, Err(error), format)
        }
    }
}

fn report(printer: &Printer, result: Result<Exit, CommandError>, format: Format) -> Exit {
    result.unwrap_or_else(|error| {
        printer.error(&error, format);
        error.kind
    })
}

#[cfg(test)]
mod testing;
