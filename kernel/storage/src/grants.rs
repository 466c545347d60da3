//! The permissions that the user gave: approval rules, and what components were granted. Trust is in [`trust`](crate::trust).

use openkoi_core::{approval::Rule, grant::ComponentGrant};

use rusqlite::{OptionalExtension, Params};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
};

impl Storage {
    /// Returns the rules that *always* answers left behind, in the order of their making.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn rules(&self) -> Result<Vec<Rule>, StorageError> {
        Ok(self.kept_rules()?.into_iter().map(|kept| kept.rule).collect())
    }

    /// Returns the rules with their ids and times, in the order of their making.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn kept_rules(&self) -> Result<Vec<KeptRule>, StorageError> {
        self.read(|connection| {
            let sql =
                "SELECT id, allow, origin, action, target, prefix, workspace, made_ms, session
                       FROM approval_rules ORDER BY id";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map((), kept_rule)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a rule; a rule about the same thing in the same workspace is replaced.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_rule(&self, rule: &Rule, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO approval_rules
                       (workspace, session, origin, action, target, prefix, allow, made_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let workspace = rule.workspace.as_deref().unwrap_or_default();
            let session = rule.session.as_deref().unwrap_or_default();
            let Rule { allow, origin, action, target, prefix, .. } = rule;
            let row = (workspace, session, origin, action, target, prefix, allow, stored(at_ms));
            transaction.execute(sql, row)?;
            Ok(())
        })
    }

    /// Takes a rule back. Returns whether there was one with this id.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn revoke_rule(&self, id: u64) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM approval_rules WHERE id = ?1";
            Ok(transaction.execute(sql, (stored(id),))? > 0)
        })
    }
}

impl Storage {
    /// Returns what was granted to the component with these bytes. `digest` is their SHA-256 in hexadecimal.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or the grant is of another OpenKoi and cannot be understood.
    pub fn component_grant(&self, digest: &str) -> Result<Option<ComponentGrant>, StorageError> {
        self.granted("WHERE digest = ?1", (digest,))
    }

    /// Returns what was last granted to a component of this name, whatever its bytes: an update is compared with it.
    ///
    /// # Errors
    ///
    /// As [`Storage::component_grant`].
    pub fn last_component_grant(
        &self,
        component: &str,
    ) -> Result<Option<ComponentGrant>, StorageError> {
        let last = "WHERE component = ?1 ORDER BY granted_ms DESC, rowid DESC LIMIT 1";
        self.granted(last, (component,))
    }

    fn granted(
        &self,
        which: &str,
        of: impl Params + Copy,
    ) -> Result<Option<ComponentGrant>, StorageError> {
        let sql = format!("SELECT granted FROM component_grants {which}");
        let text = self.read(|connection| {
            let row = connection.query_row(&sql, of, |row| row.get::<_, String>(0));
            Ok(row.optional()?)
        })?;
        let unread = |source| StorageError::Unreadable { what: GRANT.to_owned(), source };
        text.map(|text| serde_json::from_str(&text).map_err(unread)).transpose()
    }

    /// Keeps what is granted to the component with these bytes, instead of what was.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_component_grant(
        &self,
        digest: &str,
        component: &str,
        granted: &ComponentGrant,
        at_ms: u64,
    ) -> Result<(), StorageError> {
        let unfit = |source| StorageError::Unwritable { what: GRANT.to_owned(), source };
        let text = serde_json::to_string(granted).map_err(unfit)?;
        self.write(|transaction| {
            let sql =
                "INSERT OR REPLACE INTO component_grants (digest, component, granted, granted_ms)
                       VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(sql, (digest, component, &text, stored(at_ms)))?;
            Ok(())
        })
    }

    /// Takes back all that was granted to components of this name. Returns whether there was anything.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn revoke_component_grants(&self, component: &str) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM component_grants WHERE component = ?1";
            Ok(transaction.execute(sql, (component,))? > 0)
        })
    }
}

/// What errors call a grant.
const GRANT: &str = "the grant of a component";

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRule {
    /// Number of the rule, which is never given to another one.
    pub id: u64,
    /// The rule.
    pub rule: Rule,
    /// When the answer was given, in milliseconds since 1970.
    pub made_ms: u64,
}

fn kept_rule(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptRule> {
    let named = |column| {
        let text: String = row.get(column)?;
        Ok::<_, rusqlite::Error>(Some(text).filter(|text| !text.is_empty()))
    };
    let rule = Rule {
        allow: row.get(1)?,
        origin: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        prefix: row.get(5)?,
        workspace: named(6)?,
        session: named(8)?,
    };
    let number = |column| Ok::<_, rusqlite::Error>(count(row.get(column)?));
    Ok(KeptRule { id: number(0)?, rule, made_ms: number(7)? })
}
