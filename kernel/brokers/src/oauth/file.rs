//! `auth.json`: the tokens of all logins, in a file that only its owner can read.
//!
//! ```json
//! {"providers":{"NAME":{"type":"oauth","access_token":"…","refresh_token":"…","expires_at":0,"extra":{}}}}
//! ```
//!
//! `expires_at` is in seconds since 1970, 0 for never. What is not understood stays as it is: entries of
//! other types, and further fields of an entry, of `extra` and of the file. A file that does not parse is
//! never replaced.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{LoginError, token::Kept};
use crate::{durable, secrets::read_private};

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The file of one home.
#[derive(Clone, Debug)]
pub(crate) struct AuthFile {
    path: PathBuf,
}

impl AuthFile {
    pub(crate) fn of(home: &Path) -> Self {
        Self { path: home.join("auth.json") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the login of this name, if there is one.
    pub(super) fn get(&self, name: &str) -> Result<Option<Kept>, LoginError> {
        let document = self.read()?;
        let Some(entry) = document.get("providers").and_then(|all| all.get(name)) else {
            return Ok(None);
        };
        if entry["type"] != "oauth" {
            return Ok(None);
        }
        let broken = || self.broken(format!("the entry `{name}` has no `access_token`"));
        Kept::of_json(entry).map(Some).ok_or_else(broken)
    }

    /// Returns whether there is a login of this name. A file that cannot be read has none here; whoever uses
    /// it gets the reason.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.get(name), Ok(Some(_)))
    }

    /// Returns all logins, by name.
    pub(super) fn all(&self) -> Result<Vec<(String, Kept)>, LoginError> {
        let document = self.read()?;
        let entries = document.get("providers").and_then(Value::as_object);
        let logins = entries.into_iter().flatten().filter(|(_, entry)| entry["type"] == "oauth");
        Ok(logins.filter_map(|(name, entry)| Some((name.clone(), Kept::of_json(entry)?))).collect())
    }

    /// Keeps a login, durably. Whoever calls holds the lock.
    pub(super) fn put(&self, name: &str, kept: &Kept) -> Result<(), LoginError> {
        let mut document = self.read()?;
        let providers = document.entry("providers").or_insert_with(|| json!({}));
        let entry = providers
            .as_object_mut()
            .ok_or_else(|| self.broken("`providers` is no object".to_owned()))?
            .entry(name)
            .or_insert_with(|| json!({}));
        if !entry.is_object() {
            *entry = json!({});
        }
        kept.write_into(entry);
        self.write(document)
    }

    /// Removes a login; returns whether there was one. Whoever calls holds the lock.
    pub(super) fn remove(&self, name: &str) -> Result<bool, LoginError> {
        let mut document = self.read()?;
        let entries = document.get_mut("providers").and_then(Value::as_object_mut);
        let is_login = |entries: &&mut Map<String, Value>| {
            entries.get(name).is_some_and(|e| e["type"] == "oauth")
        };
        let Some(entries) = entries.filter(is_login) else { return Ok(false) };
        entries.remove(name);
        self.write(document)?;
        Ok(true)
    }

    fn read(&self) -> Result<Map<String, Value>, LoginError> {
        let Some(bytes) = read_private(&self.path, LARGEST)? else { return Ok(Map::new()) };
        // The parser's own message could repeat a piece of a token.
        let parsed = serde_json::from_slice(&bytes)
            .map_err(|error| self.broken(format!("it is no JSON from line {} on", error.line())))?;
        let Value::Object(document) = parsed else {
            return Err(self.broken("it is no JSON object".to_owned()));
        };
        if document.get("providers").is_some_and(|all| !all.is_object()) {
            return Err(self.broken("`providers` is no object".to_owned()));
        }
        Ok(document)
    }

    fn write(&self, document: Map<String, Value>) -> Result<(), LoginError> {
        let text = serde_json::to_vec_pretty(&Value::Object(document));
        let bytes = Zeroizing::new(text.map_err(|error| self.broken(error.to_string()))?);
        let home = self.path.parent().unwrap_or(Path::new("."));
        durable::create_private_dir(home)?;
        Ok(durable::put_atomic(&self.path, &bytes, 0o600)?)
    }

    fn broken(&self, reason: String) -> LoginError {
        LoginError::Broken { path: self.path.clone(), reason }
    }
}
