//! The connections that read while another one writes.
//!
//! With a write-ahead log a reader sees the last state that was committed before it began, and waits for nobody.
//! Each is opened read-only when no idle one is left, and kept for the next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::{
    error::StorageError,
    opener::{Opened, Opener},
};

/// The most idle connections that are kept.
const IDLE: usize = 4;

/// A query whose result went elsewhere, so that the ways to the database are compiled once and not for each result.
pub(crate) type Query<'a> = dyn FnMut(&Connection) -> Result<(), StorageError> + 'a;

/// The connections that read.
pub(crate) struct Readers {
    opener: Opener,
    idle: Mutex<Vec<Opened>>,
}

impl Readers {
    /// Returns readers of the database of `opener`. None is open yet.
    pub(crate) fn new(opener: Opener) -> Self {
        Self { opener, idle: Mutex::default() }
    }

    /// Runs a query on one state of the database.
    ///
    /// # Errors
    ///
    /// The error of the query, or one of the connection, which is not used again then.
    pub(crate) fn read(&self, query: &mut Query<'_>) -> Result<(), StorageError> {
        let idle = self.idle().pop();
        let mut opened = match idle {
            Some(opened) => opened,
            None => self.opener.open_reader()?,
        };
        let moved = self.opener.ensure_unmoved(&opened);
        let result = moved.and_then(|()| snapshot(&mut opened.connection, query));
        let result = result.map_err(|error| error.explained(self.opener.path()));
        if !result.as_ref().is_err_and(StorageError::is_of_connection) {
            let mut idle = self.idle();
            if idle.len() < IDLE {
                idle.push(opened);
            }
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.idle().len()
    }
}

/// Tells whether anything was written since it was last asked, by whichever connection of whichever process.
pub struct VersionReader {
    opener: Opener,
    /// The connection, unless the last look failed: it is not used again then.
    opened: Option<Opened>,
    /// How many connections it has had: the numbers of two say nothing of one another.
    connections: u64,
}

/// A state of the database. Two that are equal are of the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseVersion {
    connection: u64,
    number: i64,
}

impl VersionReader {
    pub(crate) fn new(opener: Opener) -> Self {
        Self { opener, opened: None, connections: 0 }
    }

    /// Returns the state of the database.
    ///
    /// # Errors
    ///
    /// When the database is not at its path any more, or cannot be read.
    pub fn now(&mut self) -> Result<DatabaseVersion, StorageError> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => {
                self.connections += 1;
                self.opener.open_reader()?
            }
        };
        self.opener.ensure_unmoved(&opened)?;
        let number = {
            let mut statement = opened.connection.prepare_cached("PRAGMA data_version")?;
            statement.query_row((), |row| row.get(0))?
        };
        self.opened = Some(opened);
        Ok(DatabaseVersion { connection: self.connections, number })
    }
}

/// Runs a query whose statements all see the same state of the database.
pub(crate) fn snapshot(
    connection: &mut Connection,
    query: &mut Query<'_>,
) -> Result<(), StorageError> {
    let transaction = connection.transaction()?;
    query(&transaction)?;
    Ok(transaction.commit()?)
}
