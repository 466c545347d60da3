//! The listeners of a run: progress lines on stderr for a person, or one JSON event a line on
//! stdout for a program.

mod screen;
mod start;
mod status;
mod verdict;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use openkoi_app::environment::HOME;
use openkoi_core::{
    contract::{Repair, Resolution},
    decision::Decision,
    deliberation::{
        assessment::{Citation, Vote},
        names,
        ruling::{Ruling, Seat, Stop},
    },
    doubts::Doubts,
    evaluation::{ChangeKind, Verdict},
    event::{Entry, Event},
    failure::Failure,
    message::{Role, ToolCall},
    model::ModelCard,
    outcome::{Ending, Outcome},
    port::{Delta, Listener},
    run::PLAN_TOOL,
    task::{Task, TaskSettings},
    tool::ToolOutput,
    unified,
};
use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) use self::start::place;
use self::{screen::Screen, status::Status};
use crate::{
    context::Context,
    output::{
        Palette, Printer, SCHEMA_VERSION, Style,
        diff::{self, FileEdit},
        markdown::MarkdownStream,
        money_at_most, sanitise_line,
    },
};

/// Parts of the keys of evaluations with frozen evidence.
const FROZEN: [&str; 2] = ["/frozen/", "/sure/"];

/// The part of the keys of evaluations that build for themselves what the run had built.
const ANEW: &str = "/anew/";

/// What the keys of summaries of a conversation end with.
const SUMMARY: &str = "/summary";

/// What the keys of evaluations of the untouched tree begin with.
const UNTOUCHED: &str = "base/";

/// The longest progress line, in characters.
const LONGEST_LINE: usize = 2_000;

/// The number of characters that are shown of a finding.
const SHOWN: usize = 80;

/// The most lines that are shown of an edit.
const EDIT_LINES: usize = 12;

/// The number of characters that are shown of each end of an edit's line.
const EDIT_COLUMNS: usize = 100;

/// The most files that are listed at the end.
const MOST_FILES: usize = 20;

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
        "seq": entry.seq,
        "key": entry.key,
        "at_ms": entry.at_ms,
        "elapsed_ms": entry.elapsed_ms,
        "data": entry.event,
        "schema_version": SCHEMA_VERSION,
    })
}

fn delta_line(role: &Role, text: &str) -> Value {
    json!({ "type": "delta", "role": role.0, "text": text, "schema_version": SCHEMA_VERSION })
}

/// A listener that prints progress lines to stderr and, on a terminal, streams the executor's text
/// there too, above a status line that moves.
pub(crate) struct ProgressLines {
    state: Mutex<State>,
    palette: Palette,
    streams: bool,
    /// The directory of the task, to show edits before they happen.
    workspace: PathBuf,
    /// The home of the person, which paths are shown relative to.
    home: Option<PathBuf>,
    /// True if the run says at its beginning which model works where.
    introduces: bool,
}

struct State {
    screen: Screen,
    status: Status,
    markdown: MarkdownStream,
    /// The calls under way by their keys, for the lines of their results.
    announced: BTreeMap<String, Announced>,
    /// What the gate refused last, as the line of the refusal has it.
    refused: String,
    /// The streamed text of the executor's present turn.
    streamed: String,
    /// The line that a person is typing meanwhile.
    typing: String,
    /// Lines that came in and went out of each file, by the last comparison.
    counts: BTreeMap<String, (usize, usize)>,
    /// Reasons for which the cost may be less than it is said to be.
    doubts: Doubts,
    /// The task that is resumed, with its models, until its run says so.
    resumed: Option<(Task, Vec<(String, ModelCard)>)>,
}

/// A call that is under way.
#[derive(Default)]
struct Announced {
    target: String,
    edit: Option<FileEdit>,
}

/// Nothing of the progress moves until this is dropped.
pub(crate) struct Still<'a>(&'a ProgressLines);

impl Drop for Still<'_> {
    fn drop(&mut self) {
        self.0.state().screen.release();
    }
}

