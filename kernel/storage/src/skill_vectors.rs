//! What skills mean, as vectors. They can be made again, so that the oldest are dropped where there are too many.

use std::collections::{HashMap, HashSet};

use openkoi_core::port::Vectors;

use crate::{Storage, error::StorageError, memory::StoredVector};

/// The most vectors that are kept.
pub const MOST: u32 = 20_000;

impl Storage {
    /// Returns how near each skill with a vector of this model is to a question: a cosine, by the digest that it is kept under.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn skill_nearness(&self, question: &Vectors) -> Result<HashMap<String, f64>, StorageError> {
        let Some(vector) = question.vectors.first() else { return Ok(HashMap::new()) };
        let wanted = StoredVector::of(vector);
        self.read(|connection| {
            let sql = "SELECT digest, scale, vector FROM skill_vectors WHERE model = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([&question.model])?;
            let mut near = HashMap::new();
            while let Some(row) = rows.next()? {
                let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
                if let Some(cosine) = wanted.cosine(bytes, row.get::<_, f64>(1)? as f32) {
                    near.insert(row.get(0)?, cosine);
                }
            }
            Ok(near)
        })
    }

    /// Returns the digests under which vectors of this model are kept.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn skill_digests(&self, model: &str) -> Result<HashSet<String>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT digest FROM skill_vectors WHERE model = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([model], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what skills mean, by the digests that they are to be found under.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_skill_vectors(
        &self,
        digests: &[String],
        made: &Vectors,
    ) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO skill_vectors (model, digest, scale, vector)
                       VALUES (?1, ?2, ?3, ?4)";
            let mut statement = transaction.prepare_cached(sql)?;
            for (digest, vector) in digests.iter().zip(&made.vectors) {
                let stored = StoredVector::of(vector);
                let values = (&made.model, digest, f64::from(stored.scale()), stored.bytes());
                statement.execute(values)?;
            }
            let sql = "DELETE FROM skill_vectors
                       WHERE row <= (SELECT max(row) FROM skill_vectors) - ?1";
            transaction.execute(sql, [MOST])?;
            Ok(())
        })
    }
}
