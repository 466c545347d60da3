//! The checks of a [`Login`] that its grammar does not make, above all: a token goes to TLS or to this machine.

use openkoi_core::credential::{
    JwtClaim, Login, LoginGrant, SessionExchange, is_header_name, is_line,
};
use url::{Host, Url};

/// An error in the data of a login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitLogin {
    /// An address is not a URL, or would carry tokens unencrypted.
    #[error("`{key}` is `{url}`, and a login goes to https, or to this machine")]
    Address {
        /// The key of the manifest.
        key: &'static str,
        /// Its value.
        url: String,
    },
    /// A value is missing or malformed.
    #[error("`{key}` {reason}")]
    Value {
        /// The key of the manifest.
        key: &'static str,
        /// The error, as the rest of a sentence.
        reason: &'static str,
    },
}

/// Checks the data of a login.
///
/// # Errors
///
/// Names the first key that is wrong.
pub fn check_login(login: &Login) -> Result<(), UnfitLogin> {
    let (by_code, is_known) = (login.grant == LoginGrant::Code, !login.issuer.is_empty());
    // Where it is known how, the program registers itself.
    if login.client_id.trim().is_empty() && !(by_code && is_known) {
        return Err(UnfitLogin::Value { key: "client-id", reason: "is empty" });
    }
    let needed = [
        ("issuer", &login.issuer, false),
        ("device-url", &login.device_url, login.grant == LoginGrant::Device),
        ("authorize-url", &login.authorize_url, by_code),
        ("token-url", &login.token_url, true),
        ("revoke-url", &login.revoke_url, false),
        ("verification-url", &login.verification_url, false),
    ];
    for (key, url, is_needed) in needed {
        // What is not written is in the metadata of the issuer.
        if !url.is_empty() || (is_needed && !is_known) {
            address(key, url)?;
        }
    }
    let words = login.parameters.iter().flat_map(|(name, value)| [name, value]);
    if !words.chain([&login.scope, &login.resource, &login.client_secret]).all(|word| is_line(word))
    {
        return Err(UnfitLogin::Value { key: "parameters", reason: "has a line break" });
    }
    if let Some(code) = &login.code {
        address("code.poll-url", &code.poll_url)?;
        address("code.redirect-url", &code.redirect_url)?;
    }
    login.session.iter().try_for_each(check_session)?;
    login.claims.iter().try_for_each(check_claim)
}

fn check_session(session: &SessionExchange) -> Result<(), UnfitLogin> {
    address("session.url", &session.url)?;
    if !session.headers.iter().all(|(name, value)| is_header_name(name) && is_line(value)) {
        let reason = "has a header that http does not allow";
        return Err(UnfitLogin::Value { key: "session.headers", reason });
    }
    if !is_line(&session.prefix) {
        return Err(UnfitLogin::Value { key: "session.prefix", reason: "has a line break" });
    }
    let pointer = session.endpoint.is_empty() || session.endpoint.starts_with('/');
    if !pointer || session.endpoint.is_empty() != session.endpoint_hosts.is_empty() {
        let reason = "is a JSON pointer and comes with the hosts that it may lead to";
        return Err(UnfitLogin::Value { key: "session.endpoint", reason });
    }
    Ok(())
}

fn check_claim(claim: &JwtClaim) -> Result<(), UnfitLogin> {
    if is_header_name(&claim.header) && !claim.path.is_empty() {
        return Ok(());
    }
    Err(UnfitLogin::Value { key: "claim", reason: "has a header and a path" })
}

/// Returns the host that issues the login's tokens, with the port if it is not the scheme's default.
pub(super) fn issuer(login: &Login) -> String {
    binding(if login.issuer.is_empty() { &login.token_url } else { &login.issuer })
}

/// Returns the fields by which this program says who it is, and what the token is for.
pub(super) fn client_fields(login: &Login) -> Vec<(&str, &str)> {
    let fields = [
        ("client_id", login.client_id.as_str()),
        ("client_secret", &login.client_secret),
        ("resource", &login.resource),
    ];
    fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn address(key: &'static str, text: &str) -> Result<(), UnfitLogin> {
    if is_safe(text) {
        return Ok(());
    }
    let url = text.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(UnfitLogin::Address { key, url })
}

/// Tells whether a token may be sent to this URL: over TLS, or to a program on this machine.
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

/// Returns the host to bind a secret to that is sent to `url`.
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
    fn a_proper_login_passes_and_its_issuer_is_the_host_of_its_tokens() {
        let login = read(LOGIN);

        assert_eq!(check_login(&login), Ok(()));
        assert_eq!(issuer(&login), "auth.example.com");
    }

    #[test]
    fn a_token_may_be_sent_over_tls_or_to_this_machine() {
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
            let error = check_login(&read(&text)).expect_err(bad);
            assert!(matches!(error, UnfitLogin::Address { key: "token-url", .. }), "{error}");
        }
    }

    #[test]
    fn a_base_url_that_the_service_names_needs_a_list_of_allowed_hosts() {
        let text = LOGIN.replace(", \"endpoint-hosts\": [\"*.example.com\"]", "");

        let error = check_login(&read(&text)).unwrap_err();

        assert!(matches!(error, UnfitLogin::Value { key: "session.endpoint", .. }), "{error}");
    }

    #[test]
    fn a_binding_has_the_port_if_it_is_not_the_default() {
        assert_eq!(binding("https://a.example:443/x"), "a.example");
        assert_eq!(binding("http://127.0.0.1:8080/x"), "127.0.0.1:8080");
    }
}
