//! Today's tasks, decisions and outcomes.

use openkoi_figures::{
    draw::{plural, quiet},
    work::{self, Work, beginning, short, standing},
};
use openkoi_sdk::{
    Result,
    records::{self, ActionEffect, Query},
    view::{
        Block, Column, ColumnKind, Document, Heading, Item, Moment, Money, Notice, Pairs, Table,
        Timeline, Tone, Value, count, facts::Learning, id, text,
    },
};

use crate::given::{EMPTY, Given};

/// The longest text of a task that is shown.
const TEXT: usize = 60;

fn of_today<'a>(given: &Given, works: &'a [Work]) -> Vec<&'a Work> {
    works.iter().filter(|work| work.task.started_ms >= given.day(0)).collect()
}

/// Returns an amount of money.
pub(crate) fn money(micros: u64) -> Value {
    Value::Money(Money { micros: i64::try_from(micros).unwrap_or(i64::MAX), at_most: false })
}

/// Returns today in figures.
pub(crate) fn summary(given: &Given, works: &[Work]) -> Result<Pairs> {
    let today = of_today(given, works);
    let tally = standing(today.iter().copied());
    let undone = today.iter().filter(|work| work.word() == "undone").count();
    let cost = today.iter().map(|work| work.task.cost_micros).sum();
    let query = Query { since_ms: Some(given.day(0)), ..work::everything() };
    let decisions = records::decisions(&query)?;
    let alone =
        |one: &&records::Decision| one.allowed && !one.answered && one.effect != ActionEffect::Read;
    Ok(Pairs::new("")
        .pair("tasks", "tasks", count(today.len()))
        .pair("stand", "stand", count(tally.well))
        .pair("not_standing", "do not", count(tally.of - tally.well))
        .pair("undone", "undone", count(undone))
        .pair("cost_usd", "cost", money(cost))
        .pair("answers", "you answered", count(decisions.iter().filter(|one| one.answered).count()))
        .pair("unasked", "unasked", count(decisions.iter().filter(alone).count())))
}

/// Returns what was done today.
pub(crate) fn today(given: &Given, works: &[Work]) -> Result<Document> {
    let today = of_today(given, works);
    let mut document = Document::new("Today");
    if works.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    } else if today.is_empty() {
        document.push(Notice::new("Nothing was done today yet.", ["openkoi reflect week"]));
    }
    document.push(summary(given, works)?);
    if !today.is_empty() {
        document.push(Heading::new("", "Tasks"));
    }
    document.push(timeline(&today));
    document.push(quiet(table(&today)));
    let learnt: Vec<&Learning> =
        given.learnings.iter().filter(|one| one.learnt_ms >= given.day(0)).collect();
    if !learnt.is_empty() {
        document.push(Heading::new("", plural(learnt.len() as u64, "thing") + " learnt"));
    }
    document.push(Block::Items(learnt.iter().map(|one| Item::new(0, one.text.as_str())).collect()));
    let mut table = Table::new(
        "learnt",
        [
            Column::for_programs("id", ColumnKind::Id),
            Column::for_programs("text", ColumnKind::Text),
            Column::for_programs("task", ColumnKind::Id),
        ],
    );
    for one in learnt {
        let task = if one.task.is_empty() { Value::Nothing } else { id(one.task.as_str()) };
        table.row([id(one.id.as_str()), text(one.text.as_str()), task]);
    }
    document.push(table);
    Ok(document)
}

/// Returns what a task says about the state of things.
pub(crate) fn tone(work: &Work) -> Tone {
    match work.stands() {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Neutral,
    }
}

fn timeline(today: &[&Work]) -> Timeline {
    let moment = |work: &&Work| {
        let words = format!("{}  {}", short(&work.task.id), beginning(&work.task.text, TEXT));
        Moment {
            detail: work.word().to_owned(),
            tone: tone(work),
            ..Moment::new(work.task.started_ms, words)
        }
    };
    Timeline { key: String::new(), moments: today.iter().map(moment).collect() }
}

fn table(today: &[&Work]) -> Table {
    let columns = [
        Column::for_programs("id", ColumnKind::Id),
        Column::for_programs("outcome", ColumnKind::Text),
        Column::for_programs("text", ColumnKind::Text),
        Column::for_programs("score", ColumnKind::Score),
        Column::for_programs("iterations", ColumnKind::Count),
        Column::for_programs("cost_usd", ColumnKind::Money),
        Column::for_programs("started_at", ColumnKind::Instant),
    ];
    let mut table = Table::new("list", columns);
    for work in today {
        let task = &work.task;
        table.row([
            id(task.id.as_str()),
            text(work.word()),
            text(task.text.as_str()),
            task.score.map_or(Value::Nothing, Value::Score),
            count(task.iterations),
            money(task.cost_micros),
            Value::Instant(task.started_ms),
        ]);
    }
    table
}
