//! What a service issued, as it is kept and as it is used.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Login, LoginError,
    error::one_line,
    login::{Claim, Session, is_line, is_safe},
};
use crate::secrets::Secret;

/// How long a token is good for where its issuer does not say. RFC 6749 only recommends to say it.
const USUAL_LIFE: u64 = 3_600;
/// The same for a session.
const USUAL_SESSION: u64 = 25 * 60;
/// No token is believed to live longer.
const LONGEST_LIFE: u64 = 10 * 365 * 86_400;
/// From here on a time is in milliseconds: in seconds it would be the year 5138.
const MILLIS: u64 = 100_000_000_000;

/// What goes with a request.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token.
    pub secret: Secret,
    /// Headers that repeat what the token says.
    pub headers: Vec<(String, String)>,
    /// Where the issuer says that the service is for this account.
    pub base_url: Option<String>,
}

/// A login as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// Seconds since 1970; nothing for never.
    pub(super) expires_at: Option<u64>,
    pub(super) session: Option<Short>,
    /// The host that issued it; nothing for logins that another program kept.
    pub(super) issuer: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
}

/// A token of short life.
#[derive(Clone, Debug)]
pub(super) struct Short {
    pub(super) token: Secret,
    /// Seconds since 1970.
    pub(super) expires_at: u64,
    pub(super) base_url: Option<String>,
}

impl Kept {
    /// Reads an entry; nothing if it has no token.
    pub(super) fn of_json(entry: &Value) -> Option<Self> {
        let extra = &entry["extra"];
        let session = secret(&extra["session_token"]).map(|token| Short {
            token,
            expires_at: time(&extra["session_expires_at"]).unwrap_or(0),
            base_url: extra["session_base_url"].as_str().map(str::to_owned),
        });
        let headers = extra["headers"].as_object().into_iter().flatten();
        Some(Self {
            access: secret(&entry["access_token"])?,
            refresh: secret(&entry["refresh_token"]),
            expires_at: time(&entry["expires_at"]),
            session,
            issuer: extra["issuer"].as_str().map(str::to_owned),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Writes it into an entry; fields that it does not know stay.
    pub(super) fn write_into(&self, entry: &mut Value) {
        entry["type"] = json!("oauth");
        entry["access_token"] = text(&self.access);
        // An entry without a second token repeats the first, as the format has it.
        entry["refresh_token"] = text(self.refresh.as_ref().unwrap_or(&self.access));
        entry["expires_at"] = json!(self.expires_at.unwrap_or(0));
        if !entry["extra"].is_object() {
            entry["extra"] = json!({});
        }
        let extra = &mut entry["extra"];
        extra["issuer"] = json!(self.issuer);
        extra["headers"] = json!(self.headers);
        if let Some(session) = &self.session {
            extra["session_token"] = text(&session.token);
            extra["session_expires_at"] = json!(session.expires_at);
            extra["session_base_url"] = json!(session.base_url);
        } else if let Some(extra) = extra.as_object_mut() {
            extra.retain(|name, _| !name.starts_with("session_"));
        }
    }

    /// Returns the token that requests to the service carry, if there is one.
    pub(super) fn carried(&self, login: &Login) -> Option<&Secret> {
        match login.session {
            Some(_) => self.session.as_ref().map(|session| &session.token),
            None => Some(&self.access),
        }
    }

    /// Returns when that token expires, in seconds since 1970; nothing for never.
    pub(super) fn carried_until(&self, login: &Login) -> Option<u64> {
        match login.session {
            Some(_) => Some(self.session.as_ref().map_or(0, |session| session.expires_at)),
            None => self.expires_at,
        }
    }

    /// Returns the second token, if it is one: a login without one repeats the first.
    pub(super) fn renewable(&self) -> Option<&Secret> {
        let other = |refresh: &&Secret| refresh.expose() != self.access.expose();
        self.refresh.as_ref().filter(other)
    }

    /// Returns what goes with a request, if there is a token for it.
    pub(super) fn access(&self, login: &Login) -> Option<Access> {
        let mut headers = self.headers.clone();
        for claim in login.claims.iter().filter(|claim| !self.headers.contains_key(&claim.header)) {
            headers.extend(claim.of(&self.access));
        }
        // One that was kept before the user said where the service is counts for nothing.
        let leads = |session: &&Session| !session.endpoint.is_empty();
        let leads = login.session.as_ref().filter(leads).is_some();
        let base_url = self.session.as_ref().and_then(|session| session.base_url.clone());
        Some(Access {
            secret: self.carried(login)?.clone(),
            headers: headers.into_iter().collect(),
            base_url: base_url.filter(|_| leads),
        })
    }
}

fn secret(value: &Value) -> Option<Secret> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty())?;
    Some(Secret::new(text.as_bytes().to_vec()))
}

fn text(secret: &Secret) -> Value {
    Value::String(String::from_utf8_lossy(secret.expose()).into_owned())
}

fn time(value: &Value) -> Option<u64> {
    let time = value.as_u64().filter(|time| *time > 0)?;
    Some(if time >= MILLIS { time / 1_000 } else { time })
}

/// An answer with tokens (RFC 6749, section 5.1). Other fields are ignored, as it demands.
#[derive(Deserialize)]
pub(super) struct Issued {
    access_token: Option<Zeroizing<String>>,
    token_type: Option<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_in: Option<Number>,
    id_token: Option<Zeroizing<String>>,
}

/// A number; some services write it as text.
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
    /// Returns the login that the answer makes, or that `former` becomes by it.
    ///
    /// A second token that is not issued anew stays (RFC 6749, section 6). `expires_in` counts from here: no
    /// clock of the service is believed, so that one that is off cannot make a token look old for ever.
    pub(super) fn keep(
        self,
        login: &Login,
        former: Option<&Kept>,
        now: u64,
    ) -> Result<Kept, LoginError> {
        let wrong = |reason: &str| LoginError::Answer { reason: reason.to_owned() };
        let bearer =
            self.token_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !bearer {
            return Err(wrong("its token is no bearer token"));
        }
        let access = self.access_token.and_then(issued).ok_or_else(|| wrong("it has no token"))?;
        let refresh = self.refresh_token.and_then(issued);
        let refresh = refresh.or_else(|| former.and_then(|former| former.renewable().cloned()));
        let said = self.expires_in.as_ref().and_then(Number::get).map(|s| s.min(LONGEST_LIFE));
        // Where there is nothing to renew it with, a guess would only end it early.
        let lifetime = said.or(refresh.is_some().then_some(USUAL_LIFE));
        let identity = self.id_token.and_then(issued);
        let mut headers = former.map(|former| former.headers.clone()).unwrap_or_default();
        for claim in &login.claims {
            let token = identity.iter().chain([&access]);
            headers.extend(token.filter_map(|token| claim.of(token)).next());
        }
        Ok(Kept {
            access,
            refresh,
            expires_at: lifetime.map(|seconds| now.saturating_add(seconds)),
            session: None,
            issuer: Some(login.issuer()),
            headers,
        })
    }
}

