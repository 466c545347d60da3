//! Archives from anybody, read in memory: zip, tar, and tar with gzip.
//!
//! Nothing is written. The paths of all files that are handed out lie below one folder: an archive with a path that leads
//! anywhere else, with a device in it, or with more than its limits allow is refused as a whole. A link is never made. One that
//! leads to a file of the same archive stands for a copy of it.

mod file;
mod folder;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    io::{self, Cursor, Read},
};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

pub use file::{ArchiveError, ArchiveFile, ArchiveLimits};
pub use folder::of_folder;

use crate::sabotage::{Guard, off};
use file::is_below;

/// Returns the files of an archive whose paths are wanted, in the order of their paths.
///
/// # Errors
///
/// When it is refused as a whole.
pub fn unpack(
    archive: &[u8],
    limits: &ArchiveLimits,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<ArchiveFile>, ArchiveError> {
    let unpacked = Unpacked::new(archive.len(), limits);
    let reader = Reader { unpacked, is_wanted, limits };
    match archive {
        [b'P', b'K', ..] => reader.zip(archive),
        [0x1f, 0x8b, ..] => reader.tar(MultiGzDecoder::new(archive)),
        _ if archive.get(257..262) == Some(b"ustar") => reader.tar(archive),
        _ => Err(ArchiveError::Unknown),
    }
}

/// Returns the paths of all files of an archive, at most `most` of them.
///
/// # Errors
///
/// As [`unpack`].
pub fn paths(archive: &[u8], limits: &ArchiveLimits) -> Result<Vec<String>, ArchiveError> {
    let paths = RefCell::new(Vec::new());
    unpack(archive, limits, |path| {
        paths.borrow_mut().push(path.to_owned());
        false
    })?;
    let mut paths = paths.into_inner();
    paths.sort_unstable();
    Ok(paths)
}

/// Hands on so many bytes and no more, and notes if more were asked for.
struct Counted<'a, R> {
    inner: R,
    left: u64,
    is_spent: &'a Cell<bool>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !off(Guard::ArchiveSize) {
            self.is_spent.set(true);
            return Ok(0);
        }
        let most = usize::try_from(self.left.max(1)).unwrap_or(usize::MAX).min(into.len());
        let read = self.inner.read(&mut into[..most])?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

struct Reader<'a, F> {
    unpacked: Unpacked,
    is_wanted: F,
    limits: &'a ArchiveLimits,
}

/// What was read so far.
struct Unpacked {
    files: BTreeMap<String, ArchiveFile>,
    /// Where links lead, by their paths.
    links: BTreeMap<String, String>,
    /// The bytes that may still be unpacked before the archive is one that was made for it.
    fair: u64,
    /// The bytes of wanted files that may still be unpacked.
    room: u64,
}

impl Unpacked {
    fn new(packed: usize, limits: &ArchiveLimits) -> Self {
        let fair = (packed as u64).saturating_mul(limits.ratio).saturating_add(1 << 20);
        Self { files: BTreeMap::new(), links: BTreeMap::new(), fair, room: limits.bytes }
    }
}

