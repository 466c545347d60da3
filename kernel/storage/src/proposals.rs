//! What learners propose, and what a person made of it.

use openkoi_core::learning::{Proposal, is_news};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, Among},
};

/// The most proposals that are kept. Those that were decided the longest ago go first.
pub const CAP: u32 = 500;

const PROPOSALS: Among = Among { what: "proposal", table: "proposals", title: "title" };
const COLUMNS: &str = "id, learner, workspace, proposal, state, proposed_ms, decided_ms";

/// What a person made of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalState {
    /// Nothing yet.
    Open,
    /// It is to be decided another time.
    Later,
    /// It holds.
    Accepted,
    /// It is not wanted.
    Rejected,
}

impl ProposalState {
    const ALL: [Self; 4] = [Self::Open, Self::Later, Self::Accepted, Self::Rejected];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Later => "later",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// Returns whether it is still to be decided.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Later)
    }
}

/// A proposal that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptProposal {
    /// Its id.
    pub id: String,
    /// The learner that made it.
    pub learner: String,
    /// The directory whose tasks it rests on.
    pub workspace: String,
    /// What is proposed.
    pub proposal: Proposal,
    /// What the person made of it.
    pub state: ProposalState,
    /// When it was made, or was last renewed, in milliseconds since 1970.
    pub proposed_ms: u64,
    /// When it was decided.
    pub decided_ms: Option<u64>,
}

impl Storage {
    /// Keeps a proposal, and returns whether there is more to decide than before. One that is about the same as an open one
    /// renews it; one about the same as what was decided is dropped, unless it rests on new evidence.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_proposal(&self, new: &KeptProposal) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let known = all(transaction)?;
            let decided = known.iter().filter(|one| !one.state.is_open());
            if !is_news(&new.proposal, decided.map(|one| &one.proposal)) {
                return Ok(false);
            }
            // A better way to do the same has the same name, so that it takes the place of the other.
            let mut alike = known.iter().filter(|one| one.proposal.is_about(&new.proposal));
            let accepted = alike.rfind(|one| one.state == ProposalState::Accepted);
            let proposal = match accepted {
                Some(earlier) => new.proposal.clone().as_version_of(&earlier.proposal),
                None => new.proposal.clone(),
            };
            let new = &KeptProposal { proposal, ..new.clone() };
            let mut open = known.iter().filter(|one| one.state.is_open());
            let same = open.rfind(|one| one.proposal.is_about(&new.proposal));
            match same {
                Some(same) => {
                    let renewed = new.proposal.clone().resting_on_both(&same.proposal);
                    put(transaction, &KeptProposal { id: same.id.clone(), state: same.state, proposal: renewed, ..new.clone() })?;
                }
                None => put(transaction, new)?,
            }
            let sql = "DELETE FROM proposals WHERE id IN (
                           SELECT id FROM proposals ORDER BY decided_ms IS NULL DESC, proposed_ms DESC
                           LIMIT -1 OFFSET ?1)";
            transaction.execute(sql, [CAP])?;
            Ok(same.is_none())
        })
    }

    /// Returns what is to be decided, the newest first, and then what was put off; with `past` also what was decided.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn proposals(&self, past: bool) -> Result<Vec<KeptProposal>, StorageError> {
        let wanted = if past { "state != ''" } else { "state IN ('open', 'later')" };
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM proposals WHERE {wanted}
                 ORDER BY decided_ms IS NOT NULL, state = 'later', proposed_ms DESC, id DESC"
            );
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map((), proposal)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the proposal that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], and [`StorageError::Ambiguous`] with the candidates.
    pub fn find_proposal(&self, typed: &str) -> Result<KeptProposal, StorageError> {
        self.read(|connection| {
            let id = ident::find(connection, &PROPOSALS, typed)?;
            let sql = format!("SELECT {COLUMNS} FROM proposals WHERE id = ?1");
            let found = connection.query_row(&sql, [&id], proposal).optional()?;
            found.ok_or(StorageError::NoSuch { what: "proposal", text: id })
        })
    }

    /// Keeps what a person made of a proposal, and the proposal as it is now.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn decide_proposal(&self, decided: &KeptProposal) -> Result<(), StorageError> {
        self.write(|transaction| put(transaction, decided))
    }
}

fn put(transaction: &Transaction<'_>, one: &KeptProposal) -> Result<(), StorageError> {
    let sql = "INSERT OR REPLACE INTO proposals
                   (id, learner, workspace, title, proposal, state, proposed_ms, decided_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    transaction.prepare_cached(sql)?.execute((
        &one.id,
        &one.learner,
        &one.workspace,
        one.proposal.title(),
        serde_json::json!(one.proposal).to_string(),
        one.state.word(),
        stored(one.proposed_ms),
        one.decided_ms.map(stored),
    ))?;
    Ok(())
}

fn all(transaction: &Transaction<'_>) -> Result<Vec<KeptProposal>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM proposals ORDER BY proposed_ms, id");
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map((), proposal)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn proposal(row: &Row<'_>) -> rusqlite::Result<KeptProposal> {
    let (text, state): (String, String) = (row.get(3)?, row.get(4)?);
    let odd = |at: usize, why: String| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, why.into())
    };
    let known = ProposalState::ALL.into_iter().find(|one| one.word() == state);
    Ok(KeptProposal {
        id: row.get(0)?,
        learner: row.get(1)?,
        workspace: row.get(2)?,
        proposal: serde_json::from_str(&text).map_err(|error| odd(3, error.to_string()))?,
        state: known.ok_or_else(|| odd(4, format!("`{state}` is no state of a proposal")))?,
        proposed_ms: count(row.get(5)?),
        decided_ms: row.get::<_, Option<i64>>(6)?.map(count),
    })
}
