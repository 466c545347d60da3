//! Keys that sign requests, in a pair of variables.

use super::variables::{Variables, variable};
use super::{Secret, SecretError};
use openkoi_core::credential::VariablePair;

/// Tells whether both the id and the secret are set.
pub(super) fn has_pair(pair: &VariablePair, variables: &Variables) -> bool {
    [&pair.id, &pair.secret].into_iter().all(|name| variable(variables, name).is_some())
}

/// Reads the key of a pair. Returns nothing if there is no id; an id without a secret is an error.
pub(super) fn read_pair(
    pair: &VariablePair,
    variables: &Variables,
) -> Result<Option<Secret>, SecretError> {
    let value = |name| variable(variables, name).map(String::into_bytes);
    let Some(id) = variable(variables, &pair.id) else { return Ok(None) };
    let half = || SecretError::Half { there: pair.id.clone(), missing: pair.secret.clone() };
    let secret = value(&pair.secret).ok_or_else(half)?;
    Ok(Some(Secret::signing(id, secret, value(&pair.token))))
}
