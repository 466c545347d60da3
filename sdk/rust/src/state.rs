//! A small key-value space of the component's own, kept between calls.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, bindings::host::openkoi::host::state, failure::hosted};

/// How many keys the host returns at once.
const PAGE: usize = 1000;

/// Returns the value of `key`, or nothing.
///
/// # Errors
///
/// What the host says, or that the stored value is not a `T`.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    let Some(bytes) = get_bytes(key)? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Sets `key` (at most 512 bytes) to `value`, written as JSON of at most 256 KiB.
///
/// # Errors
///
/// What the host says, or that `value` cannot be written as JSON.
pub fn set(key: &str, value: &impl Serialize) -> Result<()> {
    set_bytes(key, &serde_json::to_vec(value)?)
}

/// Returns the bytes of `key`, or nothing.
///
/// # Errors
///
/// What the host says.
pub fn get_bytes(key: &str) -> Result<Option<Vec<u8>>> {
    hosted(|| state::get(key))
}

/// Sets `key` to `value`.
///
/// # Errors
///
/// What the host says.
pub fn set_bytes(key: &str, value: &[u8]) -> Result<()> {
    hosted(|| state::set(key, value))
}

/// Removes `key`; removing one that is not there is not a failure.
///
/// # Errors
///
/// What the host says.
pub fn delete(key: &str) -> Result<()> {
    hosted(|| state::delete(key))
}

/// Returns all keys that start with `prefix`, sorted.
///
/// # Errors
///
/// What the host says.
pub fn keys(prefix: &str) -> Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = hosted(|| state::keys(prefix, all.last().map(String::as_str)))?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
