//! Frozen evidence: what decides about the work is not the work's to change.
//!
//! Where a run changed files that are evidence (tests, what steers their runner, their data), the project's checks run a
//! second time with those files as they were, over the changed product. A test counts as green only if it passes by its
//! name there. One that passes with the changed evidence alone, or that is not seen any more, is a [`Difference`]: the
//! task names it, or a person decides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    change_set::PathState,
    evaluation::{Check, CheckOutcome, TestResult},
};

/// What is seen in place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The file in an earlier state.
    State(PathState),
    /// A text, with these permission bits.
    Text {
        /// Permission bits.
        mode: u32,
        /// The text.
        text: String,
    },
}

/// What the programs of a call see in another state than it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Files, by path.
    pub files: BTreeMap<String, Shown>,
    /// The moment, in milliseconds since 1970, since which whatever changed in places that git ignores is not seen:
    /// programs have to build it themselves. Environments ([`is_environment`]) are seen as they are.
    pub anew_since: Option<u64>,
    /// What the run left in ignored places because the task asks for it, by path: a file of these contents is seen all the
    /// same.
    pub wanted: BTreeMap<String, PathState>,
    /// Places that are not there: the interpreters have to make them again.
    pub by_products: BTreeSet<String>,
}

impl View {
    /// Returns whether all work is seen as it is: nothing but by-products is missing.
    pub fn is_of_now(&self) -> bool {
        self.files.is_empty() && self.anew_since.is_none()
    }

    /// Returns whether everything is seen as it is.
    pub fn is_empty(&self) -> bool {
        self.is_of_now() && self.by_products.is_empty()
    }
}

/// The directories that package managers install into.
const ENVIRONMENTS: [&str; 8] =
    ["node_modules", "bower_components", ".venv", "venv", ".tox", ".nox", ".direnv", "vendor"];

/// Returns whether a path is that of installed packages, or leads into them: what a project needs, and does not build.
pub fn is_environment(path: &str) -> bool {
    path.split('/').any(|part| ENVIRONMENTS.contains(&part))
}

/// How the result of a test hangs on changed evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hanging {
    /// It was green, fails with the evidence as it was, and passes with the changed one: behaviour changed, and the test
    /// with it.
    Follows,
    /// It was red, and passes with the changed evidence alone.
    OnlyChanged,
    /// It is not seen any more under its name: gone, renamed, left out.
    Gone,
    /// Nobody knows, because the evidence as it was could not be run.
    Unknown,
    /// Nobody knows, because files were rewritten while it ran, which did not happen before.
    Rewritten,
    /// It passes only with what the run built or left in places that git ignores.
    Built,
}

/// Why a difference holds nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetThrough {
    /// The task names the test or its file.
    Task,
    /// A person accepted it.
    Person,
}

/// A test, or a check without named tests, whose result hangs on changed evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Id of the check.
    pub check: String,
    /// Name of the test; empty: the check as a whole.
    pub test: String,
    /// How it hangs.
    pub hanging: Hanging,
    /// True if it was red, and is not shown to be mended by the evidence as it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmended: bool,
    /// Why it holds nothing back; absent: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<LetThrough>,
}

impl Difference {
    /// Returns the id of the test, as a standing has it.
    pub fn id(&self) -> String {
        match self.test.is_empty() {
            true => self.check.clone(),
            false => format!("{} {}", self.check, self.test),
        }
    }

    /// Returns what is wrong with it, as the end of a sentence.
    pub fn why(&self) -> &'static str {
        match self.hanging {
            Hanging::Follows => "passes only with the changed tests, and passed before",
            Hanging::OnlyChanged => "passes only with the changed tests",
            Hanging::Gone => "does not run any more under its name",
            Hanging::Unknown => "could not be run with the tests as they were",
            Hanging::Rewritten => "ran while its files were rewritten, as they were not before",
            Hanging::Built => "passes only with what this task left in ignored files",
        }
    }
}

/// The checks of an attempt held against the frozen evidence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// The checks; what hangs on changed evidence and is open is *errored* in them: nobody knows.
    pub checks: Vec<Check>,
    /// Everything that hangs on changed evidence.
    pub differences: Vec<Difference>,
}

/// Leaves all test checks open that passed while files were rewritten.
pub fn distrust(merged: &mut Merged) {
    let green =
        |check: &&mut Check| check.category == "test" && check.outcome == CheckOutcome::Passed;
    for check in merged.checks.iter_mut().filter(green) {
        check.outcome = CheckOutcome::Errored;
        merged.differences.push(Difference {
            check: check.id.clone(),
            test: String::new(),
            hanging: Hanging::Rewritten,
            unmended: false,
            through: None,
        });
    }
}

