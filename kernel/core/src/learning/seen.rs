//! A finished task as a learner sees it, made from its journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    command_line::as_typed,
    decision::Decision,
    evaluation::{CheckOutcome, Severity},
    event::{Entry, Event},
    id::TaskId,
    outcome::{Ending, Outcome},
    records::Reaction,
    task::{Task, own_words},
};

/// The most texts that the failures of one tool are told with.
const REASONS: usize = 10;
/// The longest of them, in bytes.
const REASON: usize = 300;
/// The most programs that are told of, and the most runs of checks.
const MOST: usize = 500;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEnding {
    /// Its work was accepted.
    Accepted,
    /// It ended without that.
    Stopped,
}

/// A finished task.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenTask {
    /// The task.
    pub task: TaskId,
    /// What the user typed.
    pub text: String,
    /// The directory that it worked in.
    pub workspace: String,
    /// How it ended.
    pub ending: TaskEnding,
    /// When, in milliseconds since 1970.
    pub ended_ms: u64,
    /// The score, 0 to 1.
    pub score: Option<f64>,
    /// The number of its iterations.
    pub iterations: u32,
    /// Ids of checks and tests that were red before and green after.
    pub fixed: Vec<String>,
    /// Ids of checks and tests that were green before and red after.
    pub broken: Vec<String>,
    /// What evaluators observed.
    pub findings: Vec<SeenFinding>,
    /// The checks of the project, in the order in which they ran.
    pub checks: Vec<CheckRun>,
    /// The programs that tools ran, in the order in which they ended.
    pub commands: Vec<CommandRun>,
    /// The tools that were used.
    pub tools: Vec<ToolUse>,
    /// Files that changed.
    pub changed: Vec<String>,
    /// Names of the skills that were shown to the executor.
    pub skills: Vec<String>,
    /// Ids of the learnings that it was shown.
    pub notes: Vec<String>,
    /// Places outside of this machine that were read.
    pub outside: Vec<String>,
    /// What the user did with the work; absent while nothing is known.
    pub reaction: Option<Reaction>,
}

/// What an evaluator observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFinding {
    /// Its id within the task.
    pub id: String,
    /// The iteration, from 1.
    pub iteration: u32,
    /// Which evaluator.
    pub evaluator: String,
    /// Its weight.
    pub severity: Severity,
    /// What it said.
    pub message: String,
    /// What it rested on.
    pub evidence: String,
    /// True if a later iteration fixed it.
    pub resolved: bool,
}

/// One run of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// The check's id.
    pub id: String,
    /// Its category.
    pub category: String,
    /// Its command.
    pub command: String,
    /// The iteration; 0 is the untouched tree.
    pub iteration: u32,
    /// True if it passed.
    pub passed: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// One program that a tool ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRun {
    /// The command.
    pub command: String,
    /// Its exit code; absent if a signal ended it.
    pub exit_code: Option<i32>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How a tool did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// The tool.
    pub tool: String,
    /// The number of its calls.
    pub calls: u32,
    /// The number of those that failed.
    pub failures: u32,
    /// What the failures said, each text once.
    pub reasons: Vec<String>,
}

impl SeenTask {
    /// Returns what a journal tells of its task, if that has ended.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Option<Self> {
        let mut reading = Reading::default();
        entries.iter().for_each(|entry| reading.take(entry));
        reading.seen()
    }

    /// Returns whether there is anything that could teach something: a task that only answered from what its model knows
    /// has nothing.
    #[must_use]
    pub fn has_facts(&self) -> bool {
        !self.tools.is_empty() || !self.checks.is_empty()
    }

    /// Returns the ids that a learning may name as its evidence.
    #[must_use]
    pub fn evidence(&self) -> BTreeSet<&str> {
        let checks = self.checks.iter().map(|check| check.id.as_str());
        let findings = self.findings.iter().map(|finding| finding.id.as_str());
        let tests = self.fixed.iter().map(String::as_str);
        checks.chain(findings).chain(tests).chain([self.task.as_str()]).collect()
    }
}

/// What was read of a journal so far.
#[derive(Default)]
struct Reading {
    task: Option<Task>,
    end: Option<(Outcome, u64)>,
    skills: Vec<String>,
    notes: Vec<String>,
    said: Vec<String>,
    /// The calls that have begun and not ended, by key: the call's target.
    begun: HashMap<String, String>,
    tools: BTreeMap<String, ToolUse>,
    outside: BTreeSet<String>,
    checks: Vec<CheckRun>,
    commands: Vec<CommandRun>,
    findings: Vec<SeenFinding>,
    /// The last iteration in which an evaluator was heard.
    heard: HashMap<String, u32>,
}

