use std::path::PathBuf;

use super::{deferred::Deferred, *};
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
fn what_other_agents_have_is_refused_with_what_to_type_here() {
    assert_eq!(refused(&["login"]).hints[0], "openkoi connect");
    assert_eq!(refused(&["-q", "version"]).hints[0], "openkoi --version");
    assert_eq!(task(&["--", "login"]).words, ["login"]);
    for typed in [&["-p", "fix it"][..], &["--print", "fix it"], &["fix it", "-p"]] {
        let error = refused(typed);
        assert_eq!(error.hints, ["the result is printed anyway: openkoi \"TASK\""], "{typed:?}");
    }
}

#[test]
fn a_planned_command_says_that_it_is_not_built() {
    assert_eq!(refused(&["init", "it"]).message, "`openkoi init` is not built yet");
    assert_eq!(refused(&["-v", "update"]).message, "`openkoi update` is not built yet");
    assert!(!help::long().contains("  update"));
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

#[test]
fn what_stands_behind_two_dashes_is_the_task_whatever_it_looks_like() {
    let flags = task(&["-q", "--", "--help", "-i", "5", "status"]);

    assert_eq!(flags.words, ["--help", "-i", "5", "status"]);
    assert_eq!((flags.show.quiet, flags.limits.iterations), (true, None));
}

#[test]
fn every_limit_and_every_way_to_show_reaches_the_task() {
    let flags = task(&[
        "fix it",
        "-i",
        "0",
        "--quality",
        "0.9",
        "-m",
        "koi/large",
        "--max-cost",
        "$0.50",
        "--max-tokens",
        "1000",
        "--max-time",
        "60",
        "-q",
        "--output-format",
        "stream-json",
        "-o",
        "out.txt",
        "--json-schema",
        "schema.json",
        "--redact",
    ]);

    let limits = &flags.limits;
    assert_eq!((limits.iterations, limits.quality), (Some(0), Some(0.9)));
    assert_eq!((limits.model.as_deref(), limits.max_cost), (Some("koi/large"), Some(0.5)));
    assert_eq!((limits.max_tokens, limits.max_time), (Some(1_000), Some(60)));
    assert_eq!(flags.show.output_format, crate::flags::RunFormat::StreamJson);
    assert_eq!(flags.show.output, Some(PathBuf::from("out.txt")));
    assert_eq!(flags.json_schema, Some(PathBuf::from("schema.json")));
    assert!(flags.show.quiet && flags.redact);
}

#[test]
fn flags_that_hold_everywhere_are_understood_on_both_sides_of_a_command() {
    for typed in [
        &["--workspace", "/pond", "-vv", "status", "--json"][..],
        &["status", "--json", "--workspace=/pond", "-v", "-v"],
    ] {
        let ParsedLine { global, action } = line(typed).unwrap();

        assert_eq!(global.workspace, Some(PathBuf::from("/pond")), "{typed:?}");
        assert_eq!(global.verbose, 2, "{typed:?}");
        let Action::Command(command) = action else { panic!("{typed:?} is not a command") };
        let CliCommand::Status(args) = *command else { panic!("{typed:?} is another command") };
        assert!(args.json && !args.live, "{typed:?}");
    }
}

#[test]
fn each_command_reads_its_own_arguments() {
    use crate::commands::{session::SessionCommand, task::TaskCommand};
    let command = |typed: &[&str]| match line(typed).unwrap().action {
        Action::Command(command) => *command,
        other => panic!("{typed:?} is no command: {other:?}"),
    };

    let CliCommand::Session(Deferred(args)) = command(&["session", "delete", "abc", "-y"]) else {
        panic!()
    };
    assert!(
        matches!(args.command, Some(SessionCommand::Delete { id: Some(id), yes: true }) if id == "abc")
    );
    let CliCommand::Task(Deferred(args)) =
        command(&["task", "list", "--session", "a", "--limit", "3"])
    else {
        panic!()
    };
    assert!(matches!(
        args.command,
        Some(TaskCommand::List { session: Some(id), limit: 3, json: false }) if id == "a"
    ));
    let CliCommand::Session(args) = command(&["session"]) else { panic!() };
    assert!(args.command.is_none());
    let CliCommand::Trust(_) = command(&["trust"]) else { panic!() };
    let CliCommand::Undo(args) = command(&["undo", "--redo", "--yes", "abc"]) else { panic!() };
    assert_eq!(
        (args.id.as_deref(), args.redo, args.yes, args.json),
        (Some("abc"), true, true, false)
    );
    let CliCommand::Models(args) = command(&["models", "swim", "large", "--offline"]) else {
        panic!()
    };
    assert_eq!((args.words.concat(), args.offline), ("swimlarge".to_owned(), true));
    let CliCommand::Chat(flags) = command(&["chat", "-r", "abc", "--fork", "-i", "2"]) else {
        panic!()
    };
    assert_eq!((flags.resume.as_deref(), flags.fork), (Some("abc"), true));
    assert_eq!(flags.limits.iterations, Some(2));
    let CliCommand::Demo(flags) = command(&["demo", "shell", "--keep", "-q"]) else { panic!() };
    assert_eq!((flags.kind.as_deref(), flags.keep, flags.show.quiet), (Some("shell"), true, true));
    let CliCommand::Resume(flags) = command(&["resume", "abc"]) else { panic!() };
    assert_eq!(flags.id.as_deref(), Some("abc"));
}

#[test]
fn every_planned_command_says_so_and_offers_the_task() {
    for word in ["setup", "init", "update"] {
        let alone = refused(&[word]);
        let sentence = refused(&[word, "about", "it"]);

        let message = format!("`openkoi {word}` is not built yet");
        assert_eq!(alone, CommandError::usage(message.clone()));
        let hint = format!("as a task: openkoi \"{word} about it\"");
        assert_eq!(sentence, CommandError::usage(message).hint(hint));
    }
}

#[test]
fn no_planned_command_is_already_there() {
    let whole = command();

    for known in whole.get_subcommands() {
        assert!(!future::is_planned(known.get_name()), "{}", known.get_name());
    }
}

#[test]
fn a_fork_needs_a_session_to_copy_and_says_how_to_name_one() {
    let error = refused(&["--fork", "go on"]);

    let expected = CommandError::usage("`--fork` needs a session to copy");
    let expected =
        expected.hint("openkoi -c --fork \"TASK\"").hint("openkoi -r ID --fork \"TASK\"");
    assert_eq!(error, expected);
    assert!(task(&["-c", "--fork", "go on"]).fork);
    assert!(task(&["-r", "abc", "--fork", "go on"]).fork);
}

#[test]
fn a_line_to_paste_keeps_the_flags_in_front_and_quotes_the_task() {
    let shown = |typed: &[&str], word: &str| {
        words::as_task(&typed.iter().map(OsString::from).collect::<Vec<_>>(), word)
    };

    assert_eq!(shown(&["status", "of", "it"], "status"), "as a task: openkoi \"status of it\"");
    assert_eq!(shown(&["-i", "5", "status"], "status"), "as a task: openkoi -i 5 -- status");
    assert_eq!(
        shown(&["status", "of", "\"x\""], "status"),
        "as a task: openkoi \"status of \\\"x\\\"\""
    );
    assert_eq!(
        shown(&["-q", "status", "--deep", "look"], "status"),
        "as a task: openkoi -q -- status --deep look"
    );
}

#[test]
fn colour_is_known_before_a_line_is_understood() {
    let choice = |typed: &[&str]| colour(&typed.iter().map(OsString::from).collect::<Vec<_>>());
    use crate::output::ColourChoice::{Always, Auto, Never};

    assert_eq!(choice(&["--nonsense", "--color", "never"]), Never);
    assert_eq!(choice(&["--color=always", "x"]), Always);
    assert_eq!(choice(&["--color=pink"]), Auto);
    assert_eq!(choice(&["--", "--color=always"]), Auto);
    assert_eq!(choice(&["--color"]), Auto);
}

#[test]
fn a_value_that_is_missing_or_wrong_is_told_with_what_is_wanted() {
    let missing = refused(&["fix it", "-m"]);
    let wrong = refused(&["fix it", "--max-cost", "lots"]);

    assert_eq!(missing.message, "a value is required for `--model <MODEL>` but none was supplied");
    assert_eq!(
        wrong.message,
        "invalid value `lots` for `--max-cost <USD>`: \
         an amount is a number of US dollars, for example 0.50"
    );
}

#[test]
fn the_version_is_a_page() {
    let version = format!("openkoi {}\n", env!("CARGO_PKG_VERSION"));

    for typed in [&["--version"][..], &["-V"]] {
        let Action::Page(text) = line(typed).unwrap().action else { panic!("{typed:?}") };
        assert_eq!(text, version);
    }
}

#[test]
fn bytes_that_are_not_utf_8_do_not_end_the_program() {
    use std::os::unix::ffi::OsStringExt as _;
    let odd = OsString::from_vec(vec![b'x', 0xff]);

    let error = parse(&[odd.clone(), OsString::from("y")]).unwrap_err();

    assert_eq!(error.kind, Exit::Usage);
    assert!(!asks_for_json(&[odd]));
}
