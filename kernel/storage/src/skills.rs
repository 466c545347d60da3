//! Skills: folders with a `SKILL.md`, Markdown under YAML front matter.
//!
//! | source | where | kind |
//! |---|---|---|
//! | bundled | handed in as text | both |
//! | managed | `<home>/skills/managed/` | task |
//! | workspace | `<workspace>/.agents/skills/`, `<workspace>/.agents/evaluators/` | task, evaluator |
//! | user | `<home>/skills/user/`, `<home>/evaluators/user/` | task, evaluator |
//! | proposed | `<home>/skills/proposed/` | task |
//!
//! Later rows win over earlier ones where two skills of one kind have the same name. In each place a skill is
//! `<name>/SKILL.md` or `<name>.SKILL.md`. The `kind` of the front matter wins over that of the place.
//!
//! Front matter is that of the Agent Skills specification with two more fields; others are accepted and left
//! alone:
//!
//! | field | form |
//! |---|---|
//! | `name` | up to 64 letters, digits, `-`, `_`, `.`; absent: the folder's name |
//! | `description` | up to 1,024 characters, required |
//! | `kind` | `task` or `evaluator` |
//! | `categories`, or in `metadata` | list of texts |
//! | `dimensions`, or in `metadata` | list of `{ name, weight }`; required for an evaluator |
//!
//! Skills are other people's text. Sizes are bounded before anything is read, links lead nowhere outside the
//! place they are in, and a skill that cannot be read is named and left out while the rest load.

mod folder;
mod front_matter;
mod yaml;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::{Path, PathBuf},
};

use openkoi_core::evaluation::{Dimension, Rubric};

/// The largest `SKILL.md`, in bytes.
pub const FILE_LIMIT: u64 = 256 << 10;
/// The largest front matter, in bytes.
pub const FRONT_MATTER_LIMIT: usize = 64 << 10;
/// How deep front matter may be nested.
pub const DEPTH_LIMIT: usize = 16;
/// The most skills that are loaded from folders.
pub const SKILL_LIMIT: usize = 1_000;
/// The most entries of one folder that are looked at.
pub const ENTRY_LIMIT: usize = 10_000;

/// What a skill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkillKind {
    /// It tells the executor how something is done.
    Task,
    /// It tells the evaluator what is judged.
    Evaluator,
}

/// Where a skill comes from; a greater one wins.
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
    /// What it is for, in a sentence.
    pub description: String,
    /// What it is for.
    pub kind: SkillKind,
    /// Where it comes from.
    pub source: SkillSource,
    /// Its file.
    pub path: PathBuf,
    /// What it is about.
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

/// Why one skill, or one place, was left out.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {reason}", path.display())]
pub struct SkillProblem {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: SkillError,
}

/// What is wrong with a skill.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillError {
    /// It is larger than a skill may be.
    #[error("it is larger than {} KiB", FILE_LIMIT / 1024)]
    TooLarge,
    /// It is a directory, a pipe, a device or a socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// The path leads outside the folder, or cannot be opened.
    #[error("it cannot be opened: {0}")]
    Unopenable(String),
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It does not begin with `---`.
    #[error("it does not begin with front matter (`---`)")]
    NoFrontMatter,
    /// The front matter has no end within its limit.
    #[error("its front matter has no closing `---` within {} KiB", FRONT_MATTER_LIMIT / 1024)]
    Unclosed,
    /// The front matter is not YAML.
    #[error("its front matter is not valid YAML in line {line}: {message}")]
    Yaml {
        /// The line in the file.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// The front matter is more than this program reads.
    #[error("its front matter uses {0}, which is not accepted")]
    Refused(&'static str),
    /// A field is missing or has another form.
    #[error("its front matter needs `{field}` to be {wanted}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
    /// There are more than are loaded.
    #[error("only {0} are loaded, the rest is left out")]
    TooMany(usize),
}

/// Where skills are looked for.
#[derive(Clone, Debug, Default)]
pub struct SkillPlaces<'a> {
    /// Configuration home.
    pub home: Option<&'a Path>,
    /// The workspace, if its skills are to be used.
    pub workspace: Option<&'a Path>,
    /// Path and text of those in the binary.
    pub bundled: &'a [(&'a str, &'a str)],
}

