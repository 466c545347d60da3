//! What learners propose: kept, shown with what it rests on, and put into effect when the person says so.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_brokers::{disk, durable};
use openkoi_core::{
    failure::Failure,
    id::TaskId,
    learning::{Proposal, proposal::NEW_EVIDENCE},
    memory::{State, holds_secret},
    port::Proposals,
};
use openkoi_storage::{
    Storage, StorageError,
    proposals::{KeptProposal, ProposalState},
    skills::{FILE_LIMIT, Skill, SkillProblem, against_specification},
    tasks::{TaskQuery, TaskRecord, TaskStatus},
};
use serde_json::Value;

use super::error::LearnError;
use crate::{app::App, editing, error::AppError, memory, skills, soul::changes};

/// A pattern that is less sure than this is not proposed.
const LEAST_SURE: f64 = 0.6;
/// So many of the last tasks are looked at for those that a skill is about, and so many of them are shown.
const LOOKED_AT: u32 = 200;
const SHOWN: usize = 5;
const MODE: u32 = 0o600;

/// Keeps proposals in the storage.
pub(crate) struct StoredProposals {
    pub(crate) app: Arc<App>,
    pub(crate) storage: Arc<Storage>,
}

impl Proposals for StoredProposals {
    fn propose(
        &self,
        learner: &str,
        task: &TaskId,
        proposals: &[Proposal],
    ) -> Result<usize, Failure> {
        let place = memory::place(Path::new(&self.storage.find_task(task.as_str())?.workspace));
        let mut new = 0;
        for proposal in proposals {
            if let Err(why) = self.admitted(proposal)? {
                tracing::info!(learner, title = proposal.title(), why, "a proposal is not kept");
                continue;
            }
            let failed = |error: AppError| Failure::Failed(error.to_string());
            let kept = KeptProposal {
                id: self.app.new_id().map_err(failed)?,
                learner: learner.to_owned(),
                workspace: place.to_string_lossy().into_owned(),
                proposal: proposal.clone(),
                state: ProposalState::Open,
                proposed_ms: self.app.now_ms(),
                decided_ms: None,
            };
            if self.is_had(proposal).map_err(failed)? {
                continue;
            }
            new += usize::from(self.storage.keep_proposal(&kept)?);
        }
        Ok(new)
    }
}

