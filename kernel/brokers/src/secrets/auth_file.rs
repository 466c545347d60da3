//! `auth.json`: the tokens of all logins, in a file that only its owner can read.
//!
//! ```json
//! {"providers":{"NAME":{"type":"oauth","access_token":"…","refresh_token":"…","expires_at":0,"extra":{}}}}
//! ```
//!
//! `expires_at` is in seconds since 1970, 0 for never. Entries of other types stay as they are, and so do unknown
//! fields of the file, of an entry and of its `extra`. A file that does not parse is not replaced.

use super::{Secret, SecretError, read_private};
use crate::durable::{self, DurableError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;
/// Times from here on are in milliseconds: in seconds they would lie after the year 5138.
const MILLIS: u64 = 100_000_000_000;

/// Why a login was not read from the file or not written to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthFileError {
    /// The file may not be read.
    #[error(transparent)]
    Unreadable(#[from] SecretError),
    /// The file is damaged. It is left as it is, because its tokens may still be saved by hand.
    #[error("`{}` is broken: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The damage.
        reason: String,
    },
    /// The file could not be written.
    #[error(transparent)]
    Unwritten(#[from] DurableError),
}

/// The file of one home.
#[derive(Clone, Debug)]
pub(crate) struct AuthFile {
    path: PathBuf,
}

impl AuthFile {
    /// Names the file of `home`. Reads nothing.
    pub(crate) fn of(home: &Path) -> Self {
        Self { path: home.join("auth.json") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the login of this name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Result<Option<StoredLogin>, AuthFileError> {
        let document = self.read()?;
        let Some(entry) = document.get("providers").and_then(|all| all.get(name)) else {
            return Ok(None);
        };
        if entry["type"] != "oauth" {
            return Ok(None);
        }
        let broken = || self.broken(format!("the entry `{name}` has no `access_token`"));
        StoredLogin::from_json(entry).map(Some).ok_or_else(broken)
    }

    /// Tells whether there is a login of this name. A file that cannot be read counts as empty; whoever uses the
    /// login gets the error.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.get(name), Ok(Some(_)))
    }

    /// Returns all logins with their names.
    pub(crate) fn all(&self) -> Result<Vec<(String, StoredLogin)>, AuthFileError> {
        let document = self.read()?;
        let entries = document.get("providers").and_then(Value::as_object);
        let logins = entries.into_iter().flatten().filter(|(_, entry)| entry["type"] == "oauth");
        let read =
            |(name, entry): (&String, &Value)| Some((name.clone(), StoredLogin::from_json(entry)?));
        Ok(logins.filter_map(read).collect())
    }

    /// Writes a login, durably. The caller holds the lock of the file.
    pub(crate) fn put(&self, name: &str, login: &StoredLogin) -> Result<(), AuthFileError> {
        let mut document = self.read()?;
        let providers = document.entry("providers").or_insert_with(|| json!({}));
        let entry = providers
            .as_object_mut()
            .ok_or_else(|| self.broken("`providers` is not an object".to_owned()))?
            .entry(name)
            .or_insert_with(|| json!({}));
        if !entry.is_object() {
            *entry = json!({});
        }
        login.write_into(entry);
        self.write(document)
    }

    /// Removes a login; returns whether there was one. The caller holds the lock of the file.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, AuthFileError> {
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

    fn read(&self) -> Result<Map<String, Value>, AuthFileError> {
        let Some(bytes) = read_private(&self.path, LARGEST)? else { return Ok(Map::new()) };
        // The parser's own message could repeat a piece of a token.
        let parsed = serde_json::from_slice(&bytes).map_err(|error| {
            self.broken(format!("it is not JSON from line {} on", error.line()))
        })?;
        let Value::Object(document) = parsed else {
            return Err(self.broken("it is not a JSON object".to_owned()));
        };
        if document.get("providers").is_some_and(|all| !all.is_object()) {
            return Err(self.broken("`providers` is not an object".to_owned()));
        }
        Ok(document)
    }

    fn write(&self, document: Map<String, Value>) -> Result<(), AuthFileError> {
        let text = serde_json::to_vec_pretty(&Value::Object(document));
        let bytes = Zeroizing::new(text.map_err(|error| self.broken(error.to_string()))?);
        let home = self.path.parent().unwrap_or(Path::new("."));
        durable::create_private_dir(home)?;
        Ok(durable::put_atomic(&self.path, &bytes, 0o600)?)
    }

    fn broken(&self, reason: String) -> AuthFileError {
        AuthFileError::Broken { path: self.path.clone(), reason }
    }
}

/// The tokens of one login.
#[derive(Clone, Debug)]
pub(crate) struct StoredLogin {
    /// The access token.
    pub(crate) access: Secret,
    /// The refresh token, or a copy of the access token.
    pub(crate) refresh: Option<Secret>,
    /// The time when the access token expires, in seconds since 1970; nothing for never.
    pub(crate) expires_at: Option<u64>,
    pub(crate) session: Option<SessionToken>,
    /// The host that issued the tokens; nothing for a login that another program wrote.
    pub(crate) issuer: Option<String>,
    /// Headers that go with the token.
    pub(crate) headers: BTreeMap<String, String>,
    /// What was found out about the service when the login was made.
    pub(crate) found: Option<FoundService>,
}

/// What a service said of itself when a login was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundService {
    /// The address that renews tokens.
    pub(crate) token_url: String,
    /// The name of this program there.
    pub(crate) client_id: String,
    /// What came with that name. Empty if nothing did.
    pub(crate) client_secret: String,
}

/// A short-lived token that the access token was exchanged for.
#[derive(Clone, Debug)]
pub(crate) struct SessionToken {
    pub(crate) token: Secret,
    /// The time when it expires, in seconds since 1970.
    pub(crate) expires_at: u64,
    /// The base URL for this account.
    pub(crate) base_url: Option<String>,
}

impl StoredLogin {
    /// Returns the refresh token. A copy of the access token does not count as one.
    pub(crate) fn refresh_token(&self) -> Option<&Secret> {
        let other = |refresh: &&Secret| refresh.expose() != self.access.expose();
        self.refresh.as_ref().filter(other)
    }

    /// Reads an entry; nothing if it has no access token.
    fn from_json(entry: &Value) -> Option<Self> {
        let extra = &entry["extra"];
        let session = secret(&extra["session_token"]).map(|token| SessionToken {
            token,
            expires_at: time(&extra["session_expires_at"]).unwrap_or(0),
            base_url: extra["session_base_url"].as_str().map(str::to_owned),
        });
        let headers = extra["headers"].as_object().into_iter().flatten();
        let word = |name: &str| extra[name].as_str().map(str::to_owned);
        let found = word("token_url").zip(word("client_id"));
        let found = found.map(|(token_url, client_id)| FoundService {
            token_url,
            client_id,
            client_secret: word("client_secret").unwrap_or_default(),
        });
        Some(Self {
            access: secret(&entry["access_token"])?,
            refresh: secret(&entry["refresh_token"]),
            expires_at: time(&entry["expires_at"]),
            session,
            issuer: extra["issuer"].as_str().map(str::to_owned),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            found,
        })
    }

    /// Writes the tokens into an entry. Unknown fields stay.
    fn write_into(&self, entry: &mut Value) {
        entry["type"] = json!("oauth");
        entry["access_token"] = text(&self.access);
        // The format wants a refresh token in every entry.
        entry["refresh_token"] = text(self.refresh.as_ref().unwrap_or(&self.access));
        entry["expires_at"] = json!(self.expires_at.unwrap_or(0));
        if !entry["extra"].is_object() {
            entry["extra"] = json!({});
        }
        let extra = &mut entry["extra"];
        extra["issuer"] = json!(self.issuer);
        extra["headers"] = json!(self.headers);
        if let Some(found) = &self.found {
            extra["token_url"] = json!(found.token_url);
            extra["client_id"] = json!(found.client_id);
            extra["client_secret"] = json!(found.client_secret);
        }
        if let Some(session) = &self.session {
            extra["session_token"] = text(&session.token);
            extra["session_expires_at"] = json!(session.expires_at);
            extra["session_base_url"] = json!(session.base_url);
        } else if let Some(extra) = extra.as_object_mut() {
            extra.retain(|name, _| !name.starts_with("session_"));
        }
    }
}

fn secret(value: &Value) -> Option<Secret> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty())?;
    Some(Secret::new(text.as_bytes().to_vec()))
}

fn text(secret: &Secret) -> Value {
    Value::String(String::from_utf8_lossy(secret.expose()).into_owned())
}

/// Reads a time in seconds or milliseconds since 1970 as seconds; nothing for 0.
fn time(value: &Value) -> Option<u64> {
    let time = value.as_u64().filter(|time| *time > 0)?;
    Some(if time >= MILLIS { time / 1_000 } else { time })
}
