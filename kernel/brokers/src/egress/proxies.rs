//! The proxies of a company's network, by the user's word.
//!
//! Through a proxy a name is looked up by the proxy: which address it leads to is not known here, so pinning and the refusal of
//! private addresses are its business then. What is left is decided before: the rules over hosts, addresses that a URL spells
//! out, `localhost`, and names that this machine itself knows to lead into the local network.

use crate::secrets::Secret;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use url::{Host, Url};

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    /// Scheme, host and port, without the credentials.
    pub(super) url: Url,
    pub(super) user: Option<(String, Secret)>,
}

/// A proxy cannot be used. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is no address.
    #[error("it is not the address of a proxy, such as http://proxy.example:3128")]
    Form,
    /// Its scheme is not one that is spoken here.
    #[error("a proxy is reached by http://, https:// or socks5://")]
    Scheme,
}

impl Proxy {
    /// Reads an address, with `http://` where it has no scheme.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&text).map_err(|_| ProxyError::Form)?;
        let port = match url.scheme() {
            "http" | "https" => None,
            // By either name the proxy looks names up.
            "socks5" | "socks5h" => Some(url.port().unwrap_or(1080)),
            _ => return Err(ProxyError::Scheme),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(ProxyError::Form);
        }
        let word = Secret::new(decoded(url.password().unwrap_or_default()));
        let name = String::from_utf8_lossy(&decoded(url.username())).into_owned();
        let user = (!name.is_empty()).then_some((name, word));
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        if cleared.is_err() || (port.is_some() && url.set_port(port).is_err()) {
            return Err(ProxyError::Form);
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        if port.is_some() {
            let host = url.host_str().unwrap_or_default();
            let text = format!("socks5h://{host}:{}", url.port().unwrap_or(1080));
            url = Url::parse(&text).map_err(|_| ProxyError::Form)?;
        }
        Ok(Self { url, user })
    }

    /// Returns the host of the proxy itself.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns the port of the proxy itself.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(1080)
    }

    /// Tells whether it is spoken to in the clear with the methods of HTTP.
    pub(crate) fn is_plain_http(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Returns the secret that it is given, if there is one.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.user.as_ref().map(|(_, word)| word).filter(|word| !word.is_empty())
    }

    /// Returns the value of `Proxy-Authorization`, if there are credentials.
    pub(crate) fn authorization(&self) -> Option<Vec<u8>> {
        use base64::Engine;
        let (name, word) = self.user.as_ref()?;
        let both = [name.as_bytes(), b":", word.expose()].concat();
        let encoded = base64::engine::general_purpose::STANDARD.encode(both);
        Some(format!("Basic {encoded}").into_bytes())
    }
}

/// Undoes the encoding of a part of a URL.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

/// Without its credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Which requests go through which proxy.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// For `http://`.
    pub plain: Option<Arc<Proxy>>,
    /// For `https://`, and for what programs reach.
    pub secure: Option<Arc<Proxy>>,
    /// The hosts that are reached without one.
    pub except: Vec<Except>,
}

/// Hosts that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Except {
    /// All of them.
    All,
    /// A name and what is below it, at one port if one is said.
    Name(String, Option<u16>),
    /// Addresses that begin with these bits.
    Net(IpAddr, u8),
}

impl Except {
    /// Reads a list as `NO_PROXY` has it. What cannot be read is passed over.
    pub fn list(text: &str) -> Vec<Self> {
        text.split([',', ' ']).map(str::trim).filter_map(Self::parse).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let bare = text.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = bare.split_once('/') {
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
            return Some(Self::Net(address, bits));
        }
        let unwrapped = bare.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = unwrapped.parse::<IpAddr>() {
            return Some(Self::Net(address, 128));
        }
        let (name, port) = match bare.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (bare.as_str(), None),
        };
        (!name.is_empty()).then(|| Self::Name(name.to_owned(), port))
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Name(name, only) => {
                let rest = host.strip_suffix(name.as_str());
                let is_host = rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                is_host && only.is_none_or(|only| only == port)
            }
            Self::Net(net, bits) => host.parse().is_ok_and(|address| shares(*net, address, *bits)),
        }
    }
}

