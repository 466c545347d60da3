//! The answer: its body capped, its headers filtered, and credentials in it redacted.

use super::client::{explain, timeout};
use super::{EgressError, EgressErrorKind, EgressLimits, Phase};
use crate::sabotage::{Guard, off};
use crate::secrets::{Patterns, Redactor};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// Headers of an answer that are dropped: a caller has no use for them and must not keep them.
const SENSITIVE: [&str; 9] = [
    "set-cookie",
    "set-cookie2",
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "proxy-authentication-info",
    "clear-site-data",
];

/// An answer whose head has arrived.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, without cookies, challenges and credentials.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The URL that answered, after redirects, without credentials.
    pub url: String,
    /// The body, which is still being received.
    pub body: Body,
}

/// The body of an answer, pulled piece by piece. Dropping it closes the connection.
pub struct Body {
    inner: Option<reqwest::Response>,
    redactor: Redactor,
    place: String,
    left: u64,
    limit: u64,
    idle: Duration,
    deadline: Instant,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Makes the caller's answer of the client's.
pub(super) fn assemble(
    inner: reqwest::Response,
    url: String,
    place: String,
    patterns: Vec<Patterns>,
    limits: &EgressLimits,
    deadline: Instant,
) -> Response {
    let patterns = if off(Guard::EgressEcho) { Vec::new() } else { patterns };
    let headers = inner
        .headers()
        .iter()
        .filter(|(name, _)| !SENSITIVE.contains(&name.as_str()) || off(Guard::EgressAnswerHeaders))
        .map(|(name, value)| (name.to_string(), clean(value.as_bytes(), &patterns)))
        .collect();
    // A server may redirect to an address with the credential in it.
    let url = String::from_utf8_lossy(&clean(url.as_bytes(), &patterns)).into_owned();
    let status = inner.status().as_u16();
    let body = Body {
        inner: Some(inner),
        redactor: Redactor::new(patterns),
        place,
        left: limits.body_bytes,
        limit: limits.body_bytes,
        idle: limits.idle,
        deadline,
    };
    Response { status, headers, url, body }
}

fn clean(value: &[u8], patterns: &[Patterns]) -> Vec<u8> {
    crate::secrets::redact_all(value, patterns.iter())
}

impl Body {
    /// Returns the next bytes, at least one, or nothing at the end.
    ///
    /// # Errors
    ///
    /// After an error the body is closed and returns nothing more.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, EgressError> {
        while self.inner.is_some() {
            let piece = match self.pull().await {
                Ok(piece) => piece,
                Err(error) => {
                    self.inner = None;
                    return Err(error.sent(true));
                }
            };
            let ready = match piece {
                Some(piece) => self.redactor.push(&piece),
                None => {
                    self.inner = None;
                    self.redactor.finish()
                }
            };
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
        }
        Ok(None)
    }

    /// Returns everything that is left.
    ///
    /// # Errors
    ///
    /// As for [`Body::chunk`]; what arrived before is lost.
    pub async fn read_to_end(&mut self) -> Result<Vec<u8>, EgressError> {
        let mut all = Vec::new();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    async fn pull(&mut self) -> Result<Option<Vec<u8>>, EgressError> {
        let Some(inner) = self.inner.as_mut() else { return Ok(None) };
        let idle_end = Instant::now() + self.idle;
        let (end, phase) = if idle_end < self.deadline {
            (idle_end, Phase::Idle)
        } else {
            (self.deadline, Phase::Total)
        };
        let piece = tokio::time::timeout_at(end, inner.chunk())
            .await
            .map_err(|_| timeout(phase, &self.place))?
            .map_err(|error| explain(&error, &self.place))?;
        let Some(piece) = piece else { return Ok(None) };
        match self.left.checked_sub(piece.len() as u64) {
            Some(left) => self.left = left,
            None if off(Guard::EgressBodyLimit) => {}
            None => {
                let message =
                    format!("the answer of {} has more than {} bytes", self.place, self.limit);
                return Err(EgressError::new(EgressErrorKind::TooLarge, message));
            }
        }
        Ok(Some(piece.to_vec()))
    }
}
