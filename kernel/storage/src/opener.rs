//! Opening the database.
//!
//! Every connection has a five-second wait for locks and a schema that may run nothing (`trusted_schema` off,
//! defensive, no triggers, no views). The one that writes has a write-ahead log with `synchronous=FULL`; others are
//! opened read-only. SQLite falls back to a read-only connection in silence when it cannot open a file for writing;
//! that is looked for.
//!
//! A log that nobody has noted (`kept_log`) was left by a crash. Only then is the database checked, as far as that goes in
//! a moment.

mod kept_log;
mod migration;
mod presence;

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use openkoi_brokers::{
    disk::{self, FileId, FileKind},
    durable::create_private_dir,
};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    error::{StorageError, obstacle},
    mode::PRIVATE,
};
use kept_log::{Files, Left};
pub use migration::VERSION;
use presence::Presence;

/// The longest that a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest look at a database that the last run did not close.
const LONGEST_LOOK: Duration = Duration::from_millis(200);
/// The name of the database in the data directory.
pub const FILE: &str = "openkoi.db";
/// The log is cut back to this size when it was larger.
const LOG_LIMIT: i64 = 64 << 20;

/// Opens the database of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    path: PathBuf,
    lock: PathBuf,
    /// A file that is there once the database is one.
    mark: PathBuf,
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    /// The file that is open.
    pub(crate) file: FileId,
    // Says that somebody is here; after the connection, so that it goes last.
    presence: Presence,
}

impl Opened {
    /// Says that the disk failed this connection: what it leaves is looked at as after a crash.
    pub(crate) fn spoil(&mut self) {
        self.presence.spoil();
    }

    /// Asks the last who leaves to empty the log.
    pub(crate) fn ask_to_empty_log(&self) -> Result<(), StorageError> {
        self.presence.ask_to_empty_log()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.presence.lets_log_stay() {
            return;
        }
        let stays = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        if let Err(error) = self.connection.set_db_config(stays, false) {
            tracing::debug!(%error, "the log stays though it is large");
        }
    }
}

/// The extent of the check of a database that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Nothing, unless the last run crashed.
    AfterCrash,
    /// Everything.
    Whole,
}

/// The shortest database: one page of the smallest size.
const SHORTEST: u64 = 512;

/// The number of prepared statements that are kept: all that an entry of the journal or a call of the API needs.
const STATEMENTS: usize = 64;

/// Each connection is used by one thread at a time, is not reached through a link, and says precisely what failed.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW)
    .union(OpenFlags::SQLITE_OPEN_EXRESCODE);

impl Opener {
    /// Returns an opener for the data directory, which is created if need be and closed to other users.
    ///
    /// # Errors
    ///
    /// The directory cannot be created or is somebody else's.
    pub(crate) fn new(data: &Path) -> Result<Self, StorageError> {
        create_private_dir(data)?;
        // The real path: a link *to* the directory is the user's wish, one in place of the file is not.
        let data = disk::canonical(data).map_err(|error| StorageError::io(data, error))?;
        let locks = data.join("locks");
        create_private_dir(&locks)?;
        let (lock, mark) = (locks.join("database.lock"), locks.join("database.made"));
        Ok(Self { path: data.join(FILE), lock, mark })
    }

    /// Returns the path of the database.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the database, creating or migrating it if need be.
    ///
    /// A single failed read can look like damage. So damage is only believed when a second connection, which
    /// checks everything, finds it too.
    ///
    /// # Errors
    ///
    /// Says what is in the way; the database is as it was.
    pub(crate) fn open(&self) -> Result<Opened, StorageError> {
        match self.attempt(Check::AfterCrash) {
            Err(StorageError::Corrupt { detail, .. }) => {
                tracing::warn!(detail, "the database looks damaged and is opened again");
                self.attempt(Check::Whole)
            }
            other => other,
        }
    }

    /// Opens the database and checks all of it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] with what the check found, among others.
    pub(crate) fn open_and_check(&self) -> Result<Opened, StorageError> {
        self.attempt(Check::Whole)
    }

    fn attempt(&self, check: Check) -> Result<Opened, StorageError> {
        self.prepare(check).map_err(|error| error.explained(&self.path))
    }

