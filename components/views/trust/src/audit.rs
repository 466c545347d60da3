//! What was done without asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use openkoi_figures::draw::plural;
use openkoi_sdk::{
    Result,
    records::{self, ActionEffect, Decision, Query},
    view::{
        Bars, Column, ColumnKind, Document, Heading, Notice, Pairs, Table, Tone, Value, count,
        paragraph, text, toned,
    },
};
use serde::Deserialize;

/// The decisions that are looked at, and those that a person is shown. A program gets all.
const LOOKED_AT: u32 = 10_000;
const SHOWN: usize = 40;

/// What the report is given.
#[derive(Deserialize)]
pub(crate) struct Given {
    /// Only of this domain.
    #[serde(default)]
    domain: Option<String>,
    /// Tasks whose work is undone.
    undone: BTreeSet<String>,
}

/// Returns every action that nobody was asked about.
pub(crate) fn audit(given: &Given) -> Result<Document> {
    let query = Query { task: None, since_ms: None, limit: LOOKED_AT };
    let is_wanted = |one: &Decision| {
        let is_own = given.domain.as_ref().is_none_or(|domain| one.domain == *domain);
        one.allowed && !one.answered && one.effect != ActionEffect::Read && is_own
    };
    let alone: Vec<Decision> = records::decisions(&query)?.into_iter().filter(is_wanted).collect();
    let with_files = records::changed_files(&query)?.into_iter().map(|file| file.task).collect();
    Ok(document(&alone, given, &with_files))
}

fn document(alone: &[Decision], given: &Given, with_files: &BTreeSet<String>) -> Document {
    let mut document = Document::new("Audit");
    if alone.is_empty() {
        let place = given.domain.as_ref().map(|domain| format!(" in {domain}")).unwrap_or_default();
        document.push(Notice::new(
            format!(
                "Nothing was done unasked{place} yet. Every action that ran because of trust, a grant or a rule stands here, with \
                 its place in the journal and whether it can be undone."
            ),
            ["openkoi trust show"],
        ));
    }
    document.push(Pairs::new("").for_programs("actions", count(alone.len())));
    document.push(bars(alone));
    let rows: Vec<(&Decision, Undo)> =
        alone.iter().map(|one| (one, Undo::of(one, given, with_files))).collect();
    if !rows.is_empty() {
        document.push(Heading::new("", plural(rows.len() as u64, "action")));
    }
    document.push(shown(&rows));
    document.push(listed(&rows));
    if let Some(more) = rows.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        document.push(paragraph(format!("… and {more} earlier ones (--json has them)")));
    }
    if !rows.is_empty() {
        document.push(paragraph(
            "openkoi task show TASK has the journal, openkoi undo TASK takes its work back",
        ));
    }
    document
}

/// Returns how much was done in each domain, and how much of it because of what.
fn bars(alone: &[Decision]) -> Bars {
    let mut domains: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for one in alone {
        *domains.entry(&one.domain).or_default().entry(&one.ground).or_default() += 1;
    }
    let mut bars = Bars::new("");
    for (domain, grounds) in domains {
        let all: u64 = grounds.values().sum();
        let words: Vec<String> =
            grounds.iter().map(|(ground, times)| format!("{ground} {times}")).collect();
        bars.bar(domain, all as f64, text(words.join(", ")), Tone::Neutral);
    }
    bars
}

/// Whether something can be taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Done,
    Possible,
    Nothing,
    Never,
}

impl Undo {
    fn of(one: &Decision, given: &Given, with_files: &BTreeSet<String>) -> Self {
        match one.effect {
            ActionEffect::Send | ActionEffect::Destructive => Self::Never,
            _ if given.undone.contains(&one.task) => Self::Done,
            _ if with_files.contains(&one.task) => Self::Possible,
            _ => Self::Nothing,
        }
    }

    fn word(self) -> (&'static str, Tone) {
        match self {
            Self::Done => ("undone", Tone::Good),
            Self::Possible => ("possible", Tone::Neutral),
            Self::Nothing => ("no file", Tone::Neutral),
            Self::Never => ("never", Tone::Warning),
        }
    }
}

fn word(effect: ActionEffect) -> &'static str {
    match effect {
        ActionEffect::Read => "read",
        ActionEffect::Write => "write",
        ActionEffect::Execute => "execute",
        ActionEffect::Send => "send",
        ActionEffect::Destructive => "destructive",
    }
}

/// Returns the table for people.
fn shown(rows: &[(&Decision, Undo)]) -> Table {
    let columns = [
        Column::for_people("WHEN", ColumnKind::Instant),
        Column::for_people("TASK", ColumnKind::Id),
        Column::for_people("DOMAIN", ColumnKind::Text),
        Column::for_people("DONE", ColumnKind::Text),
        Column::for_people("BECAUSE", ColumnKind::Text),
        Column::for_people("RECEIPT", ColumnKind::Text),
        Column::for_people("UNDO", ColumnKind::Text),
    ];
    let mut table = Table::new("", columns).or_else("");
    if rows.is_empty() {
        table.columns.clear();
    }
    for (one, undo) in rows.iter().take(SHOWN) {
        let (word, tone) = undo.word();
        table.row([
            Value::Instant(one.at_ms),
            Value::Id(one.task.clone()),
            text(one.domain.as_str()),
            text(format!("{} {}", one.action, one.target)),
            text(one.ground.as_str()),
            text(one.key.as_str()),
            toned(word, tone),
        ]);
    }
    table
}

/// Returns the table for programs.
fn listed(rows: &[(&Decision, Undo)]) -> Table {
    let columns = [
        Column::for_programs("at", ColumnKind::Instant),
        Column::for_programs("task", ColumnKind::Id),
        Column::for_programs("receipt", ColumnKind::Text),
        Column::for_programs("origin", ColumnKind::Text),
        Column::for_programs("domain", ColumnKind::Text),
        Column::for_programs("action", ColumnKind::Text),
        Column::for_programs("effect", ColumnKind::Text),
        Column::for_programs("target", ColumnKind::Text),
        Column::for_programs("ground", ColumnKind::Text),
        Column::for_programs("undo", ColumnKind::Text),
    ];
    let mut table = Table::new("audit", columns);
    for (one, undo) in rows {
        table.row([
            Value::Instant(one.at_ms),
            Value::Id(one.task.clone()),
            text(one.key.as_str()),
            text(one.origin.as_str()),
            text(one.domain.as_str()),
            text(one.action.as_str()),
            text(word(one.effect)),
            text(one.target.as_str()),
            text(one.ground.as_str()),
            text(undo.word().0),
        ]);
    }
    table
}
