//! Memory: what is kept for later tasks, and what a task is told of it.

pub(crate) mod error;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use openkoi_brokers::repository;
use openkoi_core::{
    memory::{Change, LONGEST, Learning, Moment, Note, Source, holds_secret},
    task::own_words,
};
use openkoi_storage::{
    Storage,
    memory::{Found, LearningQuery},
};
use serde::{Deserialize, Serialize};

pub use error::MemoryError;

use crate::{app::App, error::AppError};

/// The most notes of one task.
const MOST_NOTES: usize = 12;
/// The most bytes of all of them.
const MOST_BYTES: usize = 2_048;
/// The number of learnings with words of the task that are looked at.
const MATCHING: u32 = 40;
/// The number of the user's own sentences that are looked at.
const SAID: u32 = 200;
/// Two texts that share this part of their words say the same.
const ALIKE: f64 = 0.85;

/// How sure what the user says is.
const CERTAIN: f64 = 1.0;

/// Returns the text as it is remembered.
///
/// # Errors
///
/// It is empty, too long, not one line, or holds what looks like a secret.
pub fn checked(text: &str) -> Result<&str, MemoryError> {
    let text = text.trim();
    match text {
        "" => Err(MemoryError::Empty),
        _ if text.len() > LONGEST => Err(MemoryError::Long(text.len())),
        _ if text.contains(char::is_control) => Err(MemoryError::Lines),
        _ if holds_secret(text) => Err(MemoryError::Secret),
        _ => Ok(text),
    }
}

/// Returns the directory that stands for a workspace in memory: all working trees of a repository have the same memories.
#[must_use]
pub fn place(workspace: &Path) -> PathBuf {
    repository::main_worktree(workspace).unwrap_or_else(|| workspace.to_owned())
}

/// Keeps what the user says. Without a workspace it holds everywhere.
///
/// # Errors
///
/// When the text is not to be remembered, or the database cannot be written.
pub fn remember(
    app: &App,
    text: &str,
    categories: Vec<String>,
    workspace: Option<&Path>,
) -> Result<Learning, AppError> {
    let text = checked(text)?.to_owned();
    let now = app.now_ms();
    let learning = Learning {
        id: app.new_id()?,
        text: text.clone(),
        categories,
        workspace: workspace.map(|path| place(path).to_string_lossy().into_owned()),
        source: Source::User,
        confidence: CERTAIN,
        confirmed_ms: now,
        learnt_ms: now,
    };
    app.storage()?.remember(&learning, &[Moment { at_ms: now, change: Change::Learnt, text }])?;
    Ok(learning)
}

/// Returns what a task with this text is told: what shares words with it, the best first, then what the user said, the newest
/// first.
pub(crate) fn notes(
    storage: &Storage,
    workspace: &Path,
    task: &str,
    now_ms: u64,
) -> Result<Vec<Note>, AppError> {
    let workspace = place(workspace);
    let workspace = workspace.to_string_lossy();
    let here = LearningQuery { workspace: Some(&workspace), ..LearningQuery::default() };
    let said = storage.learnings(&LearningQuery { said: true, limit: Some(SAID), ..here })?;
    let words = own_words(task);
    let query = LearningQuery { words: Some(&words), limit: Some(MATCHING), ..here };
    let mut found = storage.learnings(&query)?;
    let weight = |found: &Found| found.fit * found.learning.confidence_at(now_ms);
    found.sort_by(|one, other| weight(other).total_cmp(&weight(one)));
    Ok(fitting(found.into_iter().chain(said).map(|found| found.learning)))
}

/// Returns the first of these that there is room for, without what says the same again.
fn fitting(learnings: impl Iterator<Item = Learning>) -> Vec<Note> {
    let (mut notes, mut seen, mut bytes) = (Vec::new(), Vec::<BTreeSet<String>>::new(), 0);
    for learning in learnings {
        let words = words(&learning.text);
        if notes.len() == MOST_NOTES || seen.iter().any(|one| alike(one, &words)) {
            continue;
        }
        if bytes + learning.text.len() > MOST_BYTES {
            continue;
        }
        bytes += learning.text.len();
        notes.push(learning.note());
        seen.push(words);
    }
    notes
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn alike(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let both = one.intersection(other).count() as f64;
    let all = one.union(other).count() as f64;
    both >= ALIKE * all
}

/// One line of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// The learning.
    pub learning: Learning,
    /// Its life, oldest first.
    pub history: Vec<Moment>,
}

