//! One configuration file, as keys with values and lines.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::disk;
use toml::de::{DeTable, DeValue};

use super::error::SettingsError;

/// The largest configuration file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// One key that a file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigEntry {
    /// The segments of the key.
    pub path: Vec<String>,
    /// The value. A table is a value only if it is empty.
    pub value: toml::Value,
    /// The line of the key, from 1.
    pub line: usize,
}

/// Reads a file. A file that does not exist is not an error.
///
/// # Errors
///
/// When the file exists but cannot be read, or is not TOML.
pub fn read(path: &Path) -> Result<Option<Vec<ConfigEntry>>, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
    match disk::read_text(path, LARGEST) {
        Ok(text) => parse(&text, path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

/// Parses the text of a file; `path` is for messages.
///
/// # Errors
///
/// When the text is not TOML.
pub fn parse(text: &str, path: &Path) -> Result<Vec<ConfigEntry>, SettingsError> {
    let syntax = |error: toml::de::Error| SettingsError::Syntax {
        path: PathBuf::from(path),
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    };
    let places = DeTable::parse(text).map_err(syntax)?;
    let values: toml::Table = toml::from_str(text).map_err(syntax)?;
    let mut entries = Vec::new();
    walk(text, places.get_ref(), &values, &mut Vec::new(), &mut entries);
    // In the order of the file, because the order of providers is the user's.
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn walk(
    text: &str,
    places: &DeTable<'_>,
    values: &toml::Table,
    path: &mut Vec<String>,
    entries: &mut Vec<ConfigEntry>,
) {
    for (key, place) in places {
        let name = key.get_ref().as_ref();
        let Some(value) = values.get(name) else { continue };
        path.push(name.to_owned());
        match (place.get_ref(), value) {
            (DeValue::Table(places), toml::Value::Table(values)) if !values.is_empty() => {
                walk(text, places, values, path, entries);
            }
            _ => entries.push(ConfigEntry {
                path: path.clone(),
                value: value.clone(),
                line: line_at(text, key.span().start),
            }),
        }
        path.pop();
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_their_lines_and_in_the_order_of_the_file() {
        let text = "model = 'a/b'\n\n[providers.zeta]\nbase_url = 'x'\n[providers.alpha]\n";

        let entries = parse(text, Path::new("c.toml")).unwrap();

        let seen: Vec<_> = entries.iter().map(|e| (e.path.join("."), e.line)).collect();
        assert_eq!(
            seen,
            [
                ("model".to_owned(), 1),
                ("providers.zeta.base_url".to_owned(), 4),
                ("providers.alpha".to_owned(), 5),
            ]
        );
    }

    #[test]
    fn broken_toml_is_one_line_with_its_place() {
        let error = parse("model = 'a'\nlimits = [\n", Path::new("c.toml")).unwrap_err();

        let text = error.to_string();
        assert!(text.starts_with("c.toml:"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn a_directory_in_place_of_the_file_is_an_error_and_a_missing_file_is_not() {
        let directory = tempfile::tempdir().unwrap();

        assert!(read(directory.path()).is_err());
        assert_eq!(read(&directory.path().join("none.toml")).unwrap(), None);
    }
}
