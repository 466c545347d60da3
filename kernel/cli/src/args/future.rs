//! Commands that are planned but not built yet. Typing one is a usage error that says so, and
//! `--help` does not list them.

use std::ffi::OsString;

use super::words;
use crate::error::CommandError;

const PLANNED: [&str; 4] = ["setup", "init", "dashboard", "update"];

pub(super) fn is_planned(word: &str) -> bool {
    PLANNED.contains(&word)
}

pub(super) fn refusal(word: &str, arguments: &[OsString]) -> CommandError {
    let error = CommandError::usage(format!("`openkoi {word}` is not built yet"));
    if arguments.len() > 1 { error.hint(words::as_task(arguments, word)) } else { error }
}
