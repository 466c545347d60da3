//! The way to the database: reading and writing, and what happens when that fails.
//!
//! One connection writes, behind a lock. A write is one `BEGIN IMMEDIATE` transaction, so it waits for other
//! writers at its beginning and not in its middle. What reads has connections of its own (`readers`), so that
//! neither waits for the other; but as long as nobody had to wait for the writer's connection, it is free for reading too: a
//! command that does one thing after the other opens no second one.
//!
//! A connection on which the disk failed is closed, never used again: what it believes to be on the disk may not be
//! there. The next use opens a new one, which reads the truth from the disk.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    error::StorageError,
    lease::Leases,
    opener::{self, Opened, Opener},
    readers::{Query, Readers, VersionReader, snapshot},
};

/// Everything that is kept. Clones share the connections and may be used by many threads at once.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

/// Contents of a file with their hash.
pub(crate) type Hashed = (String, Vec<u8>);

/// A change whose result went elsewhere.
type Change<'a> = dyn FnMut(&Transaction<'_>) -> Result<(), StorageError> + 'a;

struct Inner {
    /// The directory of the database and outputs.
    data: PathBuf,
    opener: Opener,
    // Before the writer, so that they close first: the last connection that closes brings the log into the
    // database, and one that cannot write would leave it there.
    readers: Readers,
    writer: Mutex<Option<Opened>>,
    /// True once somebody had to wait for the writer's connection.
    was_waited_for: AtomicBool,
    leases: Leases,
    /// Contents that wait for the next entry.
    contents: Mutex<Vec<Hashed>>,
    /// When an entry reached the disk last, in milliseconds since 1970.
    synced_ms: AtomicU64,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("data", &self.inner.data).finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens the database in the directory `data`, which has the outputs too, creating what is missing.
    ///
    /// # Errors
    ///
    /// Says in one sentence what is in the way.
    pub fn open(data: &Path) -> Result<Self, StorageError> {
        let opener = Opener::new(data)?;
        let writer = Mutex::new(Some(opener.open()?));
        let inner = Inner {
            readers: Readers::new(opener.clone()),
            opener,
            writer,
            was_waited_for: AtomicBool::new(false),
            leases: Leases::new(data.join("locks")),
            contents: Mutex::default(),
            synced_ms: AtomicU64::new(0),
            data: data.to_owned(),
        };
        Ok(Self { inner: Arc::new(inner) })
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

    /// Returns who tells whether anything was written.
    #[must_use]
    pub fn version_reader(&self) -> VersionReader {
        VersionReader::new(self.inner.opener.clone())
    }

    pub(crate) fn data(&self) -> &Path {
        &self.inner.data
    }

    pub(crate) fn contents(&self) -> &Mutex<Vec<Hashed>> {
        &self.inner.contents
    }

    /// Returns when an entry reached the disk last, in milliseconds since 1970.
    pub(crate) fn synced_ms(&self) -> &AtomicU64 {
        &self.inner.synced_ms
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.inner.leases
    }

    /// Runs a query on one state of the database, which has everything that was written before. It may be run twice.
    pub(crate) fn read<T>(
        &self,
        query: impl Fn(&Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut found = None;
        self.run_read(&mut |connection| {
            found = Some(query(connection)?);
            Ok(())
        })?;
        found.ok_or_else(not_run)
    }

    fn run_read(&self, query: &mut Query<'_>) -> Result<(), StorageError> {
        if let Some(slot) = self.idle_writer() {
            let mut read = |opened: &mut Opened| snapshot(&mut opened.connection, query);
            return self.twice_if_damaged(slot, &mut read);
        }
        match self.inner.readers.read(query) {
            Err(error) if error.is_of_connection() => {
                // The writer's connection knows what to do about damage, and is open where no other can be opened.
                tracing::debug!(error = error.line(), "the writer reads for a reader that failed");
                self.with_writer(&mut |connection| snapshot(connection, query))
            }
            done => done,
        }
    }

    /// Makes a change in one transaction that is durable when this returns. It may be run twice, the first time
    /// without effect.
    pub(crate) fn write<T>(
        &self,
        change: impl Fn(&Transaction<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.write_at(CommitSpeed::DiskFirst, change)
    }

    /// As [`Storage::write`], at this speed.
    pub(crate) fn write_at<T>(
        &self,
        speed: CommitSpeed,
        change: impl Fn(&Transaction<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut done = None;
        self.run_write(speed, &mut |transaction| {
            done = Some(change(transaction)?);
            Ok(())
        })?;
        done.ok_or_else(not_run)
    }

    fn run_write(&self, speed: CommitSpeed, change: &mut Change<'_>) -> Result<(), StorageError> {
        self.with_writer(&mut |connection| match speed {
            CommitSpeed::DiskFirst => commit(connection, change),
            CommitSpeed::DiskLater => {
                connection.execute_batch("PRAGMA synchronous=NORMAL")?;
                let done = commit(connection, change);
                connection.execute_batch("PRAGMA synchronous=FULL")?;
                done
            }
        })
    }

    /// Does `work` on the connection that writes. It may be done twice.
    pub(crate) fn with_writer(
        &self,
        work: &mut dyn FnMut(&mut Connection) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.twice_if_damaged(self.writer(), &mut |opened| work(&mut opened.connection))
    }

    /// Brings the log into the database and empties it, so that it has no deleted text either. Where another process
    /// prevents that, the last one who leaves does it.
    pub(crate) fn empty_log(&self) -> Result<(), StorageError> {
        self.twice_if_damaged(self.writer(), &mut |opened| opener::empty_log(opened))
    }

    /// Returns the writer's connection if nobody uses it, as long as nobody had to wait for it.
    fn idle_writer(&self) -> Option<MutexGuard<'_, Option<Opened>>> {
        if self.inner.was_waited_for.load(Ordering::Relaxed) { None } else { self.free_writer() }
    }

    /// Returns the writer's connection, once nobody uses it any more.
    fn writer(&self) -> MutexGuard<'_, Option<Opened>> {
        let wait = || self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.free_writer().unwrap_or_else(wait)
    }

    fn free_writer(&self) -> Option<MutexGuard<'_, Option<Opened>>> {
        match self.inner.writer.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                self.inner.was_waited_for.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Damage is not believed at first sight: one failed read can look like it. The database is opened again
    /// and checked, and only what the check finds is damage.
    fn twice_if_damaged(
        &self,
        mut slot: MutexGuard<'_, Option<Opened>>,
        work: &mut dyn FnMut(&mut Opened) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        match self.once(&mut slot, work) {
            Err(StorageError::Corrupt { detail, .. }) => {
                tracing::warn!(detail, "the database looks damaged and is checked");
                *slot = None;
                *slot = Some(self.inner.opener.open_and_check()?);
                self.once(&mut slot, work)
            }
            other => other,
        }
    }

    fn once(
        &self,
        slot: &mut Option<Opened>,
        work: &mut dyn FnMut(&mut Opened) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let opener = &self.inner.opener;
        let mut opened = match slot.take() {
            Some(opened) => opened,
            None => opener.open()?,
        };
        let result = opener.ensure_unmoved(&opened).and_then(|()| work(&mut opened));
        let result = result.map_err(|error| error.explained(self.path()));
        if result.as_ref().is_err_and(StorageError::spoils_connection) {
            opened.spoil();
        } else {
            *slot = Some(opened);
        }
        result
    }
}

/// What is left if nothing was run, which does not happen.
fn not_run() -> StorageError {
    rusqlite::Error::QueryReturnedNoRows.into()
}

/// Returns `value` as SQLite keeps integers.
pub(crate) fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Returns an integer of SQLite as a count or a time.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// When a change is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitSpeed {
    /// When the call returns.
    DiskFirst,
    /// With the next change that is there when its call returns. The end of the program takes nothing back.
    DiskLater,
}

fn commit(connection: &mut Connection, change: &mut Change<'_>) -> Result<(), StorageError> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    change(&transaction)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use openkoi_brokers::disk;

    use super::*;
    use crate::tasks::TaskQuery;

    fn damaged() -> StorageError {
        StorageError::Corrupt { path: PathBuf::new(), detail: "looks so".to_owned() }
    }

    fn storage() -> (tempfile::TempDir, Storage) {
        let home = tempfile::tempdir().unwrap();
        let storage = Storage::open(&home.path().join("data")).unwrap();
        (home, storage)
    }

    #[test]
    fn a_read_that_looks_like_damage_is_tried_again_on_a_checked_database() {
        let (_home, storage) = storage();
        let runs = Cell::new(0);

        let read = storage.read(|_| {
            runs.set(runs.get() + 1);
            if runs.get() == 1 { Err(damaged()) } else { Ok(7) }
        });

        assert_eq!((read.unwrap(), runs.get()), (7, 2));
    }

    #[test]
    fn damage_that_is_seen_twice_is_reported_and_the_next_use_starts_afresh() {
        let (_home, storage) = storage();

        let read: Result<(), _> = storage.read(|_| Err(damaged()));

        assert!(matches!(read, Err(StorageError::Corrupt { .. })));
        assert!(storage.inner.writer.lock().unwrap().is_none());
        storage.read(|_| Ok(())).unwrap();
    }

    #[test]
    fn a_connection_whose_disk_failed_is_not_used_again() {
        let (_home, storage) = storage();
        let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);

        let written: Result<(), _> = storage.write(|transaction| {
            transaction.execute("CREATE TABLE written (x)", ())?;
            Err(rusqlite::Error::SqliteFailure(failed, None).into())
        });

        assert!(written.is_err());
        assert!(storage.inner.writer.lock().unwrap().is_none());
        assert!(!storage.read(|connection| Ok(connection.table_exists(None, "written")?)).unwrap());
    }

