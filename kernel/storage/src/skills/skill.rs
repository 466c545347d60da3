//! A skill, and where it comes from.

use std::path::PathBuf;

use openkoi_core::evaluation::{Dimension, Rubric};

/// The purpose of a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkillKind {
    /// It tells the executor how something is done.
    Task,
    /// It tells the evaluator what is judged.
    Evaluator,
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

/// One skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// One sentence about its use.
    pub description: String,
    /// Its purpose.
    pub kind: SkillKind,
    /// Its origin.
    pub source: SkillSource,
    /// Its file.
    pub path: PathBuf,
    /// The subjects that it is about.
    pub categories: Vec<String>,
    /// The axes of an evaluator.
    pub dimensions: Vec<Dimension>,
    /// The Markdown under the front matter.
    pub body: String,
}

impl Skill {
    /// Returns the written criteria of an evaluator.
    pub fn rubric(&self) -> Option<Rubric> {
        (self.kind == SkillKind::Evaluator).then(|| Rubric {
            name: self.name.clone(),
            dimensions: self.dimensions.clone(),
            text: self.body.clone(),
        })
    }
}
