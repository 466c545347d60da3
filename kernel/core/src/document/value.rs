//! Values in tables and beside names. A value has a type and no form: `0.93` as a score is `9.3` for a person and `0.93`
//! for a program.

use serde::Serialize;

use super::{Span, Tone};

/// A value in a table or beside a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "kind", content = "content", rename_all = "snake_case")]
pub enum Value {
    /// There is none, or it is not known.
    #[default]
    Nothing,
    /// Text.
    Text(Vec<Span>),
    /// An identifier, complete. A person sees its end.
    Id(String),
    /// A whole number.
    Count(i64),
    /// A number of tokens. A person sees thousands and millions.
    Tokens(u64),
    /// A size in bytes.
    Bytes(u64),
    /// A number.
    Number(f64),
    /// A share, 0 to 1.
    Share(f64),
    /// A score, 0 to 1. A person sees it from 0 to 10.
    Score(f64),
    /// Money, in millionths of a US dollar. A program gets dollars.
    Money {
        /// The amount.
        micros: i64,
        /// True if it may be less.
        at_most: bool,
    },
    /// A length of time, in milliseconds.
    Duration(u64),
    /// A point in time, milliseconds since 1970. A program gets it in the form of RFC 3339.
    Instant(u64),
    /// Yes or no.
    Flag(bool),
    /// Several values.
    List(Vec<Value>),
    /// Values with their keys.
    Record(Vec<(String, Value)>),
    /// A value whose form another contract gives: an outcome, a receipt, a schema. It is for programs; a person sees
    /// text in JSON.
    Data(serde_json::Value),
}

impl Value {
    /// Returns text of one piece.
    pub fn text(text: impl Into<Span>) -> Self {
        Self::Text(vec![text.into()])
    }

    /// Returns text that says something about the state of things.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self::text(Span::toned(text, tone))
    }

    /// Returns an identifier.
    pub fn id(id: impl ToString) -> Self {
        Self::Id(id.to_string())
    }

    /// Returns a whole number. One beyond the range of 64 bits becomes the greatest.
    pub fn count(number: impl TryInto<i64>) -> Self {
        Self::Count(number.try_into().unwrap_or(i64::MAX))
    }

    /// Returns an amount of money.
    pub fn money(micros: u64) -> Self {
        Self::money_at_most(micros, false)
    }

    /// Returns an amount of money that may be an upper limit.
    pub fn money_at_most(micros: u64, at_most: bool) -> Self {
        Self::Money { micros: micros.try_into().unwrap_or(i64::MAX), at_most }
    }

    /// Returns a list.
    pub fn list<V: Into<Self>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// Returns a record.
    pub fn record<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Record(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Returns a value in the form that its own type gives it, or `Nothing` if it has none.
    pub fn data(value: &impl serde::Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::Null) | Err(_) => Self::Nothing,
            Ok(value) => Self::Data(value),
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

impl From<Span> for Value {
    fn from(text: Span) -> Self {
        Self::text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_nothing_and_what_is_there_has_its_type() {
        assert_eq!(Value::from(None::<String>), Value::Nothing);
        assert_eq!(Value::from(Some("koi")), Value::text("koi"));
        assert_eq!(Value::from(Some(true)), Value::Flag(true));
        assert_eq!(Value::data(&None::<u8>), Value::Nothing);
    }

    #[test]
    fn a_number_beyond_the_range_is_the_greatest_and_not_another() {
        assert_eq!(Value::count(u64::MAX), Value::Count(i64::MAX));
        assert_eq!(Value::money(u64::MAX), Value::Money { micros: i64::MAX, at_most: false });
    }
}
