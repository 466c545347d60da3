//! What is told of a command that ended.

use openkoi_sdk::{Result, process::Exit, tool::Output};
use serde::Serialize;

use crate::clean;

#[derive(Serialize)]
struct Ended<'a> {
    exit_code: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
    duration_ms: u64,
    receipt: &'a str,
}

/// Puts the answer together.
pub(crate) fn output(output: &[u8], exit: &Exit, timeout_ms: u64) -> Result<Output> {
    let mut text = clean::text(output);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if text.trim().is_empty() {
        text = "[no output]\n".to_owned();
    }
    let failed = exit.code != Some(0);
    let (moves, links) = (failed && is_of_another_device(&text), failed && is_linked(&text));
    let ending = ending(exit, timeout_ms);
    text.push_str(&format!("[{ending}]"));
    text.extend(moves.then_some(MOVED));
    text.extend(links.then_some(LINKED));
    Output::text(text).summary(summary(exit)).structured(&Ended {
        exit_code: exit.code,
        signal: exit.signal,
        timed_out: exit.timed_out,
        duration_ms: exit.duration_ms,
        receipt: &exit.receipt,
    })
}

/// Added where a program gave up at a rename. Over a layer of the workspace the system refuses to rename a directory that
/// was there before, and most programs copy it then; git does not.
const MOVED: &str = "\n[a directory that was there before this command cannot be renamed in one step here: `mv` copies \
                     it, and `git add -A` makes a move of that]";

/// Added where git found that a hard link to a file which was there before is another file, as it is over the layer of an
/// ordinary user.
const LINKED: &str = "\n[a hard link to a file that was there before this command is a copy here: \
                      `git clone --no-hardlinks` does without]";

fn is_linked(text: &str) -> bool {
    text.contains("hardlink different from source")
}

/// Tells whether the system's words for `EXDEV`, or its name, are in an output.
fn is_of_another_device(text: &str) -> bool {
    text.contains("ross-device link") || text.contains("EXDEV")
}

pub(crate) fn ending(exit: &Exit, timeout_ms: u64) -> String {
    let took = seconds(exit.duration_ms);
    if exit.timed_out {
        let limit = seconds(timeout_ms);
        return format!(
            "timed out after {limit} and was killed with everything it had started; a longer `timeout_ms` may help, \
             and with `run_in_background` it may go on"
        );
    }
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit code {code} after {took}"),
        (None, Some(signal)) => {
            format!("killed by signal {signal}{} after {took}", meaning(signal))
        }
        (None, None) => format!("ended after {took}"),
    }
}

fn summary(exit: &Exit) -> String {
    match (exit.timed_out, exit.code, exit.signal) {
        (true, _, _) => "timed out".to_owned(),
        (_, Some(code), _) => format!("exit code {code}"),
        (_, None, Some(signal)) => format!("killed by signal {signal}"),
        (_, None, None) => "ended".to_owned(),
    }
}

/// Numbers that are the same on every system that has signals.
fn meaning(signal: i32) -> &'static str {
    match signal {
        2 => " (interrupted)",
        4 => " (illegal instruction)",
        6 => " (aborted)",
        8 => " (arithmetic error)",
        9 => " (killed)",
        11 => " (segmentation fault)",
        13 => " (broken pipe)",
        15 => " (terminated)",
        _ => "",
    }
}

fn seconds(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{:.1} s", milliseconds as f64 / 1000.0)
    }
}
