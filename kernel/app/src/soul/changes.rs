//! Changes of the user's SOUL.md: proposed from evidence, accepted one by one, kept as a history, and undone.
//!
//! A change is one line: added, removed or put in the place of another. It is undone by its inverse, as long as the line stands there
//! that it wrote.

use std::{io, path::PathBuf};

use openkoi_brokers::{disk, durable};
use openkoi_core::{
    id::short,
    learning::Proposal,
    memory::{State, holds_secret},
};
use openkoi_storage::{
    Storage,
    memory::LearningQuery,
    proposals::{KeptProposal, ProposalState},
};
use serde::{Deserialize, Serialize};

use super::{BUNDLED, FILE, LARGEST, error::SoulChangeError, shown};
use crate::{app::App, error::AppError};

/// The file with the history.
const HISTORY: &str = "soul.jsonl";
/// The longest line that is proposed, in bytes.
const LONGEST_LINE: usize = 300;
/// The most proposals that one look makes.
const MOST: usize = 3;
/// Who proposes what choices show.
const PROPOSER: &str = "soul";
const MODE: u32 = 0o600;

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoulCommit {
    /// Its id.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why.
    pub reason: String,
    /// The tasks that it rests on.
    pub tasks: Vec<String>,
    /// The line that stood there; empty for an addition.
    pub before: String,
    /// The line that stands there now; empty for a removal.
    pub after: String,
    /// The change that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
}

/// A change that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct LineChange<'a> {
    /// The line that stands there; empty for an addition.
    pub before: &'a str,
    /// The line that should stand there; empty for a removal.
    pub after: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The tasks that it rests on.
    pub tasks: &'a [String],
}

/// Returns the file of the user's own SOUL.md and its text; that of the bundled one where there is no file yet.
///
/// # Errors
///
/// When it cannot be read.
pub fn own(app: &App) -> Result<(PathBuf, String), AppError> {
    let path = app.paths()?.home().join(FILE);
    match disk::read_text(&path, LARGEST) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path, BUNDLED.to_owned())),
        Err(source) => Err(SoulChangeError::Unreadable { path, source }.into()),
    }
}

/// Returns whether a text can be a line of SOUL.md, or none.
pub(crate) fn is_line(text: &str) -> bool {
    text.len() <= LONGEST_LINE && !text.contains(char::is_control) && !holds_secret(text)
}

/// Returns the text with a line changed; nothing if that does not stand there once, or nothing would change.
pub(crate) fn changed(text: &str, before: &str, after: &str) -> Option<String> {
    let (before, after) = (before.trim(), after.trim());
    if before.is_empty() {
        let is_there = text.lines().any(|line| line.trim() == after);
        return (!after.is_empty() && !is_there).then(|| format!("{}\n{after}\n", text.trim_end()));
    }
    if text.lines().filter(|line| line.trim() == before).count() != 1 || before == after {
        return None;
    }
    let line = |line: &str| match line.trim() == before {
        true if after.is_empty() => None,
        true => Some(format!("{after}\n")),
        false => Some(format!("{line}\n")),
    };
    Some(text.lines().filter_map(line).collect())
}

/// Changes the user's SOUL.md, keeps that in its history, and returns the file. The first change makes a copy of the bundled one
/// the user's own.
///
/// # Errors
///
/// When the line does not stand there, or a file cannot be written.
pub fn apply(app: &App, change: LineChange<'_>) -> Result<PathBuf, AppError> {
    commit(app, change, None)
}

fn commit(app: &App, change: LineChange<'_>, undoes: Option<String>) -> Result<PathBuf, AppError> {
    let LineChange { before, after, reason, tasks } = change;
    let (path, text) = own(app)?;
    let gone = || SoulChangeError::Gone(if before.is_empty() { after } else { before }.to_owned());
    let changed = changed(&text, before, after).ok_or_else(gone)?;
    app.paths()?.prepare()?;
    let commit = SoulCommit {
        id: app.new_id()?,
        at_ms: app.now_ms(),
        reason: reason.to_owned(),
        tasks: tasks.to_vec(),
        before: before.to_owned(),
        after: after.to_owned(),
        undoes,
    };
    durable::put_atomic(&path, changed.as_bytes(), MODE).map_err(SoulChangeError::from)?;
    let line = serde_json::json!(commit).to_string();
    durable::append_line(&history_file(app)?, line.as_bytes(), MODE)
        .map_err(SoulChangeError::from)?;
    Ok(path)
}

fn history_file(app: &App) -> Result<PathBuf, AppError> {
    Ok(app.paths()?.data().join(HISTORY))
}

/// Returns the changes that were made, the last first.
///
/// # Errors
///
/// When the history cannot be read.
pub fn history(app: &App) -> Result<Vec<SoulCommit>, AppError> {
    let path = history_file(app)?;
    let text = match disk::read_text(&path, u64::MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|source| SoulChangeError::Unreadable { path, source })?,
    };
    // A line that a crash left incomplete is passed over.
    let mut all: Vec<SoulCommit> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    all.reverse();
    Ok(all)
}

