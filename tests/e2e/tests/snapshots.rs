//! Whole outputs, as a person sees them: what a test of one line would miss, somebody sees here.
//!
//! `INSTA_UPDATE=always cargo test -p openkoi-e2e snapshots` writes them anew; look at the difference before
//! it is committed.

use openkoi_test_support::{Home, Kind, Run, turn};

use crate::world::{LONG, TASK, scripted};

/// Compares both outputs and the exit code of a run with what is kept under `name`.
#[track_caller]
fn holds(name: &str, home: &Home, run: &Run) {
    let streams = [("standard output", &run.stdout), ("standard error", &run.stderr)];
    let shown = streams.into_iter().filter(|(_, text)| !text.is_empty());
    let shown: String = shown
        .map(|(stream, text)| format!("\n--- {stream}\n{}", home.normalise(text).trim_end()))
        .collect();
    let shown = sorted(&plain(&shown));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(name, format!("exit code {}{shown}\n", run.code));
    });
}

/// Replaces what differs between machines and versions of the prompts: sizes, counts of tokens, what the kernel
/// of this machine offers, and the ids that are shown by their end only.
fn plain(text: &str) -> String {
    const RULES: [(&str, &str); 10] = [
        (r"\breceipt [0-9a-z]{8}\b", "receipt [ID]"),
        (r"\bresume [0-9a-z]{8}\b", "resume [ID]"),
        (r"\bon tree [0-9a-f]{8}\b", "on tree [TREE]"),
        (r"demo-shell-[0-9a-z]{8}\b", "demo-shell-[ID]"),
        (r"\b\d+ tokens\b", "[N] tokens"),
        (r#""tokens": [1-9]\d*"#, r#""tokens": [N]"#),
        (r#""duration_ms": \d+"#, r#""duration_ms": [N]"#),
        (r"(?m)^entries +\d+$", "entries      [N]"),
        (r"Landlock ABI \d+", "Landlock ABI [N]"),
        (r" +[\d.]+ KiB", " [SIZE]"),
    ];
    RULES.iter().fold(text.to_owned(), |text, (pattern, placeholder)| {
        let pattern = regex::Regex::new(pattern).unwrap();
        pattern.replace_all(&text, *placeholder).into_owned()
    })
}

/// Sorts neighbouring lines of files that were read: calls of one turn run side by side, and any may end first.
fn sorted(text: &str) -> String {
    let is_read = |line: &str| line.starts_with("[EXEC] read_file ");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.chunk_by_mut(|a, b| is_read(a) && is_read(b)).for_each(<[&str]>::sort_unstable);
    lines.join("\n")
}

/// A world whose task was done: the model fixes the project at the first attempt.
fn fixing() -> Home {
    let kind = Kind::Shell;
    scripted([
        turn().executor().after("write_file").say("`percent` now rounds, and answers for nothing."),
        turn().executor().write(kind.source(), kind.fix()),
    ])
}

#[test]
fn the_demonstration() {
    let home = Home::new();

    let run = home.openkoi(["demo", "shell"]).timeout(LONG).run();

    holds("demo-shell", &home, &run);
}

#[test]
fn an_accepted_task_and_everything_that_shows_it_afterwards() {
    let home = fixing();

    let run = home.openkoi([TASK]).timeout(LONG).run();
    holds("task-accepted", &home, &run);

    for (name, arguments) in [
        ("status", &["status"][..]),
        ("status-json", &["status", "--json"]),
        ("session-list", &["session", "list"]),
        ("session-list-json", &["session", "list", "--json"]),
        ("task-list", &["task", "list"]),
        ("task-list-json", &["task", "list", "--json"]),
    ] {
        holds(name, &home, &home.openkoi(arguments).run());
    }
    let listed = home.openkoi(["task", "list", "--json"]).run();
    let task = openkoi_test_support::normal::ids(&listed.stdout)[0].clone();
    for (name, arguments) in [
        ("task-show", &["task", "show", &task][..]),
        ("task-show-json", &["task", "show", &task, "--json"]),
        ("task-replay", &["task", "replay", &task]),
        ("task-verify", &["task", "verify", &task]),
        ("undo", &["undo", "--yes"]),
    ] {
        holds(name, &home, &home.openkoi(arguments).run());
    }
}

#[test]
fn a_task_that_is_not_accepted() {
    let kind = Kind::Shell;
    let home = scripted([
        turn().executor().in_round(1).say("Done. All tests pass."),
        turn().executor().write(kind.source(), kind.half_fix()),
    ]);

    let run = home.openkoi([TASK]).timeout(LONG).run();

    holds("task-not-accepted", &home, &run);
}

#[test]
fn a_question_waits_for_a_person() {
    let home = scripted([
        turn().executor().in_round(0).shell("echo one > log"),
        turn().executor().say("I may not run anything, so nothing is done."),
    ])
    .config("[trust]\ndefault = \"ask\"");

    let run = home.openkoi([TASK]).timeout(LONG).run();

    holds("task-needs-approval", &home, &run);
}

#[test]
fn the_first_run_without_any_provider() {
    let home = Home::new();

    holds("first-run", &home, &home.openkoi([TASK]).run());
    holds("first-status", &home, &home.openkoi(["status"]).run());
}

/// The help of every command is held by `kernel/cli/reference.md`; this one also holds how it is printed.
#[test]
fn the_help_and_the_configuration() {
    let home = fixing();

    holds("help", &home, &home.openkoi(["--help"]).run());
    holds("help-short", &home, &home.openkoi(["-h"]).run());
    holds("config", &home, &home.openkoi(["config"]).run());
    holds("plugin-list", &home, &home.openkoi(["plugin", "list"]).run());
}
