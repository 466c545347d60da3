//! Contents of files that a task is about to change.
//!
//! They come with the entry that tells of the change, in its transaction, so that nobody waits for files of their own. The
//! store of snapshots has them as well, and the disk has them there some time later; then they are dropped here.

use std::sync::PoisonError;

use openkoi_brokers::snapshot::ContentsJournal;
use rusqlite::{OptionalExtension, Transaction};

use crate::{
    Storage,
    database::{Hashed, stored},
    error::StorageError,
};

impl ContentsJournal for Storage {
    fn take(&self, hash: &str, bytes: Vec<u8>) {
        self.give_back(vec![(hash.to_owned(), bytes)]);
    }

    fn find(&self, hash: &str) -> Option<Vec<u8>> {
        let sql = "SELECT bytes FROM contents WHERE hash = ?1";
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([hash], |row| row.get(0)).optional()?)
        });
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "contents cannot be looked for");
            None
        })
    }
}

impl Storage {
    /// Returns the hashes of the contents that came before `before_ms`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn contents_before(&self, before_ms: u64) -> Result<Vec<String>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT hash FROM contents WHERE at_ms < ?1";
            let mut statement = connection.prepare(sql)?;
            let hashes = statement.query_map([stored(before_ms)], |row| row.get(0))?;
            Ok(hashes.collect::<Result<_, _>>()?)
        })
    }

    /// Drops contents that the store of snapshots has on the disk, or that nobody needs any more. No word of them is left.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn drop_contents(&self, hashes: &[String]) -> Result<(), StorageError> {
        if hashes.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let sql = "DELETE FROM contents WHERE hash = ?1";
            let mut statement = transaction.prepare(sql)?;
            hashes.iter().try_for_each(|hash| statement.execute([hash]).map(drop))?;
            Ok(())
        })?;
        self.empty_log()
    }

    /// Returns what waits for the next entry.
    pub(crate) fn waiting_contents(&self) -> Vec<Hashed> {
        std::mem::take(&mut self.contents().lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets contents wait for the next entry.
    pub(crate) fn give_back(&self, contents: Vec<Hashed>) {
        self.contents().lock().unwrap_or_else(PoisonError::into_inner).extend(contents);
    }
}

/// Keeps contents in the transaction of the entries that they came with.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    contents: &[Hashed],
    at_ms: u64,
) -> Result<(), StorageError> {
    let sql = "INSERT INTO contents (hash, at_ms, bytes) VALUES (?1, ?2, ?3)
               ON CONFLICT (hash) DO UPDATE SET at_ms = excluded.at_ms";
    for (hash, bytes) in contents {
        transaction.prepare_cached(sql)?.execute((hash, stored(at_ms), bytes))?;
    }
    Ok(())
}
