//! The one place that builds an HTTP client, and reads its errors.

use super::resolve::{Filtered, ResolveError};
use super::{Egress, EgressError, EgressErrorKind, EgressSettings, Phase};
use rustls::crypto::CryptoProvider;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

const USER_AGENT: &str = concat!("openkoi/", env!("CARGO_PKG_VERSION"));

/// Returns the client, building it at the first call.
pub(super) fn client(egress: &Egress) -> Result<&reqwest::Client, EgressError> {
    if let Some(client) = egress.client.get() {
        return Ok(client);
    }
    let built = build(&egress.settings).map_err(|error| {
        let message = format!("the http client cannot be set up: {}", deepest(&error));
        EgressError::new(EgressErrorKind::Tls, message)
    })?;
    Ok(egress.client.get_or_init(|| built))
}

fn build(settings: &EgressSettings) -> reqwest::Result<reqwest::Client> {
    if CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread chose the cryptography first");
    }
    let roots: reqwest::Result<Vec<_>> =
        settings.extra_roots.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .tls_certs_merge(roots?)
        .dns_resolver(Filtered(Arc::clone(&settings.resolver)))
        .connect_timeout(settings.connect)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// Says what an error of the client means. `place` is where the hop went.
pub(super) fn explain(error: &reqwest::Error, place: &str) -> EgressError {
    if let Some(error) = find::<ResolveError>(error) {
        let kind = match error {
            ResolveError::Closed(_) => EgressErrorKind::Denied,
            ResolveError::Unknown(_) => EgressErrorKind::Resolve,
        };
        return EgressError::new(kind, error.to_string());
    }
    if let Some(error) = find::<rustls::Error>(error) {
        let message = format!("{place} cannot be trusted: {error}");
        return EgressError::new(EgressErrorKind::Tls, message);
    }
    if error.is_timeout() {
        return timeout(Phase::Connect, place).sent(!error.is_connect());
    }
    if error.is_builder() {
        return EgressError::invalid(format!("the request to {place} cannot be built"));
    }
    let (kind, what) = if error.is_connect() {
        (EgressErrorKind::Connect, "does not answer")
    } else {
        (EgressErrorKind::Interrupted, "broke the connection")
    };
    EgressError::new(kind, format!("{place} {what}: {}", deepest(error))).sent(!error.is_connect())
}

pub(super) fn timeout(phase: Phase, place: &str) -> EgressError {
    let message = format!("{place}: the wait {phase} took too long");
    EgressError::new(EgressErrorKind::Timeout { phase }, message)
}

/// The innermost cause: the one that says what happened, and never the URL.
fn deepest(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Looks for a cause of type `T`, also inside input/output errors, which hide theirs.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