/// Takes a token that can stand in a header.
fn issued(token: Zeroizing<String>) -> Option<Secret> {
    let proper = !token.is_empty() && token.len() <= 64 << 10 && is_line(&token);
    proper.then(|| Secret::new(token.as_bytes().to_vec()))
}

impl Claim {
    /// Reads the claim. The signature is not checked: the token came from its issuer over TLS, and what it
    /// says is told to nobody but the same service.
    fn of(&self, token: &Secret) -> Option<(String, String)> {
        let payload = token.expose().split(|byte| *byte == b'.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_ascii_end()).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let claim = self.path.iter().try_fold(&claims, |claims, name| claims.get(name))?;
        let text = claim.as_str().filter(|text| !text.is_empty() && text.len() <= 256)?;
        is_line(text).then(|| (self.header.clone(), text.to_owned()))
    }
}

/// An answer with a token of short life.
#[derive(Deserialize)]
struct ShortIssued {
    token: Option<Zeroizing<String>>,
    refresh_in: Option<Number>,
    expires_in: Option<Number>,
}

/// Reads the answer to an exchange for a token of short life, at `now`.
///
/// `expires_at` is passed over: it is a time on the service's clock and means nothing on one that is off.
/// What is guessed instead ends too late at worst, and then the service's 401 has the token exchanged anew.
pub(super) fn short(session: &Session, body: &[u8], now: u64) -> Result<Short, LoginError> {
    let wrong = |reason: String| LoginError::Answer { reason };
    let value: Value = serde_json::from_slice(body).map_err(|_| wrong("it is no JSON".into()))?;
    let base_url = endpoint(session, &value)?;
    let answer: ShortIssued =
        serde_json::from_value(value).map_err(|_| wrong("it has no token".into()))?;
    let token = answer.token.and_then(issued).ok_or_else(|| wrong("it has no token".into()))?;
    let relative = [&answer.refresh_in, &answer.expires_in].into_iter().flatten();
    let lifetime = relative.filter_map(Number::get).next();
    let lifetime = lifetime.unwrap_or(USUAL_SESSION).min(LONGEST_LIFE);
    Ok(Short { token, expires_at: now.saturating_add(lifetime), base_url })
}

fn endpoint(session: &Session, answer: &Value) -> Result<Option<String>, LoginError> {
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
