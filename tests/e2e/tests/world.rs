//! What the modules share.

use std::time::Duration;

use openkoi_test_support::{Home, Kind, Run, Script, Tree, script::Turn, until};

/// What is asked for in most tests.
pub(crate) const TASK: &str = "Fix percent so that all tests pass. Leave the tests as they are.";

/// How long one run with a toolchain may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(180);

/// Returns a world with the shell project and a scripted executor; planner and judge are honest.
pub(crate) fn scripted(executor: impl IntoIterator<Item = Turn>) -> Home {
    let script = Script::new(executor).and_honest_company();
    Home::new().project(Kind::Shell).script(&script)
}

/// Fails unless every byte of the workspace is as it was.
#[track_caller]
pub(crate) fn assert_untouched(home: &Home, before: &Tree, run: &Run) {
    assert_eq!(before.differences(&home.tree()), Vec::<String>::new(), "{run}");
}

/// Fails unless nothing that the run started is left. What a test leaves running has to sleep for longer than is
/// waited here, or it would be gone by itself.
pub(crate) fn assert_nothing_runs(home: &Home) {
    until("nothing that belongs to the run is left", LONG, || home.processes().is_empty());
}

/// Fails if a terminal would do anything but show text.
#[track_caller]
pub(crate) fn assert_harmless(run: &Run) {
    let said = run.said();
    let bad: Vec<char> = said
        .chars()
        .filter(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_bidi(*c))
        .collect();
    assert!(bad.is_empty(), "{bad:?} in the output of {run}");
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Returns the lines of standard error that begin with `start`.
pub(crate) fn lines(run: &Run, start: &str) -> Vec<String> {
    run.stderr.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}
