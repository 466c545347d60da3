//! What learnings mean, as vectors.
//!
//! Signs are compared first, and numbers of those whose signs are most alike: up to two thousand, all.
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
/// So many vectors whose signs are most alike to those of a question are compared by their numbers.
const COMPARED: usize = 2_000;
/// The signs of so many numbers are compared at once.
const SIGNS: usize = 64;
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
            let mut new: BTreeMap<String, Vec<(i64, StoredVector)>> = BTreeMap::new();
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
                new.entry(workspace).or_default().push((one.row, StoredVector::of(vector)));
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
    vectors: &[(i64, StoredVector)],
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
        let sql = "INSERT INTO learning_vectors (workspace, model, rows, signs, vectors)
                   VALUES (?1, ?2, ?3, ?4, ?5) RETURNING block";
        let values = (workspace, model, block.entries(), block.signs(), &block.bytes);
        let number = transaction.query_row(sql, values, |row| row.get(0))?;
        placed(transaction, number, some)?;
    }
    Ok(())
}

fn placed(
    transaction: &Transaction<'_>,
    block: i64,
    vectors: &[(i64, StoredVector)],
) -> Result<(), StorageError> {
    let mut set = transaction.prepare_cached("UPDATE learnings SET block = ?2 WHERE row = ?1")?;
    vectors.iter().try_for_each(|(row, _)| set.execute((row, block)).map(drop))?;
    Ok(())
}

/// A vector as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredVector {
    bytes: Vec<u8>,
    /// 1 / its length.
    scale: f32,
}

impl StoredVector {
    /// The largest number becomes 127, and the others as they stand to it.
    pub(crate) fn of(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, one| largest.max(one.abs()));
        let scale = if largest > 0.0 { LARGEST / largest } else { 0.0 };
        let bytes: Vec<i8> = vector.iter().map(|one| (one * scale).round() as i8).collect();
        let square: f32 = bytes.iter().map(|one| f32::from(*one).powi(2)).sum();
        let scale = if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        Self { bytes: bytes.into_iter().map(i8::cast_unsigned).collect(), scale }
    }

    /// Returns its numbers as bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns 1 / the length of its bytes as a vector.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// Returns how near another vector is; nothing if it is one of another length.
    pub(crate) fn cosine(&self, bytes: &[u8], scale: f32) -> Option<f64> {
        let is_alike = bytes.len() == self.bytes.len();
        is_alike.then(|| f64::from(product(bytes, &self.bytes) * scale * self.scale))
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

    fn extend(&mut self, vectors: &[(i64, StoredVector)]) {
        for (row, StoredVector { bytes, scale }) in vectors {
            self.rows.push((*row, *scale));
            self.bytes.extend(bytes);
        }
    }

    fn write(&self, transaction: &Transaction<'_>, number: i64) -> Result<(), StorageError> {
        let sql =
            "UPDATE learning_vectors SET rows = ?2, signs = ?3, vectors = ?4 WHERE block = ?1";
        transaction.execute(sql, (number, self.entries(), self.signs(), &self.bytes))?;
        Ok(())
    }

    fn signs(&self) -> Vec<u8> {
        let vectors = self.bytes.chunks_exact(self.dimension().max(1));
        vectors.flat_map(signs).flat_map(u64::to_le_bytes).collect()
    }

    fn entries(&self) -> Vec<u8> {
        let bytes =
            |(row, scale): &(i64, f32)| [&row.to_le_bytes()[..], &scale.to_le_bytes()].concat();
        self.rows.iter().flat_map(bytes).collect()
    }
}

/// The signs of a vector's numbers.
fn signs(vector: &[u8]) -> impl Iterator<Item = u64> {
    vector
        .chunks(SIGNS)
        .map(|some| some.iter().fold(0, |bits, one| bits << 1 | u64::from(one >> 7)))
}

fn entries_of(bytes: &[u8]) -> impl Iterator<Item = (i64, f32)> {
    bytes.as_chunks::<ENTRY>().0.iter().filter_map(entry)
}

fn entry(bytes: &[u8; ENTRY]) -> Option<(i64, f32)> {
    let (row, scale) = bytes.split_first_chunk::<8>()?;
    Some((i64::from_le_bytes(*row), f32::from_le_bytes(*scale.first_chunk()?)))
}

/// A learning that is near to a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Near {
    pub(super) row: i64,
    pub(super) cosine: f32,
    pub(super) numbers: Vec<i8>,
}

