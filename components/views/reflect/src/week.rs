//! The last seven days, compared with the seven before, with the probability that chance alone makes such a difference.

use std::collections::BTreeMap;

use openkoi_figures::{
    draw::{quiet, rate, sparkline},
    statistics::{FEWEST, SIGNIFICANT, bounds, differ, differ_in_size, median, share},
    work::{self, Work, standing, tally},
};
use openkoi_sdk::{
    Result,
    records::{self, Query},
    view::{
        Bars, Column, ColumnKind, Document, Heading, Notice, Pairs, Table, Tone, Value, count,
        facts::Tally, text, toned,
    },
};

use crate::{
    given::{EMPTY, Given},
    today::money,
};

const DAYS: usize = 7;
/// Checks that fail most that are named.
const NAMED: usize = 5;

/// Returns the works of the days from `from` to before `to`, counted back from today.
fn between<'a>(given: &Given, works: &'a [Work], from: usize, to: usize) -> Vec<&'a Work> {
    let is_in = |work: &&Work| {
        given.days_ago(work.task.started_ms).is_some_and(|day| (from..to).contains(&day))
    };
    works.iter().filter(is_in).collect()
}

/// Returns the days of the week as lines of small bars, the oldest first.
pub(crate) fn by_day(given: &Given, works: &[Work]) -> Pairs {
    let days = |size: &dyn Fn(&Work) -> f64| {
        let mut days = vec![0.0; DAYS];
        for work in works {
            if let Some(day) = given.days_ago(work.task.started_ms).filter(|day| *day < DAYS) {
                days[DAYS - 1 - day] += size(work);
            }
        }
        days
    };
    let tasks = days(&|_| 1.0);
    let stand = days(&|work| f64::from(u8::from(work.stands() == Some(true))));
    let cost = days(&|work| work.task.cost_micros as f64);
    let line = |days: &[f64], last: String| text(format!("{}  {last}", sparkline(days)));
    let total = |days: &[f64]| days.iter().sum::<f64>();
    Pairs::new("")
        .for_people("tasks", line(&tasks, format!("{}", total(&tasks))))
        .for_people("stand", line(&stand, format!("{}", total(&stand))))
        .for_people("cost", line(&cost, format!("${:.2}", total(&cost) / 1e6)))
        .for_programs("tasks_by_day", data(&tasks))
        .for_programs("stand_by_day", data(&stand))
        .for_programs(
            "cost_usd_by_day",
            data(&cost.iter().map(|micros| micros / 1e6).collect::<Vec<_>>()),
        )
}

fn data(numbers: &[f64]) -> Value {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Value::Data(format!("[{}]", numbers.join(",")))
}

/// Returns the report of the week.
pub(crate) fn week(given: &Given, works: &[Work]) -> Result<Document> {
    let mut document = Document::new("Week");
    if works.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    document.push(Heading::new("", "By day, the oldest first"));
    document.push(by_day(given, works));
    let (now, before) = (between(given, works, 0, DAYS), between(given, works, DAYS, 2 * DAYS));
    if !now.is_empty() {
        document.push(Heading::new("", "Compared with the seven days before"));
    }
    document.push(compared(&now, &before));
    patterns(given, &mut document)?;
    Ok(document)
}

/// A figure of two weeks.
struct Compared {
    key: &'static str,
    name: &'static str,
    now: Option<f64>,
    before: Option<f64>,
    shown: fn(f64) -> String,
    /// The probability that chance alone makes such a difference.
    chance: Option<f64>,
    /// Whether more of it is better.
    more_is_better: bool,
}

fn compared(now: &[&Work], before: &[&Work]) -> Table {
    let columns = [
        Column::for_people("", ColumnKind::Text),
        Column::for_people("NOW", ColumnKind::Figures),
        Column::for_people("BEFORE", ColumnKind::Figures),
        Column::for_people("DIFFERENCE", ColumnKind::Text),
        Column::for_programs("figure", ColumnKind::Text),
        Column::for_programs("now", ColumnKind::Number),
        Column::for_programs("before", ColumnKind::Number),
        Column::for_programs("chance", ColumnKind::Number),
        Column::for_programs("significant", ColumnKind::Flag),
    ];
    let mut table = Table::new("compared", columns);
    for one in figures(now, before) {
        let shown = |number: Option<f64>| text(number.map_or("-".to_owned(), one.shown));
        let number = |number: Option<f64>| number.map_or(Value::Nothing, Value::Number);
        table.row([
            text(one.name),
            shown(one.now),
            shown(one.before),
            one.difference(),
            text(one.key),
            number(one.now),
            number(one.before),
            number(one.chance),
            Value::Flag(one.chance.is_some_and(|chance| chance < SIGNIFICANT)),
        ]);
    }
    if now.is_empty() {
        table.columns.iter_mut().for_each(|column| column.title.clear());
        table.columns.drain(..4);
        table.rows.iter_mut().for_each(|row| drop(row.drain(..4)));
    }
    quiet(table)
}

