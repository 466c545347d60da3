//! What is remembered, as documents.

use openkoi_core::{
    document::{Block, Column, ColumnKind, Document, Pairs, Table, Value},
    memory::{Learning, Moment, Source, State},
};

use crate::output::{Output, plural};

/// A list of what is remembered.
pub(super) struct MemoryList {
    pub(super) learnings: Vec<Learning>,
    /// The words that it was found by.
    pub(super) words: Option<String>,
    pub(super) now_ms: u64,
}

impl MemoryList {
    /// A list without anything.
    pub(super) fn none(words: Option<String>) -> Self {
        Self { learnings: Vec::new(), words, now_ms: 0 }
    }
}

impl Output for MemoryList {
    fn document(&self) -> Document {
        let columns = [
            Column::new("id", "ID", ColumnKind::Id),
            Column::for_people("WHERE", ColumnKind::Text),
            Column::new("text", "REMEMBERED", ColumnKind::Text),
            Column::new("learnt_at", "SINCE", ColumnKind::Instant),
            Column::for_programs("categories", ColumnKind::Data),
            Column::for_programs("workspace", ColumnKind::Text),
            Column::for_programs("source", ColumnKind::Text),
            Column::for_programs("confidence", ColumnKind::Share),
            Column::for_programs("state", ColumnKind::Text),
            Column::for_programs("uses", ColumnKind::Data),
        ];
        let empty = match &self.words {
            Some(_) => "nothing that is remembered here fits these words",
            None => "nothing is remembered here; openkoi memory add \"SENTENCE\" does",
        };
        let table = Table::new("memories", columns).or_else(empty);
        let rows = self.learnings.iter().map(|learning| {
            [
                Value::id(&learning.id),
                place(learning).into(),
                (&learning.text).into(),
                Value::Instant(learning.learnt_ms),
                Value::list(&learning.categories),
                learning.workspace.as_ref().into(),
                source(learning).into(),
                Value::Share(learning.confidence_at(self.now_ms)),
                learning.state.word().into(),
                uses(learning),
            ]
        });
        Document::new("Memory").with(table.rows(rows))
    }
}

/// One of what is remembered.
pub(crate) struct MemoryDetails {
    pub(crate) learning: Learning,
    pub(crate) now_ms: u64,
}

impl Output for MemoryDetails {
    fn document(&self) -> Document {
        let learning = &self.learning;
        let categories = match learning.categories.as_slice() {
            [] => Value::Nothing,
            some => Value::list(some),
        };
        let pairs = Pairs::new("")
            .pair("id", "memory", Value::id(&learning.id))
            .pair("text", "text", &learning.text)
            .pair("workspace", "where", learning.workspace.as_deref().unwrap_or("everywhere"))
            .pair("source", "said by", source(learning))
            .pair("confidence", "sure", Value::Share(learning.confidence_at(self.now_ms)))
            .pair("categories", "about", categories)
            .pair("evidence", "rests on", evidence(learning))
            .pair("learnt_at", "since", Value::Instant(learning.learnt_ms))
            .for_people("counts", counted(learning))
            .for_programs("state", learning.state.word())
            .for_programs("uses", uses(learning));
        Document::new("Memory").with(pairs)
    }
}

/// The life of one of them.
pub(crate) struct History {
    pub(crate) learning: Learning,
    pub(crate) moments: Vec<Moment>,
}

impl Output for History {
    fn document(&self) -> Document {
        let columns = [
            Column::new("at", "WHEN", ColumnKind::Instant),
            Column::new("change", "WHAT", ColumnKind::Text),
            Column::new("times", "TIMES", ColumnKind::Count),
            Column::new("text", "WORDS", ColumnKind::Text),
        ];
        let rows = self.moments.iter().map(|moment| {
            let times = Value::Count(moment.times.into());
            [
                Value::Instant(moment.at_ms),
                moment.change.word().into(),
                times,
                (&moment.text).into(),
            ]
        });
        Document::new("Memory")
            .with(Pairs::new("").for_programs("id", Value::id(&self.learning.id)))
            .with(Block::from(Table::new("history", columns).rows(rows)))
    }
}

fn place(learning: &Learning) -> String {
    let place = learning.workspace.as_deref().unwrap_or("everywhere");
    match learning.state {
        State::Active => place.to_owned(),
        state => format!("{} ({place})", state.word()),
    }
}

/// What it rests on; what the user said has nothing but that.
fn evidence(learning: &Learning) -> Value {
    match learning.evidence.as_slice() {
        [] => Value::Nothing,
        some => Value::list(some),
    }
}

/// How the tasks ended that were told it, and what became of the one that taught it, for a person.
fn counted(learning: &Learning) -> String {
    let uses = learning.uses;
    match uses.shown() {
        0 => "no task that has ended".to_owned(),
        shown => format!(
            "{}: {} accepted, {} not, {} undone",
            plural(shown as usize, "task"),
            uses.accepted,
            uses.refused,
            uses.undone
        ),
    }
}

fn uses(learning: &Learning) -> Value {
    let uses = learning.uses;
    Value::Record(vec![
        ("shown".to_owned(), Value::Count(uses.shown().into())),
        ("accepted".to_owned(), Value::Count(uses.accepted.into())),
        ("refused".to_owned(), Value::Count(uses.refused.into())),
        ("undone".to_owned(), Value::Count(uses.undone.into())),
    ])
}

fn source(learning: &Learning) -> String {
    match &learning.source {
        Source::User => "you".to_owned(),
        Source::Task(task) => format!("task {}", task.short()),
    }
}