impl StoredProposals {
    /// Says why a proposal is not to be kept. A learner may be anybody's.
    fn admitted(&self, proposal: &Proposal) -> Result<Result<(), &'static str>, StorageError> {
        let Proposal::Skill { name, description, text, tasks, confidence, .. } = proposal else {
            if let Proposal::Soul { before, after, tasks, .. } = proposal {
                return self.admitted_to_soul(before, after, tasks);
            }
            let is_known = match proposal {
                Proposal::Retire { learning, .. } => {
                    self.storage.find_learning(learning).is_ok_and(|one| one.state == State::Active)
                }
                _ => false,
            };
            return Ok(if is_known {
                Ok(())
            } else {
                Err("there is nothing that it could change")
            });
        };
        let size = text.len() + description.len();
        Ok(match () {
            () if against_specification(name).is_some() => Err("its name is none of a skill"),
            () if size as u64 > FILE_LIMIT => Err("it is too long"),
            () if holds_secret(text) || holds_secret(description) => Err("it holds a secret"),
            () if *confidence < LEAST_SURE => Err("the learner is not sure enough"),
            () if tasks.is_empty() => Err("it rests on nothing"),
            () if !self.all_accepted(tasks)? => Err("a task that it rests on was not accepted"),
            () => Ok(()),
        })
    }

    /// Says why a learner's change of SOUL.md is not to be proposed.
    fn admitted_to_soul(
        &self,
        before: &str,
        after: &str,
        tasks: &[String],
    ) -> Result<Result<(), &'static str>, StorageError> {
        let Ok((_, text)) = changes::own(&self.app) else {
            return Ok(Err("SOUL.md cannot be read"));
        };
        Ok(match () {
            () if !changes::is_line(before) || !changes::is_line(after) => {
                Err("it is no line of SOUL.md")
            }
            () if changes::changed(&text, before, after).is_none() => {
                Err("what it would change does not stand in SOUL.md")
            }
            () if tasks.len() < NEW_EVIDENCE => Err("it rests on too few tasks"),
            () if !self.all_accepted(tasks)? => Err("a task that it rests on was not accepted"),
            () => Ok(()),
        })
    }

    /// Returns whether the person has the skill already, word for word.
    fn is_had(&self, proposal: &Proposal) -> Result<bool, AppError> {
        let Some(text) = draft(proposal) else { return Ok(false) };
        let before = disk::read_text(&file_of(&self.app, proposal.title())?, FILE_LIMIT);
        Ok(before.is_ok_and(|before| before == text))
    }

    fn all_accepted(&self, tasks: &[String]) -> Result<bool, StorageError> {
        for id in tasks {
            match self.storage.find_task(id) {
                Ok(task) if task.id.as_str() == id && task.status == TaskStatus::Accepted => {}
                Ok(_) | Err(StorageError::NoSuch { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Returns the whole text of the `SKILL.md` that a proposal would make; nothing if it makes none.
#[must_use]
pub fn draft(proposal: &Proposal) -> Option<String> {
    let Proposal::Skill { name, description, text, categories, .. } = proposal else { return None };
    // One that a person has edited has its own front matter.
    if text.starts_with("---\n") {
        return Some(text.clone());
    }
    // JSON's quotes are YAML's, too.
    let (description, categories) =
        (Value::from(description.as_str()), Value::from(categories.clone()));
    Some(format!(
        "---\nname: {name}\ndescription: {description}\nmetadata:\n  categories: {categories}\n---\n\n{}\n",
        text.trim()
    ))
}

/// A proposal with what a person wants to know of it.
#[derive(Clone, Debug)]
pub struct ProposalSeen {
    /// The proposal.
    pub kept: KeptProposal,
    /// The skill that it makes, as its `SKILL.md` has it.
    pub draft: Option<String>,
    /// The skill of its name that was accepted before.
    pub before: Option<String>,
    /// What it would forget.
    pub forgets: Option<String>,
    /// The tasks that it rests on.
    pub evidence: Vec<TaskRecord>,
    /// The last other tasks that would have been given it.
    pub applies_to: Vec<TaskRecord>,
}

/// Returns a proposal with what a person wants to know of it.
///
/// # Errors
///
/// When the storage cannot be read.
pub fn seen(app: &App, storage: &Storage, kept: KeptProposal) -> Result<ProposalSeen, AppError> {
    let mut draft = draft(&kept.proposal);
    let skill = draft.as_deref().and_then(|text| Skill::of_text(kept.proposal.title(), text).ok());
    let mut before = match &skill {
        Some(skill) => disk::read_text(&file_of(app, &skill.name)?, FILE_LIMIT).ok(),
        None => None,
    };
    if let Proposal::Soul { before: line, after, .. } = &kept.proposal {
        let (_, text) = changes::own(app)?;
        draft = changes::changed(&text, line, after);
        before = Some(text);
    }
    let mut evidence = Vec::new();
    for id in kept.proposal.tasks() {
        match storage.find_task(id) {
            Ok(task) => evidence.push(task),
            Err(StorageError::NoSuch { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let forgets = match &kept.proposal {
        Proposal::Retire { learning, .. } => {
            storage.find_learning(learning).ok().map(|one| one.text)
        }
        _ => None,
    };
    let applies_to = match &skill {
        Some(skill) => applies_to(storage, skill, &evidence)?,
        None => Vec::new(),
    };
    Ok(ProposalSeen { kept, draft, before, forgets, evidence, applies_to })
}

fn applies_to(
    storage: &Storage,
    skill: &Skill,
    evidence: &[TaskRecord],
) -> Result<Vec<TaskRecord>, AppError> {
    let last = storage.tasks(&TaskQuery { limit: Some(LOOKED_AT), ..TaskQuery::default() })?;
    let others = last.into_iter().filter(|task| evidence.iter().all(|one| one.id != task.id));
    Ok(others.filter(|task| skills::fits_task(skill, &task.text)).take(SHOWN).collect())
}

/// Puts a proposal into effect, and returns the file that it made or changed, if there is one.
///
/// # Errors
///
/// When its text is no skill, or it cannot be written; it stays open then.
pub fn accept(
    app: &App,
    storage: &Storage,
    kept: &KeptProposal,
) -> Result<Option<PathBuf>, AppError> {
    let made = match (&kept.proposal, draft(&kept.proposal)) {
        (Proposal::Retire { learning, .. }, _) => {
            storage.set_state(learning, State::Retired, app.now_ms())?;
            None
        }
        (Proposal::Soul { before, after, reason, tasks }, _) => {
            Some(changes::apply(app, changes::LineChange { before, after, reason, tasks })?)
        }
        (_, Some(text)) => {
            let skill = checked(kept.proposal.title(), &text)?;
            let file = file_of(app, &skill.name)?;
            app.paths()?.prepare()?;
            durable::create_private_dir(file.parent().unwrap_or(&file))
                .map_err(LearnError::from)?;
            durable::put_atomic(&file, text.as_bytes(), MODE).map_err(LearnError::from)?;
            Some(file)
        }
        _ => None,
    };
    decide(app, storage, kept, ProposalState::Accepted)?;
    Ok(made)
}

/// Keeps what a person made of a proposal.
///
/// # Errors
///
/// When the database cannot be written.
pub fn decide(
    app: &App,
    storage: &Storage,
    kept: &KeptProposal,
    state: ProposalState,
) -> Result<(), AppError> {
    let decided_ms = (!state.is_open()).then(|| app.now_ms());
    Ok(storage.decide_proposal(&KeptProposal { state, decided_ms, ..kept.clone() })?)
}

/// Lets the person edit the skill of a proposal, and returns the proposal as it is now. It stays open.
///
/// # Errors
///
/// When there is no editor or it fails, or the text is no skill any more. What was written is named then, and nothing of it
/// is lost.
pub fn edit(app: &App, storage: &Storage, kept: &KeptProposal) -> Result<KeptProposal, AppError> {
    let Some(text) = draft(&kept.proposal) else {
        return Err(LearnError::NothingToEdit.into());
    };
    let draft = editing::edit(app, &kept.id, "SKILL.md", &text, FILE_LIMIT)?;
    let skill = checked(kept.proposal.title(), &draft.text).map_err(|error| draft.unfit(error))?;
    let written = draft.text.clone();
    let edited =
        KeptProposal { proposal: with_text(&kept.proposal, &skill, written), ..kept.clone() };
    storage.decide_proposal(&edited)?;
    draft.kept()?;
    Ok(edited)
}

fn with_text(proposal: &Proposal, skill: &Skill, written: String) -> Proposal {
    match proposal.clone() {
        Proposal::Skill { tasks, confidence, .. } => Proposal::Skill {
            name: skill.name.clone(),
            description: skill.description.clone(),
            categories: skill.categories.clone(),
            text: written,
            tasks,
            confidence,
        },
        other => other,
    }
}

fn checked(name: &str, text: &str) -> Result<Skill, LearnError> {
    Skill::of_text(name, text)
        .map_err(|SkillProblem { path, reason }| LearnError::Skill(SkillProblem { path, reason }))
}

fn file_of(app: &App, name: &str) -> Result<PathBuf, AppError> {
    Ok(app.paths()?.home().join("skills/proposed").join(name).join("SKILL.md"))
}
