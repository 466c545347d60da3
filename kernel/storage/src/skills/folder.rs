//! Finding and reading skill files in folders that anybody may have filled.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, FileType},
};

use super::{
    error::{SkillError, SkillProblem},
    pin::{self, SkillPin},
    reading::{bytes, open, text},
    skill::{SkillFolder, SkillKind, SkillSource},
};

/// The most skills that are loaded from folders.
pub const SKILL_LIMIT: usize = 4_000;
/// The most entries of one folder, and of those in it, that are looked at.
pub const ENTRY_LIMIT: usize = 20_000;
/// The most levels of folders in which skills are sorted.
pub const LEVEL_LIMIT: usize = 4;

/// The name of the file in a skill's folder.
pub(super) const FILE: &str = "SKILL.md";
/// The end of the name of a skill without a folder.
pub(super) const SUFFIX: &str = ".SKILL.md";
/// A folder with more files than anybody looks through, and no skills.
const PACKAGES: &str = "node_modules";

/// The directories that have folders with skills, and the skills that need none.
#[derive(Clone, Copy, Debug, Default)]
pub struct SkillDirectories<'a> {
    /// Configuration home.
    pub home: Option<&'a Path>,
    /// The workspace, if its skills are to be used.
    pub workspace: Option<&'a Path>,
    /// The root of the repository that the workspace lies in: skills of the directories down to the workspace count too.
    pub repository: Option<&'a Path>,
    /// Path and text of those in the binary.
    pub bundled: &'a [(&'a str, &'a str)],
}

/// One folder with skills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    /// No link leads out of here.
    pub(super) root: PathBuf,
    /// The folder, below `root`.
    pub(super) below: PathBuf,
    pub(super) source: SkillSource,
    /// The kind of its skills that do not say theirs.
    pub(super) kind: SkillKind,
}

/// A file that was read.
pub(super) struct SkillFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// The number of places with bytes that are no text.
    pub(super) odd: usize,
    /// The folder that it is alone in, if it is in one.
    pub(super) folder: Option<SkillFolder>,
    /// Its pin, if it was installed.
    pub(super) pin: Option<SkillPin>,
}

type ReadFile = Result<SkillFile, SkillProblem>;

/// Returns the folders to look in. Of one source, the first that has a name counts.
pub(super) fn all(directories: &SkillDirectories<'_>) -> Vec<Folder> {
    use SkillKind::{Evaluator, Task};
    let of_home = [
        ("skills/managed", SkillSource::Managed, Task),
        ("skills/user", SkillSource::User, Task),
        ("evaluators/user", SkillSource::User, Evaluator),
        ("skills/proposed", SkillSource::Proposed, Task),
    ];
    // In the home the folder itself is the root: beside it lie credentials. In a workspace `.agents` may be
    // a link to where another program keeps its skills.
    let home = directories.home.into_iter().flat_map(|home| {
        of_home.map(|(folder, source, kind)| Folder {
            root: home.join(folder),
            below: PathBuf::new(),
            source,
            kind,
        })
    });
    let workspace = directories.workspace.into_iter();
    home.chain(workspace.flat_map(|workspace| of_workspace(workspace, directories.repository)))
        .collect()
}

/// Returns the folders of a workspace and of the directories above it in its repository, the nearest first.
fn of_workspace(workspace: &Path, repository: Option<&Path>) -> Vec<Folder> {
    let root = repository.filter(|root| workspace.starts_with(root)).unwrap_or(workspace);
    let folders = [
        (".agents/skills", SkillKind::Task),
        (".claude/skills", SkillKind::Task),
        (".agents/evaluators", SkillKind::Evaluator),
    ];
    let levels = workspace.ancestors().take_while(|level| level.starts_with(root));
    let below = levels.map(|level| level.strip_prefix(root).unwrap_or(Path::new("")));
    below
        .flat_map(|below| {
            folders.map(|(folder, kind)| Folder {
                root: root.to_owned(),
                below: below.join(folder),
                source: SkillSource::Workspace,
                kind,
            })
        })
        .collect()
}

/// Reads at most `room` skills of a folder, in the order of their paths.
pub(super) fn read(folder: &Folder, room: usize) -> Vec<ReadFile> {
    let path = folder.root.join(&folder.below);
    let opened = Dir::open_ambient_dir(&folder.root, ambient_authority())
        .and_then(|root| Ok((open_folder(&root, &folder.below)?, root)));
    match opened {
        Ok((opened, root)) => {
            let (left, found) = (ENTRY_LIMIT, Vec::new());
            let mut walk = Walk { folder, root: &root, room, skills: 0, left, cut: None, found };
            walk.look(&opened, &folder.below, 0);
            let cut = walk.cut.map(SkillError::TooMany);
            walk.found.extend(cut.map(|reason| Err(SkillProblem { path, reason })));
            walk.found
        }
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => vec![Err(unopenable(path, &error))],
    }
}

/// Reads the skill of one file, which a person named.
pub(super) fn read_file(path: &Path) -> ReadFile {
    let (Some(root), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(SkillProblem { path: path.to_owned(), reason: SkillError::NotAFile });
    };
    let alone = !name.to_string_lossy().ends_with(SUFFIX);
    let folder = SkillFolder { root: root.to_owned(), below: PathBuf::new() };
    let opened = Dir::open_ambient_dir(root, ambient_authority());
    let file = opened.and_then(|root| open(&root, Path::new(name)));
    let file = file.map_err(|error| unopenable(path.to_owned(), &error))?;
    read_open(file, path.to_owned(), alone.then_some(folder))
}

