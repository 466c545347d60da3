//! Contents of files that a task is about to change.
//!
//! They come with the entry that tells of the change, in its transaction, so that nobody waits for files of their own. The
//! store of snapshots has them as well, and the disk has them there some time later; then they are dropped here.

use std::{collections::BTreeSet, iter, sync::PoisonError};

use openkoi_brokers::snapshot::ContentsJournal;
use openkoi_core::id::SessionId;
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

    /// Returns every hash that the entries of a session have in them, whatever it stands for; without a session, that of all entries
    /// and of the texts that they share. They are looked through as they are stored: in a large home they are a gigabyte.
    ///
    /// # Errors
    ///
    /// When the journals cannot be read.
    pub fn hashes_named(
        &self,
        session: Option<&SessionId>,
    ) -> Result<BTreeSet<String>, StorageError> {
        let sql = match session {
            Some(_) => {
                "SELECT payload FROM entries WHERE task IN (SELECT id FROM tasks WHERE session = ?1)"
            }
            None => "SELECT payload FROM entries WHERE ?1 IS NULL UNION ALL SELECT text FROM texts",
        };
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([session.map(SessionId::as_str)])?;
            let mut found = BTreeSet::new();
            while let Some(row) = rows.next()? {
                let payload = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                found.extend(hashes_in(payload).map(str::to_owned));
            }
            Ok(found)
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

/// Returns the runs of exactly 64 digits of hexadecimal numbers in a text.
pub fn hashes_in(text: &str) -> impl Iterator<Item = &str> {
    const LENGTH: usize = 64;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let bytes = text.as_bytes();
    // Of any 64 bytes that follow one another this looks at one, so most of a text is passed over.
    let mut at = LENGTH - 1;
    iter::from_fn(move || {
        while at < bytes.len() {
            if !is_digit(&bytes[at]) {
                at += LENGTH;
                continue;
            }
            let before = bytes[..at].iter().rev().take_while(|byte| is_digit(byte)).count();
            let after = bytes[at..].iter().take_while(|byte| is_digit(byte)).count();
            let begin = at - before;
            at += after.next_multiple_of(LENGTH);
            if before + after == LENGTH {
                return text.get(begin..begin + LENGTH);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::hashes_in;

    #[test]
    fn hashes_are_found_wherever_they_stand() {
        let (a, b) = ("0f".repeat(32), "a1".repeat(32));
        for shift in 0..200 {
            let text = format!(
                "{}\"{a}\",\"x\":[\"{b}\", \"{a}0\", \"abc\"]é{b}é{}{a}",
                "k".repeat(shift),
                "0".repeat(shift)
            );
            let mut expected = vec![a.as_str(), &b, &b];
            // The last one is one only where nothing belongs to it besides.
            expected.extend((shift == 0).then_some(a.as_str()));
            assert_eq!(hashes_in(&text).collect::<Vec<_>>(), expected, "{shift}");
        }
        assert_eq!(hashes_in(&"0".repeat(64)).count(), 1);
        assert_eq!(hashes_in(&"0".repeat(63)).count(), 0);
        assert_eq!(hashes_in("").count(), 0);
    }
}
