//! The clients of the HTTP library, and their errors in our words.

use super::resolve::{Filtered, ProxyAlone, ResolveError};
use super::{EgressError, EgressErrorKind, EgressSettings, Phase, Proxy};
use rustls::crypto::CryptoProvider;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

const USER_AGENT: &str = concat!("openkoi/", env!("CARGO_PKG_VERSION"));

thread_local! {
    /// Lives as long as its thread.
    static THREAD: Arc<()> = Arc::default();
}

/// The clients of each thread, built at its first request.
///
/// A connection is driven by the runtime that opened it, and each run has a thread and a runtime of its own. Another run
/// that took an idle connection of this one would wait while this one blocks, and break off when it ends.
#[derive(Debug, Default)]
pub(super) struct Clients {
    built: Mutex<Vec<ThreadClient>>,
}

#[derive(Debug)]
struct ThreadClient {
    thread: Weak<()>,
    secure: bool,
    /// The proxy that it speaks to, and nobody else.
    proxy: Option<Arc<Proxy>>,
    client: reqwest::Client,
}

impl Clients {
    /// Returns this thread's client for encrypted hops, or the one for hops in the clear, by way of a proxy if one is given.
    pub(super) fn client(
        &self,
        settings: &EgressSettings,
        secure: bool,
        proxy: Option<&Arc<Proxy>>,
    ) -> Result<reqwest::Client, EgressError> {
        let thread = THREAD.with(Arc::clone);
        let own = |one: &&ThreadClient| {
            one.secure == secure
                && one.proxy.as_ref().map(Arc::as_ptr) == proxy.map(Arc::as_ptr)
                && one.thread.as_ptr() == Arc::as_ptr(&thread)
        };
        if let Some(found) = self.built().iter().find(own) {
            return Ok(found.client.clone());
        }
        let client = build(settings, secure, proxy).map_err(|error| {
            let message = format!("the http client cannot be set up: {}", deepest(&error));
            EgressError::new(EgressErrorKind::Tls, message)
        })?;
        let mut built = self.built();
        built.retain(|one| one.thread.strong_count() > 0);
        let thread = Arc::downgrade(&thread);
        let proxy = proxy.cloned();
        built.push(ThreadClient { thread, secure, proxy, client: client.clone() });
        Ok(client)
    }

    fn built(&self) -> MutexGuard<'_, Vec<ThreadClient>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn build(
    settings: &EgressSettings,
    secure: bool,
    proxy: Option<&Arc<Proxy>>,
) -> reqwest::Result<reqwest::Client> {
    if CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread chose the cryptography first");
    }
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(settings.connect)
        .pool_idle_timeout(Duration::from_secs(30));
    let inner = Arc::clone(&settings.resolver);
    let builder = match proxy {
        None => {
            let private = settings.private_hosts.clone();
            builder.dns_resolver(Filtered { inner, private })
        }
        Some(proxy) => {
            let host = proxy.host().to_owned();
            builder.dns_resolver(ProxyAlone { inner, host }).proxy(through(proxy)?)
        }
    };
    trusting(builder, settings, secure, proxy.is_some_and(|proxy| !proxy.is_plain_http()))?.build()
}

/// Returns the proxy as the library takes it. The header of the credentials is marked, so that it is shown nowhere.
fn through(proxy: &Proxy) -> reqwest::Result<reqwest::Proxy> {
    let through = reqwest::Proxy::all(proxy.url.clone())?;
    let Some((name, word)) = &proxy.user else { return Ok(through) };
    // A password of other characters is none that a proxy could be asked with.
    let word = std::str::from_utf8(word.expose()).unwrap_or_default();
    Ok(through.basic_auth(name, word))
}

/// Adds the trusted certificates. Reading those of the system takes longer than a whole exchange on this machine, so
/// the client for hops in the clear has none: it trusts no server, and cannot be led into TLS either.
fn trusting(
    builder: reqwest::ClientBuilder,
    settings: &EgressSettings,
    secure: bool,
    by_tls: bool,
) -> reqwest::Result<reqwest::ClientBuilder> {
    if !secure && !by_tls {
        return Ok(builder.tls_certs_only([]));
    }
    let roots: reqwest::Result<Vec<_>> =
        settings.extra_roots.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
    Ok(builder.https_only(secure).tls_certs_merge(roots?))
}

/// Explains an error of the client. `place` is the origin of the hop.
pub(super) fn explain(error: &reqwest::Error, place: &str) -> EgressError {
    if let Some(error) = find::<ResolveError>(error) {
        let kind = match error {
            ResolveError::Closed(_) => EgressErrorKind::Denied,
            ResolveError::Unknown(_) => EgressErrorKind::Resolve,
        };
        return EgressError::new(kind, error.to_string());
    }
    if let Some(rustls::Error::InvalidMessage(_)) = find::<rustls::Error>(error) {
        let message = format!("{place} does not speak TLS; is its address one of http://?");
        return EgressError::new(EgressErrorKind::Tls, message);
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

/// Returns the innermost cause. It says what happened, and does not repeat the URL.
fn deepest(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Finds a cause of type `T`, also inside of I/O errors, which hide theirs.
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

#[cfg(test)]
mod tests {
    use super::*;
    #[tokio::test]
    async fn the_client_of_encrypted_hops_sends_nothing_in_the_clear() {
        let (clients, settings) = (Clients::default(), EgressSettings::default());

        let client = clients.client(&settings, true, None).unwrap();
        let sent = client.get("http://127.0.0.1:9/").send().await;

        assert!(sent.is_err_and(|error| error.is_builder()));
    }

    #[test]
    fn clients_of_threads_that_ended_are_let_go() {
        let (clients, settings) = (Clients::default(), EgressSettings::default());

        for _ in 0..3 {
            std::thread::scope(|scope| {
                let build = || clients.client(&settings, false, None).map(drop).unwrap();
                scope.spawn(build).join().unwrap();
            });
        }
        clients.client(&settings, false, None).unwrap();
        clients.client(&settings, false, None).unwrap();

        assert_eq!(clients.built().len(), 1);
    }

    #[test]
    fn a_hop_in_the_clear_does_not_read_the_certificates_of_the_system() {
        let (clients, settings) = (Clients::default(), EgressSettings::default());

        clients.client(&settings, false, None).unwrap();

        let built = clients.built();
        assert_eq!(built.iter().map(|one| one.secure).collect::<Vec<_>>(), [false]);
    }
}
