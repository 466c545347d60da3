//! Logins to services: how a person makes one, where it is kept, and how its token stays fresh.
//!
//! How a service is logged in to is data ([`Login`], RFC 8628 and RFC 6749 with the differences that there
//! are); nothing here knows a service by name. What is issued is kept in `auth.json` of the home, whose format
//! is in [`AuthFile`]'s module, and leaves this crate only as an [`Access`] whose secret the egress broker puts
//! into requests.
//!
//! A token is renewed in the moment that it is needed: when less than a minute of it is left, or when the
//! service refused it. One process at a time does so for each login, under a lock beside the file, and whoever
//! waited uses what the first one got. The new token is on the disk before it is used, because a service may take each
//! token for renewal only once.

mod device;
mod error;
mod file;
mod lock;
mod login;
mod renew;
mod talk;
mod token;

pub(crate) use file::AuthFile;

pub use device::Waiting;
pub use error::LoginError;
pub use login::{Claim, CodeExchange, Encoding, Login, Session, UnfitLogin, is_header, is_line};
pub use token::Access;

use std::{
    collections::HashMap,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use openkoi_core::port::Clock;

use crate::{
    durable,
    egress::Egress,
    failpoint::{Point, hit},
    sabotage::{Guard, off},
    secrets::{Secret, SecretStore},
};
use lock::Lock;
use talk::{Reply, Talk};
use token::{Issued, Kept};

/// A login as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// When its token expires, in seconds since 1970; nothing if it does not or nobody knows. A token that can
    /// be renewed is, without anybody being asked.
    pub expires_at: Option<u64>,
    /// Whether its token is renewed by itself.
    pub renewed: bool,
    /// The host that issued it, if that is known.
    pub issuer: Option<String>,
}

/// All logins of one home. Clones are the same.
#[derive(Clone)]
pub struct Logins(Arc<Inner>);

struct Inner {
    file: AuthFile,
    egress: Egress,
    secrets: SecretStore,
    clock: Arc<dyn Clock>,
    /// For each login one at a time within this process, so that its own requests do not wait by polling.
    turns: Mutex<HashMap<String, Turn>>,
    settled: Mutex<HashMap<String, (Secret, u64)>>,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("file", &self.0.file).finish_non_exhaustive()
    }
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// The right to ask the service of one login for another token, and to keep that.
struct Alone {
    _turn: tokio::sync::OwnedMutexGuard<()>,
    _lock: Lock,
}

