//! The log that a clean end leaves.
//!
//! The last connection that closes would bring the log into the database and remove it: two waits for the disk at each
//! end, and two at the next start, which makes a new log. So a small log stays, with a note in the lock file that says
//! which log and which database belong together. Whoever comes next and is alone reads the note:
//!
//! | what is there | what it means |
//! |---|---|
//! | both as noted | the last run ended cleanly |
//! | "to be emptied" | the last run crashed after it had deleted what is in the log |
//! | the database is another one | somebody put a copy in its place, and the log is not its own |
//! | anything else | the last run crashed |

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use openkoi_brokers::disk;
use openkoi_core::hash;

/// A larger log is brought into the database at the end: the next start reads all of what is left. So is one that is
/// larger than the database: nobody who copies the one without the other shall lose most of it.
const LARGEST: u64 = 512 << 10;
/// The part of a database that is compared. It has the size, the schema and a counter of changes.
const FIRST_PAGE: u64 = 4_096;
/// The longest note.
const LONGEST: usize = 256;
/// The note that asks for the log to be emptied: what it holds was deleted.
const TO_BE_EMPTIED: &str = "to be emptied";

/// The database, and the log beside it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    database: PathBuf,
    log: PathBuf,
}

/// What the log that is there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// There is none, or it is the one that was noted.
    Clean,
    /// It was left by a crash, and holds what was deleted.
    ToBeEmptied,
    /// It was left by a crash.
    Crashed,
    /// It belongs to a database that is not there any more.
    Foreign,
}

impl Files {
    pub(super) fn of(database: &Path) -> Self {
        Self { database: database.to_owned(), log: with_end(database, "-wal") }
    }

    /// Returns whether there is a log with something in it.
    fn has_log(&self) -> bool {
        self.log_length() > 0
    }

    /// Returns whether the log may stay when the last connection closes.
    pub(super) fn may_stay(&self, lock: &File) -> bool {
        let database = disk::status(&self.database).map_or(0, |database| database.length);
        self.log_length() <= LARGEST.min(database)
            && read(lock).is_ok_and(|note| note != TO_BE_EMPTIED)
    }

    /// Says what the log is.
    pub(super) fn look(&self, lock: &File) -> io::Result<Left> {
        let note = read(lock)?;
        if !self.has_log() {
            return Ok(Left::Clean);
        }
        if note == TO_BE_EMPTIED {
            return Ok(Left::ToBeEmptied);
        }
        let Some((noted_log, noted_database)) = note.split_once(' ') else {
            return Ok(Left::Crashed);
        };
        if noted_database != self.database()? {
            return Ok(Left::Foreign);
        }
        let as_noted = noted_log == self.log_length().to_string();
        Ok(if as_noted { Left::Clean } else { Left::Crashed })
    }

    /// Notes the log that is there, for whoever comes next.
    pub(super) fn note(&self, lock: &File) -> io::Result<()> {
        if !self.has_log() || read(lock)? == TO_BE_EMPTIED {
            return Ok(());
        }
        write(lock, &format!("{} {}", self.log_length(), self.database()?))
    }

    /// Puts the log aside, under a name that nobody has.
    pub(super) fn put_log_aside(&self) -> io::Result<PathBuf> {
        let at_ms = disk::status(&self.log)?.modified_ms();
        let aside = with_end(&self.log, &format!(".{at_ms}"));
        disk::rename(&self.log, &aside)?;
        Ok(aside)
    }

    /// Brings back what was put aside.
    pub(super) fn bring_log_back(&self, aside: &Path) -> io::Result<()> {
        disk::rename(aside, &self.log)
    }

    fn log_length(&self) -> u64 {
        disk::status(&self.log).map_or(0, |log| log.length)
    }

    /// Names the database by its length and its first page. Closing a file gives up the locks that this process has on
    /// it, so nobody may have the database open.
    fn database(&self) -> io::Result<String> {
        let length = disk::status(&self.database)?.length;
        let page = disk::read_start(&self.database, FIRST_PAGE)?;
        Ok(format!("{length} {}", hash::of_bytes(&page)))
    }
}

/// Takes the note away, before anything is written: a crash is noticed then, whatever it leaves.
pub(super) fn take_note_away(lock: &File) -> io::Result<()> {
    if lock.metadata()?.len() > 0 { lock.set_len(0) } else { Ok(()) }
}

/// Asks for the log to be emptied by the last who leaves, or by the first who comes.
pub(super) fn ask_to_empty(lock: &File) -> io::Result<()> {
    write(lock, TO_BE_EMPTIED)
}

fn read(lock: &File) -> io::Result<String> {
    let mut bytes = [0; LONGEST];
    let length = lock.read_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

fn write(lock: &File, note: &str) -> io::Result<()> {
    lock.set_len(0)?;
    lock.write_all_at(note.as_bytes(), 0)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}
