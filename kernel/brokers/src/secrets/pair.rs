//! Keys that sign, in two variables, or three where they are of a session.

use super::{Secret, SecretError};
use serde::Deserialize;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// The variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VariablePair {
    /// That of the id.
    pub id: String,
    /// That of the secret.
    pub secret: String,
    /// That of the token of a session.
    pub token: String,
}

impl VariablePair {
    /// Whether both halves are there.
    pub(super) fn exists(&self, environment: &HashMap<OsString, OsString>) -> bool {
        [&self.id, &self.secret].into_iter().all(|name| variable(environment, name).is_some())
    }

    /// Reads the keys; nothing if there is no id.
    pub(super) fn keys(
        &self,
        environment: &HashMap<OsString, OsString>,
    ) -> Result<Option<Secret>, SecretError> {
        let value = |name| variable(environment, name).map(String::into_bytes);
        let Some(id) = variable(environment, &self.id) else { return Ok(None) };
        let half = || SecretError::Half { there: self.id.clone(), missing: self.secret.clone() };
        let secret = value(&self.secret).ok_or_else(half)?;
        Ok(Some(Secret::signing(id, secret, value(&self.token))))
    }
}

/// Returns a variable that is set and not blank.
pub(super) fn variable(environment: &HashMap<OsString, OsString>, name: &str) -> Option<String> {
    let value = environment.get(OsStr::new(name))?.to_str()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
