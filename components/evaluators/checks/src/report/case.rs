//! A test as a runner reported it, and all of them together.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;

/// One test as a runner reported it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// Its name, unique in the run and the same in the next one.
    pub name: String,
    /// The argument with which the runner runs it alone.
    pub handle: String,
    /// Its outcome.
    pub outcome: Outcome,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        let name = name.into();
        Self { handle: name.clone(), name, outcome }
    }

    pub(crate) fn handled(
        name: impl Into<String>,
        handle: impl Into<String>,
        outcome: Outcome,
    ) -> Self {
        Self { name: name.into(), handle: handle.into(), outcome }
    }
}

/// The tests of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// The tests.
    pub cases: Vec<Case>,
    /// The number of tests that ran, where the runner says so.
    pub ran: Option<u32>,
    /// Whatever broke off or never began, in the runner's words. Such a run has not passed, whatever it exits with.
    pub broken: Vec<String>,
}

impl Report {
    /// A report whose count is that of its cases.
    pub(super) fn counted(cases: Vec<Case>) -> Self {
        let ran = cases.iter().filter(|case| case.outcome != Outcome::Skipped).count();
        Self { cases, ran: u32::try_from(ran).ok(), broken: Vec::new() }
    }

    /// Makes the names unique. The order in which a runner reports equal names is taken to be stable.
    pub(super) fn unique(mut self) -> Self {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for case in &mut self.cases {
            let count = seen.entry(case.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                case.name = format!("{} #{count}", case.name);
            }
        }
        self
    }

    /// Returns whether it names a test that ran.
    pub(crate) fn is_telling(&self) -> bool {
        self.cases.iter().any(|case| case.outcome != Outcome::Skipped)
    }

    /// The tests that failed.
    pub(crate) fn failing(&self) -> Vec<&Case> {
        self.cases.iter().filter(|case| case.outcome == Outcome::Failed).collect()
    }

    /// Returns the outcome of each test, by name.
    pub(crate) fn outcomes(&self) -> BTreeMap<&str, Outcome> {
        self.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect()
    }
}
