//! One task as its journal tells it, entry by entry: its plan, how far it has come, its calls and its evidence.

use openkoi_core::{
    contract::{Contract, Repair},
    document::{
        Block, Column, ColumnKind, Document, Heading, Item, Pairs, Span, Table, Tone, Value,
        Verbatim,
    },
    event::{Entry, Event},
    outcome::{Ending, Outcome},
};
use openkoi_storage::{
    output::LiveState,
    tasks::{TaskRecord, TaskStatus},
};

use crate::{
    commands::{
        status::live::bar,
        task::{row::first_line, shown::TaskDetails},
    },
    execute::{claim_line, ending},
    output::{duration, money},
};

/// The most calls that are listed: the last ones.
const CALLS: usize = 100;
/// The most lines of a difference that are shown.
const DIFF_LINES: usize = 2_000;

/// One task, as far as its journal was read.
pub(super) struct Followed {
    /// The number of the last entry that was read.
    pub(super) seq: u64,
    /// True if somebody looks at its details.
    pub(super) is_in_front: bool,
    /// True if its files are not as they were when its difference was made.
    pub(super) is_changed: bool,
    /// Its difference, or why there is none.
    pub(super) diff: Result<String, String>,
    /// The answer that its journal has.
    pub(super) answer: Option<String>,
    details: TaskDetails,
    live: Option<LiveState>,
    /// The name of the last event.
    last: &'static str,
    /// What it is doing, in words.
    doing: String,
    plan: Option<Contract>,
    repairs: Vec<Repair>,
    iterations: Vec<Iteration>,
    calls: Vec<Call>,
    /// The number of calls that are not listed any more.
    earlier: usize,
    outcome: Option<Box<Outcome>>,
}

/// One iteration.
struct Iteration {
    number: u32,
    /// What the evaluators said, one line each.
    verdicts: Vec<String>,
    /// How it was decided, and why.
    decision: Option<(String, String)>,
    /// What the checks say.
    checks: Option<String>,
}

/// One call of a tool.
struct Call {
    key: String,
    tool: String,
    target: String,
    /// How long it took, and whether it went well; absent while it runs.
    end: Option<(u64, Result<(), String>)>,
}

impl Followed {
    /// Returns a task of whose journal nothing was read yet.
    pub(super) fn new(task: TaskRecord) -> Self {
        Self {
            seq: 0,
            is_in_front: false,
            is_changed: true,
            diff: Ok(String::new()),
            answer: None,
            details: TaskDetails::new(task),
            live: None,
            last: "",
            doing: String::new(),
            plan: None,
            repairs: Vec::new(),
            iterations: Vec::new(),
            calls: Vec::new(),
            earlier: 0,
            outcome: None,
        }
    }

    /// Takes the row of the task in, as it is now.
    pub(super) fn renew(&mut self, task: TaskRecord) {
        self.details.task = task;
    }

    /// Returns the row of the task.
    pub(super) fn task(&self) -> &TaskRecord {
        &self.details.task
    }

    /// Takes the next entry of the journal in.
    pub(super) fn take(&mut self, entry: &Entry) {
        self.seq = entry.seq;
        self.details.take(entry);
        match &mut self.live {
            Some(live) => drop(live.advance(entry, self.last)),
            None => self.live = LiveState::started(entry),
        }
        self.last = entry.event.name();
        self.learn(entry);
    }

