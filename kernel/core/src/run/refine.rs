//! Refinement edits the plan: a finding of an evaluation becomes a step with its evidence, and a step that a later
//! evaluation finds fixed is marked with the proof.

use std::cmp::Reverse;

use super::{attempt::Attempt, halt::Halt, prompt, state::Run};
use crate::{
    contract::{Finder, Repair, Resolution},
    evaluation::{Check, CheckOutcome, Finding, Severity},
    event::Event,
    frozen::Difference,
    message::Message,
};

/// Most findings of evaluators that are sent back; the first ones matter most.
const MOST_FINDINGS: usize = 30;

/// Most changed files that are listed.
const MOST_FILES: usize = 60;

/// One fault that the last evaluation found and that an earlier one may have found already.
struct Observation {
    by: Finder,
    /// Key by which the next evaluation recognises it.
    evidence: String,
    text: String,
}

impl Run {
    /// Brings the plan up to date with the evaluation of iteration `number`.
    pub(super) fn edit_plan(&mut self, number: u32) -> Result<(), Halt> {
        let Some(attempt) = self.attempts.last() else { return Ok(()) };
        let found = found(attempt);
        for repair in self.repairs.iter_mut().filter(|repair| repair.resolved.is_none()) {
            if !found.iter().any(|one| one.is(repair)) {
                repair.resolved = resolution(repair, attempt, number);
            }
        }
        for one in found {
            one.enter(&mut self.repairs, number);
        }
        if self.repairs.is_empty() {
            return Ok(());
        }
        let refined = Event::PlanRefined { number, repairs: self.repairs.clone() };
        Ok(self.recorder.record(&format!("i{number}"), refined)?)
    }

    /// Returns the message that lists open findings with their evidence, those that are fixed, and changed files.
    pub(super) fn findings_message(&self, iteration: u32) -> Message {
        let Some(attempt) = self.attempts.last() else { return Message::user("Go on.") };
        let mut lines = Vec::new();
        for repair in self.repairs.iter().filter(|repair| repair.resolved.is_none()) {
            lines.push(format!("- {} {}", repair.id, repair.text));
            lines.extend(output_of(attempt, repair));
        }
        lines.extend(self.ended.iter().map(|ended| format!("- [loop] {ended}")));
        if lines.is_empty() {
            let obstacle = self.obstacle(&attempt.checks, &attempt.standing);
            lines.push(format!("- {}", obstacle.unwrap_or_default()));
        }
        let mut text = section(&format!("findings iteration=\"{iteration}\""), "findings", &lines);
        // The tags and the last sentence are part of requests whose hashes journals hold.
        text.push_str(&section("unknown", "unknown", &unknown(attempt)));
        text.push_str(&section("mended", "mended", &resolved(&self.repairs)));
        text.push_str(&section("changed-files", "changed-files", &files(attempt)));
        Message::user(format!("{text}\nMend the findings, then answer."))
    }
}

impl Observation {
    fn is(&self, repair: &Repair) -> bool {
        // An evaluator may have several things to say about one line.
        let several = matches!(self.by, Finder::Evaluator(_));
        self.by == repair.found_by
            && self.evidence == repair.evidence
            && (!several || self.text == repair.text)
    }

    fn enter(self, repairs: &mut Vec<Repair>, number: u32) {
        let open = repairs.iter_mut().find(|one| one.resolved.is_none() && self.is(one));
        if let Some(open) = open {
            open.text = self.text;
            return;
        }
        let Self { by: found_by, evidence, text } = self;
        let id = format!("r{}", repairs.len() + 1);
        repairs.push(Repair { id, found_by, text, evidence, found_in: number, resolved: None });
    }
}

/// Returns everything that stands between the work and its acceptance.
fn found(attempt: &Attempt) -> Vec<Observation> {
    let standing = &attempt.standing;
    let mut found: Vec<Observation> = standing
        .violations
        .iter()
        .map(|fact| of(Finder::Kernel, fact, format!("[fact] {fact}")))
        .collect();
    for check in attempt.checks.iter().filter(|check| check.outcome != CheckOutcome::Passed) {
        // What cannot be run here is nobody's fault, unless it could be run before.
        if standing.unknown.contains(&check.id) {
            continue;
        }
        let open: Vec<&Difference> =
            attempt.open().filter(|difference| difference.check == check.id).collect();
        if !open.is_empty() {
            let text = told(&open, attempt);
            found.push(of(Finder::Check(check.id.clone()), &check.id, text));
            continue;
        }
        let line = prompt::check_line(check);
        let text = line.trim_start_matches("- ").trim_end().to_owned();
        found.push(of(Finder::Check(check.id.clone()), &check.id, text));
    }
    for id in &standing.broken {
        // `cargo:test tests::name (gone)` is reported by `cargo:test`.
        let by = Finder::Check(id.split(' ').next().unwrap_or(id).to_owned());
        match found.iter_mut().find(|one| one.by == by && one.evidence == *id) {
            Some(check) => check.text.push_str(" (it was green before you began)"),
            None => found.push(of(by, id, format!("[broken] {id}"))),
        }
    }
    // What a program points at is for the judge to look at, and asks for nothing.
    let asks = |(by, finding): &&(String, Finding)| {
        finding.severity > Severity::Note || attempt.scored_by.as_ref() == Some(by)
    };
    let mut findings: Vec<_> = attempt.findings.iter().filter(asks).collect();
    findings.sort_by_key(|(_, finding)| Reverse(finding.severity));
    found.extend(findings.into_iter().take(MOST_FINDINGS).map(|(by, finding)| {
        let text =
            format!("[{}] {} ({})", word(finding.severity), finding.message, finding.evidence);
        of(Finder::Evaluator(by.clone()), &finding.evidence, text)
    }));
    found
}

