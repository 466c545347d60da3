//! Memory: what is kept for later tasks, and what a task is told of it.

pub(crate) mod error;
mod meaning;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_brokers::repository;
use openkoi_core::{
    memory::{
        Change, LONGEST, Learning, Moment, Note, Source, State, Uses, holds_secret,
        ranking::{self, Room},
    },
    port::Vectors,
    task::own_words,
};
use openkoi_storage::{
    Storage,
    memory::{LearningQuery, Question},
};
use serde::{Deserialize, Serialize};

pub use error::MemoryError;
pub use meaning::Meaning;

use crate::{app::App, error::AppError, undo};

/// The number of learnings with words of a question that are looked at, and of those near to it in meaning.
const LOOKED_AT: u32 = 64;
/// The number of those that a search shows.
const SHOWN: usize = 20;
/// The number of the user's own sentences that are looked at.
const SAID: u32 = 200;

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
        state: State::Active,
        uses: Uses::default(),
        evidence: Vec::new(),
    };
    app.storage()?.remember(&learning, &[Moment::new(now, Change::Learnt, text)])?;
    Ok(learning)
}

/// Counts what became of tasks for the learnings that they were shown, as far as that was not done yet. What cannot be counted
/// now, because the disk is full for example, is counted another time.
pub fn credit(app: &App, storage: &Storage) {
    let counted = undo::undone(app).and_then(|undone| Ok(storage.credit_tasks(&undone)?));
    if let Err(error) = counted {
        tracing::warn!(%error, "what became of tasks is not counted for what they were told");
    }
}

/// Returns the twenty that fit a text best, the best first: by words, and by meaning if there is an embedder.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn search(
    storage: &Storage,
    meaning: Option<&Meaning>,
    workspace: Option<&str>,
    text: &str,
    now_ms: u64,
) -> Result<Vec<Learning>, AppError> {
    let vector = vector(meaning, text).await;
    let question = Question { workspace, text, meaning: vector.as_ref(), most: LOOKED_AT };
    let found = ranking::ranked(storage.recall(&question)?, now_ms);
    Ok(found.into_iter().take(SHOWN).map(|one| one.learning).collect())
}

pub(crate) async fn vector(meaning: Option<&Meaning>, text: &str) -> Option<Vectors> {
    meaning?.of_question(text).await
}

/// A task that is to be told something.
pub(crate) struct Asking<'a> {
    /// The directory whose memories it is told.
    pub(crate) workspace: &'a Path,
    /// Its text.
    pub(crate) task: &'a str,
    /// What it means, if that is known.
    pub(crate) meaning: Option<&'a Vectors>,
    /// The tokens of its model's window.
    pub(crate) window: u64,
}

/// Returns what a task is told: what fits it, the best first, then what the user said, the newest first. Until the embedder is
/// ready words alone decide, and vectors are made beside the task.
pub(crate) async fn notes(
    app: &App,
    storage: &Arc<Storage>,
    meaning: Option<&Meaning>,
    asking: Asking<'_>,
) -> Result<Vec<Note>, AppError> {
    if !storage.remembers()? {
        return Ok(Vec::new());
    }
    credit(app, storage);
    let workspace = place(asking.workspace);
    let workspace = workspace.to_string_lossy();
    let here = Some(workspace.as_ref());
    let text = &own_words(asking.task);
    let question = Question { workspace: here, text, meaning: asking.meaning, most: LOOKED_AT };
    let fitting = ranking::ranked(storage.recall(&question)?, app.now_ms());
    let said = LearningQuery { workspace: here, said: true, past: false, limit: Some(SAID) };
    let told = ranking::told(fitting, storage.learnings(&said)?, Room::of_window(asking.window));
    if told.left > 0 {
        tracing::info!(left = told.left, "there is more that may be of use: openkoi memory search");
    }
    if let Some(meaning) = meaning
        && !is_embedded(storage, asking.meaning)?
    {
        meaning.catch_up_beside(storage);
    }
    Ok(told.notes)
}

/// Returns whether everything has a vector of the model that made this one.
fn is_embedded(storage: &Storage, vector: Option<&Vectors>) -> Result<bool, AppError> {
    let Some(vector) = vector else { return Ok(false) };
    Ok(storage.unembedded(&vector.model, 1)?.is_empty())
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
    let all = LearningQuery { past: true, ..LearningQuery::default() };
    let exported = storage.learnings(&all)?.into_iter().rev().map(|learning| {
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
    let now = app.now_ms();
    let with_history = |Exported { learning, history }: &Exported| {
        let moment = Moment::new(now, Change::Imported, &learning.text);
        (learning.clone(), history.iter().cloned().chain([moment]).collect())
    };
    let all: Vec<(Learning, Vec<Moment>)> = exported.iter().map(with_history).collect();
    Ok(app.storage()?.remember_all(&all)?)
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
        let moments = self.history.iter().map(|moment| &moment.text);
        let texts = moments.filter(|text| !text.is_empty()).chain(categories);
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
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
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
