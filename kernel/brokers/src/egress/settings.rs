//! The settings of the broker.

use super::{Proxies, Proxy, Resolve, SystemResolver};
use crate::clock::SystemClock;
use base64::Engine;
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

/// Returns one text (PEM) with the certificates that this system trusts and further ones (DER), for programs that take a file
/// in place of the system's. A system without certificates adds none.
#[must_use]
pub fn bundle(extra: &[Vec<u8>]) -> String {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a certificate of the system is left out");
    }
    let system = system.certs.iter().map(|certificate| certificate.as_ref());
    system.chain(extra.iter().map(Vec::as_slice)).map(pem).collect()
}

fn pem(certificate: &[u8]) -> String {
    const LINE: usize = 64;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let ends = (LINE..).step_by(LINE).map(|end| end.min(text.len()));
    let lines = (0..text.len()).step_by(LINE).zip(ends).map(|(from, to)| &text[from..to]);
    let lines: Vec<&str> = lines.collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
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
