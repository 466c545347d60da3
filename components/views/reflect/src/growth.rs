//! How far the work has come: stages with stated conditions, and how much of each is there.

use openkoi_figures::{
    draw::{interval, length, plural, tone},
    statistics::bounds,
    work::{Work, standing, tally},
};
use openkoi_sdk::{
    Result,
    view::{
        Bars, Block, Column, ColumnKind, Document, Heading, Item, Notice, Pairs, Table, Tone,
        Value, facts::Learning, paragraph, text,
    },
};

use crate::given::Given;

/// The weeks whose shares are drawn.
const WEEKS: usize = 4;

/// What a stage needs: how much there has to be of something, and how much there is.
struct Condition {
    words: &'static str,
    has: f64,
    needs: f64,
    shown: fn(f64) -> String,
}

impl Condition {
    fn is_met(&self) -> bool {
        self.has >= self.needs
    }

    fn progress(&self) -> f64 {
        (self.has / self.needs).clamp(0.0, 1.0)
    }
}

/// A stage, and what it takes to reach it.
struct Stage {
    name: &'static str,
    means: &'static str,
    conditions: Vec<Condition>,
}

fn number(number: f64) -> String {
    format!("{number:.0}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Returns the stages after the first, which needs nothing.
fn stages(given: &Given, works: &[Work]) -> [Stage; 4] {
    let stand = standing(works);
    let sure = bounds(stand).0;
    let seen = tally(works.iter().filter_map(Work::was_right));
    let right = bounds(seen).0;
    let of_tasks = |one: &&Learning| one.state == "active" && !one.said;
    let learnt = given.learnings.iter().filter(of_tasks).count() as f64;
    let helped =
        given.learnings.iter().filter(of_tasks).filter(|one| one.helped > one.failed).count()
            as f64;
    let condition = |words, has, needs, shown| Condition { words, has, needs, shown };
    let decided = stand.of as f64;
    [
        Stage {
            name: "acquainted",
            means: "it has done a little here",
            conditions: vec![
                condition("tasks that were decided", decided, 5.0, number),
                condition("things learnt from tasks", learnt, 1.0, number),
            ],
        },
        Stage {
            name: "reliable",
            means: "most of its work stands, for certain",
            conditions: vec![
                condition("tasks that were decided", decided, 20.0, number),
                condition("share that stands, at least", sure, 0.6, percent),
            ],
        },
        Stage {
            name: "proven",
            means: "its work is right as it is, and you have seen it",
            conditions: vec![
                condition(
                    "tasks whose work you were seen to keep or change",
                    seen.of as f64,
                    20.0,
                    number,
                ),
                condition("share that was right as it was, at least", right, 0.6, percent),
                condition("things learnt that helped", helped, 5.0, number),
            ],
        },
        Stage {
            name: "seasoned",
            means: "hardly any of its work falls",
            conditions: vec![
                condition("tasks that were decided", decided, 100.0, number),
                condition("share that stands, at least", sure, 0.9, percent),
            ],
        },
    ]
}

/// Returns the number of stages that are reached: each needs those before it.
fn reached(stages: &[Stage]) -> usize {
    stages.iter().take_while(|stage| stage.conditions.iter().all(Condition::is_met)).count()
}

fn name(stages: &[Stage], reached: usize) -> &'static str {
    reached.checked_sub(1).map_or("new", |at| stages[at].name)
}

/// Returns the stage in a few words.
pub(crate) fn progress(given: &Given, works: &[Work]) -> Pairs {
    let stages = stages(given, works);
    let at = reached(&stages);
    let next = stages.get(at).map_or("none", |stage| stage.name);
    let gauge =
        format!("{}{} {}", "■".repeat(at + 1), "□".repeat(stages.len() - at), name(&stages, at));
    Pairs::new("")
        .for_people("stage", text(gauge))
        .for_programs("stage", text(name(&stages, at)))
        .pair("next", "next", text(next))
}

/// Returns the report of growth.
pub(crate) fn growth(given: &Given, works: &[Work]) -> Result<Document> {
    let mut document = Document::new("Growth").with(progress(given, works));
    let stages = stages(given, works);
    let at = reached(&stages);
    match stages.get(at) {
        Some(next) => {
            document.push(Heading::new("", format!("What `{}` takes: {}", next.name, next.means)));
            let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
            for one in &next.conditions {
                let shown = format!("{} of {}", (one.shown)(one.has), (one.shown)(one.needs));
                let tone = if one.is_met() { Tone::Good } else { Tone::Neutral };
                bars.bar(one.words, one.progress(), text(shown), tone);
            }
            document.push(bars);
        }
        None => document.push(paragraph("All stages are reached.")),
    }
    document.push(Heading::new("", "Stages"));
    let list = stages.iter().enumerate().map(|(index, stage)| {
        let mark = if index < at { "reached" } else { "not yet" };
        Item::new(0, format!("{}: {} ({mark})", stage.name, stage.means))
    });
    document.push(Block::Items(list.collect()));
    document.push(conditions(&stages, at));
    weeks(given, works, &mut document);
    if works.is_empty() {
        document.push(Notice::new("It begins with the first task.", ["openkoi demo"]));
    }
    Ok(document)
}

fn conditions(stages: &[Stage], at: usize) -> Table {
    let mut table = Table::new(
        "conditions",
        [
            Column::for_programs("stage", ColumnKind::Text),
            Column::for_programs("reached", ColumnKind::Flag),
            Column::for_programs("condition", ColumnKind::Text),
            Column::for_programs("has", ColumnKind::Number),
            Column::for_programs("needs", ColumnKind::Number),
            Column::for_programs("met", ColumnKind::Flag),
        ],
    );
    for (index, stage) in stages.iter().enumerate() {
        for one in &stage.conditions {
            table.row([
                text(stage.name),
                Value::Flag(index < at),
                text(one.words),
                Value::Number(one.has),
                Value::Number(one.needs),
                Value::Flag(one.is_met()),
            ]);
        }
    }
    table
}

/// Puts how much of each week's work stands at the end of a document.
fn weeks(given: &Given, works: &[Work], document: &mut Document) {
    let week = |week: usize| {
        let days = week * 7..(week + 1) * 7;
        let is_in = |work: &&Work| {
            given.days_ago(work.task.started_ms).is_some_and(|day| days.contains(&day))
        };
        standing(works.iter().filter(is_in))
    };
    let shares: Vec<_> = (0..WEEKS).rev().map(|at| (at, week(at))).collect();
    if shares.iter().all(|(_, tally)| tally.of == 0) {
        return;
    }
    document.push(Heading::new("", "How much of the work of each week stands"));
    let mut bars = Bars { full: Some(1.0), ..Bars::new("weeks") };
    for (at, tally) in shares {
        let label =
            if at == 0 { "this week".to_owned() } else { plural(at as u64, "week") + " ago" };
        bars.bar(label, length(tally), text(interval(tally)), tone(tally));
    }
    document.push(bars);
}
