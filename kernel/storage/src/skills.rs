//! Skills: folders with a `SKILL.md`, Markdown under YAML front matter.
//!
//! | source | where | kind |
//! |---|---|---|
//! | bundled | handed in as text | both |
//! | managed | `<home>/skills/managed/`, with a [pin](SkillPin) | task |
//! | workspace | `.agents/skills/`, `.claude/skills/`, `.agents/evaluators/` of the workspace and above it | task, task, evaluator |
//! | user | `<home>/skills/user/`, `<home>/evaluators/user/` | task, evaluator |
//! | proposed | `<home>/skills/proposed/` | task |
//!
//! Later rows win over earlier ones where two skills of one kind have the same name; within a workspace the nearer directory
//! does, up to the root of its repository, and in one directory `.agents/skills/`. In each folder a skill is `<name>/SKILL.md` or
//! `<name>.SKILL.md`, and may be sorted into folders. The `kind` of the front matter wins over that of the folder.
//!
//! Front matter is that of the Agent Skills specification with a few more fields; all others are kept:
//!
//! | field | form |
//! |---|---|
//! | `name` | up to 64 letters, digits, `-`, `_`, `.`, `:`, `+`, blanks; absent: the folder's name |
//! | `description` | text; absent: the first sentences of the skill |
//! | `kind` | `task` or `evaluator` |
//! | `categories`, or in `metadata` | list of texts |
//! | `dimensions`, or in `metadata` | list of `{ name, weight }`; required for an evaluator |
//! | what has to be there | see [`requirements`] |
//!
//! Nothing that other programs load is refused: front matter that is no YAML is read field by field, and what is doubtful is
//! a notice with its line. Skills are other people's text, though. Sizes are bounded before anything is read, links lead
//! nowhere outside the folder they are in, or outside the repository where they lead to a folder of it, and a skill that cannot
//! be read is named and left out while the rest load.

mod beside;
mod check;
mod error;
mod folder;
mod front_matter;
mod lenient;
mod pin;
mod reading;
pub mod requirements;
mod skeleton;
mod skill;
mod yaml;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::{Path, PathBuf},
};

pub use beside::{BESIDE_LIMIT, BesideFile};
pub use check::{check, unseen};
pub use error::{FILE_LIMIT, FRONT_MATTER_LIMIT, SkillError, SkillProblem, TOTAL_LIMIT};
pub use folder::{ENTRY_LIMIT, LEVEL_LIMIT, SKILL_LIMIT, SkillDirectories};
pub use front_matter::against_specification;
pub use pin::{INSTALLED_BYTES, INSTALLED_FILES, PIN_FILE, SkillPin, digest_of_files};
pub use skeleton::skeleton;
pub use skill::{Skill, SkillKind, SkillNotice, SkillSource};
pub use yaml::DEPTH_LIMIT;

