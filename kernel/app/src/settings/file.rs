//! One configuration file, as keys with values and lines.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{disk, durable};
use serde::Deserialize;
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
    let table = DeTable::parse(text).map_err(syntax)?;
    let mut places = Vec::new();
    walk(table.get_ref(), &mut Vec::new(), &mut places);
    // In the order of the file, because the order of providers is the user's.
    places.sort_unstable();
    let values = toml::Table::deserialize(toml::Deserializer::from(table)).map_err(syntax)?;
    let mut line = Line { number: 1, offset: 0 };
    let entry = |(offset, path): (usize, Vec<String>)| {
        let value = value_at(&values, &path)?.clone();
        Some(ConfigEntry { path, value, line: line.at(text, offset) })
    };
    Ok(places.into_iter().filter_map(entry).collect())
}

/// Adds the table of a provider at the end of a file, which keeps everything else as it is, comments too. The caller knows
/// that the file has no such table. `component` is what serves it, if its name does not say so.
///
/// # Errors
///
/// When the file cannot be read or written, or would not be a configuration any more. It is as before then.
pub fn add_provider(
    path: &Path,
    name: &str,
    component: Option<&str>,
    base_url: &str,
) -> Result<(), SettingsError> {
    edit(path, |before| Ok(with_provider(before, name, component, base_url)))
}

/// Sets a list of texts in a file, which keeps everything else as it is, comments too.
///
/// # Errors
///
/// When the file cannot be read or written, or its list is written in a way that cannot be changed in place. It is as
/// before then.
pub fn set_texts(
    path: &Path,
    table: &str,
    key: &str,
    texts: &[String],
) -> Result<(), SettingsError> {
    let list = toml::Value::from(texts.to_vec());
    edit(path, |before| {
        parse(before, path)?;
        let after = with_value(before, table, key, &list.to_string());
        let set = toml::from_str::<toml::Table>(&after).ok();
        match set.as_ref().and_then(|set| set.get(table)?.get(key)) {
            Some(value) if *value == list => Ok(after),
            _ => Err(SettingsError::Value {
                origin: path.display().to_string(),
                key: format!("{table}.{key}"),
                expected: format!("{list}, which has to be written there by hand"),
                found: "what is there in another form".to_owned(),
            }),
        }
    })
}

/// Writes what `change` makes of a file.
fn edit(
    path: &Path,
    change: impl FnOnce(&str) -> Result<String, SettingsError>,
) -> Result<(), SettingsError> {
    // A file that is kept elsewhere and linked here stays there.
    let real = disk::canonical(path).unwrap_or_else(|_| path.to_owned());
    let before = match disk::read_text(&real, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(SettingsError::Unreadable { path: path.to_owned(), source }),
    };
    let text = change(&before)?;
    parse(&text, path)?;
    if text == before {
        return Ok(());
    }
    let mode = disk::status(&real).map_or(0o600, |status| status.mode & 0o777);
    durable::put_atomic(&real, text.as_bytes(), mode)
        .map_err(|source| SettingsError::Unwritable { path: path.to_owned(), source })
}

/// Returns a text in which a key has another value: in the place of the present one, below the heading of its table, or in a
/// table of its own at the end.
fn with_value(before: &str, table: &str, key: &str, value: &str) -> String {
    let mut text = before.to_owned();
    let places = DeTable::parse(before).ok();
    let found = places.as_ref().and_then(|places| places.get_ref().get(table));
    let present = found.and_then(|table| match table.get_ref() {
        DeValue::Table(keys) => keys.get(key),
        _ => None,
    });
    if let Some(present) = present {
        text.replace_range(present.span(), value);
        return text;
    }
    let heading = format!("[{table}]");
    let mut ends = before.split_inclusive('\n').scan(0, |end, line| {
        *end += line.len();
        Some((line, *end))
    });
    match ends.find(|(line, _)| line.trim() == heading && line.ends_with('\n')) {
        Some((_, end)) => text.insert_str(end, &format!("{key} = {value}\n")),
        None => {
            let start = text.trim_end().len();
            text.truncate(start);
            let gap = if text.is_empty() { "" } else { "\n\n" };
            text.push_str(&format!("{gap}{heading}\n{key} = {value}\n"));
        }
    }
    text
}

