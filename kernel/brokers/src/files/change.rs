//! Changing: write, create, rename, remove.
//!
//! A change is made by name in an open directory whose real path was checked, so that it cannot be led elsewhere between
//! the check and the change. Whoever asks is told of each path before it is changed, so that its state can be kept.

use super::guard::Act;
use super::keep::{self, Remark};
use super::path::Place;
use super::touch::{Touch, Wanted, Watch};
use super::{FileError, Files, WRITE_LIMIT};
use crate::exchange::{self, At};
use crate::failpoint::{Point, hit};
use crate::sabotage::{Guard, off};
use crate::snapshot;
use cap_std::fs::{
    Dir, Metadata, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt,
};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The most links that are followed to a file.
const MOST_LINKS: usize = 8;

/// The most entries of the workspace that are looked at for the other names of a file.
const MOST_LOOKED_AT: usize = 100_000;

/// Changes that somebody is told of.
pub struct Watched<'f> {
    files: &'f Files,
    watch: &'f Watch<'f>,
}

/// A name in an open directory.
struct Spot<'a> {
    dir: Dir,
    name: PathBuf,
    /// Its real path, for the rules and messages.
    place: Place<'a>,
}

impl Files {
    /// Returns the changing part of the broker. `watch` is told of each path just before it is changed, by its real name,
    /// and of nothing that is refused.
    #[must_use]
    pub fn watched<'f>(&'f self, watch: &'f Watch<'f>) -> Watched<'f> {
        Watched { files: self, watch }
    }

    /// As [`Watched::write`], without telling anybody.
    ///
    /// # Errors
    ///
    /// The old contents are still there, whole.
    pub fn write(
        &self,
        path: &str,
        contents: &[u8],
        expect: Option<&[u8]>,
    ) -> Result<Vec<Remark>, FileError> {
        self.watched(&unwatched).write(path, contents, expect)
    }

    /// As [`Watched::create_directory`], without telling anybody.
    ///
    /// # Errors
    ///
    /// The path may not be changed, or part of it is not a directory.
    pub fn create_directory(&self, path: &str) -> Result<(), FileError> {
        self.watched(&unwatched).create_directory(path)
    }

    /// As [`Watched::rename`], without telling anybody.
    ///
    /// # Errors
    ///
    /// One of the paths may not be changed, `from` is not there, or `to` is.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        self.watched(&unwatched).rename(from, to)
    }

    /// As [`Watched::remove`], without telling anybody.
    ///
    /// # Errors
    ///
    /// The path may not be changed, is not there, or is a directory that is not empty.
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        self.watched(&unwatched).remove(path)
    }
}

fn unwatched(_: &Touch<'_>) -> io::Result<()> {
    Ok(())
}

impl<'f> Watched<'f> {
    /// Replaces the contents of a file in one step, creating it and its parents if need be; owner, mode and attributes of
    /// an existing file are kept, and what is not kept is returned. A file that has several names, or is somebody else's,
    /// is changed in place. With `expect`, the present contents must be those bytes. They are compared just before the
    /// replacement; a writer that does not use this broker can still come between.
    ///
    /// # Errors
    ///
    /// The old contents are still there, whole.
    pub fn write(
        &self,
        path: &str,
        contents: &[u8],
        expect: Option<&[u8]>,
    ) -> Result<Vec<Remark>, FileError> {
        let place = self.files.place(path)?;
        self.files.check(&place, Act::Change)?;
        if contents.len() > WRITE_LIMIT {
            return Err(FileError::TooLarge { path: path.to_owned(), limit: WRITE_LIMIT as u64 });
        }
        let (spot, present) = self.target(place)?;
        if let Some(expect) = expect
            && !off(Guard::FileExpect)
        {
            spot.compare(present.as_ref(), expect)?;
        }
        let shared = self.is_shared(&spot.place, present.as_ref())?;
        let mut remarks = present.as_ref().map(keep::remarks).unwrap_or_default();
        let replaced = hit(Point::FileWriteBefore)
            .and_then(|()| match &present {
                Some(meta) if shared || keep::is_foreign(meta) => {
                    let mode = keep::mode(meta);
                    (self.watch)(&spot.place.touch(Wanted::File {
                        contents,
                        mode,
                        is_there: true,
                    }))?;
                    spot.overwrite(contents, meta)
                }
                _ => {
                    let lost = spot.replace(contents, present.as_ref(), expect, self.watch)?;
                    remarks.extend(lost);
                    Ok(())
                }
            })
            .and_then(|()| hit(Point::FileWriteAfter));
        replaced.map_err(|error| spot.place.failed(error))?;
        Ok(remarks)
    }

