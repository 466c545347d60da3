//! Credentials, put into a hop.

use super::body;
use super::hop::Hop;
use super::{Credential, EgressError, Injection, Request, signed, sigv4};
use crate::random::Random;
use crate::sabotage::{Guard, off};
use crate::secrets::{Patterns, is_bound};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openkoi_core::pattern::HostPattern;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

/// The parts of a hop that credentials are put into.
#[derive(Default)]
pub(super) struct Injected {
    /// The URL, if a credential goes into it.
    pub(super) url: Option<Url>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body, if a credential goes into it.
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    /// The forms of the secrets, to be redacted in the answer.
    pub(super) patterns: Vec<Patterns>,
}

/// Puts in the credentials that are bound to the hop's address, and no others.
pub(super) fn inject(hop: &Hop, request: &Request, now_ms: u64) -> Result<Injected, EgressError> {
    let mut injected = Injected::default();
    for credential in &request.credentials {
        let bound = is_bound(&credential.host, hop.host(), hop.port());
        if !bound && !off(Guard::EgressBinding) {
            continue;
        }
        let within = credential.within.as_ref().is_none_or(|rule| rule.matches(&hop.target()));
        if !within && !off(Guard::EgressPath) {
            continue;
        }
        if !hop.is_secure() && !is_local(hop.host()) {
            return Err(EgressError::denied(format!(
                "the credential `{}` does not go to {} without tls",
                credential.name,
                hop.host()
            )));
        }
        match &credential.inject {
            Injection::SigV4 { service, region } => {
                let time = sigv4::time(now_ms);
                let scope = sigv4::SigningScope { service, region, time: &time };
                injected.sign(credential, hop, &scope)?;
            }
            _ => injected.put(credential, hop, now_ms)?,
        }
        injected.patterns.push(Patterns::new(credential.secret.expose()));
    }
    Ok(injected)
}

fn is_local(host: &str) -> bool {
    host.parse::<HostPattern>().is_ok_and(|pattern| pattern.is_private_literal())
}

