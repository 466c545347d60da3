//! What the project's own formatters, linters and type checkers say at once of files that were just written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use openkoi_core::{
    evaluation::{Change, ChangeKind, Check, CheckOutcome, QuickLook, Subject, Tier},
    evaluators::Evaluators,
    id::TaskId,
    scope::Scope,
};

/// What a look may take beyond its own time: it has to find out first what there is to ask.
const GRACE: Duration = Duration::from_secs(1);

/// Asks the evaluators of the checks for quick looks.
pub(crate) struct QuickLooks {
    evaluators: Arc<dyn Evaluators>,
    seconds: u32,
    seen: Mutex<HashMap<TaskId, Seen>>,
}

/// What a task was told so far.
#[derive(Default)]
struct Seen {
    /// Checks that had no answer in time, or could not be run. They are not waited for again.
    without: BTreeSet<String>,
    /// Lines by check, with their numbers left out: faults that stay are not told again, wherever they have moved.
    told: BTreeMap<String, BTreeSet<String>>,
}

impl QuickLooks {
    pub(crate) fn new(evaluators: Arc<dyn Evaluators>, seconds: u64) -> Self {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Self { evaluators, seconds, seen: Mutex::default() }
    }

    /// Returns a note for each check that says something new of these files.
    pub(super) async fn notes(&self, written: &[String], scope: &Scope) -> Vec<String> {
        if written.is_empty() || self.seconds == 0 {
            return Vec::new();
        }
        let mut notes = Vec::new();
        for card in self.evaluators.cards().iter().filter(|card| card.tier == Tier::Checks) {
            let subject = self.subject(written, &scope.task);
            let limit = Duration::from_secs(self.seconds.into()) + GRACE;
            let scope = Scope { deadline: limit, ..scope.clone() };
            let task = scope.task.clone();
            let asked = self.evaluators.evaluate(&card.name, &subject, scope);
            match tokio::time::timeout(limit, asked).await {
                Ok(Ok(verdict)) => notes.extend(self.news(&task, &verdict.checks)),
                Ok(Err(failure)) => tracing::debug!(%failure, "there was no quick look"),
                Err(_) => tracing::debug!("a quick look took too long"),
            }
        }
        notes
    }

    fn subject(&self, written: &[String], task: &TaskId) -> Subject {
        let change = |path: &String| Change {
            path: path.clone(),
            kind: ChangeKind::Modified,
            control: false,
        };
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let without = seen.get(task).map(|seen| seen.without.iter().cloned().collect());
        let milliseconds = self.seconds.saturating_mul(1_000);
        Subject {
            changes: written.iter().map(change).collect(),
            quick: Some(QuickLook { milliseconds, without: without.unwrap_or_default() }),
            ..Subject::default()
        }
    }

    fn news(&self, task: &TaskId, checks: &[Check]) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(task.clone()).or_default();
        checks.iter().filter_map(|check| seen.note(check)).collect()
    }
}

impl Seen {
    fn note(&mut self, check: &Check) -> Option<String> {
        match check.outcome {
            CheckOutcome::Failed => {
                let told = self.told.entry(check.id.clone()).or_default();
                let now: BTreeSet<String> = check.excerpt.lines().map(plain).collect();
                let is_new = |line: &&str| !told.contains(&plain(line));
                let new: Vec<&str> = check.excerpt.lines().filter(is_new).collect();
                let new = new.join("\n");
                *told = now;
                (!new.is_empty()).then(|| format!("`{}` says:\n{new}", check.command))
            }
            CheckOutcome::Passed => {
                let told = self.told.remove(&check.id)?;
                (!told.is_empty())
                    .then(|| format!("`{}` finds nothing wrong any more", check.command))
            }
            _ => {
                self.without.insert(check.id.clone());
                None
            }
        }
    }
}

/// A line without its numbers.
fn plain(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outcome: CheckOutcome, excerpt: &str) -> Check {
        Check {
            id: "lint".to_owned(),
            category: "lint".to_owned(),
            command: "lint a".to_owned(),
            outcome,
            exit_code: None,
            tests: Vec::new(),
            test_count: None,
            excerpt: excerpt.to_owned(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        }
    }

    #[test]
    fn a_fault_is_told_once_and_its_end_too() {
        let mut seen = Seen::default();
        let mut note = |outcome, excerpt| seen.note(&check(outcome, excerpt));
        use CheckOutcome::{Failed, Passed};

        assert_eq!(note(Passed, ""), None);
        assert_eq!(
            note(Failed, "a:1:2: x\na:3:4: y").unwrap(),
            "`lint a` says:\na:1:2: x\na:3:4: y"
        );
        assert_eq!(note(Failed, "a:7:2: x\na:9:4: y"), None);
        assert_eq!(note(Failed, "a:7:2: x\na:9:4: z").unwrap(), "`lint a` says:\na:9:4: z");
        assert_eq!(note(Passed, "").unwrap(), "`lint a` finds nothing wrong any more");
        assert_eq!(note(Passed, ""), None);
        assert_eq!(note(Failed, "a:1:2: x").unwrap(), "`lint a` says:\na:1:2: x");
    }

    #[test]
    fn what_had_no_answer_is_not_asked_again() {
        let mut seen = Seen::default();

        assert_eq!(seen.note(&check(CheckOutcome::Errored, "")), None);
        assert!(seen.without.contains("lint"));
    }
}
