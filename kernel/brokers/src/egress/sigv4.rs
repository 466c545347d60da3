//! AWS Signature Version 4: the secret signs the request and is not sent.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use super::hop::Hop;
use crate::secrets::Signing;
use ring::hmac::{self, HMAC_SHA256, Key};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The header of the time of signing.
pub(super) const DATE: &str = "x-amz-date";
/// The header of a session's token.
pub(super) const TOKEN: &str = "x-amz-security-token";

/// The scope of a signature.
pub(super) struct SigningScope<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    /// As [`time`] writes it.
    pub(super) time: &'a str,
}

impl SigningScope<'_> {
    fn day(&self) -> &str {
        self.time.get(..8).unwrap_or_default()
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day(), self.region, self.service)
    }
}

/// Writes milliseconds since 1970 as `20150830T123600Z`.
pub(super) fn time(now_ms: u64) -> String {
    let stamp =
        i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    stamp.unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Returns the value of `Authorization` for `hop`.
pub(super) fn sign(hop: &Hop, secret: &[u8], signer: &Signing, scope: &SigningScope<'_>) -> String {
    let (canonical, names) = canonical(hop, &headers(hop, signer, scope));
    let text = format!(
        "{ALGORITHM}\n{}\n{}\n{}",
        scope.time,
        scope.text(),
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let signature = hmac::sign(&key(secret, scope), text.as_bytes());
    format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={names}, Signature={}",
        signer.id,
        scope.text(),
        hex(signature.as_ref())
    )
}

/// Derives the key of a day, a region and a service.
fn key(secret: &[u8], scope: &SigningScope<'_>) -> Key {
    let first = Zeroizing::new([b"AWS4", secret].concat());
    let steps = [scope.day(), scope.region, scope.service, "aws4_request"];
    steps.into_iter().fold(Key::new(HMAC_SHA256, &first), |key, step| {
        Key::new(HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref())
    })
}

/// Returns the headers that are signed, sorted: the host, those of AWS, and the type of the body. Headers that a proxy
/// may change are left out.
fn headers(hop: &Hop, signer: &Signing, scope: &SigningScope<'_>) -> Vec<(String, String)> {
    let text = |value: &[u8]| {
        let value = String::from_utf8_lossy(value);
        value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    };
    let host = match hop.url.port() {
        Some(port) => format!("{}:{port}", hop.host()),
        None => hop.host().to_owned(),
    };
    let own = [("host", host), (DATE, scope.time.to_owned())];
    let mut headers: Vec<(String, String)> =
        own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(token) = &signer.token {
        headers.push((TOKEN.to_owned(), text(token.expose())));
    }
    for (name, value) in &hop.headers {
        let name = name.to_ascii_lowercase();
        if name != "content-type" && !name.starts_with("x-amz-") {
            continue;
        }
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = format!("{known},{}", text(value)),
            None => headers.push((name, text(value))),
        }
    }
    headers.sort_unstable();
    headers
}

/// Returns the canonical form of the request, which both sides hash, and the names of the headers in it.
fn canonical(hop: &Hop, headers: &[(String, String)]) -> (String, String) {
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        hop.method,
        path(&hop.url),
        query(&hop.url),
        hex(&Sha256::digest(&hop.body))
    );
    (canonical, names)
}

/// Returns the canonical path: for all services but S3 the sent path is encoded once more. `%3A` becomes `%253A`, and a
/// `:` becomes `%3A`.
fn path(url: &Url) -> String {
    let sent = url.path();
    let segments = sent.split('/').filter(|segment| !segment.is_empty());
    let mut path: String =
        segments.map(|segment| format!("/{}", encoded(segment.as_bytes()))).collect();
    if path.is_empty() || sent.ends_with('/') {
        path.push('/');
    }
    path
}

fn query(url: &Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (encoded(name.as_bytes()), encoded(value.as_bytes())))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encodes all bytes but letters, digits, `-`, `.`, `_` and `~`.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(b) => text.push(char::from(*b)),
            b => text.push_str(&format!("%{b:02X}")),
        }
        text
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