impl ProgressLines {
    /// Returns progress lines with the colours of stderr, for a task in `workspace`.
    pub(crate) fn new(context: &Context, workspace: &Path) -> Self {
        let err = context.printer.err();
        let width = err.width.filter(|_| err.moves);
        let mut this = Self::on(Box::new(io::stderr()), err.palette, err.terminal, width);
        this.workspace = workspace.to_owned();
        this.home = context.environment().text(&HOME).map(PathBuf::from);
        this
    }

    /// Leaves out the first line, where somebody has been told already.
    #[must_use]
    pub(crate) fn introduced(mut self) -> Self {
        self.introduces = false;
        self
    }

    /// Notes the task that is resumed and its models, which a run says at its beginning.
    pub(crate) fn resumes(&self, task: Task, models: Vec<(String, ModelCard)>) {
        let mut state = self.state();
        state.status.knows(&models);
        state.resumed = Some((task, models));
    }

    /// Says at the beginning of a resumed run what the first run said.
    fn resumed(&self, settings: Option<&TaskSettings>) {
        let known = self.state().resumed.take().filter(|_| self.introduces);
        if let Some((mut task, models)) = known {
            task.settings = settings.cloned().unwrap_or(task.settings);
            self.introduce(&task, &models);
        }
        self.line("EXEC", Style::Plain, "going on where the run stopped");
    }

    fn introduce(&self, task: &Task, models: &[(String, ModelCard)]) {
        let line = start::line(task, models, self.home.as_deref());
        self.plain(&self.palette.paint(Style::Faint, &sanitise_line(&line)));
    }

    /// Returns lines on this screen; `streams` says whether somebody looks at it, and a width that the status line
    /// can move.
    fn on(
        screen: Box<dyn Write + Send>,
        palette: Palette,
        streams: bool,
        width: Option<usize>,
    ) -> Self {
        let state = State {
            screen: Screen::new(screen, width),
            status: Status::default(),
            markdown: MarkdownStream::new(palette),
            announced: BTreeMap::new(),
            refused: String::new(),
            streamed: String::new(),
            typing: String::new(),
            counts: BTreeMap::new(),
            doubts: Doubts::default(),
            resumed: None,
        };
        let (workspace, home) = (PathBuf::from("/"), None);
        Self { state: Mutex::new(state), palette, streams, workspace, home, introduces: true }
    }

