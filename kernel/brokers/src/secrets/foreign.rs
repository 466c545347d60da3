//! Tokens that other programs keep in files of theirs, or in the keychain. They are read, and never written: whoever
//! issued a token to another program renews it there.

use super::keychain::Keychain;
use super::{Secret, SecretError, SecretSource, read_private};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The store of another program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Foreign {
    /// The name under which the user lets it be read.
    pub name: String,
    /// The other program, as people call it.
    pub program: String,
    /// Its file; `~/` is the user's home.
    pub path: String,
    /// JSON pointer to the token.
    pub token: String,
    /// JSON pointer to the time when it ends, in milliseconds since 1970; empty where none is kept.
    pub expires: String,
    /// The service under which the keychain has the same where there is no file; empty on systems without one.
    pub keychain: String,
}

impl Foreign {
    /// Returns where it is, in words. What a person allowed holds for this place.
    #[must_use]
    pub fn place(&self) -> Cow<'_, str> {
        if self.keychain.is_empty() {
            return Cow::Borrowed(&self.path);
        }
        Cow::Owned(format!("{} or the keychain item `{}`", self.path, self.keychain))
    }

    /// Whether the file is there, without reading it.
    pub(super) fn exists(&self, environment: &HashMap<OsString, OsString>) -> bool {
        self.file(environment).is_some_and(|path| path.is_file())
    }

    /// Whether the keychain has it.
    pub(super) fn is_in(&self, keychain: &Keychain) -> bool {
        !self.keychain.is_empty() && keychain.has(&self.keychain)
    }

    /// Reads the token, from the file before the keychain; nothing if it is in neither.
    pub(super) fn read(
        &self,
        environment: &HashMap<OsString, OsString>,
        keychain: &Keychain,
    ) -> Result<Option<Secret>, SecretError> {
        let file = self.file(environment);
        let mut bytes = file.map_or(Ok(None), |path| read_private(&path, LARGEST))?;
        if bytes.is_none() && !self.keychain.is_empty() {
            bytes = keychain.read(&self.keychain).map_err(|reason| self.unfit(reason))?;
        }
        bytes.map(|bytes| self.token(&bytes)).transpose()
    }

    fn token(&self, bytes: &[u8]) -> Result<Secret, SecretError> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|_| self.unfit("is not of the shape that is known"))?;
        let token = value.pointer(&self.token).and_then(Value::as_str).unwrap_or_default().trim();
        if token.is_empty() {
            return Err(self.unfit("has no token in it; log in with that program"));
        }
        let ends_at = value.pointer(&self.expires).and_then(Value::as_u64);
        if !self.expires.is_empty() && ends_at.is_some_and(|at| at <= now_ms()) {
            return Err(self.unfit("has expired; start that program once, so that it renews it"));
        }
        Ok(Secret::new(token.as_bytes().to_vec()))
    }

    fn file(&self, environment: &HashMap<OsString, OsString>) -> Option<PathBuf> {
        let Some(below) = self.path.strip_prefix("~/") else {
            return Some(PathBuf::from(&self.path));
        };
        let home = environment.get(OsStr::new("HOME")).filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(below))
    }

    fn unfit(&self, reason: &'static str) -> SecretError {
        SecretError::Foreign { source_name: SecretSource::Foreign(Box::new(self.clone())), reason }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn foreign() -> Foreign {
        Foreign {
            name: "pond-cli".to_owned(),
            program: "Pond CLI".to_owned(),
            path: "~/.pond/login.json".to_owned(),
            token: "/login/token".to_owned(),
            expires: "/login/ends".to_owned(),
            keychain: String::new(),
        }
    }

    /// A home in which the program has kept `text`.
    fn home(text: &str, mode: u32) -> (tempfile::TempDir, HashMap<OsString, OsString>) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pond/login.json");
        fs::create_dir(home.path().join(".pond")).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let environment = HashMap::from([("HOME".into(), home.path().as_os_str().to_owned())]);
        (home, environment)
    }

    fn read(environment: &HashMap<OsString, OsString>) -> Result<Option<Secret>, SecretError> {
        foreign().read(environment, &Keychain::by(None, environment))
    }

    fn refused(text: &str, mode: u32) -> String {
        let (_home, environment) = home(text, mode);
        read(&environment).unwrap_err().to_string()
    }

    #[test]
    fn a_token_is_read_where_the_program_keeps_it() {
        let later = now_ms() + 60_000;
        let text = format!(r#"{{"login":{{"token":" fish-token ","ends":{later}}}}}"#);
        let (_home, environment) = home(&text, 0o600);

        assert!(foreign().exists(&environment));
        assert_eq!(read(&environment).unwrap().unwrap().expose(), b"fish-token");
        assert!(read(&HashMap::new()).unwrap().is_none());
        assert!(!foreign().exists(&HashMap::new()));
    }

    #[test]
    fn what_cannot_be_used_says_what_to_do() {
        assert!(refused(r#"{"login":{"token":"x","ends":1000}}"#, 0o600).contains("has expired"));
        assert!(refused(r#"{"login":{}}"#, 0o600).contains("no token"));
        assert!(refused("not json", 0o600).contains("shape"));
        assert!(refused(r#"{"login":{"token":"x"}}"#, 0o644).contains("chmod 600"));
    }
}
