//! Objects on the disk, each under the hash of its bytes.

use super::tree::{Node, Tree, parse_hash};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::durable::create_private_dir;
use crate::random::Random;
use crate::sabotage::{Guard, off};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SnapshotStore {
    /// Keeps `bytes` and returns their hash. They are on the disk after [`SnapshotStore::settle`].
    pub(super) fn put(&self, bytes: &[u8]) -> Result<String, SnapshotError> {
        let hash = hex(&Sha256::digest(bytes));
        let path = self.object(&hash);
        // An object that a crash cut short has the wrong size: it is written again.
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
            return Ok(hash);
        }
        self.write(&path, bytes).map_err(|error| SnapshotError::io("write", &path, error))?;
        Ok(hash)
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

    /// Waits until everything that was put is on the disk: once for a capture, not once for a file.
    pub(super) fn settle(&self) -> Result<(), SnapshotError> {
        let settle = || -> io::Result<()> {
            let directory = File::open(&self.directory)?;
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(&directory)?;
            #[cfg(not(target_os = "linux"))]
            rustix::fs::sync();
            directory.sync_all()
        };
        settle().map_err(|error| SnapshotError::io("sync", &self.directory, error))
    }

    /// Returns the bytes named `hash`, or says that they are not those any more.
    pub(super) fn get(&self, hash: &str) -> Result<Vec<u8>, SnapshotError> {
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

    pub(super) fn put_tree(&self, tree: &Tree) -> Result<TreeId, SnapshotError> {
        let bytes = serde_json::to_vec(tree)
            .map_err(|error| SnapshotError::io("write", &self.directory, error.into()))?;
        let hash = self.put(&bytes)?;
        hash.parse()
    }

    pub(super) fn tree(&self, id: TreeId) -> Result<Tree, SnapshotError> {
        let bytes = self.get(&id.to_string())?;
        serde_json::from_slice(&bytes).map_err(|_| SnapshotError::Damaged { id: id.to_string() })
    }

    fn object(&self, hash: &str) -> PathBuf {
        let (shard, rest) = hash.split_at(2);
        self.directory.join("objects").join(shard).join(rest)
    }

    /// Keeps the store from being swept while it is used.
    pub(super) fn lock_shared(&self) -> Result<File, SnapshotError> {
        self.open_lock(File::lock_shared)
    }

    pub(super) fn lock(&self) -> Result<File, SnapshotError> {
        self.open_lock(File::lock)
    }

    fn open_lock(&self, take: fn(&File) -> io::Result<()>) -> Result<File, SnapshotError> {
        let path = self.directory.join("lock");
        let open = || {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            take(&file)?;
            Ok(file)
        };
        open().map_err(|error| SnapshotError::io("lock", &path, error))
    }

    /// Removes every object that none of `keep` reaches, and what interrupted writes left.
    pub(super) fn sweep(&self, keep: &[TreeId]) -> Result<usize, SnapshotError> {
        let mut reached = HashSet::new();
        for id in keep {
            reached.insert(id.to_string());
            let hashes = self.tree(*id)?.entries.into_iter().filter_map(|entry| match entry.node {
                Node::File { hash, .. } => Some(hash),
                Node::Link { .. } | Node::Uncovered => None,
            });
            reached.extend(hashes);
        }
        let objects = self.directory.join("objects");
        let mut removed = 0;
        for shard in entries(&objects)? {
            for object in entries(&shard)? {
                if !reached.contains(&name_of(&shard, &object)) {
                    fs::remove_file(&object)
                        .map_err(|error| SnapshotError::io("remove", &object, error))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect()
    };
    list().map_err(|error| SnapshotError::io("list", path, error))
}

fn name_of(shard: &Path, object: &Path) -> String {
    let part = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    part(shard) + &part(object)
}
