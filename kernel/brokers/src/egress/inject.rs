//! Credentials, put into a hop.

use super::hop::Hop;
use super::{Credential, EgressError, Injection, Request, sigv4};
use crate::sabotage::{Guard, off};
use crate::secrets::{Patterns, is_bound};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openkoi_core::pattern::HostPattern;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

/// The parts of a hop that credentials are put into.
#[derive(Default)]
pub(super) struct Injected {
    /// The URL, if a credential goes into it.
    pub(super) url: Option<Url>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The forms of the secrets, to be redacted in the answer.
    pub(super) patterns: Vec<Patterns>,
}

/// Puts in the credentials that are bound to the hop's host and port, and no others.
pub(super) fn inject(hop: &Hop, request: &Request, now_ms: u64) -> Result<Injected, EgressError> {
    let mut injected = Injected::default();
    for credential in &request.credentials {
        let bound = is_bound(&credential.host, hop.host(), hop.port());
        if !bound && !off(Guard::EgressBinding) {
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
            _ => injected.put(credential, &hop.url)?,
        }
        injected.patterns.push(Patterns::new(credential.secret.expose()));
    }
    Ok(injected)
}

fn is_local(host: &str) -> bool {
    host.parse::<HostPattern>().is_ok_and(|pattern| pattern.is_private_literal())
}

impl Injected {
    fn put(&mut self, credential: &Credential, url: &Url) -> Result<(), EgressError> {
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
                let url = self.url.get_or_insert_with(|| url.clone());
                url.query_pairs_mut().append_pair(name, text);
                Ok(())
            }
            Injection::SigV4 { .. } => Err(unfit(credential)),
        }
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

fn unfit(credential: &Credential) -> EgressError {
    EgressError::invalid(format!(
        "the credential `{}` cannot stand where it belongs",
        credential.name
    ))
}
