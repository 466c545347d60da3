//! Tokens: read from a service's answers, and chosen for a request.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openkoi_core::credential::{JwtClaim, Login, SessionExchange, is_line};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    LoginError,
    error::one_line,
    login::{is_safe, issuer},
};
use crate::secrets::{FoundService, Secret, SessionToken, StoredLogin};

/// The lifetime of a token, in seconds, if its issuer does not state one. RFC 6749 only recommends to do so.
const DEFAULT_LIFETIME: u64 = 3_600;
/// The same for a session token.
const DEFAULT_SESSION: u64 = 25 * 60;
/// The longest lifetime that is believed.
const LONGEST_LIFETIME: u64 = 10 * 365 * 86_400;

/// A valid token, with what else goes into requests.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// Headers with claims of the token.
    pub headers: Vec<(String, String)>,
    /// The base URL that the issuer names for this account.
    pub base_url: Option<String>,
}

impl StoredLogin {
    /// Returns the token that requests to the service carry, if there is one.
    pub(super) fn carried(&self, login: &Login) -> Option<&Secret> {
        match login.session {
            Some(_) => self.session.as_ref().map(|session| &session.token),
            None => Some(&self.access),
        }
    }

    /// Returns the time when that token expires, in seconds since 1970; nothing for never.
    pub(super) fn carried_until(&self, login: &Login) -> Option<u64> {
        match login.session {
            Some(_) => Some(self.session.as_ref().map_or(0, |session| session.expires_at)),
            None => self.expires_at,
        }
    }

    /// Returns that token with its headers and base URL.
    pub(super) fn access(&self, login: &Login) -> Option<AccessToken> {
        let mut headers = self.headers.clone();
        for claim in login.claims.iter().filter(|claim| !self.headers.contains_key(&claim.header)) {
            headers.extend(header(claim, &self.access));
        }
        // The user may have set a base URL after the file was written; then the login has no `endpoint` any more,
        // and the stored base URL does not count.
        let leads = |session: &&SessionExchange| !session.endpoint.is_empty();
        let leads = login.session.as_ref().filter(leads).is_some();
        let base_url = self.session.as_ref().and_then(|session| session.base_url.clone());
        Some(AccessToken {
            secret: self.carried(login)?.clone(),
            headers: headers.into_iter().collect(),
            base_url: base_url.filter(|_| leads),
        })
    }
}

/// An answer with tokens (RFC 6749, section 5.1). The RFC demands that unknown fields are ignored.
#[derive(Deserialize)]
pub(super) struct Issued {
    access_token: Option<Zeroizing<String>>,
    token_type: Option<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_in: Option<Number>,
    id_token: Option<Zeroizing<String>>,
}

/// A number, which some services write as text.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Is(u64),
    Float(f64),
    Text(String),
}

