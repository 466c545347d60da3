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
    ENTRY_LIMIT, FILE_LIMIT, SKILL_LIMIT, SkillError, SkillKind, SkillPlaces, SkillProblem,
    SkillSource,
};

/// The name of the file in a skill's folder.
pub(super) const FILE: &str = "SKILL.md";
/// The end of the name of a skill without a folder.
pub(super) const SUFFIX: &str = ".SKILL.md";

/// One folder with skills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// No link leads out of here.
    pub(super) root: PathBuf,
    /// The folder, below `root`.
    pub(super) folder: &'static str,
    pub(super) source: SkillSource,
    /// What its skills are where they do not say.
    pub(super) kind: SkillKind,
}

/// A file that was read.
pub(super) struct SkillFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

type Found = Result<SkillFile, SkillProblem>;

/// Returns the folders to look in.
pub(super) fn places(places: &SkillPlaces<'_>) -> Vec<Place> {
    use SkillKind::{Evaluator, Task};
    let of_home = [
        ("skills/managed", SkillSource::Managed, Task),
        ("skills/user", SkillSource::User, Task),
        ("evaluators/user", SkillSource::User, Evaluator),
        ("skills/proposed", SkillSource::Proposed, Task),
    ];
    // In the home the folder itself is the root: beside it lie credentials. In a workspace `.agents` may be
    // a link to where another program keeps its skills.
    let home = places.home.into_iter().flat_map(|home| {
        of_home.map(|(folder, source, kind)| Place {
            root: home.join(folder),
            folder: ".",
            source,
            kind,
        })
    });
    let of_workspace = [(".agents/skills", Task), (".agents/evaluators", Evaluator)];
    let workspace = places.workspace.into_iter().flat_map(|root| {
        of_workspace.map(|(folder, kind)| Place {
            root: root.to_owned(),
            folder,
            source: SkillSource::Workspace,
            kind,
        })
    });
    home.chain(workspace).collect()
}

/// Reads at most `room` skills of a place, in the order of their names.
pub(super) fn read(place: &Place, room: usize) -> Vec<Found> {
    let path = if place.folder == "." { place.root.clone() } else { place.root.join(place.folder) };
    let folder = Dir::open_ambient_dir(&place.root, ambient_authority())
        .and_then(|root| root.open_dir(place.folder));
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

fn read_all(folder: &Dir, path: &Path, names: Names, room: usize) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
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
fn read_one(folder: &Dir, path: &Path, file: &Path) -> Option<Found> {
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
