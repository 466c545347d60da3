//! Forms that several parts of a manifest share: names, logins, files of the user and ways to inject.

use openkoi_brokers::oauth::{self, UnfitLogin};
use openkoi_core::{
    credential::{Inject, Login, is_line},
    signature::Signature,
};

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
        // Its requests are signed in another way than those of all other services.
        Inject::SigV4 { sigv4, .. } if sigv4 == "s3" => {
            return Err(unfit_injection("the host does not sign for `s3`".to_owned()));
        }
        Inject::SigV4 { sigv4, region } => token(sigv4) && (region.is_empty() || token(region)),
        Inject::Basic { basic } => !basic.contains([':', '\r', '\n', '\0']),
        Inject::Path { path } => {
            path.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(token)
        }
        Inject::Json { json } => json.len() > 1 && json.starts_with('/') && is_line(json),
        Inject::Form { form } => token(form),
        Inject::Signature { signature } => return check_signature(signature, true),
        Inject::Jwt { jwt } => return jwt.check().map_err(unfit_injection),
    };
    if proper {
        return Ok(());
    }
    let reason = "a header, parameter or field is made of letters, digits, `-`, `_` and `.`, the place in a path is \
                  such a name in braces, and that in JSON a pointer"
        .to_owned();
    Err(unfit_injection(reason))
}

fn unfit_injection(reason: String) -> ManifestError {
    ManifestError::Value { key: "inject", reason }
}

/// Checks how requests are signed: by the host, or by a service that calls it.
pub(super) fn check_signature(signature: &Signature, is_own: bool) -> Result<(), ManifestError> {
    signature.check().map_err(unfit_injection)?;
    if is_own && !signature.algorithm.is_of_shared_secret() {
        return Err(unfit_injection("the host signs with hmac".to_owned()));
    }
    Ok(())
}
