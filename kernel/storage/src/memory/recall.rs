//! Finding what fits a question, by words and by meaning. How the two count together is core's to say.

use std::collections::BTreeMap;

use openkoi_brokers::clock::SystemClock;
use openkoi_core::{
    failure::Failure,
    memory::{
        Learning,
        ranking::{self, Candidate},
    },
    port::{Recall, Vectors},
};
use rusqlite::{Connection, OptionalExtension};

use super::{
    rows::{COLUMNS, learning},
    vectors::{self, Near, StoredVector, Wanted},
    words,
};
use crate::{Storage, error::StorageError};

/// What somebody looks for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// In this directory, and in what holds everywhere; absent, in all.
    pub workspace: Option<&'a str>,
    /// The text.
    pub text: &'a str,
    /// The text as a vector, if there is one.
    pub meaning: Option<&'a Vectors>,
    /// The most that are found by words, and the most that are found by meaning.
    pub most: u32,
}

impl Storage {
    /// Returns the learnings that hold and share words with a question or are near to it in meaning, in no order.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn recall(&self, question: &Question<'_>) -> Result<Vec<Candidate>, StorageError> {
        self.read(|connection| {
            let words = by_words(connection, question)?;
            let near = by_meaning(connection, question, &words)?;
            let mut fits: BTreeMap<i64, f64> =
                words.into_iter().map(|one| (one.row, one.fit)).collect();
            let mut meant: BTreeMap<i64, Near> =
                near.into_iter().map(|near| (near.row, near)).collect();
            for row in meant.keys() {
                fits.entry(*row).or_insert(0.0);
            }
            let sql = format!("SELECT {COLUMNS} FROM learnings l WHERE l.row = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut candidates = Vec::new();
            for (row, words) in fits {
                let Some(learning) = statement.query_row([row], learning).optional()? else {
                    continue;
                };
                let near = meant.remove(&row);
                candidates.push(Candidate {
                    learning,
                    words,
                    meaning: near.as_ref().map(|near| f64::from(near.cosine)),
                    vector: near.map(|near| near.numbers).unwrap_or_default(),
                });
            }
            Ok(candidates)
        })
    }
}

impl Recall for Storage {
    /// Finds by words: a component is not kept waiting for an embedder.
    fn recall(
        &self,
        workspace: &str,
        text: &str,
        limit: usize,
    ) -> Result<Vec<(Learning, f64)>, Failure> {
        let most = u32::try_from(limit).unwrap_or(u32::MAX);
        let question = Question { workspace: Some(workspace), text, meaning: None, most };
        let (candidates, now_ms) = (Self::recall(self, &question)?, SystemClock.now_ms());
        let found = ranking::ranked(candidates, now_ms).into_iter().take(limit);
        let sure = |one: Candidate| (one.learning.confidence_at(now_ms), one.learning);
        Ok(found.map(sure).map(|(sure, learning)| (learning, sure)).collect())
    }
}

/// A row that shares words with a question.
struct Shares {
    row: i64,
    fit: f64,
    /// The block with its vector.
    block: Option<i64>,
}

/// Returns the rows that share words with the question, and how well they fit.
fn by_words(connection: &Connection, question: &Question<'_>) -> Result<Vec<Shares>, StorageError> {
    let Some(words) = words::question(connection, question.text)? else { return Ok(Vec::new()) };
    let sql =
        "SELECT l.row, -w.rank, l.block FROM learnings_words w JOIN learnings l ON l.row = w.rowid
               WHERE learnings_words MATCH ?1 AND w.rowid >= ?2
                 AND (?3 IS NULL OR l.workspace IN ('', ?3))
               ORDER BY w.rank, l.row DESC LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let values = (words.query, words.from, question.workspace, question.most);
    let rows = statement.query_map(values, |row| {
        Ok(Shares { row: row.get(0)?, fit: row.get(1)?, block: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the rows that are nearest to the question, and how near those are that share words with it.
fn by_meaning(
    connection: &Connection,
    question: &Question<'_>,
    words: &[Shares],
) -> Result<Vec<Near>, StorageError> {
    let made = question.meaning.and_then(|made| Some((made.model.as_str(), made.vectors.first()?)));
    let Some((model, vector)) = made else { return Ok(Vec::new()) };
    let mut rows: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for Shares { row, block, .. } in words {
        block.iter().for_each(|block| rows.entry(*block).or_default().push(*row));
    }
    let (workspace, question, most) =
        (question.workspace, StoredVector::of(vector), question.most as usize);
    vectors::nearest(connection, &Wanted { workspace, model, question, most, rows })
}
