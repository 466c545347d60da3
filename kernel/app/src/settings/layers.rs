//! The layers of the settings, laid over one another key by key.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    error::SettingsError,
    file::{self, ConfigEntry},
    key::{KEYS, Key, ProjectRule, number},
};
use crate::{
    environment::{Environment, OPENKOI_LEARNING, OPENKOI_LOG_LEVEL, OPENKOI_MODEL, Variable},
    paths::Paths,
    suggest,
};

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default of the program.
    Default,
    /// A line of the user's file.
    User {
        /// The path of the file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A line of the project's file.
    Project {
        /// The path of the file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Variable(&'static str),
    /// A flag of the command line, or what a surface has in its place.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::User { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Project { path, line } => write!(f, "{}:{line} (project)", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One value with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The segments of the key.
    pub path: Vec<String>,
    /// The value, of the type of its key.
    pub value: toml::Value,
    /// The origin of the value.
    pub origin: Origin,
    /// The definition of the key.
    pub key: &'static Key,
}

impl Setting {
    /// Returns the key as it is written in a file.
    pub fn name(&self) -> String {
        self.path.iter().map(|segment| written(segment)).collect::<Vec<_>>().join(".")
    }

    /// Returns the value for a screen that others may watch: a secret is hidden.
    pub fn shown(&self) -> toml::Value {
        let hidden = || toml::Value::String("[hidden]".to_owned());
        if self.is_secret() { hidden() } else { self.value.clone() }
    }

    /// Returns true if the value is a secret or has the name of one. Keys do not belong in the configuration, but one
    /// that is there must not be shown.
    fn is_secret(&self) -> bool {
        let name = self.path.last().map_or("", String::as_str).to_ascii_lowercase();
        let telling = ["secret", "token", "password", "api_key", "apikey", "api-key"];
        let called = telling.iter().any(|word| name.contains(word)) && !name.ends_with("_env");
        self.key.is_secret() || (called && self.value.is_str())
    }
}

/// Returns a segment as it is written in a key, in quotes if it needs them.
fn written(segment: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !segment.is_empty() && segment.chars().all(bare) {
        return segment.to_owned();
    }
    toml::Value::String(segment.to_owned()).to_string()
}

/// The values so far, and warnings about those that were passed over.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Sorted by key.
    values: Vec<Setting>,
    /// Names of providers in the order in which they were first written.
    providers: Vec<String>,
    warnings: Vec<String>,
}

impl Layers {
    /// Returns the layer of the defaults.
    pub fn defaults() -> Self {
        let mut layers = Self::default();
        for key in KEYS {
            if let Some(value) = key.default.value() {
                layers.put_as(key, entry(key.name, value), Origin::Default);
            }
        }
        layers
    }

    /// Reads all layers but the flags.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or has a value of the wrong type.
    pub fn read(
        paths: &Paths,
        workspace: &Path,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        let mut layers = Self::defaults();
        match file::read(paths.config())? {
            Some(entries) => layers.user(entries, paths.config())?,
            None if paths.config_is_named() => {
                return Err(SettingsError::Missing { path: paths.config().to_owned() });
            }
            None => {}
        }
        if let Some(path) = paths.project_config(workspace)
            && let Some(entries) = file::read(&path)?
        {
            layers.project(entries, &path)?;
        }
        layers.variable(environment, &OPENKOI_MODEL, "model")?;
        layers.variable(environment, &OPENKOI_LOG_LEVEL, "log.level")?;
        layers.variable(environment, &OPENKOI_LEARNING, "learning.mode")?;
        Ok(layers)
    }

    /// Lays the user's file over the values so far.
    ///
    /// # Errors
    ///
    /// When a value has the wrong type.
    pub fn user(&mut self, entries: Vec<ConfigEntry>, path: &Path) -> Result<(), SettingsError> {
        for entry in entries {
            let origin = Origin::User { path: path.to_owned(), line: entry.line };
            self.lay(entry, origin)?;
        }
        Ok(())
    }

    /// Lays a project's file over the values so far, as far as it narrows them.
    ///
    /// # Errors
    ///
    /// When a value has the wrong type.
    pub fn project(&mut self, entries: Vec<ConfigEntry>, path: &Path) -> Result<(), SettingsError> {
        for mut entry in entries {
            let origin = Origin::Project { path: path.to_owned(), line: entry.line };
            // An empty table sets nothing, but it would name a provider.
            if entry.value.is_table() && Key::is_table(&entry.path) {
                continue;
            }
            if let Some(key) = Key::find(&entry.path) {
                check(key, &entry, &origin)?;
                if let Some(reason) = self.refusal(key, &entry) {
                    let name = entry.path.join(".");
                    self.warnings.push(format!("{origin}: `{name}` is not used: {reason}"));
                    continue;
                }
                if key.project == ProjectRule::Add {
                    entry.value = self.added(&entry);
                }
            }
            self.lay(entry, origin)?;
        }
        Ok(())
    }

    /// Lays a variable over the values so far.
    fn variable(
        &mut self,
        environment: &Environment,
        variable: &Variable,
        name: &str,
    ) -> Result<(), SettingsError> {
        let Some(text) = environment.text(variable) else { return Ok(()) };
        self.lay(entry(name, text.to_owned()), Origin::Variable(variable.name))
    }

    /// Lays a flag over the values so far.
    ///
    /// # Errors
    ///
    /// When the value has the wrong type or is out of range.
    pub fn flag(
        &mut self,
        name: &str,
        value: impl Into<toml::Value>,
        flag: &'static str,
    ) -> Result<(), SettingsError> {
        self.lay(entry(name, value), Origin::Flag(flag))
    }

