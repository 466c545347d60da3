//! What is remembered: sentences, with where they hold, where they came from, and how sure they are.

pub mod ranking;
mod uses;

use serde::{Deserialize, Serialize};

use crate::id::TaskId;

pub use self::uses::{TaskEnd, Uses};

/// The longest text, in bytes: one sentence, or a few.
pub const LONGEST: usize = 1_000;

/// The share of its confidence that a learning keeps each week in which nothing confirms it.
const KEPT_A_WEEK: f64 = 0.95;
/// A week, in milliseconds.
const WEEK_MS: f64 = 7.0 * 24.0 * 3_600_000.0;

/// Something that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// Its id.
    pub id: String,
    /// The sentence. It makes sense on its own.
    pub text: String,
    /// Words for what it is about.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The directory that it holds in; absent, it holds everywhere.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// How sure it was before any task was shown it, 0 to 1.
    pub confidence: f64,
    /// When it was confirmed last, in milliseconds since 1970.
    pub confirmed_ms: u64,
    /// When it was learnt, in milliseconds since 1970.
    pub learnt_ms: u64,
    /// Whether it holds.
    #[serde(default)]
    pub state: State,
    /// How the tasks ended that were shown it.
    #[serde(default)]
    pub uses: Uses,
    /// What it rests on: ids of findings, checks and tasks. What the user said has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// Whether a learning holds. What does not is kept, and no task is told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It holds.
    #[default]
    Active,
    /// Another one took its place.
    Superseded,
    /// It was of no use, or is true no more.
    Retired,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Superseded, Self::Retired];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
        }
    }

    /// Returns what a learning's history says when it gets this state.
    #[must_use]
    pub fn change(self) -> Change {
        match self {
            Self::Active => Change::Restored,
            Self::Superseded => Change::Superseded,
            Self::Retired => Change::Retired,
        }
    }
}

/// Where a learning came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The user said so.
    User,
    /// A task showed it.
    Task(TaskId),
}

impl Learning {
    /// Returns how sure it is now: what it was at first and how its tasks ended, and 5 % less of that for each week since it
    /// was confirmed. What the user said stays as it is.
    #[must_use]
    pub fn confidence_at(&self, now_ms: u64) -> f64 {
        if self.source == Source::User {
            return self.confidence;
        }
        let weeks = now_ms.saturating_sub(self.confirmed_ms) as f64 / WEEK_MS;
        self.uses.posterior(self.confidence) * KEPT_A_WEEK.powf(weeks)
    }

    /// Returns what a model is shown of it.
    #[must_use]
    pub fn note(&self) -> Note {
        let source = match &self.source {
            Source::User => "the user".to_owned(),
            Source::Task(task) => format!("task {}", task.short()),
        };
        Note { id: self.id.clone(), text: self.text.clone(), source }
    }
}

/// What happened to a learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was learnt.
    Learnt,
    /// It came from another home.
    Imported,
    /// A person changed its words.
    Edited,
    /// A task that was shown it was accepted.
    Confirmed,
    /// A task that was shown it was not accepted, or undone.
    Contradicted,
    /// Another one took its place.
    Superseded,
    /// It was of no use, or is true no more.
    Retired,
    /// It holds again.
    Restored,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Learnt,
        Self::Imported,
        Self::Edited,
        Self::Confirmed,
        Self::Contradicted,
        Self::Superseded,
        Self::Retired,
        Self::Restored,
    ];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Learnt => "learnt",
            Self::Imported => "imported",
            Self::Edited => "edited",
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
            Self::Restored => "restored",
        }
    }

    /// Returns whether it is the end of a task. Of these a learning's history keeps a bounded number.
    #[must_use]
    pub fn is_of_use(self) -> bool {
        matches!(self, Self::Confirmed | Self::Contradicted)
    }
}

/// One moment in the life of a learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub change: Change,
    /// Its words from then on; empty where they stay as they were.
    pub text: String,
    /// How often it happened until the next moment.
    #[serde(default = "once")]
    pub times: u32,
}

impl Moment {
    /// Returns a moment in which something happened once.
    #[must_use]
    pub fn new(at_ms: u64, change: Change, text: impl Into<String>) -> Self {
        Self { at_ms, change, text: text.into(), times: 1 }
    }
}

fn once() -> u32 {
    1
}

/// A learning as a model is shown it in one task. The journal of the task keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Id of the learning.
    pub id: String,
    /// The sentence; empty once the learning was forgotten.
    pub text: String,
    /// Where it came from, in words.
    pub source: String,
}

/// The shortest run of letters and digits that can be a key.
const SHORTEST_KEY: usize = 20;
/// The least changes between letters and digits in such a run. Names have a number at their end, or one in their middle.
const LEAST_CHANGES: usize = 4;

/// Returns true if a text holds what looks like a key or a password: a long run in which letters and digits take turns, a
/// private key, or an address with a password in it.
#[must_use]
pub fn holds_secret(text: &str) -> bool {
    let mut runs = text.split(|one: char| !one.is_ascii_alphanumeric());
    runs.any(is_key) || text.contains("-----BEGIN ") || text.split("://").skip(1).any(has_password)
}

fn is_key(run: &str) -> bool {
    let kinds: Vec<bool> = run.bytes().map(|byte| byte.is_ascii_digit()).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    run.len() >= SHORTEST_KEY && changes >= LEAST_CHANGES
}

/// Returns true if the rest of an address begins with a name and a password.
fn has_password(rest: &str) -> bool {
    let host = rest.split(|one: char| one == '/' || one.is_whitespace()).next().unwrap_or_default();
    host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learning(source: Source) -> Learning {
        Learning {
            id: "01k".to_owned(),
            text: "Run the tests with `make check`.".to_owned(),
            categories: Vec::new(),
            workspace: None,
            source,
            confidence: 0.8,
            confirmed_ms: 1_000,
            learnt_ms: 1_000,
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn what_a_task_showed_gets_less_sure_and_what_the_user_said_does_not() {
        let week = WEEK_MS as u64;
        let learnt = learning(Source::Task(TaskId::new("01t")));
        assert_eq!(learnt.confidence_at(1_000), 0.8);
        assert!((learnt.confidence_at(1_000 + week) - 0.76).abs() < 1e-9);
        assert!(learnt.confidence_at(1_000 + 52 * week) < 0.06);
        // A clock that was put back makes nothing surer.
        assert_eq!(learnt.confidence_at(0), 0.8);
        assert_eq!(learning(Source::User).confidence_at(1_000 + 52 * week), 0.8);
    }

    #[test]
    fn what_looks_like_a_key_or_a_password_is_recognised_and_names_are_not() {
        let secrets = [
            "the key is sk-proj-a1B2c3D4e5F6g7H8i9J0",
            "use 5f4dcc3b5aa765d61d8327deb882cf99",
            "-----BEGIN PRIVATE KEY-----",
            "clone https://ada:lovelace@git.example/repo",
        ];
        for secret in secrets {
            assert!(holds_secret(secret), "{secret}");
        }
        let names = [
            "The release is v1.2.3 of 2026-11-29.",
            "HttpRequest2ParserFactoryBuilder makes parsers.",
            "See https://docs.rs/tokio/1.40.0/tokio/ and commit 0a1b2c3d4e5f.",
            "id 123e4567-e89b-12d3-a456-426614174000",
            "ssh git@github.com:koi/pond.git, port 2222",
            "test_that_a_very_long_name_of_a_test_is_no_secret_2",
        ];
        for name in names {
            assert!(!holds_secret(name), "{name}");
        }
    }
}
