//! The gates that a request passes before a credential is put in.

use super::hop::Hop;
use super::{Credential, EgressError, Injection, Request, sigv4};
use crate::sabotage::{Guard, off};
use crate::secrets::SecretStore;
use openkoi_core::pattern::{HttpRule, is_public_address};
use std::net::IpAddr;
use url::{Host, Url};

/// Headers that describe the connection or identify its user. They are set here and refused from callers.
const OWNED: [&str; 13] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "cookie",
    "cookie2",
    "authorization",
    "http2-settings",
];

/// Parses a URL. One that two parsers could read in two ways is refused.
pub(super) fn parse(text: &str) -> Result<Url, EgressError> {
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
        return Err(EgressError::invalid(
            "the url has white space, a control character or a backslash",
        ));
    }
    let mut url = Url::parse(text)
        .map_err(|error| EgressError::invalid(format!("the url is not one: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EgressError::invalid("the url is neither http nor https"));
    }
    if has_userinfo(text, &url) && !off(Guard::EgressUserinfo) {
        return Err(EgressError::invalid("the url has a user name"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(EgressError::invalid("the url has no host"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn has_userinfo(text: &str, url: &Url) -> bool {
    let authority = text.split_once("//").map_or(text, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@') || !url.username().is_empty() || url.password().is_some()
}

/// Checks the hop against the rules and the closed addresses. Resolves nothing.
pub(super) fn covered(hop: &Hop, request: &Request) -> Result<(), EgressError> {
    let target = hop.target();
    let mut matching = request.rules.iter().filter(|rule| rule.matches(&target)).peekable();
    if matching.peek().is_none() && !off(Guard::EgressRule) {
        return Err(not_covered(hop, request));
    }
    if is_closed(&hop.url) && !matching.any(|rule| rule.private) && !off(Guard::EgressLiteral) {
        let message = format!("{} is an address of the local network", hop.place());
        return Err(EgressError::denied(message).hint(allow_line(hop, request)));
    }
    Ok(())
}

fn not_covered(hop: &Hop, request: &Request) -> EgressError {
    let Hop { method, .. } = hop;
    let known_host = request.rules.iter().any(|rule: &HttpRule| rule.host.matches(hop.host()));
    let message = if known_host {
        format!(
            "`{}` may reach {} but not by {method} {}",
            request.caller,
            hop.host(),
            hop.url.path()
        )
    } else {
        format!("`{}` may not reach {}", request.caller, hop.place())
    };
    EgressError::denied(message).hint(allow_line(hop, request))
}

/// Returns the command that allows the hop.
fn allow_line(hop: &Hop, request: &Request) -> String {
    format!("openkoi grant {} http '{} {}/**'", request.caller, hop.method, hop.place())
}

/// Tells whether the host is an address of the local network, or a name of this machine.
fn is_closed(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public_address(IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => true,
    }
}

/// Refuses headers that are set here, malformed names, and values that would end the header.
pub(super) fn headers(request: &Request) -> Result<(), EgressError> {
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 256 || !name.bytes().all(is_token) {
            return Err(EgressError::invalid("a header has a name that http does not allow"));
        }
        if value.len() > 16 * 1024 || value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(EgressError::invalid(format!(
                "the header `{name}` has a line break, a nul or more than 16 KiB"
            )));
        }
        let owned = OWNED.contains(&name.as_str())
            || name.starts_with("proxy-")
            || request.credentials.iter().any(|one| injects(one, &name));
        if owned && !off(Guard::EgressHeaders) {
            return Err(EgressError::invalid(format!("the header `{name}` is set by the host")));
        }
    }
    Ok(())
}

/// Tells whether `credential` goes into the header `name`.
fn injects(credential: &Credential, name: &str) -> bool {
    match &credential.inject {
        Injection::Header { name: own, .. } => own.eq_ignore_ascii_case(name),
        Injection::Bearer | Injection::Basic { .. } | Injection::Jwt(_) => name == "authorization",
        Injection::Signature(scheme) => [&scheme.header, &scheme.timestamp, &scheme.id]
            .into_iter()
            .any(|own| own.eq_ignore_ascii_case(name)),
        Injection::SigV4 { .. } => ["authorization", sigv4::DATE, sigv4::TOKEN].contains(&name),
        Injection::Query { .. }
        | Injection::Path { .. }
        | Injection::Json { .. }
        | Injection::Form { .. } => false,
    }
}

/// Refuses a hop that carries a secret of another host.
pub(super) fn strays(hop: &Hop, secrets: &SecretStore) -> Result<(), EgressError> {
    if off(Guard::EgressScan) {
        return Ok(());
    }
    let texts = [hop.url.as_str().as_bytes(), &hop.body[..]];
    let headers = hop.headers.iter().flat_map(|(name, value)| [name.as_bytes(), &value[..]]);
    let texts = texts.into_iter().chain(headers);
    match secrets.stray(texts, hop.host(), hop.port()) {
        None => Ok(()),
        Some(name) => Err(EgressError::denied(format!(
            "the request to {} holds the secret `{name}`, which is bound to another host",
            hop.place()
        ))),
    }
}