/// What is looked for.
pub(super) struct Wanted<'a> {
    /// In this directory, and in what holds everywhere; absent, in all.
    pub(super) workspace: Option<&'a str>,
    /// Among the vectors of this model.
    pub(super) model: &'a str,
    /// What is near to this.
    pub(super) question: StoredVector,
    /// So many.
    pub(super) most: usize,
    /// And these rows wherever they stand, by block.
    pub(super) rows: BTreeMap<i64, Vec<i64>>,
}

/// Returns the learnings that are nearest to a question, the nearest first, and those rows that are wanted besides.
pub(super) fn nearest(
    connection: &Connection,
    wanted: &Wanted<'_>,
) -> Result<Vec<Near>, StorageError> {
    let mut search = Search::new(wanted);
    let everywhere = [wanted.workspace, Some("")];
    let places = if wanted.workspace.is_some() { &everywhere[..] } else { &[None] };
    for place in places {
        let sql = match place {
            Some(_) => {
                "SELECT block, rows, signs, vectors FROM learning_vectors
                 WHERE model = ?1 AND workspace = ?2"
            }
            None => {
                "SELECT block, rows, signs, vectors FROM learning_vectors
                 WHERE model = ?1 AND ?2 IS NULL"
            }
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut blocks = statement.query((wanted.model, place))?;
        while let Some(block) = blocks.next()? {
            let blob = |column| block.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
            let seen = Seen { entries: blob(1)?, signs: blob(2)?, vectors: blob(3)? };
            search.look(block.get(0)?, &seen);
        }
    }
    Ok(search.finish())
}

/// A block as it is looked at.
struct Seen<'a> {
    entries: &'a [u8],
    signs: &'a [u8],
    vectors: &'a [u8],
}