    /// Creates a directory and its parents; succeeds if it exists already.
    ///
    /// # Errors
    ///
    /// The path may not be changed, or part of it is not a directory.
    pub fn create_directory(&self, path: &str) -> Result<(), FileError> {
        let place = self.files.place(path)?;
        self.files.check(&place, Act::Change)?;
        self.make_dir(&place).map(drop)
    }

    /// Renames a file, link or directory.
    ///
    /// # Errors
    ///
    /// One of the paths may not be changed, `from` is not there, or `to` is.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let (from, to) = (self.files.place(from)?, self.files.place(to)?);
        self.files.check(&from, Act::Change)?;
        self.files.check(&to, Act::Change)?;
        let (from, to) = (self.spot(&from, false)?, self.spot(&to, true)?);
        from.dir.symlink_metadata(&from.name).map_err(|error| from.place.failed(error))?;
        if to.dir.symlink_metadata(&to.name).is_ok() {
            return Err(to.place.failed(io::Error::from_raw_os_error(libc::EEXIST)));
        }
        let is_within = from.place.root.path == to.place.root.path;
        let told = if is_within {
            (self.watch)(&to.place.touch(Wanted::MovedFrom(from.place.path.clone())))
        } else {
            (self.watch)(&to.place.touch(Wanted::Unknown))
                .and_then(|()| (self.watch)(&from.place.touch(Wanted::Nothing)))
        };
        let renamed = told.and_then(|()| rename_to_new(&from.dir, &from.name, &to.dir, &to.name));
        renamed.map_err(|error| to.place.failed(error))
    }

    /// Removes a file, a link, or an empty directory.
    ///
    /// # Errors
    ///
    /// The path may not be changed, is not there, or is a directory that is not empty.
    pub fn remove(&self, path: &str) -> Result<(), FileError> {
        let place = self.files.place(path)?;
        self.files.check(&place, Act::Change)?;
        let spot = self.spot(&place, false)?;
        let removed = spot.dir.symlink_metadata(&spot.name).and_then(|meta| {
            (self.watch)(&spot.place.touch(Wanted::Nothing))?;
            if meta.is_dir() {
                spot.dir.remove_dir(&spot.name)
            } else {
                spot.dir.remove_file(&spot.name)
            }
        });
        removed.map_err(|error| spot.place.failed(error))
    }

    /// Returns whether the file has several names (hard links), which a replacement would part, so that it is to be changed
    /// in place. All of them have to be known, and each may be changed.
    fn is_shared(&self, place: &Place<'_>, present: Option<&Metadata>) -> Result<bool, FileError> {
        let Some(meta) = present.filter(|meta| meta.nlink() > 1) else { return Ok(false) };
        let mut names = Vec::new();
        let mut left = MOST_LOOKED_AT;
        find_names(&place.root.dir, Path::new(""), meta, &mut names, &mut left)
            .map_err(|error| place.failed(error))?;
        if (names.len() as u64) < meta.nlink() {
            let reason = "has another name (a hard link) that is not in the workspace, and the two would part or both \
                          change; first make it a file of its own with `cp` and `mv`";
            return Err(FileError::Conflict { path: place.given.to_owned(), reason });
        }
        names.into_iter().try_for_each(|name| self.files.check(&place.at(name), Act::Change))?;
        Ok(true)
    }

    /// Finds the file that a write to `place` changes, following links, and its present metadata.
    fn target<'a>(&self, place: Place<'a>) -> Result<(Spot<'a>, Option<Metadata>), FileError> {
        let mut place = place;
        for _ in 0..MOST_LINKS {
            let spot = self.spot(&place, true)?;
            let meta = match spot.dir.symlink_metadata(&spot.name) {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((spot, None)),
                Err(error) => return Err(spot.place.failed(error)),
            };
            if meta.is_file() {
                return Ok((spot, Some(meta)));
            }
            if !meta.is_symlink() {
                let found = if meta.is_dir() { "a directory" } else { "a pipe, socket or device" };
                return Err(FileError::NotAFile { path: place.given.to_owned(), found });
            }
            let path = place.canonical(&spot.place.path)?;
            place = place.at(path);
        }
        Err(FileError::Conflict { path: place.given.to_owned(), reason: "keeps changing" })
    }

    /// Opens the directory of `place`, and checks the place by the real path of that directory.
    fn spot<'a>(&self, place: &Place<'a>, create: bool) -> Result<Spot<'a>, FileError> {
        let (parent, name) = place.split()?;
        let parent = place.at(parent);
        let dir = if create { self.make_dir(&parent)? } else { parent.open_dir()? };
        let real = parent.real(&dir)?;
        let place = place.at(real.path.join(&name));
        self.files.check_real(&place, Act::Change)?;
        Ok(Spot { dir, name, place })
    }

    /// Opens a directory, creating what is missing of it. The existing part is checked before anything is created in it.
    fn make_dir(&self, place: &Place<'_>) -> Result<Dir, FileError> {
        let mut existing = place.path.as_path();
        let dir = loop {
            match place.at(existing.to_owned()).open_dir() {
                Err(FileError::NotFound { .. }) if existing.parent().is_some() => {
                    existing = existing.parent().unwrap_or(Path::new(""));
                }
                opened => break opened?,
            }
        };
        let missing = place.path.strip_prefix(existing).unwrap_or(Path::new(""));
        if missing.as_os_str().is_empty() {
            return Ok(dir);
        }
        let real = place.at(existing.to_owned()).real(&dir)?;
        self.files.check_real(&real.at(real.path.join(missing)), Act::Change)?;
        let created = self.create_below(dir, &real, missing);
        created.map_err(|error| place.failed(error))
    }

    fn create_below(&self, mut dir: Dir, real: &Place<'_>, missing: &Path) -> io::Result<Dir> {
        let mut so_far = real.path.clone();
        for name in missing {
            so_far.push(name);
            (self.watch)(&real.at(so_far.clone()).touch(Wanted::Directory))?;
            match dir.create_dir(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => dir = dir.open_dir(name)?,
            }
        }
        Ok(dir)
    }
}