/// Holds the checks on the tree as it is against those that built for themselves what the run's programs had built. What
/// could not be run that way says nothing.
pub fn merge_built(baseline: &[Check], anew: &[Check], now: &[Check]) -> Merged {
    let is_shown =
        |one: &Difference| matches!(one.hanging, Hanging::Follows | Hanging::OnlyChanged);
    // What says nothing holds nothing back: it is marked as let through, and dropped.
    let mut merged = merge(baseline, anew, now, |one| (!is_shown(one)).then_some(LetThrough::Task));
    merged.differences.retain(is_shown);
    for difference in &mut merged.differences {
        (difference.hanging, difference.unmended) = (Hanging::Built, false);
    }
    merged
}

/// Holds the checks on the tree as it is against those with frozen evidence. `through` says of a difference why it holds
/// nothing back.
pub fn merge(
    baseline: &[Check],
    frozen: &[Check],
    now: &[Check],
    through: impl Fn(&Difference) -> Option<LetThrough>,
) -> Merged {
    let mut merged = Merged::default();
    for check in now {
        let before = find(baseline, &check.id);
        let one = before.map(|before| Pair { before, frozen: find(frozen, &check.id), now: check });
        match one {
            Some(pair) => pair.merge(&through, &mut merged),
            None => merged.checks.push(check.clone()),
        }
    }
    // A check that is not found any more was decided by what the run changed.
    for before in baseline.iter().filter(|before| find(now, &before.id).is_none()) {
        let frozen = find(frozen, &before.id);
        let unmended = is_unmended(before.outcome, frozen.map(|frozen| frozen.outcome));
        let difference = open(&before.id, ("", Hanging::Gone, unmended), &through);
        if difference.through.is_none() {
            let mut check = frozen.unwrap_or(before).clone();
            check.outcome = CheckOutcome::Errored;
            check.tests.clear();
            merged.checks.push(check);
        }
        merged.differences.push(difference);
    }
    merged
}

fn find<'a>(checks: &'a [Check], id: &str) -> Option<&'a Check> {
    checks.iter().find(|check| check.id == id)
}

/// The name of a test, how it hangs, and whether it was red and is not shown to be mended.
type Found<'a> = (&'a str, Hanging, bool);

fn is_unmended(before: CheckOutcome, frozen: Option<CheckOutcome>) -> bool {
    before != CheckOutcome::Passed && frozen != Some(CheckOutcome::Passed)
}

fn open(
    check: &str,
    (test, hanging, unmended): Found<'_>,
    through: &impl Fn(&Difference) -> Option<LetThrough>,
) -> Difference {
    let (check, test) = (check.to_owned(), test.to_owned());
    let mut difference = Difference { check, test, hanging, unmended, through: None };
    difference.through = through(&difference);
    difference
}

/// One check on the untouched tree, with frozen evidence and as it is.
struct Pair<'a> {
    before: &'a Check,
    frozen: Option<&'a Check>,
    now: &'a Check,
}

