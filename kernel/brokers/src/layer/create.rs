//! The directories of a layer, its beginning and its end.

use super::below::{Parent, nanoseconds};
use super::mount::{Closed, linked_places};
use super::upper::{Upper, walk};
use super::{LayerChange, LayerError, LayerMount};
use crate::durable::create_private_dir;
use crate::file_lock::FileLock;
use crate::random::Random;
use crate::repository::{self, LinkedRepository};
use openkoi_core::change_set::{name_of_text, text_of_name};
use rustix::fs::StatVfsMountFlags;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The time for which a layer with a plan that nobody went on with is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The name of the plan in a layer's directory.
pub(super) const PLAN: &str = "plan.json";
/// The name of the file that says whose layer it is.
const OWNER: &str = "owner.json";

/// Whose a layer is, and what has to be known to plan it when its process is gone.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    owner: String,
    /// The workspace and the closed places, in the form of a change set's names.
    workspace: String,
    closed: Vec<String>,
    begun: i128,
}

/// The changes of one program, or of several one after the other, that are not in the workspace yet. Dropping it drops
/// the changes.
#[derive(Debug)]
pub struct Layer {
    mount: LayerMount,
    id: String,
    /// The time at which it began, in nanoseconds since the epoch. What others change is later.
    pub(super) begun: i128,
    /// Locked as long as the layer has an owner, so that it is not swept.
    _lock: FileLock,
    /// Whether the directory stays when this value goes.
    pub(super) stays: bool,
}

impl Layer {
    /// Makes a layer over `workspace` in a new directory below `base`, which is on the same file system if possible:
    /// then committing renames. `through` are directories of the workspace, absolute or relative to it, that stay the
    /// real ones; what is not a directory is left out. Programs find `places` empty, but for `shown`.
    pub(crate) fn create(
        base: &Path,
        workspace: &Path,
        through: Vec<PathBuf>,
        places: &[PathBuf],
        shown: &Path,
    ) -> Result<Self, LayerError> {
        let workspace =
            workspace.canonicalize().map_err(|e| LayerError::io("enter", workspace, e))?;
        create_private_dir(base)
            .map_err(|e| LayerError::io("create", base, io::Error::other(e)))?;
        let base = base.canonicalize().map_err(|e| LayerError::io("enter", base, e))?;
        check(&base, &workspace)?;
        Self::sweep(&base);
        let id = Random::default().id(crate::clock::SystemClock.now_ms());
        let id = id.map_err(|error| LayerError::io("name", &base, io::Error::other(error)))?;
        let directory = base.join(&id);
        for part in ["upper", "work", "stage"] {
            let part = directory.join(part);
            create_private_dir(&part)
                .map_err(|e| LayerError::io("create", &part, io::Error::other(e)))?;
        }
        let lock = lock(&directory)?
            .ok_or_else(|| LayerError::none("another process took its directory"))?;
        let through = through.iter().filter_map(|path| real_below(&workspace, path)).collect();
        let linked = repository::linked(&workspace);
        if linked.is_some() {
            for part in linked_places(&directory) {
                create_private_dir(&part)
                    .map_err(|e| LayerError::io("create", &part, io::Error::other(e)))?;
            }
        }
        let guests = Arc::default();
        let closed = Closed::default();
        let mount = LayerMount { directory, workspace, through, closed, linked, guests };
        let mut layer = Self { mount, id, begun: 0, _lock: lock, stays: false };
        layer.close(places, shown)?;
        layer.copy_root()?;
        layer.begun = begin();
        Ok(layer)
    }

    /// Opens the directory of a layer again, whose process is gone.
    pub(super) fn reopen(base: &Path, id: &str, workspace: PathBuf) -> Result<Self, LayerError> {
        let gone = || LayerError::NoPlan { id: id.to_owned() };
        let directory = base.join(id);
        let lock = lock(&directory)?.ok_or_else(gone)?;
        let (linked, through, guests) =
            (repository::linked(&workspace), Vec::new(), Arc::default());
        let closed = Closed::default();
        let mount = LayerMount { directory, workspace, through, closed, linked, guests };
        Ok(Self { mount, id: id.to_owned(), begun: 0, _lock: lock, stays: true })
    }

