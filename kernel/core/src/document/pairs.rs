//! Names with values.

use serde::Serialize;

use super::{Tone, Value};

/// A name with its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pair {
    /// The name. Empty: no person sees the pair.
    pub name: String,
    /// Its key. Empty: no program sees the pair.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Whether the value is as it should be.
    pub tone: Tone,
}

/// Names with values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pairs {
    /// Their key. Empty: the pairs are members of the object around them.
    pub key: String,
    /// The pairs, in order.
    pub entries: Vec<Pair>,
}

impl Pairs {
    /// Returns pairs without any.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), entries: Vec::new() }
    }

    /// Returns the pairs with one more, for people and programs.
    #[must_use]
    pub fn pair(
        mut self,
        key: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        let (key, name, value) = (key.into(), name.into(), value.into());
        self.entries.push(Pair { name, key, value, tone: Tone::Neutral });
        self
    }

    /// Returns the pairs with one more, for people alone.
    #[must_use]
    pub fn for_people(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.pair("", name, value)
    }

    /// Returns the pairs with one more, for programs alone.
    #[must_use]
    pub fn for_programs(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.pair(key, "", value)
    }
}
