//! The environment's variables.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// A snapshot of the environment.
pub(super) type Variables = HashMap<OsString, OsString>;

/// Returns the value of a variable, trimmed, if it is set and not blank.
pub(super) fn variable(variables: &Variables, name: &str) -> Option<String> {
    let value = variables.get(OsStr::new(name))?.to_str()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
