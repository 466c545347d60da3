//! The listeners of a run: progress lines on stderr for a person, or one JSON event a line on
//! stdout for a program.

use std::{
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use openkoi_core::{
    contract::{Repair, Resolution},
    decision::Decision,
    doubts::Doubts,
    evaluation::{Check, CheckOutcome, Verdict},
    event::{Entry, Event},
    failure::Failure,
    message::Role,
    outcome::{Ending, Outcome},
    port::{Delta, Listener},
};
use serde_json::{Value, json};

use crate::output::{
    Palette, Printer, SCHEMA_VERSION, Style, money_at_most, sanitise, sanitise_line,
};

/// The longest progress line, in characters.
const LONGEST_LINE: usize = 2_000;

/// The number of characters that are shown of a finding.
const SHOWN: usize = 80;

/// A listener that prints every event as a line of JSON, as it happens.
pub(crate) struct EventStream(pub Printer);

impl Listener for EventStream {
    fn event(&self, entry: &Entry) {
        if let Err(error) = self.0.json_line(&event_line(entry)) {
            tracing::warn!(%error, "an event could not be printed");
        }
    }

    fn delta(&self, role: &Role, delta: Delta<'_>) -> bool {
        let Delta::Text(text) = delta else { return false };
        if let Err(error) = self.0.json_line(&delta_line(role, text)) {
            tracing::warn!(%error, "a delta could not be printed");
        }
        true
    }
}

fn event_line(entry: &Entry) -> Value {
    json!({
        "type": "event",
        "key": entry.key,
        "at_ms": entry.at_ms,
        "elapsed_ms": entry.elapsed_ms,
        "data": entry.event,
        "schema_version": SCHEMA_VERSION,
    })
}

fn delta_line(role: &Role, text: &str) -> Value {
    json!({ "type": "delta", "role": role.0, "text": text })
}

/// A listener that prints progress lines to stderr and, on a terminal, streams the executor's text
/// there too.
pub(crate) struct ProgressLines {
    screen: Mutex<Box<dyn Write + Send>>,
    palette: Palette,
    streams: bool,
    /// True while the cursor stands behind streamed text.
    in_text: AtomicBool,
    /// The target of the last call that was started, for the line of its result.
    announced: Mutex<String>,
    /// The streamed text of the executor's present turn.
    streamed: Mutex<String>,
    /// Reasons for which the cost may be less than it is said to be.
    doubts: Mutex<Doubts>,
}

impl ProgressLines {
    /// Returns progress lines with the colours of stderr.
    pub(crate) fn new(printer: &Printer) -> Self {
        let err = printer.err();
        Self::on(Box::new(io::stderr()), err.palette, err.terminal)
    }

    /// Returns lines on this screen; `streams` says whether somebody looks at it.
    fn on(screen: Box<dyn Write + Send>, palette: Palette, streams: bool) -> Self {
        Self {
            screen: Mutex::new(screen),
            palette,
            streams,
            in_text: AtomicBool::new(false),
            announced: Mutex::default(),
            streamed: Mutex::default(),
            doubts: Mutex::default(),
        }
    }

    /// Returns true if a person has just seen `text` stream by.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        let streamed = self.streamed.lock().unwrap_or_else(PoisonError::into_inner);
        self.streams && !text.is_empty() && streamed.trim() == text.trim()
    }

    fn restart(&self) {
        self.streamed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn line(&self, label: &str, style: Style, text: &str) {
        let label = self.palette.paint(style, &format!("[{label}]"));
        // What a model wrote may be as long as it likes; the whole of it is in the journal.
        self.plain(&format!("{label} {}", sanitise_line(&cut(text, LONGEST_LINE))));
    }

    fn plain(&self, text: &str) {
        let open = self.in_text.swap(false, Ordering::Relaxed);
        let mut err = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader of progress that went away is no reason to stop the work.
        drop(writeln!(err, "{}{text}", if open { "\n" } else { "" }));
    }

    fn called(&self, tool: &str, result: &Result<openkoi_core::tool::ToolOutput, Failure>) {
        let target =
            std::mem::take(&mut *self.announced.lock().unwrap_or_else(PoisonError::into_inner));
        let shown = if target.is_empty() { tool.to_owned() } else { format!("{tool} {target}") };
        match result {
            Ok(output) if output.summary.is_empty() => self.line("EXEC", Style::Plain, &shown),
            Ok(output) => {
                self.line("EXEC", Style::Plain, &format!("{shown} · {}", output.summary));
            }
            Err(failure) => {
                self.line("EXEC", Style::Caution, &format!("{shown} · {}", short(failure)));
            }
        }
    }

    fn judged(&self, evaluator: &str, result: &Result<Verdict, Failure>) {
        match result {
            Ok(verdict) if verdict.checks.is_empty() && verdict.scores.is_empty() => {}
            Ok(verdict) => {
                let (text, good) = told(verdict);
                self.line("EVAL", if good { Style::Good } else { Style::Caution }, &text);
            }
            Err(failure) => {
                let text = format!("{evaluator}: not evaluated, {}", short(failure));
                self.line("EVAL", Style::Caution, &text);
            }
        }
    }

    fn resolved(&self, number: u32, repairs: &[Repair]) {
        for repair in repairs {
            let Some(Resolution { by, iteration }) = &repair.resolved else { continue };
            if *iteration == number {
                let what = cut(&repair.text, SHOWN);
                self.line("REFN", Style::Good, &format!("resolved by {by}: {what}"));
            }
        }
    }

    fn finished(&self, outcome: &Outcome) {
        let iterations = plural(u64::from(outcome.iterations), "iteration");
        let files = plural(outcome.changes.len() as u64, "file");
        let cost = money_at_most(outcome.spent.cost_micros, outcome.spent.at_most);
        match &outcome.ending {
            Ending::Accepted => {
                let tick = self.palette.paint(Style::Good, "✓");
                self.plain(&format!("{tick} Done. {iterations}. {files} changed. {cost}."));
            }
            ending => {
                let cross = self.palette.paint(Style::Bad, "✗");
                let why = reason(ending, outcome);
                let why = sanitise_line(&why);
                self.plain(&format!(
                    "{cross} Not accepted: {why}. {iterations}. {files} changed. {cost}."
                ));
            }
        }
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = doubts.reason().filter(|_| outcome.spent.at_most) {
            self.plain(&format!("  ≤ because {}", sanitise_line(&why)));
        }
    }
}

impl Listener for ProgressLines {
    fn event(&self, entry: &Entry) {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).take(&entry.event);
        match &entry.event {
            Event::TurnStarted { role, .. } if role == Role::EXECUTOR => self.restart(),
            Event::TaskResumed => self.line("EXEC", Style::Plain, "going on where the run stopped"),
            Event::PlanMade { contract, .. } if !contract.steps.is_empty() => {
                self.line("PLAN", Style::Plain, &contract.steps.join("; "));
            }
            Event::CallStarted { target, .. } => {
                target
                    .clone_into(&mut self.announced.lock().unwrap_or_else(PoisonError::into_inner));
            }
            Event::CallFinished { tool, result, .. } => self.called(tool, result),
            Event::EvaluationStarted { evaluator } if entry.key.starts_with("base") => {
                let text = format!("{evaluator}: looking at the untouched tree");
                self.line("EVAL", Style::Plain, &text);
            }
            Event::EvaluationFinished { evaluator, result, .. } => self.judged(evaluator, result),
            Event::IterationDecided { decision, reason, .. } if decision != "accept" => {
                self.line("REFN", Style::Plain, reason);
            }
            Event::PlanRefined { number, repairs } => self.resolved(*number, repairs),
            Event::GateDecided { decision: Decision::Deny { what, hint }, .. } => {
                let hint = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
                self.line("GATE", Style::Caution, &format!("refused: {what}{hint}"));
            }
            Event::BudgetWarned { spent } => {
                let text = format!(
                    "four fifths of the budget are spent: {} tokens, {}",
                    spent.tokens,
                    money_at_most(spent.cost_micros, spent.at_most)
                );
                self.line("COST", Style::Caution, &text);
            }
            Event::TreeRestored { .. } => {
                self.line("EXEC", Style::Plain, "brought back the best state of the files");
            }
            Event::TaskFinished { outcome } => self.finished(outcome),
            _ => {}
        }
    }

    fn delta(&self, role: &Role, delta: Delta<'_>) -> bool {
        match delta {
            Delta::Text(text) if self.streams && role.0 == Role::EXECUTOR => {
                self.streamed.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
                self.in_text.store(!text.ends_with('\n'), Ordering::Relaxed);
                let mut err = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
                drop(write!(err, "{}", sanitise(text)).and_then(|()| err.flush()));
                true
            }
            Delta::Waiting(why) => {
                // What streamed so far belongs to a turn that is asked for again.
                self.restart();
                self.line("WAIT", Style::Caution, why);
                false
            }
            _ => false,
        }
    }
}