fn with_provider(before: &str, name: &str, component: Option<&str>, base_url: &str) -> String {
    let value = |text: &str| toml::Value::String(text.to_owned());
    let mut text = before.trim_end().to_owned();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&format!("[providers.{name}]\n"));
    if let Some(component) = component {
        text.push_str(&format!("component = {}\n", value(component)));
    }
    text.push_str(&format!("base_url = {}\n", value(base_url)));
    text
}

/// Gathers where keys are that have values: other keys than the tables above them.
fn walk(table: &DeTable<'_>, path: &mut Vec<String>, places: &mut Vec<(usize, Vec<String>)>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => walk(inner, path, places),
            _ => places.push((key.span().start, path.clone())),
        }
        path.pop();
    }
}

fn value_at<'a>(table: &'a toml::Table, path: &[String]) -> Option<&'a toml::Value> {
    let (last, tables) = path.split_last()?;
    let inner = tables.iter().try_fold(table, |table, name| table.get(name)?.as_table())?;
    inner.get(last)
}

/// A place that only moves on, so that the lines of a file are counted once.
struct Line {
    number: usize,
    offset: usize,
}

impl Line {
    fn at(&mut self, text: &str, offset: usize) -> usize {
        let passed = text.get(self.offset..offset).unwrap_or_default();
        self.number += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.offset = offset;
        self.number
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
    fn a_provider_is_added_and_all_else_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        std::fs::write(&path, "# mine\nmodel = 'a/b'  # the large one").unwrap();

        add_provider(&path, "lab", Some("openai-compatible"), "http://127.0.0.1:1234/v1").unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# mine\nmodel = 'a/b'  # the large one\n\n[providers.lab]\n\
             component = \"openai-compatible\"\nbase_url = \"http://127.0.0.1:1234/v1\"\n"
        );
        assert!(add_provider(&path, "lab", None, "http://127.0.0.1:1/v1").is_err(), "it is there");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let new = place.path().join("new.toml");
        add_provider(&new, "lab", None, "http://x").unwrap();
        assert_eq!(
            std::fs::read_to_string(new).unwrap(),
            "[providers.lab]\nbase_url = \"http://x\"\n"
        );
    }

    #[test]
    fn a_list_is_set_in_its_place_and_all_else_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let cases: [(&str, &[&str], &str); 6] = [
            ("", &["a"], "[skills]\ndisabled = [\"a\"]\n"),
            (
                "model = 'x/y'  # mine\n",
                &["a"],
                "model = 'x/y'  # mine\n\n[skills]\ndisabled = [\"a\"]\n",
            ),
            (
                "[skills]\ndisabled = [\n  'a', # no\n] # yes\n[log]\nlevel = 'info'\n",
                &["a", "b \"c\""],
                "[skills]\ndisabled = [\"a\", 'b \"c\"'] # yes\n[log]\nlevel = 'info'\n",
            ),
            ("skills.disabled = ['a']\n", &[], "skills.disabled = []\n"),
            ("skills = { disabled = ['a'] }\n", &["b"], "skills = { disabled = [\"b\"] }\n"),
            ("[skills]\n# none\n", &["b"], "[skills]\ndisabled = [\"b\"]\n# none\n"),
        ];
        for (before, names, after) in cases {
            std::fs::write(&path, before).unwrap();
            set_texts(&path, "skills", "disabled", &list(names)).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after, "{before}");
        }
        let odd = "skills = {}\n";
        std::fs::write(&path, odd).unwrap();
        let error = set_texts(&path, "skills", "disabled", &list(&["a"])).unwrap_err();
        assert!(error.to_string().contains("`skills.disabled`"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), odd, "it is as before");
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
