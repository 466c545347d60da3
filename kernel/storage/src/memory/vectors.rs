//! What learnings mean, as vectors.
//!
//! A number of a vector takes a byte, and the vectors of a workspace lie together in blocks, so that a question reads those of
//! its workspace and no others, one after another. What is taken out of a block is not in its bytes any more. A block is of
//! one model: a question is compared with vectors of its own model alone, and what has none of it is embedded anew.

use std::collections::BTreeMap;

use openkoi_core::port::Vectors;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{Storage, error::StorageError};

/// The most vectors of a block.
const MOST: usize = 512;
/// The bytes of a row and its length.
const ENTRY: usize = 12;
/// The largest number of a vector, as a byte.
const LARGEST: f32 = 127.0;
/// Numbers are multiplied so many at once.
const LANES: usize = 32;

/// A learning without a vector of the model that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unembedded {
    row: i64,
    /// Its text.
    pub text: String,
}

impl Storage {
    /// Returns learnings that hold and have no vector of this model, the newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn unembedded(&self, model: &str, most: usize) -> Result<Vec<Unembedded>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT row, text FROM learnings WHERE block IS NULL AND state = 'active'
                       ORDER BY row DESC LIMIT ?1";
            let none = listed(connection, sql, [most as i64])?;
            if !none.is_empty() {
                return Ok(none);
            }
            let sql = "SELECT block FROM learning_vectors WHERE model < ?1
                       UNION ALL SELECT block FROM learning_vectors WHERE model > ?1 LIMIT 1";
            let other: Option<i64> =
                connection.query_row(sql, [model], |row| row.get(0)).optional()?;
            let Some(rows) = other.map(|block| Block::read(connection, block)).transpose()? else {
                return Ok(Vec::new());
            };
            let rows: Vec<i64> = rows.rows.into_iter().map(|(row, _)| row).take(most).collect();
            let rows = serde_json::json!(rows).to_string();
            let sql =
                "SELECT row, text FROM learnings WHERE row IN (SELECT value FROM json_each(?1))";
            listed(connection, sql, [rows])
        })
    }

    /// Keeps what these learnings mean, in their order. One whose text is another by now is passed over.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_vectors(&self, of: &[Unembedded], made: &Vectors) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut new: BTreeMap<String, Vec<(i64, Stored)>> = BTreeMap::new();
            let mut old: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for (one, vector) in of.iter().zip(&made.vectors) {
                let sql = "SELECT workspace, block FROM learnings
                           WHERE row = ?1 AND text = ?2 AND state = 'active'";
                let found =
                    transaction.prepare_cached(sql)?.query_row((one.row, &one.text), |row| {
                        Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?))
                    });
                let Some((workspace, block)) = found.optional()? else { continue };
                old.entry(block.unwrap_or_default()).or_default().push(one.row);
                new.entry(workspace).or_default().push((one.row, Stored::of(vector)));
            }
            for (block, rows) in old {
                remove_all(transaction, block, &rows)?;
            }
            new.iter()
                .try_for_each(|(place, vectors)| add(transaction, place, &made.model, vectors))
        })
    }
}