/// Returns the reason why the work was not accepted.
pub(crate) fn reason(ending: &Ending, outcome: &Outcome) -> String {
    match ending {
        Ending::Accepted => String::new(),
        Ending::Stalled { reason } => reason.clone(),
        Ending::Tripped { trip } => trip.to_string(),
        Ending::Exhausted => {
            let standing = &outcome.standing;
            let first = standing.violations.first().or(standing.broken.first());
            let unmet = outcome.claims.iter().find(|claim| !claim.holds);
            match (first, unmet) {
                (Some(what), _) => format!("all iterations are used; {what}"),
                (None, Some(claim)) => {
                    format!("all iterations are used; open: {}", claim.criterion.text)
                }
                (None, None) => "all iterations are used".to_owned(),
            }
        }
    }
}

/// Returns a verdict as one line, and whether it is good news.
fn told(verdict: &Verdict) -> (String, bool) {
    let checks = verdict.checks.iter().map(check_text);
    let scores =
        verdict.scores.iter().map(|score| format!("{}={:.1}", score.dimension, score.value * 10.0));
    let text = checks.chain(scores).collect::<Vec<_>>().join(" ");
    let good = verdict
        .checks
        .iter()
        .all(|check| matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::Flaky));
    (text, good)
}

fn check_text(check: &Check) -> String {
    let failing = check
        .tests
        .iter()
        .filter(|test| matches!(test.outcome, CheckOutcome::Failed | CheckOutcome::Errored))
        .count();
    let word = match check.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::Errored => "could-not-run",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Flaky => "flaky",
    };
    match (failing, check.test_count) {
        (0, Some(count)) => format!("{}={word}({count} tests)", check.id),
        (0, None) => format!("{}={word}", check.id),
        (_, count) => {
            let of = count.map_or_else(String::new, |count| format!(" of {count}"));
            format!("{}={word}({failing}{of} tests)", check.id)
        }
    }
}

fn short(failure: &Failure) -> String {
    let text = failure.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(160).collect()
}

/// Returns at most `most` characters of a text, with `…` if there were more.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests;