/// Tells whether two addresses begin with the same bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let (one, other, width) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (u128::from(u32::from(one)), u128::from(u32::from(other)), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (u128::from(one), u128::from(other), 128),
        _ => return false,
    };
    let rest = u32::from(width - bits.min(width));
    one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
}

impl Proxies {
    /// Returns the proxy for a host. An address of the local network and a name of this machine have none, whatever is said: a
    /// proxy would look for them where it is.
    pub(crate) fn of(&self, secure: bool, host: &str, port: u16) -> Option<&Arc<Proxy>> {
        let proxy = if secure { self.secure.as_ref() } else { self.plain.as_ref() }?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = match Host::parse(&host) {
            Ok(Host::Ipv4(address)) => {
                !openkoi_core::pattern::is_public_address(IpAddr::V4(address))
            }
            Ok(Host::Ipv6(address)) => {
                !openkoi_core::pattern::is_public_address(IpAddr::V6(address))
            }
            _ => bare == "localhost" || bare.ends_with(".localhost"),
        };
        let is_direct = is_local || self.except.iter().any(|one| one.covers(bare, port));
        (!is_direct).then_some(proxy)
    }

    /// Returns all proxies, each once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Proxy>> {
        self.plain.iter().chain(&self.secure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_its_password_is_not_shown() {
        let proxy = Proxy::parse("http://ada:p%40ss@proxy.corp:3128/x?y#z").unwrap();

        assert_eq!(proxy.to_string(), "http://proxy.corp:3128");
        assert!(!format!("{proxy:?}").contains("ss"), "{proxy:?}");
        assert_eq!(proxy.secret().map(Secret::expose), Some(&b"p@ss"[..]));
        assert_eq!(proxy.authorization().as_deref(), Some(&b"Basic YWRhOnBAc3M="[..]));
        for (text, shown) in [
            ("proxy.corp:8080", "http://proxy.corp:8080"),
            ("https://proxy.corp", "https://proxy.corp"),
            ("socks5://10.0.0.1", "socks5h://10.0.0.1:1080"),
            ("socks5h://proxy.corp:99", "socks5h://proxy.corp:99"),
        ] {
            assert_eq!(Proxy::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        for text in ["", "http://", "ftp://a:secret@proxy", "http://a:secret@", "socks4://x", "a b"]
        {
            let error = Proxy::parse(text).expect_err(text);
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn hosts_of_the_list_and_of_this_machine_have_no_proxy() {
        let proxy = Some(Arc::new(Proxy::parse("proxy.corp").unwrap()));
        let except = Except::list(".corp, example.com,10.0.0.0/8 8.8.8.8,*.lan,port.test:8443");
        let proxies = Proxies { plain: proxy.clone(), secure: proxy, except };
        let is_direct = |host: &str, port| proxies.of(true, host, port).is_none();

        for host in ["git.corp", "example.com", "a.example.com", "8.8.8.8", "box.lan", "localhost"]
        {
            assert!(is_direct(host, 443), "{host}");
        }
        for host in ["127.0.0.1", "10.1.2.3", "192.168.1.1", "[::1]", "x.localhost", "GIT.CORP."] {
            assert!(is_direct(host, 443), "{host}");
        }
        for host in ["notexample.com", "api.example.org", "8.8.4.4", "corp.example"] {
            assert!(!is_direct(host, 443), "{host}");
        }
        assert!(is_direct("port.test", 8443) && !is_direct("port.test", 443));
        assert!(Proxies::default().of(true, "api.example.org", 443).is_none());
        let all = Proxies { except: Except::list("*"), ..proxies.clone() };
        assert!(all.of(true, "api.example.org", 443).is_none());
    }
}
