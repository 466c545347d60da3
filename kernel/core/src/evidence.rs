//! The evidence about the work, and its order: which of two standings is better.
//!
//! The order is lexicographic, never a mean: facts of the kernel, then the project's checks, then the rubric.
//! With a red test that was green before, no rubric score can make work acceptable.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{Check, CheckOutcome, Criterion, Finding, Severity},
    frozen::Difference,
};

/// Evidence about the work after an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Facts that the kernel established and that forbid acceptance, one sentence each.
    pub violations: Vec<String>,
    /// Checks and tests that were green on the untouched tree and are not now.
    pub broken: Vec<String>,
    /// Checks and tests that are new and red, and checks that are red for such tests alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_red: Vec<String>,
    /// Tests whose result hangs on evidence that the run changed, and that nobody let through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hanging: Vec<String>,
    /// Tests that were red on the untouched tree and are not seen any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_seen: Vec<String>,
    /// Checks and tests that were red on the untouched tree and are green now.
    pub fixed: Vec<String>,
    /// Checks and tests that were red and still are.
    pub red: Vec<String>,
    /// Checks and tests that failed and passed on the same tree.
    pub flaky: Vec<String>,
    /// Checks and tests that are green.
    pub green: Vec<String>,
    /// Number of criteria that a check shows to hold.
    #[serde(default)]
    pub held: u32,
    /// Checks that could not be run.
    pub unknown: Vec<String>,
    /// Evaluators that gave no verdict, with the reason.
    pub not_evaluated: Vec<String>,
    /// The rubric's score, 0 to 1; absent means *not evaluated*.
    pub score: Option<f64>,
    /// Number of critical and major findings of a judge, with evidence.
    pub critical: u32,
    /// Size of the change, in changed files and bytes of diff; ties go to the smaller one.
    pub size: (u32, u64),
}

impl Standing {
    /// Compares two standings; greater is better.
    pub fn compare(&self, other: &Self) -> Ordering {
        let fewer = |a: &[String], b: &[String]| b.len().cmp(&a.len());
        fewer(&self.violations, &other.violations)
            .then_with(|| fewer(&self.broken, &other.broken))
            .then_with(|| fewer(&self.new_red, &other.new_red))
            // A red test that is not seen is worse than one that is.
            .then_with(|| fewer(&self.hanging, &other.hanging))
            .then_with(|| fewer(&self.not_seen, &other.not_seen))
            .then_with(|| fewer(&self.red, &other.red))
            .then_with(|| self.held.cmp(&other.held))
            .then_with(|| self.green.len().cmp(&other.green.len()))
            .then_with(|| fewer(&self.unknown, &other.unknown))
            .then_with(|| fewer(&self.not_evaluated, &other.not_evaluated))
            .then_with(|| other.critical.cmp(&self.critical))
            .then_with(|| score_order(self.score, other.score))
    }

    /// Returns the number of checks that broke. A module that does not load breaks one, however many tests are in it.
    pub fn broken_checks(&self) -> usize {
        self.broken.iter().map(|id| owner(id)).collect::<BTreeSet<_>>().len()
    }

    /// Compares two standings and lets the smaller change win a tie.
    pub fn compare_with_size(&self, other: &Self) -> Ordering {
        self.compare(other).then_with(|| other.size.cmp(&self.size))
    }

    /// Returns the new and red tests, and the checks that are: where a test is named, its check is red for it.
    pub fn new_red_by_name(&self) -> (Vec<String>, Vec<String>) {
        self.new_red.iter().cloned().partition(|id| id != owner(id))
    }

    /// Returns the failures as one text, which is the same for the same failures.
    pub fn signature(&self) -> String {
        let mut parts = self.violations.clone();
        parts.extend(self.broken.iter().map(|id| format!("broken {id}")));
        parts.extend(self.new_red.iter().map(|id| format!("new {id}")));
        parts.extend(self.hanging.iter().map(|id| format!("hanging {id}")));
        parts.extend(self.not_seen.iter().map(|id| format!("not seen {id}")));
        parts.extend(self.red.iter().map(|id| format!("red {id}")));
        parts.extend(self.unknown.iter().map(|id| format!("unknown {id}")));
        parts.sort_unstable();
        parts.join("\n")
    }