impl Logins {
    /// Makes the logins of `home`. Reads nothing.
    #[must_use]
    pub fn new(home: &Path, egress: Egress, secrets: SecretStore, clock: Arc<dyn Clock>) -> Self {
        let (turns, settled) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { file: AuthFile::of(home), egress, secrets, clock, turns, settled }))
    }

    /// Begins a login: the service gives a code that a person types on its page.
    ///
    /// # Errors
    ///
    /// The service cannot be reached or refuses, or the file of logins could not be added to.
    pub async fn begin(&self, name: &str, login: &Login) -> Result<Waiting, LoginError> {
        // A person should not go through a login that cannot be kept.
        self.0.file.all()?;
        device::begin(self, name, &Arc::new(login.clone())).await
    }

    /// Returns a token that is good for a request, renewing it first if it has to be.
    ///
    /// # Errors
    ///
    /// [`LoginError::Absent`] and [`LoginError::Ended`] need a person.
    pub async fn access(&self, name: &str, login: &Login) -> Result<Access, LoginError> {
        let kept = self.kept(name, login)?;
        match self.usable(name, login, &kept) {
            Some(access) => Ok(access),
            None => self.renew_to_the_end(name, login, None).await,
        }
    }

    /// Returns another token than `rejected`, which the service would not take.
    ///
    /// # Errors
    ///
    /// As for [`Logins::access`].
    pub async fn renewed(
        &self,
        name: &str,
        login: &Login,
        rejected: &Secret,
    ) -> Result<Access, LoginError> {
        self.renew_to_the_end(name, login, Some(rejected.clone())).await
    }

    /// Removes a login here; returns whether there was one. The service is not told.
    ///
    /// # Errors
    ///
    /// It is still there.
    pub async fn logout(&self, name: &str) -> Result<bool, LoginError> {
        if !self.0.file.path().exists() {
            return Ok(false);
        }
        let _alone = self.alone(name).await?;
        let _lock = Lock::of_file(self.0.file.path()).await?;
        self.0.file.remove(name)
    }

    /// Returns all logins, by name, without secrets.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, LoginError> {
        let listed = self.0.file.all()?.into_iter().map(|(name, kept)| Listed {
            name,
            expires_at: kept.expires_at,
            renewed: kept.renewable().is_some() || kept.session.is_some(),
            issuer: kept.issuer,
        });
        Ok(listed.collect())
    }

    /// Renews in a task of its own. Whoever asked may be cancelled; a token that the service has already
    /// replaced must not be lost with it.
    async fn renew_to_the_end(
        &self,
        name: &str,
        login: &Login,
        rejected: Option<Secret>,
    ) -> Result<Access, LoginError> {
        let (this, owned, login) = (self.clone(), name.to_owned(), Arc::new(login.clone()));
        let task = tokio::spawn(async move { this.renew(&owned, &login, rejected.as_ref()).await });
        let cut = |error| {
            let (path, source) = (self.0.file.path().to_owned(), io::Error::other(error));
            LoginError::Io { path, source }
        };
        task.await.map_err(cut)?
    }

    /// Keeps what a login brought. Services with sessions are asked for the first at once: an account that may
    /// not use them is told now and not in the middle of a task.
    async fn keep_new(&self, name: &str, login: &Login, issued: Issued) -> Result<(), LoginError> {
        let mut kept = issued.keep(login, None, self.now())?;
        let _alone = self.alone(name).await?;
        if let Some(session) = &login.session {
            kept = match self.exchange(name, login, session, kept.clone()).await {
                Ok(kept) => kept,
                Err(LoginError::Unreachable { .. }) => kept,
                Err(LoginError::Ended { reason, .. }) => {
                    return Err(LoginError::Refused { reason });
                }
                Err(error) => return Err(error),
            };
        }
        self.keep(name, &kept).await
    }

    /// Returns the login of this name, after a look at who issued it. From then on its tokens are redacted.
    fn kept(&self, name: &str, login: &Login) -> Result<Kept, LoginError> {
        let kept = self.0.file.get(name)?.ok_or_else(|| self.absent(name))?;
        let strange = kept.issuer.as_deref().filter(|issuer| *issuer != login.issuer());
        if let Some(issuer) = strange
            && !off(Guard::LoginIssuer)
        {
            return Err(LoginError::Issuer { name: name.to_owned(), issuer: issuer.to_owned() });
        }
        self.learn(name, &kept);
        Ok(kept)
    }

    async fn keep(&self, name: &str, kept: &Kept) -> Result<(), LoginError> {
        self.learn(name, kept);
        let failed = |source| LoginError::Io { path: self.0.file.path().to_owned(), source };
        hit(Point::LoginAnswered).map_err(failed)?;
        let _lock = Lock::of_file(self.0.file.path()).await?;
        self.0.file.put(name, kept)
    }

    fn learn(&self, name: &str, kept: &Kept) {
        let session = kept.session.as_ref().map(|session| &session.token);
        for secret in [Some(&kept.access), kept.refresh.as_ref(), session].into_iter().flatten() {
            self.0.secrets.know(&format!("login {name}"), secret);
        }
    }

    async fn alone(&self, name: &str) -> Result<Alone, LoginError> {
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(name.to_owned()).or_default())
        };
        let turn = turn.lock_owned().await;
        if let Some(home) = self.0.file.path().parent() {
            durable::create_private_dir(home)?;
        }
        Ok(Alone { _turn: turn, _lock: Lock::of_login(self.0.file.path(), name).await? })
    }

    fn talk<'a>(&'a self, name: &'a str) -> Talk<'a> {
        Talk { egress: &self.0.egress, name }
    }

    fn secrets(&self) -> &SecretStore {
        &self.0.secrets
    }

    fn absent(&self, name: &str) -> LoginError {
        LoginError::Absent { name: name.to_owned() }
    }

    /// Returns what an answer means that says nothing about the login.
    fn fault(&self, name: &str, reply: &Reply) -> LoginError {
        if reply.status < 500 && reply.status != 429 {
            return LoginError::Refused { reason: reply.refusal() };
        }
        let message = format!("it says: {}", reply.refusal());
        LoginError::Unreachable {
            name: name.to_owned(),
            source: crate::egress::EgressError::interrupted(message),
        }
    }

    fn now(&self) -> u64 {
        self.0.clock.now_ms() / 1_000
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.clock.monotonic_ms()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.clock.sleep(duration).await;
    }

    fn settle(&self, name: &str, carried: &Secret) {
        let mut settled = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.insert(name.to_owned(), (carried.clone(), self.monotonic_ms()));
    }

    fn is_settled(&self, name: &str, carried: &Secret) -> bool {
        let settled = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.get(name).is_some_and(|(token, at)| {
            token.expose() == carried.expose()
                && self.monotonic_ms().saturating_sub(*at) < renew::SETTLED_MS
        })
    }
}
