//! The secrets that were read so far, each with the hosts it may go to.

use super::{Patterns, Secret, redact_all};
use std::sync::{Arc, Mutex, PoisonError};

/// The most secrets of one name that are known at a time. A process that runs for months gets a new token every few
/// minutes, and each is searched for in everything that leaves.
const GENERATIONS: usize = 32;

/// One secret.
#[derive(Debug)]
struct KnownSecret {
    name: String,
    secret: Secret,
    patterns: Patterns,
    /// The hosts it may go to.
    hosts: Vec<String>,
}

/// All known secrets. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownSecrets(Arc<Mutex<Vec<KnownSecret>>>);

impl KnownSecrets {
    /// Adds `secret`, and lets it go to `host` if one is given.
    pub(super) fn learn(&self, name: &str, secret: &Secret, host: Option<&str>) {
        if let Some(token) = secret.signer().and_then(|signer| signer.token.as_ref()) {
            self.learn(name, token, None);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter_mut().find(|k| k.secret.expose() == secret.expose());
        if let Some(found) = found {
            if let Some(host) = host
                && !found.hosts.iter().any(|bound| bound == host)
            {
                found.hosts.push(host.to_owned());
            }
            return;
        }
        let older = |known: &KnownSecret| known.name == name;
        if known.iter().filter(|one| older(one)).count() >= GENERATIONS
            && let Some(oldest) = known.iter().position(older)
        {
            known.remove(oldest);
        }
        known.push(KnownSecret {
            name: name.to_owned(),
            secret: secret.clone(),
            patterns: Patterns::new(secret.expose()),
            hosts: host.map(str::to_owned).into_iter().collect(),
        });
    }

    /// Returns `text` with each known secret replaced.
    pub(super) fn redact(&self, text: &[u8]) -> Vec<u8> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        redact_all(text, known.iter().map(|known| &known.patterns))
    }

    /// Returns the name of a secret that is in one of `texts` and may not go to `host` and `port`.
    pub(super) fn stray<'a>(
        &self,
        texts: impl Iterator<Item = &'a [u8]> + Clone,
        host: &str,
        port: u16,
    ) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|known| !known.hosts.iter().any(|bound| is_bound(bound, host, port)))
            .find(|known| texts.clone().any(|text| known.patterns.is_in(text)))
            .map(|known| known.name.clone())
    }
}

/// Tells whether a binding (`host` or `host:port`) covers this host and port. Without a port it covers 80 and 443.
pub(crate) fn is_bound(binding: &str, host: &str, port: u16) -> bool {
    let after_address = binding.rfind(']').map_or(0, |at| at + 1);
    let (bound, bound_port) = match binding[after_address..].rfind(':') {
        Some(colon) => {
            let (bound, rest) = binding.split_at(after_address + colon);
            (bound, rest[1..].parse::<u16>().ok())
        }
        None => (binding, None),
    };
    let port_fits = match bound_port {
        Some(bound_port) => port == bound_port,
        None => bound.len() == binding.len() && matches!(port, 443 | 80),
    };
    port_fits && !bound.is_empty() && bound.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::is_bound;

    #[test]
    fn a_binding_covers_one_host_and_one_port() {
        assert!(is_bound("api.example.com", "api.example.com", 443));
        assert!(is_bound("API.example.com", "api.example.com", 443));
        assert!(is_bound("127.0.0.1:8080", "127.0.0.1", 8080));
        assert!(is_bound("[::1]:8080", "[::1]", 8080));
        assert!(is_bound("[::1]", "[::1]", 443));
        for (binding, host, port) in [
            ("api.example.com", "api.example.com", 8443),
            ("api.example.com:8443", "api.example.com", 443),
            ("api.example.com", "api.example.com.evil.com", 443),
            ("*.example.com", "api.example.com", 443),
            ("example.com:x", "example.com", 443),
            ("", "", 443),
        ] {
            assert!(!is_bound(binding, host, port), "{binding} {host}:{port}");
        }
    }
}
