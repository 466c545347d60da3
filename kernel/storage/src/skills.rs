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
//! Later rows win over earlier ones where two skills of one kind have the same name. In each folder a skill is
//! `<name>/SKILL.md` or `<name>.SKILL.md`. The `kind` of the front matter wins over that of the folder.
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
//! folder they are in, and a skill that cannot be read is named and left out while the rest load.

mod error;
mod folder;
mod front_matter;
mod skill;
mod yaml;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::{Path, PathBuf},
};

pub use error::{FILE_LIMIT, FRONT_MATTER_LIMIT, SkillError, SkillProblem};
pub use folder::{ENTRY_LIMIT, SKILL_LIMIT, SkillDirectories};
pub use skill::{Skill, SkillKind, SkillSource};
pub use yaml::DEPTH_LIMIT;

/// The skills of all folders.
#[derive(Debug, Default)]
pub struct Skills {
    /// The skills that hold, sorted by kind and name.
    pub skills: Vec<Skill>,
    /// Those that are hidden by one of the same name from a stronger source.
    pub hidden: Vec<Skill>,
    /// The skills and folders that could not be used.
    pub problems: Vec<SkillProblem>,
}

impl Skills {
    /// Reads the skills of all folders.
    pub fn load(directories: &SkillDirectories<'_>) -> Self {
        let mut found = Self::default();
        for (path, text) in directories.bundled {
            let file = File { path: PathBuf::from(path), source: SkillSource::Bundled };
            found.take(file, SkillKind::Task, text);
        }
        for folder in folder::all(directories) {
            found.read(&folder);
        }
        found.keep_strongest();
        found
    }

    /// Returns the skill of this kind and name.
    pub fn find(&self, kind: SkillKind, name: &str) -> Option<&Skill> {
        self.skills.iter().find(|skill| skill.kind == kind && skill.name == name)
    }

    fn read(&mut self, folder: &folder::Folder) {
        let room = SKILL_LIMIT.saturating_sub(self.count_of_folders());
        for found in folder::read(folder, room) {
            match found {
                Ok(read) => {
                    let file = File { path: read.path, source: folder.source };
                    self.take(file, folder.kind, &read.text);
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
    fn keep_strongest(&mut self) {
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
