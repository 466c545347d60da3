//! Looking: stat, read, list.

use super::guard::Act;
use super::path::Place;
use super::{FileEntry, FileError, Files, LIST_LIMIT, READ_LIMIT, Stat};
use crate::sabotage::{Guard, off};
use cap_std::fs::{File, OpenOptions, OpenOptionsExt};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

impl Files {
    /// Returns the metadata of the file at `path`, following links.
    ///
    /// # Errors
    ///
    /// The path may not be read, or is not there.
    pub fn stat(&self, path: &str) -> Result<Stat, FileError> {
        let place = self.place(path)?;
        self.check(&place, Act::Read)?;
        let real = place.at(place.canonical(place.below())?);
        self.check_real(&real, Act::Read)?;
        let meta = real.root.dir.symlink_metadata(real.below());
        meta.map(|meta| Stat::of(&meta)).map_err(|error| place.failed(error))
    }

    /// Returns up to `length` bytes of a regular file from `offset`, at most [`READ_LIMIT`]; fewer at its end.
    ///
    /// # Errors
    ///
    /// The path may not be read, is not there, or is not a regular file.
    pub fn read(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>, FileError> {
        let place = self.place(path)?;
        self.check(&place, Act::Read)?;
        let file = self.open_file(&place)?;
        let size = file.metadata().map_err(|error| place.failed(error))?.len();
        let left = size.saturating_sub(offset);
        let length = u64::from(length.min(READ_LIMIT)).min(left);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let filled =
            fill(&file.into_std(), &mut bytes, offset).map_err(|error| place.failed(error))?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Returns the entries of a directory, sorted by name, at most [`LIST_LIMIT`]. In a name that is not UTF-8 the odd
    /// bytes stand as `\xE9`; it is listed so that it is known, and cannot be asked for.
    ///
    /// # Errors
    ///
    /// The path may not be read, is not there, or is not a directory.
    pub fn list(&self, path: &str) -> Result<Vec<FileEntry>, FileError> {
        let place = self.place(path)?;
        self.check(&place, Act::Read)?;
        let dir = place.open_dir()?;
        self.check_real(&place.real(&dir)?, Act::Read)?;
        let mut names: Vec<(String, _)> = dir
            .entries()
            .map_err(|error| place.failed(error))?
            .filter_map(Result::ok)
            .map(|entry| (shown(&entry.file_name()), entry))
            .collect();
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        names.truncate(LIST_LIMIT);
        // A file that is gone by now is not listed.
        let stat = |(name, entry): (String, cap_std::fs::DirEntry)| {
            entry.metadata().ok().map(|meta| FileEntry { name, stat: Stat::of(&meta) })
        };
        Ok(names.into_iter().filter_map(stat).collect())
    }

    /// Opens a regular file to read. The open does not wait, as it would for a pipe, and the file is checked by its
    /// descriptor.
    pub(super) fn open_file(&self, place: &Place<'_>) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let opened = place.root.dir.open_with(place.below(), &options);
        let file = opened.map_err(|error| place.failed(error))?;
        let meta = file.metadata().map_err(|error| place.failed(error))?;
        if !meta.is_file() && !off(Guard::FileKind) {
            let found = if meta.is_dir() { "a directory" } else { "a pipe, socket or device" };
            return Err(FileError::NotAFile { path: place.given.to_owned(), found });
        }
        let real = place.real(&file)?;
        self.check_real(&real, Act::Read)?;
        self.check_hard_links(&real, &file)?;
        Ok(file)
    }
}

fn shown(name: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        shown.push_str(chunk.valid());
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    shown
}

fn fill(file: &std::fs::File, bytes: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
