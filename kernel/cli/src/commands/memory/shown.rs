//! What is remembered, as documents.

use openkoi_core::{
    document::{Block, Column, ColumnKind, Document, Pairs, Table, Value},
    memory::{Learning, Moment, Source},
};
use openkoi_storage::memory::Found;

use crate::output::Output;

/// A list of what is remembered.
pub(super) struct MemoryList {
    pub(super) found: Vec<Found>,
    /// The words that it was found by.
    pub(super) words: Option<String>,
    pub(super) now_ms: u64,
}

impl MemoryList {
    /// A list without anything.
    pub(super) fn none(words: Option<String>) -> Self {
        Self { found: Vec::new(), words, now_ms: 0 }
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
        ];
        let empty = match &self.words {
            Some(_) => "nothing that is remembered here has these words",
            None => "nothing is remembered here; openkoi memory add \"SENTENCE\" does",
        };
        let table = Table::new("memories", columns).or_else(empty);
        let rows = self.found.iter().map(|found| {
            let learning = &found.learning;
            [
                Value::id(&learning.id),
                place(learning).into(),
                (&learning.text).into(),
                Value::Instant(learning.learnt_ms),
                Value::list(&learning.categories),
                learning.workspace.as_ref().into(),
                source(learning).into(),
                Value::Share(learning.confidence_at(self.now_ms)),
            ]
        });
        Document::new("Memory").with(table.rows(rows))
    }
}

/// One of what is remembered.
pub(super) struct MemoryDetails {
    pub(super) learning: Learning,
    pub(super) now_ms: u64,
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
            .pair("learnt_at", "since", Value::Instant(learning.learnt_ms));
        Document::new("Memory").with(pairs)
    }
}

/// The life of one of them.
pub(super) struct History {
    pub(super) learning: Learning,
    pub(super) moments: Vec<Moment>,
}

impl Output for History {
    fn document(&self) -> Document {
        let columns = [
            Column::new("at", "WHEN", ColumnKind::Instant),
            Column::new("change", "WHAT", ColumnKind::Text),
            Column::new("text", "WORDS", ColumnKind::Text),
        ];
        let rows = self.moments.iter().map(|moment| {
            [Value::Instant(moment.at_ms), moment.change.word().into(), (&moment.text).into()]
        });
        Document::new("Memory")
            .with(Pairs::new("").for_programs("id", Value::id(&self.learning.id)))
            .with(Block::from(Table::new("history", columns).rows(rows)))
    }
}

fn place(learning: &Learning) -> &str {
    learning.workspace.as_deref().unwrap_or("everywhere")
}

fn source(learning: &Learning) -> String {
    match &learning.source {
        Source::User => "you".to_owned(),
        Source::Task(task) => format!("task {}", task.short()),
    }
}