    /// Fills in the checks' part by comparing the checks on this tree with those on the untouched one.
    pub fn weigh_checks(&mut self, baseline: &[Check], now: &[Check]) {
        let before = outcomes(baseline);
        let after = outcomes(now);
        for (id, outcome) in &after {
            let was = before.get(id).copied();
            match outcome {
                CheckOutcome::Passed => {
                    self.green.push(id.clone());
                    if was.is_some_and(is_red) {
                        self.fixed.push(id.clone());
                    }
                }
                CheckOutcome::Failed if was.is_none() && !hidden(baseline, id) => {
                    self.new_red.push(id.clone());
                }
                CheckOutcome::Failed if only_by_new_tests(&before, now, id) => {
                    self.new_red.push(id.clone());
                }
                CheckOutcome::Failed if was == Some(CheckOutcome::Passed) => {
                    self.broken.push(id.clone());
                }
                CheckOutcome::Failed => self.red.push(id.clone()),
                // What ran before and cannot be run any more was broken by the change; of what never ran nobody knows.
                CheckOutcome::Errored if was.is_some_and(|was| was != CheckOutcome::Errored) => {
                    self.broken.push(format!("{id} (cannot be run any more)"));
                }
                CheckOutcome::Errored => self.unknown.push(id.clone()),
                CheckOutcome::Flaky => self.flaky.push(id.clone()),
                CheckOutcome::Skipped if was == Some(CheckOutcome::Passed) => {
                    self.broken.push(format!("{id} (now skipped)"));
                }
                CheckOutcome::Skipped => {}
            }
        }
        for (id, was) in &before {
            if after.contains_key(id) || !ran(now, id) {
                continue;
            }
            match was {
                CheckOutcome::Passed => self.broken.push(format!("{id} (gone)")),
                CheckOutcome::Failed => self.not_seen.push(id.clone()),
                _ => {}
            }
        }
    }

    /// Takes what hangs on changed evidence out of what the checks say: nobody knows whether it holds.
    pub fn leave_open(&mut self, differences: &[Difference]) {
        let open: Vec<&Difference> =
            differences.iter().filter(|one| one.through.is_none()).collect();
        let is_open =
            |id: &str| open.iter().any(|one| is_of(id, &one.id()) || is_of(id, &one.check));
        let lists = [&mut self.broken, &mut self.unknown, &mut self.not_seen];
        lists.into_iter().for_each(|list| list.retain(|id| !is_open(id)));
        self.hanging = open.iter().map(|one| one.id()).collect();
    }

    /// Misses nothing that was let through: a test that may be gone, or all of a check that may be.
    pub fn let_through(&mut self, differences: &[Difference]) {
        let is_through = |id: &str| {
            differences.iter().filter(|one| one.through.is_some()).any(|one| {
                let is_whole = one.test.is_empty() && owner(id) == one.check;
                is_whole || is_of(id, &one.id())
            })
        };
        let lists = [&mut self.broken, &mut self.not_seen];
        lists.into_iter().for_each(|list| list.retain(|id| !is_through(id)));
    }
}

/// Returns whether an entry of a standing is about this id: `cargo:test a (gone)` is about `cargo:test a`.
fn is_of(entry: &str, id: &str) -> bool {
    entry.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
}

fn score_order(a: Option<f64>, b: Option<f64>) -> Ordering {
    // "Not evaluated" is less than any score: it never outweighs one.
    a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0))
}

fn is_red(outcome: CheckOutcome) -> bool {
    matches!(outcome, CheckOutcome::Failed | CheckOutcome::Errored)
}

/// A check and each of its tests, by id: `cargo:test` and `cargo:test tests::name`.
fn outcomes(checks: &[Check]) -> BTreeMap<String, CheckOutcome> {
    let mut all = BTreeMap::new();
    for check in checks {
        all.insert(check.id.clone(), check.outcome);
        for test in &check.tests {
            all.insert(format!("{} {}", check.id, test.name), test.outcome);
        }
    }
    all
}

/// Returns whether a test may have been red before unseen: its check failed without naming tests.
fn hidden(baseline: &[Check], id: &str) -> bool {
    let owner = owner(id);
    baseline
        .iter()
        .any(|check| check.id == owner && is_red(check.outcome) && check.tests.is_empty())
}