impl Number {
    pub(super) fn get(&self) -> Option<u64> {
        match self {
            Self::Is(number) => Some(*number),
            Self::Float(number) if (0.0..1e15).contains(number) => Some(*number as u64),
            Self::Float(_) => None,
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl Issued {
    /// Returns a new login from this answer, or `former` with the renewed tokens.
    ///
    /// Without a new refresh token the former one stays (RFC 6749, section 6). `expires_in` counts from `now`: the
    /// service's clock may be wrong, and must not make every token look expired.
    pub(super) fn into_login(
        self,
        login: &Login,
        former: Option<&StoredLogin>,
        now: u64,
    ) -> Result<StoredLogin, LoginError> {
        let wrong = |reason: &str| LoginError::Answer { reason: reason.to_owned() };
        let bearer =
            self.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !bearer {
            return Err(wrong("its token is not a bearer token"));
        }
        let access = self.access_token.and_then(secret).ok_or_else(|| wrong("it has no token"))?;
        let refresh = self.refresh_token.and_then(secret);
        let refresh = refresh.or_else(|| former.and_then(|f| f.refresh_token().cloned()));
        let stated = self.expires_in.as_ref().and_then(Number::get);
        let stated = stated.map(|seconds| seconds.min(LONGEST_LIFETIME));
        // A token that cannot be renewed is used until the service refuses it: a guess would only end it early.
        let lifetime = stated.or(refresh.is_some().then_some(DEFAULT_LIFETIME));
        let identity = self.id_token.and_then(secret);
        let mut headers = former.map(|former| former.headers.clone()).unwrap_or_default();
        for claim in &login.claims {
            let token = identity.iter().chain([&access]);
            headers.extend(token.filter_map(|token| header(claim, token)).next());
        }
        Ok(StoredLogin {
            access,
            refresh,
            expires_at: lifetime.map(|seconds| now.saturating_add(seconds)),
            session: None,
            issuer: Some(issuer(login)),
            headers,
            found: found(login).or_else(|| former.and_then(|former| former.found.clone())),
        })
    }
}

/// Returns what has to be kept of a login whose data was found out at its issuer.
fn found(login: &Login) -> Option<FoundService> {
    let is_found = !login.issuer.is_empty() && !login.token_url.is_empty();
    is_found.then(|| FoundService {
        token_url: login.token_url.clone(),
        client_id: login.client_id.clone(),
        client_secret: login.client_secret.clone(),
    })
}

/// Accepts a token that fits into a header.
fn secret(token: Zeroizing<String>) -> Option<Secret> {
    let proper = !token.is_empty() && token.len() <= 64 << 10 && is_line(&token);
    proper.then(|| Secret::new(token.as_bytes().to_vec()))
}

/// Returns the header of a claim, if the token has the claim.
///
/// The signature is not checked: the token came from its issuer over TLS, and the header goes to the same service.
fn header(claim: &JwtClaim, token: &Secret) -> Option<(String, String)> {
    let payload = token.expose().split(|byte| *byte == b'.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_ascii_end()).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let value = claim.path.iter().try_fold(&claims, |claims, name| claims.get(name))?;
    let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= 256)?;
    is_line(text).then(|| (claim.header.clone(), text.to_owned()))
}

/// The answer to the exchange for a session token.
#[derive(Deserialize)]
struct IssuedSession {
    token: Option<Zeroizing<String>>,
    refresh_in: Option<Number>,
    expires_in: Option<Number>,
}

/// Reads the answer to the exchange for a session token, at `now`.
///
/// Its `expires_at` is ignored, because the service's clock may be wrong. If the lifetime is guessed too long, the
/// service answers 401 and the token is exchanged anew.
pub(super) fn session_token(
    session: &SessionExchange,
    body: &[u8],
    now: u64,
) -> Result<SessionToken, LoginError> {
    let wrong = |reason: String| LoginError::Answer { reason };
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong("it is not JSON".into()))?;
    let base_url = endpoint(session, &value)?;
    let answer: IssuedSession =
        serde_json::from_value(value).map_err(|_| wrong("it has no token".into()))?;
    let token = answer.token.and_then(secret).ok_or_else(|| wrong("it has no token".into()))?;
    let relative = [&answer.refresh_in, &answer.expires_in].into_iter().flatten();
    let lifetime = relative.filter_map(Number::get).next();
    let lifetime = lifetime.unwrap_or(DEFAULT_SESSION).min(LONGEST_LIFETIME);
    Ok(SessionToken { token, expires_at: now.saturating_add(lifetime), base_url })
}

/// Returns the base URL that the answer names, if it is of an allowed host.
fn endpoint(session: &SessionExchange, answer: &Value) -> Result<Option<String>, LoginError> {
    if session.endpoint.is_empty() {
        return Ok(None);
    }
    let Some(url) = answer.pointer(&session.endpoint).and_then(Value::as_str) else {
        return Ok(None);
    };
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    let allowed = session.endpoint_hosts.iter().any(|pattern| pattern.matches(host));
    if allowed && is_safe(url) {
        return Ok(Some(url.trim_end_matches('/').to_owned()));
    }
    let reason = format!("it leads to `{}`, which its manifest does not name", one_line(url));
    Err(LoginError::Answer { reason })
}