/// The most tests that a finding names.
const MOST_TESTS: usize = 10;

/// Says what hangs on changed evidence, and what to do about it.
fn told(open: &[&Difference], attempt: &Attempt) -> String {
    let shown = open.iter().take(MOST_TESTS);
    let mut tests: Vec<String> = shown.map(|one| format!("{} {}", one.id(), one.why())).collect();
    let more = open.len().saturating_sub(MOST_TESTS);
    tests.extend((more > 0).then(|| format!("and {more} more")));
    let tests = tests.join("; ");
    let changed = attempt.evidence_paths();
    if changed.is_empty() {
        return format!(
            "[evidence] {tests}. The checks ran without what your programs left in files that git ignores. What the \
             product needs has to be made by the project's own build, or not be ignored."
        );
    }
    format!(
        "[evidence] {tests}. You changed {}, and the checks ran with these files as they were before you began. Change the \
         product so that it passes with them; a test is only another one where the task asks for that.",
        changed.join(", ")
    )
}

fn of(by: Finder, evidence: &str, text: String) -> Observation {
    Observation { by, evidence: evidence.to_owned(), text }
}

/// Returns the proof that a repair is done, if its finder looked again and did not find it.
fn resolution(repair: &Repair, attempt: &Attempt, iteration: u32) -> Option<Resolution> {
    let (by, looked) = match &repair.found_by {
        Finder::Kernel => ("the kernel", true),
        Finder::Check(id) => (id.as_str(), attempt.checks.iter().any(|check| check.id == *id)),
        Finder::Evaluator(name) => (name.as_str(), attempt.heard.contains(name)),
    };
    looked.then(|| Resolution { by: by.to_owned(), iteration })
}

fn output_of(attempt: &Attempt, repair: &Repair) -> Option<String> {
    let own = |id: &String| repair.found_by == Finder::Check(id.clone());
    let mut checks = attempt.checks.iter();
    let check = checks.find(|check| check.id == repair.evidence && own(&check.id))?;
    (!check.excerpt.is_empty())
        .then(|| format!("<output>\n{}\n</output>", check.excerpt.trim_end()))
}

/// Returns the checks that could not be run, which is said and not demanded.
fn unknown(attempt: &Attempt) -> Vec<String> {
    let errored =
        attempt.checks.iter().filter(|check| attempt.standing.unknown.contains(&check.id));
    let line = |check: &Check| {
        let line = prompt::check_line(check);
        format!("{}; it is no fault of your work", line.trim_end())
    };
    errored.map(line).collect()
}

fn resolved(repairs: &[Repair]) -> Vec<String> {
    let line = |repair: &Repair| {
        let Resolution { by, iteration } = repair.resolved.as_ref()?;
        Some(format!("- {} {} (by {by} in iteration {iteration})", repair.id, repair.text))
    };
    repairs.iter().filter_map(line).collect()
}

fn files(attempt: &Attempt) -> Vec<String> {
    attempt.changes.iter().take(MOST_FILES).map(|change| format!("- {}", change.path)).collect()
}

fn section(open: &str, close: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("<{open}>\n{}\n</{close}>\n", lines.join("\n"))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Check, Finding};

    fn check(id: &str, outcome: CheckOutcome) -> Check {
        Check {
            id: id.to_owned(),
            category: "test".to_owned(),
            command: "run".to_owned(),
            outcome,
            exit_code: None,
            tests: Vec::new(),
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        }
    }

    fn judged(message: &str) -> Attempt {
        let finding = Finding {
            severity: Severity::Major,
            message: message.to_owned(),
            evidence: "a.rs:1".to_owned(),
            dimension: String::new(),
        };
        let by = "rubric".to_owned();
        Attempt { findings: vec![(by.clone(), finding)], heard: vec![by], ..Attempt::default() }
    }

    fn entered(attempt: &Attempt) -> Vec<Repair> {
        let mut repairs = Vec::new();
        found(attempt).into_iter().for_each(|one| one.enter(&mut repairs, 1));
        repairs
    }

    #[test]
    fn a_red_check_is_one_step_however_often_it_is_found() {
        let red = Attempt { checks: vec![check("t", CheckOutcome::Failed)], ..Attempt::default() };
        let mut repairs = entered(&red);

        found(&red).into_iter().for_each(|one| one.enter(&mut repairs, 2));

        assert_eq!(repairs.len(), 1);
        assert_eq!((repairs[0].id.as_str(), repairs[0].found_in), ("r1", 1));
    }

    #[test]
    fn a_step_is_resolved_by_the_check_that_found_it_and_not_by_its_absence() {
        let red = Attempt { checks: vec![check("t", CheckOutcome::Failed)], ..Attempt::default() };
        let green =
            Attempt { checks: vec![check("t", CheckOutcome::Passed)], ..Attempt::default() };
        let repair = &entered(&red)[0];

        let by = Resolution { by: "t".to_owned(), iteration: 2 };
        assert_eq!(resolution(repair, &green, 2), Some(by));
        assert_eq!(resolution(repair, &Attempt::default(), 2), None);
    }

    #[test]
    fn an_evaluators_step_stays_open_until_that_evaluator_looks_again() {
        let repair = &entered(&judged("too long"))[0];
        let other = Attempt { heard: vec!["checks".to_owned()], ..Attempt::default() };

        assert_eq!(resolution(repair, &other, 2), None);
        assert!(resolution(repair, &judged("too short"), 2).is_some());
        assert!(!found(&judged("too short"))[0].is(repair));
    }
}