/// Returns everything that is remembered as JSON lines, oldest first.
///
/// # Errors
///
/// When the database cannot be read.
pub fn export(storage: &Storage) -> Result<Vec<String>, AppError> {
    let all = storage.learnings(&LearningQuery::default())?.into_iter().rev();
    let exported = all.map(|Found { learning, .. }| {
        let history = storage.learning_history(&learning.id)?;
        Ok(serde_json::json!(Exported { learning, history }).to_string())
    });
    exported.collect()
}

/// Reads an export. One wrong line, and nothing of it is.
///
/// # Errors
///
/// The number of the first wrong line, from 1, and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Exported>, (usize, String)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |line: &str| -> Result<Exported, String> {
        let exported: Exported = serde_json::from_str(line).map_err(|error| error.to_string())?;
        exported.check().map_err(|error| error.to_string())?;
        Ok(exported)
    };
    lines.map(|(number, line)| read(line).map_err(|why| (number + 1, why))).collect()
}

/// Keeps what an export holds and is not here, and returns how many there were. What is here stays as it is.
///
/// # Errors
///
/// When the database cannot be written.
pub fn import(app: &App, exported: &[Exported]) -> Result<usize, AppError> {
    let storage = app.storage()?;
    let mut new = 0;
    for Exported { learning, history } in exported {
        let moment =
            Moment { at_ms: app.now_ms(), change: Change::Imported, text: learning.text.clone() };
        let history: Vec<Moment> = history.iter().cloned().chain([moment]).collect();
        new += usize::from(storage.remember(learning, &history)?);
    }
    Ok(new)
}

impl Exported {
    /// Checks that this can be remembered: an export may come from anywhere.
    fn check(&self) -> Result<(), MemoryError> {
        let Learning { id, confidence, categories, .. } = &self.learning;
        let is_id = |id: &str| {
            (16..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        };
        if !is_id(id) {
            return Err(MemoryError::Odd("id"));
        }
        if !(0.0..=1.0).contains(confidence) {
            return Err(MemoryError::Odd("confidence"));
        }
        let texts = self.history.iter().map(|moment| &moment.text).chain(categories);
        texts.chain([&self.learning.text]).try_for_each(|text| checked(text).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learning(text: &str) -> Learning {
        Learning {
            id: "01k9abcdef0000000000000001".to_owned(),
            text: text.to_owned(),
            categories: Vec::new(),
            workspace: None,
            source: Source::User,
            confidence: CERTAIN,
            confirmed_ms: 1,
            learnt_ms: 1,
        }
    }

    #[test]
    fn what_is_no_line_of_its_own_or_a_secret_is_not_remembered() {
        assert_eq!(checked("  Use tabs. "), Ok("Use tabs."));
        let long = "x".repeat(LONGEST + 1);
        for (text, error) in [
            (" ", MemoryError::Empty),
            (long.as_str(), MemoryError::Long(LONGEST + 1)),
            ("one\ntwo", MemoryError::Lines),
            ("the token is a1B2c3D4e5F6g7H8i9J0", MemoryError::Secret),
        ] {
            assert_eq!(checked(text), Err(error));
        }
    }

    #[test]
    fn notes_say_nothing_twice_and_fit_their_room() {
        let texts = ["Use tabs in Go.", "use tabs, in go", "Never push to main."];
        let notes = fitting(texts.iter().map(|text| learning(text)));
        let told: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(told, [texts[0], texts[2]]);

        let many = (0..100).map(|n| learning(&format!("{n} {}", "word".repeat(n % 7 * 30))));
        let notes = fitting(many);
        assert!(notes.len() <= MOST_NOTES);
        assert!(notes.iter().map(|note| note.text.len()).sum::<usize>() <= MOST_BYTES);
    }

    #[test]
    fn an_export_from_anywhere_is_checked() {
        let exported = |learning: Learning| Exported { learning, history: Vec::new() };
        assert_eq!(exported(learning("Use tabs.")).check(), Ok(()));
        for (odd, wrong) in [
            (Learning { id: "../x".to_owned(), ..learning("a") }, MemoryError::Odd("id")),
            (Learning { confidence: f64::NAN, ..learning("a") }, MemoryError::Odd("confidence")),
            (learning("a\u{1b}[2J"), MemoryError::Lines),
        ] {
            assert_eq!(exported(odd).check(), Err(wrong));
        }
    }
}
