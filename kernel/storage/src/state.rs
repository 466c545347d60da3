//! The key-value spaces of components.
//!
//! A component's name is part of every key and is bound like one, so no key can reach another space. The quota
//! counts keys and values and a little for each pair, so that many empty pairs are not free.

use openkoi_core::{failure::Failure, port::StateStore};
use rusqlite::{OptionalExtension, Transaction};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
};

/// The longest key, in bytes.
pub const KEY_LIMIT: usize = 512;
/// The longest value, in bytes.
pub const VALUE_LIMIT: usize = 256 << 10;
/// The most keys that one listing returns.
pub const KEYS_LIMIT: usize = 1_000;
/// The bytes that a pair counts beyond its own: roughly those that the database adds.
pub const PAIR_COST: u64 = 64;

impl StateStore for Storage {
    fn get(&self, component: &str, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        check_key(key)?;
        let sql = "SELECT value FROM state_values WHERE component = ?1 AND key = ?2";
        let value = self.read(|connection| {
            let row = (component, key.as_bytes());
            Ok(connection.query_row(sql, row, |row| row.get(0)).optional()?)
        })?;
        Ok(value)
    }

    fn set(&self, component: &str, key: &str, value: &[u8], quota: u64) -> Result<(), Failure> {
        check_key(key)?;
        check_value(value)?;
        let fits = self.write(|transaction| set(transaction, component, key, value, quota))?;
        if fits { Ok(()) } else { Err(limited("state", quota, "limits.state_bytes")) }
    }

    fn delete(&self, component: &str, key: &str) -> Result<(), Failure> {
        check_key(key)?;
        Ok(self.write(|transaction| {
            let freed = size_of(transaction, component, key)?;
            let sql = "DELETE FROM state_values WHERE component = ?1 AND key = ?2";
            transaction.execute(sql, (component, key.as_bytes()))?;
            let sql = "UPDATE state_spaces SET bytes = bytes - ?2 WHERE component = ?1";
            transaction.execute(sql, (component, stored(freed)))?;
            Ok(())
        })?)
    }

    fn keys(
        &self,
        component: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Failure> {
        let limit = limit.min(KEYS_LIMIT);
        let sql = "SELECT key FROM state_values
                   WHERE component = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3)
                     AND (?4 IS NULL OR key > ?4)
                   ORDER BY key LIMIT ?5";
        Ok(self.read(|connection| {
            let end = end_of(prefix);
            let after = after.map(str::as_bytes);
            let row = (component, prefix.as_bytes(), end, after, stored(limit as u64));
            let mut statement = connection.prepare(sql)?;
            let keys = statement.query_map(row, |row| row.get::<_, Vec<u8>>(0))?;
            let keys = keys.map(|key| Ok(String::from_utf8_lossy(&key?).into_owned()));
            keys.collect::<Result<_, StorageError>>()
        })?)
    }
}

/// Sets the value unless the space would grow past its quota; returns whether it did.
fn set(
    transaction: &Transaction<'_>,
    component: &str,
    key: &str,
    value: &[u8],
    quota: u64,
) -> Result<bool, StorageError> {
    transaction
        .execute("INSERT INTO state_spaces VALUES (?1, 0) ON CONFLICT DO NOTHING", [component])?;
    let sql = "SELECT bytes FROM state_spaces WHERE component = ?1";
    let before = count(transaction.query_row(sql, [component], |row| row.get(0))?);
    let old = size_of(transaction, component, key)?;
    let new = PAIR_COST + (key.len() + value.len()) as u64;
    let after = before.saturating_sub(old) + new;
    // A space over its quota, which may have been lowered, can still shrink.
    if after > quota && new > old {
        return Ok(false);
    }
    let sql = "INSERT INTO state_values VALUES (?1, ?2, ?3)
               ON CONFLICT (component, key) DO UPDATE SET value = excluded.value";
    transaction.execute(sql, (component, key.as_bytes(), value))?;
    let sql = "UPDATE state_spaces SET bytes = ?2 WHERE component = ?1";
    transaction.execute(sql, (component, stored(after)))?;
    Ok(true)
}

/// Returns what the pair counts now; nothing if it is not there.
fn size_of(transaction: &Transaction<'_>, component: &str, key: &str) -> Result<u64, StorageError> {
    let sql = "SELECT length(key) + length(value) FROM state_values
               WHERE component = ?1 AND key = ?2";
    let row = (component, key.as_bytes());
    let bytes: Option<i64> = transaction.query_row(sql, row, |row| row.get(0)).optional()?;
    Ok(bytes.map_or(0, |bytes| PAIR_COST + count(bytes)))
}

/// Returns the first bytes after all that begin with `prefix`. No byte of UTF-8 is the largest there is.
fn end_of(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    let last = end.last_mut()?;
    *last += 1;
    Some(end)
}

fn check_key(key: &str) -> Result<(), Failure> {
    if key.len() <= KEY_LIMIT {
        return Ok(());
    }
    Err(limited("state key bytes", KEY_LIMIT as u64, ""))
}

fn check_value(value: &[u8]) -> Result<(), Failure> {
    if value.len() <= VALUE_LIMIT {
        return Ok(());
    }
    Err(limited("state value bytes", VALUE_LIMIT as u64, ""))
}

fn limited(name: &str, value: u64, knob: &str) -> Failure {
    Failure::Limited { name: name.to_owned(), value, knob: knob.to_owned() }
}