    /// Returns true if a person has just seen `text` stream by.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        self.streams && !text.is_empty() && self.state().streamed.trim() == text.trim()
    }

    /// Moves the status line.
    pub(crate) fn tick(&self, now_ms: u64) {
        let mut state = self.state();
        let State { screen, status, typing, .. } = &mut *state;
        let plain = |now_ms| {
            let label = self.palette.paint(Style::Plain, "[EXEC]");
            status.plain(now_ms).map(|line| format!("{label} {line}"))
        };
        let moving = |now_ms, width| self.moving(status, typing, now_ms, width);
        screen.tick(now_ms, moving, plain);
    }

    /// Returns the status line, with what is being typed at its end.
    fn moving(&self, status: &Status, typing: &str, now_ms: u64, width: usize) -> Option<String> {
        if typing.is_empty() {
            return status.line(now_ms, width).map(|line| self.palette.paint(Style::Faint, &line));
        }
        let end = last_columns(&sanitise_line(typing), width / 2);
        let line = status.line(now_ms, width.saturating_sub(end.width() + 3))?;
        Some(format!("{} › {end}", self.palette.paint(Style::Faint, &line)))
    }

    /// Shows what is being typed while the run goes on.
    pub(crate) fn typing(&self, line: String) {
        self.state().typing = line;
    }

    /// Tells of a line that waits for the end of the run.
    pub(crate) fn queued(&self, line: &str) {
        let text = format!("next: {}", sanitise_line(line));
        self.plain(&self.palette.paint(Style::Faint, &text));
    }

    /// Tells of a detail, below what it belongs to.
    pub(crate) fn detail(&self, text: &str) {
        self.plain(&self.palette.paint(Style::Faint, &format!("  {text}")));
    }

    /// Removes the status line, and lets nothing move until what is returned is dropped: something else is shown.
    pub(crate) fn hold_still(&self) -> Still<'_> {
        let mut state = self.state();
        let rest = state.markdown.finish();
        state.screen.piece(&rest);
        state.screen.hold();
        Still(self)
    }

    /// Removes the status line for good, because the run is over.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        let rest = state.markdown.finish();
        state.screen.piece(&rest);
        state.screen.hold();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn restart(&self) {
        let mut state = self.state();
        state.streamed.clear();
        let rest = state.markdown.finish();
        state.screen.piece(&rest);
    }

    fn announce(&self, key: &str, call: &ToolCall, target: &str) {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
        let edit = FileEdit::of(&arguments, &self.workspace);
        let announced = Announced { target: target.to_owned(), edit };
        self.state().announced.insert(key.to_owned(), announced);
    }

    fn line(&self, label: &str, style: Style, text: &str) {
        let label = self.palette.paint(style, &format!("[{label}]"));
        // What a model wrote may be as long as it likes; the whole of it is in the journal.
        self.plain(&format!("{label} {}", sanitise_line(&cut(text, LONGEST_LINE))));
    }

    fn plain(&self, text: &str) {
        let mut state = self.state();
        let rest = state.markdown.finish();
        state.screen.piece(&rest);
        state.screen.line(text);
    }

    fn called(&self, key: &str, tool: &str, result: &Result<ToolOutput, Failure>) {
        let Announced { target, edit } = self.state().announced.remove(key).unwrap_or_default();
        let shown = if target.is_empty() { tool.to_owned() } else { format!("{tool} {target}") };
        match result {
            // A plan is told when it is made.
            Ok(output) if tool == PLAN_TOOL && output.summary.is_empty() => {}
            Ok(output) => {
                let about = Some(&output.summary).filter(|summary| !summary.is_empty());
                let text = about.map_or(shown.clone(), |summary| format!("{shown} · {summary}"));
                self.line("EXEC", Style::Plain, &text);
                let diff = edit
                    .map(|edit| diff::painted(&edit.diff, self.palette, EDIT_LINES, EDIT_COLUMNS));
                diff.unwrap_or_default().iter().for_each(|line| self.plain(&format!("  {line}")));
            }
            Err(failure) => {
                let why = match failure {
                    // The gate has said it in the line above.
                    Failure::Denied { what, .. } if *what == self.state().refused => {
                        "denied".to_owned()
                    }
                    failure => short(failure),
                };
                self.line("EXEC", Style::Caution, &format!("{shown} · {why}"));
            }
        }
    }

    /// Tells of each changed file, with the lines that came in and went out where they are known.
    fn files(&self, outcome: &Outcome) {
        let counts = std::mem::take(&mut self.state().counts);
        if counts.is_empty() {
            return;
        }
        for change in outcome.changes.iter().take(MOST_FILES) {
            let path = sanitise_line(&change.path);
            let kind = match change.kind {
                ChangeKind::Added => " (new)",
                ChangeKind::Removed => " (removed)",
                ChangeKind::Modified => "",
            };
            // A difference that is too long has no lines to count.
            let counted = counts.get(&change.path).filter(|counted| **counted != (0, 0));
            let lines = counted.map(|(added, removed)| {
                let added = self.palette.paint(Style::Good, &format!("+{added}"));
                format!("  {added} {}", self.palette.paint(Style::Bad, &format!("−{removed}")))
            });
            self.plain(&format!("  {path}{kind}{}", lines.unwrap_or_default()));
        }
        if let Some(more) = outcome.changes.len().checked_sub(MOST_FILES).filter(|more| *more > 0) {
            self.plain(&format!("  … and {more} more"));
        }
    }

    fn judged(&self, key: &str, evaluator: &str, result: &Result<Verdict, Failure>) {
        let is_frozen = FROZEN.iter().any(|part| key.contains(part));
        let before = match key.starts_with(UNTOUCHED) {
            true => "before: ",
            false if is_frozen => "with the tests as they were: ",
            false if key.contains(ANEW) => "built anew: ",
            false => "",
        };
        match result {
            Ok(verdict) if verdict.checks.is_empty() && verdict.scores.is_empty() => {}
            Ok(verdict) => {
                let (text, good) = verdict::told(verdict);
                let style = if good { Style::Good } else { Style::Caution };
                self.line("EVAL", style, &format!("{before}{text}"));
            }
            Err(failure) => {
                let text = format!("{before}{evaluator}: not evaluated, {}", short(failure));
                self.line("EVAL", Style::Caution, &text);
            }
        }
    }

    /// Tells what the chamber said, in one line, and what follows from it.
    fn deliberated(&self, seats: &[Seat], ruling: &Ruling) {
        let votes = seats.iter().map(|seat| {
            let word = match seat.assessment.vote {
                Vote::Approve => "APPROVE",
                Vote::Caveats => "APPROVE+",
                Vote::Objection => "OBJECT",
                Vote::Veto => "BLOCK",
                Vote::Ask => "ASK",
                Vote::Abstain => "ABSTAIN",
            };
            format!("{}={word}", names::shown(&seat.agency))
        });
        let style = if ruling.stops.is_empty() { Style::Good } else { Style::Bad };
        self.line("PARLIAMENT", style, &votes.collect::<Vec<_>>().join(" "));
        for stop in &ruling.stops {
            self.objects("stops it", stop);
        }
        if !ruling.stops.is_empty() {
            return;
        }
        for one in &ruling.bindings {
            let basis: Vec<String> = one.caveat.citations.iter().map(Citation::told).collect();
            let agency = names::shown(&one.agency);
            let text = format!("{agency}: {} ({})", one.caveat.text, basis.join(", "));
            self.line("PARLIAMENT", Style::Plain, &text);
        }
        if let Some(other) = &ruling.taken {
            let text = format!("takes the other plan: {}", other.why);
            self.line("PARLIAMENT", Style::Plain, &text);
        }
    }

    fn objects(&self, how: &str, stop: &Stop) {
        let lifted = match stop.lifted_by.is_empty() {
            true => String::new(),
            false => format!("; what lifts it: {}", stop.lifted_by),
        };
        let text = format!("{} {how}: {}{lifted}", names::shown(&stop.agency), stop.reason);
        self.line("PARLIAMENT", Style::Caution, &text);
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
        self.files(outcome);
        let iterations = plural(u64::from(outcome.iterations), "iteration");
        let files = plural(outcome.changes.len() as u64, "file");
        let cost = money_at_most(outcome.spent.cost_micros, outcome.spent.at_most);
        match &outcome.ending {
            Ending::Accepted => {
                let tick = self.palette.paint(Style::Good, "✓");
                self.plain(&format!("{tick} Done. {iterations}. {files} changed. {cost}."));
            }
            Ending::Simulated => {
                let tick = self.palette.paint(Style::Good, "✓");
                self.plain(&format!("{tick} Simulated. Nothing was done. {cost}."));
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
        let doubts = self.state().doubts.clone();
        if let Some(why) = doubts.reason().filter(|_| outcome.spent.at_most) {
            self.plain(&format!("  ≤ because {}", sanitise_line(&why)));
        }
    }
}

impl Listener for ProgressLines {
    fn event(&self, entry: &Entry) {
        let mut state = self.state();
        state.screen.at(entry.at_ms);
        state.status.take(entry);
        state.doubts.take(&entry.event);
        drop(state);
        match &entry.event {
            Event::TaskStarted { task, models, .. } if self.introduces => {
                self.introduce(task, models);
            }
            Event::TurnStarted { role, .. } if role == Role::EXECUTOR => self.restart(),
            Event::TaskResumed { settings } => self.resumed(settings.as_deref()),
            Event::TurnStarted { role, .. }
                if role == Role::SMALL && entry.key.ends_with(SUMMARY) =>
            {
                let text = "the conversation is long; its older part is summed up";
                self.line("EXEC", Style::Plain, text);
            }
            Event::TaskSteered { text } => {
                let text = format!("told: {}", sanitise_line(text));
                self.plain(&self.palette.paint(Style::Faint, &text));
            }
            Event::PlanMade { contract, .. } if !contract.steps.is_empty() => {
                self.line("PLAN", Style::Plain, &contract.steps.join("; "));
            }
            Event::DirectiveMade { sentences } => {
                let texts: Vec<&str> = sentences.iter().map(|one| one.text.as_str()).collect();
                self.line("SOVEREIGN", Style::Plain, &format!("\"{}\"", texts.join(" ")));
            }
            Event::MotionPut { spared, .. } if !spared.is_empty() => {
                let names: Vec<String> = spared.iter().map(|name| names::shown(name)).collect();
                let text =
                    format!("not asked, because it changed nothing so far: {}", names.join(", "));
                self.line("PARLIAMENT", Style::Plain, &text);
            }
            Event::DeliberationHeld { seats, ruling, .. } => self.deliberated(seats, ruling),
            Event::ObjectionsComputed { stops } => {
                for stop in stops {
                    self.objects("objects", stop);
                }
            }
            Event::RulingOverruled { reason, .. } => {
                let text = format!("overruled by the user: {reason}");
                self.line("PARLIAMENT", Style::Caution, &text);
            }
            Event::QuestionAnswered { question, answer } => {
                let text = match answer {
                    Some(answer) => format!("{} {answer}", question.text),
                    None => format!(
                        "{} Nobody is there to answer; assumed: {}",
                        question.text, question.assumed
                    ),
                };
                self.line("PARLIAMENT", Style::Plain, &text);
            }
            Event::CallStarted { call, target, .. } => self.announce(&entry.key, call, target),
            Event::TreeCompared { diff, .. } => self.state().counts = unified::counts(diff),
            Event::CallFinished { tool, result, .. } => self.called(&entry.key, tool, result),
            Event::EvaluationStarted { evaluator } if entry.key.starts_with(UNTOUCHED) => {
                let text = format!("{evaluator}: looking at the untouched tree");
                self.line("EVAL", Style::Plain, &text);
            }
            Event::EvaluationFinished { evaluator, result, .. } => {
                self.judged(&entry.key, evaluator, result);
            }
            Event::IterationDecided { decision, reason, .. } if decision != "accept" => {
                self.line("REFN", Style::Plain, reason);
            }
            Event::PlanRefined { number, repairs } => self.resolved(*number, repairs),
            Event::GateDecided { decision: Decision::Deny { what, hint }, .. } => {
                let hint = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
                self.line("GATE", Style::Caution, &format!("refused: {what}{hint}"));
                self.state().refused.clone_from(what);
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
            Event::TaskFinished { outcome } | Event::TaskPaused { outcome: Some(outcome), .. } => {
                self.finished(outcome)
            }
            _ => {}
        }
    }

    fn delta(&self, role: &Role, delta: Delta<'_>) -> bool {
        match delta {
            Delta::Text(text) if self.streams && role.0 == Role::EXECUTOR => {
                let mut state = self.state();
                state.streamed.push_str(text);
                let shown = state.markdown.push(text);
                state.screen.piece(&shown);
                true
            }
            Delta::Waiting("") => {
                self.state().status.waits("");
                false
            }
            Delta::Waiting(why) => {
                // What streamed so far belongs to a turn that is asked for again.
                self.restart();
                let stop = if self.streams { " · Ctrl-C stops" } else { "" };
                self.line("WAIT", Style::Caution, &format!("{why}{stop}"));
                self.state().status.waits(why);
                false
            }
            _ => false,
        }
    }
}

/// Returns the end of a text in at most `width` columns.
fn last_columns(text: &str, width: usize) -> String {
    let mut taken = 0;
    let fits = text.char_indices().rev().take_while(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken <= width
    });
    let start = fits.last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default().to_owned()
}

/// Returns the reason why the work was not accepted.
pub(crate) fn reason(ending: &Ending, outcome: &Outcome) -> String {
    match ending {
        Ending::Accepted => String::new(),
        _ if !outcome.because.is_empty() => outcome.because.clone(),
        Ending::Stalled { reason } => reason.clone(),
        Ending::Vetoed { .. } => "the chamber stopped it".to_owned(),
        Ending::Simulated => "it is a simulation".to_owned(),
        Ending::Tripped { trip } => trip.to_string(),
        Ending::Exhausted => {
            let standing = &outcome.standing;
            let mut facts = standing.violations.iter().chain(&standing.broken);
            let first = facts.next().or(standing.new_red.first());
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
