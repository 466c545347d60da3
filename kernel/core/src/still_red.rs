//! Red tests that the work left red although they are its own: a test that was red before is not a task's in itself.

use std::collections::BTreeSet;

use crate::{
    evaluation::{Check, CheckOutcome},
    frozen::Words,
};

/// Returns the tests that were red and are, of which the task is about: where some were mended or are new, those beside them
/// and those in whose names words of the task are; where none is, all.
pub fn still_red(task: &str, baseline: &[Check], now: &[Check]) -> Vec<String> {
    let (before, after) = (red(baseline), red(now));
    let green: BTreeSet<String> = ended(now, |outcome| outcome == CheckOutcome::Passed);
    let known = ended(baseline, |_| true);
    let is_better = |id: &&String| before.contains(*id) || !known.contains(*id);
    let better: BTreeSet<&str> = green.iter().filter(is_better).map(|id| place(id)).collect();
    let task = Words::of(task);
    let is_own = |id: &&String| {
        let name = id.split_once(' ').map_or("", |(_, name)| name);
        better.is_empty() || better.contains(place(id)) || task.has_word_of(name)
    };
    after.intersection(&before).filter(is_own).cloned().collect()
}

/// The red tests, and checks that are red and name none.
fn red(checks: &[Check]) -> BTreeSet<String> {
    ended(checks, |outcome| outcome == CheckOutcome::Failed)
}

fn ended(checks: &[Check], wanted: impl Fn(CheckOutcome) -> bool) -> BTreeSet<String> {
    let of_tests = checks.iter().filter(|check| check.category == "test");
    let ids = of_tests.flat_map(|check| {
        let whole = check.tests.is_empty() && wanted(check.outcome);
        let tests = check.tests.iter().filter(|test| wanted(test.outcome));
        let tests = tests.map(|test| format!("{} {}", check.id, test.name));
        whole.then(|| check.id.clone()).into_iter().chain(tests).collect::<Vec<_>>()
    });
    ids.collect()
}

/// Returns where a test stands: its id without its own name.
fn place(id: &str) -> &str {
    let Some((check, test)) = id.split_once(' ') else { return id };
    let end = test.rfind(['.', ':', '/', '#', '>']).unwrap_or(0);
    &id[..check.len() + 1 + end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::TestResult;
    use CheckOutcome::{Failed, Passed};

    fn check(tests: &[(&str, CheckOutcome)]) -> [Check; 1] {
        let test = |(name, outcome): &(&str, CheckOutcome)| TestResult {
            name: (*name).to_owned(),
            outcome: *outcome,
        };
        [Check {
            id: "t".to_owned(),
            category: "test".to_owned(),
            command: "run".to_owned(),
            outcome: Failed,
            exit_code: None,
            tests: tests.iter().map(test).collect(),
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        }]
    }

    #[test]
    fn a_red_test_is_the_tasks_own_beside_one_that_was_mended_or_by_its_name() {
        let before = check(&[("sum.adds", Failed), ("sum.takes", Failed), ("clock.ticks", Failed)]);
        let half = check(&[("sum.adds", Passed), ("sum.takes", Failed), ("clock.ticks", Failed)]);
        let whole = check(&[("sum.adds", Passed), ("sum.takes", Passed), ("clock.ticks", Failed)]);

        assert_eq!(still_red("mend it", &before, &half), ["t sum.takes"]);
        assert_eq!(still_red("mend it", &before, &whole), Vec::<String>::new());
        assert_eq!(still_red("mend the clock", &before, &whole), ["t clock.ticks"]);
        assert_eq!(still_red("mend it", &before, &before).len(), 3);
        let new = [&before[0].tests[..], &check(&[("new.is_new", Passed)])[0].tests].concat();
        let new = [Check { tests: new, ..before[0].clone() }];
        assert_eq!(still_red("test it", &before, &new), Vec::<String>::new());
    }
}
