//! A request and its redirects.

use super::check::{self, Hop};
use super::client::{client, explain, timeout};
use super::inject::{Injected, inject};
use super::{Credential, Egress, EgressError, EgressErrorKind, Phase, Request, Response, answer};
use crate::sabotage::{Guard, off};
use crate::secrets::Patterns;
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION};
use tokio::time::Instant;

/// The caller's headers that describe the message rather than the caller, and so may follow a redirect.
const FOLLOWING: [&str; 2] = ["accept", "content-type"];

pub(super) async fn send(egress: &Egress, request: Request) -> Result<Response, EgressError> {
    let deadline = Instant::now() + request.limits.total;
    let mut hop = first(&request)?;
    for credential in &request.credentials {
        bind(egress, credential);
    }
    // An answer may echo what an earlier hop was sent.
    let mut patterns: Vec<Patterns> = Vec::new();
    for followed in 0.. {
        let sent = followed > 0;
        let (inner, injected) =
            exchange(egress, &request, &hop, deadline).await.map_err(|error| error.sent(sent))?;
        patterns.extend(injected);
        let Some(next) = follow(&hop, &inner).map_err(|error| error.sent(true))? else {
            let (url, place) = (hop.url.to_string(), hop.place());
            let limits = &request.limits;
            return Ok(answer::assemble(inner, url, place, patterns, limits, deadline));
        };
        if followed >= request.limits.redirects {
            break;
        }
        hop = next;
    }
    let message = format!("{} redirects more than {} times", hop.place(), request.limits.redirects);
    Err(EgressError::new(EgressErrorKind::TooLarge, message).sent(true))
}

/// Lets a credential leave for its host. A secret that signs leaves for none: only the token of its session does.
fn bind(egress: &Egress, credential: &Credential) {
    let Credential { name, secret, host, .. } = credential;
    match secret.signer() {
        Some(signer) if !off(Guard::EgressSigning) => {
            egress.secrets.know(name, secret);
            if let Some(token) = &signer.token {
                egress.secrets.bind(name, token, host);
            }
        }
        _ => egress.secrets.bind(name, secret, host),
    }
}

fn first(request: &Request) -> Result<Hop, EgressError> {
    let proper = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    let method = &request.method;
    if !(1..=16).contains(&method.len()) || !method.bytes().all(proper) || method == "CONNECT" {
        return Err(EgressError::invalid("the method is not one that can be sent"));
    }
    if request.body.len() as u64 > request.limits.request_bytes {
        let message = format!("the request has more than {} bytes", request.limits.request_bytes);
        return Err(EgressError::new(EgressErrorKind::TooLarge, message));
    }
    let url = check::parse(&request.url)?;
    check::headers(request)?;
    Ok(Hop {
        url,
        method: request.method.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        redirected: false,
    })
}

/// Takes one hop through all gates and to the head of its answer.
async fn exchange(
    egress: &Egress,
    request: &Request,
    hop: &Hop,
    deadline: Instant,
) -> Result<(reqwest::Response, Vec<Patterns>), EgressError> {
    if !hop.redirected || !off(Guard::EgressRedirectRule) {
        check::covered(hop, request)?;
    }
    check::strays(hop, &egress.secrets)?;
    let injected = inject(hop, request, (egress.settings.clock)())?;
    let sending = build(egress, hop, &injected)?;
    let first_byte = Instant::now() + request.limits.first_byte;
    let (end, phase) = if first_byte < deadline {
        (first_byte, Phase::FirstByte)
    } else {
        (deadline, Phase::Total)
    };
    tracing::debug!(caller = %request.caller, place = %hop.place(), "sending");
    let inner = tokio::time::timeout_at(end, sending.send())
        .await
        // Nobody knows how far it got.
        .map_err(|_| timeout(phase, &hop.place()).sent(true))?
        .map_err(|error| explain(&error, &hop.place()))?;
    Ok((inner, injected.patterns))
}

fn build(
    egress: &Egress,
    hop: &Hop,
    injected: &Injected,
) -> Result<reqwest::RequestBuilder, EgressError> {
    let unfit =
        || EgressError::invalid("the request has a header or method that http does not allow");
    let method = Method::from_bytes(hop.method.as_bytes()).map_err(|_| unfit())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &hop.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| unfit())?);
    }
    // A compressed echo of a credential could not be seen.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(injected.headers.clone());
    let url = injected.url.as_ref().unwrap_or(&hop.url).clone();
    let mut sending = client(egress, hop.is_secure())?.request(method, url).headers(headers);
    if !hop.body.is_empty() || matches!(hop.method.as_str(), "POST" | "PUT" | "PATCH") {
        sending = sending.body(hop.body.clone());
    }
    Ok(sending)
}

/// Returns the next hop if the answer is a redirect.
fn follow(hop: &Hop, inner: &reqwest::Response) -> Result<Option<Hop>, EgressError> {
    let status = inner.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = inner.headers().get(LOCATION) else { return Ok(None) };
    let unfit =
        || EgressError::denied(format!("{} redirects to something that is no url", hop.place()));
    let location = location.to_str().map_err(|_| unfit())?;
    let joined = hop.url.join(location).map_err(|_| unfit())?;
    // Read again as text: what the caller may not write, a server may not either.
    let url = check::parse(joined.as_str()).map_err(|_| unfit())?;
    let becomes_get = match status {
        303 => hop.method != "HEAD",
        301 | 302 => hop.method == "POST",
        _ => false,
    };
    let follows = |name: &str| FOLLOWING.contains(&name.to_ascii_lowercase().as_str());
    let mut next = Hop { url, redirected: true, ..hop.clone() };
    if !off(Guard::EgressRedirectHeaders) {
        next.headers.retain(|(name, _)| follows(name));
    }
    if becomes_get {
        next.method = "GET".to_owned();
        next.body = Vec::new();
        next.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    Ok(Some(next))
}