impl<'a> Place<'a> {
    fn touch<'t>(&'t self, wanted: Wanted<'t>) -> Touch<'t> {
        let Self { root, path, .. } = self;
        Touch { root: &root.path, is_workspace: root.is_workspace, path: path.clone(), wanted }
    }
}

/// Adds the names that the file of `meta` has below `dir`.
fn find_names(
    dir: &Dir,
    path: &Path,
    meta: &Metadata,
    names: &mut Vec<PathBuf>,
    left: &mut usize,
) -> io::Result<()> {
    for entry in dir.entries()? {
        if *left == 0 || names.len() as u64 == meta.nlink() {
            return Ok(());
        }
        *left -= 1;
        let entry = entry?;
        let (name, kind) = (path.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            // What cannot be opened cannot be looked into: its names are missing in the count.
            if let Ok(inner) = entry.open_dir() {
                find_names(&inner, &name, meta, names, left)?;
            }
        } else if kind.is_file() {
            let own = entry.metadata()?;
            if (own.dev(), own.ino()) == (meta.dev(), meta.ino()) {
                names.push(name);
            }
        }
    }
    Ok(())
}

/// Returns the first bytes of a regular file, one more than `length`.
fn read(dir: &Dir, name: &Path, length: usize) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    let mut bytes = Vec::with_capacity(length + 1);
    dir.open_with(name, &options)?.take(length as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Renames without replacing; in one step where the file system can.
fn rename_to_new(from: &Dir, name: &Path, to: &Dir, new: &Path) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    match renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata(new).is_ok() {
                return Err(io::Error::from_raw_os_error(libc::EEXIST));
            }
            from.rename(name, to, new)
        }
        done => Ok(done?),
    }
}

