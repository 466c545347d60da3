//! The command line of OpenKoi: a surface of `openkoi-app`.
//!
//! [`start`] is the whole program. [`args`] parses the command line, [`request`] adds settings and
//! standard input, and a command of [`commands`] does the work with the application of its
//! `context`. [`output`] prints results and errors. An error is an [`error::CommandError`], whose
//! kind is the program's [`exit`] code.
//!
//! This crate reads the command line and the environment ([`mod@env`]) and passes them down as values.
//! Settings, models, wiring and runs are in `openkoi-app`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod alerts;
mod approver;
pub mod args;
pub mod commands;
mod context;
mod dashboard;
mod defect;
mod details;
mod dispatch;
pub mod env;
pub mod error;
mod execute;
pub mod exit;
pub mod flags;
mod ids;
mod interrupt;
mod keyboard;
pub mod log;
pub mod output;
mod pick;
mod reply;
pub mod request;
mod terminal_modes;
mod watch;

use std::{ffi::OsString, process::ExitCode};

use openkoi_app::{environment::Environment, thread};

use crate::{
    args::ParsedLine,
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{ColourChoice, Format, Printer},
};

/// Runs the program with these arguments, its own name left out.
pub fn start(arguments: Vec<OsString>) -> ExitCode {
    let environment = env::current();
    // The version is printed without building anything else.
    if let [only] = arguments.as_slice()
        && (only == "--version" || only == "-V")
    {
        return version(&environment);
    }
    thread::share_heap();
    defect::end_on_panic(&environment);
    run(&arguments, environment).into()
}

fn version(environment: &Environment) -> ExitCode {
    let printer = Printer::new(environment, ColourChoice::Never, 0);
    let text = concat!("openkoi ", env!("CARGO_PKG_VERSION"), "\n");
    report(&printer, printer.raw(text.as_bytes()).map(|()| Exit::Accepted), Format::Text).into()
}

fn run(arguments: &[OsString], environment: Environment) -> Exit {
    let format = Format::json_if(args::asks_for_json(arguments));
    match args::parse(arguments) {
        Ok(ParsedLine { global, action }) => {
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
