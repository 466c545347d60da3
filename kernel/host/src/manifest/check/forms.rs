//! Forms that several parts of a manifest share: names, logins, files of the user and ways to inject.

use openkoi_brokers::oauth::{self, UnfitLogin};
use openkoi_core::credential::{Inject, Login, is_line};

use crate::{manifest::ManifestError, text};

pub(super) const COMPONENT_NAME: &str =
    "a letter, then letters, digits and `-`, all small, at most 64";
pub(super) const TOOL_NAME: &str = "a letter, then letters, digits and `_`, all small, at most 64";

pub(super) fn name(
    what: &'static str,
    name: &str,
    joint: char,
    form: &'static str,
) -> Result<(), ManifestError> {
    let proper = (1..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint);
    if proper {
        return Ok(());
    }
    Err(ManifestError::Name { what, name: text::one_line(name, 80), form })
}

pub(super) fn check_login(login: Option<&Login>) -> Result<(), ManifestError> {
    let unfit =
        |error: UnfitLogin| ManifestError::Value { key: "login", reason: error.to_string() };
    login.map_or(Ok(()), oauth::check_login).map_err(unfit)
}

/// Returns true for the path of a file below the user's home.
pub(super) fn is_below_home(path: &str) -> bool {
    let below = path.strip_prefix("~/").filter(|below| !below.contains(".."));
    below.is_some_and(|below| !below.is_empty() && is_line(below))
}

pub(super) fn check_injection(inject: &Inject) -> Result<(), ManifestError> {
    let token = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let proper = match inject {
        Inject::Word(_) => true,
        Inject::Header { header, prefix } => token(header) && !prefix.contains(['\r', '\n', '\0']),
        Inject::Query { query } => token(query),
        Inject::SigV4 { sigv4 } => token(sigv4),
        Inject::Basic { basic } => !basic.contains([':', '\r', '\n', '\0']),
        Inject::Path { path } => {
            path.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(token)
        }
        Inject::Json { json } => json.len() > 1 && json.starts_with('/') && is_line(json),
        Inject::Form { form } => token(form),
    };
    if proper {
        return Ok(());
    }
    let reason = "a header, parameter or field is made of letters, digits, `-`, `_` and `.`, the place in a path is \
                  such a name in braces, and that in JSON a pointer"
        .to_owned();
    Err(ManifestError::Value { key: "inject", reason })
}