/// A look through one folder and those in it.
struct Walk<'a> {
    folder: &'a Folder,
    root: &'a Dir,
    room: usize,
    skills: usize,
    /// The number of entries that may still be looked at.
    left: usize,
    /// The limit at which it ended, if it did.
    cut: Option<usize>,
    found: Vec<ReadFile>,
}

/// A name in a folder.
struct FolderEntry {
    name: String,
    kind: Option<FileType>,
}

impl Walk<'_> {
    /// Takes the skills of a folder, or of the folders in it.
    fn look(&mut self, opened: &Dir, below: &Path, level: usize) {
        let entries = match self.entries(opened) {
            Ok(entries) => entries,
            Err(error) => return self.problem(below, &error),
        };
        // What is beside a skill belongs to it.
        let own = entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(FILE));
        if let (Some(own), true) = (own, level > 0) {
            return self.take(opened, &own.name, below, true);
        }
        for entry in entries {
            if self.cut.is_some() {
                return;
            }
            let is_link = entry.kind.is_some_and(|kind| kind.is_symlink());
            if entry.name.ends_with(SUFFIX) {
                self.take(opened, &entry.name, below, false);
            } else if entry.kind.is_some_and(|kind| kind.is_dir()) || (is_link && level == 0) {
                self.enter(&below.join(&entry.name), level + 1);
            }
        }
    }

    fn enter(&mut self, below: &Path, level: usize) {
        let opened = match open_folder(self.root, below) {
            Ok(opened) => opened,
            // A link to a file, or to nothing.
            Err(error) if is_absent(&error) => return,
            Err(error) => return self.problem(below, &error),
        };
        // One open instead of a list, which most skills need no more than.
        match open(&opened, Path::new(FILE)) {
            Ok(file) => self.keep(file, FILE, below, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if level < LEVEL_LIMIT {
                    self.look(&opened, below, level);
                }
            }
            Err(error) => self.problem(&below.join(FILE), &error),
        }
    }

    fn entries(&mut self, opened: &Dir) -> io::Result<Vec<FolderEntry>> {
        let mut sorted = Vec::new();
        for entry in opened.entries()? {
            if self.left == 0 {
                self.cut = Some(ENTRY_LIMIT);
                break;
            }
            self.left -= 1;
            let entry = entry?;
            // A name that is not UTF-8 cannot be shown or typed, and hidden ones are other programs'.
            let Some(name) = shown(entry.file_name()) else { continue };
            sorted.push(FolderEntry { name, kind: entry.file_type().ok() });
        }
        sorted.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(sorted)
    }

    /// Takes a file in an open folder. It is opened from there, so that no link leads out of the folder.
    fn take(&mut self, opened: &Dir, name: &str, below: &Path, alone: bool) {
        match open(opened, Path::new(name)) {
            Ok(file) => self.keep(file, name, below, alone),
            Err(error) if is_absent(&error) => {}
            Err(error) => self.problem(&below.join(name), &error),
        }
    }

    fn keep(&mut self, file: std::fs::File, name: &str, below: &Path, alone: bool) {
        if self.skills == self.room {
            self.cut = Some(SKILL_LIMIT);
            return;
        }
        self.skills += 1;
        let root = &self.folder.root;
        let folder = SkillFolder { root: root.clone(), below: below.to_owned() };
        let path = root.join(below).join(name);
        let pin = match alone && self.folder.source == SkillSource::Managed {
            true => self.pin(below),
            false => Ok(None),
        };
        self.found.push(match pin {
            Ok(pin) => {
                read_open(file, path, alone.then_some(folder)).map(|read| SkillFile { pin, ..read })
            }
            Err(reason) => Err(SkillProblem { path, reason }),
        });
    }

    /// Returns the pin of an installed skill whose files are as they were.
    fn pin(&self, below: &Path) -> Result<Option<SkillPin>, SkillError> {
        let opened = open_folder(self.root, below);
        pin::of_folder(&opened.map_err(|error| SkillError::Unopenable(error.to_string()))?)
    }

    fn problem(&mut self, below: &Path, error: &io::Error) {
        self.found.push(Err(unopenable(self.folder.root.join(below), error)));
    }
}

/// Opens a folder below a root, which no link leads out of.
pub(super) fn open_folder(root: &Dir, below: &Path) -> io::Result<Dir> {
    root.open_dir(if below.as_os_str().is_empty() { Path::new(".") } else { below })
}

fn shown(name: OsString) -> Option<String> {
    name.into_string().ok().filter(|name| !name.starts_with('.') && name != PACKAGES)
}

/// A file among the folders, or a folder without a skill.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read_open(file: std::fs::File, path: PathBuf, folder: Option<SkillFolder>) -> ReadFile {
    match bytes(file).and_then(text) {
        Ok((text, odd)) => Ok(SkillFile { path, text, odd, folder, pin: None }),
        Err(reason) => Err(SkillProblem { path, reason }),
    }
}

fn unopenable(path: PathBuf, error: &io::Error) -> SkillProblem {
    SkillProblem { path, reason: SkillError::Unopenable(error.to_string()) }
}
