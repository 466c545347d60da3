//! The files beside a `SKILL.md`, which it tells to read.

use std::path::{Component, Path};

use cap_std::{ambient_authority, fs::Dir};
use openkoi_brokers::places;

use super::{
    error::SkillError,
    folder::{self, FILE},
    reading,
    skill::Skill,
};

/// The most files beside a skill that are named.
pub const BESIDE_LIMIT: usize = 100;
/// The most levels of folders in a skill, and the most entries of it, that are looked at.
const LEVELS: usize = 4;
const ENTRIES: usize = 2_000;

/// A file that belongs to a skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BesideFile {
    /// Its path in the folder of the skill.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Skill {
    /// Returns the files beside its `SKILL.md`, sorted by path, at most [`BESIDE_LIMIT`]. Hidden ones and links are left out.
    pub fn files_beside(&self) -> Vec<BesideFile> {
        let Some(folder) = self.open_folder() else { return Vec::new() };
        let (mut found, mut left) = (Vec::new(), ENTRIES);
        walk(&folder, "", 0, &mut left, &mut found);
        found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        found.truncate(BESIDE_LIMIT);
        found
    }

    /// Returns whether a file or a folder is there, by its path in the folder of the skill.
    pub fn has_beside(&self, path: &str) -> bool {
        self.open_folder().is_some_and(|folder| folder.exists(path))
    }

    /// Returns the text of a file beside its `SKILL.md`, by its path in the folder of the skill.
    ///
    /// # Errors
    ///
    /// When the path leads out of the folder or to a secret, is no regular file, or is larger than a skill may be.
    pub fn read_beside(&self, path: &str) -> Result<String, SkillError> {
        let none = || SkillError::Unopenable("there is no such file".to_owned());
        let unopenable = |error: std::io::Error| SkillError::Unopenable(error.to_string());
        let folder = self.open_folder().ok_or_else(none)?;
        let path = Path::new(path);
        let is_plain =
            path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_plain {
            return Err(SkillError::Unopenable("it leads out of the skill".to_owned()));
        }
        // What a link leads to counts, so that no other name opens a secret.
        let real = folder.canonicalize(path).map_err(unopenable)?;
        if places::is_secret(path) || places::is_secret(&real) {
            return Err(SkillError::Unopenable("secrets are kept in it".to_owned()));
        }
        let file = reading::open(&folder, &real).map_err(unopenable)?;
        Ok(reading::text(reading::bytes(file)?)?.0)
    }

    fn open_folder(&self) -> Option<Dir> {
        let place = self.folder.as_ref()?;
        let root = Dir::open_ambient_dir(&place.root, ambient_authority()).ok()?;
        folder::open_folder(&root, &place.below).ok()
    }
}

fn walk(folder: &Dir, below: &str, level: usize, left: &mut usize, found: &mut Vec<BesideFile>) {
    let Ok(entries) = folder.entries() else { return };
    for entry in entries.flatten() {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (Ok(kind), false) = (entry.file_type(), name.starts_with('.')) else { continue };
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if kind.is_dir() && level < LEVELS {
            if let Ok(inner) = entry.open_dir() {
                walk(&inner, &path, level + 1, left, found);
            }
        } else if kind.is_file() && !path.eq_ignore_ascii_case(FILE) {
            let bytes = entry.metadata().map_or(0, |found| found.len());
            found.push(BesideFile { path, bytes });
        }
    }
}
