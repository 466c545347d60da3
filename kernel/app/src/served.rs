//! What a server of this program needs of the machine: a listener, who is at the other end, and the token.

use std::net::SocketAddr;

pub use openkoi_brokers::listen::{bind, is_own};
use openkoi_brokers::{disk, durable};
use openkoi_core::hash;

use crate::{app::App, error::AppError};

/// The file of the token, in the data directory.
pub const TOKEN_FILE: &str = "api-token";

/// Returns the token of this home, which is made when it is first asked for: 256 random bits in a file of the user's alone.
///
/// # Errors
///
/// When it cannot be read or written.
pub fn token(app: &App) -> Result<String, AppError> {
    let path = app.paths()?.data().join(TOKEN_FILE);
    if let Ok(text) = disk::read_text(&path, 1 << 10)
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    new_token(app)
}

/// Makes another token in place of the one before, which holds no more.
///
/// # Errors
///
/// As [`token`].
pub fn new_token(app: &App) -> Result<String, AppError> {
    app.paths()?.prepare()?;
    let token = app.new_secret()?;
    durable::put_atomic(&app.paths()?.data().join(TOKEN_FILE), token.as_bytes(), 0o600)?;
    Ok(token)
}

/// How long a code opens the web page, in milliseconds.
const CODE_MS: u64 = 300_000;

/// Returns a code that opens the web page once, within five minutes. It is made with the token, so the daemon need not be
/// asked for it.
///
/// # Errors
///
/// As [`token`].
pub fn code(app: &App) -> Result<String, AppError> {
    let until_ms = app.now_ms().saturating_add(CODE_MS);
    let once = app.new_secret()?;
    let mark = mark(&token(app)?, until_ms, &once);
    Ok(format!("{until_ms}.{once}.{mark}"))
}

/// Returns until when a code holds and the part of it that is used once, if it was made with the token of this home.
///
/// # Errors
///
/// As [`token`].
pub fn check_code(app: &App, code: &str) -> Result<Option<(u64, String)>, AppError> {
    let parts: Vec<&str> = code.split('.').collect();
    let [until_ms, once, given] = parts.as_slice() else { return Ok(None) };
    let Ok(until_ms) = until_ms.parse::<u64>() else { return Ok(None) };
    let expected = mark(&token(app)?, until_ms, once);
    // Hashes of them are compared, so the time that it takes says nothing.
    let is_same = hash::of_bytes(expected.as_bytes()) == hash::of_bytes(given.as_bytes());
    Ok((is_same && until_ms > app.now_ms()).then(|| (until_ms, (*once).to_owned())))
}

fn mark(token: &str, until_ms: u64, once: &str) -> String {
    hash::of_json(&("web", token, until_ms, once, token))
}

/// Returns the address that the settings name.
///
/// # Errors
///
/// What is wrong with it.
pub fn address(address: &str, port: u16) -> Result<SocketAddr, String> {
    let name = if address == "localhost" { "127.0.0.1" } else { address };
    let ip = name.trim_matches(['[', ']']).parse();
    let ip = ip.map_err(|_| format!("`api.address`: `{address}` is no IP address"))?;
    Ok(SocketAddr::new(ip, port))
}
