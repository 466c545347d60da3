//! The skills of a workspace as they were read.

use std::{path::Path, sync::OnceLock};

use openkoi_storage::skills::{Skill, SkillError, SkillKind, SkillProblem, SkillSource, Skills};

use super::words::WordIndex;

/// A skill of this category is of use in OpenKoi's own source alone.
const OWN_SOURCE: &str = "self-improvement";
/// The skills of a workspace as they were read.
#[derive(Debug)]
pub struct LoadedSkills {
    found: Skills,
    /// Why each of them is not used, in their order; empty for those that can be.
    obstacles: Vec<Vec<String>>,
    place: String,
    words: OnceLock<WordIndex>,
}

/// A skill that was read.
#[derive(Clone, Copy, Debug)]
pub struct KnownSkill<'a> {
    /// The skill.
    pub skill: &'a Skill,
    /// Why it is not used, in words; empty if it can be.
    pub obstacles: &'a [String],
}

impl LoadedSkills {
    /// Returns skills with what keeps each from use. `place` is the directory whose skills the project's are.
    pub(super) fn new(obstacles: Vec<Vec<String>>, found: Skills, place: String) -> Self {
        Self { found, obstacles, place, words: OnceLock::new() }
    }

    /// Returns the skills, sorted by kind and name.
    pub fn all(&self) -> impl Iterator<Item = KnownSkill<'_>> {
        let both = self.found.skills.iter().zip(&self.obstacles);
        both.map(|(skill, obstacles)| KnownSkill { skill, obstacles })
    }

    /// Returns the skills that are hidden by one of the same kind and name.
    pub fn hidden(&self) -> &[Skill] {
        &self.found.hidden
    }

    /// Returns what could not be read.
    pub fn problems(&self) -> &[SkillProblem] {
        &self.found.problems
    }

    /// Returns the skills that a task may be given.
    pub fn usable(&self) -> impl Iterator<Item = &Skill> {
        let of_tasks = self.all().filter(|known| known.skill.kind == SkillKind::Task);
        of_tasks.filter(|known| known.obstacles.is_empty()).map(|known| known.skill)
    }

    /// Returns the skill of this name that a task may be given.
    pub(crate) fn usable_named(&self, name: &str) -> Option<&Skill> {
        let exact = self.usable().find(|skill| skill.name == name);
        exact.or_else(|| self.usable().find(|skill| skill.name.eq_ignore_ascii_case(name)))
    }

    /// Returns the directory of the project whose skill it is; empty for the user's own and those of the program.
    pub fn place_of(&self, skill: &Skill) -> &str {
        if is_of_project(skill) { &self.place } else { "" }
    }

    /// Returns the evaluator of this name that is bundled, or that the user has put into its place. One of the project may
    /// hide it.
    pub(super) fn standard(&self, name: &str) -> Option<&Skill> {
        let usable = self.all().filter(|known| known.obstacles.is_empty()).map(|known| known.skill);
        let all = usable.chain(&self.found.hidden).filter(|skill| !is_of_project(skill));
        let named = all.filter(|skill| skill.kind == SkillKind::Evaluator && skill.name == name);
        named.max_by_key(|skill| skill.source)
    }

    /// Returns notices about installed skills that are not given to tasks, because their files were changed.
    pub(crate) fn changed(&self) -> Vec<String> {
        let changed = self.problems().iter().filter(|one| one.reason == SkillError::Changed);
        let said = changed.map(|SkillProblem { path, reason }| {
            let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
            let name = folder.to_string_lossy();
            format!("the skill `{name}` is left out: {reason}; openkoi learn --update {name}")
        });
        said.collect()
    }

    /// Returns notices about the project's evaluators that are not used, because the user does not trust them.
    pub(crate) fn untrusted(&self) -> Vec<String> {
        let is_waiting = |known: &KnownSkill<'_>| {
            known.skill.kind == SkillKind::Evaluator
                && known.obstacles.contains(&lets_judge(&known.skill.name))
        };
        let waiting = self.all().filter(is_waiting);
        let said = waiting.map(|KnownSkill { skill: Skill { name, .. }, .. }| {
            format!("the project's evaluator `{name}` does not judge; {}", lets_judge(name))
        });
        said.collect()
    }

    pub(super) fn words(&self) -> &WordIndex {
        self.words.get_or_init(|| WordIndex::of(self.usable()))
    }
}

/// Returns whether a skill is the project's.
pub(super) fn is_of_project(skill: &Skill) -> bool {
    skill.source == SkillSource::Workspace
}

/// Returns whether a skill is of use in OpenKoi's own source alone.
pub(super) fn is_of_own_source(skill: &Skill) -> bool {
    skill.categories.iter().any(|category| category == OWN_SOURCE)
}

/// Says what lets an evaluator of the project judge.
pub(super) fn lets_judge(name: &str) -> String {
    format!("`evaluators.trusted = [\"{name}\"]` in your own configuration lets it")
}
