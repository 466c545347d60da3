//! Objects on the disk, each named after the hash of its bytes.

use super::SnapshotError;
use super::tree::{Tree, TreeId, parse_hash};
use crate::durable::create_private_dir;
use crate::random::Random;
use crate::sabotage::{Guard, off};
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An object that was written or needed within this time needs no new time.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// Beyond this many new objects the whole file system is synced.
const MOST_SETTLED: usize = 32;
/// Larger contents are not given to a journal, in bytes.
const MOST_JOURNALED: u64 = 256 << 10;

/// A journal that takes contents, so that nobody waits for a file of their own: they reach the disk with the entry that
/// tells of them.
pub trait ContentsJournal: Send + Sync + Debug {
    /// Takes contents with their hash. They are on the disk when the next entry is.
    fn take(&self, hash: &str, bytes: Vec<u8>);

    /// Returns contents that were taken.
    fn find(&self, hash: &str) -> Option<Vec<u8>>;
}

pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The captured contents of one workspace.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    directory: PathBuf,
    /// Directories that are no part of any workspace: our own.
    left_out: Vec<PathBuf>,
    /// Has what a power cut took from the directory.
    journal: Option<Arc<dyn ContentsJournal>>,
    /// True if the journal is given what is new.
    gives: bool,
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
        Ok(Self {
            directory: directory.to_owned(),
            left_out: vec![directory.to_owned()],
            journal: None,
            gives: false,
        })
    }

    /// Finds in `journal` what is not whole in the directory.
    #[must_use]
    pub fn beside(mut self, journal: Arc<dyn ContentsJournal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Returns the same store for changes that an entry of the journal tells of before they are made: it does not wait
    /// for small contents, which reach the disk with that entry.
    #[must_use]
    pub fn before_an_entry(&self) -> Self {
        Self { gives: true, ..self.clone() }
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

    /// Waits until these objects are on the disk: each for itself, or all with the file system if they are many. For what
    /// the journal takes it does not wait.
    pub(super) fn settle(&self, hashes: &[String]) -> Result<(), SnapshotError> {
        if hashes.len() > MOST_SETTLED {
            return self.sync();
        }
        for hash in hashes.iter().filter(|hash| !self.is_given(hash)) {
            let path = self.object(hash);
            let shard = path.parent().unwrap_or(&self.directory);
            let synced = File::open(&path).and_then(|file| file.sync_all());
            let synced = synced.and_then(|()| File::open(shard)?.sync_all());
            synced.map_err(|error| SnapshotError::io("sync", &path, error))?;
        }
        Ok(())
    }

    /// Gives an object to the journal, if that takes it.
    fn is_given(&self, hash: &str) -> bool {
        let Some(journal) = self.journal.as_ref().filter(|_| self.gives) else { return false };
        let path = self.object(hash);
        let is_small = fs::metadata(&path).is_ok_and(|meta| meta.len() <= MOST_JOURNALED);
        let Some(bytes) = is_small.then(|| fs::read(&path).ok()).flatten() else { return false };
        journal.take(hash, bytes);
        true
    }

    /// Waits until objects that a journal has too are on the disk, and whole.
    ///
    /// # Errors
    ///
    /// The disk fails. What neither has is none.
    pub fn settle_journaled(&self, hashes: &[String]) -> Result<(), SnapshotError> {
        for hash in hashes {
            if let Err(error) = self.get(hash) {
                tracing::debug!(%error, "contents that nobody refers to are gone");
            }
        }
        self.sync()
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

    /// Returns whether the store has something of this name. It may be damaged.
    #[must_use]
    pub fn holds(&self, hash: &str) -> bool {
        parse_hash(hash).is_some() && self.object(hash).exists()
    }

    /// Returns the bytes with this hash. Bytes that have another hash by now are an error, unless the journal has them.
    pub(crate) fn get(&self, hash: &str) -> Result<Vec<u8>, SnapshotError> {
        self.read(hash).or_else(|error| self.bring_back(hash).ok_or(error))
    }

    /// Writes what a power cut took again.
    fn bring_back(&self, hash: &str) -> Option<Vec<u8>> {
        let bytes = self.journal.as_ref()?.find(hash)?;
        let is_whole = hex(&Sha256::digest(&bytes)) == hash;
        if is_whole && let Err(error) = self.write(&self.object(hash), &bytes) {
            tracing::debug!(%error, "contents stay in the journal");
        }
        is_whole.then_some(bytes)
    }

    fn read(&self, hash: &str) -> Result<Vec<u8>, SnapshotError> {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use super::*;

    /// A journal that keeps everything.
    #[derive(Debug, Default)]
    struct Pages(Mutex<HashMap<String, Vec<u8>>>);

    impl ContentsJournal for Pages {
        fn take(&self, hash: &str, bytes: Vec<u8>) {
            self.0.lock().unwrap().insert(hash.to_owned(), bytes);
        }

        fn find(&self, hash: &str) -> Option<Vec<u8>> {
            self.0.lock().unwrap().get(hash).cloned()
        }
    }

    fn world() -> (tempfile::TempDir, Arc<Pages>, SnapshotStore) {
        let directory = tempfile::tempdir().unwrap();
        let pages = Arc::new(Pages::default());
        let store = SnapshotStore::open(directory.path()).unwrap().beside(pages.clone());
        (directory, pages, store)
    }

    fn keep(store: &SnapshotStore, bytes: &[u8]) -> String {
        let hash = store.put_new(bytes).unwrap().unwrap();
        store.settle(std::slice::from_ref(&hash)).unwrap();
        hash
    }

    #[test]
    fn a_journal_takes_small_contents_of_changes_that_it_tells_of() {
        let (_directory, pages, store) = world();
        let large = vec![7; MOST_JOURNALED as usize + 1];
        let alone = keep(&store, b"alone");

        let small = keep(&store.before_an_entry(), b"small");
        let large = keep(&store.before_an_entry(), &large);

        assert_eq!(pages.find(&small).as_deref(), Some(&b"small"[..]));
        assert_eq!([pages.find(&alone), pages.find(&large)], [None, None]);
        assert_eq!(store.get(&small).unwrap(), b"small");
    }

    #[test]
    fn a_journal_is_not_given_a_whole_directory() {
        let (_directory, pages, store) = world();
        let store = store.before_an_entry();
        let texts = (0..=MOST_SETTLED).map(|number| format!("text {number}"));
        let put = texts.map(|text| store.put_new(text.as_bytes()).unwrap().unwrap());
        let hashes: Vec<String> = put.collect();

        store.settle(&hashes).unwrap();

        assert!(pages.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_a_power_cut_took_comes_back_from_the_journal() {
        for left in [None, Some(&b""[..]), Some(b"\0\0\0\0\0")] {
            let (_directory, _pages, store) = world();
            let hash = keep(&store.before_an_entry(), b"small");
            match left {
                Some(left) => fs::write(store.object(&hash), left).unwrap(),
                None => fs::remove_file(store.object(&hash)).unwrap(),
            }

            store.settle_journaled(std::slice::from_ref(&hash)).unwrap();

            assert_eq!(fs::read(store.object(&hash)).unwrap(), b"small");
        }
    }

    #[test]
    fn a_journal_that_has_other_bytes_is_not_believed() {
        let (_directory, pages, store) = world();
        let hash = keep(&store, b"small");
        pages.take(&hash, b"other".to_vec());
        fs::write(store.object(&hash), b"wrong").unwrap();

        assert!(matches!(store.get(&hash), Err(SnapshotError::Damaged { .. })));
    }
}
