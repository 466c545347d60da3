//! Carries plans out, one after the other, within the time that there is.

mod lack;
mod silent;
mod version;

use std::collections::BTreeSet;

use openkoi_sdk::evaluator::{Check, Finding, Outcome, Severity, Test};
use openkoi_sdk::{Failure, Result};

use crate::excerpt;
use crate::plan::{Category, Plan};
use crate::report::{Case, REPORT_MARK, Report};
use crate::world::{Invocation, Run, World};
use lack::Lack;
use version::Versions;

/// The longest that all checks together may run, in milliseconds: the component's own limit less a reserve.
const TOTAL_MS: u64 = 570_000;

/// The most tests that are named. Past that only failing ones are, before and after alike, so that no test
/// seems to have gone.
const NAMED: usize = 20_000;

/// The checks with what was observed while they ran.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Results {
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// Observations.
    pub findings: Vec<Finding>,
}

/// Runs `plans`. `baseline` are the same checks on the untouched tree: nobody has to see tests fail twice again that
/// failed twice there, and a check that named its tests there has to name them again.
pub(crate) fn all(world: &dyn World, plans: &[Plan], baseline: &[Check]) -> Result<Results> {
    let mut runner = Runner {
        world,
        known: known_red(baseline),
        asked: asked(baseline),
        versions: Versions::default(),
        named: named(baseline),
        missing: Vec::new(),
        spent_ms: 0,
        results: Results::default(),
    };
    for (number, plan) in plans.iter().enumerate() {
        world.say(&format!("check {} of {}: {}", number + 1, plans.len(), plan.command()));
        let check = runner.check(plan)?;
        runner.results.checks.push(check);
    }
    Ok(runner.results)
}

/// Tests, by check and name, that failed on the untouched tree, where each failure is seen twice.
fn known_red(baseline: &[Check]) -> BTreeSet<String> {
    let tests = baseline.iter().flat_map(|check| check.tests.iter().map(move |test| (check, test)));
    tests
        .filter(|(_, test)| test.outcome == Outcome::Failed)
        .map(|(check, test)| format!("{} {}", check.id, test.name))
        .collect()
}

/// Checks of which it is to be known what ran them: all of the untouched tree, and later those of which it was known then.
fn asked(baseline: &[Check]) -> Option<BTreeSet<String>> {
    let known = baseline.iter().filter(|check| !check.runner.is_empty());
    (!baseline.is_empty()).then(|| known.map(|check| check.id.clone()).collect())
}

fn named(baseline: &[Check]) -> BTreeSet<String> {
    let named = baseline.iter().filter(|check| !check.tests.is_empty());
    named.map(|check| check.id.clone()).collect()
}

struct Runner<'a> {
    world: &'a dyn World,
    known: BTreeSet<String>,
    /// Checks whose programs are asked for their versions; all of them if it is nothing.
    asked: Option<BTreeSet<String>>,
    versions: Versions,
    /// Checks that named their tests on the untouched tree.
    named: BTreeSet<String>,
    /// What could not be run, and the check that said so.
    missing: Vec<(Lack, String)>,
    spent_ms: u64,
    results: Results,
}

