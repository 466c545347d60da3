use std::path::PathBuf;

use super::*;
use crate::exit::Exit;

fn line(typed: &[&str]) -> Result<ParsedLine, CommandError> {
    parse(&typed.iter().map(OsString::from).collect::<Vec<_>>())
}

fn task(typed: &[&str]) -> TaskFlags {
    match line(typed).unwrap().action {
        Action::Task(flags) => *flags,
        other => panic!("not a task: {other:?}"),
    }
}

fn refused(typed: &[&str]) -> CommandError {
    let error = line(typed).unwrap_err();
    assert_eq!(error.kind, Exit::Usage);
    error
}

#[test]
fn the_definitions_are_consistent() {
    command().debug_assert();
}

#[test]
fn flags_stand_before_after_and_between_the_words() {
    for typed in [
        &["fix the login", "-i", "5", "-q"][..],
        &["-i", "5", "-q", "fix the login"],
        &["-qi5", "fix the login"],
        &["fix", "-i", "5", "the", "login", "--quiet"],
        &["--iterations=5", "-q", "--", "fix the login"],
    ] {
        let flags = task(typed);

        assert_eq!(flags.words.join(" "), "fix the login", "{typed:?}");
        assert_eq!((flags.limits.iterations, flags.show.quiet), (Some(5), true), "{typed:?}");
    }
}

#[test]
fn a_task_that_contains_a_commands_name_is_a_task() {
    assert_eq!(task(&["status of the build"]).words, ["status of the build"]);
    assert_eq!(task(&["fix", "the", "status", "page"]).words.len(), 4);
    assert_eq!(task(&["-i", "5", "fix", "status"]).words, ["fix", "status"]);
    assert_eq!(task(&["fix", "-i", "5", "status"]).words, ["fix", "status"]);
    assert_eq!(task(&["--", "status"]).words, ["status"]);
}

#[test]
fn the_value_of_a_flag_is_not_a_command() {
    assert_eq!(task(&["-m", "status", "fix it"]).limits.model.as_deref(), Some("status"));
    assert_eq!(task(&["-o", "task", "fix it"]).show.output, Some(PathBuf::from("task")));
    assert_eq!(task(&["-r", "status", "go on"]).resume.as_deref(), Some("status"));
}

#[test]
fn a_command_is_a_command_even_after_flags_that_hold_everywhere() {
    for typed in [&["status"][..], &["-v", "status"], &["--color", "never", "status", "-v"]] {
        let Action::Command(command) = line(typed).unwrap().action else {
            panic!("{typed:?} is no command");
        };
        assert!(matches!(*command, CliCommand::Status(_)), "{typed:?}");
    }
}

#[test]
fn a_flag_of_a_task_before_a_command_is_refused_and_not_ignored() {
    let error = refused(&["-i", "5", "status"]);

    assert_eq!(error.message, "`--iterations` belongs to a task, and `status` is a command");
    assert_eq!(error.hints, ["as a task: openkoi -i 5 -- status"]);
}

#[test]
fn words_after_a_command_hint_at_quotes() {
    let error = refused(&["status", "of", "the", "build"]);

    assert!(
        error.hints.contains(&"as a task: openkoi \"status of the build\"".to_owned()),
        "{error}"
    );
}

#[test]
fn a_slip_of_a_command_runs_nothing() {
    let error = refused(&["statsu"]);
    assert_eq!(
        error.to_string(),
        "error: there is no command `statsu`\n  hint: openkoi status\n  hint: as a task: openkoi -- statsu"
    );

    assert_eq!(refused(&["sesion", "list"]).hints[0], "openkoi session list");
    assert_eq!(task(&["taks", "it", "apart"]).words.len(), 3);
    assert_eq!(task(&["--", "statsu"]).words, ["statsu"]);
    assert_eq!(task(&["hello"]).words, ["hello"]);
}

#[test]
fn a_planned_command_says_that_it_is_not_built() {
    assert_eq!(refused(&["think", "about it"]).message, "`openkoi think` is not built yet");
    assert_eq!(refused(&["-v", "dashboard"]).message, "`openkoi dashboard` is not built yet");
    assert!(!help::long().contains("dashboard"));
}

#[test]
fn a_session_is_taken_up_with_and_without_an_id() {
    assert_eq!(task(&["-r", "abc1", "go on"]).resume.as_deref(), Some("abc1"));
    assert_eq!(task(&["go on", "-r"]).resume.as_deref(), Some(""));
    let flags = task(&["-r", "go on with it"]);
    assert_eq!(
        (flags.resume.as_deref(), flags.words.as_slice()),
        (Some(""), &["go on with it".to_owned()][..])
    );
    assert!(task(&["-c", "go on"]).continue_last);
    refused(&["-c", "-r", "abc", "go on"]);
    refused(&["--fork", "go on"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    for typed in [
        &["x", "--quality", "1.5"][..],
        &["x", "--quality", "NaN"],
        &["x", "--max-cost", "-1"],
        &["x", "--max-cost", "inf"],
        &["x", "--max-tokens", "0"],
        &["x", "--max-time", "0"],
        &["x", "-i", "-1"],
        &["x", "-i", "many"],
        &["x", "-m", ""],
        &["x", "--output-format", "yaml"],
        &["x", "--nonsense"],
    ] {
        refused(typed);
    }
}

#[test]
fn a_dash_alone_is_a_word() {
    assert_eq!(task(&["-"]).words, ["-"]);
    assert_eq!(task(&["-q", "-"]).words, ["-"]);
}

#[test]
fn the_error_of_an_unknown_flag_is_one_sentence_with_hints() {
    let error = refused(&["fix it", "--itertions", "5"]);

    assert_eq!(error.message, "unexpected argument `--itertions` found");
    assert!(error.hints.iter().any(|hint| hint.contains("--iterations")), "{error}");
    assert!(!error.to_string().contains("error: error"), "{error}");
}

#[test]
fn help_is_a_page_wherever_it_is_asked_for() {
    for typed in [
        &["--help"][..],
        &["fix it", "--help"],
        &["help"],
        &["help", "session"],
        &["session", "-h"],
    ] {
        let Action::Page(text) = line(typed).unwrap().action else { panic!("{typed:?}") };
        assert!(text.contains("Usage:"), "{typed:?}");
    }
    let Action::Page(text) = line(&["--help"]).unwrap().action else { panic!("no page") };
    for part in ["Exit codes:", "124", "OPENKOI_HOME", "--max-cost"] {
        assert!(text.contains(part), "{part} is missing");
    }
}

#[test]
fn json_is_recognised_in_a_line_that_is_not_understood() {
    let asks =
        |typed: &[&str]| asks_for_json(&typed.iter().map(OsString::from).collect::<Vec<_>>());

    assert!(asks(&["x", "--nonsense", "--output-format", "json"]));
    assert!(asks(&["x", "--output-format=stream-json"]));
    assert!(asks(&["session", "list", "--json"]));
    assert!(!asks(&["x", "--output-format", "text"]));
    assert!(!asks(&["--", "--json"]));
}
