//! Values that several documents have, and how they are read.

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Number, Value};

/// Words that say something.
pub(super) const SAYING: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// An absolute path.
pub(super) const PATH: &str = r"^/[^\u0000]*$";

/// The largest whole number that every reader of JSON has.
const LARGEST: i64 = (1 << 53) - 1;

/// Reads a whole number. JSON has one kind of number: 5.0 is 5.
pub(super) fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(from)? else { return Ok(None) };
    let real = || number.as_f64().filter(|real| real.fract() == 0.0).map(|real| real as i64);
    let whole = number.as_i64().or_else(real).filter(|whole| (-LARGEST..=LARGEST).contains(whole));
    let fitting = whole.and_then(|whole| T::try_from(whole).ok());
    fitting.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is no such whole number")))
}

/// Reads a whole number that is 0 if it is absent.
pub(super) fn whole_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    whole(from).map(Option::unwrap_or_default)
}

/// Reads an object; a list of the values of its members is none.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<T, D::Error> {
    let members = Map::<String, Value>::deserialize(from)?;
    serde_json::from_value(members.into()).map_err(D::Error::custom)
}

/// How much a model is asked to reason.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effort {
    /// Little.
    Low,
    /// More.
    Medium,
    /// Much.
    High,
}

impl Effort {
    const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