    fn prepare(&self, check: Check) -> Result<Opened, StorageError> {
        let presence = Presence::enter(&self.lock)?;
        self.look_for_a_cut()?;
        let file = self.private_file()?;
        let files = Files::of(&self.path);
        let left = presence.look(&files)?;
        let aside = match left {
            Left::Foreign => Some(self.put_log_aside(&files)?),
            _ => None,
        };
        let connection = self.set_up(check, left, &presence).inspect_err(|_| {
            // It was no other database, but one that was damaged.
            if let Some(aside) = &aside
                && let Err(error) = files.bring_log_back(aside)
            {
                tracing::warn!(%error, log = %aside.display(), "the log stays aside");
            }
        })?;
        self.note_whole();
        let presence = presence.share(files)?;
        Ok(Opened { connection, file, presence })
    }

    fn put_log_aside(&self, files: &Files) -> Result<PathBuf, StorageError> {
        let aside = files.put_log_aside().map_err(|error| StorageError::io(&self.path, error))?;
        tracing::warn!(log = %aside.display(), "the log of the database that was here before is put aside");
        Ok(aside)
    }

    fn set_up(
        &self,
        check: Check,
        left: Left,
        presence: &Presence,
    ) -> Result<Connection, StorageError> {
        let mut connection = self.connect()?;
        if check == Check::Whole {
            self.verify(&connection, "PRAGMA integrity_check(5)")?;
        } else if left != Left::Clean {
            tracing::info!(?left, "the database is looked at");
            self.look_at(&connection)?;
        }
        // Emptied before the note goes, so that a kill in between leaves one of the two.
        if left != Left::ToBeEmptied || is_log_emptied(&connection)? {
            presence.take_note_away()?;
        }
        migration::bring_up(&mut connection, &self.path)?;
        Ok(connection)
    }

    /// Opens another connection to a database that is open, which reads and cannot write.
    ///
    /// # Errors
    ///
    /// Says what is in the way. Nothing is repaired, set up or migrated.
    pub(crate) fn open_reader(&self) -> Result<Opened, StorageError> {
        self.prepare_reader().map_err(|error| error.explained(&self.path))
    }

    fn prepare_reader(&self) -> Result<Opened, StorageError> {
        let presence = Presence::join(&self.lock)?;
        let file = disk::link_status(&self.path);
        let file = file.map_err(|error| StorageError::io(&self.path, error))?.id;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | FLAGS;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        configure(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        // Somebody may have put another file in the place of the one that was checked.
        migration::check_current(&mut connection, &self.path)?;
        Ok(Opened { connection, file, presence })
    }

    /// Makes sure that the file is still at its path: one that was removed or replaced can be written to for ever,
    /// and nobody will find it.
    pub(crate) fn ensure_unmoved(&self, opened: &Opened) -> Result<(), StorageError> {
        let now = disk::status(&self.path);
        if now.is_ok_and(|now| now.id == opened.file) {
            return Ok(());
        }
        Err(StorageError::Replaced { path: self.path.clone() })
    }

    /// Creates the file with its mode, which SQLite then gives to the files beside it.
    fn private_file(&self) -> Result<FileId, StorageError> {
        let at = |error| StorageError::io(&self.path, error);
        let found = match disk::link_status(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = disk::open_or_create(&self.path, PRIVATE);
                made.and_then(|file| disk::status_of(&file)).map_err(at)?
            }
            found => found.map_err(at)?,
        };
        if found.kind != FileKind::File {
            return Err(StorageError::Schema { path: self.path.clone() });
        }
        if found.mode & 0o077 != 0 {
            disk::set_mode(&self.path, PRIVATE).map_err(at)?;
        }
        Ok(found.id)
    }

