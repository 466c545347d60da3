//! The chamber: the last deliberation, the records of agencies, and where they disagreed.

use std::collections::{BTreeMap, HashMap};

use openkoi_figures::{
    draw::{interval, of, plural, quiet},
    work::{Work, beginning, short},
};
use openkoi_sdk::{
    records::{Assessment, Vote},
    view::{
        Block, Column, ColumnKind, Document, Heading, Item, Money, Notice, Pairs, Table, Tone,
        Value, count, facts::Tally, id, text, toned,
    },
};

use crate::known::Known;

/// The disagreements that a person is shown.
const SHOWN: usize = 20;
const TEXT: usize = 60;

const EMPTY: &str = "Nothing was deliberated yet. What each agency says to a task before it is begun stands here once one was \
                     begun with `openkoi think`.";

fn nothing() -> Notice {
    Notice::new(EMPTY, ["openkoi think \"TASK\""])
}

/// Returns a vote in a word, and what it says about the state of things.
fn word(vote: Vote) -> (&'static str, Tone) {
    match vote {
        Vote::Approve => ("approve", Tone::Good),
        Vote::Caveats => ("approve with caveats", Tone::Good),
        Vote::Objection => ("objection", Tone::Warning),
        Vote::Veto => ("veto", Tone::Bad),
        Vote::Ask => ("ask", Tone::Warning),
        Vote::Abstain => ("abstain", Tone::Neutral),
    }
}

/// Returns whether a vote is for the work as it is planned; nothing for one that is neither.
fn is_for(vote: Vote) -> Option<bool> {
    match vote {
        Vote::Approve | Vote::Caveats => Some(true),
        Vote::Objection | Vote::Veto => Some(false),
        Vote::Ask | Vote::Abstain => None,
    }
}

/// Returns the deliberations, the newest first: what was said to one task at one time.
fn deliberations(known: &Known) -> Vec<Vec<&Assessment>> {
    let mut all: Vec<Vec<&Assessment>> = Vec::new();
    let mut places: HashMap<(&str, u64), usize> = HashMap::new();
    for one in &known.assessments {
        let place = *places.entry((&one.task, one.at_ms)).or_insert(all.len());
        match all.get_mut(place) {
            Some(seats) => seats.push(one),
            None => all.push(vec![one]),
        }
    }
    all.iter_mut().for_each(|seats| seats.sort_by(|one, other| one.agency.cmp(&other.agency)));
    all
}

/// Puts the last deliberation at the end of a document.
pub(crate) fn last(known: &Known, document: &mut Document) {
    let all = deliberations(known);
    let Some(seats) = all.first() else {
        document.push(nothing());
        return;
    };
    let [first, ..] = seats.as_slice() else { return };
    let ruling =
        if first.passed { toned("let through", Tone::Good) } else { toned("stopped", Tone::Bad) };
    let became = known.became(first).map_or(Value::Nothing, text);
    let words =
        known.work(first).map_or(Value::Nothing, |work| text(beginning(&work.task.text, TEXT)));
    document.push(
        Pairs::new("")
            .pair("task", "task", id(first.task.as_str()))
            .pair("text", "asked", words)
            .pair("ruling", "ruling", ruling)
            .pair("outcome", "became", became)
            .pair("at", "when", Value::Instant(first.at_ms)),
    );
    let mut table = Table::new(
        "seats",
        [
            Column::new("agency", "AGENCY", ColumnKind::Text),
            Column::new("vote", "VOTE", ColumnKind::Text),
            Column::new("confidence", "SURE", ColumnKind::Share),
            Column::new("success", "SUCCESS", ColumnKind::Share),
            Column::new("caveats", "CAVEATS", ColumnKind::Count),
            Column::new("requests", "REQUESTS", ColumnKind::Count),
            Column::for_programs("reason", ColumnKind::Text),
            Column::for_programs("changed", ColumnKind::Flag),
        ],
    );
    let mut reasons = Vec::new();
    for one in seats {
        let (vote, tone) = word(one.vote);
        table.row([
            text(one.agency.as_str()),
            toned(vote, tone),
            Value::Share(one.confidence),
            Value::Share(one.success),
            count(one.caveats),
            count(one.requests),
            text(one.reason.as_str()),
            Value::Flag(one.changed),
        ]);
        if !one.reason.is_empty() {
            reasons.push(Item::new(0, format!("{}: {}", one.agency, one.reason)));
        }
    }
    document.push(table);
    document.push(Block::Items(reasons));
}

/// Returns the report of the last deliberation.
pub(crate) fn parliament(known: &Known) -> Document {
    let mut document = Document::new("Parliament");
    last(known, &mut document);
    document
}

/// The record of an agency.
#[derive(Default)]
struct Record {
    votes: BTreeMap<&'static str, u64>,
    said: u64,
    changed: u64,
    requests: u64,
    cost: u64,
    /// Of votes for and against work that was done, those that were right.
    right: Tally,
}

