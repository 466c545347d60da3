//! The command line of OpenKoi.
//!
//! [`start`] is the whole program: [`args`] understands what was typed, [`request`] and [`settings`] find out what
//! was meant, [`commands`] do it with what [`context`] gives them, and [`output`] prints what they found. What
//! goes wrong is a [`error::CommandError`], whose kind is the program's [`exit`] code.
//!
//! Only this crate reads the environment ([`mod@env`]), the command line and the home directory ([`paths`]); all
//! below it get values. [`models`] decides which provider and model do the work.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod approver;
pub mod args;
mod briefing;
pub mod commands;
pub mod consents;
mod context;
mod defect;
pub mod env;
pub mod error;
mod execute;
pub mod exit;
mod interrupt;
pub mod log;
pub mod models;
pub mod output;
pub mod paths;
pub mod request;
mod rules;
mod runtime;
pub mod settings;
pub mod suggest;
mod watch;
mod workspace;

use std::{ffi::OsString, process::ExitCode};

use crate::{
    args::Line,
    context::Context,
    env::Environment,
    error::CommandError,
    exit::Exit,
    output::{ColourChoice, Format, Printer},
};

/// Runs the program with these arguments, its own name left out.
pub fn start(arguments: Vec<OsString>) -> ExitCode {
    let environment = Environment::current();
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
            report(&context.printer, commands::run(action, &context), format)
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