    fn learn(&mut self, entry: &Entry) {
        match &entry.event {
            Event::PlanMade { contract, .. } => self.plan = Some(contract.clone()),
            Event::PlanRefined { repairs, .. } => self.repairs.clone_from(repairs),
            Event::IterationStarted { number } => self.iterations.push(Iteration::new(*number)),
            Event::EvaluationFinished { evaluator, result, .. } => {
                let said = match result {
                    Ok(verdict) => first_line(&verdict.summary).to_owned(),
                    Err(failure) => format!("not evaluated: {failure}"),
                };
                if let Some(iteration) = self.iterations.last_mut() {
                    iteration.verdicts.push(format!("{evaluator}: {said}"));
                }
            }
            Event::IterationDecided { number, decision, reason, standing } => {
                let decided = (decision.clone(), reason.clone());
                let iteration = self.iterations.iter_mut().rfind(|one| one.number == *number);
                if let Some(iteration) = iteration {
                    iteration.decision = Some(decided);
                    iteration.checks = Some(ending::checks(standing, false));
                }
            }
            Event::CallStarted { call, target, .. } => {
                self.doing = format!("{} {}", call.name, first_line(target));
                self.call(&entry.key, &call.name, target);
            }
            Event::CallFinished { result, duration_ms, .. } => {
                self.doing.clear();
                let end = result.as_ref().map(|_| ()).map_err(ToString::to_string);
                let call = self.calls.iter_mut().rfind(|call| call.key == entry.key);
                if let Some(call) = call {
                    call.end = Some((*duration_ms, end));
                }
            }
            Event::TurnStarted { role, model, .. } => self.doing = format!("{role} asks {model}"),
            Event::TurnFinished { .. } | Event::TurnFailed { .. } => self.doing.clear(),
            Event::EvaluationStarted { evaluator } => self.doing.clone_from(evaluator),
            Event::EffectsKept { .. } | Event::TreeRestored { .. } => self.is_changed = true,
            Event::TaskPaused { outcome, .. } => {
                self.doing.clear();
                self.outcome.clone_from(outcome);
            }
            Event::TaskFinished { outcome } => {
                self.doing.clear();
                self.answer = Some(outcome.text.clone());
                self.outcome = Some(outcome.clone());
            }
            _ => {}
        }
    }

    fn call(&mut self, key: &str, tool: &str, target: &str) {
        if self.calls.len() == CALLS {
            self.calls.remove(0);
            self.earlier += 1;
        }
        let (key, tool) = (key.to_owned(), tool.to_owned());
        self.calls.push(Call { key, tool, target: first_line(target).to_owned(), end: None });
    }

    /// Says in one line how far it has come.
    pub(super) fn progress(&self, now_ms: u64) -> String {
        let task = self.task();
        let Some(live) = &self.live else { return "nothing has begun".to_owned() };
        let runs = task.status == TaskStatus::Running;
        let drawn = bar(live.iteration, live.max_iterations, runs);
        let at = format!("{drawn} iteration {} of {}", live.iteration, live.max_iterations);
        let doing = match self.doing.as_str() {
            "" => live.phase.clone(),
            doing => format!("{}: {doing}", live.phase),
        };
        if !runs {
            return at;
        }
        // Pauses count only in what the journal says of the time; since its last entry it goes on.
        let took = live.elapsed_ms + now_ms.saturating_sub(live.updated_ms);
        format!("{at}, {}, {}, {doing}", duration(took), money(task.cost_micros))
    }

    /// Returns everything that is known of the task, and says at its beginning whether a question waits.
    pub(super) fn document(
        &mut self,
        output: Option<String>,
        questions: usize,
        now_ms: u64,
    ) -> Document {
        self.details.output = output.or_else(|| self.answer.clone());
        let mut blocks =
            vec![Heading::new("", "Progress").into(), Block::paragraph(self.progress(now_ms))];
        if questions > 0 {
            let words = "a question waits for your answer: see Approvals";
            blocks.push(Block::Paragraph(vec![Span::toned(words, Tone::Warning)]));
        }
        self.plan(&mut blocks);
        self.iterations(&mut blocks);
        self.evidence(&mut blocks);
        self.calls(&mut blocks);
        let mut document = self.details.with(blocks);
        self.difference(&mut document.blocks);
        let task = self.task();
        document.title = format!("Task {}  {}", task.id.short(), task.status.word());
        document
    }