impl<F: Fn(&str) -> bool> Reader<'_, F> {
    fn zip(mut self, archive: &[u8]) -> Result<Vec<ArchiveFile>, ArchiveError> {
        let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(odd_zip)?;
        self.check_entries(zip.len())?;
        for at in 0..zip.len() {
            let mut entry = zip.by_index(at).map_err(odd_zip)?;
            if entry.encrypted() {
                return Err(ArchiveError::Encrypted);
            }
            let (is_folder, is_link) = (entry.is_dir(), entry.is_symlink());
            let Some(path) = self.path(entry.name_raw(), is_folder)? else { continue };
            let mode = entry.unix_mode().unwrap_or(0);
            let is_special = !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000 | 0o120_000);
            match () {
                () if is_special => return Err(ArchiveError::Special(path)),
                () if is_folder => {}
                () if is_link => {
                    let to = self.bytes(&mut entry)?;
                    self.link(path, &to)?;
                }
                () => self.take(path, &mut entry, mode & 0o111 != 0)?,
            }
        }
        self.finish()
    }

    fn tar(mut self, archive: impl Read) -> Result<Vec<ArchiveFile>, ArchiveError> {
        // What is not wanted is unpacked too, and counts.
        let (left, is_spent) = (self.unpacked.fair, Cell::new(false));
        let counted = Counted { inner: archive, left, is_spent: &is_spent };
        let bomb = ArchiveError::Bomb(self.limits.ratio);
        let read = self.entries(&mut tar::Archive::new(counted));
        match read {
            // An archive that is cut where it became too large looks damaged, or whole.
            Ok(()) | Err(ArchiveError::Damaged(_)) if is_spent.get() => Err(bomb),
            read => read.and_then(|()| self.finish()),
        }
    }

    fn entries(&mut self, tar: &mut tar::Archive<impl Read>) -> Result<(), ArchiveError> {
        let damaged = |error: io::Error| ArchiveError::Damaged(error.to_string());
        for (count, entry) in tar.entries().map_err(damaged)?.enumerate() {
            self.check_entries(count + 1)?;
            let mut entry = entry.map_err(damaged)?;
            let kind = entry.header().entry_type();
            if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
                continue;
            }
            let path = self.path(&entry.path_bytes(), kind == EntryType::Directory)?;
            let Some(path) = path else { continue };
            let mode = entry.header().mode().unwrap_or(0);
            match kind {
                EntryType::Directory => {}
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.take(path, &mut entry, mode & 0o111 != 0)?;
                }
                EntryType::Symlink | EntryType::Link => {
                    let to = entry.link_name_bytes().unwrap_or_default();
                    // A hard link names its target from the top of the archive.
                    let is_hard = kind == EntryType::Link;
                    let up = if is_hard { path.matches('/').count() } else { 0 };
                    self.link(path, &["../".repeat(up).as_bytes(), &to].concat())?;
                }
                _ => return Err(ArchiveError::Special(path)),
            }
        }
        Ok(())
    }

    fn check_entries(&self, count: usize) -> Result<(), ArchiveError> {
        let is_too_many = count > self.limits.entries;
        if is_too_many { Err(ArchiveError::Entries(self.limits.entries)) } else { Ok(()) }
    }

    /// Returns the path of an entry, or nothing for the folder that all of them are in.
    fn path(&self, raw: &[u8], is_folder: bool) -> Result<Option<String>, ArchiveError> {
        let shown = || ArchiveError::Path(String::from_utf8_lossy(raw).into_owned());
        let text = std::str::from_utf8(raw).map_err(|_| shown())?;
        let text = text.trim_start_matches("./");
        let text = if is_folder { text.trim_end_matches('/') } else { text };
        match text {
            "" | "." if is_folder => Ok(None),
            _ if is_below(text) || off(Guard::ArchivePath) => Ok(Some(text.to_owned())),
            _ => Err(shown()),
        }
    }

    fn take(
        &mut self,
        path: String,
        from: &mut impl Read,
        is_program: bool,
    ) -> Result<(), ArchiveError> {
        if !(self.is_wanted)(&path) {
            return Ok(());
        }
        if self.unpacked.files.len() >= self.limits.files {
            return Err(ArchiveError::Files(self.limits.files));
        }
        let bytes = self.bytes(from)?;
        let file = ArchiveFile { path: path.clone(), bytes, is_program };
        match self.unpacked.files.insert(path.clone(), file) {
            Some(_) => Err(ArchiveError::Twice(path)),
            None => Ok(()),
        }
    }

    fn bytes(&mut self, from: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
        let Unpacked { fair, room, .. } = self.unpacked;
        let most = if off(Guard::ArchiveSize) { u64::MAX - 1 } else { fair.min(room) };
        let mut bytes = Vec::new();
        let read = from.take(most + 1).read_to_end(&mut bytes);
        read.map_err(|error| ArchiveError::Damaged(error.to_string()))?;
        let length = bytes.len() as u64;
        if length > most {
            let is_bomb = fair < room;
            return Err(match is_bomb {
                true => ArchiveError::Bomb(self.limits.ratio),
                false => ArchiveError::Large(self.limits.bytes),
            });
        }
        self.unpacked.fair = fair.saturating_sub(length);
        self.unpacked.room = room.saturating_sub(length);
        Ok(bytes)
    }

    fn link(&mut self, path: String, to: &[u8]) -> Result<(), ArchiveError> {
        if !(self.is_wanted)(&path) {
            return Ok(());
        }
        let target = std::str::from_utf8(to).ok().and_then(|to| led(&path, to));
        let target = target.ok_or_else(|| ArchiveError::Link(path.clone()))?;
        self.unpacked.links.insert(path, target);
        Ok(())
    }

    /// Puts copies in the place of links.
    fn finish(self) -> Result<Vec<ArchiveFile>, ArchiveError> {
        let Unpacked { mut files, links, mut room, .. } = self.unpacked;
        for (path, target) in links {
            let found = files.get(&target).cloned();
            let found = found.ok_or_else(|| ArchiveError::Link(path.clone()))?;
            room = room
                .checked_sub(found.bytes.len() as u64)
                .ok_or(ArchiveError::Large(self.limits.bytes))?;
            files.insert(path.clone(), ArchiveFile { path, ..found });
        }
        let mut names = BTreeSet::new();
        // Where case does not count, one of two such files would be lost.
        match files.keys().find(|path| !names.insert(path.to_lowercase())) {
            Some(twice) => Err(ArchiveError::Twice(twice.clone())),
            None => Ok(files.into_values().collect()),
        }
    }
}

fn odd_zip(error: zip::result::ZipError) -> ArchiveError {
    match error {
        zip::result::ZipError::UnsupportedArchive(what) if what.contains("assword") => {
            ArchiveError::Encrypted
        }
        error => ArchiveError::Damaged(error.to_string()),
    }
}

/// Returns the path that a link of a file leads to, if it stays in the archive.
fn led(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    (!to.starts_with('/') && is_below(&path)).then_some(path)
}