/// The best so far.
struct Search<'a> {
    wanted: &'a Wanted<'a>,
    signs: Vec<u64>,
    /// How many vectors were seen by the number of signs that differ.
    differing: Vec<usize>,
    /// Vectors of which more signs differ are not compared.
    most_differing: usize,
    /// How many were seen that do not.
    alike: usize,
    /// What is not nearer than this is not among the best.
    least: f32,
    best: Vec<Near>,
    besides: Vec<Near>,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a Wanted<'a>) -> Self {
        let dimension = wanted.question.bytes.len();
        Self {
            wanted,
            signs: signs(&wanted.question.bytes).collect(),
            differing: vec![0; dimension + 1],
            most_differing: dimension,
            alike: 0,
            least: f32::NEG_INFINITY,
            best: Vec::new(),
            besides: Vec::new(),
        }
    }

    fn look(&mut self, block: i64, seen: &Seen<'_>) {
        let dimension = self.wanted.question.bytes.len();
        let (entries, signs) = (seen.entries.as_chunks::<ENTRY>().0, seen.signs.as_chunks::<8>().0);
        let is_whole = entries.len() * dimension == seen.vectors.len()
            && entries.len() * self.signs.len() == signs.len();
        if dimension == 0 || !is_whole {
            tracing::debug!("vectors of another length are passed over");
            return;
        }
        for (at, signs) in signs.chunks_exact(self.signs.len()).enumerate() {
            if self.may_be_near(signs) {
                let near = self.compared(entries, seen.vectors, at, self.least);
                self.take(near);
            }
        }
        let rows = self.wanted.rows.get(&block).map(Vec::as_slice).unwrap_or_default();
        for at in 0..entries.len() {
            if !rows.is_empty() && entry(&entries[at]).is_some_and(|(row, _)| rows.contains(&row)) {
                let near = self.compared(entries, seen.vectors, at, f32::NEG_INFINITY);
                self.besides.extend(near);
            }
        }
    }

    /// Counts the signs that differ, and returns whether few enough do. The bound goes down once enough are below it.
    fn may_be_near(&mut self, signs: &[[u8; 8]]) -> bool {
        let both = signs.iter().zip(&self.signs);
        let differing = both.map(|(one, other)| (u64::from_le_bytes(*one) ^ other).count_ones());
        let differing = differing.sum::<u32>() as usize;
        if differing > self.most_differing {
            return false;
        }
        self.differing[differing] += 1;
        self.alike += 1;
        while self.alike - self.differing[self.most_differing] >= COMPARED {
            self.alike -= self.differing[self.most_differing];
            self.most_differing -= 1;
        }
        true
    }

    /// Compares the numbers of a vector; nothing, if it is not nearer than `least`.
    fn compared(
        &self,
        entries: &[[u8; ENTRY]],
        vectors: &[u8],
        at: usize,
        least: f32,
    ) -> Option<Near> {
        let question = &self.wanted.question;
        let dimension = question.bytes.len();
        let vector = vectors.get(at * dimension..(at + 1) * dimension)?;
        let (row, scale) = entry(entries.get(at)?)?;
        let cosine = product(vector, &question.bytes) * scale * question.scale;
        let numbers = || vector.iter().map(|byte| byte.cast_signed()).collect();
        (cosine > least).then(|| Near { row, cosine, numbers: numbers() })
    }

    /// Keeps twice as many as are wanted, and cuts them down now and then.
    fn take(&mut self, near: Option<Near>) {
        self.best.extend(near);
        if self.best.len() >= 2 * self.wanted.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.best.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
        self.best.truncate(self.wanted.most);
        if self.best.len() == self.wanted.most {
            self.least = self.best.last().map_or(self.least, |last| last.cosine);
        }
    }

    fn finish(mut self) -> Vec<Near> {
        self.cut();
        let Self { mut best, besides, .. } = self;
        best.retain(|near| besides.iter().all(|one| one.row != near.row));
        best.extend(besides);
        best.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
        best
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
        let stored = StoredVector::of(&vector);
        let itself = product(&stored.bytes, &stored.bytes) * stored.scale * stored.scale;
        assert!((itself - 1.0).abs() < 1e-5, "{itself}");
        let exact: f32 = vector.iter().map(|one| one * one).sum::<f32>().sqrt();
        for (one, byte) in vector.iter().zip(&stored.bytes) {
            let back = f32::from(byte.cast_signed()) * stored.scale * exact;
            assert!((one - back).abs() < 0.003, "{one} and {back}");
        }
        // What has no length is near to nothing.
        let nothing = StoredVector::of(&[0.0; 96]);
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
    fn the_nearest_of_many_are_nearly_always_among_those_whose_signs_are_alike() {
        let mut state = 7_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        // Groups of sentences that mean nearly the same, as a memory has them.
        let groups: Vec<Vec<f32>> =
            (0..1_000).map(|_| (0..96).map(|_| random()).collect()).collect();
        let mut near =
            |group: &[f32]| -> Vec<f32> { group.iter().map(|one| one + random()).collect() };
        let vectors: Vec<(i64, StoredVector)> = (0..20_000)
            .map(|at| (at, StoredVector::of(&near(&groups[at as usize % 1_000]))))
            .collect();
        let mut found = 0;
        for group in &groups[..8] {
            let question = StoredVector::of(&near(group));
            let exact = |(row, one): &(i64, StoredVector)| {
                (product(&one.bytes, &question.bytes) * one.scale, *row)
            };
            let mut exact: Vec<(f32, i64)> = vectors.iter().map(exact).collect();
            exact.sort_by(|one, other| other.0.total_cmp(&one.0));
            let rows = BTreeMap::new();
            let wanted = Wanted { workspace: None, model: "m", question, most: 10, rows };
            let mut search = Search::new(&wanted);
            for some in vectors.chunks(MOST) {
                let mut block = Block::default();
                block.extend(some);
                let (entries, signs) = (block.entries(), block.signs());
                search.look(1, &Seen { entries: &entries, signs: &signs, vectors: &block.bytes });
            }
            let best: Vec<i64> = search.finish().into_iter().map(|near| near.row).collect();
            found += exact[..10].iter().filter(|(_, row)| best.contains(row)).count();
        }
        assert!(found >= 76, "{found} of 80");
    }

    #[test]
    fn what_is_taken_out_of_a_block_is_not_in_its_bytes() {
        let mut block = Block::default();
        let vectors: Vec<(i64, StoredVector)> =
            (1..=3).map(|n| (n, StoredVector::of(&[n as f32, -0.5, 0.25]))).collect();
        block.extend(&vectors);
        block.retain(|row| row != 2);
        assert_eq!(block.rows, [(1, vectors[0].1.scale), (3, vectors[2].1.scale)]);
        assert_eq!(block.bytes, [vectors[0].1.bytes.clone(), vectors[2].1.bytes.clone()].concat());
        assert_eq!(entries_of(&block.entries()).collect::<Vec<_>>(), block.rows);
        assert_eq!(block.signs().len(), 16);
    }
}
