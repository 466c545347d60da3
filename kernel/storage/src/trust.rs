//! Grants of trust, and how the work went that was done in each domain.

use std::collections::{BTreeMap, BTreeSet};

use openkoi_core::{
    id::{SessionId, TaskId},
    skill::Tally,
    trust::delegation::{Delegation, DelegationEnd},
};
use rusqlite::{OptionalExtension, Row};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    memory::word,
    status::unknown_word,
};

/// The most grants that are looked at, the newest first. Those that hold are among them: of each domain and workspace there
/// is one.
const MOST: u32 = 1_000;
/// The last decisions of a domain and workspace that count. What was longer ago says little of today's work.
const LOOKED_AT: u32 = 2_000;

const COLUMNS: &str =
    "id, domain, workspace, level, names, reason, granted_ms, expires_ms, ended_ms, ended";

/// Work that was done at `autonomous`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneAlone {
    /// The task.
    pub task: TaskId,
    /// The domain.
    pub domain: String,
    /// The workspace.
    pub workspace: String,
    /// When the last of it was done, in milliseconds since 1970.
    pub done_ms: u64,
}

impl Storage {
    /// Returns the grants, those that ended too, the newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn delegations(&self) -> Result<Vec<Delegation>, StorageError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM trust_grants ORDER BY ended_ms IS NULL DESC, id DESC LIMIT {MOST}");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((), delegation)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a grant in the place of the one for the same domain and workspace, and returns its number.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn delegate(&self, new: &Delegation) -> Result<u64, StorageError> {
        let unfit =
            |source| StorageError::Unwritable { what: "a grant of trust".to_owned(), source };
        let names = serde_json::to_string(&new.names).map_err(unfit)?;
        let workspace = new.workspace.as_deref().unwrap_or_default();
        self.write(|transaction| {
            let sql = "UPDATE trust_grants SET ended_ms = ?3, ended = 'replaced'
                       WHERE domain = ?1 AND workspace = ?2 AND ended_ms IS NULL";
            transaction.execute(sql, (&new.domain, workspace, stored(new.granted_ms)))?;
            let sql = "INSERT INTO trust_grants (domain, workspace, level, names, reason, granted_ms, expires_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let (granted, expires) = (stored(new.granted_ms), new.expires_ms.map(stored));
            let level = new.level.word();
            let row = (&new.domain, workspace, level, &names, &new.reason, granted, expires);
            transaction.execute(sql, row)?;
            Ok(count(transaction.last_insert_rowid()))
        })
    }

    /// Ends a grant. Returns whether there was one that had not ended.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn end_delegation(
        &self,
        id: u64,
        why: DelegationEnd,
        at_ms: u64,
    ) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE trust_grants SET ended_ms = ?2, ended = ?3 WHERE id = ?1 AND ended_ms IS NULL";
            Ok(transaction.execute(sql, (stored(id), stored(at_ms), why.word()))? > 0)
        })
    }

    /// Returns the work that was done at `autonomous`, of these tasks.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn done_alone(&self, tasks: &BTreeSet<String>) -> Result<Vec<DoneAlone>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT d.domain, t.workspace, max(d.at_ms) FROM decision_records d JOIN tasks t ON t.id = d.task
                       WHERE d.task = ?1 AND d.ground = 'trust:autonomous' GROUP BY d.domain";
            let mut statement = connection.prepare_cached(sql)?;
            let mut all = Vec::new();
            for task in tasks {
                let rows = statement.query_map([task], |row| {
                    let (domain, workspace) = (row.get(0)?, row.get(1)?);
                    Ok(DoneAlone { task: TaskId::new(task), domain, workspace, done_ms: count(row.get(2)?) })
                })?;
                all.extend(rows.collect::<Result<Vec<_>, _>>()?);
            }
            Ok(all)
        })
    }

    /// Returns how the last tasks in a workspace went that did something in each domain: those that were accepted and are not
    /// among the undone stand.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn outcomes_by_domain(
        &self,
        workspace: &str,
        undone: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Tally>, StorageError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT DISTINCT d.domain, d.task, t.status = 'accepted' FROM
                   (SELECT d.domain, d.task FROM decision_records d JOIN tasks t ON t.id = d.task
                    WHERE d.allowed = 1 AND d.effect != 'read' AND t.workspace = ?1
                    ORDER BY d.row DESC LIMIT {LOOKED_AT}) d
                 JOIN tasks t ON t.id = d.task
                 WHERE t.status IN ('accepted', 'stopped')"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([workspace])?;
            let mut domains: BTreeMap<String, Tally> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (task, is_accepted): (String, bool) = (row.get(1)?, row.get(2)?);
                let stands = is_accepted && !undone.contains(&task);
                domains.entry(row.get(0)?).or_default().add(stands);
            }
            Ok(domains)
        })
    }

    /// Returns a place outside of the machine that an earlier task of a session read, if there is one: its conversation may hold
    /// what stands there.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn read_outside(&self, session: &SessionId) -> Result<Option<String>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT d.target FROM tasks t CROSS JOIN decision_records d ON d.task = t.id
                       WHERE t.session = ?1 AND d.allowed = 1 AND d.action IN ('http', 'network')
                       ORDER BY t.seq DESC LIMIT 1";
            Ok(connection.query_row(sql, [session.as_str()], |row| row.get(0)).optional()?)
        })
    }
}

fn delegation(row: &Row<'_>) -> rusqlite::Result<Delegation> {
    let (place, level): (String, String) = (row.get(2)?, row.get(3)?);
    let names: String = row.get(4)?;
    let ended_ms: Option<i64> = row.get(8)?;
    let ended = match ended_ms {
        Some(at_ms) => {
            let why = word(row.get(9)?, &DelegationEnd::ALL, DelegationEnd::word)?;
            Some((count(at_ms), why))
        }
        None => None,
    };
    Ok(Delegation {
        id: count(row.get(0)?),
        domain: row.get(1)?,
        workspace: Some(place).filter(|place| !place.is_empty()),
        level: level.parse().map_err(|_| unknown_word(&level))?,
        names: serde_json::from_str(&names).map_err(|_| unknown_word(&names))?,
        reason: row.get(5)?,
        granted_ms: count(row.get(6)?),
        expires_ms: row.get::<_, Option<i64>>(7)?.map(count),
        ended,
    })
}
