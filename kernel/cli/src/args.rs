//! What was typed.
//!
//! A task needs no subcommand: `openkoi "task"`. So that a task is never taken for a command nor a command for
//! a task, the first word decides, and only a whole word counts: if it is exactly a command's name, the line is
//! that command's; otherwise all words are the task, and flags may stand before, after and between them.
//! Everything after `--` is the task.
//!
//! This is the first of two steps: what was meant is found out by [`crate::request`].

mod failure;
mod future;
mod help;
mod line;
mod words;

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, parser::ValueSource};

use self::line::{Cli, TaskLine};
use crate::{
    error::CommandError,
    flags::{GlobalFlags, TaskFlags},
};

pub use help::command;
pub use line::{Action, CliCommand, ParsedLine};
pub use words::{asks_for_json, colour};

/// Understands what was typed, the program's name left out.
///
/// # Errors
///
/// A usage error with what may have been meant.
pub fn parse(arguments: &[OsString]) -> Result<ParsedLine, CommandError> {
    let whole = Cli::command();
    match words::first(&whole, arguments) {
        Some(word) if words::is_command(&whole, &word) => parse_command(whole, arguments, &word),
        Some(word) if future::is_planned(&word) => Err(future::refusal(&word, arguments)),
        None if words::asks_for_page(arguments) => parse_command(whole, arguments, ""),
        _ => parse_task(&whole, arguments),
    }
}

fn parse_command(
    whole: clap::Command,
    arguments: &[OsString],
    word: &str,
) -> Result<ParsedLine, CommandError> {
    let matches = match help::dress(whole).try_get_matches_from(named(arguments)) {
        Ok(matches) => matches,
        Err(error) => return failure::page_or_error(&error, arguments, word),
    };
    if let Some(flag) = task_flag(&matches) {
        let message = format!("`{flag}` belongs to a task, and `{word}` is a command");
        return Err(CommandError::usage(message).hint(words::as_task(arguments, word)));
    }
    let cli = Cli::from_arg_matches(&matches).map_err(|error| failure::told(&error))?;
    let action = match cli.command {
        Some(command) => Action::Command(Box::new(command)),
        None => Action::Task(Box::new(cli.task)),
    };
    Ok(ParsedLine { global: cli.global, action })
}

fn parse_task(whole: &clap::Command, arguments: &[OsString]) -> Result<ParsedLine, CommandError> {
    let line = match TaskLine::try_parse_from(named(arguments)) {
        Ok(line) => line,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            let long = arguments.iter().any(|argument| argument == "--help");
            let text = if long { help::long() } else { help::short() };
            return Ok(ParsedLine { global: GlobalFlags::default(), action: Action::Page(text) });
        }
        Err(error) => return failure::page_or_error(&error, arguments, ""),
    };
    let TaskLine { global, mut task } = line;
    task.settle_resume();
    // Whoever writes `--` has said that it is a task.
    if !arguments.iter().any(|argument| argument == "--") {
        words::refuse_slip(whole, &task.words)?;
    }
    if task.fork && !task.continue_last && task.resume.is_none() {
        let error = CommandError::usage("`--fork` needs a session to copy");
        return Err(error.hint("openkoi -c --fork \"TASK\"").hint("openkoi -r ID --fork \"TASK\""));
    }
    Ok(ParsedLine { global, action: Action::Task(Box::new(task)) })
}

/// Returns the arguments after the program's name, as clap wants them.
fn named(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from("openkoi")).chain(arguments.iter().cloned())
}

/// Returns a flag of a task that stands before a command.
fn task_flag(matches: &clap::ArgMatches) -> Option<String> {
    matches.subcommand_name()?;
    let flags = TaskFlags::augment_args(clap::Command::new("task"));
    let typed = flags.get_arguments().find(|argument| {
        let id = argument.get_id().as_str();
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    });
    typed.map(|argument| {
        argument
            .get_long()
            .map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}"))
    })
}

#[cfg(test)]
mod tests;