/// Takes a change back, the last one without an id, and returns it.
///
/// # Errors
///
/// When there is none, its line does not stand there any more, or a file cannot be written.
pub fn undo(app: &App, id: Option<&str>) -> Result<SoulCommit, AppError> {
    let all = history(app)?;
    let is_undone =
        |one: &SoulCommit| all.iter().any(|other| other.undoes.as_ref() == Some(&one.id));
    let mut open = all.iter().filter(|one| one.undoes.is_none() && !is_undone(one));
    let found = match id {
        Some(id) => open
            .find(|one| one.id == id || short(&one.id).starts_with(id))
            .ok_or_else(|| SoulChangeError::NoSuch(id.to_owned()))?,
        None => open.next().ok_or(SoulChangeError::Nothing)?,
    };
    let reason = format!("Undone: {}", found.reason);
    let inverse =
        LineChange { before: &found.after, after: &found.before, reason: &reason, tasks: &[] };
    commit(app, inverse, Some(found.id.clone()))?;
    Ok(found.clone())
}

/// Proposes changes of SOUL.md from what the user said for every directory and from what choices show, and returns how many are new.
/// What was decided comes back with new evidence alone.
///
/// # Errors
///
/// When records or memory cannot be read, or a proposal cannot be kept.
pub fn evolve(app: &App, storage: &Storage) -> Result<usize, AppError> {
    let (_, text) = own(app)?;
    let said = LearningQuery { said: true, ..LearningQuery::default() };
    let words = storage.learnings(&said)?.into_iter();
    let words = words.filter(|one| one.workspace.is_none() && one.state == State::Active);
    let of_words =
        words.map(|one| (one.text.clone(), "You said so for good".to_owned(), Vec::new()));
    let traits = shown(app, storage)?.values.into_iter();
    let of_traits = traits.filter_map(|one| {
        let reason = format!(
            "{} {} of {} choices show it",
            one.text, one.choices.accepted, one.choices.decided
        );
        Some((one.advice?, reason, one.tasks))
    });
    let mut new = 0;
    for (line, reason, tasks) in of_words.chain(of_traits) {
        let after = format!("- {line}");
        if new == MOST
            || !is_line(&after)
            || says(&text, &line)
            || changed(&text, "", &after).is_none()
        {
            continue;
        }
        let reason = if tasks.is_empty() { format!("{reason}: {line}") } else { reason };
        let proposal = Proposal::Soul { before: String::new(), after, reason, tasks };
        let kept = KeptProposal {
            id: app.new_id()?,
            learner: PROPOSER.to_owned(),
            workspace: String::new(),
            proposal,
            state: ProposalState::Open,
            proposed_ms: app.now_ms(),
            decided_ms: None,
        };
        new += usize::from(storage.keep_proposal(&kept)?);
    }
    Ok(new)
}

/// Returns whether a text says a sentence already, in whatever line.
fn says(text: &str, sentence: &str) -> bool {
    text.to_lowercase().contains(&sentence.trim_end_matches('.').to_lowercase())
}

/// Returns the changes of SOUL.md that are to be decided.
///
/// # Errors
///
/// When the proposals cannot be read.
pub fn proposed(storage: &Storage) -> Result<Vec<KeptProposal>, AppError> {
    let mut open = storage.proposals(false)?;
    open.retain(|kept| matches!(kept.proposal, Proposal::Soul { .. }));
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Soul\n\n- Be direct.\n- Test first.\n";

    #[test]
    fn a_line_is_added_replaced_and_removed_and_its_inverse_brings_it_back() {
        for (before, after, expected) in [
            ("", "- Be kind.", "# Soul\n\n- Be direct.\n- Test first.\n- Be kind.\n"),
            ("- Be direct.", "- Be kind.", "# Soul\n\n- Be kind.\n- Test first.\n"),
            ("- Test first.", "", "# Soul\n\n- Be direct.\n"),
        ] {
            let new = changed(TEXT, before, after).unwrap();
            assert_eq!(new, expected);
            let back = changed(&new, after, before).unwrap();
            assert_eq!(back, TEXT, "{before:?} {after:?}");
        }
    }

    #[test]
    fn what_does_not_stand_there_once_is_not_changed() {
        assert_eq!(changed(TEXT, "- Be kind.", "- x"), None);
        assert_eq!(changed("a\na\n", "a", "b"), None);
        assert_eq!(changed(TEXT, "", "- Be direct."), None);
        assert_eq!(changed(TEXT, "", ""), None);
        assert!(!is_line("two\nlines") && !is_line(&"x".repeat(400)));
        assert!(says(TEXT, "be direct."));
    }
}