impl Runner<'_> {
    fn check(&mut self, plan: &Plan) -> Result<Check> {
        let mut check = blank(plan);
        if let Some(needed) = self.needed(plan) {
            check.outcome = needed.outcome;
            check.exit_code = needed.exit_code;
            check.receipts = needed.receipts.clone();
            check.excerpt = format!("not run: `{}` did not pass", needed.id);
            return Ok(check);
        }
        if self.remaining() == 0 {
            check.excerpt = "not run: the time for checks was used up".to_owned();
            return Ok(check);
        }
        if let Some((lack, by)) = self.missing.iter().find(|(lack, _)| lack.stops(plan)) {
            check.excerpt = format!("could not be run: {}, as `{by}` says", lack.what);
            return Ok(check);
        }
        let run = match self.run(plan, &mut check) {
            Ok(run) => run,
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            Err(failure) => {
                check.excerpt = unavailable(&failure);
                return Ok(check);
            }
        };
        self.judge(plan, &run, &mut check)?;
        let ran = check.outcome != Outcome::Errored;
        if ran && self.asked.as_ref().is_none_or(|asked| asked.contains(&check.id)) {
            check.runner = self.versions.of(self.world, plan)?;
        }
        Ok(check)
    }

    /// The check that `plan` rests on, if it did not pass.
    fn needed(&self, plan: &Plan) -> Option<&Check> {
        let id = plan.needs.as_ref()?;
        let needed = self.results.checks.iter().find(|check| check.id == *id)?;
        (needed.outcome != Outcome::Passed).then_some(needed)
    }

    fn remaining(&self) -> u64 {
        TOTAL_MS.saturating_sub(self.spent_ms)
    }

    /// The run of the plan, or of its other wording where the machine lacks what the first needs.
    fn run(&mut self, plan: &Plan, check: &mut Check) -> Result<Run> {
        let run = self.once(&plan.whole(self.remaining()), check)?;
        let Some(instead) = &plan.instead else { return Ok(run) };
        if Lack::of(plan, &run).is_none() || self.remaining() == 0 {
            return Ok(run);
        }
        let other = Plan { arguments: instead.clone(), ..plan.clone() };
        let second = self.once(&other.whole(self.remaining()), check)?;
        if Lack::of(&other, &second).is_some() {
            return Ok(run);
        }
        check.command = other.command();
        Ok(second)
    }

    fn once(&mut self, invocation: &Invocation, check: &mut Check) -> Result<Run> {
        let run = self.world.run(invocation)?;
        self.spent_ms += run.duration_ms;
        check.duration_ms += run.duration_ms;
        check.receipts.push(run.receipt.clone());
        Ok(run)
    }

    fn judge(&mut self, plan: &Plan, run: &Run, check: &mut Check) -> Result<()> {
        let mut report = plan.reporter.read(&run.output);
        if let Some(report) = report.as_mut().filter(|_| plan.runner.name == "node") {
            report.broken.extend(silent::files(self.world, plan, report));
        }
        let lack = Lack::of(plan, run).filter(|_| !report.as_ref().is_some_and(Report::is_telling));
        let silent = self.is_silent(plan, report.as_ref());
        check.exit_code = run.code;
        check.outcome = outcome(plan, run, report.as_ref(), lack.is_some(), silent);
        let shown = plan.reporter.readable(&run.output);
        let is_silent = silent && run.code == Some(0);
        check.excerpt = text(run, &shown, report.as_ref(), lack.as_ref(), is_silent);
        if let Some(lack) = lack {
            self.missing.push((lack, plan.id.clone()));
        }
        if let Some(report) = report {
            check.test_count = report.ran;
            self.note_none(plan, &report, check);
            let steady = self.repeat(plan, &report, check)?;
            // Where a part of the output is missing, tests seem to be gone that are not: then none is named.
            check.tests = if run.cut { Vec::new() } else { tests(&steady) };
        }
        if check.outcome == Outcome::Passed {
            check.excerpt.clear();
        }
        Ok(())
    }

    /// Returns whether a run says nothing of its tests although it was asked, or did before. Product code that ends the
    /// runner early, with any exit code, makes such a run.
    fn is_silent(&self, plan: &Plan, report: Option<&Report>) -> bool {
        match report {
            None => plan.reporter.is_asked() || self.named.contains(&plan.id),
            Some(report) => report.cases.is_empty() && self.named.contains(&plan.id),
        }
    }

    /// A run in which no test ran has not passed.
    fn note_none(&mut self, plan: &Plan, report: &Report, check: &mut Check) {
        if plan.category != Category::Test
            || report.ran != Some(0)
            || check.outcome != Outcome::Errored
        {
            return;
        }
        let why =
            if report.cases.is_empty() { "there is none" } else { "all of them were left out" };
        check.excerpt = format!("no test ran: {why}\n{}", check.excerpt);
        self.results.findings.push(Finding {
            severity: Severity::Minor,
            message: format!("`{}` ran no test, so it shows nothing: {why}", plan.command()),
            evidence: plan.id.clone(),
            dimension: String::new(),
        });
    }

    /// Runs what failed once more; what passes then is flaky.
    fn repeat(&mut self, plan: &Plan, report: &Report, check: &mut Check) -> Result<Report> {
        let mut steady = report.clone();
        let failing = report.failing();
        let known = |case: &&Case| self.known.contains(&format!("{} {}", plan.id, case.name));
        let worth = failing.iter().any(|case| !known(case)) && report.broken.is_empty();
        if check.outcome != Outcome::Failed || !worth || self.remaining() == 0 {
            return Ok(steady);
        }
        self.world.say(&format!("running {} failed tests of {} again", failing.len(), plan.id));
        let run = match self.once(&plan.only(&failing, self.remaining()), check) {
            Ok(run) => run,
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            Err(_) => return Ok(steady),
        };
        let Some(second) = plan.reporter.read(&run.output) else { return Ok(steady) };
        let ends = second.outcomes();
        for case in steady.cases.iter_mut().filter(|case| case.outcome == Outcome::Failed) {
            if ends.get(case.name.as_str()) == Some(&Outcome::Passed) {
                case.outcome = Outcome::Flaky;
            }
        }
        self.note_flaky(plan, &steady, check);
        Ok(steady)
    }

    fn note_flaky(&mut self, plan: &Plan, steady: &Report, check: &mut Check) {
        let flaky: Vec<&str> = steady
            .cases
            .iter()
            .filter(|case| case.outcome == Outcome::Flaky)
            .map(|case| case.name.as_str())
            .collect();
        if flaky.is_empty() {
            return;
        }
        if steady.failing().is_empty() {
            check.outcome = Outcome::Flaky;
        }
        let shown = flaky.iter().take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>();
        self.results.findings.push(Finding {
            severity: Severity::Minor,
            message: format!("failed and passed on the same tree: {}", shown.join(", ")),
            evidence: plan.id.clone(),
            dimension: String::new(),
        });
    }
}

