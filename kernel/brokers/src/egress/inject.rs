//! Credentials on their way into a request.

use super::check::Hop;
use super::{Credential, EgressError, Injection, Request};
use crate::sabotage::{Guard, off};
use crate::secrets::{Patterns, is_bound};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openkoi_core::pattern::HostPattern;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

/// What is put into one hop.
#[derive(Default)]
pub(super) struct Injected {
    /// The URL, if a credential goes into it.
    pub(super) url: Option<Url>,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// What to look for in the answer.
    pub(super) patterns: Vec<Patterns>,
}

/// Puts in the credentials that are bound to the hop's host and port; the others stay where they are.
pub(super) fn inject(hop: &Hop, request: &Request) -> Result<Injected, EgressError> {
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
        injected.put(credential, &hop.url)?;
        injected.patterns.push(Patterns::new(credential.secret.expose()));
    }
    Ok(injected)
}

fn is_local(host: &str) -> bool {
    host.parse::<HostPattern>().is_ok_and(|pattern| pattern.is_private_literal())
}

impl Injected {
    fn put(&mut self, credential: &Credential, url: &Url) -> Result<(), EgressError> {
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
        }
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
        "the credential `{}` has characters that cannot stand where it belongs",
        credential.name
    ))
}
