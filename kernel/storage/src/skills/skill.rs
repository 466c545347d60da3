//! A skill, and where it comes from.

use std::path::PathBuf;

use openkoi_core::evaluation::{Dimension, Rubric};

use super::{pin::SkillPin, requirements::Requirements};

/// The purpose of a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkillKind {
    /// It tells the executor how something is done.
    Task,
    /// It tells the evaluator what is judged.
    Evaluator,
}

impl SkillKind {
    /// Returns the word of the front matter.
    pub fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Evaluator => "evaluator",
        }
    }
}

/// The origin of a skill; a greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkillSource {
    /// It is in the binary.
    Bundled,
    /// It was installed.
    Managed,
    /// It is in the project.
    Workspace,
    /// The user wrote it.
    User,
    /// It was made from the user's habits and accepted.
    Proposed,
}

impl SkillSource {
    /// Returns the word for the source.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Managed => "managed",
            Self::Workspace => "workspace",
            Self::User => "user",
            Self::Proposed => "proposed",
        }
    }
}

/// Something about a skill that is doubtful, and what was made of it. The skill is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillNotice {
    /// The line of the file, from 1.
    pub line: usize,
    /// What it is.
    pub text: String,
    /// True if the Agent Skills specification forbids it; otherwise it is advice.
    pub is_fault: bool,
}

impl SkillNotice {
    pub(super) fn fault(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into(), is_fault: true }
    }

    pub(super) fn advice(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into(), is_fault: false }
    }
}

/// One skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// A few sentences about its use.
    pub description: String,
    /// Its purpose.
    pub kind: SkillKind,
    /// Its origin.
    pub source: SkillSource,
    /// Its file.
    pub path: PathBuf,
    /// The folder that it is alone in, if it is in one: files beside it belong to it.
    pub(super) folder: Option<SkillFolder>,
    /// Its pin, if it was installed.
    pub pin: Option<SkillPin>,
    /// The subjects that it is about.
    pub categories: Vec<String>,
    /// The axes of an evaluator.
    pub dimensions: Vec<Dimension>,
    /// What has to be there for it to be of use.
    pub requirements: Requirements,
    /// True if only a person may choose it.
    pub is_for_people: bool,
    /// All of its front matter, known or not.
    pub fields: serde_json::Value,
    /// What is doubtful about it.
    pub notices: Vec<SkillNotice>,
    /// The line of the file in which the text under the front matter begins, from 1.
    pub body_line: usize,
    /// The Markdown under the front matter.
    pub body: String,
}

/// A folder with a skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SkillFolder {
    /// No link leads out of here on the way to the folder.
    pub(super) root: PathBuf,
    /// The folder, below the root.
    pub(super) below: PathBuf,
}

impl Skill {
    /// Returns the written criteria of an evaluator.
    pub fn rubric(&self) -> Option<Rubric> {
        (self.kind == SkillKind::Evaluator).then(|| Rubric {
            name: self.name.clone(),
            dimensions: self.dimensions.clone(),
            text: self.body.clone(),
            parts: Vec::new(),
        })
    }

    /// Returns a field of its front matter as text; absent if it is not there. A list or a map is in JSON.
    pub fn field(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Returns the notices that say what the specification forbids.
    pub fn faults(&self) -> impl Iterator<Item = &SkillNotice> {
        self.notices.iter().filter(|notice| notice.is_fault)
    }
}