impl Spot<'_> {
    /// Compares the present contents with what the writer expects.
    fn compare(&self, present: Option<&Metadata>, expect: &[u8]) -> Result<(), FileError> {
        let conflict = |reason| FileError::Conflict { path: self.place.given.to_owned(), reason };
        let Some(meta) = present else { return Err(conflict("is not there any more")) };
        if meta.len() != expect.len() as u64 {
            return Err(conflict("has changed"));
        }
        let present = read(&self.dir, &self.name, expect.len());
        let same = present.map_err(|error| self.place.failed(error))? == expect;
        if same { Ok(()) } else { Err(conflict("has changed")) }
    }

    fn replace(
        &self,
        contents: &[u8],
        present: Option<&Metadata>,
        expect: Option<&[u8]>,
        watch: &Watch<'_>,
    ) -> io::Result<Vec<Remark>> {
        // A file that a crash left over is found again by its name.
        let temp = snapshot::temporary(&self.place.path);
        let replaced = self.write_temp(&temp, contents, present).and_then(|(mode, remarks)| {
            let is_there = present.is_some();
            watch(&self.place.touch(Wanted::File { contents, mode, is_there }))?;
            self.take_place(&temp, present, expect)?;
            Ok(remarks)
        });
        if replaced.is_err() {
            // The first error is reported; a file that stays has a name that says whose it is.
            drop(self.dir.remove_file(&temp));
        }
        replaced
    }

    /// Gives the new file its name. What others saved there since it was looked at stays.
    fn take_place(
        &self,
        temp: &Path,
        present: Option<&Metadata>,
        expect: Option<&[u8]>,
    ) -> io::Result<()> {
        let Some(meta) = present else {
            return rename_to_new(&self.dir, temp, &self.dir, &self.name);
        };
        let at = |name| At { directory: &self.dir, name };
        let is_expected = || match expect.filter(|_| !off(Guard::FileExpect)) {
            Some(expect) => Ok(read(&self.dir, temp, expect.len())? == expect),
            None => {
                let there = self.dir.symlink_metadata(temp)?;
                let facts = |meta: &Metadata| {
                    (meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec())
                };
                Ok(facts(&there) == facts(meta))
            }
        };
        match exchange::replace(&at(temp), &at(&self.name), is_expected)? {
            true => Ok(()),
            false => Err(io::Error::other("somebody else saved it just now")),
        }
    }

    /// Changes the file under all of its names. The old contents come back if the new ones cannot be written, for lack
    /// of space for example; a machine that stops in between leaves a part of both.
    fn overwrite(&self, contents: &[u8], meta: &Metadata) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
        let mut file = self.dir.open_with(&self.name, &options)?;
        let mut old = Vec::new();
        file.read_to_end(&mut old)?;
        let mut put = |bytes: &[u8]| -> io::Result<()> {
            file.seek(io::SeekFrom::Start(0))?;
            file.write_all(bytes)?;
            file.set_len(bytes.len() as u64)?;
            file.sync_all()
        };
        match put(contents) {
            // The first error is reported, whether the old contents can be put back or not.
            Err(error) => put(&old).and(Err(error)),
            Ok(()) if meta.mode() & 0o7777 != keep::mode(meta) && !keep::is_foreign(meta) => {
                file.set_permissions(Permissions::from_mode(keep::mode(meta)))
            }
            Ok(()) => Ok(()),
        }
    }

    fn write_temp(
        &self,
        temp: &Path,
        contents: &[u8],
        present: Option<&Metadata>,
    ) -> io::Result<(u32, Vec<Remark>)> {
        let mut options = OpenOptions::new();
        // A new file gets the mode of the umask, an existing one keeps its own.
        let mode = if present.is_some() { 0o600 } else { 0o666 };
        options.write(true).create_new(true).mode(mode);
        let mut file = match self.dir.open_with(temp, &options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.dir.remove_file(temp)?;
                self.dir.open_with(temp, &options)?
            }
            opened => opened?,
        };
        file.write_all(contents)?;
        let mut remarks = Vec::new();
        if let Some(meta) = present {
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
            let old = self.dir.open_with(&self.name, &options).ok();
            remarks = keep::take_over(&file, meta, old.as_ref())?;
        }
        file.sync_all()?;
        Ok((file.metadata()?.mode() & 0o7777, remarks))
    }
}