    /// Refuses a database that was whole once and is shorter than any. SQLite would begin a new one in it, and nobody would
    /// hear that everything is gone. One that is not there at all was moved away, and one whose making was cut is begun anew.
    fn look_for_a_cut(&self) -> Result<(), StorageError> {
        let found = match disk::link_status(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // There is none where there was no database.
                drop(disk::remove_file(&self.mark));
                return Ok(());
            }
            found => found.map_err(|error| StorageError::io(&self.path, error))?,
        };
        let is_cut = found.kind == FileKind::File && found.length < SHORTEST;
        if is_cut && disk::exists(&self.mark) {
            let detail = format!("it was cut to {} bytes", found.length);
            return Err(StorageError::Corrupt { path: self.path.clone(), detail });
        }
        Ok(())
    }

    /// Notes that the database is one. Without the note nothing is worse than before, so it may fail.
    fn note_whole(&self) {
        if !disk::exists(&self.mark)
            && let Err(error) = disk::open_or_create(&self.mark, PRIVATE)
        {
            tracing::debug!(%error, "that the database is whole is not noted");
        }
    }

    fn connect(&self) -> Result<Connection, StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | FLAGS;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        if connection.is_readonly("main")? {
            // SQLite could not open the file for writing and did not say so.
            drop(connection);
            let unknown = StorageError::ReadOnly { path: self.path.clone() };
            return Err(obstacle(&self.path).unwrap_or(unknown));
        }
        configure(&connection)?;
        make_durable(&connection)?;
        Ok(connection)
    }

    /// Checks the database as far as that goes in a moment. A log is complete or not there after a crash, so damage is the
    /// disk's, and nobody waits for a large database to be read as a whole: what is damaged is noticed when it is read.
    fn look_at(&self, connection: &Connection) -> Result<(), StorageError> {
        let interrupt = connection.get_interrupt_handle();
        let (done, is_done) = mpsc::channel::<()>();
        let timer = thread::Builder::new().name("openkoi-look".to_owned()).spawn(move || {
            if is_done.recv_timeout(LONGEST_LOOK) == Err(RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let found = self.verify(connection, "PRAGMA quick_check(5)");
        drop(done);
        // Without a timer the look takes as long as it takes.
        if timer.is_ok_and(|timer| timer.join().is_err()) {
            tracing::debug!("the timer of the check is gone");
        }
        match found {
            Err(StorageError::Sqlite(error)) if is_interrupted(&error) => {
                tracing::info!("the database is too large to be checked as a whole at once");
                Ok(())
            }
            found => found,
        }
    }

    fn verify(&self, connection: &Connection, pragma: &str) -> Result<(), StorageError> {
        let mut statement = connection.prepare(pragma)?;
        let rows = statement.query_map((), |row| row.get::<_, String>(0))?;
        let lines: Vec<String> = rows.collect::<Result<_, _>>()?;
        if lines == ["ok"] {
            return Ok(());
        }
        Err(StorageError::Corrupt { path: self.path.clone(), detail: lines.join("; ") })
    }
}

/// Brings the log into the database and empties it. Where another process prevents that, the last one who leaves does it.
pub(crate) fn empty_log(opened: &Opened) -> Result<(), StorageError> {
    if !is_log_emptied(&opened.connection)? {
        tracing::debug!("the log is in use; the last who leaves empties it");
        opened.ask_to_empty_log()?;
    }
    Ok(())
}

/// Brings the log into the database and empties it. Returns false if somebody reads it.
fn is_log_emptied(connection: &Connection) -> Result<bool, StorageError> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection.query_row(sql, (), |row| row.get(0))?;
    Ok(busy == 0)
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

/// Sets what holds for every connection.
fn configure(connection: &Connection) -> Result<(), StorageError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let settings = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // Without it a statement whose plan could depend on what is bound is made anew each time: every entry.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        // A connection that finds damage leaves everything as it is.
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
    ];
    for (setting, value) in settings {
        connection.set_db_config(setting, value)?;
    }
    Ok(())
}

/// Sets what the durability of a write rests on.
fn make_durable(connection: &Connection) -> Result<(), StorageError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(mode, "the file system does not allow a write-ahead log");
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is moved between pages or deleted leaves no text in the file that a deleted session could be read from.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    if cfg!(target_os = "macos") {
        // There a plain fsync leaves the data in the disk's own cache.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_made_once_whatever_is_bound() {
        let directory = tempfile::tempdir().unwrap();
        let opened = Opener::new(directory.path()).unwrap().open().unwrap();
        let sql = "SELECT coalesce(max(seq), 0) FROM entries WHERE task = ?1";
        let mut statement = opened.connection.prepare(sql).unwrap();

        for task in ["a", "b", "c"] {
            let last: i64 = statement.query_row([task], |row| row.get(0)).unwrap();
            assert_eq!(last, 0);
        }

        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