    fn plan(&self, blocks: &mut Vec<Block>) {
        let Some(plan) = &self.plan else { return };
        if plan.steps.is_empty() && plan.criteria.is_empty() && self.repairs.is_empty() {
            return;
        }
        blocks.push(Heading::new("", "Plan").into());
        let steps = (1..).zip(&plan.steps);
        let mut items: Vec<Item> =
            steps.map(|(number, step)| Item::new(1, format!("{number}. {step}"))).collect();
        items.extend(self.repairs.iter().map(|repair| {
            let state = match &repair.resolved {
                Some(resolved) => format!("fixed, shown by {}", resolved.by),
                None => "open".to_owned(),
            };
            Item::new(1, format!("{} ({state}): {}", repair.id, first_line(&repair.text)))
        }));
        blocks.push(Block::Items(items));
        if !plan.criteria.is_empty() {
            blocks.push(Block::paragraph(Span::muted("It is right when:")));
            let criteria = plan.criteria.iter().map(|one| Item::new(0, one.text.as_str()));
            blocks.push(Block::Items(criteria.collect()));
        }
    }

    fn iterations(&self, blocks: &mut Vec<Block>) {
        if self.iterations.is_empty() {
            return;
        }
        blocks.push(Heading::new("", "Iterations").into());
        let mut items = Vec::new();
        for iteration in &self.iterations {
            let decided = match &iteration.decision {
                Some((decision, reason)) => format!("{decision}: {reason}"),
                None => "under way".to_owned(),
            };
            items.push(Item::new(0, format!("{}  {decided}", iteration.number)));
            let below = iteration.checks.iter().chain(&iteration.verdicts);
            items.extend(below.map(|line| Item::new(1, Span::muted(line))));
        }
        blocks.push(Block::Items(items));
    }

    /// What the result rests on.
    fn evidence(&self, blocks: &mut Vec<Block>) {
        let Some(outcome) = &self.outcome else { return };
        blocks.push(Heading::new("", "Evidence").into());
        blocks.extend(outcome.claims.iter().map(|claim| Block::paragraph(claim_line(claim))));
        let scores = outcome.scores.iter().fold(Pairs::new(""), |pairs, score| {
            pairs.for_people(&score.dimension, Value::Score(score.value))
        });
        if !scores.entries.is_empty() {
            blocks.push(scores.into());
        }
        let is_accepted = outcome.ending == Ending::Accepted;
        let tone = if is_accepted { Tone::Neutral } else { Tone::Warning };
        let task = self.task().id.short();
        let lines = ending::lines(outcome, task, false).into_iter();
        blocks.extend(lines.map(|line| Block::Paragraph(vec![Span::toned(line, tone)])));
    }

    fn calls(&self, blocks: &mut Vec<Block>) {
        if self.calls.is_empty() {
            return;
        }
        blocks.push(Heading::new("", "Calls").into());
        if self.earlier > 0 {
            let words = format!("… {} earlier calls", self.earlier);
            blocks.push(Block::paragraph(Span::muted(words)));
        }
        let columns = [
            Column::for_people("TOOL", ColumnKind::Text),
            Column::for_people("TOOK", ColumnKind::Duration),
            Column::for_people("ON", ColumnKind::Text),
            Column::for_people("END", ColumnKind::Text),
        ];
        let rows = self.calls.iter().map(|call| {
            let (took, end) = match &call.end {
                None => (Value::Nothing, "runs".into()),
                Some((ms, Ok(()))) => (Value::Duration(*ms), "done".into()),
                Some((ms, Err(why))) => {
                    (Value::Duration(*ms), Value::toned(first_line(why), Tone::Warning))
                }
            };
            [(&call.tool).into(), took, (&call.target).into(), end]
        });
        blocks.push(Table::new("", columns).rows(rows).into());
    }