    /// Lays a model over the values so far. It is for all roles, so models that are configured for
    /// single roles are removed.
    ///
    /// # Errors
    ///
    /// As [`Layers::flag`].
    pub fn model(&mut self, model: &str, flag: &'static str) -> Result<(), SettingsError> {
        self.values.retain(|setting| setting.path.first().is_none_or(|table| table != "roles"));
        self.flag("model", model.to_owned(), flag)
    }

    /// Returns the value of a key.
    pub fn get(&self, path: &[&str]) -> Option<&toml::Value> {
        self.value(path)
    }

    fn value<T: AsRef<str>>(&self, path: &[T]) -> Option<&toml::Value> {
        let at = self.place(path).ok()?;
        self.values.get(at).map(|setting| &setting.value)
    }

    /// Returns where a key is among the values, or where it would be.
    fn place<T: AsRef<str>>(&self, path: &[T]) -> Result<usize, usize> {
        self.values.binary_search_by(|setting| {
            setting.path.iter().map(String::as_str).cmp(path.iter().map(T::as_ref))
        })
    }

    /// Returns all values, sorted by key.
    pub fn all(&self) -> impl Iterator<Item = &Setting> {
        self.values.iter()
    }

    /// Returns the names of the configured providers, in the order of the file.
    pub fn providers(&self) -> &[String] {
        &self.providers
    }

    /// Returns the warnings about values that were passed over.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Adds a warning about a value that the reader of the settings passes over.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    fn lay(&mut self, entry: ConfigEntry, origin: Origin) -> Result<(), SettingsError> {
        match Key::find(&entry.path) {
            Some(key) => check(key, &entry, &origin)?,
            None if entry.value.is_table() && Key::is_table(&entry.path) => {
                self.name_provider(&entry.path);
                return Ok(());
            }
            None if Key::is_table(&entry.path) => return Err(no_table(&entry, &origin)),
            None => {
                self.warnings.push(unknown(&entry, &origin));
                return Ok(());
            }
        }
        self.put(entry, origin);
        Ok(())
    }

    fn put(&mut self, entry: ConfigEntry, origin: Origin) {
        if let Some(key) = Key::find(&entry.path) {
            self.name_provider(&entry.path);
            self.put_as(key, entry, origin);
        }
    }

    fn put_as(&mut self, key: &'static Key, entry: ConfigEntry, origin: Origin) {
        let ConfigEntry { path, value, .. } = entry;
        let place = self.place(&path);
        let setting = Setting { path, value, origin, key };
        match place {
            Ok(at) => self.values[at] = setting,
            Err(at) => self.values.insert(at, setting),
        }
    }

    fn name_provider(&mut self, path: &[String]) {
        let [table, name, ..] = path else { return };
        if table == "providers" && !self.providers.contains(name) {
            self.providers.push(name.clone());
        }
    }

    /// Returns the reason why a project may not set this value, or `None` if it may.
    fn refusal(&self, key: &Key, entry: &ConfigEntry) -> Option<String> {
        let present = self.value(&entry.path).and_then(number);
        let wanted = number(&entry.value);
        match key.project {
            ProjectRule::Set | ProjectRule::Add => None,
            ProjectRule::Lower(least) if wanted < Some(least as f64) => {
                Some(format!("a project may not set it below {least}"))
            }
            // An absent limit is none at all.
            ProjectRule::Lower(_) if present.is_none() || wanted <= present => None,
            ProjectRule::Lower(_) => Some("a project may only lower it".to_owned()),
            ProjectRule::Raise if wanted >= present => None,
            ProjectRule::Raise => Some("a project may only raise it".to_owned()),
            ProjectRule::TurnOn if entry.value.as_bool() == Some(true) => None,
            ProjectRule::TurnOn => Some("a project may only turn it on".to_owned()),
            ProjectRule::Refused(reason) => Some(reason.to_owned()),
        }
    }

    fn added(&self, entry: &ConfigEntry) -> toml::Value {
        let present = self.value(&entry.path).and_then(toml::Value::as_array);
        let mut list = present.cloned().unwrap_or_default();
        for value in entry.value.as_array().into_iter().flatten() {
            if !list.contains(value) {
                list.push(value.clone());
            }
        }
        toml::Value::Array(list)
    }
}

fn entry(name: &str, value: impl Into<toml::Value>) -> ConfigEntry {
    ConfigEntry { path: name.split('.').map(str::to_owned).collect(), value: value.into(), line: 0 }
}

fn check(key: &Key, entry: &ConfigEntry, origin: &Origin) -> Result<(), SettingsError> {
    if key.kind.accepts(&entry.value) {
        return Ok(());
    }
    Err(SettingsError::Value {
        origin: origin.to_string(),
        key: entry.path.join("."),
        expected: key.kind.expected(),
        found: if key.is_secret() { "this".to_owned() } else { shown(&entry.value) },
    })
}

fn no_table(entry: &ConfigEntry, origin: &Origin) -> SettingsError {
    SettingsError::Value {
        origin: origin.to_string(),
        key: entry.path.join("."),
        expected: "a table".to_owned(),
        found: shown(&entry.value),
    }
}

fn unknown(entry: &ConfigEntry, origin: &Origin) -> String {
    let name = entry.path.join(".");
    let question = suggest::question(&Key::suggestions(&entry.path));
    let question = question.map_or_else(String::new, |question| format!("; {question}"));
    format!("{origin}: there is no setting `{name}`{question}")
}

/// Returns a value on one line, shortened.
fn shown(value: &toml::Value) -> String {
    let text = value.to_string().replace('\n', " ");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_that_is_not_a_bare_key_is_quoted() {
        assert_eq!(written("base_url-2"), "base_url-2");
        assert_eq!(written("my pond"), "\"my pond\"");
        assert_eq!(written(""), "\"\"");
        assert_eq!(written("a.b"), "\"a.b\"");
    }
}
