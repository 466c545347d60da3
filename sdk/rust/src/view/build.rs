//! What makes documents short to write.

use super::{
    Bar, Bars, Block, Column, ColumnKind, Document, Heading, Item, Moment, Notice, Pair, Pairs,
    Span, Style, Table, Timeline, Tone, Value, Verbatim,
};

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

    /// Adds a block at the end.
    pub fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
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

/// Returns a paragraph of one piece.
pub fn paragraph(text: impl Into<Span>) -> Block {
    Block::Paragraph(vec![text.into()])
}

/// Returns text of one piece as a value.
pub fn text(text: impl Into<Span>) -> Value {
    Value::Text(vec![text.into()])
}

/// Returns text that says something about the state of things.
pub fn toned(words: impl Into<String>, tone: Tone) -> Value {
    text(Span { tone, ..Span::from(words.into()) })
}

/// Returns a whole number. One beyond the range of 64 bits becomes the greatest.
pub fn count(number: impl TryInto<i64>) -> Value {
    Value::Count(number.try_into().unwrap_or(i64::MAX))
}

/// Returns an identifier.
pub fn id(id: impl Into<String>) -> Value {
    Value::Id(id.into())
}

impl Span {
    /// Returns a piece of text that matters less.
    pub fn muted(text: impl Into<String>) -> Self {
        Self { style: Style::Muted, ..Self::from(text.into()) }
    }

    /// Returns something to be typed.
    pub fn code(text: impl Into<String>) -> Self {
        Self { style: Style::Code, ..Self::from(text.into()) }
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self { text, style: Style::Plain, tone: Tone::Neutral, link: None }
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Heading {
    /// Returns a heading of the first level.
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level: 1, text: text.into(), key: key.into() }
    }
}

impl Item {
    /// Returns an item of one piece.
    pub fn new(depth: u8, text: impl Into<Span>) -> Self {
        Self { depth, text: vec![text.into()] }
    }
}

impl Column {
    /// Returns a column for people and programs.
    pub fn new(key: impl Into<String>, title: impl Into<String>, kind: ColumnKind) -> Self {
        Self { title: title.into(), key: key.into(), kind }
    }

    /// Returns a column for people alone.
    pub fn for_people(title: impl Into<String>, kind: ColumnKind) -> Self {
        Self::new("", title, kind)
    }

    /// Returns a column for programs alone.
    pub fn for_programs(key: impl Into<String>, kind: ColumnKind) -> Self {
        Self::new(key, "", kind)
    }
}

impl Table {
    /// Returns a table without rows.
    pub fn new(key: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self { key: key.into(), columns, rows: Vec::new(), empty: String::new() }
    }

    /// Returns the table with what is said if it has no rows.
    #[must_use]
    pub fn or_else(self, empty: impl Into<String>) -> Self {
        Self { empty: empty.into(), ..self }
    }

    /// Adds a row, with one value for each column.
    pub fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }
}

impl Pairs {
    /// Returns pairs without any.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), entries: Vec::new() }
    }

    /// Returns the pairs with one more, for people and programs.
    #[must_use]
    pub fn pair(mut self, key: impl Into<String>, name: impl Into<String>, value: Value) -> Self {
        let (key, name) = (key.into(), name.into());
        self.entries.push(Pair { name, key, value, tone: Tone::Neutral });
        self
    }

    /// Returns the pairs with one more, for people alone.
    #[must_use]
    pub fn for_people(self, name: impl Into<String>, value: Value) -> Self {
        self.pair("", name, value)
    }

    /// Returns the pairs with one more, for programs alone.
    #[must_use]
    pub fn for_programs(self, key: impl Into<String>, value: Value) -> Self {
        self.pair(key, "", value)
    }
}

impl Bars {
    /// Returns bars without any, for people and programs.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), entries: Vec::new(), full: None }
    }

    /// Adds a bar.
    pub fn bar(&mut self, label: impl Into<String>, value: f64, shown: Value, tone: Tone) {
        self.entries.push(Bar { label: label.into(), value, shown, tone });
    }
}

impl Moment {
    /// Returns a moment with nothing more about it.
    pub fn new(at_ms: u64, text: impl Into<Span>) -> Self {
        let text = vec![text.into()];
        Self { at_ms, text, detail: String::new(), tone: Tone::Neutral }
    }
}

impl Notice {
    /// Returns a notice that there is something to know, with commands that help.
    pub fn new<H: Into<String>>(text: impl Into<Span>, hints: impl IntoIterator<Item = H>) -> Self {
        Self {
            tone: Tone::Neutral,
            about: String::new(),
            text: vec![text.into()],
            hints: hints.into_iter().map(Into::into).collect(),
        }
    }
}

impl Verbatim {
    /// Returns a text for people and programs.
    pub fn new(
        key: impl Into<String>,
        language: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), language: language.into(), text: text.into() }
    }
}