    fn difference(&self, blocks: &mut Vec<Block>) {
        match &self.diff {
            Ok(diff) if diff.is_empty() => {}
            Ok(diff) => {
                blocks.push(Heading::new("", "Difference").into());
                let lines: Vec<&str> = diff.lines().collect();
                let shown = lines.iter().take(DIFF_LINES).copied().collect::<Vec<_>>().join("\n");
                blocks.push(Verbatim::new("diff", shown).into());
                if let Some(more) = lines.len().checked_sub(DIFF_LINES).filter(|more| *more > 0) {
                    let task = self.task().id.short();
                    let words = format!("… {more} more lines: openkoi task diff {task}");
                    blocks.push(Block::paragraph(Span::muted(words)));
                }
            }
            Err(why) => {
                blocks.push(Heading::new("", "Difference").into());
                blocks.push(Block::paragraph(Span::muted(why)));
            }
        }
    }
}

impl Iteration {
    fn new(number: u32) -> Self {
        Self { number, verdicts: Vec::new(), decision: None, checks: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::testing::{NOW, World, record};

    /// Returns a task as these facts of its journal leave it, a second after each other.
    fn followed(facts: &[(&str, Json)]) -> Followed {
        let world = World::new();
        let storage = world.storage();
        let id = world.begin(&storage, "1", "5e", "feed the fish");
        let mut task = record("1", "feed the fish");
        task.status = TaskStatus::Running;
        let mut followed = Followed::new(task);
        storage.entries(&id).unwrap().iter().for_each(|entry| followed.take(entry));
        for (seq, (key, fact)) in (2..).zip(facts) {
            let event = serde_json::from_value(fact.clone()).unwrap();
            let elapsed_ms = seq * 1_000;
            followed.take(&Entry { seq, key: (*key).to_owned(), at_ms: NOW, elapsed_ms, event });
        }
        followed
    }

    fn text(followed: &mut Followed) -> String {
        struct Shown(Document);
        impl crate::output::Output for Shown {
            fn document(&self) -> Document {
                self.0.clone()
            }
        }
        crate::testing::text(&Shown(followed.document(None, 1, NOW)))
    }

    fn call(tool: &str, target: &str) -> Json {
        json!({
            "event": "call.started", "origin": tool, "idempotent": true, "target": target, "effect": "read",
            "call": { "id": "1", "name": tool, "arguments": "{}" },
        })
    }

    fn plan() -> Json {
        json!({
            "event": "plan.made", "rubric": null,
            "contract": {
                "effort": "change", "kind": "code", "steps": ["look", "feed"],
                "criteria": [{ "id": "c1", "text": "the fish are fed", "check": null }],
            },
        })
    }

    #[test]
    fn a_running_task_says_what_it_plans_has_done_and_is_doing() {
        let refused = json!({
            "event": "call.finished", "tool": "shell", "duration_ms": 1_500,
            "result": { "Err": { "denied": { "what": "not here", "hint": "" } } },
        });
        let mut task = followed(&[
            ("plan", plan()),
            ("i1", json!({ "event": "iteration.started", "number": 1 })),
            ("i1/c0", call("shell", "rm pond")),
            ("i1/c0", refused),
            ("i1/c1", call("read_file", "food.txt")),
        ]);
        assert_eq!(
            task.progress(NOW + 2_000),
            "[--------------------] iteration 1 of 3, 8.0 s, $0.0123, execute: read_file food.txt"
        );

        let seen = text(&mut task);
        for line in
            ["  1. look", "- the fish are fed", "a question waits for your answer: see Approvals"]
        {
            assert!(seen.lines().any(|shown| shown == line), "{line}: {seen}");
        }
        let calls =
            "shell      1.5 s  rm pond   denied: not here\nread_file         food.txt  runs\n";
        assert!(seen.contains(calls), "{seen}");
    }

    #[test]
    fn many_calls_are_counted_and_the_last_ones_listed() {
        let calls: Vec<_> = (0..CALLS + 5).map(|number| format!("i1/c{number}")).collect();
        let facts: Vec<(&str, Json)> =
            calls.iter().map(|key| (key.as_str(), call("read_file", key))).collect();

        let seen = text(&mut followed(&facts));

        assert!(seen.contains("… 5 earlier calls"), "{seen}");
        assert!(!seen.contains("i1/c4 ") && seen.contains("i1/c104"), "{seen}");
    }
}