    fn setting(storage: &Storage, name: &str) -> String {
        let found = storage.read(|connection| {
            Ok(connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))?)
        });
        match found.unwrap() {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_connection_has_the_settings_that_durability_rests_on() {
        let (_home, storage) = storage();

        for (name, expected) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("secure_delete", "1"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("busy_timeout", "5000"),
            ("query_only", "0"),
        ] {
            assert_eq!(setting(&storage, name), expected, "{name}");
        }
        let defensive = storage.write(|transaction| {
            transaction.pragma_update(None, "writable_schema", true)?;
            let sql = "UPDATE sqlite_schema SET sql = 'x' WHERE name = 'tasks'";
            Ok(transaction.execute(sql, ())?)
        });
        assert!(defensive.is_err());
    }

    /// Makes every later read go to a connection that only reads.
    fn read_beside_a_write(storage: &Storage) {
        storage.write(|_| storage.read(|_| Ok(()))).unwrap();
    }

    #[test]
    fn a_second_connection_is_opened_once_somebody_would_have_to_wait_for_the_first() {
        let (_home, storage) = storage();

        storage.read(|_| Ok(())).unwrap();
        storage.write(|_| Ok(())).unwrap();
        storage.read(|_| Ok(())).unwrap();
        assert_eq!(storage.inner.readers.count(), 0);
        read_beside_a_write(&storage);
        storage.read(|_| Ok(())).unwrap();

        assert_eq!(storage.inner.readers.count(), 1);
    }

    #[test]
    fn a_change_that_may_reach_the_disk_later_leaves_the_next_one_as_it_was() {
        let (_home, storage) = storage();
        let synchronous = |connection: &Connection| {
            Ok(connection.pragma_query_value(None, "synchronous", |row| row.get::<_, u32>(0))?)
        };

        let within =
            |speed| storage.write_at(speed, |transaction| synchronous(transaction)).unwrap();

        assert_eq!(within(CommitSpeed::DiskLater), 1);
        assert_eq!(within(CommitSpeed::DiskFirst), 2);
        let failed = storage.write_at(CommitSpeed::DiskLater, |_| -> Result<(), _> {
            Err(StorageError::Sqlite(rusqlite::Error::InvalidQuery))
        });
        assert!(failed.is_err());
        assert_eq!(within(CommitSpeed::DiskFirst), 2);
    }

    #[test]
    fn a_connection_that_reads_cannot_write_and_trusts_the_schema_no_more_than_others() {
        let (_home, storage) = storage();
        read_beside_a_write(&storage);

        let settings = ["journal_mode", "query_only", "trusted_schema", "busy_timeout"];
        assert_eq!(settings.map(|name| setting(&storage, name)), ["wal", "1", "0", "5000"]);
        let written = storage.inner.readers.read(&mut |connection| {
            assert!(connection.is_readonly("main")?);
            connection.pragma_update(None, "query_only", false)?;
            connection.execute("CREATE TABLE written (x)", ())?;
            Ok(())
        });
        assert!(written.is_err());
    }

    #[test]
    fn tasks_are_listed_while_a_transaction_is_open_and_have_what_it_commits_afterwards() {
        let (_home, storage) = storage();
        let list = || storage.tasks(&TaskQuery::default());
        let task = "INSERT INTO sessions VALUES (1, 's', 'chat', 'active', 't', 'w', 1, 1);
                    INSERT INTO tasks VALUES (1, 't', 's', 'x', 'running', 'w', 'm', 1, NULL, 0,
                                              NULL, 0, 0, NULL, NULL);";

        storage
            .write(|transaction| {
                transaction.execute_batch(task)?;
                assert_eq!(list()?, []);
                Ok(())
            })
            .unwrap();

        assert_eq!(list().unwrap().len(), 1);
    }

    #[test]
    fn a_version_is_another_one_once_anybody_wrote_and_the_same_until_then() {
        let (_home, storage) = storage();
        let other = Storage::open(storage.data()).unwrap();
        let mut reader = storage.version_reader();
        let table = |name: &'static str| {
            move |transaction: &Transaction<'_>| {
                Ok(transaction.execute(&format!("CREATE TABLE {name} (x)"), ())?)
            }
        };

        let first = reader.now().unwrap();
        assert_eq!(reader.now().unwrap(), first);
        storage.write(table("one")).unwrap();
        let second = reader.now().unwrap();
        assert_ne!(second, first);
        other.write(table("two")).unwrap();
        assert_ne!(reader.now().unwrap(), second);
    }

    #[test]
    fn a_query_sees_one_state_of_the_database() {
        let (_home, storage) = storage();
        read_beside_a_write(&storage);

        let seen = storage.read(|connection| {
            let before = connection.table_exists(None, "written")?;
            storage
                .write(|transaction| Ok(transaction.execute("CREATE TABLE written (x)", ())?))?;
            Ok((before, connection.table_exists(None, "written")?))
        });

        assert_eq!(seen.unwrap(), (false, false));
    }

    #[test]
    fn the_writer_reads_for_a_reader_that_fails_and_the_reader_is_closed() {
        let (_home, storage) = storage();
        read_beside_a_write(&storage);
        let runs = Cell::new(0);

        let read = storage.read(|connection| {
            runs.set(runs.get() + 1);
            if connection.is_readonly("main")? { Err(damaged()) } else { Ok(7) }
        });

        assert_eq!((read.unwrap(), runs.get()), (7, 2));
        assert_eq!(storage.inner.readers.count(), 0);
    }

    #[test]
    fn an_answer_that_is_an_error_is_not_asked_for_again() {
        let (_home, storage) = storage();
        read_beside_a_write(&storage);
        let runs = Cell::new(0);

        let read: Result<(), _> = storage.read(|_| {
            runs.set(runs.get() + 1);
            Err(StorageError::BadId(String::new()))
        });

        assert!(matches!(read, Err(StorageError::BadId(_))));
        assert_eq!((runs.get(), storage.inner.readers.count()), (1, 1));
    }

    #[test]
    fn readers_close_before_the_writer_which_leaves_no_log() {
        let (home, storage) = storage();
        read_beside_a_write(&storage);
        storage.read(|_| Ok(())).unwrap();
        let log = home.path().join("data/openkoi.db-wal");
        assert!(disk::exists(&log));

        drop(storage);

        assert!(!disk::exists(&log));
    }
}
