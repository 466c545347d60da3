//! Tables.

use serde::Serialize;

use super::Value;

/// What the cells of a column are, and so how they are aligned and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Text; it may be cut or wrapped.
    #[default]
    Text,
    /// Text of figures; it is aligned as numbers are and kept whole.
    Figures,
    /// An identifier; it is shortened as ids are.
    Id,
    /// A whole number.
    Count,
    /// A number of tokens.
    Tokens,
    /// A size in bytes.
    Bytes,
    /// A number with a fraction.
    Number,
    /// A share, 0 to 1, written as a percentage.
    Share,
    /// A score, 0 to 1, written from 0 to 10.
    Score,
    /// Money.
    Money,
    /// A length of time.
    Duration,
    /// A point in time.
    Instant,
    /// Yes or no.
    Flag,
    /// Several values, or a value in the form that another contract gives.
    Data,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Column {
    /// What its head says. Empty beside a key: no person sees the column.
    pub title: String,
    /// Its key. Empty: no program sees the column.
    pub key: String,
    /// What its cells are.
    pub kind: ColumnKind,
}

impl Column {
    /// Returns a column for people and programs.
    pub fn new(key: impl Into<String>, title: impl Into<String>, kind: ColumnKind) -> Self {
        Self { title: title.into(), key: key.into(), kind }
    }

    /// Returns a column for people alone. It may have no title.
    pub fn for_people(title: impl Into<String>, kind: ColumnKind) -> Self {
        Self::new("", title, kind)
    }

    /// Returns a column for programs alone.
    pub fn for_programs(key: impl Into<String>, kind: ColumnKind) -> Self {
        Self::new(key, "", kind)
    }

    /// Returns true if a person sees the column.
    pub fn has_title(&self) -> bool {
        !self.title.is_empty() || self.key.is_empty()
    }
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// Its key. Empty: no program sees the table.
    pub key: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has one value for each column, of the column's kind or [`Value::Nothing`].
    pub rows: Vec<Vec<Value>>,
    /// What is said instead of a table without rows. Empty: its head is shown.
    pub empty: String,
}

impl Table {
    /// Returns a table without rows.
    pub fn new(key: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { key: key.into(), columns: columns.into_iter().collect(), ..Self::default() }
    }

    /// Returns the table with what is said if it has no rows.
    #[must_use]
    pub fn or_else(self, empty: impl Into<String>) -> Self {
        Self { empty: empty.into(), ..self }
    }

    /// Returns the table with these rows.
    #[must_use]
    pub fn rows<R: IntoIterator<Item = Value>>(
        mut self,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        rows.into_iter().for_each(|row| self.row(row));
        self
    }

    /// Adds a row, with one value for each column.
    pub fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }

    /// Returns true if a person sees any of it.
    pub fn is_for_people(&self) -> bool {
        self.columns.iter().any(Column::has_title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_for_people_and_a_key_alone_is_not() {
        let kind = ColumnKind::Text;

        assert!(Column::new("a", "A", kind).has_title());
        assert!(Column::for_people("", kind).has_title());
        assert!(!Column::for_programs("a", kind).has_title());
        assert!(!Table::new("t", [Column::for_programs("a", kind)]).is_for_people());
    }
}
