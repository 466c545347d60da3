//! Changes that make the checks easier to pass: tests that are gone, assertions that changed, tests that
//! are left out, commands that no longer fail.
//!
//! The text before the change is put together again from the file as it is and the diff, so that a changed line
//! is known to stand in a test that was there before. New tests may be anything.

mod asked;
mod commands;
mod language;
mod observation;
mod renaming;
mod source;
mod statement;
mod syntax;
mod tests_kept;

use openkoi_sdk::evaluator::{ChangeKind, Finding, Subject};

use crate::diff;
use crate::world::World;
use language::Language;
pub(crate) use observation::DIMENSION;
use observation::Observation;
use source::Source;

/// The most findings: past that, more of the same tells nothing new.
const MOST: usize = 40;

/// Returns what the change did to the tests and checks of the untouched tree.
pub(crate) fn findings(subject: &Subject, world: &dyn World) -> Vec<Finding> {
    let files = diff::parse(&subject.diff);
    let sources: Vec<Source> =
        files.iter().map(|file| Source::new(file, world.read(source::path_of(file)))).collect();
    let mut observations = tests_kept::observe(&sources);
    observations.extend(commands::observe(&sources));
    observations.extend(gone_unseen(subject, &sources));
    let wanted = asked::wants_tests_changed(&subject.task);
    observations.truncate(MOST);
    observations.into_iter().map(|observation| observation.finding(wanted)).collect()
}

/// Removed test files of which the diff, cut or not, shows nothing.
fn gone_unseen(subject: &Subject, sources: &[Source]) -> Vec<Observation> {
    let shown = |path: &str| sources.iter().any(|source| source.path == path);
    let gone = subject.changes.iter().filter(|change| change.kind == ChangeKind::Removed);
    gone.filter(|change| syntax::is_test_file(&change.path, Language::of(&change.path)))
        .filter(|change| !shown(&change.path))
        .map(|change| Observation::new(&change.path, 1, "a file of tests was removed; put it back"))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::verdict::tests::subject;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::{Change, Severity};

    /// A diff with one hunk from the first line that differs to the last.
    pub(crate) fn diff_of(path: &str, before: &str, after: &str) -> String {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (before.lines().collect(), after.lines().collect());
        let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let (old, new) = (&old[first..], &new[first..]);
        let same = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
        let (old, new) = (&old[..old.len() - same], &new[..new.len() - same]);
        let part = |mark: char, lines: &[&str]| -> String {
            lines.iter().map(|line| format!("{mark}{line}\n")).collect()
        };
        let range =
            |lines: &[&str]| format!("{},{}", first + usize::from(!lines.is_empty()), lines.len());
        let name = |text: &str, side: &str| match text {
            "" => "/dev/null".to_owned(),
            _ => format!("{side}/{path}"),
        };
        format!(
            "--- {}\n+++ {}\n@@ -{} +{} @@\n{}{}",
            name(before, "a"),
            name(after, "b"),
            range(old),
            range(new),
            part('-', old),
            part('+', new)
        )
    }

    /// What is found in a change of one file, as lines.
    pub(crate) fn found(path: &str, before: &str, after: &str) -> Vec<String> {
        found_in("add a feature", &[(path, before, after)])
    }

    pub(crate) fn found_in(task: &str, files: &[(&str, &str, &str)]) -> Vec<String> {
        let mut world = Fake::default();
        let mut subject = Subject { task: task.to_owned(), ..subject() };
        for (path, before, after) in files {
            subject.diff.push_str(&diff_of(path, before, after));
            if !after.is_empty() {
                world = world.file(path, after);
            }
        }
        let lines = findings(&subject, &world).into_iter();
        lines
            .map(|f| {
                format!("{:?} {}: {}", f.severity, f.evidence, f.message).replace("Severity::", "")
            })
            .collect()
    }

    #[test]
    fn a_removed_file_of_tests_is_found_though_the_diff_was_cut() {
        let change = Change { path: "tests/all.rs".to_owned(), kind: ChangeKind::Removed };
        let subject = Subject { changes: vec![change], ..subject() };

        let found = findings(&subject, &Fake::default());

        assert_eq!(found[0].evidence, "tests/all.rs:1");
        assert_eq!(
            (found[0].severity, found[0].dimension.as_str()),
            (Severity::Critical, DIMENSION)
        );
    }

    #[test]
    fn what_the_task_asks_for_is_only_noted() {
        let before = "def test_a():\n    assert a() == 1\n";
        let after = "def test_a():\n    assert a() == 2\n";
        let found = |task| found_in(task, &[("test_a.py", before, after)])[0].clone();

        assert!(found("Update the tests for the new numbers").starts_with("Note test_a.py:1: "));
        assert!(found("Fix the bug, do not change the tests").starts_with("Critical "));
        assert!(found("Make the tests pass").starts_with("Critical "));
    }

    #[test]
    fn new_files_and_ordinary_changes_are_fine() {
        let files = [
            ("tests/new.rs", "", "#[test]\n#[ignore]\nfn later() {\n    return;\n}\n"),
            ("src/lib.rs", "fn a() { assert!(true); }\n", "fn a() {}\n"),
            ("README.md", "expect(1)\n", "nothing\n"),
        ];

        assert_eq!(found_in("x", &files), Vec::<String>::new());
    }
}
