//! The state of a run as one line: what goes on, for how long, what it took so far, and how to stop it.

use std::collections::BTreeMap;

use openkoi_core::{
    event::{Entry, Event},
    message::{Role, Turn},
    model::ModelCard,
};
use unicode_width::UnicodeWidthStr;

use crate::output::{count, duration, money, sanitise_line, shortened};

/// The longest description of what goes on, in columns.
const LONGEST: usize = 60;
/// The way to stop.
const STOP: &str = " · Ctrl-C stops";
/// The signs that take turns while something goes on.
const SIGNS: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// What is known of a run while it goes on.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Most tokens that the model of each role reads.
    contexts: BTreeMap<String, u64>,
    /// What goes on; nothing before the beginning and after the end.
    phase: Option<String>,
    /// When that began, in milliseconds since 1970.
    since_ms: u64,
    /// Last words of what goes on, such as a line of its output.
    news: String,
    tokens: u64,
    cached: u64,
    cost_micros: u64,
    /// Tokens of the executor's last request, and the most that it reads.
    context: Option<(u64, u64)>,
}

impl Status {
    /// Takes a fact of the run.
    pub(super) fn take(&mut self, entry: &Entry) {
        let at_ms = entry.at_ms;
        match &entry.event {
            Event::TaskStarted { models, .. } => {
                self.knows(models);
                self.begin("starting", at_ms);
            }
            Event::TaskResumed { .. } => self.begin("going on", at_ms),
            Event::TurnStarted { role, .. } => self.begin(&doing(role), at_ms),
            Event::TurnFinished { role, result: Ok(turn), spent, .. } => {
                self.cost_micros += spent.cost_micros;
                self.count(role, turn);
                self.begin("thinking", at_ms);
            }
            Event::TurnFailed { spent, .. } => self.cost_micros += spent.cost_micros,
            Event::CallStarted { call, target, .. } => {
                self.begin(&format!("{} {target}", call.name), at_ms);
            }
            Event::ProgressReported { message, .. } if !self.repeats(message) => {
                message.clone_into(&mut self.news);
            }
            Event::EvaluationStarted { evaluator } => {
                self.begin(&format!("evaluating: {evaluator}"), at_ms);
            }
            Event::CallFinished { .. } | Event::EvaluationFinished { .. } => {
                self.begin("thinking", at_ms);
            }
            Event::TaskFinished { .. } | Event::TaskPaused { .. } => self.phase = None,
            _ => {}
        }
    }

    /// Notes how much the models of the roles read.
    pub(super) fn knows(&mut self, models: &[(String, ModelCard)]) {
        let contexts = models.iter().map(|(role, card)| (role.clone(), card.context));
        self.contexts = contexts.collect();
    }

    /// Notes that a provider is waited for, or with no reason that the wait is over.
    pub(super) fn waits(&mut self, why: &str) {
        why.clone_into(&mut self.news);
    }

    /// Returns true if a message only says what the call is about, as at the start of a command.
    fn repeats(&self, message: &str) -> bool {
        let call = self.phase.as_deref().and_then(|phase| phase.lines().next());
        let target = call.and_then(|call| call.split_once(' ')).map(|(_, target)| target.trim());
        target.is_some_and(|target| !target.is_empty() && message.trim_end().ends_with(target))
    }

    fn begin(&mut self, phase: &str, at_ms: u64) {
        (self.phase, self.since_ms) = (Some(phase.to_owned()), at_ms);
        self.news.clear();
    }

    fn count(&mut self, role: &str, turn: &Turn) {
        let usage = turn.usage;
        self.tokens += usage.input.unwrap_or(0) + usage.output.unwrap_or(0);
        self.cached += usage.cache_read.unwrap_or(0);
        if role == Role::EXECUTOR
            && let (Some(input), Some(of)) = (usage.input, self.contexts.get(role))
            && *of > 0
        {
            self.context = Some((input + usage.output.unwrap_or(0), *of));
        }
    }

