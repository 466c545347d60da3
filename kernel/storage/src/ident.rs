//! Ids: what a person types for one, and which of them may name a file.

use rusqlite::{Connection, Row};

use crate::error::{Candidate, StorageError};

/// The most candidates that an ambiguous text lists.
const LISTED: u32 = 8;
/// The number of characters of an id that are shown.
const SHOWN: usize = 8;

/// Returns the id if it may be the name of a file: letters, digits, `-` and `_`.
pub(crate) fn as_file_name(id: &str) -> Result<&str, StorageError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=64).contains(&id.len()) && id.chars().all(plain);
    if fits { Ok(id) } else { Err(StorageError::BadId(id.to_owned())) }
}

/// The rows that an id is looked up among.
pub(crate) struct Among {
    pub(crate) what: &'static str,
    pub(crate) table: &'static str,
    /// The column that tells a person which is which.
    pub(crate) title: &'static str,
}

/// All tasks.
pub(crate) const TASKS: Among =
    Among { what: "task", table: "tasks", title: "substr(text, 1, 200)" };
/// All sessions.
pub(crate) const SESSIONS: Among = Among { what: "session", table: "sessions", title: "title" };

/// Returns the whole id that `typed` means: the beginning of the eight characters that a person sees, or of the
/// whole id.
pub(crate) fn find(
    connection: &Connection,
    among: &Among,
    typed: &str,
) -> Result<String, StorageError> {
    let text = typed.trim().to_ascii_lowercase();
    let none = || StorageError::NoSuch { what: among.what, text: typed.to_owned() };
    if as_file_name(&text).is_err() {
        return Err(none());
    }
    let mut candidates = candidates(connection, among, &text)?;
    if let Some(exact) = candidates.iter().position(|candidate| candidate.id == text) {
        return Ok(candidates.swap_remove(exact).id);
    }
    match candidates.len() {
        0 => Err(none()),
        1 => Ok(candidates.swap_remove(0).id),
        _ => Err(StorageError::Ambiguous { what: among.what, text: typed.to_owned(), candidates }),
    }
}

fn candidates(
    connection: &Connection,
    among: &Among,
    text: &str,
) -> Result<Vec<Candidate>, StorageError> {
    let Among { table, title, .. } = among;
    // Ranges, because a range uses the index; `~` sorts after every character of an id.
    let sql = format!(
        "SELECT id, {title} FROM {table} WHERE id >= ?1 AND id < ?1 || '~'
         UNION SELECT id, {title} FROM {table}
         WHERE ?2 AND substr(id, -8) >= ?1 AND substr(id, -8) < ?1 || '~'
         ORDER BY id LIMIT {LISTED}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((text, text.len() <= SHOWN), candidate)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let (id, title): (String, String) = (row.get(0)?, row.get(1)?);
    let short = openkoi_core::id::TaskId::new(id.clone()).short().to_owned();
    Ok(Candidate { short, id, title: title_of(&title) })
}

/// Returns the first line of a text with something in it, cut to what fits in a list.
pub(crate) fn title_of(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let shown: String = line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if line.chars().count() > LONGEST { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_leads_elsewhere_names_no_file() {
        for bad in ["", "..", "a/b", "a.b", "ü", "a\0", &"a".repeat(65)] {
            assert!(as_file_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(as_file_name("01k-x_Y").unwrap(), "01k-x_Y");
    }

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        assert_eq!(title_of("\n  fix\u{1b} the login\nbug"), "fix the login");
        assert_eq!(title_of(&"x".repeat(200)).chars().count(), 81);
    }
}
