//! The way to the database: reading and writing, and what happens when that fails.
//!
//! One connection per process, behind a lock. A write is one `BEGIN IMMEDIATE` transaction, so it waits for
//! other writers at its beginning and not in its middle. A connection on which the disk failed is closed, never
//! used again: what it believes to be on the disk may not be there. The next use opens a new one, which reads
//! the truth from the disk.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    error::StorageError,
    lease::Leases,
    opener::{Opened, Opener},
};

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Configuration, state files and skills: `~/.openkoi` or `OPENKOI_HOME`.
    pub home: PathBuf,
    /// The database and outputs: `~/.local/share/openkoi` or `OPENKOI_HOME/data`.
    pub data: PathBuf,
}

/// Everything that is kept. Clones share the connection.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    places: Places,
    opener: Opener,
    opened: Mutex<Option<Opened>>,
    leases: Leases,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("places", &self.inner.places).finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens the database, creating what is missing.
    ///
    /// # Errors
    ///
    /// Says in one sentence what is in the way.
    pub fn open(places: Places) -> Result<Self, StorageError> {
        let opener = Opener::new(&places.data)?;
        let opened = Mutex::new(Some(opener.open()?));
        let leases = Leases::new(places.data.join("locks"));
        Ok(Self { inner: Arc::new(Inner { places, opener, opened, leases }) })
    }

    /// Returns where things are.
    pub fn places(&self) -> &Places {
        &self.inner.places
    }

    /// Returns the path of the database.
    pub fn path(&self) -> &Path {
        self.inner.opener.path()
    }

    /// Checks the whole database, for `doctor`.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] with what was found, among others.
    pub fn check(&self) -> Result<(), StorageError> {
        self.inner.opener.open_and_check().map(drop)
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.inner.leases
    }

    /// Runs a query. It may be run twice.
    pub(crate) fn read<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.twice_if_damaged(|connection| query(connection))
    }

    /// Makes a change in one transaction that is durable when this returns. It may be run twice, the first time
    /// without effect.
    pub(crate) fn write<T>(
        &self,
        change: impl Fn(&Transaction<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.twice_if_damaged(|connection| {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = change(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    /// Damage is not believed at first sight: one failed read can look like it. The database is opened again
    /// and checked, and only what the check finds is damage.
    fn twice_if_damaged<T>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut slot = self.inner.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match self.once(&mut slot, &mut work) {
            Err(StorageError::Corrupt { detail, .. }) => {
                tracing::warn!(detail, "the database looks damaged and is checked");
                *slot = None;
                *slot = Some(self.inner.opener.open_and_check()?);
                self.once(&mut slot, &mut work)
            }
            other => other,
        }
    }

    fn once<T>(
        &self,
        slot: &mut Option<Opened>,
        work: &mut impl FnMut(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut opened = match slot.take() {
            Some(opened) => opened,
            None => self.inner.opener.open()?,
        };
        let result = self.unmoved(opened.file).and_then(|()| work(&mut opened.connection));
        let result = result.map_err(|error| error.explained(self.path()));
        if !result.as_ref().is_err_and(StorageError::spoils_connection) {
            *slot = Some(opened);
        }
        result
    }

    /// A file that was removed or replaced can be written to for ever, and nobody will find it.
    fn unmoved(&self, file: (u64, u64)) -> Result<(), StorageError> {
        let now = std::fs::metadata(self.path());
        if now.is_ok_and(|now| (now.dev(), now.ino()) == file) {
            return Ok(());
        }
        Err(StorageError::Replaced { path: self.path().to_owned() })
    }
}

/// Returns `value` as SQLite keeps integers.
pub(crate) fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Returns an integer of SQLite as a count or a time.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn damaged() -> StorageError {
        StorageError::Corrupt { path: PathBuf::new(), detail: "looks so".to_owned() }
    }

    fn storage() -> (tempfile::TempDir, Storage) {
        let home = tempfile::tempdir().unwrap();
        let places = Places { home: home.path().into(), data: home.path().join("data") };
        let storage = Storage::open(places).unwrap();
        (home, storage)
    }

    #[test]
    fn what_only_looks_like_damage_is_tried_again_on_a_checked_database() {
        let (_home, storage) = storage();
        let runs = Cell::new(0);

        let read = storage.read(|_| {
            runs.set(runs.get() + 1);
            if runs.get() == 1 { Err(damaged()) } else { Ok(7) }
        });

        assert_eq!((read.unwrap(), runs.get()), (7, 2));
    }

    #[test]
    fn what_looks_like_damage_twice_is_reported_and_the_next_use_starts_afresh() {
        let (_home, storage) = storage();

        let read: Result<(), _> = storage.read(|_| Err(damaged()));

        assert!(matches!(read, Err(StorageError::Corrupt { .. })));
        assert!(storage.inner.opened.lock().unwrap().is_none());
        storage.read(|_| Ok(())).unwrap();
    }

    #[test]
    fn a_connection_whose_disk_failed_is_not_used_again() {
        let (_home, storage) = storage();
        let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);

        let written: Result<(), _> = storage.write(|transaction| {
            transaction.execute("INSERT INTO trust_levels VALUES ('a', 'ask', 1)", ())?;
            Err(rusqlite::Error::SqliteFailure(failed, None).into())
        });

        assert!(written.is_err());
        assert!(storage.inner.opened.lock().unwrap().is_none());
        let count = "SELECT count(*) FROM trust_levels";
        let kept: u32 = storage.read(|c| Ok(c.query_row(count, (), |r| r.get(0))?)).unwrap();
        assert_eq!(kept, 0);
    }

    #[test]
    fn every_connection_has_the_settings_that_durability_rests_on() {
        let (_home, storage) = storage();
        let settings = [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("busy_timeout", "5000"),
        ];
        for (name, expected) in settings {
            let found = storage.read(|connection| {
                Ok(connection.pragma_query_value(None, name, |row| {
                    row.get::<_, rusqlite::types::Value>(0)
                })?)
            });
            let found = match found.unwrap() {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{name}");
        }
        let defensive = storage.write(|transaction| {
            transaction.pragma_update(None, "writable_schema", true)?;
            let sql = "UPDATE sqlite_schema SET sql = 'x' WHERE name = 'tasks'";
            Ok(transaction.execute(sql, ())?)
        });
        assert!(defensive.is_err());
    }
}
