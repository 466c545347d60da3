//! The settings of the broker.

use super::{Proxies, Proxy, Resolve, SystemResolver};
use crate::clock::SystemClock;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Returns the certificates of a file as programs exchange them (PEM), in DER.
///
/// # Errors
///
/// It has none, or one that cannot be read.
pub fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        found.push(certificate.to_vec());
    }
    if found.is_empty() {
        return Err("it has no certificate (in PEM form)".to_owned());
    }
    Ok(found)
}

/// The settings of the broker.
pub struct EgressSettings {
    /// Time for a connection, TLS included.
    pub connect: Duration,
    /// Certificates (DER) that are trusted in addition to those of the system.
    pub extra_roots: Vec<Vec<u8>>,
    /// The proxies for requests.
    pub proxies: Proxies,
    /// Names that may lead into the local network, by the user's word. They are reached without a proxy.
    pub private_hosts: Vec<String>,
    /// The resolver of names.
    pub resolver: Arc<dyn Resolve>,
    /// The wall clock, in milliseconds since 1970. Signatures carry its time.
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            extra_roots: Vec::new(),
            proxies: Proxies::default(),
            private_hosts: Vec::new(),
            resolver: Arc::new(SystemResolver),
            clock: Arc::new(|| SystemClock.now_ms()),
        }
    }
}

impl EgressSettings {
    /// Tells whether the user named this host of the local network.
    pub(super) fn is_private(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.private_hosts.iter().any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(host))
    }

    /// Returns the proxy that a request goes through.
    pub(super) fn proxy(&self, secure: bool, host: &str, port: u16) -> Option<&Arc<Proxy>> {
        self.proxies.of(secure, host, port).filter(|_| !self.is_private(host))
    }
}

impl fmt::Debug for EgressSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressSettings").field("connect", &self.connect).finish_non_exhaustive()
    }
}