    /// Returns the line in at most `width` columns; nothing while nothing goes on. The time and the way to stop have
    /// room before a long command has it, and the amounts get what is left.
    pub(super) fn line(&self, now_ms: u64, width: usize) -> Option<String> {
        let elapsed = format!(" · {}", self.elapsed(now_ms));
        let sign = SIGNS[usize::try_from(now_ms / 125).unwrap_or(0) % SIGNS.len()];
        let kept = elapsed.width() + STOP.width();
        let room = width.saturating_sub(kept).max(width / 2).min(LONGEST);
        let mut line = shortened(&format!("{sign} {}", self.label(room.saturating_sub(2))?), room);
        let mut left = width.saturating_sub(line.width());
        let mut fits = |part: &str| {
            let fits = part.width() <= left;
            left -= if fits { part.width() } else { 0 };
            fits
        };
        let (shows_time, shows_stop) = (fits(&elapsed), fits(STOP));
        line.extend(shows_time.then_some(elapsed));
        let amounts = self.amounts().into_iter().map(|amount| format!(" · {amount}"));
        line.extend(amounts.filter(|amount| fits(amount)).collect::<Vec<_>>());
        line.extend(shows_stop.then_some(STOP));
        Some(line)
    }

    /// Returns the same for a place where nothing moves.
    pub(super) fn plain(&self, now_ms: u64) -> Option<String> {
        let head = vec![format!("still {}", self.label(usize::MAX)?), self.elapsed(now_ms)];
        Some([head, self.amounts()].concat().join(" · "))
    }

    fn elapsed(&self, now_ms: u64) -> String {
        whole_seconds(now_ms.saturating_sub(self.since_ms))
    }

    /// Returns what goes on with its last words, in `room` columns. A long command leaves half of them to its words.
    fn label(&self, room: usize) -> Option<String> {
        let phase = sanitise_line(self.phase.as_deref()?);
        if self.news.is_empty() {
            return Some(shortened(&phase, room));
        }
        let news = sanitise_line(&self.news);
        let wanted = news.width() + 3;
        let phase = shortened(&phase, room.saturating_sub(wanted).max(room / 2));
        let news = shortened(&news, room.saturating_sub(phase.width() + 3));
        Some(format!("{phase} ({news})"))
    }

    fn amounts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.tokens > 0 {
            let cached = match self.cached {
                0 => String::new(),
                cached => format!(" ({} cached)", count(cached)),
            };
            parts.push(format!("{} tokens{cached}", count(self.tokens)));
            parts.push(money(self.cost_micros));
        }
        if let Some((used, of)) = self.context {
            let left = of.saturating_sub(used).saturating_mul(100) / of;
            parts.push(format!("{left}% context left"));
        }
        parts
    }
}

/// Returns a duration that does not change more often than each second.
fn whole_seconds(ms: u64) -> String {
    if ms < 60_000 { format!("{} s", ms / 1_000) } else { duration(ms) }
}

fn doing(role: &str) -> String {
    match role {
        Role::PLANNER => "planning".to_owned(),
        Role::EXECUTOR => "thinking".to_owned(),
        Role::EVALUATOR => "judging".to_owned(),
        other => format!("asking the {other} model"),
    }
}

#[cfg(test)]
mod tests {
    use openkoi_core::{
        ledger::Reservation,
        message::{StopReason, ToolCall, Usage},
        tool::Effect,
    };

    use super::*;

    fn at(at_ms: u64, event: Event) -> Entry {
        Entry { seq: 1, key: "i1/t0".to_owned(), at_ms, elapsed_ms: 0, event }
    }

    fn turn_started(role: &str) -> Event {
        let (role, model) = (role.to_owned(), "koi/large".to_owned());
        Event::TurnStarted { role, model, request: String::new(), reserved: Reservation::default() }
    }

    fn turn_finished(input: u64, output: u64, cached: Option<u64>) -> Event {
        let usage = Usage {
            input: Some(input),
            output: Some(output),
            cache_read: cached,
            ..Usage::default()
        };
        let turn = Turn {
            route: None,
            parts: Vec::new(),
            stop: StopReason::Finished,
            usage,
            model: "large".to_owned(),
        };
        Event::TurnFinished {
            role: Role::EXECUTOR.to_owned(),
            model: "koi/large".to_owned(),
            result: Ok(turn),
            spent: Reservation { tokens: input + output, cost_micros: 20_000, at_most: false },
        }
    }

    fn call(name: &str, target: &str) -> Event {
        Event::CallStarted {
            call: ToolCall {
                id: "c".to_owned(),
                name: name.to_owned(),
                arguments: "{}".to_owned(),
            },
            effect: Effect::Execute,
            origin: name.to_owned(),
            idempotent: false,
            target: target.to_owned(),
        }
    }