    /// Writes down whose layer it is, so that what programs wrote in it is found again by [`Layer::left`] if this process
    /// is killed.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn belongs_to(&self, owner: &str) -> Result<(), LayerError> {
        let text = |path: &Path| text_of_name(path.as_os_str());
        let owner = Owner {
            owner: owner.to_owned(),
            workspace: text(&self.mount.workspace),
            closed: self.mount.closed.places.iter().map(|place| text(place)).collect(),
            begun: self.begun,
        };
        let path = self.mount.directory.join(OWNER);
        let failed = |error| LayerError::io("write", &path, error);
        let bytes = serde_json::to_vec(&owner).map_err(|error| failed(error.into()))?;
        // It need not outlive the machine: what programs wrote does not wait for the disk either.
        fs::write(&path, bytes).map_err(failed)
    }

    /// Returns the layer that a process which is gone left in `base` in the name of `owner`. It stays until its plan is
    /// carried out, and a week at most.
    #[must_use]
    pub fn left(base: &Path, owner: &str) -> Option<Self> {
        let entries = fs::read_dir(base).ok()?.filter_map(Result::ok);
        for directory in entries.map(|entry| entry.path()) {
            let known = fs::read(directory.join(OWNER)).ok();
            let known: Option<Owner> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let Some(known) = known.filter(|known| known.owner == owner) else { continue };
            let id = directory.file_name()?.to_str()?.to_owned();
            let path = |text: &String| PathBuf::from(name_of_text(text));
            let mut layer = Self::reopen(base, &id, path(&known.workspace)).ok()?;
            layer.begun = known.begun;
            layer.mount.closed.places = known.closed.iter().map(path).collect();
            return Some(layer);
        }
        None
    }

    /// Makes what stands in for the places that are closed to programs. A place that is not there has nothing to hide, and
    /// what a program makes in it is not taken over.
    fn close(&mut self, places: &[PathBuf], shown: &Path) -> Result<(), LayerError> {
        let masks = self.mount.directory.join("masks");
        let failed = |error| LayerError::io("prepare", &masks, error);
        let mut inside = Vec::new();
        for place in places {
            match real(place).strip_prefix(&self.mount.workspace) {
                Ok(below) if below.as_os_str().is_empty() => {
                    return Err(LayerError::none("the workspace is closed to programs"));
                }
                Ok(below) => inside.push(below.to_owned()),
                Err(_) => {}
            }
        }
        inside.sort_unstable();
        // What lies in another one is closed with it.
        inside.dedup_by(|place, above| place.starts_with(above));
        let shown = real(shown);
        for (number, place) in inside.iter().enumerate() {
            let there = self.mount.workspace.join(place);
            let Ok(meta) = fs::symlink_metadata(&there) else { continue };
            let source = masks.join(number.to_string());
            create_private_dir(&masks).map_err(|error| failed(io::Error::other(error)))?;
            if !meta.is_dir() {
                let options = &mut File::options();
                options.write(true).create_new(true).mode(0o400).open(&source).map_err(failed)?;
            } else if let Ok(below) = shown.strip_prefix(&there) {
                create_private_dir(&source.join(below))
                    .map_err(|error| failed(io::Error::other(error)))?;
                self.mount.closed.shown.extend(shown.is_dir().then(|| place.join(below)));
            } else {
                create_private_dir(&source).map_err(|error| failed(io::Error::other(error)))?;
            }
            self.mount.closed.masks.push((source, place.clone()));
        }
        self.mount.closed.places = inside;
        Ok(())
    }

    /// Gives the root of the layer mode and owner of the workspace, which it stands for.
    fn copy_root(&self) -> Result<(), LayerError> {
        let copy = || -> io::Result<()> {
            let meta = fs::metadata(&self.mount.workspace)?;
            let upper = self.upper();
            // A file system without attributes would be mounted all the same, and lose what the overlay notes.
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::setxattr(&upper, "user.openkoi", b"1", flags)?;
            rustix::fs::removexattr(&upper, "user.openkoi")?;
            let own = fs::metadata(&upper)?;
            if (own.uid(), own.gid()) != (meta.uid(), meta.gid()) {
                std::os::unix::fs::chown(&upper, Some(meta.uid()), Some(meta.gid()))?;
            }
            fs::set_permissions(&upper, meta.permissions())
        };
        copy().map_err(|error| {
            LayerError::none(format!("its directory cannot be prepared ({error})"))
        })
    }

    /// Returns the name of the layer, by which its plan is found again.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what a command needs to run over the layer.
    #[must_use]
    pub fn mount(&self) -> LayerMount {
        self.mount.clone()
    }

    /// Lists what programs have changed in it, as they left it and whatever others did meanwhile. Sorted by path.
    ///
    /// # Errors
    ///
    /// The layer's own directory cannot be read.
    pub fn changes(&self) -> Result<Vec<LayerChange>, LayerError> {
        Ok(self.walk()?.changes())
    }

    /// Drops all changes, with files and directories that their program made unreadable.
    ///
    /// # Errors
    ///
    /// A part of the layer's directory could not be removed. It is swept later.
    pub fn discard(mut self) -> Result<(), LayerError> {
        self.stays = true;
        self.remove()
    }

    /// Removes what processes that are gone left in `base`: layers of nobody at once. One with a plan may be cut in the
    /// middle, and one with an owner holds what a task's programs wrote until they were cut: they are kept for a week.
    pub fn sweep(base: &Path) {
        let Ok(entries) = fs::read_dir(base) else { return };
        for entry in entries.filter_map(Result::ok) {
            let directory = entry.path();
            let Ok(Some(_lock)) = lock(&directory) else { continue };
            let is_young = |name: &&str| {
                let written = fs::metadata(directory.join(name)).and_then(|meta| meta.modified());
                written.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < KEPT))
            };
            if [PLAN, OWNER].iter().any(is_young) {
                continue;
            }
            if let Err(error) = remove_all(&directory) {
                tracing::debug!(%error, "a layer stays");
            }
        }
    }

    pub(super) fn walk(&self) -> Result<Upper, LayerError> {
        walk(&self.upper())
    }

    /// Returns the repository of a linked working tree, and what programs wrote over it.
    pub(super) fn linked(&self) -> Option<(&LinkedRepository, PathBuf)> {
        let [upper, _] = linked_places(&self.mount.directory);
        self.mount.linked.as_ref().map(|linked| (linked, upper)).filter(|(_, upper)| upper.is_dir())
    }

    pub(super) fn upper(&self) -> PathBuf {
        self.mount.directory.join("upper")
    }

    pub(super) fn workspace(&self) -> &Path {
        &self.mount.workspace
    }

    pub(super) fn closed_places(&self) -> Vec<PathBuf> {
        self.mount.closed.places.clone()
    }

    pub(super) fn directory(&self) -> &Path {
        &self.mount.directory
    }

    pub(super) fn remove(&self) -> Result<(), LayerError> {
        remove_all(self.directory())
            .map_err(|error| LayerError::io("remove", self.directory(), error))
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(error) = self.remove() {
            tracing::debug!(%error, "a layer stays");
        }
    }
}

