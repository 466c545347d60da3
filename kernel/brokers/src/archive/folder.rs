//! A folder read as an archive is.

use std::{io::Read, path::Path};

use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions, OpenOptionsExt},
};

use super::file::{ArchiveError, ArchiveFile, ArchiveLimits, is_below};

/// The most folders within one another.
const LEVELS: usize = 12;

/// Returns the files of a folder that are wanted, in the order of their paths. Hidden ones are left out. A link is followed as
/// far as it stays in the folder.
///
/// # Errors
///
/// When the folder cannot be read, has more than the limits allow, or has a link that leads out of it.
pub fn of_folder(
    root: &Path,
    limits: &ArchiveLimits,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<ArchiveFile>, ArchiveError> {
    let opened = Dir::open_ambient_dir(root, ambient_authority())?;
    let mut walk = Walk { limits, is_wanted, entries: 0, room: limits.bytes, files: Vec::new() };
    walk.look(&opened, "", 0)?;
    walk.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(walk.files)
}

struct Walk<'a, F> {
    limits: &'a ArchiveLimits,
    is_wanted: F,
    entries: usize,
    room: u64,
    files: Vec<ArchiveFile>,
}

impl<F: Fn(&str) -> bool> Walk<'_, F> {
    fn look(&mut self, folder: &Dir, below: &str, level: usize) -> Result<(), ArchiveError> {
        for entry in folder.entries()? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(ArchiveError::Entries(self.limits.entries));
            }
            let name = entry.file_name();
            let shown = |name: &std::ffi::OsStr| format!("{below}{}", name.to_string_lossy());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let odd = || ArchiveError::Path(shown(&name));
            let text = name.to_str().ok_or_else(odd)?;
            let path = format!("{below}{text}");
            if !is_below(&path) || level > LEVELS {
                return Err(odd());
            }
            let is_link = entry.file_type()?.is_symlink();
            let found = folder.metadata(text);
            let found = match found {
                Err(_) if is_link => return Err(ArchiveError::Link(path)),
                found => found?,
            };
            match () {
                // Two ways into one folder could go on for ever.
                () if found.is_dir() && is_link => return Err(ArchiveError::FolderLink(path)),
                () if found.is_dir() => {
                    self.look(&folder.open_dir(text)?, &format!("{path}/"), level + 1)?;
                }
                () if !(self.is_wanted)(&path) => {}
                () if found.is_file() => self.take(folder, text, path)?,
                () => return Err(ArchiveError::Special(path)),
            }
        }
        Ok(())
    }

    fn take(&mut self, folder: &Dir, name: &str, path: String) -> Result<(), ArchiveError> {
        if self.files.len() >= self.limits.files {
            return Err(ArchiveError::Files(self.limits.files));
        }
        let mut options = OpenOptions::new();
        // A pipe that has taken the place of the file would wait for a writer.
        options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let file = folder.open_with(name, &options)?;
        let mode = cap_std::fs::MetadataExt::mode(&file.metadata()?);
        let mut bytes = Vec::new();
        file.take(self.room + 1).read_to_end(&mut bytes)?;
        let left = self.room.checked_sub(bytes.len() as u64);
        self.room = left.ok_or(ArchiveError::Large(self.limits.bytes))?;
        self.files.push(ArchiveFile { path, bytes, is_program: mode & 0o111 != 0 });
        Ok(())
    }
}
