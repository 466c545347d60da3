//! The permissions that the user gave: trust levels and approval rules.

use std::collections::BTreeMap;

use openkoi_core::{
    approval::Rule,
    trust::{Trust, TrustLevel},
};

use crate::{Storage, database::stored, error::StorageError, status::unknown_word};

impl Storage {
    /// Returns the trust levels, `fallback` being that of domains without one.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn trust(&self, fallback: TrustLevel) -> Result<Trust, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT domain, level FROM trust_levels")?;
            let rows = statement.query_map((), |row| {
                let level: String = row.get(1)?;
                Ok((row.get(0)?, level.parse().map_err(|_| unknown_word(&level))?))
            })?;
            Ok(Trust { domains: rows.collect::<Result<BTreeMap<_, _>, _>>()?, fallback })
        })
    }

    /// Returns the rules that *always* answers left behind, in the order of their making.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn rules(&self) -> Result<Vec<Rule>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT allow, origin, action, target FROM approval_rules ORDER BY rowid";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map((), |row| {
                let (allow, origin) = (row.get(0)?, row.get(1)?);
                Ok(Rule { allow, origin, action: row.get(2)?, target: row.get(3)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a rule; a rule about the same thing is replaced.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_rule(&self, rule: &Rule, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO approval_rules VALUES (?1, ?2, ?3, ?4, ?5)";
            let row = (&rule.origin, &rule.action, &rule.target, rule.allow, stored(at_ms));
            transaction.execute(sql, row)?;
            Ok(())
        })
    }
}