fn figures(now: &[&Work], before: &[&Work]) -> [Compared; 4] {
    let stand = [now, before].map(|works| standing(works.iter().copied()));
    let right = [now, before].map(|works| tally(works.iter().filter_map(|work| work.was_right())));
    let sizes = |works: &[&Work], size: fn(&Work) -> Option<f64>| -> Vec<f64> {
        works.iter().filter_map(|work| size(work)).collect()
    };
    let shares = |key, name, [now, before]: [Tally; 2]| Compared {
        key,
        name,
        now: share(now),
        before: share(before),
        shown: |share| format!("{:.0} %", share * 100.0),
        chance: differ(now, before).filter(|_| now.of >= FEWEST && before.of >= FEWEST),
        more_is_better: true,
    };
    let medians = |key, name, size, shown| {
        let (now, before) = (sizes(now, size), sizes(before, size));
        let chance = differ_in_size(&now, &before);
        Compared {
            key,
            name,
            chance,
            shown,
            now: median(now),
            before: median(before),
            more_is_better: false,
        }
    };
    [
        shares("stand", "accepted and left so", stand),
        shares("right", "right as it was", right),
        medians(
            "cost_usd",
            "cost of a task",
            |work| Some(work.task.cost_micros as f64 / 1e6),
            |usd| format!("${usd:.3}"),
        ),
        medians(
            "iterations",
            "iterations",
            |work| (work.task.iterations > 0).then(|| f64::from(work.task.iterations)),
            |number| format!("{number:.1}"),
        ),
    ]
}

impl Compared {
    /// Returns what the difference is worth, in words.
    fn difference(&self) -> Value {
        let Some(chance) = self.chance else { return text("too few to say") };
        if chance >= SIGNIFICANT {
            return text(format!("may be chance (p = {chance:.2})"));
        }
        let is_more = self.now > self.before;
        let words = if is_more { "more" } else { "less" };
        let shown =
            if chance < 0.001 { "p < 0.001".to_owned() } else { format!("p = {chance:.3}") };
        let tone = if is_more == self.more_is_better { Tone::Good } else { Tone::Bad };
        toned(format!("{words}, hardly by chance ({shown})"), tone)
    }
}

/// Puts what went wrong again and again at the end of a document.
fn patterns(given: &Given, document: &mut Document) -> Result<()> {
    let query = Query { since_ms: Some(given.day(DAYS - 1)), ..work::everything() };
    let mut checks: BTreeMap<String, Tally> = BTreeMap::new();
    for check in records::checks(&query)? {
        let tally = checks.entry(check.id).or_default();
        tally.of += 1;
        tally.well += u64::from(!check.passed);
    }
    let mut failing: Vec<(String, Tally)> =
        checks.into_iter().filter(|(_, one)| one.well > 0).collect();
    failing.sort_by(|one, other| other.1.well.cmp(&one.1.well).then(one.0.cmp(&other.0)));
    failing.truncate(NAMED);
    if !failing.is_empty() {
        document.push(Heading::new("", "Checks that were red"));
    }
    let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
    let mut table = Table::new(
        "red_checks",
        [
            Column::for_programs("id", ColumnKind::Text),
            Column::for_programs("red", ColumnKind::Count),
            Column::for_programs("runs", ColumnKind::Count),
            Column::for_programs("low", ColumnKind::Share),
            Column::for_programs("high", ColumnKind::Share),
        ],
    );
    for (name, tally) in failing {
        let (low, high) = bounds(tally);
        bars.bar(&name, share(tally).unwrap_or_default(), text(rate(tally)), Tone::Neutral);
        table.row([
            text(name),
            count(tally.well),
            count(tally.of),
            Value::Share(low),
            Value::Share(high),
        ]);
    }
    document.push(bars);
    document.push(table);
    let mut models: BTreeMap<String, u64> = BTreeMap::new();
    for one in records::spendings(&query)? {
        *models.entry(format!("{} ({})", one.model, one.role)).or_default() += one.cost_micros;
    }
    let mut models: Vec<(String, u64)> = models.into_iter().filter(|(_, cost)| *cost > 0).collect();
    models.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    if !models.is_empty() {
        document.push(Heading::new("", "Where the money went"));
    }
    let mut bars = Bars::new("spent");
    for (model, micros) in models.into_iter().take(NAMED) {
        bars.bar(model, micros as f64, money(micros), Tone::Neutral);
    }
    document.push(bars);
    Ok(())
}