impl Pair<'_> {
    fn merge(&self, through: &impl Fn(&Difference) -> Option<LetThrough>, merged: &mut Merged) {
        let mut found = Vec::new();
        match self.before.tests.is_empty() {
            _ if self.is_another_command() => found.push(("", Hanging::Unknown, false)),
            true => found.extend(self.whole()),
            false => found.extend(self.before.tests.iter().filter_map(|test| self.test(test))),
        }
        let found: Vec<Difference> =
            found.into_iter().map(|found| open(&self.now.id, found, through)).collect();
        let is_open = found.iter().any(|one| one.through.is_none());
        let mut check = self.now.clone();
        if is_open {
            let name = |one: &Difference| one.test.clone();
            let open: BTreeSet<String> =
                found.iter().filter(|one| one.through.is_none()).map(name).collect();
            for test in check.tests.iter_mut().filter(|test| open.contains(&test.name)) {
                test.outcome = CheckOutcome::Errored;
            }
            if check.outcome == CheckOutcome::Passed {
                check.outcome = CheckOutcome::Errored;
                check.excerpt = self.frozen.map(|one| one.excerpt.clone()).unwrap_or_default();
            }
        }
        // Both runs are the evidence.
        let receipts = self.frozen.iter().flat_map(|frozen| frozen.receipts.iter().cloned());
        let receipts: Vec<String> =
            receipts.filter(|receipt| !check.receipts.contains(receipt)).collect();
        check.receipts.extend(receipts);
        merged.checks.push(check);
        merged.differences.extend(found);
    }

    /// Returns whether not even the evidence as it was ran the command of the untouched tree.
    fn is_another_command(&self) -> bool {
        let is_other = |check: &Check| check.command != self.before.command;
        is_other(self.now) && self.frozen.is_none_or(is_other)
    }

    /// Looks at a check that named no tests: it is one thing.
    fn whole(&self) -> Option<Found<'_>> {
        let is_green = self.now.outcome == CheckOutcome::Passed;
        let is_frozen_green =
            self.frozen.is_some_and(|frozen| frozen.outcome == CheckOutcome::Passed);
        // What could not be run before and after alike says nothing.
        let is_unknown = self.before.outcome == CheckOutcome::Errored
            && self.frozen.is_some_and(|frozen| frozen.outcome == CheckOutcome::Errored);
        (is_green && !is_frozen_green && !is_unknown).then(|| {
            ("", self.hanging(self.before.outcome), self.before.outcome != CheckOutcome::Passed)
        })
    }

    fn test<'a>(&self, before: &'a TestResult) -> Option<Found<'a>> {
        let outcome = |check: &Check| {
            let mut tests = check.tests.iter();
            tests.find(|test| test.name == before.name).map(|test| test.outcome)
        };
        let (frozen, now) = (self.frozen.and_then(outcome), outcome(self.now));
        // A check that broke off names no tests, and is red itself.
        let is_seen = self.now.outcome == CheckOutcome::Passed || !self.now.tests.is_empty();
        let was_left_out = before.outcome == CheckOutcome::Skipped;
        match now {
            None | Some(CheckOutcome::Skipped) if is_seen && !was_left_out => {
                Some((&before.name, Hanging::Gone, is_unmended(before.outcome, frozen)))
            }
            Some(CheckOutcome::Passed) if frozen != Some(CheckOutcome::Passed) => {
                let is_left_out = was_left_out && frozen.is_none_or(|one| one == before.outcome);
                let unmended = before.outcome != CheckOutcome::Passed;
                (!is_left_out)
                    .then(|| (before.name.as_str(), self.hanging(before.outcome), unmended))
            }
            _ => None,
        }
    }

    fn hanging(&self, before: CheckOutcome) -> Hanging {
        // One that did not even start, as where there can be neither a layer nor a copy, says nothing.
        let has_run =
            |frozen: &&Check| frozen.outcome != CheckOutcome::Errored || frozen.exit_code.is_some();
        match (self.frozen.filter(has_run).map(|frozen| frozen.outcome), before) {
            (None, _) => Hanging::Unknown,
            (_, CheckOutcome::Passed) => Hanging::Follows,
            _ => Hanging::OnlyChanged,
        }
    }
}

/// How the words of a task stand to a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// They ask for nothing of that kind.
    No,
    /// They may ask for it, and a person knows.
    Perhaps,
    /// They name it.
    Yes,
}

/// Returns how a task's words stand to a difference. `files` are the changed files of evidence.
///
/// A test that was red is never let through by words: whoever asks to mend `test_total` names it, and does not ask for
/// another `test_total`.
pub fn asked_for(task: &str, difference: &Difference, files: &[String]) -> Asked {
    let task = Words::of(task);
    let test = last_part(&difference.test);
    let is_named = task.has_name(test) || task.names_file_of(&difference.test, files);
    let is_meant = task.has_word_of(test);
    match difference.hanging {
        Hanging::Unknown | Hanging::Rewritten | Hanging::Built => Asked::Perhaps,
        Hanging::OnlyChanged | Hanging::Gone if difference.unmended => match is_named {
            true => Asked::Perhaps,
            false => Asked::No,
        },
        Hanging::Gone | Hanging::Follows if is_named => Asked::Yes,
        Hanging::Follows if task.speaks_of_tests() && is_meant => Asked::Yes,
        Hanging::Follows => Asked::Perhaps,
        Hanging::Gone if task.speaks_of_tests() || is_meant => Asked::Perhaps,
        Hanging::Gone | Hanging::OnlyChanged => Asked::No,
    }
}

/// Returns the last part of a runner's name of a test: `test_a` of `pkg.test_mod.Case.test_a`.
fn last_part(name: &str) -> &str {
    if name.contains(' ') {
        return name.rsplit(" > ").next().unwrap_or(name).trim();
    }
    name.rsplit(['.', ':', '/', '#']).find(|part| !part.is_empty()).unwrap_or(name)
}

