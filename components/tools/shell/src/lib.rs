//! Runs commands in the workspace, in the host's sandbox.
//!
//! A command that fails is not a failure of the tool: the model reads the exit code and the output. The output is handed
//! over as it came: the host cuts and saves it.

mod background;
mod clean;
mod pace;
mod report;

use std::time::{Duration, Instant};

use openkoi_sdk::{
    Failure, Result,
    process::{self, Command, Happening},
    progress,
    tool::Output,
    tools,
};

use crate::pace::Pace;

const DEFAULT_TIMEOUT_MS: u64 = 120_000;
const MAX_TIMEOUT_MS: u64 = 600_000;
/// Left of the call's own deadline to tell what happened.
const TO_REPORT_MS: u64 = 2_000;

tools! {
    "shell" => |command: RunShell, context| run(&command, context.deadline_ms),
    "shell_output" => |look: background::Look, _| background::look(&look),
    "shell_stop" => |stop: background::Stop, _| background::stop(&stop),
}

#[openkoi_sdk::arguments]
struct RunShell {
    #[schemars(length(min = 1))]
    command: String,
    /// 120000 if left out, 600000 at most.
    #[serde(default)]
    timeout_ms: Option<u64>,
    /// Where it starts.
    #[serde(default)]
    directory: Option<String>,
    /// For servers and watchers.
    #[serde(default)]
    run_in_background: Option<bool>,
}

fn run(arguments: &RunShell, deadline_ms: u64) -> Result<Output> {
    if arguments.command.trim().is_empty() {
        return Err(Failure::invalid("/command", "give a command"));
    }
    let timeout_ms = timeout(arguments.timeout_ms, deadline_ms);
    let mut command = Command::new(shell()?)
        .arg("-c")
        .arg(&arguments.command)
        .one_stream()
        .timeout(Duration::from_millis(timeout_ms));
    if let Some(directory) = &arguments.directory {
        command = command.directory(directory);
    }
    if arguments.run_in_background == Some(true) {
        return background::start(&command);
    }
    progress::report(&format!("running {}", clean::line(&arguments.command)));
    follow(command.spawn()?, timeout_ms)
}

/// Models write for bash: arrays, `pipefail`, `<(…)`. Where there is none, most of what they write is for every shell.
fn shell() -> Result<&'static str> {
    Ok(if process::exists("bash")? { "bash" } else { "sh" })
}

/// The command is killed in time for the call to be answered.
fn timeout(asked: Option<u64>, deadline_ms: u64) -> u64 {
    let limit = deadline_ms.saturating_sub(TO_REPORT_MS).max(1);
    asked.unwrap_or(DEFAULT_TIMEOUT_MS).clamp(1, MAX_TIMEOUT_MS).min(limit)
}

fn follow(
    happenings: impl IntoIterator<Item = Result<Happening>>,
    timeout_ms: u64,
) -> Result<Output> {
    let mut output = Vec::new();
    let mut pace = Pace::default();
    for happening in happenings {
        match happening? {
            Happening::Stdout(bytes) | Happening::Stderr(bytes) => {
                output.extend_from_slice(&bytes);
                if pace.lets_pass(Instant::now()) {
                    report_last_line(&bytes);
                }
            }
            Happening::Exited(exit) => return report::output(&output, &exit, timeout_ms),
        }
    }
    Err(Failure::failed("the command ended without saying how"))
}

fn report_last_line(bytes: &[u8]) {
    let text = clean::text(bytes);
    if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
        progress::report(line.trim());
    }
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::process::Exit;

    use super::*;

    fn exit() -> Exit {
        Exit {
            code: Some(0),
            signal: None,
            timed_out: false,
            duration_ms: 1234,
            receipt: "r1".to_owned(),
            saved: None,
            omitted: 0,
        }
    }

    fn text(happenings: Vec<Happening>) -> String {
        follow(happenings.into_iter().map(Ok), 5000).unwrap().text
    }

    #[test]
    fn both_streams_are_shown_in_order_with_the_exit_code() {
        let text = text(vec![
            Happening::Stdout(b"one\n".to_vec()),
            Happening::Stderr(b"\x1b[31mtwo\x1b[0m\n".to_vec()),
            Happening::Stdout(b"three".to_vec()),
            Happening::Exited(Exit { code: Some(2), ..exit() }),
        ]);

        assert_eq!(text, "one\ntwo\nthree\n[exit code 2 after 1.2 s]");
    }

    #[test]
    fn a_rename_that_the_layer_refuses_says_what_to_do_instead() {
        let said = b"fatal: renaming 'src' failed: Invalid cross-device link\n";
        let told = |code| {
            let exit = Happening::Exited(Exit { code: Some(code), ..exit() });
            text(vec![Happening::Stderr(said.to_vec()), exit]).contains("`mv` copies it")
        };

        assert!(told(128) && !told(0));
    }

    #[test]
    fn a_clone_that_trips_over_a_hard_link_says_what_to_do_instead() {
        let said = b"fatal: hardlink different from source at '.git/objects/b1/ab'\n";
        let exit = Happening::Exited(Exit { code: Some(128), ..exit() });

        let told = text(vec![Happening::Stderr(said.to_vec()), exit]);

        assert!(told.contains("`git clone --no-hardlinks`"), "{told}");
    }

    #[test]
    fn a_command_that_says_nothing_is_reported_too() {
        let output = follow([Ok(Happening::Exited(exit()))], 5000).unwrap();

        assert_eq!(output.text, "[no output]\n[exit code 0 after 1.2 s]");
        assert_eq!(output.summary, "exit code 0");
        assert_eq!(
            output.structured.unwrap(),
            r#"{"exit_code":0,"signal":null,"timed_out":false,"duration_ms":1234,"receipt":"r1"}"#
        );
    }

    #[test]
    fn a_command_that_was_killed_says_so() {
        let timed_out = Exit { code: None, signal: Some(9), timed_out: true, ..exit() };
        let killed = Exit { code: None, signal: Some(11), ..exit() };

        assert_eq!(
            text(vec![Happening::Exited(timed_out)]),
            "[no output]\n[timed out after 5 s and was killed with everything it had started; a longer `timeout_ms` may help, and with `run_in_background` it may go on]"
        );
        assert_eq!(
            text(vec![Happening::Exited(killed)]),
            "[no output]\n[killed by signal 11 (segmentation fault) after 1.2 s]"
        );
    }

    #[test]
    fn a_long_output_is_handed_over_whole() {
        let mut happenings: Vec<Happening> =
            (0..10_000).map(|n| Happening::Stdout(format!("line {n}\n").into_bytes())).collect();
        happenings.push(Happening::Exited(exit()));

        let text = text(happenings);

        assert_eq!(text.lines().count(), 10_001);
        assert!(text.starts_with("line 0\nline 1\n"));
        assert!(text.ends_with("line 9999\n[exit code 0 after 1.2 s]"));
    }

    #[test]
    fn the_command_is_killed_before_the_call_is() {
        assert_eq!(timeout(None, 600_000), 120_000);
        assert_eq!(timeout(Some(900_000), 600_000), 598_000);
        assert_eq!(timeout(Some(500), 600_000), 500);
        assert_eq!(timeout(None, 1_000), 1);
    }

    #[test]
    fn a_failure_of_the_host_is_passed_on() {
        let failure = follow([Err(Failure::Cancelled)], 5000).unwrap_err();

        assert_eq!(failure, Failure::Cancelled);
    }
}