/// Returns whether a check that was green is red for tests alone that were not there before: it names tests, all that were
/// green still are, and what is red is new.
fn only_by_new_tests(before: &BTreeMap<String, CheckOutcome>, now: &[Check], id: &str) -> bool {
    if before.get(id) != Some(&CheckOutcome::Passed) {
        return false;
    }
    let Some(check) = now.iter().find(|check| check.id == id) else { return false };
    let known = |name: &str| before.get(&format!("{id} {name}")).copied();
    let mut red = check.tests.iter().filter(|test| is_red(test.outcome)).peekable();
    let of_check = format!("{id} ");
    let stays_green = |name: &str| {
        let mut tests = check.tests.iter();
        tests.any(|test| test.name == name && test.outcome == CheckOutcome::Passed)
    };
    let mut green = before.iter().filter(|(_, was)| **was == CheckOutcome::Passed);
    red.peek().is_some()
        && red.all(|test| known(&test.name).is_none())
        && green.all(|(test, _)| test.strip_prefix(&of_check).is_none_or(stays_green))
}

/// Returns the check that an id belongs to: `cargo:test` of `cargo:test tests::name (gone)`.
fn owner(id: &str) -> &str {
    id.split(' ').next().unwrap_or(id)
}

/// Returns whether the check that `id` belongs to reported at all, so that a missing test is really gone. A check that
/// did not build reports no tests, and is red itself.
fn ran(now: &[Check], id: &str) -> bool {
    match now.iter().find(|check| check.id == owner(id)) {
        Some(check) => !check.tests.is_empty(),
        None => true,
    }
}

/// Basis of a claim in the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum Basis {
    /// A command that the host ran on the kept tree.
    Verified {
        /// Id of the check.
        check: String,
        /// Command of the check.
        command: String,
        /// Exit code of the command.
        exit_code: Option<i32>,
        /// State of the workspace on which it ran.
        tree: Option<crate::id::TreeId>,
        /// Ids of the receipts for its runs.
        receipts: Vec<String>,
        /// True if no test was named, so that nothing but the exit code speaks.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_exit_code: bool,
        /// What counts although the run changed it: tests that were let through, and places that no state covers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<String>,
    },
    /// A verdict of an evaluator.
    Judged {
        /// Name of the evaluator.
        by: String,
        /// Score of the rubric, 0 to 1.
        score: f64,
    },
    /// No check and no verdict supports the claim.
    Unverified,
}

/// A criterion of the contract with its basis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The criterion.
    pub criterion: Criterion,
    /// True if the criterion holds.
    pub holds: bool,
    /// Basis of that statement.
    #[serde(flatten)]
    pub basis: Basis,
}

/// Returns the weighted mean of a rubric's dimensions, or nothing if a score is missing or outside of 0 to 1.
pub fn rubric_score(
    dimensions: &[crate::evaluation::Dimension],
    scores: &[crate::evaluation::Score],
) -> Option<f64> {
    let mut sum = 0.0;
    let mut weights = 0.0;
    for dimension in dimensions {
        let score = scores.iter().find(|score| score.dimension == dimension.name)?.value;
        if !(0.0..=1.0).contains(&score) {
            return None;
        }
        sum += score * dimension.weight;
        weights += dimension.weight;
    }
    (weights > 0.0).then(|| sum / weights)
}

/// Returns whether a judge's finding forbids acceptance: it is critical or major, and comes with evidence.
pub fn is_blocking(finding: &Finding) -> bool {
    finding.severity >= Severity::Major && !finding.evidence.is_empty()
}