/// The words of a task.
pub(crate) struct Words {
    text: String,
    /// Whole words, as they stand between what is no part of a name.
    names: BTreeSet<String>,
    /// Parts of these: `total` of `test_total` and of `TotalOfBill`.
    parts: BTreeSet<String>,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let names: BTreeSet<String> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let parts = names.iter().flat_map(|name| parts(name)).collect();
        let names = names.iter().map(|name| name.to_lowercase()).collect();
        Self { text: text.to_lowercase(), names, parts }
    }

    fn has_name(&self, test: &str) -> bool {
        let test = test.to_lowercase();
        match test.contains(' ') {
            true => self.text.contains(&test),
            false => !test.is_empty() && self.names.contains(&test),
        }
    }

    /// Returns whether the text has the name of a test.
    pub(crate) fn names_test(&self, test: &str) -> bool {
        self.has_name(last_part(test))
    }

    /// Returns whether the task names the file that the test stands in.
    fn names_file_of(&self, test: &str, files: &[String]) -> bool {
        let is_named = |path: &&String| {
            let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
            self.text.contains(&name)
        };
        let named: Vec<&String> = files.iter().filter(is_named).collect();
        let stem = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.split('.').next().unwrap_or(name).to_owned()
        };
        let is_in =
            |path: &&&String| test.split(['.', ':', '/', ' ']).any(|part| part == stem(path));
        !named.is_empty() && (named.len() == files.len() || named.iter().any(|one| is_in(&one)))
    }

    /// Returns whether the task speaks of tests at all.
    pub(crate) fn speaks_of_tests(&self) -> bool {
        self.parts.iter().any(|part| part.starts_with("test") || part.starts_with("spec"))
    }

    /// Returns whether the task speaks of tests that fail.
    pub(crate) fn speaks_of_red_tests(&self) -> bool {
        let fails = |part: &String| {
            part == "red" || ["fail", "repro"].iter().any(|word| part.starts_with(word))
        };
        self.speaks_of_tests() && self.parts.iter().any(fails)
    }

    /// Returns whether a telling word of a test's name is in the task.
    pub(crate) fn has_word_of(&self, test: &str) -> bool {
        let is_telling = |part: &String| {
            part.chars().count() > 3 && !part.starts_with("test") && !part.starts_with("spec")
        };
        parts(test).iter().any(|part| is_telling(part) && self.parts.contains(part))
    }
}

