//! The kernel's own lines under an answer: what was not accepted and why, what stays and what was taken back, and the
//! commands that go on from there. They rest on the journal and never on what a model said.

use std::path::Path;

use openkoi_core::{
    deliberation::{names, ruling::Stop},
    evidence::Standing,
    frozen::{Difference, LetThrough},
    outcome::{Ending, Outcome, Trip},
};

use crate::output::sanitise_line;

/// Returns the lines under the answer of the task with this short id. When `quiet`, only those that say why it failed.
pub(crate) fn lines(outcome: &Outcome, task: &str, quiet: bool) -> Vec<String> {
    match &outcome.ending {
        Ending::Vetoed { stops } => return of_veto(stops, task),
        Ending::Simulated => return Vec::new(),
        _ => {}
    }
    let mut lines = Vec::new();
    let accepted = outcome.ending == Ending::Accepted;
    // Whoever watches was told why with the last line of progress.
    if !accepted && quiet {
        lines.push(format!("Not accepted: {}.", sanitise_line(reason(outcome))));
    }
    let judged = outcome.standing.score.is_some();
    if accepted && !judged && !outcome.standing.green.is_empty() && !outcome.changes.is_empty() {
        lines.push(
            "Checked, and not judged: nobody but the project's checks looked at it.".to_owned(),
        );
    }
    // What was taken back for a red check says so itself.
    if !quiet && (outcome.taken_back.is_empty() || !outcome.changes.is_empty()) {
        lines.push(checks(&outcome.standing, outcome.changes.is_empty()));
    }
    lines.extend(changed_evidence(outcome));
    if !accepted && !outcome.changes.is_empty() {
        let files = counted(outcome.changes.len());
        lines
            .push(format!("The work stays: {files} changed. `openkoi undo {task}` takes it back."));
    }
    if !outcome.taken_back.is_empty() {
        let files = counted(outcome.taken_back.len());
        let command = format!("openkoi undo --redo {task}");
        // Beside work that stays it is of a later try, or what nobody accepted of it.
        lines.push(if outcome.changes.is_empty() {
            format!("Taken back: {files}. `{command}` brings them forth again.")
        } else {
            format!("Put back as it was: {files}. `{command}` brings the change forth again.")
        });
    }
    if !quiet && !outcome.beside.is_empty() {
        lines.push(format!("Changed, and not named by the task: {}.", some(&outcome.beside)));
    }
    if !outcome.conflicts.is_empty() {
        let paths = outcome.conflicts.join(", ");
        let paths = sanitise_line(&paths);
        lines.push(format!("Left as they are, because somebody else changed them too: {paths}."));
    }
    if !quiet && !outcome.uncovered.is_empty() {
        let places = outcome.uncovered.join(", ");
        let places = sanitise_line(&places);
        lines.push(format!("Changed, and not covered by an undo: {places}."));
    }
    lines.extend(go_on(outcome, task));
    lines
}

/// Says that nothing was done, what would lift it, and how the user overrules it.
fn of_veto(stops: &[Stop], task: &str) -> Vec<String> {
    let told = stops.iter().map(|stop| {
        let lifted = match stop.lifted_by.is_empty() {
            true => String::new(),
            false => format!(" What would lift it: {}.", sanitise_line(&stop.lifted_by)),
        };
        format!("{} stops it: {}.{lifted}", names::shown(&stop.agency), sanitise_line(&stop.reason))
    });
    let last = format!(
        "Nothing was done. `openkoi resume {task} --override \"REASON\"` does it all the same."
    );
    told.chain([last]).collect()
}

/// Makes the lines those of a dry run: there is nothing to take back or to go on with.
pub(super) fn of_dry_run(lines: &mut Vec<String>, task: &str, place: &Path) {
    lines.retain(|line| !line.contains("`openkoi "));
    let place = place.display().to_string();
    lines.push(format!(
        "Dry run: nothing of this is in {}. `openkoi task diff {task}` shows what would have changed.",
        sanitise_line(&place)
    ));
}

