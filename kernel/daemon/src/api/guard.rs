//! Who may come in: programs of this user, and whoever has the token. No page of another origin, by whatever name.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, StatusCode, header};
use openkoi_app::{app::App, error::AppError, monotonic_ms, served, settings::Settings};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// How many refused calls of one address are answered in a minute before it is asked to wait.
const MOST_REFUSALS: u32 = 20;
const MINUTE_MS: u64 = 60_000;
/// The most addresses that are remembered.
const MOST_ADDRESSES: usize = 10_000;

type Hash = [u8; 32];

/// Decides who may call.
pub(crate) struct Guard {
    app: Arc<App>,
    /// The token of the settings, which goes before the one of the home.
    set: Option<Hash>,
    expose: bool,
    port: u16,
    /// Tokens of web pages that were opened, each with the token of that time.
    pages: Mutex<HashMap<Hash, Hash>>,
    refusals: Mutex<HashMap<IpAddr, Refusals>>,
}

#[derive(Clone, Copy)]
struct Refusals {
    since_ms: u64,
    count: u32,
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) ip: IpAddr,
    /// True if it is a program of this user on this machine.
    pub(crate) is_own: bool,
}

impl Guard {
    pub(crate) fn new(app: &Arc<App>, settings: &Settings) -> Result<Self, AppError> {
        // Made now, so that whoever is to use it finds it.
        served::token(app)?;
        Ok(Self {
            app: Arc::clone(app),
            set: settings.api.token.as_deref().map(hash),
            expose: settings.api.expose,
            port: settings.api.port,
            pages: Mutex::default(),
            refusals: Mutex::default(),
        })
    }

    /// Refuses calls that a page of another origin could have made: by its name for this machine, or by its own.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let forbidden = |detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, detail));
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
            (Some(host), None) if self.is_ours(host) => host,
            _ => return forbidden("the Host header does not name this machine"),
        };
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return forbidden("pages of other origins may not call the API");
        }
        let is_same = |origin: &str| {
            let name = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            name.is_some_and(|name| name.eq_ignore_ascii_case(host))
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if origins.any(|origin| !origin.to_str().is_ok_and(is_same)) {
            return forbidden("pages of other origins may not call the API");
        }
        Ok(())
    }

    /// Returns true if a Host header names this machine. One that others may reach has names that it does not know.
    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.ends_with(':') && !port.ends_with(']') => {
                (name, port.parse().ok())
            }
            _ => (host, Some(self.port)),
        };
        if self.expose {
            return !name.is_empty();
        }
        let name = name.trim_matches(['[', ']']);
        let is_loopback = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        (is_loopback || name.eq_ignore_ascii_case("localhost")) && port == Some(self.port)
    }

    /// Refuses calls without the token, unless they come from a program of this user and no token is set.
    pub(crate) fn check_caller(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Problem> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let is_let_in = match (all.next(), all.next()) {
            (None, _) => self.set.is_none() && peer.is_own,
            (Some(one), None) => {
                let token = one.as_bytes().strip_prefix(b"Bearer ");
                token.is_some_and(|token| self.knows(&hash(token)))
            }
            _ => false,
        };
        if is_let_in { Ok(()) } else { Err(self.refused(peer.ip)) }
    }

    /// Returns nothing if what a call came in with holds no more.
    pub(crate) fn still_lets_in(&self, headers: &HeaderMap) -> Option<()> {
        let token = headers.get(header::AUTHORIZATION).map(|one| one.as_bytes());
        let Some(token) = token else { return Some(()) };
        self.knows(&hash(token.strip_prefix(b"Bearer ")?)).then_some(())
    }

    /// Returns true if a token holds now. The one of the home may have been changed a moment ago.
    fn knows(&self, token: &Hash) -> bool {
        let Some(current) = self.current() else { return false };
        let is_page = locked(&self.pages).get(token).is_some_and(|of| equal(of, &current));
        equal(token, &current) || is_page
    }

    fn current(&self) -> Option<Hash> {
        let kept = || served::token(&self.app).ok().as_deref().map(hash);
        self.set.or_else(kept)
    }

    /// Returns a token for a page that was opened by a code. It holds as long as the daemon runs and the token is the same.
    pub(crate) fn page(&self) -> Result<String, AppError> {
        let token = self.app.new_secret()?;
        if let Some(current) = self.current() {
            locked(&self.pages).insert(hash(&token), current);
        }
        Ok(token)
    }

    fn refused(&self, ip: IpAddr) -> Problem {
        let now_ms = monotonic_ms();
        let mut all = locked(&self.refusals);
        if all.len() >= MOST_ADDRESSES {
            all.retain(|_, one| now_ms.saturating_sub(one.since_ms) < MINUTE_MS);
        }
        let one = all.entry(ip).or_insert(Refusals { since_ms: now_ms, count: 0 });
        if now_ms.saturating_sub(one.since_ms) >= MINUTE_MS {
            *one = Refusals { since_ms: now_ms, count: 0 };
        }
        one.count = one.count.saturating_add(1);
        if one.count > MOST_REFUSALS {
            let left = MINUTE_MS.saturating_sub(now_ms.saturating_sub(one.since_ms));
            let many = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many calls were refused");
            return Problem { retry_after: Some(left / 1_000 + 1), ..many };
        }
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong: send `Authorization: Bearer TOKEN` (`openkoi daemon token` shows it)",
        )
    }
}

fn hash(text: impl AsRef<[u8]>) -> Hash {
    Sha256::digest(text.as_ref()).into()
}

fn equal(a: &Hash, b: &Hash) -> bool {
    a.ct_eq(b).into()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