/// Returns the path without links. Of one that is not there, the directory is looked at.
fn real(path: &Path) -> PathBuf {
    let of_parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(of_parent).unwrap_or_else(|| path.to_owned())
}

/// Checks what can be seen without trying.
fn check(base: &Path, workspace: &Path) -> Result<(), LayerError> {
    if base.starts_with(workspace) {
        return Err(LayerError::none("OpenKoi's own directory is inside of the workspace"));
    }
    if workspace.starts_with(base) {
        return Err(LayerError::none("the workspace is inside of OpenKoi's own directory"));
    }
    let failed = |error| LayerError::io("look at", workspace, error);
    let flags = rustix::fs::statvfs(workspace).map_err(|e| failed(e.into()))?.f_flag;
    if flags.contains(StatVfsMountFlags::RDONLY) {
        return Err(LayerError::none("the workspace is read-only"));
    }
    if has_times_of_others(workspace)? {
        return Err(LayerError::none("the times of its files come from another machine"));
    }
    let mounts = fs::read("/proc/self/mountinfo")
        .map_err(|e| LayerError::io("read", Path::new("/proc/self/mountinfo"), e))?;
    if has_mount_below(&mounts, workspace) {
        return Err(LayerError::none("another file system is mounted inside of the workspace"));
    }
    let meta = fs::metadata(workspace).map_err(failed)?;
    let own = (rustix::process::geteuid(), rustix::process::getegid());
    // A user namespace knows one user and one group. What belongs to others cannot be copied up in it.
    let is_own = (meta.uid(), meta.gid()) == (own.0.as_raw(), own.1.as_raw());
    if !own.0.is_root() && !is_own {
        return Err(LayerError::none("the workspace belongs to another user or group"));
    }
    Ok(())
}

