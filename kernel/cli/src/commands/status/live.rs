//! `openkoi status --live`: the running task, read once a second.
//!
//! On a terminal the status is drawn over the former one; elsewhere a line is printed after each
//! change. It ends when the task ends or its process is gone.

use std::time::Duration;

use openkoi_storage::{
    output::{HistoryLine, LiveState, StateFiles},
    tasks::TaskStatus,
};
use rustix::process::{Pid, test_kill_process};

use crate::{
    commands::task::row::{first_line, score, style},
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Page, Style, duration, money, versioned},
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
            let value = serde_json::to_value(state)
                .map_err(|error| CommandError::failed(format!("the state is odd: {error}")))?;
            let value = versioned(value);
            return self.once(value.to_string(), |_| printer.json_line(&value));
        }
        if !printer.out().terminal {
            let line = format!("{}\n", line(state, runs));
            let same = changing(state, runs);
            return self.once(same, |_| printer.raw(crate::output::sanitise(&line).as_bytes()));
        }
        let mut page = printer.page();
        draw(&mut page, state, runs, history);
        let text = page.finish();
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
fn bar(iteration: u32, most: u32, runs: bool) -> String {
    let done = if runs { iteration.saturating_sub(1) } else { most.max(1) };
    let filled = (done.saturating_mul(BAR) / most.max(1)).min(BAR);
    let (full, empty) = (filled as usize, (BAR - filled) as usize);
    format!("[{}{}]", "#".repeat(full), "-".repeat(empty))
}

fn micros(dollars: f64) -> u64 {
    (dollars.max(0.0) * 1_000_000.0).round() as u64
}

fn draw(page: &mut Page, state: &LiveState, runs: bool, history: &[HistoryLine]) {
    let shown = |text: &str| first_line(text).chars().take(100).collect::<String>();
    page.field_styled("task", state.task_id.short(), Style::Strong);
    page.field("text", shown(&state.description));
    page.field("model", &state.model);
    page.field(
        "progress",
        format!(
            "{} iteration {} of {}",
            bar(state.iteration, state.max_iterations, runs),
            state.iteration,
            state.max_iterations
        ),
    );
    page.field_styled("status", standing(state, runs), style(state.status));
    page.field("score", score(state.score));
    let (spent, most) = (micros(state.cost_usd), micros(state.max_cost_usd));
    page.field("cost", format!("{} of {}", money(spent), money(most)));
    page.field("time", duration(state.elapsed_ms));
    if !history.is_empty() {
        page.title("Before it");
    }
    for past in history {
        let (short, word) = (past.task_id.short(), past.status.word());
        let text = shown(&past.description);
        page.line(format!("{short}  {word:<9}  {:>4}  {text}", score(past.score)));
    }
}

#[cfg(test)]
mod tests;
