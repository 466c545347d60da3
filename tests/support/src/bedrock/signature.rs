//! Checks AWS Signature Version 4, written from the public guide and not from our signer.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::{Converse, ID, REGION, TOKEN};
use crate::server::{Received, Wire};

/// How far a clock may be off.
const LEEWAY: Duration = Duration::from_secs(300);

/// What `Authorization` says.
struct Claim<'a> {
    credential: &'a str,
    headers: Vec<&'a str>,
    signature: &'a str,
}

/// Returns what is wrong with the signature of a request that arrives `now`.
pub(super) fn check(request: &Received, now: SystemTime) -> Vec<String> {
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    let Some(claim) = claim(header("authorization")) else {
        return vec!["the header `authorization` is not a signature".to_owned()];
    };
    let date = header("x-amz-date");
    let mut faults = Vec::new();
    let mut require = |holds: bool, message: String| {
        if !holds {
            faults.push(message);
        }
    };
    require(header("x-amz-security-token") == TOKEN, "the session's token is wrong".to_owned());
    let off = seconds(date).map(|seconds| {
        let signed = UNIX_EPOCH + Duration::from_secs(seconds);
        signed.duration_since(now).unwrap_or_else(|error| error.duration())
    });
    require(
        off.is_some_and(|off| off <= LEEWAY),
        format!("Signature expired or not yet current: {date}"),
    );
    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{REGION}/bedrock/aws4_request");
    require(claim.credential == format!("{ID}/{scope}"), format!("credential is not of {scope}"));
    let demanded = request.headers.keys().filter(|name| {
        matches!(name.as_str(), "host" | "content-type") || name.starts_with("x-amz-")
    });
    for name in demanded {
        let signed = claim.headers.contains(&name.as_str());
        require(signed, format!("the header `{name}` is not signed"));
    }
    require(claim.headers.is_sorted(), "the signed headers are not sorted".to_owned());
    let canonical = canonical(request, &claim.headers);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(&canonical)));
    let signature = hex(&hmac(&key(day), text.as_bytes()));
    require(
        claim.signature == signature,
        format!("the signature does not match; the canonical request is:\n{canonical}"),
    );
    faults
}

fn claim(header: &str) -> Option<Claim<'_>> {
    let rest = header.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let (credential, rest) = rest.split_once(", SignedHeaders=")?;
    let (headers, signature) = rest.split_once(", Signature=")?;
    Some(Claim { credential, headers: headers.split(';').collect(), signature })
}

/// The path is encoded once more than it was sent, each segment by itself.
fn canonical(request: &Received, headers: &[&str]) -> String {
    let segments: Vec<String> = request.path.split('/').map(encode).collect();
    let lines: String = headers
        .iter()
        .map(|name| {
            let value = request.headers.get(*name).map(String::as_str).unwrap_or_default();
            format!("{name}:{}\n", value.trim())
        })
        .collect();
    let query = request.query.as_deref().unwrap_or_default();
    let body = hex(&Sha256::digest(request.text.as_bytes()));
    let path = segments.join("/");
    [request.method.as_str(), &path, query, &lines, &headers.join(";"), &body].join("\n")
}

fn encode(segment: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    segment
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) })
        .collect()
}

fn key(day: &str) -> Vec<u8> {
    let first = format!("AWS4{}", Converse::KEY).into_bytes();
    let steps = [day, REGION, "bedrock", "aws4_request"];
    steps.into_iter().fold(first, |key, step| hmac(&key, step.as_bytes()))
}

/// HMAC with SHA-256, as RFC 2104 has it. All keys here are shorter than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads `20150830T123600Z` as seconds since 1970.
fn seconds(date: &str) -> Option<u64> {
    let bytes = date.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| date.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = lengths.iter().take(month.checked_sub(1)? as usize).sum();
    let days = years + months + day.checked_sub(1)?;
    Some(days * 86_400 + number(9, 11)? * 3_600 + number(11, 13)? * 60 + number(13, 15)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_440_938_160;

    /// A request that botocore signed with the keys of this server.
    fn signed() -> Received {
        let headers = [
            ("host", "127.0.0.1:8080"),
            ("content-type", "application/json"),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-security-token", TOKEN),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDKOITESTKEYS/20150830/eu-central-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=e4377b372c51bcdd9aa34abb13847d9ae3e25c8f0d3abc1d28db0950e2982e0a",
            ),
        ];
        Received {
            method: "POST".to_owned(),
            path: "/model/a.b-v1%3A0/converse-stream".to_owned(),
            query: None,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: serde_json::Value::Null,
            text: "{\"messages\":[]}".to_owned(),
            conversation: crate::server::Conversation::default(),
        }
    }

    fn faults(change: impl FnOnce(&mut Received)) -> Vec<String> {
        let mut request = signed();
        change(&mut request);
        check(&request, UNIX_EPOCH + Duration::from_secs(NOON + 60))
    }

    #[test]
    fn what_the_vendors_own_sdk_signs_is_accepted() {
        assert_eq!(faults(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn everything_that_is_signed_is_checked() {
        let wrong = "the signature does not match";
        for change in [
            (|request| request.path = "/model/a.b-v1:0/converse-stream".to_owned())
                as fn(&mut Received),
            |request| request.text.push(' '),
            |request| request.method = "GET".to_owned(),
            |request| request.query = Some("a=b".to_owned()),
            |request| drop(request.headers.insert("host".to_owned(), "evil.com".to_owned())),
        ] {
            assert!(faults(change)[0].starts_with(wrong));
        }
        let token = faults(|request| drop(request.headers.remove("x-amz-security-token")));
        assert_eq!(token[0], "the session's token is wrong");
        let extra = |request: &mut Received| {
            request.headers.insert("x-amz-target".to_owned(), "x".to_owned());
        };
        assert_eq!(faults(extra), ["the header `x-amz-target` is not signed"]);
        let bearer = |request: &mut Received| {
            request.headers.insert("authorization".to_owned(), "Bearer x".to_owned());
        };
        assert_eq!(faults(bearer), ["the header `authorization` is not a signature"]);
    }

    #[test]
    fn a_signature_is_good_for_five_minutes() {
        let at = |seconds: u64| check(&signed(), UNIX_EPOCH + Duration::from_secs(seconds));

        assert_eq!(at(NOON + 300), Vec::<String>::new());
        assert_eq!(at(NOON - 300), Vec::<String>::new());
        let expired = ["Signature expired or not yet current: 20150830T123600Z"];
        assert_eq!(at(NOON + 301), expired);
        assert_eq!(at(NOON - 301), expired);
    }
}
