//! What the user allowed: trust levels, approval rules, trusted workspaces, component grants.
//!
//! A grant belongs to the digest of the bytes it was given to, and a trusted workspace to the contents of its
//! configuration: other bytes are another thing, and are asked about again.

use std::collections::BTreeMap;

use openkoi_core::{
    approval::Rule,
    trust::{Trust, TrustLevel},
};
use rusqlite::{OptionalExtension, Row};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    tasks::unknown_word,
};

/// A directory whose configuration the user trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedWorkspace {
    /// Its absolute path.
    pub path: String,
    /// The digest of its configuration files when it was trusted.
    pub digest: String,
    /// When, in milliseconds since 1970.
    pub trusted_ms: u64,
}

/// What the user granted to one component. `G` is the form in which the host keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentGrant<G> {
    /// The digest of the component's bytes.
    pub digest: String,
    /// Its name.
    pub component: String,
    /// What was granted.
    pub granted: G,
    /// When, in milliseconds since 1970.
    pub granted_ms: u64,
}

/// Whether a workspace is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceTrust {
    /// Its configuration is what the user trusted.
    Trusted,
    /// It was trusted with other contents.
    Changed,
    /// The user never said so.
    Unknown,
}

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

    /// Sets the level of a domain.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn set_trust(
        &self,
        domain: &str,
        level: TrustLevel,
        at_ms: u64,
    ) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO trust_levels VALUES (?1, ?2, ?3)";
            transaction.execute(sql, (domain, level.word(), stored(at_ms)))?;
            Ok(())
        })
    }

    /// Takes the level of a domain away; returns whether it had one.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn revoke_trust(&self, domain: &str) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM trust_levels WHERE domain = ?1";
            Ok(transaction.execute(sql, [domain])? > 0)
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

    /// Removes a rule; returns whether it was there.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn drop_rule(&self, rule: &Rule) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM approval_rules
                       WHERE origin = ?1 AND action = ?2 AND target = ?3 AND allow = ?4";
            let row = (&rule.origin, &rule.action, &rule.target, rule.allow);
            Ok(transaction.execute(sql, row)? > 0)
        })
    }

    /// Returns whether the workspace is trusted with these contents.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn workspace_trust(
        &self,
        path: &str,
        digest: &str,
    ) -> Result<WorkspaceTrust, StorageError> {
        let sql = "SELECT digest FROM trusted_workspaces WHERE path = ?1";
        let known: Option<String> = self.read(|connection| {
            Ok(connection.query_row(sql, [path], |row| row.get(0)).optional()?)
        })?;
        Ok(match known {
            Some(known) if known == digest => WorkspaceTrust::Trusted,
            Some(_) => WorkspaceTrust::Changed,
            None => WorkspaceTrust::Unknown,
        })
    }

    /// Trusts a workspace with these contents.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn trust_workspace(&self, workspace: &TrustedWorkspace) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO trusted_workspaces VALUES (?1, ?2, ?3)";
            let TrustedWorkspace { path, digest, trusted_ms } = workspace;
            transaction.execute(sql, (path, digest, stored(*trusted_ms)))?;
            Ok(())
        })
    }

    /// Trusts a workspace no longer; returns whether it was trusted.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn distrust_workspace(&self, path: &str) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM trusted_workspaces WHERE path = ?1";
            Ok(transaction.execute(sql, [path])? > 0)
        })
    }

    /// Returns the trusted workspaces, sorted by path.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn trusted_workspaces(&self) -> Result<Vec<TrustedWorkspace>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT path, digest, trusted_ms FROM trusted_workspaces ORDER BY path";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map((), |row| {
                let (path, digest) = (row.get(0)?, row.get(1)?);
                Ok(TrustedWorkspace { path, digest, trusted_ms: count(row.get(2)?) })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns what was granted to the component with these bytes.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or holds something that is not a `G`: nothing is granted then.
    pub fn component_grant<G: DeserializeOwned>(
        &self,
        digest: &str,
    ) -> Result<Option<ComponentGrant<G>>, StorageError> {
        let sql = "SELECT digest, component, granted, granted_ms FROM component_grants
                   WHERE digest = ?1";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([digest])?;
            rows.next()?.map(component_grant).transpose()
        })
    }

    /// Returns all grants to components of this name, or of every name, the newest first.
    ///
    /// # Errors
    ///
    /// As for [`Storage::component_grant`].
    pub fn component_grants<G: DeserializeOwned>(
        &self,
        component: Option<&str>,
    ) -> Result<Vec<ComponentGrant<G>>, StorageError> {
        let sql = "SELECT digest, component, granted, granted_ms FROM component_grants
                   WHERE ?1 IS NULL OR component = ?1 ORDER BY rowid DESC";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([component])?;
            let mut grants = Vec::new();
            while let Some(row) = rows.next()? {
                grants.push(component_grant(row)?);
            }
            Ok(grants)
        })
    }

    /// Keeps what was granted to a component; an earlier grant to the same bytes is replaced.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn grant_component<G: Serialize>(
        &self,
        grant: &ComponentGrant<G>,
    ) -> Result<(), StorageError> {
        let what = || format!("the grant to {}", grant.component);
        let granted = serde_json::to_string(&grant.granted)
            .map_err(|source| StorageError::Unwritable { what: what(), source })?;
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO component_grants VALUES (?1, ?2, ?3, ?4)";
            let row = (&grant.digest, &grant.component, &granted, stored(grant.granted_ms));
            transaction.execute(sql, row)?;
            Ok(())
        })
    }

    /// Takes everything from the component with these bytes; returns whether it had anything.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn revoke_component(&self, digest: &str) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM component_grants WHERE digest = ?1";
            Ok(transaction.execute(sql, [digest])? > 0)
        })
    }
}

fn component_grant<G: DeserializeOwned>(row: &Row<'_>) -> Result<ComponentGrant<G>, StorageError> {
    let (component, granted): (String, String) = (row.get(1)?, row.get(2)?);
    let what = || format!("the grant to {component}");
    let granted = serde_json::from_str(&granted)
        .map_err(|source| StorageError::Unreadable { what: what(), source })?;
    Ok(ComponentGrant { digest: row.get(0)?, component, granted, granted_ms: count(row.get(3)?) })
}
