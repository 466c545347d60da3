//! Base URLs from the variables that vendors' own programs read. By custom such a variable holds a
//! URL or any part of one; missing parts are taken from the manifest.

use std::net::{Ipv4Addr, Ipv6Addr};

use openkoi_host::manifest::Manifest;

use super::Connection;

/// Sets the base URL of every service whose variable is set. Returns a warning for each variable
/// that cannot be read.
pub(crate) fn place(
    manifests: &mut [Manifest],
    value: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for provider in manifests.iter_mut().filter_map(|manifest| manifest.provider.as_mut()) {
        let name = &provider.base_url_environment;
        let Some(text) = value(name).filter(|_| !name.is_empty()) else { continue };
        match locate(&text, &provider.base_url) {
            Some(url) => provider.base_url = url,
            None => warnings.push(format!(
                "`{name}` does not say where the service is, so it is looked for at {}",
                provider.base_url
            )),
        }
    }
    warnings
}

impl Connection {
    /// Returns the base URL of a server of this kind that a person places by `text`: a URL or any part of one. Missing
    /// parts, the path too, are as at the usual place. `None` if the text is no address.
    pub fn placed_at(&self, text: &str) -> Option<String> {
        placed(&self.base_url, text)
    }
}

fn placed(usual: &str, text: &str) -> Option<String> {
    let url = locate(text, usual)?;
    let path = |url: &str| Some(url.split_once("://")?.1.split_once('/')?.1.to_owned());
    Some(match (path(&url), path(usual)) {
        (None, Some(usual)) => format!("{url}/{usual}"),
        _ => url,
    })
}

/// Reads `host`, `host:port`, `scheme://host:port/path` and the like. A missing port is that of the
/// scheme, or that of `usual` if the scheme is missing too.
fn locate(text: &str, usual: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let (usual_scheme, usual_rest) = usual.split_once("://")?;
    let (usual_host, usual_port) = host_and_port(usual_rest.split('/').next()?)?;
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    if !matches!(scheme.as_deref(), None | Some("http" | "https")) || rest.contains(['?', '#']) {
        return None;
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = host_and_port(authority)?;
    let host = if host.is_empty() { usual_host } else { reachable(&host)? };
    let port = port.or(usual_port.filter(|_| scheme.is_none()));
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let path = path.trim_matches('/');
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    Some(format!("{}://{host}{port}{path}", scheme.as_deref().unwrap_or(usual_scheme)))
}

/// Splits an authority. An IPv6 address may lack its brackets if no port follows.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let bare = authority.parse::<Ipv6Addr>().is_ok();
    let split = match authority.rsplit_once(':') {
        Some((host, port)) if !bare && !authority.ends_with(']') => Some((host, port)),
        _ => None,
    };
    match split {
        Some((host, port)) => Some((host.to_owned(), Some(port.parse().ok()?))),
        None if bare => Some((format!("[{authority}]"), None)),
        None => Some((authority.to_owned(), None)),
    }
}

/// Returns the host as a client reaches it. The address that means "all addresses" to a server
/// becomes the loopback address.
fn reachable(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().ok()?;
        let address = if address.is_unspecified() { Ipv6Addr::LOCALHOST } else { address };
        return Some(format!("[{address}]"));
    }
    if host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_unspecified()) {
        return Some(Ipv4Addr::LOCALHOST.to_string());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    host.chars().all(plain).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "http://127.0.0.1:11434";

    fn located(text: &str) -> String {
        locate(text, USUAL).unwrap_or_default()
    }

    #[test]
    fn every_form_says_where_the_service_is() {
        let cases = [
            ("", USUAL),
            ("example.com", "http://example.com:11434"),
            ("example.com:1234", "http://example.com:1234"),
            ("10.0.0.5", "http://10.0.0.5:11434"),
            (":1234", "http://127.0.0.1:1234"),
            ("0.0.0.0", USUAL),
            ("0.0.0.0:1234", "http://127.0.0.1:1234"),
            ("http://0.0.0.0:1234", "http://127.0.0.1:1234"),
            ("[::]:1234", "http://[::1]:1234"),
            ("[::]", "http://[::1]:11434"),
            ("::1", "http://[::1]:11434"),
            ("[::1]:1234", "http://[::1]:1234"),
            ("http://example.com", "http://example.com"),
            ("https://example.com", "https://example.com"),
            ("HTTPS://example.com:8443/", "https://example.com:8443"),
            ("https://example.com/behind/a/proxy/", "https://example.com/behind/a/proxy"),
            ("example.com:1234/path", "http://example.com:1234/path"),
            (" \"example.com:1234\" ", "http://example.com:1234"),
        ];

        for (text, url) in cases {
            assert_eq!(located(text), url, "{text:?}");
        }
    }

    #[test]
    fn the_path_of_a_server_is_the_usual_one_unless_another_is_given() {
        let cases = [
            ("", "http://127.0.0.1:8080/v1"),
            ("localhost:1234", "http://localhost:1234/v1"),
            ("http://10.0.0.5:1234/", "http://10.0.0.5:1234/v1"),
            ("http://10.0.0.5/api/v2", "http://10.0.0.5/api/v2"),
        ];
        for (typed, url) in cases {
            assert_eq!(placed("http://127.0.0.1:8080/v1", typed).as_deref(), Some(url), "{typed}");
        }
        assert_eq!(placed(USUAL, "box:1").as_deref(), Some("http://box:1"));
        assert_eq!(placed(USUAL, "not an address"), None);
    }

    #[test]
    fn what_says_nothing_of_the_kind_is_passed_over() {
        let wrong = [
            "example.com:99999",
            "example.com:http",
            "unix:///run/x",
            "http://a@b",
            "a b",
            "*",
            "http://x?y",
            "[nothing]",
        ];

        for text in wrong {
            assert_eq!(locate(text, USUAL), None, "{text:?}");
        }
    }
}
