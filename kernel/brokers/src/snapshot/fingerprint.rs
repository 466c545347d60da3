//! The name of a workspace as it is now. Nothing of it is kept, and few files are read.
//!
//! A file that nobody has seen is named by its properties, and one that changed since by its contents. Equal names of workspaces
//! mean equal files; other names may mean that properties changed alone, or that the names of before are lost.

use super::SnapshotError;
use super::beneath::{Beneath, kind_of, mode_of};
use super::capture::LARGEST_FILE;
use super::index::{Stamp, now_ns};
use super::tree::TreeId;
use super::walk::walk;
use crate::disk;
use crate::durable::put_whole;
use crate::failpoint::{Point, hit};
use openkoi_core::change_set::name_of_text;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// The largest file of names that is read, in bytes.
const LARGEST: u64 = 256 << 20;
/// The number of files of which all names are kept at every change.
const SMALL: usize = 4_096;
/// The part of the names of more files, a hundredth, that has to be new for all of them to be kept.
const FEW: usize = 100;

/// The names of the files of one workspace, by path. If they are lost, nothing is known of what was seen before.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileNames(Vec<FileName>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileName {
    path: String,
    stamp: Stamp,
    /// False if the file was so young that it could change again with the same properties.
    is_sure: bool,
    name: [u8; 32],
}

impl FileNames {
    /// Reads the names at `path`. There are none if they cannot be read.
    pub(super) fn load(path: &Path) -> Self {
        let bytes = disk::read(path, LARGEST).unwrap_or_default();
        postcard::from_bytes(&bytes).unwrap_or_default()
    }

    /// Takes over what the files are called now, and keeps it for the next process. Of a large workspace it does so only if
    /// much is new: what changed has the name of its contents in the next process, too.
    fn replace(&mut self, now: Self, path: &Path) {
        let count = self.0.len().max(now.0.len());
        let kept = self.count_of_common(&now);
        let is_worth_it = (count - kept) * FEW >= count.saturating_sub(SMALL);
        let is_changed = *self != now;
        *self = now;
        if is_changed
            && is_worth_it
            && let Err(error) = self.save(path)
        {
            tracing::debug!(%error, "the names of the workspace's files are not kept");
        }
    }

    /// Returns how many names are the same in both, which are sorted.
    fn count_of_common(&self, other: &Self) -> usize {
        let mut others = other.0.iter().peekable();
        let is_common = |name: &&FileName| {
            while others.next_if(|other| other.path < name.path).is_some() {}
            others.peek() == Some(name)
        };
        self.0.iter().filter(is_common).count()
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        let bytes = postcard::to_allocvec(self).map_err(io::Error::other)?;
        put_whole(path, &bytes, 0o600).map_err(io::Error::other)
    }

    /// Names the workspace at `root` without what is `left_out`, and remembers the names of its files at `path`.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked.
    pub(super) fn of_workspace(
        &mut self,
        root: &Path,
        left_out: &[PathBuf],
        path: &Path,
    ) -> Result<TreeId, SnapshotError> {
        let failed = |error| SnapshotError::io("look at", root, error);
        hit(Point::SnapshotBefore).map_err(failed)?;
        let id = self.named_at(now_ns(), root, left_out, path)?;
        hit(Point::SnapshotAfter).map_err(failed)?;
        Ok(id)
    }

    fn named_at(
        &mut self,
        begun_ns: i128,
        root: &Path,
        left_out: &[PathBuf],
        path: &Path,
    ) -> Result<TreeId, SnapshotError> {
        let failed = |error| SnapshotError::io("look at", root, error);
        let walked = walk(root, left_out, None)?;
        let look = Look { beneath: Beneath::open(root).map_err(failed)?, begun_ns };
        let (mut names, mut whole) = (Vec::with_capacity(self.0.len()), Sha256::new());
        let mut known = self.0.iter().peekable();
        for (path, stat) in &walked.found {
            while known.next_if(|known| known.path < *path).is_some() {}
            let known = known.next_if(|known| known.path == *path);
            let (kind, name) = match kind_of(stat) {
                FileType::Directory => (b'd', None),
                FileType::Symlink => (b'l', Some(look.target(path))),
                _ => {
                    let named = look.name(path, stat, known);
                    let name = named.name;
                    names.push(named);
                    (b'f', Some(name))
                }
            };
            add(&mut whole, path.as_bytes());
            whole.update([kind]);
            whole.update(mode_of(stat).to_le_bytes());
            whole.update(name.unwrap_or_default());
        }
        for list in [&walked.uncovered, &walked.ignored] {
            whole.update(list.len().to_le_bytes());
            list.iter().for_each(|path| add(&mut whole, path.as_bytes()));
        }
        self.replace(Self(names), path);
        Ok(TreeId::of(whole.finalize().into()))
    }
}

