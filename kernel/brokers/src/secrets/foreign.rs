//! Tokens of other programs, in their files or in the keychain. They are read and never written: the program that a
//! token was issued to renews it.

use super::keychain::Keychain;
use super::variables::Variables;
use super::{Secret, SecretError, read_private};
use openkoi_core::credential::{ForeignToken, SecretSource};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// Tells whether the token's file exists, without reading it.
pub(super) fn has_file(token: &ForeignToken, variables: &Variables) -> bool {
    file(token, variables).is_some_and(|path| path.is_file())
}

/// Tells whether the keychain has an item for the token.
pub(super) fn is_in_keychain(token: &ForeignToken, keychain: &Keychain) -> bool {
    !token.keychain.is_empty() && keychain.has(&token.keychain)
}

/// Reads the token from its file, or from the keychain if there is no file. Returns nothing if it is in neither.
pub(super) fn read_token(
    token: &ForeignToken,
    variables: &Variables,
    keychain: &Keychain,
) -> Result<Option<Secret>, SecretError> {
    let file = file(token, variables);
    let mut bytes = file.map_or(Ok(None), |path| read_private(&path, LARGEST))?;
    if bytes.is_none() && !token.keychain.is_empty() {
        bytes = keychain.read(&token.keychain).map_err(|reason| unfit(token, reason))?;
    }
    bytes.map(|bytes| parse(token, &bytes)).transpose()
}

fn parse(token: &ForeignToken, bytes: &[u8]) -> Result<Secret, SecretError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|_| unfit(token, "is not of the shape that is known"))?;
    let text = value.pointer(&token.token).and_then(Value::as_str).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(unfit(token, "has no token in it; log in with that program"));
    }
    let ends_at = value.pointer(&token.expires).and_then(Value::as_u64);
    if !token.expires.is_empty() && ends_at.is_some_and(|at| at <= now_ms()) {
        return Err(unfit(token, "has expired; start that program once, so that it renews it"));
    }
    Ok(Secret::new(text.as_bytes().to_vec()))
}

fn file(token: &ForeignToken, variables: &Variables) -> Option<PathBuf> {
    let Some(below) = token.path.strip_prefix("~/") else {
        return Some(PathBuf::from(&token.path));
    };
    let home = variables.get(OsStr::new("HOME")).filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(below))
}

fn unfit(token: &ForeignToken, reason: &'static str) -> SecretError {
    SecretError::Foreign { source_name: SecretSource::Foreign(Box::new(token.clone())), reason }
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

    fn token() -> ForeignToken {
        ForeignToken {
            name: "pond-cli".to_owned(),
            program: "Pond CLI".to_owned(),
            path: "~/.pond/login.json".to_owned(),
            token: "/login/token".to_owned(),
            expires: "/login/ends".to_owned(),
            keychain: String::new(),
        }
    }

    /// Makes a home in which the program keeps `text`.
    fn home(text: &str, mode: u32) -> (tempfile::TempDir, Variables) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pond/login.json");
        fs::create_dir(home.path().join(".pond")).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let environment = Variables::from([("HOME".into(), home.path().as_os_str().to_owned())]);
        (home, environment)
    }

    fn read(environment: &Variables) -> Result<Option<Secret>, SecretError> {
        read_token(&token(), environment, &Keychain::by(None, environment))
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

        assert!(has_file(&token(), &environment));
        assert_eq!(read(&environment).unwrap().unwrap().expose(), b"fish-token");
        assert!(read(&Variables::new()).unwrap().is_none());
        assert!(!has_file(&token(), &Variables::new()));
    }

    #[test]
    fn a_token_that_cannot_be_used_says_what_to_do() {
        assert!(refused(r#"{"login":{"token":"x","ends":1000}}"#, 0o600).contains("has expired"));
        assert!(refused(r#"{"login":{}}"#, 0o600).contains("no token"));
        assert!(refused("not json", 0o600).contains("shape"));
        assert!(refused(r#"{"login":{"token":"x"}}"#, 0o644).contains("chmod 600"));
    }
}
