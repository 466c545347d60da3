//! The command line as it was typed.
//!
//! A task needs no subcommand: `openkoi "task"`. The first word decides: if it is exactly the name
//! of a command, the line is that command's. Otherwise all words are the task, and flags may stand
//! before, after and between them. The words after `--` always belong to the task.
//!
//! This is the first of two steps; [`crate::request`] is the second, and adds settings and standard
//! input.

mod deferred;
mod failure;
mod future;
mod habits;
mod help;
mod line;
mod words;

use std::{cell::LazyCell, ffi::OsString};

use clap::{Args, CommandFactory, FromArgMatches, Parser, parser::ValueSource};

use self::line::{Cli, TaskLine};
use crate::{
    commands::completions,
    error::CommandError,
    flags::{GlobalFlags, TaskFlags},
};

pub use help::command;
pub use line::{Action, CliCommand, ParsedLine};
pub use words::{asks_for_json, colour};

/// Parses the command line, without the program's name.
///
/// # Errors
///
/// A usage error, with hints at what may have been meant.
pub fn parse(arguments: &[OsString]) -> Result<ParsedLine, CommandError> {
    // A shell asks so; it is no command for people, and help does not list it.
    if let [first, kind] = arguments
        && first == completions::ASK
    {
        let action = Action::Names(kind.to_string_lossy().into_owned());
        return Ok(ParsedLine { global: GlobalFlags::default(), action });
    }
    // Describing all commands takes longer than most of them, and a task in quotes needs the flags at most.
    let flags: LazyCell<clap::Command> = LazyCell::new(TaskLine::command);
    match words::first(&flags, arguments) {
        Some(word) if words::may_be_command(&word) => parse_word(&word, arguments),
        None if words::asks_for_page(arguments) => parse_command(Cli::command(), arguments, ""),
        _ => parse_task(arguments),
    }
}

fn parse_word(word: &str, arguments: &[OsString]) -> Result<ParsedLine, CommandError> {
    let whole = Cli::command();
    match word {
        _ if words::is_command(&whole, word) => parse_command(whole, arguments, word),
        _ if future::is_planned(word) => Err(future::refusal(word, arguments)),
        _ => parse_task(arguments),
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

fn parse_task(arguments: &[OsString]) -> Result<ParsedLine, CommandError> {
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
    // A line with `--` is meant as a task.
    if !arguments.iter().any(|argument| argument == "--") {
        habits::refuse(&task.words)?;
        words::refuse_slip(Cli::command, &task.words)?;
    }
    if task.fork && !task.continue_last && task.resume.is_none() {
        let error = CommandError::usage("`--fork` needs a session to copy");
        return Err(error.hint("openkoi -c --fork \"TASK\"").hint("openkoi -r ID --fork \"TASK\""));
    }
    Ok(ParsedLine { global, action: Action::Task(Box::new(task)) })
}

/// Returns the arguments after the program's name, as clap expects them.
fn named(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from("openkoi")).chain(arguments.iter().cloned())
}

/// Returns the first flag of a task on the line of a command.
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