    fn line(status: &Status, now_ms: u64, width: usize) -> String {
        let line = status.line(now_ms, width).unwrap();
        line.split_once(' ').unwrap().1.to_owned()
    }

    #[test]
    fn each_phase_is_named_with_its_time() {
        let mut status = Status::default();
        assert_eq!(status.line(0, 80), None, "before the beginning");
        let phases = [
            (turn_started(Role::PLANNER), "planning"),
            (turn_started(Role::EXECUTOR), "thinking"),
            (call("shell", "cargo test"), "shell cargo test"),
            (Event::EvaluationStarted { evaluator: "checks".to_owned() }, "evaluating: checks"),
            (turn_started(Role::EVALUATOR), "judging"),
        ];
        for (event, phase) in phases {
            status.take(&at(1_000, event));
            assert_eq!(line(&status, 13_000, 80), format!("{phase} · 12 s · Ctrl-C stops"));
        }
        status.take(&at(
            14_000,
            Event::TaskPaused { reason: "cancelled".to_owned(), cause: None, outcome: None },
        ));
        assert_eq!(status.line(15_000, 80), None, "after the end");
    }

    #[test]
    fn tokens_cost_and_what_is_left_of_the_context_are_counted() {
        let mut status = Status::default();
        status.contexts.insert(Role::EXECUTOR.to_owned(), 10_000);
        status.take(&at(0, turn_finished(2_000, 500, Some(1_500))));

        assert_eq!(
            line(&status, 0, 100),
            "thinking · 0 s · 2500 tokens (1500 cached) · $0.0200 · 75% context left · Ctrl-C stops"
        );
        assert_eq!(
            status.plain(10_000).unwrap(),
            "still thinking · 10 s · 2500 tokens (1500 cached) · $0.0200 · 75% context left"
        );
    }

    #[test]
    fn the_last_words_of_a_command_stand_beside_it_and_go_with_it() {
        let mut status = Status::default();
        status.take(&at(0, call("shell", "make")));
        let message = "42%\x1b[2J".to_owned();
        status.take(&at(5, Event::ProgressReported { origin: "shell".to_owned(), message }));
        assert_eq!(line(&status, 1_000, 80), "shell make (42%\\x1b[2J) · 1 s · Ctrl-C stops");

        status.take(&at(9, turn_started(Role::EXECUTOR)));
        assert_eq!(line(&status, 1_009, 80), "thinking · 1 s · Ctrl-C stops");
        status.waits("the service is busy; 3 of 8");
        assert!(line(&status, 1_009, 80).starts_with("thinking (the service is busy; 3 of 8)"));
        status.waits("");
        assert_eq!(line(&status, 1_009, 80), "thinking · 1 s · Ctrl-C stops");
    }

    #[test]
    fn a_long_command_leaves_room_for_its_last_words_and_for_the_way_to_stop() {
        let command = "cargo test --workspace --all-features -- --include-ignored --test-threads 1";
        let mut status = Status::default();
        status.contexts.insert(Role::EXECUTOR.to_owned(), 10_000);
        status.take(&at(0, turn_finished(2_000, 500, Some(1_500))));
        status.take(&at(0, call("shell", command)));
        let says =
            |message: String| Event::ProgressReported { origin: "shell".to_owned(), message };

        status.take(&at(5, says(format!("running {command}"))));
        assert_eq!(
            line(&status, 1_000, 100),
            "shell cargo test --workspace --all-features -- --include-… · 1 s · $0.0200 · Ctrl-C stops"
        );
        status.take(&at(6, says("test a_long_name_of_a_test ... ok".to_owned())));
        assert_eq!(
            line(&status, 1_000, 100),
            "shell cargo test --workspace… (test a_long_name_of_a_tes…) · 1 s · $0.0200 · Ctrl-C stops"
        );
        assert!(line(&status, 1_000, 50).ends_with(" · 1 s · Ctrl-C stops"));
    }

    proptest::proptest! {
        #[test]
        fn the_line_is_never_wider_than_asked(target in ".{0,90}", width in 4usize..120) {
            let mut status = Status::default();
            status.take(&at(0, turn_finished(2_000, 500, Some(1_500))));
            status.take(&at(0, call("shell", &target)));
            let line = status.line(65_000, width).unwrap();
            proptest::prop_assert!(line.width() <= width, "{line:?}");
        }
    }
}
