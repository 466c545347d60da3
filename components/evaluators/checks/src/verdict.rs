//! The verdict as a whole.

use openkoi_sdk::Result;
use openkoi_sdk::evaluator::{Check, Outcome, Subject, Verdict};

use crate::detect;
use crate::evidence::{self, Frozen};
use crate::look;
use crate::plan::{Category, Plan};
use crate::pointers;
use crate::run::{self, Results};
use crate::world::World;

/// Runs the project's checks on the tree as it is, and says which of the changed files are evidence. Where files are frozen,
/// runs those checks again that they decide.
pub(crate) fn evaluate(subject: &Subject, world: &dyn World) -> Result<Verdict> {
    if let Some(quick) = &subject.quick {
        return look::at(subject, quick, world);
    }
    let is_unchanged = subject.changes.is_empty();
    if subject.answer.is_some() && is_unchanged {
        // Nothing changed since these ran: they show what another run would.
        if !subject.baseline.is_empty() {
            let (checks, findings) = (subject.baseline.clone(), Vec::new());
            return Ok(verdict(Results { checks, findings }));
        }
        let mut plans = detect::all(world, subject, &[]);
        plans.retain(|plan| is_spoken_of(&subject.task, plan.category));
        return Ok(verdict(run::all(world, &plans, &subject.baseline)?));
    }
    if !subject.frozen.is_empty() {
        return frozen(subject, world);
    }
    let plans = detect::all(world, subject, &subject.changes);
    let mut verdict = verdict(run::all(world, &plans, &subject.baseline)?);
    verdict.evidence = evidence::of(subject, world);
    if verdict.checks.iter().all(|check| check.outcome == Outcome::Passed) {
        let ran = (&plans[..], &verdict.checks[..]);
        verdict.findings.extend(pointers::of(subject, &verdict.evidence, ran, world));
    }
    Ok(verdict)
}

/// Beginnings of words by which a task speaks of a kind of check.
const WORDS: [(Category, &[&str]); 4] = [
    (Category::Test, &["test", "spec", "suite"]),
    (Category::Build, &["build", "compil", "test", "spec", "suite"]),
    (Category::Lint, &["lint", "clippy", "ruff"]),
    (Category::Types, &["typecheck", "type-check", "mypy", "tsc"]),
];

/// Returns whether the task is a question about checks of this kind: then they run.
fn is_spoken_of(task: &str, category: Category) -> bool {
    let task = task.to_lowercase();
    let words = task.split(|c: char| !c.is_alphanumeric() && c != '-');
    let beginnings = WORDS.iter().filter(|(one, _)| *one == category).flat_map(|(_, words)| *words);
    let beginnings: Vec<&&str> = beginnings.collect();
    words.into_iter().any(|word| beginnings.iter().any(|beginning| word.starts_with(**beginning)))
}

/// Runs the checks that frozen files decide, and takes the others as they ended on the tree as it is.
fn frozen(subject: &Subject, world: &dyn World) -> Result<Verdict> {
    let shown = Frozen::new(subject, world);
    let before = |plan: &Plan| subject.baseline.iter().any(|check| check.id == plan.id);
    let plans: Vec<Plan> = detect::all(&shown, subject, &subject.changes)
        .into_iter()
        .filter(|plan| before(plan))
        .collect();
    let ended = |plan: &Plan| subject.checks.iter().find(|check| check.id == plan.id);
    let steers = !evidence::are_tests(subject, world);
    let (mut again, taken): (Vec<Plan>, Vec<Plan>) = plans
        .into_iter()
        .partition(|plan| steers || plan.category == Category::Test || ended(plan).is_none());
    let anew = steers || evidence::is_some_new(subject);
    for plan in &mut again {
        plan.anew = anew;
        plan.needs = plan.needs.take().filter(|id| taken.iter().all(|one| one.id != *id));
    }
    let mut results = run::all(&shown, &again, &subject.baseline)?;
    results.findings.clear();
    results.checks.extend(taken.iter().filter_map(ended).cloned());
    Ok(verdict(results))
}

fn verdict(results: Results) -> Verdict {
    let summary = summary(&results.checks);
    let Results { checks, findings } = results;
    Verdict { checks, findings, ..Verdict::new(summary) }
}

/// `cargo:build passed, cargo:test failed (2 of 14 tests)`
fn summary(checks: &[Check]) -> String {
    let mut parts: Vec<String> = checks.iter().map(part).collect();
    if parts.is_empty() {
        parts.push("no checks found".to_owned());
    }
    parts.join(", ")
}