fn listed(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Unembedded>, StorageError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement
        .query_map(parameters, |row| Ok(Unembedded { row: row.get(0)?, text: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes the vector of a learning out of its block.
pub(super) fn remove(transaction: &Transaction<'_>, row: i64) -> Result<(), StorageError> {
    let sql = "SELECT block FROM learnings WHERE row = ?1";
    let block: Option<i64> =
        transaction.query_row(sql, [row], |row| row.get(0)).optional()?.flatten();
    block.map_or(Ok(()), |block| remove_all(transaction, block, &[row]))
}

fn remove_all(
    transaction: &Transaction<'_>,
    number: i64,
    rows: &[i64],
) -> Result<(), StorageError> {
    let mut block = Block::read(transaction, number)?;
    block.retain(|row| !rows.contains(&row));
    if block.rows.is_empty() {
        transaction.execute("DELETE FROM learning_vectors WHERE block = ?1", [number])?;
    } else {
        block.write(transaction, number)?;
    }
    let mut unset =
        transaction.prepare_cached("UPDATE learnings SET block = NULL WHERE row = ?1")?;
    rows.iter().try_for_each(|row| unset.execute([row]).map(drop))?;
    Ok(())
}

/// Adds vectors to the blocks of a workspace.
fn add(
    transaction: &Transaction<'_>,
    workspace: &str,
    model: &str,
    vectors: &[(i64, Stored)],
) -> Result<(), StorageError> {
    let sql = "SELECT block FROM learning_vectors WHERE workspace = ?1 AND model = ?2
               ORDER BY block DESC LIMIT 1";
    let last: Option<i64> =
        transaction.query_row(sql, (workspace, model), |row| row.get(0)).optional()?;
    let mut rest = vectors;
    if let Some(last) = last {
        let mut block = Block::read(transaction, last)?;
        let (now, later) = rest.split_at(MOST.saturating_sub(block.rows.len()).min(rest.len()));
        rest = later;
        block.extend(now);
        block.write(transaction, last)?;
        placed(transaction, last, now)?;
    }
    for some in rest.chunks(MOST) {
        let mut block = Block::default();
        block.extend(some);
        let sql = "INSERT INTO learning_vectors (workspace, model, rows, vectors)
                   VALUES (?1, ?2, ?3, ?4) RETURNING block";
        let values = (workspace, model, block.entries(), &block.bytes);
        let number = transaction.query_row(sql, values, |row| row.get(0))?;
        placed(transaction, number, some)?;
    }
    Ok(())
}

fn placed(
    transaction: &Transaction<'_>,
    block: i64,
    vectors: &[(i64, Stored)],
) -> Result<(), StorageError> {
    let mut set = transaction.prepare_cached("UPDATE learnings SET block = ?2 WHERE row = ?1")?;
    vectors.iter().try_for_each(|(row, _)| set.execute((row, block)).map(drop))?;
    Ok(())
}

/// A vector as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    bytes: Vec<u8>,
    /// 1 / its length.
    scale: f32,
}

impl Stored {
    /// The largest number becomes 127, and the others as they stand to it.
    pub(super) fn of(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, one| largest.max(one.abs()));
        let scale = if largest > 0.0 { LARGEST / largest } else { 0.0 };
        let bytes: Vec<i8> = vector.iter().map(|one| (one * scale).round() as i8).collect();
        let square: f32 = bytes.iter().map(|one| f32::from(*one).powi(2)).sum();
        let scale = if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        Self { bytes: bytes.into_iter().map(i8::cast_unsigned).collect(), scale }
    }
}

/// Vectors that are kept together.
#[derive(Default)]
struct Block {
    rows: Vec<(i64, f32)>,
    bytes: Vec<u8>,
}

impl Block {
    fn read(connection: &Connection, number: i64) -> Result<Self, StorageError> {
        let sql = "SELECT rows, vectors FROM learning_vectors WHERE block = ?1";
        let found = connection.query_row(sql, [number], |row| {
            let entries = row.get_ref(0)?.as_blob()?;
            Ok(Self { rows: entries_of(entries).collect(), bytes: row.get(1)? })
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    fn dimension(&self) -> usize {
        self.bytes.len().checked_div(self.rows.len()).unwrap_or_default()
    }

    fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        let dimension = self.dimension().max(1);
        let all = self.rows.iter().zip(self.bytes.chunks_exact(dimension));
        let kept: Vec<_> = all.filter(|((row, _), _)| keep(*row)).collect();
        let bytes = kept.iter().flat_map(|(_, vector)| vector.iter().copied()).collect();
        self.rows = kept.into_iter().map(|(entry, _)| *entry).collect();
        self.bytes = bytes;
    }

    fn extend(&mut self, vectors: &[(i64, Stored)]) {
        for (row, Stored { bytes, scale }) in vectors {
            self.rows.push((*row, *scale));
            self.bytes.extend(bytes);
        }
    }

    fn write(&self, transaction: &Transaction<'_>, number: i64) -> Result<(), StorageError> {
        let sql = "UPDATE learning_vectors SET rows = ?2, vectors = ?3 WHERE block = ?1";
        transaction.execute(sql, (number, self.entries(), &self.bytes))?;
        Ok(())
    }

    fn entries(&self) -> Vec<u8> {
        let bytes =
            |(row, scale): &(i64, f32)| [&row.to_le_bytes()[..], &scale.to_le_bytes()].concat();
        self.rows.iter().flat_map(bytes).collect()
    }
}

fn entries_of(bytes: &[u8]) -> impl Iterator<Item = (i64, f32)> {
    let (entries, _) = bytes.as_chunks::<ENTRY>();
    entries.iter().filter_map(|entry| {
        let (row, scale) = entry.split_first_chunk::<8>()?;
        Some((i64::from_le_bytes(*row), f32::from_le_bytes(*scale.first_chunk()?)))
    })
}

/// A learning that is near to a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Near {
    pub(super) row: i64,
    pub(super) cosine: f32,
    pub(super) numbers: Vec<i8>,
}

/// Returns the learnings of a workspace, and those that hold everywhere, whose vectors are nearest to `question`, the
/// nearest first; and those of `wanted`, sorted, wherever they stand. Without a workspace all are looked at.
pub(super) fn nearest(
    connection: &Connection,
    workspace: Option<&str>,
    model: &str,
    question: &Stored,
    most: usize,
    wanted: &[i64],
) -> Result<Vec<Near>, StorageError> {
    let mut search =
        Search { question, most, least: f32::NEG_INFINITY, best: Vec::new(), wanted: Vec::new() };
    let places: &[Option<&str>] = match workspace {
        Some(_) => &[workspace, Some("")],
        None => &[None],
    };
    for place in places {
        let sql = match place {
            Some(_) => {
                "SELECT rows, vectors FROM learning_vectors WHERE model = ?1 AND workspace = ?2"
            }
            None => "SELECT rows, vectors FROM learning_vectors WHERE model = ?1 AND ?2 IS NULL",
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut blocks = statement.query((model, place))?;
        while let Some(block) = blocks.next()? {
            let blob = |column| block.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
            search.look(blob(0)?, blob(1)?, wanted);
        }
    }
    search.cut();
    let Search { mut best, wanted, .. } = search;
    best.retain(|near| wanted.iter().all(|one| one.row != near.row));
    best.extend(wanted);
    best.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
    Ok(best)
}

/// The best so far.
struct Search<'a> {
    question: &'a Stored,
    most: usize,
    /// What is not nearer than this is not among the best.
    least: f32,
    best: Vec<Near>,
    wanted: Vec<Near>,
}

impl Search<'_> {
    fn look(&mut self, entries: &[u8], vectors: &[u8], wanted: &[i64]) {
        let dimension = self.question.bytes.len();
        let is_whole = entries.len() / ENTRY * dimension == vectors.len();
        if dimension == 0 || !is_whole {
            tracing::debug!("vectors of another length are passed over");
            return;
        }
        for ((row, scale), vector) in entries_of(entries).zip(vectors.chunks_exact(dimension)) {
            let cosine = product(vector, &self.question.bytes) * scale * self.question.scale;
            let is_wanted = wanted.binary_search(&row).is_ok();
            if !is_wanted && cosine <= self.least {
                continue;
            }
            let numbers = vector.iter().map(|byte| byte.cast_signed()).collect();
            let near = Near { row, cosine, numbers };
            match is_wanted {
                true => self.wanted.push(near),
                false => self.take(near),
            }
        }
    }

    /// Keeps twice as many as are wanted, and cuts them down now and then.
    fn take(&mut self, near: Near) {
        self.best.push(near);
        if self.best.len() >= 2 * self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.best.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
        self.best.truncate(self.most);
        if self.best.len() == self.most {
            self.least = self.best.last().map_or(self.least, |last| last.cosine);
        }
    }
}

/// Multiplies two vectors. The numbers of a lane are independent of one another, so the processor takes many at once.
fn product(one: &[u8], other: &[u8]) -> f32 {
    let (lanes, rest) = one.as_chunks::<LANES>();
    let (others, last) = other.as_chunks::<LANES>();
    let times = |one: u8, other: u8| {
        i32::from(i16::from(one.cast_signed()) * i16::from(other.cast_signed()))
    };
    let mut sum = 0;
    for (one, other) in lanes.iter().zip(others) {
        let mut part = 0;
        for at in 0..LANES {
            part += times(one[at], other[at]);
        }
        sum += part;
    }
    sum += rest.iter().zip(last).map(|(one, other)| times(*one, *other)).sum::<i32>();
    sum as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_as_bytes_is_nearly_the_same() {
        let vector: Vec<f32> = (0..96).map(|n| ((n * 37 % 19) as f32 - 9.0) / 50.0).collect();
        let stored = Stored::of(&vector);
        let itself = product(&stored.bytes, &stored.bytes) * stored.scale * stored.scale;
        assert!((itself - 1.0).abs() < 1e-5, "{itself}");
        let exact: f32 = vector.iter().map(|one| one * one).sum::<f32>().sqrt();
        for (one, byte) in vector.iter().zip(&stored.bytes) {
            let back = f32::from(byte.cast_signed()) * stored.scale * exact;
            assert!((one - back).abs() < 0.003, "{one} and {back}");
        }
        // What has no length is near to nothing.
        let nothing = Stored::of(&[0.0; 96]);
        assert_eq!((nothing.scale, nothing.bytes.len()), (0.0, 96));
    }

    #[test]
    fn products_are_those_of_the_numbers_whatever_their_count() {
        for count in [0, 1, 31, 32, 33, 96, 100, 192] {
            let one: Vec<i8> = (0..count).map(|n| (n * 7 % 255 - 127) as i8).collect();
            let other: Vec<i8> = (0..count).map(|n| (n * 13 % 255 - 127) as i8).collect();
            let exact: i32 =
                one.iter().zip(&other).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
            let bytes = |all: &[i8]| all.iter().map(|one| one.cast_unsigned()).collect::<Vec<u8>>();
            assert_eq!(product(&bytes(&one), &bytes(&other)), exact as f32, "{count}");
        }
    }

    #[test]
    fn what_is_taken_out_of_a_block_is_not_in_its_bytes() {
        let mut block = Block::default();
        let vectors: Vec<(i64, Stored)> =
            (1..=3).map(|n| (n, Stored::of(&[n as f32, -0.5, 0.25]))).collect();
        block.extend(&vectors);
        block.retain(|row| row != 2);
        assert_eq!(block.rows, [(1, vectors[0].1.scale), (3, vectors[2].1.scale)]);
        assert_eq!(block.bytes, [vectors[0].1.bytes.clone(), vectors[2].1.bytes.clone()].concat());
        assert_eq!(entries_of(&block.entries()).collect::<Vec<_>>(), block.rows);
    }
}
