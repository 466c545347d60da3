//! Objects on the disk, each named after the hash of its bytes.

use super::SnapshotError;
use super::tree::{Tree, TreeId, parse_hash};
use crate::durable::create_private_dir;
use crate::random::Random;
use crate::sabotage::{Guard, off};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An object that was written or needed within this time needs no new time.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// Beyond this many new objects the whole file system is synced.
const MOST_SETTLED: usize = 32;

pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The captured contents of one workspace.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    directory: PathBuf,
    /// Directories that are no part of any workspace: our own.
    left_out: Vec<PathBuf>,
}

impl SnapshotStore {
    /// Opens the store in `directory`, creating it closed to others.
    ///
    /// # Errors
    ///
    /// The directory cannot be created.
    pub fn open(directory: &Path) -> Result<Self, SnapshotError> {
        let objects = directory.join("objects");
        create_private_dir(&objects)
            .map_err(|error| SnapshotError::io("create", &objects, io::Error::other(error)))?;
        Ok(Self { directory: directory.to_owned(), left_out: vec![directory.to_owned()] })
    }

    /// Leaves further directories out of what is captured, wherever they lie in a workspace.
    #[must_use]
    pub fn leaving_out(mut self, directories: impl IntoIterator<Item = PathBuf>) -> Self {
        self.left_out.extend(directories);
        self
    }

    pub(super) fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// Returns the paths that `tree` records without their contents.
    ///
    /// # Errors
    ///
    /// The tree is not kept here, or damaged.
    pub fn not_covered(&self, tree: TreeId) -> Result<Vec<String>, SnapshotError> {
        let entries = self.tree(tree)?.entries.into_iter();
        Ok(entries.filter(|entry| !entry.is_kept()).map(|entry| entry.path).collect())
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps `bytes` and returns their hash. They are on the disk after [`SnapshotStore::sync`].
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<String, SnapshotError> {
        let hash = hex(&Sha256::digest(bytes));
        let path = self.object(&hash);
        if self.has(&hash, bytes.len()) {
            return Ok(hash);
        }
        self.write(&path, bytes).map_err(|error| SnapshotError::io("write", &path, error))?;
        Ok(hash)
    }

    /// Tells whether an object is kept. One that is needed again is as young as a new one, so that it is not collected
    /// before what refers to it is written down. One that a crash cut short has the wrong size, and is written again.
    pub(super) fn has(&self, hash: &str, length: usize) -> bool {
        let path = self.object(hash);
        let Ok(meta) = fs::metadata(&path) else { return false };
        let is_whole = meta.len() == length as u64;
        let age = meta.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
        let is_young = age < FRESH;
        is_whole
            && (is_young || {
                let file = OpenOptions::new().append(true).open(&path);
                file.and_then(|file| file.set_modified(SystemTime::now())).is_ok()
            })
    }

    /// Keeps `bytes`; returns their hash if they were not kept before. They are on the disk after
    /// [`SnapshotStore::settle`].
    pub(super) fn put_new(&self, bytes: &[u8]) -> Result<Option<String>, SnapshotError> {
        let hash = hex(&Sha256::digest(bytes));
        if self.has(&hash, bytes.len()) {
            return Ok(None);
        }
        self.put(bytes).map(Some)
    }

    /// Waits until these objects are on the disk: each for itself, or all with the file system if they are many.
    pub(super) fn settle(&self, hashes: &[String]) -> Result<(), SnapshotError> {
        if hashes.len() > MOST_SETTLED {
            return self.sync();
        }
        for hash in hashes {
            let path = self.object(hash);
            let shard = path.parent().unwrap_or(&self.directory);
            let synced = File::open(&path).and_then(|file| file.sync_all());
            let synced = synced.and_then(|()| File::open(shard)?.sync_all());
            synced.map_err(|error| SnapshotError::io("sync", &path, error))?;
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let shard = path.parent().unwrap_or(&self.directory);
        if !shard.is_dir() {
            create_private_dir(shard).map_err(io::Error::other)?;
        }
        let tail = u64::from_ne_bytes(Random::default().bytes().map_err(io::Error::other)?);
        let temp = shard.join(format!("{tail:016x}.tmp"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(bytes)?;
        fs::rename(&temp, path)
    }

    /// Waits until all objects are on the disk: once for a capture, not once for a file.
    pub(crate) fn sync(&self) -> Result<(), SnapshotError> {
        let sync = || -> io::Result<()> {
            let directory = File::open(&self.directory)?;
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(&directory)?;
            #[cfg(not(target_os = "linux"))]
            rustix::fs::sync();
            directory.sync_all()
        };
        sync().map_err(|error| SnapshotError::io("sync", &self.directory, error))
    }

    /// Returns the bytes with this hash. Bytes that have another hash by now are an error.
    pub(crate) fn get(&self, hash: &str) -> Result<Vec<u8>, SnapshotError> {
        let id = || hash.to_owned();
        if parse_hash(hash).is_none() {
            return Err(SnapshotError::Name { text: id() });
        }
        let path = self.object(hash);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SnapshotError::Unknown { id: id() });
            }
            Err(error) => return Err(SnapshotError::io("read", &path, error)),
        };
        if hex(&Sha256::digest(&bytes)) != hash && !off(Guard::SnapshotHash) {
            return Err(SnapshotError::Damaged { id: id() });
        }
        Ok(bytes)
    }

    /// Keeps a tree, and returns whether it was not kept before.
    pub(super) fn put_tree(&self, tree: &Tree) -> Result<(TreeId, bool), SnapshotError> {
        let bytes = serde_json::to_vec(tree)
            .map_err(|error| SnapshotError::io("write", &self.directory, error.into()))?;
        let is_new = self.put_new(&bytes)?.is_some();
        Ok((hex(&Sha256::digest(&bytes)).parse()?, is_new))
    }

    pub(super) fn tree(&self, id: TreeId) -> Result<Tree, SnapshotError> {
        let bytes = self.get(&id.to_string())?;
        serde_json::from_slice(&bytes).map_err(|_| SnapshotError::Damaged { id: id.to_string() })
    }

    fn object(&self, hash: &str) -> PathBuf {
        let (shard, rest) = hash.split_at(2);
        self.directory.join("objects").join(shard).join(rest)
    }
}
