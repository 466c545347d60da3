//! Documents: what a report says, apart from how it looks. A command makes one; the text for a terminal and the JSON for
//! a program are made of it, and so can a page or an answer over HTTP be.
//!
//! The types are those of `wit/view`, but for two: [`Value::List`] and [`Value::Record`] hold values, which the contract,
//! where no type contains itself, has as texts or as JSON.
//!
//! A document is a list of blocks, and headings with their levels make it a tree. Two
//! readers share it, and emptiness tells them apart:
//!
//! | has | a person reads it | a program reads it |
//! |---|---|---|
//! | a name (or title) and a key | yes | yes, under the key |
//! | a name alone | yes | no |
//! | a key alone | no | yes, under the key |
//!
//! A program gets an object. A heading with a key opens an object in it, pairs are its members, and a table is a list of
//! objects. Prose ([`Block::Paragraph`], [`Block::Items`], [`Block::Notice`], [`Block::Footnote`]) is for people.
//!
//! ```
//! use openkoi_core::document::{Column, ColumnKind, Document, Pairs, Table, Value};
//!
//! let mut fish = Table::new("fish", [
//!     Column::new("id", "ID", ColumnKind::Id),
//!     Column::new("cost_usd", "COST", ColumnKind::Money),
//!     Column::for_programs("tank", ColumnKind::Text),
//! ]).or_else("no fish yet");
//! fish.row([Value::id("01k9abcdef42"), Value::money(120_000), Value::text("north")]);
//!
//! let document = Document::new("Pond").with(Pairs::new("").pair("depth", "depth", Value::count(3))).with(fish);
//! assert_eq!(document.blocks.len(), 2);
//! ```

mod pairs;
mod table;
mod text;
mod value;

pub use pairs::{Pair, Pairs};
pub use table::{Column, ColumnKind, Table};
pub use text::{Item, Span, Style, Tone};
pub use value::Value;

use serde::Serialize;

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Document {
    /// Its title, for a page or a window. A terminal, where the command stands above it, leaves it out.
    pub title: String,
    /// Its blocks, in the order in which they are read.
    pub blocks: Vec<Block>,
}

impl Document {
    /// Returns a document without blocks.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Returns the document with one more block at its end.
    #[must_use]
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.push(block);
        self
    }

    /// Returns the document with more blocks at its end.
    #[must_use]
    pub fn with_all<B: Into<Block>>(mut self, blocks: impl IntoIterator<Item = B>) -> Self {
        self.blocks.extend(blocks.into_iter().map(Into::into));
        self
    }

    /// Adds a block at the end.
    pub fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
    }
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "content", rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(Heading),
    /// A paragraph of one line.
    Paragraph(Vec<Span>),
    /// A list.
    Items(Vec<Item>),
    /// A table.
    Table(Table),
    /// Names with values.
    Pairs(Pairs),
    /// Bars.
    Bars(Bars),
    /// Things that happened.
    Timeline(Timeline),
    /// Something to know or to do.
    Notice(Notice),
    /// Text as it is.
    Verbatim(Verbatim),
    /// What a mark in the blocks above means, for a person at a screen. Text in a pipe, which scripts take apart, goes
    /// without it.
    Footnote(Vec<Span>),
}

impl Block {
    /// Returns a paragraph of one piece.
    pub fn paragraph(text: impl Into<Span>) -> Self {
        Self::Paragraph(vec![text.into()])
    }
}

macro_rules! blocks {
    ($($type:ident),*) => { $(
        impl From<$type> for Block {
            fn from(block: $type) -> Self {
                Self::$type(block)
            }
        }
    )* };
}

blocks!(Heading, Table, Pairs, Bars, Timeline, Notice, Verbatim);

/// A heading. What follows up to the next one of the same or a lower level belongs to it.
///
/// One without text and key ends the section before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Heading {
    /// 1 to 4.
    pub level: u8,
    /// The text. Empty: no person sees it.
    pub text: String,
    /// The key of what follows, unique among its siblings. Empty: what follows belongs to the object around it.
    pub key: String,
}

impl Heading {
    /// Returns a heading of the first level.
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level: 1, text: text.into(), key: key.into() }
    }

    /// Returns the end of the section before it: what follows belongs to no heading.
    pub fn end() -> Self {
        Self::new("", "")
    }
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// What is written beside it.
    pub shown: Value,
    /// Whether it is as it should be.
    pub tone: Tone,
}

/// Bars that are compared with each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bars {
    /// Their key, for programs.
    pub key: String,
    /// The bars, in order.
    pub entries: Vec<Bar>,
    /// The value of a full bar. Absent: the longest one.
    pub full: Option<f64>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub text: Vec<Span>,
    /// More about it. May be empty.
    pub detail: String,
    /// Whether it was good.
    pub tone: Tone,
}

/// Things that happened, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// Their key, for programs.
    pub key: String,
    /// The moments.
    pub moments: Vec<Moment>,
}

/// Something that the reader should know or do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Notice {
    /// How serious it is.
    pub tone: Tone,
    /// What it is about, in a word. May be empty.
    pub about: String,
    /// What there is to know.
    pub text: Vec<Span>,
    /// What helps: commands to be pasted, settings to be made.
    pub hints: Vec<String>,
}

/// Text that stands as it is, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verbatim {
    /// Its key, for programs. Empty: it is for people alone.
    pub key: String,
    /// Its language, for colouring: `diff`, `toml`, `markdown`. May be empty.
    pub language: String,
    /// The text.
    pub text: String,
}

impl Verbatim {
    /// Returns a text for people.
    pub fn new(language: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: String::new(), language: language.into(), text: text.into() }
    }

    /// Returns the text with a key, for programs too.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }
}