use folder::SkillFile;
use front_matter::Header;
use openkoi_brokers::disk;
use skill::SkillFolder;

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
            let path = PathBuf::from(path);
            let file = File { path, source: SkillSource::Bundled, folder: None, odd: 0, pin: None };
            found.take(parse(file, SkillKind::Task, text));
        }
        let mut bytes = 0;
        for folder in folder::all(directories) {
            found.read(&folder, &mut bytes);
        }
        found.keep_strongest();
        found
    }

    /// Returns the skill of this kind and name.
    pub fn find(&self, kind: SkillKind, name: &str) -> Option<&Skill> {
        self.skills.iter().find(|skill| skill.kind == kind && skill.name == name)
    }

    fn read(&mut self, folder: &folder::Folder, bytes: &mut usize) {
        let room = SKILL_LIMIT.saturating_sub(self.count_of_folders());
        for found in folder::read(folder, room) {
            let read = match found {
                Ok(read) => read,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            *bytes += read.text.len();
            if *bytes > TOTAL_LIMIT {
                let path = folder.root.join(&folder.below);
                return self.problems.push(SkillProblem { path, reason: SkillError::TooMuch });
            }
            let (path, source) = (read.path, folder.source);
            let file = File { path, source, folder: read.folder, odd: read.odd, pin: read.pin };
            self.take(parse(file, folder.kind, &read.text));
        }
    }

    fn count_of_folders(&self) -> usize {
        self.skills.iter().filter(|skill| skill.source != SkillSource::Bundled).count()
    }

    fn take(&mut self, parsed: Result<Skill, SkillProblem>) {
        match parsed {
            Ok(skill) => self.skills.push(skill),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Keeps of each kind and name the one from the strongest source.
    fn keep_strongest(&mut self) {
        let mut strongest: BTreeMap<(SkillKind, String), Skill> = BTreeMap::new();
        // A stable sort: within one source the first in the order of the folders holds.
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

impl Skill {
    /// Reads the skill at a path: its file, or its folder.
    ///
    /// # Errors
    ///
    /// As [`Skills::load`] leaves it out.
    pub fn at(path: &Path) -> Result<Self, SkillProblem> {
        let file = if disk::is_directory(path) { path.join(folder::FILE) } else { path.to_owned() };
        let read = folder::read_file(&file)?;
        let source = SkillSource::Workspace;
        let SkillFile { path, text, folder, odd, pin } = read;
        let file = File { path, source, folder, odd, pin };
        parse(file, SkillKind::Task, &text)
    }
}

impl Skill {
    /// Reads a skill that is nowhere yet from its text. `name` is its name if it says none.
    ///
    /// # Errors
    ///
    /// As [`Skills::load`] leaves it out.
    pub fn of_text(name: &str, text: &str) -> Result<Self, SkillProblem> {
        let path = Path::new(name).join(folder::FILE);
        let file = File { path, source: SkillSource::Proposed, folder: None, odd: 0, pin: None };
        parse(file, SkillKind::Task, text)
    }
}

struct File {
    path: PathBuf,
    source: SkillSource,
    folder: Option<SkillFolder>,
    /// The number of places with bytes that are no text.
    odd: usize,
    pin: Option<SkillPin>,
}

fn parse(file: File, kind: SkillKind, text: &str) -> Result<Skill, SkillProblem> {
    let path = file.path.clone();
    read(file, kind, text).map_err(|reason| SkillProblem { path, reason })
}

fn read(file: File, kind: SkillKind, text: &str) -> Result<Skill, SkillError> {
    let mut notices = Vec::new();
    let parts = front_matter::split(text, &mut notices)?;
    let header = parts.header.unwrap_or_default();
    let header = match file.source {
        SkillSource::Bundled => front_matter::read_bundled(header, parts.header_line, &mut notices),
        _ => front_matter::read(header, parts.header_line, &mut notices),
    };
    if parts.body.trim().is_empty() && header.description.is_none() {
        return Err(SkillError::Empty);
    }
    let kind = header.kind.unwrap_or(kind);
    let dimensions = match (&header.dimensions, kind) {
        (Ok(dimensions), SkillKind::Evaluator) if dimensions.is_empty() => {
            let wanted = "a list of `{ name, weight }`, because it is an evaluator";
            return Err(SkillError::Field { field: "dimensions", wanted });
        }
        (Err(odd), SkillKind::Evaluator) => {
            return Err(SkillError::Field { field: "dimensions", wanted: odd.0 });
        }
        (dimensions, _) => dimensions.clone().unwrap_or_default(),
    };
    notices.extend(misspelt(&file.path));
    if file.odd > 0 {
        let odd = format!("it is not UTF-8: {} places of it cannot be shown", file.odd);
        notices.push(SkillNotice::fault(1, odd));
    }
    let name = name(&file.path, &header, parts.header_line, &mut notices);
    let description = header.description.unwrap_or_else(|| {
        let missing = "it has no description; its first sentences stand for it";
        notices.push(SkillNotice::fault(parts.header_line, missing));
        beginning(parts.body)
    });
    notices.sort_by_key(|notice| notice.line);
    Ok(Skill {
        name,
        description,
        kind,
        source: file.source,
        path: file.path,
        folder: file.folder,
        pin: file.pin,
        categories: header.categories,
        dimensions,
        requirements: header.requirements,
        is_for_people: header.is_for_people,
        fields: header.fields,
        notices,
        body_line: parts.body_line,
        body: parts.body.to_owned(),
    })
}

/// Returns the name by which a skill is known: its own, or what comes closest to it.
fn name(path: &Path, header: &Header, line: usize, notices: &mut Vec<SkillNotice>) -> String {
    let folder = name_of(path).unwrap_or_default();
    let own = header.name.as_ref();
    let line = own.map_or(line, |(_, line)| *line);
    let wanted = match own {
        Some((name, _)) => name.clone(),
        None => {
            notices.push(SkillNotice::fault(line, "it has no name; its folder's stands for it"));
            folder.clone()
        }
    };
    if let (Some(against), true) = (front_matter::against_specification(&wanted), own.is_some()) {
        notices.push(SkillNotice::fault(line, against));
    }
    if own.is_some() && wanted != folder && !folder.is_empty() {
        let differs = "its name is not that of its folder, which the specification asks for";
        notices.push(SkillNotice::fault(line, differs));
    }
    if front_matter::is_usable(&wanted) {
        return wanted;
    }
    let names = [front_matter::usable(&wanted), front_matter::usable(&folder)];
    let name = names.into_iter().flatten().next().unwrap_or_else(|| "unnamed".to_owned());
    notices.push(SkillNotice::fault(line, format!("it is called `{name}` here")));
    name
}

/// Returns the name that the path gives: of the folder, or of the file before `.SKILL.md`.
fn name_of(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    match file.strip_suffix(folder::SUFFIX) {
        Some(name) => Some(name.to_owned()),
        None => Some(path.parent()?.file_name()?.to_str()?.to_owned()),
    }
}

fn misspelt(path: &Path) -> Option<SkillNotice> {
    let file = path.file_name()?.to_str()?;
    let fits = file == folder::FILE || file.ends_with(folder::SUFFIX);
    (!fits)
        .then(|| SkillNotice::fault(1, format!("its file is `{file}`, and has to be `SKILL.md`")))
}

/// Returns the first paragraph of a text that is no heading, or the first heading, as one line.
fn beginning(body: &str) -> String {
    const LONGEST: usize = 300;
    let is_heading = |line: &&str| line.starts_with('#');
    let lines =
        || body.lines().map(str::trim).skip_while(|line| line.is_empty() || is_heading(line));
    let paragraph: Vec<&str> = lines().take_while(|line| !line.is_empty()).collect();
    let text = match paragraph.is_empty() {
        false => paragraph.join(" "),
        true => body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned(),
    };
    text.trim_start_matches(['#', ' ']).chars().take(LONGEST).collect()
}
