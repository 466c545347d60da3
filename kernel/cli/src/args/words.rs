//! The words of a line: the first one, and the command that it may be a slip of.

use std::{cell::LazyCell, ffi::OsString};

use openkoi_app::suggest;

use crate::{error::CommandError, output::ColourChoice};

/// Returns true if the line asks for JSON. This is known before the line is parsed, because an
/// error of parsing is printed as JSON too.
pub fn asks_for_json(arguments: &[OsString]) -> bool {
    flags(arguments).any(|flag| flag == "--json")
        || value(arguments, "--output-format").is_some_and(|format| format.ends_with("json"))
}

/// Returns the choice of colour of a line that is not parsed yet.
pub fn colour(arguments: &[OsString]) -> ColourChoice {
    match value(arguments, "--color").as_deref() {
        Some("always") => ColourChoice::Always,
        Some("never") => ColourChoice::Never,
        _ => ColourChoice::Auto,
    }
}

fn flags(arguments: &[OsString]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    arguments.iter().map(|argument| argument.to_string_lossy()).take_while(|flag| flag != "--")
}

fn value(arguments: &[OsString], name: &str) -> Option<String> {
    let mut rest = flags(arguments);
    while let Some(flag) = rest.next() {
        if flag == name {
            return rest.next().map(std::borrow::Cow::into_owned);
        }
        let joined = flag.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = joined {
            return Some(value.to_owned());
        }
    }
    None
}

/// Returns the first word before `--` that is neither a flag nor the value of one.
pub(super) fn first(command: &LazyCell<clap::Command>, arguments: &[OsString]) -> Option<String> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            return None;
        }
        if !argument.starts_with('-') || argument == "-" {
            return Some(argument.into_owned());
        }
        let value = value_of(command, &argument);
        if value == ValuePosition::Next
            || (value == ValuePosition::Perhaps && peeks_at_value(&mut arguments.clone()))
        {
            arguments.next();
        }
    }
    None
}

fn peeks_at_value<'a>(rest: &mut impl Iterator<Item = std::borrow::Cow<'a, str>>) -> bool {
    rest.next().is_some_and(|next| !next.starts_with('-'))
}

/// The position of a flag's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValuePosition {
    /// In the argument itself, or the flag has no value.
    Here,
    /// In the next argument.
    Next,
    /// In the next argument, if that is not a flag.
    Perhaps,
}

fn value_of(command: &clap::Command, argument: &str) -> ValuePosition {
    if let Some(long) = argument.strip_prefix("--") {
        let known = command.get_arguments().find(|known| known.get_long() == Some(long));
        return known.map_or(ValuePosition::Here, wants);
    }
    // A cluster: `-qi 5`, `-i5`.
    let mut letters = argument.chars().skip(1);
    while let Some(letter) = letters.next() {
        let known = command.get_arguments().find(|known| known.get_short() == Some(letter));
        let wanted = known.map_or(ValuePosition::Here, wants);
        if wanted != ValuePosition::Here {
            return if letters.next().is_some() { ValuePosition::Here } else { wanted };
        }
    }
    ValuePosition::Here
}

fn wants(argument: &clap::Arg) -> ValuePosition {
    if !argument.get_action().takes_values() {
        return ValuePosition::Here;
    }
    let least = argument.get_num_args().map_or(1, |range| range.min_values());
    if least == 0 { ValuePosition::Perhaps } else { ValuePosition::Next }
}

/// Returns true if `word` is of the form of a command's name.
pub(super) fn may_be_command(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Returns true if `word` is exactly the name of a command.
pub(super) fn is_command(command: &clap::Command, word: &str) -> bool {
    word == "help" || command.get_subcommands().any(|known| known.get_name() == word)
}

/// Returns true if a line without words asks for help or the version.
pub(super) fn asks_for_page(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| ["-h", "--help", "-V", "--version"].iter().any(|page| argument == page))
}

/// Refuses a single word that looks like a slip of a command, so that a slip does not start a task.
///
/// Two words are refused if the second one is a subcommand: `sesion list`.
pub(super) fn refuse_slip(
    command: impl FnOnce() -> clap::Command,
    words: &[String],
) -> Result<(), CommandError> {
    let (word, second) = match words {
        [word] => (word, None),
        [word, second] => (word, Some(second)),
        _ => return Ok(()),
    };
    if word.contains(char::is_whitespace) {
        return Ok(());
    }
    let mut command = command();
    if second.is_some() {
        // What is below a command is described with its arguments.
        command.build();
    }
    let fits = |known: &&clap::Command| {
        second.is_none_or(|second| known.get_subcommands().any(|sub| sub.get_name() == second))
    };
    let names = command.get_subcommands().filter(fits).map(|known| known.get_name().to_owned());
    let meant = suggest::closest(word, names);
    if meant.is_empty() {
        return Ok(());
    }
    let rest = second.map_or_else(String::new, |second| format!(" {second}"));
    let error = CommandError::usage(format!("there is no command `{word}`"));
    let error = error.hints(meant.iter().map(|name| format!("openkoi {name}{rest}")));
    Err(error.hint(format!("as a task: openkoi -- {word}{rest}")))
}

/// Returns a hint: the line that runs `arguments` as a task, from `word` on.
pub(super) fn as_task(arguments: &[OsString], word: &str) -> String {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let start = words.iter().position(|typed| typed == word).unwrap_or(0);
    let (flags, text) = words.split_at(start);
    let flags: String = flags.iter().map(|flag| format!("{flag} ")).collect();
    let shown = text.join(" ");
    // A word by itself is the command again, even in quotes, and a flag in quotes is a word.
    if text.len() < 2 || text.iter().any(|word| word.starts_with('-')) {
        return format!("as a task: openkoi {flags}-- {shown}");
    }
    format!("as a task: openkoi {flags}\"{}\"", shown.replace('"', "\\\""))
}
