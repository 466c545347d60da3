//! The words of a question, as the full-text index is asked.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::error::StorageError;

/// Words that say nothing of what a question is about. They would find everything.
const EMPTY: &str = "a an the of in on at to for and or is are was were be been do does did has have had how what when where \
    who which why with by from as it its this that i you he she they we my your his her their our me him them can could \
    should would will not no so if then than there about into over any some";

/// The most words of one question.
const MOST: usize = 64;
/// The most places that are looked at for one question. What a word that is everywhere finds says little, and looking at all
/// of it takes long.
const MOST_PLACES: i64 = 1_000;

/// Returns the words of a text that say something, each once.
fn telling(text: &str) -> Vec<String> {
    let empty: BTreeSet<&str> = EMPTY.split_whitespace().collect();
    let words = text.split(|one: char| !one.is_alphanumeric()).map(str::to_lowercase);
    let told = words.filter(|word| !word.is_empty() && !empty.contains(word.as_str()));
    let told: BTreeSet<String> = told.take(MOST).map(|word| format!("\"{word}\"")).collect();
    told.into_iter().collect()
}

/// A question as the index is asked it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// One of its words has to be there, and each that is counts.
    pub(super) query: String,
    /// Older rows are not looked at.
    pub(super) from: i64,
}

/// Returns the question for a text: its rarest words, as many as lead to a bounded number of places. Nothing, if no word of it
/// says anything or is there.
pub(super) fn question(
    connection: &Connection,
    text: &str,
) -> Result<Option<Question>, StorageError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM learnings_words WHERE learnings_words MATCH ?1 LIMIT ?2)";
    let mut places = connection.prepare_cached(sql)?;
    let mut words = Vec::new();
    for word in telling(text) {
        let found: i64 = places.query_row((&word, MOST_PLACES), |row| row.get(0))?;
        words.push((found, word));
    }
    words.retain(|(found, _)| *found > 0);
    words.sort_unstable();
    let mut sum = 0;
    let few = words.iter().take_while(|(found, _)| {
        sum += found;
        sum <= MOST_PLACES
    });
    // Of a word that is everywhere, the newest rows are looked at.
    let count = few.count().max(1).min(words.len());
    let query: Vec<&str> = words[..count].iter().map(|(_, word)| word.as_str()).collect();
    let query = query.join(" OR ");
    let from = match words.first() {
        None => return Ok(None),
        Some((found, _)) if *found < MOST_PLACES => 0,
        Some(_) => {
            let sql = "SELECT rowid FROM learnings_words WHERE learnings_words MATCH ?1
                       ORDER BY rowid DESC LIMIT 1 OFFSET ?2";
            connection.query_row(sql, (&query, MOST_PLACES - 1), |row| row.get(0))?
        }
    };
    Ok(Some(Question { query, from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_by_the_words_that_say_something() {
        let told = |text: &str| telling(text).join(" ");
        assert_eq!(told("How do I run the tests?"), "\"run\" \"tests\"");
        assert_eq!(told("what is it"), "");
        assert_eq!(told("a\" OR text:\"b"), "\"b\" \"text\"");
        assert_eq!(told("Käse käse"), "\"käse\"");
        assert!(told(&"x1 y2 z3 ".repeat(1_000)).len() < 100);
    }

    #[test]
    fn words_that_are_everywhere_are_left_out_where_rarer_ones_are_there() {
        let connection = Connection::open_in_memory().unwrap();
        let table = "CREATE VIRTUAL TABLE learnings_words USING fts5(text)";
        connection.execute_batch(table).unwrap();
        let text = |row: i64| if row % 100 == 0 { "common rare" } else { "common" };
        for row in 1..=2 * MOST_PLACES {
            let sql = "INSERT INTO learnings_words (rowid, text) VALUES (?1, ?2)";
            connection.execute(sql, (row, text(row))).unwrap();
        }
        let asked = |text: &str| question(&connection, text).unwrap();
        let rare = Question { query: "\"rare\"".to_owned(), from: 0 };
        assert_eq!(asked("common rare words"), Some(rare));
        let newest = Question { query: "\"common\"".to_owned(), from: MOST_PLACES + 1 };
        assert_eq!(asked("common"), Some(newest));
        assert_eq!(asked("unknown"), None);
    }
}
