//! One request to a service that issues tokens, and its reply.

use std::time::Duration;

use openkoi_core::credential::Encoding;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{LoginError, error::one_line, login::binding};
use crate::{
    egress::{Credential, Egress, EgressLimits, Injection, Request},
    secrets::Secret,
};

/// A reply of any status.
pub(super) struct ServiceReply {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// The fields of a refusal (RFC 6749, section 5.2). Some services send it with status 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) error: String,
    error_description: String,
}

impl ServiceReply {
    /// Tells whether the request succeeded.
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status) && self.fault().error.is_empty()
    }

    /// Returns the refusal; empty if there is none in the fields of the standard.
    pub(super) fn fault(&self) -> Fault {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Parses the body.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, LoginError> {
        // The parser's own message could repeat a piece of a token.
        let wrong = |error: serde_json::Error| LoginError::Answer {
            reason: format!("it is not the JSON that belongs here (line {})", error.line()),
        };
        serde_json::from_slice(&self.body).map_err(wrong)
    }

    /// Returns the reason of a refusal in the service's words, or the status.
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

/// The service of one login. The name is for errors and the broker's log.
pub(super) struct TokenService<'a> {
    pub(super) egress: &'a Egress,
    pub(super) name: &'a str,
}

impl TokenService<'_> {
    /// Posts `fields`.
    pub(super) async fn post(
        &self,
        url: &str,
        encoding: Encoding,
        fields: &[(&str, &str)],
    ) -> Result<ServiceReply, LoginError> {
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
        self.post_body(url, kind, body).await
    }

    /// Posts a JSON object.
    pub(super) async fn post_json(
        &self,
        url: &str,
        body: &Value,
    ) -> Result<ServiceReply, LoginError> {
        self.post_body(url, "application/json", body.to_string()).await
    }

    async fn post_body(
        &self,
        url: &str,
        kind: &str,
        body: String,
    ) -> Result<ServiceReply, LoginError> {
        let headers = vec![header("content-type", kind)];
        let mut request = self.request("POST", url, headers)?;
        request.body = body.into_bytes();
        self.send(request).await
    }

    /// Sends a GET that anybody may send.
    pub(super) async fn look(&self, url: &str) -> Result<ServiceReply, LoginError> {
        let request = self.request("GET", url, Vec::new())?;
        self.send(request).await
    }

    /// Sends a GET with a credential.
    pub(super) async fn get(
        &self,
        url: &str,
        headers: impl Iterator<Item = (String, Vec<u8>)>,
        credential: Credential,
    ) -> Result<ServiceReply, LoginError> {
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

    async fn send(&self, request: Request) -> Result<ServiceReply, LoginError> {
        let failed = |source| LoginError::Unreachable { name: self.name.to_owned(), source };
        let mut response = self.egress.send(request).await.map_err(failed)?;
        let body = Zeroizing::new(response.body.read_to_end().await.map_err(failed)?);
        Ok(ServiceReply { status: response.status, body })
    }
}

/// Returns `secret` as a credential for the `Authorization` of requests to the host of `url`.
pub(super) fn credential(name: &str, secret: &Secret, url: &str, prefix: &str) -> Credential {
    let inject = Injection::Header { name: "authorization".to_owned(), prefix: prefix.to_owned() };
    let (name, secret, host) = (name.to_owned(), secret.clone(), binding(url));
    Credential { name, secret, host, within: None, inject }
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
        // A redirect would lead tokens to another host.
        redirects: 0,
    }
}