/// Returns why work was not accepted. Older journals have no such sentence.
fn reason(outcome: &Outcome) -> &str {
    match &outcome.ending {
        _ if !outcome.because.is_empty() => &outcome.because,
        Ending::Stalled { reason } => reason,
        _ => "every iteration is used",
    }
}

/// Says which tests count although the run changed them or their files, and why.
fn changed_evidence(outcome: &Outcome) -> Vec<String> {
    let line = |through, words: &str| {
        let of = outcome.differences.iter().filter(|one| one.through == Some(through));
        let names: Vec<String> = of.map(Difference::id).collect();
        (!names.is_empty()).then(|| format!("Tests that changed, {words}: {}.", some(&names)))
    };
    let lines =
        [line(LetThrough::Task, "as the task asks"), line(LetThrough::Person, "as you accepted")];
    lines.into_iter().flatten().collect()
}

/// Returns how the project's checks stand, whether a criterion names them or not.
pub(crate) fn checks(standing: &Standing, unchanged: bool) -> String {
    let lists = [
        &standing.green,
        &standing.broken,
        &standing.new_red,
        &standing.red,
        &standing.unknown,
        &standing.flaky,
        &standing.hanging,
        &standing.not_seen,
    ];
    // A check whose tests are known is told by them.
    let has_tests = |check: &String| {
        let beginning = format!("{check} ");
        lists.iter().any(|list| list.iter().any(|id| id.starts_with(&beginning)))
    };
    let [green, broken, new_red, red, unknown, flaky, hanging, not_seen] =
        lists.map(|list| list.iter().filter(|id| !has_tests(id)).count());
    let all = green + broken + new_red + red + unknown + flaky + hanging + not_seen;
    if all == 0 {
        let what = if unchanged { "Nothing was changed, and no checks" } else { "No checks" };
        return format!("{what} were run.");
    }
    let mut line = format!("Checks: {green} of {all} pass");
    for (count, words) in [
        (broken, "red and not before"),
        (new_red, "new and red"),
        (red, "red as before"),
        (unknown, "could not be run"),
        (flaky, "flaky"),
        (hanging, "open, because they hang on what the task changed"),
        (not_seen, "red before and not seen any more"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {words}"));
        }
    }
    line.push('.');
    line
}

/// The most paths or tests that one line names.
const NAMED: usize = 8;

