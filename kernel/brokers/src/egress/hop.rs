//! One request of a chain of redirects.

use openkoi_core::pattern::HttpTarget;
use url::Url;

/// One request of a chain of redirects.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) url: Url,
    pub(super) method: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// Whether a server sent it there, and not the caller.
    pub(super) redirected: bool,
}

impl Hop {
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns what rules are matched with.
    pub(super) fn target(&self) -> HttpTarget<'_> {
        HttpTarget {
            method: &self.method,
            secure: self.is_secure(),
            host: self.host(),
            port: self.port(),
            path: self.url.path(),
            query: self.url.query().unwrap_or_default(),
        }
    }

    /// Returns the origin of the URL, for messages: it has no path, no query and no secret.
    pub(super) fn place(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}