fn records(known: &Known) -> BTreeMap<&str, Record> {
    let mut records: BTreeMap<&str, Record> = BTreeMap::new();
    for one in &known.assessments {
        let record = records.entry(&one.agency).or_default();
        record.said += 1;
        *record.votes.entry(word(one.vote).0).or_default() += 1;
        record.changed += u64::from(one.changed);
        record.requests += u64::from(one.requests);
        record.cost += one.cost_micros;
        let stands = known.carried_out(one).and_then(Work::stands);
        if let (Some(stands), Some(is_for)) = (stands, is_for(one.vote)) {
            record.right.of += 1;
            record.right.well += u64::from(stands == is_for);
        }
    }
    records
}

/// Puts the records of agencies at the end of a document.
pub(crate) fn list(known: &Known, document: &mut Document) {
    let records = records(known);
    if records.is_empty() {
        document.push(nothing());
    }
    let mut table = Table::new(
        "agencies",
        [
            Column::new("agency", "AGENCY", ColumnKind::Text),
            Column::new("said", "SAID", ColumnKind::Count),
            Column::new("changed", "CHANGED", ColumnKind::Count),
            Column::for_people("RIGHT", ColumnKind::Text),
            Column::for_people("SURE", ColumnKind::Text),
            Column::new("cost_usd", "COST", ColumnKind::Money),
            Column::for_people("VOTES", ColumnKind::Text),
            Column::for_programs("right", ColumnKind::Count),
            Column::for_programs("known", ColumnKind::Count),
            Column::for_programs("requests", ColumnKind::Count),
            Column::for_programs("votes", ColumnKind::Data),
        ],
    );
    for (agency, record) in records {
        let votes: Vec<String> =
            record.votes.iter().map(|(vote, times)| format!("{vote} {times}")).collect();
        table.row([
            text(agency),
            count(record.said),
            count(record.changed),
            text(of(record.right)),
            text(interval(record.right)),
            Value::Money(Money {
                micros: i64::try_from(record.cost).unwrap_or(i64::MAX),
                at_most: false,
            }),
            text(votes.join(", ")),
            count(record.right.well),
            count(record.right.of),
            count(record.requests),
            Value::Texts(votes),
        ]);
    }
    document.push(quiet(table));
}

/// Returns the report of the agencies.
pub(crate) fn agencies(known: &Known) -> Document {
    let mut document = Document::new("Agencies");
    list(known, &mut document);
    document
}

/// Returns the report of disagreements.
pub(crate) fn dissent(known: &Known) -> Document {
    let mut document = Document::new("Dissent");
    let all = deliberations(known);
    let split: Vec<&Vec<&Assessment>> = all
        .iter()
        .filter(|seats| {
            let votes = || seats.iter().filter_map(|one| is_for(one.vote));
            votes().any(|is_for| is_for) && votes().any(|is_for| !is_for)
        })
        .collect();
    match (all.is_empty(), split.is_empty()) {
        (true, _) => document.push(nothing()),
        (false, true) => {
            let words = format!(
                "In {} no agency spoke against another.",
                plural(all.len() as u64, "deliberation")
            );
            document.push(Notice::new(words, ["openkoi mind agencies"]));
        }
        (false, false) => {
            document.push(Heading::new(
                "",
                format!("{} of {}", split.len(), plural(all.len() as u64, "deliberation")),
            ));
        }
    }
    let mut table = Table::new(
        "dissent",
        [
            Column::new("task", "TASK", ColumnKind::Id),
            Column::for_people("FOR", ColumnKind::Text),
            Column::for_people("AGAINST", ColumnKind::Text),
            Column::new("outcome", "BECAME", ColumnKind::Text),
            Column::new("right", "RIGHT WERE", ColumnKind::Text),
            Column::new("at", "WHEN", ColumnKind::Instant),
            Column::for_programs("for", ColumnKind::Data),
            Column::for_programs("against", ColumnKind::Data),
            Column::for_programs("because", ColumnKind::Data),
        ],
    );
    let mut reasons = Vec::new();
    for seats in split.into_iter().take(SHOWN) {
        let [first, ..] = seats.as_slice() else { continue };
        let side = |wanted: bool| -> Vec<String> {
            let of_side = seats.iter().filter(|one| is_for(one.vote) == Some(wanted));
            of_side.map(|one| one.agency.clone()).collect()
        };
        let (pro, contra) = (side(true), side(false));
        let because: Vec<String> = seats
            .iter()
            .filter(|one| is_for(one.vote) == Some(false))
            .map(|one| {
                format!("{}, {:.0} % sure: {}", one.agency, one.confidence * 100.0, one.reason)
            })
            .collect();
        let task = short(&first.task);
        reasons.extend(because.iter().map(|said| Item::new(0, format!("{task} {said}"))));
        let right = match known.carried_out(first).and_then(Work::stands) {
            Some(true) => "those for it",
            Some(false) => "those against it",
            None => "not known",
        };
        table.row([
            id(first.task.as_str()),
            text(pro.join(", ")),
            text(contra.join(", ")),
            known.became(first).map_or(Value::Nothing, text),
            text(right),
            Value::Instant(first.at_ms),
            Value::Texts(pro),
            Value::Texts(contra),
            Value::Texts(because),
        ]);
    }
    document.push(quiet(table));
    if !reasons.is_empty() {
        document.push(Heading::new("", "What was said against"));
        document.push(Block::Items(reasons));
    }
    document
}