impl Reading {
    fn take(&mut self, entry: &Entry) {
        match &entry.event {
            Event::TaskStarted { task, skills, notes, .. } => {
                self.task = Some((**task).clone());
                self.skills = skills.iter().map(|skill| skill.name.clone()).collect();
                self.notes = notes.iter().map(|note| note.id.clone()).collect();
            }
            Event::TaskSteered { text } => self.said.push(text.clone()),
            Event::CallStarted { target, .. } => {
                self.begun.insert(entry.key.clone(), target.clone());
            }
            Event::CallFinished { tool, result, .. } => self.call(entry, tool, result),
            Event::GateDecided { action, target, decision, .. }
                if matches!(decision, Decision::Allow { .. })
                    && (action == "http" || action == "network") =>
            {
                self.outside.insert(target.clone());
            }
            Event::EvaluationFinished { evaluator, result: Ok(verdict), .. } => {
                self.verdict(&entry.key, evaluator, verdict);
            }
            Event::TaskFinished { outcome } => self.end = Some(((**outcome).clone(), entry.at_ms)),
            _ => {}
        }
    }

    fn call(
        &mut self,
        entry: &Entry,
        tool: &str,
        result: &Result<crate::tool::ToolOutput, crate::failure::Failure>,
    ) {
        if let Some(target) = self.begun.remove(&entry.key)
            && is_outside(&target)
        {
            self.outside.insert(target);
        }
        let seen = self.tools.entry(tool.to_owned()).or_insert_with(|| ToolUse {
            tool: tool.to_owned(),
            calls: 0,
            failures: 0,
            reasons: Vec::new(),
        });
        seen.calls += 1;
        match result {
            Ok(output) => {
                let room = MOST.saturating_sub(self.commands.len());
                let runs = output.receipts.iter().take(room).map(|receipt| CommandRun {
                    command: as_typed(&receipt.command),
                    exit_code: receipt.exit_code,
                    duration_ms: receipt.duration_ms,
                });
                self.commands.extend(runs);
            }
            Err(failure) => {
                seen.failures += 1;
                let reason = failure.to_string();
                let reason = reason[..reason.floor_char_boundary(REASON)].to_owned();
                if seen.reasons.len() < REASONS && !seen.reasons.contains(&reason) {
                    seen.reasons.push(reason);
                }
            }
        }
    }

    fn verdict(&mut self, key: &str, evaluator: &str, verdict: &crate::evaluation::Verdict) {
        let iteration = iteration_of(key);
        let room = MOST.saturating_sub(self.checks.len());
        let ran = verdict.checks.iter().filter(|check| {
            matches!(
                check.outcome,
                CheckOutcome::Passed | CheckOutcome::Failed | CheckOutcome::Flaky
            )
        });
        self.checks.extend(ran.take(room).map(|check| CheckRun {
            id: check.id.clone(),
            category: check.category.clone(),
            command: check.command.clone(),
            iteration,
            passed: check.outcome == CheckOutcome::Passed,
            duration_ms: check.duration_ms,
        }));
        if iteration == 0 {
            return;
        }
        self.heard.insert(evaluator.to_owned(), iteration);
        for finding in &verdict.findings {
            self.findings.push(SeenFinding {
                id: format!("i{iteration}-f{}", self.findings.len() + 1),
                iteration,
                evaluator: evaluator.to_owned(),
                severity: finding.severity,
                message: finding.message.clone(),
                evidence: finding.evidence.clone(),
                resolved: false,
            });
        }
    }

    fn seen(mut self) -> Option<SeenTask> {
        let (task, (outcome, ended_ms)) = (self.task?, self.end?);
        let is_accepted = outcome.ending == Ending::Accepted;
        for finding in &mut self.findings {
            let last = self.heard.get(&finding.evaluator).copied().unwrap_or_default();
            finding.resolved = is_accepted && finding.iteration < last;
        }
        let words = std::iter::once(&task.text).chain(&self.said);
        let text: String = words.map(|text| own_words(text)).collect();
        Some(SeenTask {
            task: task.id,
            text: text.trim().to_owned(),
            workspace: task.workspace,
            ending: if is_accepted { TaskEnding::Accepted } else { TaskEnding::Stopped },
            ended_ms,
            score: outcome.standing.score,
            iterations: outcome.iterations,
            fixed: outcome.standing.fixed,
            broken: outcome.standing.broken,
            findings: self.findings,
            checks: self.checks,
            commands: self.commands,
            tools: self.tools.into_values().collect(),
            changed: outcome.changes.into_iter().map(|change| change.path).collect(),
            skills: self.skills,
            notes: self.notes,
            outside: self.outside.into_iter().collect(),
            reaction: None,
        })
    }
}

fn is_outside(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    target.contains("://")
}

/// Returns the iteration that the key of an evaluation belongs to; 0 for the untouched tree.
fn iteration_of(key: &str) -> u32 {
    let first = key.split('/').next().unwrap_or_default();
    first.strip_prefix('i').and_then(|number| number.parse().ok()).unwrap_or_default()
}