/// What was found.
#[derive(Debug, Default)]
pub struct Skills {
    /// The skills that hold, sorted by kind and name.
    pub skills: Vec<Skill>,
    /// Those that are hidden by one of the same name from a stronger source.
    pub hidden: Vec<Skill>,
    /// What could not be used.
    pub problems: Vec<SkillProblem>,
}

impl Skills {
    /// Reads the skills of all places.
    pub fn load(places: &SkillPlaces<'_>) -> Self {
        let mut found = Self::default();
        for (path, text) in places.bundled {
            let file = File { path: PathBuf::from(path), source: SkillSource::Bundled };
            found.take(file, SkillKind::Task, text);
        }
        for place in folder::places(places) {
            found.read(&place);
        }
        found.settle();
        found
    }

    /// Returns the skill of this kind and name.
    pub fn find(&self, kind: SkillKind, name: &str) -> Option<&Skill> {
        self.skills.iter().find(|skill| skill.kind == kind && skill.name == name)
    }

    fn read(&mut self, place: &folder::Place) {
        let room = SKILL_LIMIT.saturating_sub(self.count_of_folders());
        for found in folder::read(place, room) {
            match found {
                Ok(read) => {
                    let file = File { path: read.path, source: place.source };
                    self.take(file, place.kind, &read.text);
                }
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn count_of_folders(&self) -> usize {
        self.skills.iter().filter(|skill| skill.source != SkillSource::Bundled).count()
    }

    fn take(&mut self, file: File, kind: SkillKind, text: &str) {
        match parse(&file, kind, text) {
            Ok(skill) => self.skills.push(skill),
            Err(reason) => self.problems.push(SkillProblem { path: file.path, reason }),
        }
    }

    /// Keeps of each kind and name the one from the strongest source.
    fn settle(&mut self) {
        let mut strongest: BTreeMap<(SkillKind, String), Skill> = BTreeMap::new();
        // A stable sort: within one source the first in the order of the folder holds.
        self.skills.sort_by_key(|skill| std::cmp::Reverse(skill.source));
        for skill in self.skills.drain(..) {
            match strongest.entry((skill.kind, skill.name.clone())) {
                Entry::Vacant(slot) => {
                    slot.insert(skill);
                }
                Entry::Occupied(_) => self.hidden.push(skill),
            }
        }
        self.skills.extend(strongest.into_values());
    }
}

struct File {
    path: PathBuf,
    source: SkillSource,
}

fn parse(file: &File, kind: SkillKind, text: &str) -> Result<Skill, SkillError> {
    let (header, body) = front_matter::split(text)?;
    let header = front_matter::read(header)?;
    let kind = header.kind.unwrap_or(kind);
    if kind == SkillKind::Evaluator && header.dimensions.is_empty() {
        let wanted = "a list of `{ name, weight }`, because it is an evaluator";
        return Err(SkillError::Field { field: "dimensions", wanted });
    }
    let name = match header.name {
        Some(name) => name,
        None => front_matter::name(name_of(&file.path).unwrap_or_default())?,
    };
    Ok(Skill {
        name,
        description: header.description,
        kind,
        source: file.source,
        path: file.path.clone(),
        categories: header.categories,
        dimensions: header.dimensions,
        body: body.to_owned(),
    })
}

/// The name that the path gives: of the folder, or of the file before `.SKILL.md`.
fn name_of(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    match file.strip_suffix(folder::SUFFIX) {
        Some(name) => Some(name.to_owned()),
        None => Some(path.parent()?.file_name()?.to_str()?.to_owned()),
    }
}
