//! Finding and reading skill files in folders that anybody may have filled.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions, OpenOptionsExt},
};

use super::{
    error::{FILE_LIMIT, SkillError, SkillProblem},
    skill::{SkillKind, SkillSource},
};

/// The most skills that are loaded from folders.
pub const SKILL_LIMIT: usize = 1_000;
/// The most entries of one folder that are looked at.
pub const ENTRY_LIMIT: usize = 10_000;

/// The name of the file in a skill's folder.
pub(super) const FILE: &str = "SKILL.md";
/// The end of the name of a skill without a folder.
pub(super) const SUFFIX: &str = ".SKILL.md";

/// The directories that have folders with skills, and the skills that need none.
#[derive(Clone, Debug, Default)]
pub struct SkillDirectories<'a> {
    /// Configuration home.
    pub home: Option<&'a Path>,
    /// The workspace, if its skills are to be used.
    pub workspace: Option<&'a Path>,
    /// Path and text of those in the binary.
    pub bundled: &'a [(&'a str, &'a str)],
}

/// One folder with skills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    /// No link leads out of here.
    root: PathBuf,
    /// The folder, below `root`.
    below: &'static str,
    pub(super) source: SkillSource,
    /// The kind of its skills that do not say theirs.
    pub(super) kind: SkillKind,
}

/// A file that was read.
pub(super) struct SkillFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

type ReadFile = Result<SkillFile, SkillProblem>;

/// Returns the folders to look in.
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
            below: ".",
            source,
            kind,
        })
    });
    let of_workspace = [(".agents/skills", Task), (".agents/evaluators", Evaluator)];
    let workspace = directories.workspace.into_iter().flat_map(|root| {
        of_workspace.map(|(below, kind)| Folder {
            root: root.to_owned(),
            below,
            source: SkillSource::Workspace,
            kind,
        })
    });
    home.chain(workspace).collect()
}

/// Reads at most `room` skills of a folder, in the order of their names.
pub(super) fn read(folder: &Folder, room: usize) -> Vec<ReadFile> {
    let Folder { root, below, .. } = folder;
    let path = if *below == "." { root.clone() } else { root.join(below) };
    let folder =
        Dir::open_ambient_dir(root, ambient_authority()).and_then(|root| root.open_dir(below));
    match folder.and_then(|folder| Ok((names(&folder)?, folder))) {
        Ok((names, folder)) => read_all(&folder, &path, names, room),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => vec![Err(unopenable(path, &error))],
    }
}

struct Names {
    sorted: Vec<String>,
    cut: bool,
}

fn names(folder: &Dir) -> io::Result<Names> {
    let mut sorted = Vec::new();
    let mut entries = folder.entries()?;
    for entry in entries.by_ref().take(ENTRY_LIMIT) {
        // A name that is not UTF-8 cannot be shown or typed, and hidden ones are other programs'.
        let name = entry?.file_name().into_string().ok();
        sorted.extend(name.filter(|name| !name.starts_with('.')));
    }
    sorted.sort_unstable();
    Ok(Names { sorted, cut: entries.next().is_some() })
}

fn read_all(folder: &Dir, path: &Path, names: Names, room: usize) -> Vec<ReadFile> {
    let mut found: Vec<ReadFile> = Vec::new();
    let mut skills = 0;
    let mut cut = names.cut.then_some(ENTRY_LIMIT);
    for name in &names.sorted {
        let file =
            if name.ends_with(SUFFIX) { PathBuf::from(name) } else { Path::new(name).join(FILE) };
        let Some(read) = read_one(folder, path, &file) else { continue };
        if skills == room {
            cut = Some(SKILL_LIMIT);
            break;
        }
        skills += 1;
        found.push(read);
    }
    let too_many =
        |limit| SkillProblem { path: path.to_owned(), reason: SkillError::TooMany(limit) };
    found.extend(cut.map(|limit| Err(too_many(limit))));
    found
}

/// Reads one file; nothing where there is none.
fn read_one(folder: &Dir, path: &Path, file: &Path) -> Option<ReadFile> {
    let whole = path.join(file);
    // A pipe without a writer would wait for one; without waiting it opens, and is then seen for what it is.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    match folder.open_with(file, &options) {
        Ok(open) => Some(match text(open.into_std()) {
            Ok(text) => Ok(SkillFile { path: whole, text }),
            Err(reason) => Err(SkillProblem { path: whole, reason }),
        }),
        Err(error) if is_absent(&error) => None,
        Err(error) => Some(Err(unopenable(whole, &error))),
    }
}

/// A file among the folders, or a folder without a skill.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn text(file: std::fs::File) -> Result<String, SkillError> {
    let unopenable = |error: io::Error| SkillError::Unopenable(error.to_string());
    let found = file.metadata().map_err(unopenable)?;
    if !found.is_file() {
        return Err(SkillError::NotAFile);
    }
    if found.len() > FILE_LIMIT {
        return Err(SkillError::TooLarge);
    }
    let mut bytes = Vec::new();
    // It may have grown since.
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unopenable)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(SkillError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| SkillError::NotText)
}

fn unopenable(path: PathBuf, error: &io::Error) -> SkillProblem {
    SkillProblem { path, reason: SkillError::Unopenable(error.to_string()) }
}