fn blank(plan: &Plan) -> Check {
    Check {
        id: plan.id.clone(),
        category: plan.category.word().to_owned(),
        command: plan.command(),
        outcome: Outcome::Errored,
        exit_code: None,
        tests: Vec::new(),
        test_count: None,
        excerpt: String::new(),
        receipts: Vec::new(),
        duration_ms: 0,
        runner: String::new(),
    }
}

/// Returns the outcome of a run. Whatever the exit code says, a failed test is a failure, and a run without any
/// test, or one that keeps silent about them, has not passed.
fn outcome(
    plan: &Plan,
    run: &Run,
    report: Option<&Report>,
    lacking: bool,
    silent: bool,
) -> Outcome {
    if run.timed_out {
        return Outcome::Errored;
    }
    let red =
        report.is_some_and(|report| !report.failing().is_empty() || !report.broken.is_empty());
    let none = report.is_some_and(|report| report.ran == Some(0));
    match run.code {
        _ if red => Outcome::Failed,
        _ if none && plan.category == Category::Test => Outcome::Errored,
        Some(0) if silent => Outcome::Errored,
        Some(0) => Outcome::Passed,
        _ if lacking => Outcome::Errored,
        _ => Outcome::Failed,
    }
}

fn text(
    run: &Run,
    output: &str,
    report: Option<&Report>,
    lack: Option<&Lack>,
    silent: bool,
) -> String {
    let output = output.rsplit_once(REPORT_MARK).map_or(output, |(text, _)| text);
    let mut heads = Vec::new();
    if run.timed_out {
        heads.push(format!("killed after {} s; what it had written:", run.duration_ms / 1000));
    } else if let Some(signal) = run.signal {
        heads.push(format!("ended by signal {signal}"));
    } else if let Some(lack) = lack {
        heads.push(format!("could not be run: {}", lack.told()));
    } else if silent {
        heads.push("it ended without a report of its tests, so it shows nothing".to_owned());
    }
    heads.extend(report.iter().flat_map(|report| report.broken.iter().take(5).cloned()));
    heads.push(excerpt::useful(output));
    let text = heads.join("\n");
    if text.len() <= excerpt::MAX { text } else { excerpt::useful(&text) }
}

fn unavailable(failure: &Failure) -> String {
    match failure {
        Failure::Denied(denial) if !denial.hint.is_empty() => {
            format!("could not be run: {failure}; {}", denial.hint)
        }
        _ => format!("could not be run: {failure}"),
    }
}

fn tests(report: &Report) -> Vec<Test> {
    let every = report.cases.len() <= NAMED;
    let named = |case: &&Case| every || matches!(case.outcome, Outcome::Failed | Outcome::Flaky);
    let cases = report.cases.iter().filter(named).take(NAMED);
    cases.map(|case| Test { name: case.name.clone(), outcome: case.outcome }).collect()
}

#[cfg(test)]
mod tests;