impl Injected {
    fn put(&mut self, credential: &Credential, hop: &Hop, now_ms: u64) -> Result<(), EgressError> {
        // A secret that signs must not be sent.
        if credential.secret.signs() {
            return Err(unfit(credential));
        }
        let secret = credential.secret.expose();
        match &credential.inject {
            Injection::Bearer => self.header(AUTHORIZATION, &[b"Bearer ", secret], credential),
            Injection::Basic { username } => {
                let pair = Zeroizing::new([username.as_bytes(), b":", secret].concat());
                let text = Zeroizing::new(STANDARD.encode(&pair[..]));
                self.header(AUTHORIZATION, &[b"Basic ", text.as_bytes()], credential)
            }
            Injection::Header { name, prefix } => {
                let name =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(credential))?;
                self.header(name, &[prefix.as_bytes(), secret], credential)
            }
            Injection::Query { name } => {
                let text = std::str::from_utf8(secret).map_err(|_| unfit(credential))?;
                let url = self.url.get_or_insert_with(|| hop.url.clone());
                url.query_pairs_mut().append_pair(name, text);
                Ok(())
            }
            Injection::Path { placeholder } => self.path(credential, placeholder, hop),
            Injection::Json { pointer } => self.json(credential, pointer, hop),
            Injection::Form { name } => self.form(credential, name, hop),
            Injection::Signature(scheme) => {
                let id = Random::default().id(now_ms).map_err(|_| unfit(credential))?;
                let signed = signed::sign(hop, scheme, secret, (now_ms, &id));
                let signed = signed.map_err(|why| unplaced(credential, &why))?;
                for (name, value) in signed.others.iter().chain([&signed.signature]) {
                    let name =
                        HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(credential))?;
                    self.header(name, &[value.as_bytes()], credential)?;
                }
                Ok(())
            }
            Injection::Jwt(assertion) => {
                let token = signed::token(assertion, secret, now_ms);
                let token = token.map_err(|why| unplaced(credential, why))?;
                self.patterns.push(Patterns::new(token.as_bytes()));
                self.header(AUTHORIZATION, &[b"Bearer ", token.as_bytes()], credential)
            }
            Injection::SigV4 { .. } => Err(unfit(credential)),
        }
    }

    /// Puts the secret into the path. A place that a server redirects to need not have one for it.
    fn path(
        &mut self,
        credential: &Credential,
        placeholder: &str,
        hop: &Hop,
    ) -> Result<(), EgressError> {
        let url = self.url.get_or_insert_with(|| hop.url.clone());
        let place = encoded(placeholder.as_bytes());
        match url.path().matches(&*place).count() {
            1 => {}
            0 if hop.redirected => return Ok(()),
            _ => {
                let Credential { name, .. } = credential;
                let message = format!(
                    "the path of the url does not have `{placeholder}` once, for the credential `{name}`"
                );
                return Err(EgressError::invalid(message));
            }
        }
        let depth = |url: &Url| url.path().split('/').count();
        let before = depth(url);
        let path = url.path().replace(&*place, &encoded(credential.secret.expose()));
        url.set_path(&path);
        // A secret that is a way up would lead elsewhere.
        if url.path() == path && depth(url) == before { Ok(()) } else { Err(unfit(credential)) }
    }

    fn json(
        &mut self,
        credential: &Credential,
        pointer: &str,
        hop: &Hop,
    ) -> Result<(), EgressError> {
        if is_left_behind(hop) {
            return Ok(());
        }
        let secret = credential.secret.expose();
        let text = std::str::from_utf8(secret).map_err(|_| unfit(credential))?;
        let body = self.body.as_ref().map_or(&hop.body[..], |body| &body[..]);
        let whole = body::with_json_field(body, pointer, text);
        let whole = whole.map_err(|reason| unplaced(credential, reason))?;
        // As it is written in JSON, it may look different.
        let written = Zeroizing::new(serde_json::to_vec(text).unwrap_or_default());
        let inside = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
        self.patterns.push(Patterns::new(inside));
        self.body = Some(whole);
        Ok(())
    }

    fn form(&mut self, credential: &Credential, name: &str, hop: &Hop) -> Result<(), EgressError> {
        if is_left_behind(hop) {
            return Ok(());
        }
        let secret = credential.secret.expose();
        let text = std::str::from_utf8(secret).map_err(|_| unfit(credential))?;
        let body = self.body.as_ref().map_or(&hop.body[..], |body| &body[..]);
        let declared =
            hop.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let whole = body::with_form_field(body, declared.map(|(_, value)| &value[..]), name, text);
        self.body = Some(whole.map_err(|reason| unplaced(credential, reason))?);
        if declared.is_none() {
            self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(body::FORM));
        }
        Ok(())
    }

    /// Signs the hop as it will be sent.
    fn sign(
        &mut self,
        credential: &Credential,
        hop: &Hop,
        scope: &sigv4::SigningScope<'_>,
    ) -> Result<(), EgressError> {
        let secret = &credential.secret;
        let signer = secret.signer().ok_or_else(|| unfit(credential))?;
        let signature = sigv4::sign(hop, secret.expose(), signer, scope);
        self.header(AUTHORIZATION, &[signature.as_bytes()], credential)?;
        let date = HeaderName::from_static(sigv4::DATE);
        self.header(date, &[scope.time.as_bytes()], credential)?;
        if let Some(token) = &signer.token {
            self.header(HeaderName::from_static(sigv4::TOKEN), &[token.expose()], credential)?;
            self.patterns.push(Patterns::new(token.expose()));
        }
        Ok(())
    }

    fn header(
        &mut self,
        name: HeaderName,
        parts: &[&[u8]],
        credential: &Credential,
    ) -> Result<(), EgressError> {
        let value = Zeroizing::new(parts.concat());
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| unfit(credential))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }
}

/// Tells whether a redirect took the body away that the credential belongs into.
fn is_left_behind(hop: &Hop) -> bool {
    hop.redirected && hop.body.is_empty()
}

/// Returns `text` with what is not plain in a segment of a path percent-encoded.
fn encoded(text: &[u8]) -> Zeroizing<String> {
    let mut path = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(byte) {
            path.push(char::from(*byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn unplaced(credential: &Credential, reason: &str) -> EgressError {
    EgressError::invalid(format!("the credential `{}` has no place: {reason}", credential.name))
}

fn unfit(credential: &Credential) -> EgressError {
    EgressError::invalid(format!(
        "the credential `{}` cannot stand where it belongs",
        credential.name
    ))
}