/// Returns the parts of a name, in lower case: `parse`, `total` of `parse_total` and `parseTotal`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for char in name.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            parts.push(String::new());
        }
        if char.is_alphanumeric()
            && let Some(last) = parts.last_mut()
        {
            last.extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckOutcome::{Errored, Failed, Flaky, Passed, Skipped};

    fn check(outcome: CheckOutcome, tests: &[(&str, CheckOutcome)]) -> Check {
        let test = |(name, outcome): &(&str, CheckOutcome)| TestResult {
            name: (*name).to_owned(),
            outcome: *outcome,
        };
        Check {
            id: "t".to_owned(),
            category: "test".to_owned(),
            command: "run".to_owned(),
            outcome,
            exit_code: None,
            tests: tests.iter().map(test).collect(),
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        }
    }

    /// What hangs, and how the check stands, when one test ended like this before, with frozen evidence and now.
    fn one(
        before: CheckOutcome,
        frozen: Option<CheckOutcome>,
        now: Option<CheckOutcome>,
    ) -> (Option<Hanging>, CheckOutcome) {
        let run = |outcome: Option<CheckOutcome>| {
            let tests: Vec<_> = outcome.into_iter().map(|one| ("a", one)).collect();
            let other = [("other", Passed)];
            let all = if outcome == Some(Failed) { Failed } else { Passed };
            check(all, &[&tests[..], &other].concat())
        };
        let merged = merge(&[run(Some(before))], &[run(frozen)], &[run(now)], |_| None);
        (merged.differences.first().map(|one| one.hanging), merged.checks[0].outcome)
    }

    #[test]
    fn a_test_is_green_only_if_it_passes_by_its_name_with_the_evidence_as_it_was() {
        for (before, frozen, now, expected) in [
            (Failed, Some(Passed), Some(Passed), (None, Passed)),
            (Passed, Some(Passed), Some(Passed), (None, Passed)),
            (Failed, Some(Failed), Some(Passed), (Some(Hanging::OnlyChanged), Errored)),
            (Failed, None, Some(Passed), (Some(Hanging::OnlyChanged), Errored)),
            (Failed, Some(Skipped), Some(Passed), (Some(Hanging::OnlyChanged), Errored)),
            (Failed, Some(Flaky), Some(Passed), (Some(Hanging::OnlyChanged), Errored)),
            (Passed, Some(Failed), Some(Passed), (Some(Hanging::Follows), Errored)),
            (Failed, Some(Failed), None, (Some(Hanging::Gone), Errored)),
            (Failed, Some(Passed), None, (Some(Hanging::Gone), Errored)),
            (Passed, Some(Passed), Some(Skipped), (Some(Hanging::Gone), Errored)),
            (Skipped, Some(Skipped), Some(Skipped), (None, Passed)),
            (Skipped, Some(Skipped), Some(Passed), (None, Passed)),
            (Failed, Some(Failed), Some(Failed), (None, Failed)),
        ] {
            assert_eq!(one(before, frozen, now), expected, "{before:?} {frozen:?} {now:?}");
        }
    }

    #[test]
    fn a_run_that_names_no_test_where_the_baseline_named_some_leaves_all_of_them_open() {
        let before = [check(Failed, &[("a", Failed), ("b", Passed)])];
        let merged = merge(&before, &before, &[check(Passed, &[])], |_| None);
        let hanging: Vec<Hanging> = merged.differences.iter().map(|one| one.hanging).collect();

        assert_eq!(hanging, [Hanging::Gone, Hanging::Gone]);
        assert_eq!(merged.checks[0].outcome, Errored);
    }

    #[test]
    fn nobody_knows_of_a_test_whose_frozen_run_did_not_start() {
        let (before, now) = ([check(Failed, &[("a", Failed)])], [check(Passed, &[("a", Passed)])]);
        let frozen = |exit_code| [Check { exit_code, ..check(Errored, &[]) }];
        let hanging =
            |exit_code| merge(&before, &frozen(exit_code), &now, |_| None).differences[0].hanging;

        assert_eq!(hanging(None), Hanging::Unknown);
        assert_eq!(hanging(Some(2)), Hanging::OnlyChanged);
    }

    #[test]
    fn a_check_that_broke_off_is_red_and_hides_no_tests() {
        let before = [check(Passed, &[("a", Passed)])];
        let merged = merge(&before, &before, &[check(Failed, &[])], |_| None);

        assert_eq!((merged.differences.len(), merged.checks[0].outcome), (0, Failed));
    }

    #[test]
    fn a_check_that_is_not_found_any_more_is_open() {
        let before = [check(Passed, &[("a", Passed)])];
        let merged = merge(&before, &before, &[], |_| None);

        assert_eq!(merged.differences[0].hanging, Hanging::Gone);
        assert_eq!(merged.checks[0].outcome, Errored);
    }

    #[test]
    fn what_is_let_through_counts_as_it_ended() {
        let (before, now) = ([check(Passed, &[("a", Passed)])], [check(Passed, &[("a", Passed)])]);
        let frozen = [check(Failed, &[("a", Failed)])];
        let merged = merge(&before, &frozen, &now, |_| Some(LetThrough::Task));

        assert_eq!(merged.differences[0].through, Some(LetThrough::Task));
        assert_eq!(merged.checks[0].outcome, Passed);
    }

    #[test]
    fn a_task_lets_through_the_tests_that_it_names_and_no_others() {
        let files = ["tests/test_greeting.py".to_owned()];
        use Asked::{No, Perhaps, Yes};
        use Hanging::{Follows, Gone, OnlyChanged};
        let asked = |task: &str, test: &str, hanging| {
            let difference = Difference {
                check: "python:pytest".to_owned(),
                test: test.to_owned(),
                hanging,
                unmended: hanging == OnlyChanged,
                through: None,
            };
            asked_for(task, &difference, &files)
        };
        let test = "tests.test_greeting.test_says_hello";
        for (task, hanging, expected) in [
            ("Say hi instead of hello, and adapt the tests", Follows, Yes),
            ("Say hi instead of hello", Follows, Perhaps),
            ("Update tests/test_greeting.py for the new words", Follows, Yes),
            ("Remove test_says_hello", Gone, Yes),
            ("Remove the hello tests", Gone, Perhaps),
            ("Fix the sum", Gone, No),
            ("Fix test_says_hello", OnlyChanged, Perhaps),
            ("Fix the sum", OnlyChanged, No),
            ("Tidy up the tests", Follows, Perhaps),
        ] {
            assert_eq!(asked(task, test, hanging), expected, "{task}");
        }
        assert_eq!(asked("drop the test `adds two numbers`", "sum > adds two numbers", Gone), Yes);
    }

    #[test]
    fn a_name_has_parts() {
        assert_eq!(parts("testParsesHTTPHeader_v2"), ["test", "parses", "httpheader", "v2"]);
    }
}
