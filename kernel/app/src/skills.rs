//! The skills of a workspace: which there are, which of them can be used, and what a task is given of them.

mod choice;
mod judges;
mod loaded;
mod machine;
mod nearness;
pub(crate) mod tool;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_brokers::disk;
use openkoi_core::task::own_words;
use openkoi_storage::{
    Storage,
    skill_uses::SkillRecords,
    skills::{Skill, SkillDirectories, SkillKind, SkillSource, Skills},
};

use self::{
    loaded::{is_of_own_source, is_of_project, lets_judge},
    machine::ThisMachine,
    words::WordIndex,
};
use crate::{
    app::App, environment::Environment, error::AppError, memory, settings::Settings, surroundings,
    undo,
};

pub(crate) use choice::Chosen;
pub use choice::{RankedSkill, SkillRoom, digest};
pub use loaded::{KnownSkill, LoadedSkills};
pub(crate) use nearness::embed_skills_beside;
pub use nearness::{Nearness, nearness};

/// A file that tells OpenKoi's own source.
const OWN_FILE: &str = "kernel/core/src/run.rs";

/// A load that is not older than this may serve a task that begins now.
const FRESH_MS: u64 = 1_000;

/// The places of a workspace's skills, and what decides which of them are used.
pub struct SkillSet {
    home: PathBuf,
    workspace: PathBuf,
    /// The root of the repository that the workspace lies in, or the workspace.
    root: PathBuf,
    /// The directory whose skills the project's are.
    place: String,
    disabled: Vec<String>,
    trusted: Vec<String>,
    environment: Environment,
    /// The last load, until a task has taken it.
    last: Mutex<Option<(u64, Arc<LoadedSkills>)>>,
}

impl SkillSet {
    /// Returns the skills for tasks in `workspace`. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// When there is no home.
    pub fn new(app: &App, settings: &Settings, workspace: &Path) -> Result<Self, AppError> {
        let home = app.paths()?.home().to_owned();
        // A dry run works in a copy.
        let meant = settings.memories_of.as_deref().unwrap_or(workspace);
        let place = memory::place(&root(&home, meant)).to_string_lossy().into_owned();
        Ok(Self {
            root: root(&home, workspace),
            home,
            workspace: workspace.to_owned(),
            place,
            disabled: settings.disabled_skills.clone(),
            trusted: settings.trusted_evaluators.clone(),
            environment: app.environment().clone(),
            last: Mutex::default(),
        })
    }

    /// Returns the root of the repository that the workspace lies in, or the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads all skills as they are now.
    pub fn load(&self) -> LoadedSkills {
        let directories = SkillDirectories {
            home: Some(&self.home),
            workspace: Some(&self.workspace),
            repository: Some(&self.root),
            bundled: openkoi_components::skills(),
        };
        let found = Skills::load(&directories);
        let is_own_source = disk::is_file(&self.workspace.join(OWN_FILE));
        let machine = ThisMachine::new(&self.environment);
        let obstacles =
            found.skills.iter().map(|skill| self.obstacles(skill, &machine, is_own_source));
        LoadedSkills::new(obstacles.collect(), found, self.place.clone())
    }

    /// Reads all skills, and keeps them for the task that begins next if it begins at once.
    pub(crate) fn load_ahead(&self, now_ms: u64) -> Arc<LoadedSkills> {
        let loaded = Arc::new(self.load());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((now_ms, Arc::clone(&loaded)));
        loaded
    }

    /// Returns the skills for a task that begins now.
    pub(crate) fn of_task(&self, now_ms: u64) -> Arc<LoadedSkills> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        match last {
            Some((at_ms, loaded)) if now_ms.saturating_sub(at_ms) < FRESH_MS => loaded,
            _ => Arc::new(self.load()),
        }
    }

    /// Returns why a skill is not used, in words; empty if it can be.
    fn obstacles(
        &self,
        skill: &Skill,
        machine: &ThisMachine<'_>,
        is_own_source: bool,
    ) -> Vec<String> {
        let mut obstacles = Vec::new();
        let is_bundled_judge =
            skill.kind == SkillKind::Evaluator && skill.source == SkillSource::Bundled;
        if self.disabled.contains(&skill.name) && !is_bundled_judge {
            obstacles.push("you disabled it".to_owned());
        }
        if is_of_own_source(skill) && !is_own_source {
            obstacles.push("it is for OpenKoi's own source".to_owned());
        }
        let is_stranger = skill.kind == SkillKind::Evaluator && is_of_project(skill);
        if is_stranger && !self.trusted.contains(&skill.name) {
            obstacles.push(lets_judge(&skill.name));
        }
        obstacles.extend(skill.requirements.unmet(machine));
        obstacles
    }
}

/// Returns what is known of skills and evaluators, by how tasks ended and by what the user took back.
///
/// # Errors
///
/// When the database or the log of undos cannot be read.
pub fn records(app: &App, storage: &Storage) -> Result<SkillRecords, AppError> {
    Ok(storage.skill_records(&undo::still_undone(app)?)?)
}

/// Returns whether a skill would be given to a task with this text for its words.
pub(crate) fn fits_task(skill: &Skill, text: &str) -> bool {
    let fits = WordIndex::of(std::iter::once(skill)).fits(&own_words(text));
    fits.fits.first().is_some_and(|fit| *fit >= choice::least_fit(fits.asked))
}

/// Returns the root of the repository that a workspace lies in, or the workspace. A repository in which the program itself
/// lives is a home directory: its owner keeps settings in it.
fn root(home: &Path, workspace: &Path) -> PathBuf {
    let root = surroundings::repository(workspace, None).filter(|root| !home.starts_with(root));
    root.unwrap_or_else(|| workspace.to_owned())
}

#[cfg(test)]
mod tests;