/// Names the first ones of many.
fn some(names: &[String]) -> String {
    let (named, more) = names.split_at(names.len().min(NAMED));
    let named = sanitise_line(&named.join(", ")).into_owned();
    if more.is_empty() { named } else { format!("{named} and {} more", more.len()) }
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// Returns the command with which a task goes on that a limit stopped.
fn go_on(outcome: &Outcome, task: &str) -> Option<String> {
    let flag = raise(&outcome.ending, outcome.iterations)?;
    Some(format!("It goes on with: openkoi resume {task} {flag}"))
}

/// Returns the command with which the task with this short id goes on, if it is open. With the limit that stopped it, it
/// would stop again at once.
pub(crate) fn resume(ending: Option<&Ending>, iterations: u32, task: &str) -> String {
    let flag = ending.and_then(|ending| raise(ending, iterations));
    let flag = flag.map_or_else(String::new, |flag| format!(" {flag}"));
    format!("openkoi resume {task}{flag}")
}

/// Returns the flag that raises the limit at which a run ended.
fn raise(ending: &Ending, iterations: u32) -> Option<String> {
    Some(match ending {
        Ending::Tripped { trip: Trip::Time { limit_ms } } => {
            format!("--max-time {}", (limit_ms / 1_000).saturating_mul(2).max(1))
        }
        Ending::Tripped { trip: Trip::Budget { what, limit, .. } } => match what {
            openkoi_core::ledger::Shortage::Tokens => format!("--max-tokens {}", limit * 2),
            openkoi_core::ledger::Shortage::Cost => {
                format!("--max-cost {}", (*limit as f64 / 1e6) * 2.0)
            }
        },
        Ending::Exhausted => format!("-i {}", iterations + 3),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use openkoi_core::{
        evaluation::{Change, ChangeKind},
        ledger::Shortage,
    };

    use super::*;
    use crate::testing::outcome;

    fn change(path: &str, kind: ChangeKind) -> Change {
        Change { path: path.to_owned(), kind, control: false }
    }

    #[test]
    fn work_that_is_not_accepted_is_said_to_stay_with_the_reason_and_the_way_back() {
        let mut outcome = outcome(Ending::Exhausted, "done");
        outcome.because = "criterion c1 does not hold: it is good".to_owned();
        outcome.changes = vec![change("a.rs", ChangeKind::Modified)];
        outcome.standing.red = vec!["t".to_owned()];

        assert_eq!(
            lines(&outcome, "abcd1234", false),
            [
                "Checks: 0 of 1 pass, 1 red as before.",
                "The work stays: 1 file changed. `openkoi undo abcd1234` takes it back.",
                "It goes on with: openkoi resume abcd1234 -i 4",
            ]
        );
    }

    #[test]
    fn checks_are_counted_by_their_tests_where_these_are_known() {
        let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let standing = Standing {
            green: list(&["py:test a", "py:test b", "py:lint"]),
            red: list(&["py:test", "py:test c"]),
            ..Standing::default()
        };

        assert_eq!(checks(&standing, false), "Checks: 3 of 4 pass, 1 red as before.");
    }

    #[test]
    fn what_was_taken_back_is_one_command_away() {
        let mut outcome = outcome(Ending::Stalled { reason: "x".to_owned() }, "");
        outcome.taken_back =
            vec![change("a", ChangeKind::Removed), change("b", ChangeKind::Modified)];
        outcome.conflicts = vec!["c".to_owned()];

        assert_eq!(
            lines(&outcome, "abcd1234", true),
            [
                "Not accepted: x.",
                "Taken back: 2 files. `openkoi undo --redo abcd1234` brings them forth again.",
                "Left as they are, because somebody else changed them too: c.",
            ]
        );
    }

    #[test]
    fn what_was_put_back_beside_work_that_stays_is_said_as_that() {
        let mut outcome = outcome(Ending::Stalled { reason: "x".to_owned() }, "");
        outcome.taken_back = vec![change("a", ChangeKind::Modified)];
        outcome.changes = vec![change("a", ChangeKind::Modified)];

        let lines = lines(&outcome, "abcd1234", true);

        let told = "Put back as it was: 1 file. `openkoi undo --redo abcd1234` brings the change forth \
                    again.";
        assert!(lines.contains(&told.to_owned()), "{lines:?}");
    }

    #[test]
    fn a_limit_names_the_command_that_raises_it() {
        let flags = [
            (Trip::Time { limit_ms: 60_000 }, "--max-time 120"),
            (Trip::Budget { what: Shortage::Tokens, limit: 500, spent: 499 }, "--max-tokens 1000"),
            (Trip::Budget { what: Shortage::Cost, limit: 50_000, spent: 1 }, "--max-cost 0.1"),
        ];
        for (trip, flag) in flags {
            let mut outcome = outcome(Ending::Tripped { trip: trip.clone() }, "");
            outcome.because = trip.to_string();
            let last = lines(&outcome, "abcd1234", true).pop().unwrap();
            assert_eq!(last, format!("It goes on with: openkoi resume abcd1234 {flag}"));
            let again = resume(Some(&outcome.ending), 1, "abcd1234");
            assert_eq!(again, format!("openkoi resume abcd1234 {flag}"));
        }
    }

    #[test]
    fn an_accepted_answer_says_that_nothing_was_checked() {
        let outcome = outcome(Ending::Accepted, "four");
        assert_eq!(
            lines(&outcome, "abcd1234", false),
            ["Nothing was changed, and no checks were run."]
        );
        assert!(lines(&outcome, "abcd1234", true).is_empty());
    }
}
