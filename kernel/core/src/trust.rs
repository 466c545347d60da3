//! The freedom of the agent to act by itself, per domain.
//!
//! | level | read | write | execute | send | destructive |
//! |---|---|---|---|---|---|
//! | `ask` | allow | ask | ask | ask | ask |
//! | `suggest` | allow | allow | ask | ask | ask |
//! | `act` | allow | allow | allow | ask | ask |
//! | `autonomous` | allow | allow | allow | allow | allow |
//!
//! Where programs run apart from the workspace, `suggest` lets a command run first and asks about what it would change
//! ([`TrustLevel::tries`]); one that would change nothing needs no answer.
//!
//! A level decides about effects that are granted; it never widens a grant. What runs at `autonomous` without
//! a question is in the journal like everything else, so it can be audited. A run that has read what others wrote
//! says nothing to anybody and destroys nothing unasked, at `autonomous` either, unless the grant of the level
//! [names](NamedAction) that very thing.

pub mod delegation;
mod named;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::named::{NamedAction, NoAction};
use crate::tool::Effect;

/// Freedom of the agent in one domain.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TrustLevel {
    /// Every change is asked for.
    Ask,
    /// Changes that can be undone are made. Programs run apart where they can, and a person sees what they would change.
    Suggest,
    /// Programs run too, in the sandbox.
    #[default]
    Act,
    /// Every granted effect runs.
    Autonomous,
}

/// The text is not one of `ask`, `suggest`, `act`, `autonomous`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a trust level; use ask, suggest, act or autonomous")]
pub struct UnknownLevel(String);

impl TrustLevel {
    /// All levels, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Ask, Self::Suggest, Self::Act, Self::Autonomous];

    /// Returns the word for the level.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Suggest => "suggest",
            Self::Act => "act",
            Self::Autonomous => "autonomous",
        }
    }

    /// Returns whether an effect runs without a question.
    pub fn allows(self, effect: Effect) -> bool {
        match self {
            Self::Ask => effect <= Effect::Read,
            Self::Suggest => effect <= Effect::Write,
            Self::Act => effect <= Effect::Execute,
            Self::Autonomous => true,
        }
    }

    /// Returns whether an effect may be tried where nothing comes of it before a person has seen what it changes.
    pub fn tries(self, effect: Effect) -> bool {
        self == Self::Suggest && effect == Effect::Execute
    }
}

impl fmt::Display for TrustLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for TrustLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let found = Self::ALL.into_iter().find(|level| level.word() == text);
        found.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

/// The levels of all domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Levels that were set, by domain.
    pub domains: BTreeMap<String, TrustLevel>,
    /// The level of every other domain.
    pub fallback: TrustLevel,
    /// What the grant of a domain names.
    #[serde(default)]
    pub named: BTreeMap<String, Vec<NamedAction>>,
    /// When the grant of a domain ends, in milliseconds since 1970, and the level of the domain from then on.
    #[serde(default)]
    pub until_ms: BTreeMap<String, (u64, TrustLevel)>,
}

impl Trust {
    /// Returns the level of `domain`.
    pub fn level(&self, domain: &str) -> TrustLevel {
        self.domains.get(domain).copied().unwrap_or(self.fallback)
    }

    /// Returns the level of `domain` at a time. A grant may end while a run goes on.
    #[must_use]
    pub fn level_at(&self, domain: &str, now_ms: u64) -> TrustLevel {
        match self.until_ms.get(domain) {
            Some((until, after)) if now_ms >= *until => *after,
            _ => self.level(domain),
        }
    }

    /// Returns whether a grant that holds at this time names an action on a target.
    #[must_use]
    pub fn names(&self, domain: &str, action: &str, target: &str, now_ms: u64) -> bool {
        let holds = self.until_ms.get(domain).is_none_or(|(until, _)| now_ms < *until);
        let named = self.named.get(domain).into_iter().flatten();
        holds && named.into_iter().any(|named| named.covers(action, target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_allows_one_effect_more() {
        use Effect::{Destructive, Execute, Read, Send, Write};
        let effects = [Read, Write, Execute, Send, Destructive];
        let allowed = TrustLevel::ALL
            .map(|level| effects.iter().filter(|effect| level.allows(**effect)).count());
        assert_eq!(allowed, [1, 2, 3, 5]);
    }

    #[test]
    fn what_is_tried_is_a_program_at_the_level_that_suggests() {
        use Effect::{Destructive, Execute, Read, Send, Write};
        for level in TrustLevel::ALL {
            let tried = [Read, Write, Execute, Send, Destructive].map(|effect| level.tries(effect));
            assert_eq!(tried, [false, false, level == TrustLevel::Suggest, false, false]);
        }
    }

    #[test]
    fn a_domain_without_a_level_has_the_fallback() {
        let trust = Trust {
            domains: BTreeMap::from([("mail".to_owned(), TrustLevel::Ask)]),
            fallback: TrustLevel::Suggest,
            ..Trust::default()
        };
        assert_eq!(trust.level("mail"), TrustLevel::Ask);
        assert_eq!(trust.level("files"), TrustLevel::Suggest);
    }

    #[test]
    fn a_level_is_read_from_its_word_only() {
        assert_eq!("act".parse(), Ok(TrustLevel::Act));
        assert!("Act".parse::<TrustLevel>().is_err());
    }
}
