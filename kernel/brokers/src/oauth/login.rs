//! A login as data: where it begins, where its tokens come from, and how a service differs from RFC 8628.

use std::collections::BTreeMap;

use openkoi_core::pattern::HostPattern;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// How a person logs in to a service from a program without a browser, and how what is issued is kept fresh.
///
/// By itself it is the device authorization grant of RFC 8628 with the refresh of RFC 6749, section 6.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Login {
    /// Names this program to the service. It is public: a program on a person's machine keeps no secret.
    pub client_id: String,
    /// What is asked for; empty for whatever the service gives by itself.
    #[serde(default)]
    pub scope: String,
    /// Where a code for the person is asked for (RFC 8628, section 3.1).
    pub device_url: String,
    /// Where tokens are issued and renewed (RFC 6749, section 3.2). What is sent there is always a form.
    pub token_url: String,
    /// Where the person types the code, for services whose answer does not say.
    #[serde(default)]
    pub verification_url: String,
    /// How requests for a code, and with `code` the questions about it, are written.
    #[serde(default)]
    pub encoding: Encoding,
    /// For services that answer the device's questions with an authorization code instead of tokens.
    pub code: Option<CodeExchange>,
    /// For services whose models take a token of short life that the issued one is exchanged for.
    pub session: Option<Session>,
    /// Headers of requests to the service that repeat what a token says.
    #[serde(default, rename = "claim")]
    pub claims: Vec<Claim>,
}

/// How the fields of a request are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as RFC 8628 has it.
    #[default]
    Form,
    /// A JSON object.
    Json,
}

/// A variant of RFC 8628: the answer to the first request has a `device_auth_id`; questions are answered with
/// 403 or 404 while nothing has happened and with 429 when they come too often, and in the end with an
/// `authorization_code` and its `code_verifier`, which are exchanged as in RFC 6749 (4.1.3) and RFC 7636.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodeExchange {
    /// Where the device asks.
    pub poll_url: String,
    /// The redirection that the code was issued for; nobody is sent there.
    pub redirect_url: String,
}

/// The exchange of the issued token for one of short life: a GET with the issued token, answered by `token`
/// and the seconds that it is good for, `refresh_in` or `expires_in`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Session {
    /// Where it is exchanged.
    pub url: String,
    /// What stands before the token in `Authorization`.
    pub prefix: String,
    /// Further headers of that request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON pointer to the base URL for this account in the answer; empty where there is none.
    #[serde(default)]
    pub endpoint: String,
    /// The hosts that such a base URL may have. Any other is an error: it would take the token elsewhere.
    #[serde(default)]
    pub endpoint_hosts: Vec<HostPattern>,
}

/// A header whose value is a claim of the token (a JWT, RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// The header.
    pub header: String,
    /// The names that lead to the claim, from the outermost.
    pub path: Vec<String>,
}

/// Why a login cannot be used as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitLogin {
    /// An address would carry tokens in the open, or is none.
    #[error("`{key}` is `{url}`, and a login goes to https, or to this machine")]
    Address {
        /// The key.
        key: &'static str,
        /// What it says.
        url: String,
    },
    /// Something is missing or has the wrong form.
    #[error("`{key}` {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Login {
    /// Checks what its grammar does not say.
    ///
    /// # Errors
    ///
    /// Names the key that is wrong.
    pub fn check(&self) -> Result<(), UnfitLogin> {
        if self.client_id.trim().is_empty() {
            return Err(UnfitLogin::Value { key: "client-id", reason: "is empty" });
        }
        address("device-url", &self.device_url)?;
        address("token-url", &self.token_url)?;
        if !self.verification_url.is_empty() {
            address("verification-url", &self.verification_url)?;
        }
        if let Some(code) = &self.code {
            address("code.poll-url", &code.poll_url)?;
            address("code.redirect-url", &code.redirect_url)?;
        }
        self.session.iter().try_for_each(Session::check)?;
        self.claims.iter().try_for_each(Claim::check)
    }

    /// Returns the host that issues the tokens, with the port unless it is the scheme's own.
    pub(super) fn issuer(&self) -> String {
        binding(&self.token_url)
    }
}