/// A workspace that is looked at.
struct Look {
    beneath: Beneath,
    begun_ns: i128,
}

impl Look {
    fn name(&self, path: &str, stat: &Stat, known: Option<&FileName>) -> FileName {
        let stamp = Stamp::of(stat);
        let is_sure = stamp.is_before(self.begun_ns);
        let name = match known {
            Some(known) if known.stamp == stamp && known.is_sure => known.name,
            None if is_sure => of_stamp(&stamp),
            // What cannot be read, or is too large to be, has its properties alone.
            _ => self.contents(path).unwrap_or_else(|| of_stamp(&stamp)),
        };
        FileName { path: path.to_owned(), stamp, is_sure, name }
    }

    fn contents(&self, path: &str) -> Option<[u8; 32]> {
        let name = self.beneath.find(Path::new(&name_of_text(path))).ok()??;
        Some(Sha256::digest(name.read(LARGEST_FILE).ok()?).into())
    }

    fn target(&self, path: &str) -> [u8; 32] {
        let name = self.beneath.find(Path::new(&name_of_text(path))).ok().flatten();
        let target = name
            .and_then(|name| rustix::fs::readlinkat(&name.directory, &name.name, Vec::new()).ok());
        Sha256::digest(target.unwrap_or_default().as_bytes()).into()
    }
}

/// Names a file by its properties. No contents have such a name.
fn of_stamp(stamp: &Stamp) -> [u8; 32] {
    let bytes = postcard::to_allocvec(stamp).unwrap_or_default();
    Sha256::new().chain_update(b"properties\0").chain_update(bytes).finalize().into()
}

fn add(whole: &mut Sha256, text: &[u8]) {
    whole.update(text.len().to_le_bytes());
    whole.update(text);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A moment long after everything that a test writes: no file is too young.
    const LATER: i128 = i128::MAX;
    /// A moment before it: every file is.
    const BEFORE: i128 = 0;

    struct Pond {
        directory: tempfile::TempDir,
        names: FileNames,
    }

    impl Pond {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            fs::create_dir(directory.path().join("work")).unwrap();
            let pond = Self { directory, names: FileNames::default() };
            pond.write("a", "one");
            pond.write("b", "two");
            pond
        }

        fn work(&self, name: &str) -> PathBuf {
            self.directory.path().join("work").join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.work(name), text).unwrap();
        }

        fn name(&mut self, begun_ns: i128) -> TreeId {
            let (root, kept) = (self.work(""), self.directory.path().join("names"));
            self.names.named_at(begun_ns, &root, &[], &kept).unwrap()
        }
    }

    #[test]
    fn every_change_of_a_workspace_changes_its_name() {
        type Change = fn(&Pond);
        let changes: [Change; 6] = [
            |pond| pond.write("a", "One"),
            |pond| pond.write("c", ""),
            |pond| fs::remove_file(pond.work("b")).unwrap(),
            |pond| fs::create_dir(pond.work("d")).unwrap(),
            |pond| symlink("a", pond.work("l")).unwrap(),
            |pond| fs::set_permissions(pond.work("a"), fs::Permissions::from_mode(0o600)).unwrap(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            for begun_ns in [BEFORE, LATER] {
                let mut pond = Pond::new();
                let before = pond.name(begun_ns);
                assert_eq!(pond.name(begun_ns), before);

                change(&pond);

                assert_ne!(pond.name(begun_ns), before, "{number}");
            }
        }
    }

    #[test]
    fn a_file_that_was_too_young_is_read_again_and_keeps_its_name() {
        let mut pond = Pond::new();
        let young = pond.name(BEFORE);

        assert_eq!(pond.name(LATER), young);
        assert!(pond.names.0.iter().all(|name| name.is_sure));
    }

    #[test]
    fn contents_that_come_back_have_the_name_that_they_had() {
        let mut pond = Pond::new();
        pond.name(LATER);
        pond.write("a", "One");
        let changed = pond.name(LATER);
        pond.write("a", "two");
        assert_ne!(pond.name(LATER), changed);

        pond.write("a", "One");

        assert_eq!(pond.name(LATER), changed);
    }

    #[test]
    fn names_are_kept_for_the_next_process_and_are_not_believed_if_they_are_damaged() {
        let mut pond = Pond::new();
        let young = pond.name(BEFORE);
        let kept = pond.directory.path().join("names");
        pond.names = FileNames::load(&kept);
        assert_eq!(pond.name(LATER), young);

        fs::write(&kept, b"\xff\xff\xff").unwrap();

        assert_eq!(FileNames::load(&kept), FileNames::default());
    }
}
