//! `openkoi status --live`: the running task, read once a second.
//!
//! On a terminal the status is drawn over the former one; elsewhere a line is printed after each
//! change. It ends when the task ends or its process is gone.

use std::time::Duration;

use openkoi_core::document::{Block, Document, Heading, Pairs, Value};
use openkoi_storage::{
    output::{HistoryLine, LiveState, StateFiles},
    tasks::TaskStatus,
};
use rustix::process::{Pid, test_kill_process};

use crate::{
    commands::task::row::{first_line, score, tone},
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{duration, json, money},
};

/// The time between two looks.
const TICK: Duration = Duration::from_secs(1);
/// The number of earlier tasks that are shown.
const HISTORY: usize = 5;
/// The length of the bar, in characters.
const BAR: u32 = 20;

/// Shows the running task until it ends.
pub(super) fn watch(json: bool, context: &Context) -> Result<Exit, CommandError> {
    let files = StateFiles::new(context.paths()?.home());
    let mut screen = Screen { context, json, drawn: 0, last: String::new() };
    loop {
        let Some(state) = files.last()? else {
            context.printer.notice("no task has run yet");
            return Ok(Exit::Accepted);
        };
        let runs = state.status == TaskStatus::Running && is_alive(state.pid);
        let (history, _) = files.history().last(HISTORY)?;
        screen.show(&state, runs, &history)?;
        if !runs {
            return Ok(Exit::Accepted);
        }
        pause();
    }
}

/// Waits until the next look.
#[expect(clippy::disallowed_methods, reason = "this command does nothing else on its thread")]
fn pause() {
    std::thread::sleep(TICK);
}

/// Returns true if the process exists, even if it belongs to another user.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

struct Screen<'a> {
    context: &'a Context,
    json: bool,
    drawn: usize,
    last: String,
}

impl Screen<'_> {
    fn show(
        &mut self,
        state: &LiveState,
        runs: bool,
        history: &[HistoryLine],
    ) -> Result<(), CommandError> {
        let printer = &self.context.printer;
        if self.json {
            let value = json::Object::of(&picture(state, runs, history)).versioned().value();
            return self.once(value.to_string(), |_| printer.json_line(&value));
        }
        if !printer.out().terminal {
            let line = format!("{}\n", line(state, runs));
            let same = changing(state, runs);
            return self.once(same, |_| printer.raw(crate::output::sanitise(&line).as_bytes()));
        }
        let text = printer.text(&picture(state, runs, history));
        let up = match self.drawn {
            0 => String::new(),
            drawn => format!("\x1b[{drawn}A\x1b[J"),
        };
        self.drawn = text.lines().count();
        printer.raw(format!("{up}{text}").as_bytes())
    }

    /// Prints unless `what` is the same as the last time.
    fn once(
        &mut self,
        what: String,
        print: impl FnOnce(&Self) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        if what == self.last {
            return Ok(());
        }
        self.last = what;
        print(self)
    }
}

/// Returns the state without the clock. A line is printed when it changes.
fn changing(state: &LiveState, runs: bool) -> String {
    format!(
        "{}{runs}{}{}{:?}{}",
        state.task_id, state.phase, state.iteration, state.score, state.tokens
    )
}

fn line(state: &LiveState, runs: bool) -> String {
    format!(
        "{} {}  iteration {}/{}  {}  score {}  {} of {}  {}",
        state.task_id.short(),
        bar(state.iteration, state.max_iterations, runs),
        state.iteration,
        state.max_iterations,
        standing(state, runs),
        score(state.score),
        money(micros(state.cost_usd)),
        money(micros(state.max_cost_usd)),
        duration(state.elapsed_ms),
    )
}

fn standing(state: &LiveState, runs: bool) -> &str {
    match (runs, state.status) {
        (true, _) => &state.phase,
        (false, TaskStatus::Running) => "interrupted",
        (false, status) => status.word(),
    }
}

/// Returns a bar of the progress, which is full once the task has ended.
pub(crate) fn bar(iteration: u32, most: u32, runs: bool) -> String {
    let done = if runs { iteration.saturating_sub(1) } else { most.max(1) };
    let filled = (done.saturating_mul(BAR) / most.max(1)).min(BAR);
    let (full, empty) = (filled as usize, (BAR - filled) as usize);
    format!("[{}{}]", "#".repeat(full), "-".repeat(empty))
}

fn micros(dollars: f64) -> u64 {
    (dollars.max(0.0) * 1_000_000.0).round() as u64
}

/// Returns a task, and those before it, as they are now.
fn picture(state: &LiveState, runs: bool, history: &[HistoryLine]) -> Document {
    let shown = |text: &str| first_line(text).chars().take(100).collect::<String>();
    let (spent, most) = (micros(state.cost_usd), micros(state.max_cost_usd));
    let (iteration, all) = (state.iteration, state.max_iterations);
    let bar = bar(iteration, all, runs);
    let pairs = Pairs::new("")
        .pair("task_id", "task", Value::id(&state.task_id))
        .for_people("text", shown(&state.description))
        .pair("model", "model", &state.model)
        .for_people("progress", format!("{bar} iteration {iteration} of {all}"))
        .for_people("status", Value::toned(standing(state, runs), tone(state.status)))
        .pair("score", "score", state.score.map_or(Value::Nothing, Value::Score))
        .for_people("cost", format!("{} of {}", money(spent), money(most)))
        .pair("elapsed_ms", "time", Value::Duration(state.elapsed_ms));
    let before = (!history.is_empty()).then(|| Heading::new("", "Before it"));
    let history = history.iter().map(|past| {
        let (short, word) = (past.task_id.short(), past.status.word());
        let (score, text) = (score(past.score), shown(&past.description));
        Block::paragraph(format!("{short}  {word:<9}  {score:>4}  {text}"))
    });
    Document::new("Task").with(pairs).with(facts(state)).with_all(before).with_all(history)
}

/// Returns what a program gets besides.
fn facts(state: &LiveState) -> Pairs {
    Pairs::new("")
        .for_programs("session_id", Value::id(&state.session_id))
        .for_programs("description", &state.description)
        .for_programs("status", state.status.word())
        .for_programs("phase", &state.phase)
        .for_programs("iteration", Value::count(state.iteration))
        .for_programs("max_iterations", Value::count(state.max_iterations))
        .for_programs("tokens", Value::Tokens(state.tokens))
        .for_programs("cost_usd", Value::Number(state.cost_usd))
        .for_programs("max_cost_usd", Value::Number(state.max_cost_usd))
        .for_programs("workspace", &state.workspace)
        .for_programs("pid", Value::count(state.pid))
        .for_programs("started_ms", Value::count(state.started_ms))
        .for_programs("updated_ms", Value::count(state.updated_ms))
}

#[cfg(test)]
mod tests;