fn part(check: &Check) -> String {
    let word = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "could not be run",
        Outcome::Skipped => "skipped",
        Outcome::Flaky => "flaky",
    };
    let failed = check.tests.iter().filter(|test| test.outcome == Outcome::Failed).count();
    match (check.test_count, failed) {
        (Some(count), 0) if count > 0 => format!("{} {word} ({count} tests)", check.id),
        (Some(count), failed) if failed > 0 => {
            format!("{} {word} ({failed} of {count} tests)", check.id)
        }
        _ => format!("{} {word}", check.id),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::{Before, Change, ChangeKind};

    pub(crate) fn subject() -> Subject {
        Subject {
            task: "add a feature".to_owned(),
            directive: String::new(),
            criteria: Vec::new(),
            iteration: 1,
            changes: Vec::new(),
            diff: String::new(),
            checks: Vec::new(),
            baseline: Vec::new(),
            answer: None,
            rubric: None,
            before: Vec::new(),
            frozen: Vec::new(),
            commands: Vec::new(),
            evidence: Vec::new(),
            pointers: Vec::new(),
            earlier: Vec::new(),
            quick: None,
        }
    }

    fn script(output: &str, code: i32) -> Fake {
        let world = Fake::default().file("test.sh", "").answers("sh test.sh", code, output);
        if code == 0 { world } else { world.answers("sh test.sh", code, output) }
    }

    fn answer(text: &str) -> Subject {
        Subject { answer: Some(text.to_owned()), ..subject() }
    }

    #[test]
    fn nothing_to_check_is_said_and_nothing_is_run() {
        let world = Fake::default().file("notes.md", "");

        assert_eq!(evaluate(&subject(), &world).unwrap(), Verdict::new("no checks found"));
    }

    #[test]
    fn the_summary_counts_tests() {
        let red = evaluate(&subject(), &script("ok a\nnot ok b\n", 1)).unwrap();
        let green = evaluate(&subject(), &script("ok a\nok b\n", 0)).unwrap();

        assert_eq!(red.summary, "script:test failed (1 of 2 tests)");
        assert_eq!(green.summary, "script:test passed (2 tests)");
    }

    #[test]
    fn a_question_about_checks_runs_them_and_any_other_does_not() {
        let asks = |task: &str| Subject { task: task.to_owned(), ..answer("All is well.") };
        let green = || script("ok a\n", 0);

        assert_eq!(evaluate(&asks("Do the tests pass?"), &green()).unwrap().checks.len(), 1);
        assert_eq!(evaluate(&asks("What is this about?"), &green()).unwrap().checks, []);
    }

    #[test]
    fn what_ran_on_the_same_tree_is_not_run_again() {
        let base = evaluate(&subject(), &script("ok a\n", 0)).unwrap().checks;
        let subject = Subject { baseline: base.clone(), ..answer("Nothing had to be done.") };
        let nothing_runs = Fake::default().file("test.sh", "");

        assert_eq!(evaluate(&subject, &nothing_runs).unwrap().checks, base);
    }

    #[test]
    fn a_change_is_checked_beside_an_answer() {
        let change = Change { path: "a.txt".to_owned(), kind: ChangeKind::Modified };
        let subject = Subject { changes: vec![change], ..answer("done") };

        assert_eq!(evaluate(&subject, &script("ok a\n", 0)).unwrap().checks.len(), 1);
    }

    #[test]
    fn frozen_files_have_the_tests_run_again_and_nothing_that_they_do_not_decide() {
        let change = Change { path: "test.sh".to_owned(), kind: ChangeKind::Modified };
        let world = Fake::default()
            .file("test.sh", "echo ok a")
            .file("Makefile", "lint:\n\tx\n")
            .answers("make lint", 0, "")
            .answers("sh test.sh", 0, "ok a\n");
        let base = evaluate(&subject(), &world).unwrap().checks;
        let changed = Subject { changes: vec![change], baseline: base.clone(), ..subject() };
        let frozen = Subject { frozen: vec!["test.sh".into()], checks: base, ..changed.clone() };
        let before = Before { path: "test.sh".into(), text: Some("echo not ok a".into()) };
        let frozen = Subject { before: vec![before], ..frozen };
        let red = "not ok a\n";
        let world = Fake::default()
            .file("test.sh", "echo ok a")
            .file("Makefile", "lint:\n\tx\n")
            .answers("sh test.sh", 1, red)
            .answers("sh test.sh", 1, red);

        let checks = evaluate(&frozen, &world).unwrap().checks;

        assert!(world.asked.borrow().iter().all(|command| command == "sh test.sh"));
        let ended: Vec<(&str, Outcome)> =
            checks.iter().map(|check| (check.id.as_str(), check.outcome)).collect();
        assert_eq!(ended, [("script:test", Outcome::Failed), ("make:lint", Outcome::Passed)]);
    }
}