impl Session {
    fn check(&self) -> Result<(), UnfitLogin> {
        address("session.url", &self.url)?;
        if !self.headers.iter().all(|(name, value)| is_header(name) && is_line(value)) {
            let reason = "has a header that http does not allow";
            return Err(UnfitLogin::Value { key: "session.headers", reason });
        }
        if !is_line(&self.prefix) {
            return Err(UnfitLogin::Value { key: "session.prefix", reason: "has a line break" });
        }
        let pointer = self.endpoint.is_empty() || self.endpoint.starts_with('/');
        if !pointer || self.endpoint.is_empty() != self.endpoint_hosts.is_empty() {
            let reason = "is a JSON pointer and comes with the hosts that it may lead to";
            return Err(UnfitLogin::Value { key: "session.endpoint", reason });
        }
        Ok(())
    }
}

impl Claim {
    fn check(&self) -> Result<(), UnfitLogin> {
        if is_header(&self.header) && !self.path.is_empty() {
            return Ok(());
        }
        Err(UnfitLogin::Value { key: "claim", reason: "has a header and a path" })
    }
}

/// Returns whether `name` can be a header's.
#[must_use]
pub fn is_header(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns whether `value` can be a header's.
#[must_use]
pub fn is_line(value: &str) -> bool {
    value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn address(key: &'static str, text: &str) -> Result<(), UnfitLogin> {
    if is_safe(text) {
        return Ok(());
    }
    let url = text.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(UnfitLogin::Address { key, url })
}

/// Returns whether a token may travel to `text`: TLS, or a program on this machine.
pub(super) fn is_safe(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && here))
}

/// Returns the host that a secret is bound to when it goes to `url`.
pub(super) fn binding(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{
        "client-id": "app", "device-url": "https://auth.example.com/device",
        "token-url": "https://auth.example.com/token",
        "session": {
            "url": "https://api.example.com/session", "prefix": "token ",
            "endpoint": "/endpoints/api", "endpoint-hosts": ["*.example.com"]
        },
        "claim": [{ "header": "X-Account", "path": ["account", "id"] }]
    }"#;

    fn read(text: &str) -> Login {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_login_is_read_checked_and_written_as_it_was() {
        let login = read(LOGIN);

        assert_eq!(login.check(), Ok(()));
        assert_eq!(login.issuer(), "auth.example.com");
        let written = serde_json::to_string(&login).unwrap();
        assert_eq!(read(&written), login);
    }

    #[test]
    fn keys_that_nobody_knows_are_refused_wherever_they_stand() {
        for (from, to) in [
            ("\"client-id\"", "\"surprise\": 1, \"client-id\""),
            ("\"prefix\"", "\"surprise\": 1, \"prefix\""),
            ("\"header\"", "\"surprise\": 1, \"header\""),
        ] {
            let text = LOGIN.replacen(from, to, 1);
            assert!(serde_json::from_str::<Login>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_go_to_tls_or_to_this_machine() {
        for good in [
            "https://a.example/x",
            "http://127.0.0.1:8080/x",
            "http://[::1]/",
            "http://localhost:1/",
        ] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "http://a.example/x",
            "ftp://a.example",
            "https://u@a.example",
            "https://u:p@a.example",
            "http://127.0.0.1.evil.example/",
            "http://192.168.1.1/",
            "https://a.example/#x",
        ] {
            let text = LOGIN.replace("https://auth.example.com/token", bad);
            let error = read(&text).check().expect_err(bad);
            assert!(matches!(error, UnfitLogin::Address { key: "token-url", .. }), "{error}");
        }
    }

    #[test]
    fn a_base_url_from_an_answer_needs_hosts_that_it_may_have() {
        let text = LOGIN.replace(", \"endpoint-hosts\": [\"*.example.com\"]", "");

        let error = read(&text).check().unwrap_err();

        assert!(matches!(error, UnfitLogin::Value { key: "session.endpoint", .. }), "{error}");
    }

    #[test]
    fn a_binding_has_the_port_unless_it_is_the_usual_one() {
        assert_eq!(binding("https://a.example:443/x"), "a.example");
        assert_eq!(binding("http://127.0.0.1:8080/x"), "127.0.0.1:8080");
    }
}
