//! The skills that are installed.

use std::path::{Path, PathBuf};

use openkoi_brokers::{
    archive::{self, ArchiveFile, ArchiveLimits},
    disk,
};
use openkoi_storage::skills::{
    INSTALLED_BYTES, INSTALLED_FILES, PIN_FILE, SkillPin, digest_of_files,
};

use super::error::LearnError;

/// The largest pin, in bytes.
const LARGEST_PIN: u64 = 64 << 10;
/// Hidden folders beside the skills, in which one is put together before it gets its name.
pub(super) const STAGING: &str = ".new-";

/// An installed skill.
#[derive(Clone, Debug)]
pub struct ManagedSkill {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Where it came from. Absent: it was put there by hand.
    pub pin: Option<SkillPin>,
}

/// Returns the folder with the installed skills.
pub(super) fn place(home: &Path) -> PathBuf {
    home.join("skills/managed")
}

/// Returns the skills that are installed, by name.
pub fn managed(home: &Path) -> Vec<ManagedSkill> {
    let entries = disk::list(&place(home)).unwrap_or_default();
    let names = entries.into_iter().filter_map(|entry| entry.name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    names.into_iter().filter_map(|name| find(home, &name).ok()).collect()
}

/// Returns the installed skill of this name.
///
/// # Errors
///
/// When there is none.
pub fn find(home: &Path, name: &str) -> Result<ManagedSkill, LearnError> {
    let folder = place(home).join(name);
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    if !is_name || !disk::is_directory(&folder) {
        return Err(LearnError::NotInstalled(name.to_owned()));
    }
    let pin = disk::read(&folder.join(PIN_FILE), LARGEST_PIN).ok();
    let pin = pin.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(ManagedSkill { name: name.to_owned(), folder, pin })
}

impl ManagedSkill {
    /// Returns its files as they are now. What cannot be read is left out.
    pub fn files(&self) -> Vec<ArchiveFile> {
        let limits = ArchiveLimits {
            entries: 10 * INSTALLED_FILES,
            files: INSTALLED_FILES,
            bytes: INSTALLED_BYTES,
            ratio: 1,
        };
        archive::of_folder(&self.folder, &limits, |_| true).unwrap_or_default()
    }

    /// Returns whether its files are those that were installed.
    pub fn is_as_installed(&self) -> bool {
        let files = self.files();
        let files = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
        self.pin.as_ref().is_some_and(|pin| pin.digest == digest_of_files(files))
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// When it cannot be moved out of its place; it is there whole then.
    pub fn remove(self, id: &str) -> Result<(), LearnError> {
        let aside = self.folder.with_file_name(format!("{STAGING}{id}"));
        let failed = |error| LearnError::Place { path: self.folder.clone(), error };
        // In one step, so that no task finds half of it.
        disk::rename(&self.folder, &aside).map_err(failed)?;
        disk::remove_tree(&aside).map_err(failed)
    }
}