/// Tells whether the clock of a file system may not be this machine's, so that times cannot tell who came first.
fn has_times_of_others(path: &Path) -> Result<bool, LayerError> {
    /// NFS, SMB (both), FUSE, 9P, Ceph, AFS.
    const REMOTE: [u32; 7] =
        [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997, 0x00c3_6400, 0x5346_414f];
    let status = rustix::fs::statfs(path).map_err(|e| LayerError::io("look at", path, e))?;
    Ok(u32::try_from(status.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
}

/// Tells whether a line of `mountinfo` has a mount point below `path`.
fn has_mount_below(mounts: &[u8], path: &Path) -> bool {
    let mut below = path.as_os_str().as_bytes().to_vec();
    if !below.ends_with(b"/") {
        below.push(b'/');
    }
    mounts.split(|byte| *byte == b'\n').any(|line| {
        let point = line.split(|byte| *byte == b' ').nth(4);
        point.is_some_and(|point| unescaped(point).starts_with(&below))
    })
}

/// Undoes the escapes of `mountinfo`: a backslash and three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Returns the directory relative to the workspace; nothing if it is none, is outside, or is reached by a link.
fn real_below(workspace: &Path, path: &Path) -> Option<PathBuf> {
    let path = workspace.join(path);
    let real = path.canonicalize().ok().filter(|real| *real == path && real.is_dir())?;
    let below = real.strip_prefix(workspace).ok()?;
    (!below.as_os_str().is_empty()).then(|| below.to_owned())
}

/// Waits until file times are later than everything before, and returns the last moment of before. File times come
/// from a clock that ticks every few milliseconds.
fn begin() -> i128 {
    let begun = clock(libc::CLOCK_REALTIME);
    while clock(libc::CLOCK_REALTIME_COARSE) <= begun {
        std::thread::sleep(Duration::from_micros(250));
    }
    begun
}

fn clock(which: libc::clockid_t) -> i128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "rustix has no clocks in this build")]
    // SAFETY: the kernel writes one `timespec`, which is there. These clocks always exist.
    let _always_there = unsafe { libc::clock_gettime(which, &raw mut time) };
    nanoseconds(time.tv_sec, time.tv_nsec)
}

/// Takes the lock of a layer's directory; nothing if it has an owner.
fn lock(directory: &Path) -> Result<Option<FileLock>, LayerError> {
    FileLock::try_directory(directory).map_err(|error| LayerError::io("lock", directory, error))
}

/// Removes a directory of ours with all that is in it, whatever modes its parts have: the kernel makes some that not
/// even their owner may enter.
///
/// # Errors
///
/// Part of it may be gone.
pub fn remove_all(directory: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    Parent::open(parent)?.remove_tree(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_inside_of_a_directory_is_seen_in_the_list_of_mounts() {
        let list = b"22 1 0:21 / /proc rw - proc proc rw\n\
                     30 22 8:1 / /home/a\\040b/work/vendor rw - ext4 /dev/sda1 rw\n";
        for (path, expected) in [
            ("/home/a b/work", true),
            ("/home/a b", true),
            ("/", true),
            ("/home/a b/work/vendor", false),
            ("/home/a b/wor", false),
            ("/home/other", false),
        ] {
            assert_eq!(has_mount_below(list, Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_layer_begins_after_everything_that_was_written_before() {
        let directory = tempfile::tempdir().unwrap();
        let changed = |name: &str| {
            let path = directory.path().join(name);
            fs::write(&path, name).unwrap();
            let meta = fs::metadata(&path).unwrap();
            nanoseconds(meta.ctime(), meta.ctime_nsec())
        };
        for _ in 0..50 {
            let before = changed("before");
            let begun = begin();
            assert!(before <= begun && changed("after") > begun);
        }
    }
}
