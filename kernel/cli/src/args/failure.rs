//! Errors of clap, in the words and look of the program.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::{Action, ParsedLine, habits, words};
use crate::{error::CommandError, flags::GlobalFlags};

/// Turns help and version into pages, and other errors of clap into usage errors.
pub(super) fn page_or_error(
    error: &clap::Error,
    arguments: &[OsString],
    word: &str,
) -> Result<ParsedLine, CommandError> {
    if let Some(habit) = habits::of_flag(error) {
        return Err(habit);
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let action = Action::Page(error.render().to_string());
            Ok(ParsedLine { global: GlobalFlags::default(), action })
        }
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand if reads_as_task(error, word) => {
            Err(told(error).hint(words::as_task(arguments, word)))
        }
        _ => Err(told(error)),
    }
}

/// Returns true if there are more words than the command takes, so that they may be a task that
/// begins with its name.
fn reads_as_task(error: &clap::Error, word: &str) -> bool {
    let odd = error.get(clap::error::ContextKind::InvalidArg);
    let odd = odd.or_else(|| error.get(clap::error::ContextKind::InvalidSubcommand));
    !word.is_empty() && odd.is_some_and(|odd| !odd.to_string().starts_with('-'))
}

/// Returns a usage error with clap's sentence, and its tips as hints.
pub(super) fn told(error: &clap::Error) -> CommandError {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let sentence = first.lines().map(str::trim).filter(|line| !line.is_empty());
    let sentence = sentence.collect::<Vec<_>>().join(" ");
    let message = sentence.strip_prefix("error: ").unwrap_or(&sentence).replace('\'', "`");
    let rest = paragraphs.flat_map(str::lines).map(str::trim);
    let hints = rest.filter_map(|line| {
        let usage = line.strip_prefix("Usage: ").map(|usage| format!("usage: {usage}"));
        usage.or_else(|| line.strip_prefix("tip: ").map(|tip| tip.replace('\'', "`")))
    });
    CommandError::usage(message).hints(hints)
}
