//! An embedder without a model: a text is cut into tokens ([`words`]), their rows are looked up ([`mod@table`]) or computed
//! ([`hashed`]) and added up, and the sum is brought to the length 1.

mod characters;
mod hashed;
mod table;
mod words;

use std::sync::LazyLock;

use openkoi_sdk::{
    Failure, Result,
    embedder::{Embedder, ModelInfo, Purpose},
};

use crate::{
    table::Table,
    words::{Token, tokens},
};

static TABLE: &[u8] = include_bytes!("../table.bin");
/// As `build.rs` folds it.
static FOLDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vocab.folded"));
static VOCABULARY: LazyLock<String> = LazyLock::new(|| unfolded(FOLDED));

/// A new name for each change of the table, the vocabulary, or a rule of the tokenizer.
const NAME: &str = "koi-static-96@1";
/// The bytes of a text that count.
const MOST_BYTES: usize = 8192;
/// Sums below this length are of texts without words.
const NOTHING: f64 = 1e-12;

/// The embedder.
struct Static;

impl Embedder for Static {
    fn describe() -> ModelInfo {
        // A table that cannot be read has no numbers; asking for vectors says so.
        let dimension = table().map_or(0, |table| table.dimension() as u32);
        ModelInfo {
            name: NAME.to_owned(),
            dimension,
            max_bytes: MOST_BYTES as u32,
            normalised: true,
        }
    }

    fn embed(texts: &[String], _: Purpose) -> Result<Vec<Vec<f32>>> {
        let table = table()?;
        Ok(texts.iter().map(|text| embed(&table, text)).collect())
    }
}

fn table() -> Result<Table<'static>> {
    Table::read(TABLE, &VOCABULARY).ok_or_else(|| Failure::failed("the table is damaged"))
}

/// The entries, one a line.
fn unfolded(folded: &[u8]) -> String {
    let mut names = String::with_capacity(3 * folded.len() / 2);
    // Where the entry before begins.
    let mut before = 0;
    for entry in folded.chunk_by(|_, next| *next < 128) {
        let (shared, rest) = entry
            .split_first()
            .map_or((0, entry), |(first, rest)| (usize::from(first.saturating_sub(128)), rest));
        let begin = names.len();
        names.extend_from_within(before..(before + shared).min(begin));
        names.extend(rest.iter().map(|byte| char::from(*byte)));
        names.push('\n');
        before = begin;
    }
    names
}

fn embed(table: &Table<'_>, text: &str) -> Vec<f32> {
    let mut sum = vec![0.0; table.dimension()];
    for token in tokens(table, first(text, MOST_BYTES)) {
        match token {
            Token::Row(row) => table.add(row, &mut sum),
            Token::Hashed(items) => hashed::add(&items, table.hashed_length(), &mut sum),
        }
    }
    let length = sum.iter().map(|one| f64::from(*one).powi(2)).sum::<f64>().sqrt();
    if length < NOTHING {
        sum.fill(0.0);
        if let Some(one) = sum.first_mut() {
            *one = 1.0;
        }
        return sum;
    }
    sum.iter_mut().for_each(|one| *one /= length as f32);
    sum
}

/// The beginning of a text, at most so many bytes, without a character that is cut.
fn first(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

openkoi_sdk::export_embedder!(Static);

#[cfg(test)]
mod tests {
    use super::*;
    use openkoi_sdk::serde_json::{self, Value};

    fn reference() -> Vec<Value> {
        serde_json::from_str(include_str!("../reference.json")).unwrap()
    }

    #[test]
    fn texts_are_cut_and_placed_as_the_reference_has_them() {
        let table = table().unwrap();
        let reference = reference();
        assert!(reference.len() >= 20);
        for expected in reference {
            let text = expected["text"].as_str().unwrap();
            let cut: Vec<Value> = tokens(&table, text).map(|token| named(&table, token)).collect();
            assert_eq!(Value::from(cut), expected["tokens"], "{text}");

            let vector = embed(&table, text);
            assert_eq!(vector.len(), table.dimension());
            for (number, expected) in vector.iter().zip(expected["vector"].as_array().unwrap()) {
                let difference = f64::from(*number) - expected.as_f64().unwrap();
                assert!(difference.abs() < 1e-5, "{text}: {number} and {expected}");
            }
        }
    }

    #[test]
    fn the_vocabulary_unfolds_to_what_it_was() {
        assert_eq!(*VOCABULARY, include_str!("../vocab.txt"));
    }

    fn named(table: &Table<'_>, token: Token) -> Value {
        match token {
            Token::Row(row) => table.name(row).into(),
            Token::Hashed(items) => items.into(),
        }
    }

    fn cosine(one: &str, other: &str) -> f32 {
        let table = table().unwrap();
        let (one, other) = (embed(&table, one), embed(&table, other));
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    }

    #[test]
    fn what_means_the_same_is_nearer_than_what_shares_a_word() {
        let question = "how do I run the tests";
        assert!(
            cosine(question, "execute the test suite with pytest")
                > cosine(question, "she likes to run in the park")
        );
    }

    #[test]
    fn whatever_the_text_the_numbers_are_finite_and_of_length_one() {
        let table = table().unwrap();
        let long = "ä€𝄞\u{301}İ".repeat(5_000);
        for text in
            ["", " ", "\u{0}", "\u{301}", "🦀🦀", "İ", "ΣΑΣ", "鯉の池", &long, &"a".repeat(9_000)]
        {
            let vector = embed(&table, text);
            let length: f32 = vector.iter().map(|one| one * one).sum();
            assert!((length - 1.0).abs() < 1e-4, "{length}");
        }
        assert_eq!(embed(&table, &long), embed(&table, first(&long, MOST_BYTES)));
    }
}