/// Returns the number of findings that forbid acceptance.
pub fn critical(findings: &[Finding]) -> u32 {
    let blocking = findings.iter().filter(|finding| is_blocking(finding));
    u32::try_from(blocking.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Dimension, Score, TestResult};

    fn check(id: &str, outcome: CheckOutcome, tests: &[(&str, CheckOutcome)]) -> Check {
        let tests = tests
            .iter()
            .map(|(name, outcome)| TestResult { name: (*name).to_owned(), outcome: *outcome })
            .collect();
        Check {
            id: id.to_owned(),
            category: "test".to_owned(),
            command: id.to_owned(),
            outcome,
            exit_code: None,
            tests,
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        }
    }

    fn weighed(before: &[Check], now: &[Check]) -> Standing {
        let mut standing = Standing::default();
        standing.weigh_checks(before, now);
        standing
    }

    use CheckOutcome::{Failed, Passed, Skipped};

    #[test]
    fn a_test_that_turned_red_is_broken_and_one_that_turned_green_is_fixed() {
        let before = [check("t", Failed, &[("a", Passed), ("b", Failed)])];
        let now = [check("t", Failed, &[("a", Failed), ("b", Passed)])];
        let standing = weighed(&before, &now);
        assert_eq!(standing.broken, ["t a"]);
        assert_eq!(standing.fixed, ["t b"]);
        assert_eq!(standing.red, ["t"]);
    }

    #[test]
    fn a_test_that_is_gone_or_skipped_is_broken() {
        let before = [check("t", Passed, &[("a", Passed), ("b", Passed)])];
        let now = [check("t", Passed, &[("b", Skipped)])];
        let standing = weighed(&before, &now);
        assert_eq!(standing.broken, ["t b (now skipped)", "t a (gone)"]);
    }

    #[test]
    fn a_check_that_did_not_build_is_red_once_and_not_once_for_each_test() {
        let before = [check("t", Passed, &[("a", Passed), ("b", Passed)])];
        let now = [check("t", Failed, &[])];
        assert_eq!(weighed(&before, &now).broken, ["t"]);
    }

    #[test]
    fn a_red_test_that_was_not_there_before_broke_nothing() {
        // A check alone, one beside green tests, one whose check was green by name, and a whole new check.
        let green = [check("t", Passed, &[("a", Passed)])];
        let standing = weighed(&green, &[check("t", Failed, &[("a", Passed), ("new", Failed)])]);
        assert_eq!((standing.broken.as_slice(), standing.new_red.len()), (&[][..], 2));
        let standing = weighed(&[], &[check("u", Failed, &[("new", Failed)])]);
        assert_eq!((standing.broken.as_slice(), standing.new_red.len()), (&[][..], 2));

        // An old test is red or gone too, or nobody knows which test is red.
        for (now, broken) in [
            (check("t", Failed, &[("a", Failed), ("new", Failed)]), vec!["t", "t a"]),
            (check("t", Failed, &[("new", Failed)]), vec!["t", "t a (gone)"]),
            (check("t", Failed, &[]), vec!["t"]),
        ] {
            assert_eq!(weighed(&green, &[now]).broken, broken);
        }
    }

    #[test]
    fn a_module_that_does_not_load_breaks_one_check() {
        let tests = |outcome| [("a", outcome), ("b", outcome), ("c", outcome)];
        let standing = weighed(
            &[check("t", Passed, &tests(Passed)), check("u", Passed, &[])],
            &[check("t", Failed, &tests(Failed)), check("u", Passed, &[])],
        );
        assert_eq!((standing.broken.len(), standing.broken_checks()), (4, 1));
    }

    #[test]
    fn no_rubric_score_outweighs_a_broken_test() {
        let broken = Standing { broken: vec!["t".into()], score: Some(1.0), ..Standing::default() };
        let sober = Standing { score: Some(0.1), ..Standing::default() };
        assert_eq!(sober.compare(&broken), Ordering::Greater);
    }

    #[test]
    fn a_tie_goes_to_the_smaller_change() {
        let small = Standing { size: (1, 10), ..Standing::default() };
        let large = Standing { size: (1, 11), ..Standing::default() };
        assert_eq!(small.compare(&large), Ordering::Equal);
        assert_eq!(small.compare_with_size(&large), Ordering::Greater);
    }

    #[test]
    fn a_missing_or_impossible_score_leaves_the_rubric_without_a_score() {
        let dimensions = [
            Dimension { name: "a".into(), weight: 0.4 },
            Dimension { name: "b".into(), weight: 0.6 },
        ];
        let score = |name: &str, value| Score { dimension: name.into(), value };
        let whole = rubric_score(&dimensions, &[score("a", 1.0), score("b", 0.5)]);
        assert_eq!(whole, Some(0.7));
        assert_eq!(rubric_score(&dimensions, &[score("a", 1.0)]), None);
        for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
            assert_eq!(rubric_score(&dimensions, &[score("a", wrong), score("b", 0.5)]), None);
        }
    }
}
