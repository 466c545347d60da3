//! One question to the service that issues tokens, and its answer.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{Encoding, LoginError, error::one_line, login::binding};
use crate::{
    egress::{Credential, Egress, EgressLimits, Injection, Request},
    secrets::Secret,
};

/// An answer of any status.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// An answer that says no (RFC 6749, section 5.2). Some services give it with status 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) error: String,
    error_description: String,
}

impl Reply {
    /// Returns whether it says yes.
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status) && self.fault().error.is_empty()
    }

    /// Returns what it says against it, if that is said in the standard's words.
    pub(super) fn fault(&self) -> Fault {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads it.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, LoginError> {
        // The parser's own message could repeat a piece of a token.
        let wrong = |error: serde_json::Error| LoginError::Answer {
            reason: format!("it is not the JSON that belongs here (line {})", error.line()),
        };
        serde_json::from_slice(&self.body).map_err(wrong)
    }

    /// Says no in the service's words.
    pub(super) fn refusal(&self) -> String {
        let Fault { error, error_description } = self.fault();
        let free: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let other = ["message", "detail"].iter().find_map(|name| free[*name].as_str());
        let text = match (error.is_empty(), error_description.is_empty()) {
            (false, false) => format!("{error}: {error_description}"),
            (false, true) => error,
            _ => other.unwrap_or_default().to_owned(),
        };
        if text.is_empty() { format!("status {}", self.status) } else { one_line(&text) }
    }
}

/// Who asks, for errors and for what the broker logs.
pub(super) struct Talk<'a> {
    pub(super) egress: &'a Egress,
    pub(super) name: &'a str,
}

impl Talk<'_> {
    /// Posts `fields`.
    pub(super) async fn post(
        &self,
        url: &str,
        encoding: Encoding,
        fields: &[(&str, &str)],
    ) -> Result<Reply, LoginError> {
        let (kind, body) = match encoding {
            Encoding::Form => {
                let body = Serializer::new(String::new()).extend_pairs(fields).finish();
                ("application/x-www-form-urlencoded", body)
            }
            Encoding::Json => {
                let pair = |(name, value): &(&str, &str)| {
                    ((*name).to_owned(), Value::String((*value).to_owned()))
                };
                let object: Map<String, Value> = fields.iter().map(pair).collect();
                ("application/json", Value::Object(object).to_string())
            }
        };
        let headers = vec![header("content-type", kind)];
        let mut request = self.request("POST", url, headers)?;
        request.body = body.into_bytes();
        self.send(request).await
    }

    /// Asks with a credential.
    pub(super) async fn get(
        &self,
        url: &str,
        headers: impl Iterator<Item = (String, Vec<u8>)>,
        credential: Credential,
    ) -> Result<Reply, LoginError> {
        let mut request = self.request("GET", url, headers.collect())?;
        request.credentials = vec![credential];
        self.send(request).await
    }

    fn request(
        &self,
        method: &str,
        url: &str,
        mut headers: Vec<(String, Vec<u8>)>,
    ) -> Result<Request, LoginError> {
        headers.push(header("accept", "application/json"));
        let plain = url.split(['?', '#']).next().unwrap_or_default();
        let rule = format!("{method} {plain}").parse();
        let wrong = |_| LoginError::Answer { reason: "its address cannot be asked".to_owned() };
        Ok(Request {
            caller: format!("login {}", self.name),
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body: Vec::new(),
            credentials: Vec::new(),
            rules: vec![rule.map_err(wrong)?],
            limits: limits(),
        })
    }

    async fn send(&self, request: Request) -> Result<Reply, LoginError> {
        let failed = |source| LoginError::Unreachable { name: self.name.to_owned(), source };
        let mut response = self.egress.send(request).await.map_err(failed)?;
        let body = Zeroizing::new(response.body.read_to_end().await.map_err(failed)?);
        Ok(Reply { status: response.status, body })
    }
}

/// Returns the host that a credential for `url` is bound to, and the credential.
pub(super) fn credential(name: &str, secret: &Secret, url: &str, prefix: &str) -> Credential {
    let inject = Injection::Header { name: "authorization".to_owned(), prefix: prefix.to_owned() };
    Credential { name: name.to_owned(), secret: secret.clone(), host: binding(url), inject }
}

fn header(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn limits() -> EgressLimits {
    EgressLimits {
        first_byte: Duration::from_secs(30),
        idle: Duration::from_secs(30),
        total: Duration::from_secs(30),
        body_bytes: 256 << 10,
        request_bytes: 256 << 10,
        // A token that is asked for in one place does not come from another.
        redirects: 0,
    }
}
