//! The broker: a request and its redirects, taken through all gates.

use super::client::{Clients, explain, timeout};
use super::hop::Hop;
use super::inject::{Injected, inject};
use super::resolve::is_known_inside;
use super::{
    Credential, EgressError, EgressErrorKind, EgressSettings, Injection, Phase, Proxies, Request,
    Response, answer, check,
};
use crate::sabotage::{Guard, off};
use crate::secrets::{Patterns, SecretStore, replace_all};
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// The caller's headers that follow a redirect: they describe the message and not the caller.
const FOLLOWING: [&str; 2] = ["accept", "content-type"];

/// The most names of which is remembered where they lead.
const MOST_KNOWN: usize = 10_000;

/// The egress broker. Clones share the clients; the connections of a thread are its own.
#[derive(Debug, Clone)]
pub struct Egress {
    secrets: SecretStore,
    settings: Arc<EgressSettings>,
    clients: Arc<Clients>,
    /// What is known of names that were asked for through a proxy: whether they lead into the local network.
    inside: Arc<Mutex<HashMap<String, bool>>>,
}

impl Egress {
    /// Makes a broker. A client is built at the first request that needs it.
    #[must_use]
    pub fn new(secrets: SecretStore, settings: EgressSettings) -> Self {
        for proxy in settings.proxies.all() {
            if let Some(secret) = proxy.secret() {
                // It leaves for the proxy alone, which is no host of a request.
                secrets.know("proxy", secret);
            }
        }
        let settings = Arc::new(settings);
        Self { secrets, settings, clients: Arc::default(), inside: Arc::default() }
    }

    /// Returns the proxies that requests go through.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.settings.proxies
    }

    /// Sends `request`, and returns with the head of the answer.
    ///
    /// # Errors
    ///
    /// With [`EgressErrorKind::Denied`] and [`EgressErrorKind::InvalidRequest`] the hop that failed was not sent;
    /// `request_sent` says whether an earlier one was.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        send(self, request).await
    }
}

async fn send(egress: &Egress, request: Request) -> Result<Response, EgressError> {
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
        let next = follow(&hop, &inner, &request.credentials);
        let Some(next) = next.map_err(|error| error.sent(true))? else {
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

/// Lets a credential leave for its host. Of a key that signs, only the token of its session may leave.
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
    let proxy = egress.settings.proxy(hop.is_secure(), hop.host(), hop.port());
    if proxy.is_some() {
        known_outside(egress, hop).await?;
    }
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
        // It is unknown how much of it was sent.
        .map_err(|_| timeout(phase, &hop.place()).sent(true))?
        .map_err(|error| match proxy {
            Some(proxy) => explain(&error, &format!("{} by way of {proxy}", hop.place())),
            None => explain(&error, &hop.place()),
        })?;
    Ok((inner, injected.patterns))
}

/// Refuses a name for a proxy that this machine knows to lead into the local network. The proxy would look it up there.
async fn known_outside(egress: &Egress, hop: &Hop) -> Result<(), EgressError> {
    let name = hop.host().trim_end_matches('.').to_ascii_lowercase();
    let known = || egress.inside.lock().unwrap_or_else(PoisonError::into_inner);
    let earlier = known().get(&name).copied();
    let is_inside = match earlier {
        Some(is_inside) => is_inside,
        None => {
            let is_inside = is_known_inside(egress.settings.resolver.as_ref(), &name).await;
            let mut known = known();
            if known.len() < MOST_KNOWN {
                known.insert(name, is_inside);
            }
            is_inside
        }
    };
    if is_inside && !off(Guard::EgressProxy) {
        let message = format!("{} leads to an address of the local network", hop.host());
        return Err(EgressError::denied(message));
    }
    Ok(())
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
    // In a compressed answer a credential would not be recognised.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(injected.headers.clone());
    let url = injected.url.as_ref().unwrap_or(&hop.url).clone();
    let mut sending = egress
        .clients
        .client(
            &egress.settings,
            hop.is_secure(),
            egress.settings.proxy(hop.is_secure(), hop.host(), hop.port()),
        )?
        .request(method, url)
        .headers(headers);
    let body = injected.body.as_ref().map_or(&hop.body[..], |body| &body[..]);
    if !body.is_empty() || matches!(hop.method.as_str(), "POST" | "PUT" | "PATCH") {
        sending = sending.body(body.to_vec());
    }
    Ok(sending)
}

/// Returns the next hop if the answer is a redirect.
fn follow(
    hop: &Hop,
    inner: &reqwest::Response,
    credentials: &[Credential],
) -> Result<Option<Hop>, EgressError> {
    let status = inner.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = inner.headers().get(LOCATION) else { return Ok(None) };
    let unfit =
        || EgressError::denied(format!("{} redirects to something that is not a url", hop.place()));
    let location = with_placeholders(location.as_bytes(), credentials);
    let location = std::str::from_utf8(&location).map_err(|_| unfit())?;
    let joined = hop.url.join(location).map_err(|_| unfit())?;
    // Parsed again as text, so that a server may not send what a caller may not.
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

/// Returns an address of a server with the text of the caller in the place of each secret that was put into the path.
fn with_placeholders(location: &[u8], credentials: &[Credential]) -> Vec<u8> {
    let mut text = location.to_vec();
    for credential in credentials {
        if let Injection::Path { placeholder } = &credential.inject {
            let secret = Patterns::new(credential.secret.expose());
            text = replace_all(&text, &secret, placeholder.as_bytes());
        }
    }
    text
}
