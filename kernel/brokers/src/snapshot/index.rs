//! The stamps and hashes of files at the last capture, so that unchanged files are not read again.

use super::SnapshotError;
use crate::durable::put_atomic;
use rustix::fs::Stat;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest tick of the clock that file times come from.
const TICK_NS: i128 = 20_000_000;

/// The files of one workspace at the last capture. If it is lost, the next capture is slow.
///
/// A file that was changed just before it was captured could change again with the same times. So an entry is used
/// only if its times lie clearly before the capture that made it; git calls the others racily clean.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct IndexCache {
    files: HashMap<String, Seen>,
    #[serde(skip)]
    hashed: usize,
    #[serde(skip)]
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    stamp: Stamp,
    hash: String,
}

/// The properties of a file that change with its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size: u64,
    modified_ns: i128,
    changed_ns: i128,
    inode: u64,
    device: u64,
}

impl Stamp {
    #[cfg_attr(
        target_os = "linux",
        expect(clippy::useless_conversion, reason = "they differ elsewhere")
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        let ns = |seconds: i64, rest: i128| i128::from(seconds) * 1_000_000_000 + rest;
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: ns(i64::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
            changed_ns: ns(i64::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
            inode: u64::from(stat.st_ino),
            device: u64::try_from(stat.st_dev).unwrap_or(0),
        }
    }

    /// Tells whether the file changed clearly before a time, in nanoseconds since 1970.
    pub(super) fn is_before(&self, begun_ns: i128) -> bool {
        self.modified_ns.max(self.changed_ns) < begun_ns - TICK_NS
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl IndexCache {
    /// Reads the cache at `path`; one that is missing or unreadable is empty.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| {
            tracing::debug!(%error, "starting without an index");
            Vec::new()
        });
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes the cache to `path`.
    ///
    /// # Errors
    ///
    /// The former cache is still there; it is as right, but slower.
    pub fn save(&self, path: &Path) -> Result<(), SnapshotError> {
        let failed = |error| SnapshotError::io("write", path, error);
        let bytes = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        put_atomic(path, &bytes, 0o600).map_err(|error| failed(io::Error::other(error)))
    }

    /// Returns the number of files that the last capture had to read.
    #[must_use]
    pub fn hashed(&self) -> usize {
        self.hashed
    }

    /// Returns the hash of a file whose stamp has not changed.
    pub(super) fn known(&self, path: &str, stamp: &Stamp) -> Option<&str> {
        let seen = self.files.get(path)?;
        (seen.stamp == *stamp).then_some(seen.hash.as_str())
    }

    /// Replaces all entries by those of a capture that began at `begun_ns`.
    pub(super) fn replace(
        &mut self,
        seen: Vec<(String, Stamp, String)>,
        begun_ns: i128,
        hashed: usize,
    ) {
        let seen = seen.into_iter();
        let files: HashMap<String, Seen> = seen
            .filter(|(_, stamp, _)| stamp.is_before(begun_ns))
            .map(|(path, stamp, hash)| (path, Seen { stamp, hash }))
            .collect();
        self.hashed = hashed;
        self.changed = files != self.files;
        self.files = files;
    }

    /// Tells whether the last capture changed the cache.
    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }
}

pub(super) fn now_ns() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::{IndexCache, Stamp};

    fn stamp(modified_ns: i128, changed_ns: i128) -> Stamp {
        Stamp { size: 3, modified_ns, changed_ns, inode: 1, device: 1 }
    }

    #[test]
    fn the_entry_of_a_file_that_changed_at_its_capture_is_not_used() {
        let begun = 10_000_000_000;
        let old = stamp(1, 1);
        let (just_written, just_touched) = (stamp(begun - 1, begun - 1), stamp(1, begun));
        let mut index = IndexCache::default();

        let seen = [("old", old), ("written", just_written), ("touched", just_touched)];
        let seen = seen.map(|(path, stamp)| (path.to_owned(), stamp, "h".to_owned()));
        index.replace(seen.to_vec(), begun, 3);

        assert_eq!(index.known("old", &old), Some("h"));
        assert_eq!(index.known("old", &stamp(2, 1)), None);
        assert_eq!(index.known("written", &just_written), None);
        assert_eq!(index.known("touched", &just_touched), None);
    }
}
