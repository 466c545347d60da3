//! The connections that read while another one writes.
//!
//! With a write-ahead log a reader sees the last state that was committed before it began, and waits for nobody.
//! Each is opened read-only when no idle one is left, and kept for the next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::{
    database::Query,
    error::StorageError,
    opener::{Opened, Opener},
};

/// The most idle connections that are kept.
const IDLE: usize = 4;

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
    opened: Opened,
}

impl VersionReader {
    pub(crate) fn new(opener: Opener) -> Result<Self, StorageError> {
        Ok(Self { opened: opener.open_reader()?, opener })
    }

    /// Returns a number that is another one once something was written.
    ///
    /// # Errors
    ///
    /// When the database is not at its path any more, or cannot be read.
    pub fn now(&mut self) -> Result<i64, StorageError> {
        self.opener.ensure_unmoved(&self.opened)?;
        let mut statement = self.opened.connection.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row((), |row| row.get(0))?)
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
