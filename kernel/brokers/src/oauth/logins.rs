//! The logins of one home, and what making and renewing one have in common.

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use openkoi_core::{credential::Login, port::Clock};

use super::{
    LoginError, lock,
    login::issuer,
    service::{ServiceReply, TokenService},
};
use crate::{
    durable,
    egress::{Egress, EgressError},
    failpoint::{Point, hit},
    file_lock::FileLock,
    sabotage::{Guard, off},
    secrets::{AuthFile, Secret, SecretStore, StoredLogin},
};

/// A token that this process got less than this ago is used, whatever time it states. Otherwise a service whose tokens
/// look expired, or a clock that jumps, would have every request begin with a renewal.
const SETTLED_MS: u64 = 30_000;

/// A login as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSummary {
    /// Its name.
    pub name: String,
    /// The time when its token expires, in seconds since 1970; nothing if it does not or the time is unknown.
    pub expires_at: Option<u64>,
    /// Whether its token is renewed without a person.
    pub renewed: bool,
    /// The host that issued it, if that is known.
    pub issuer: Option<String>,
}

/// All logins of one home. Clones share them.
#[derive(Clone)]
pub struct Logins(Arc<LoginsState>);

struct LoginsState {
    file: AuthFile,
    egress: Egress,
    secrets: SecretStore,
    clock: Arc<dyn Clock>,
    /// A lock for each login within this process, so that its own requests do not poll for the lock of the file.
    locks: Mutex<HashMap<String, LoginLock>>,
    /// The tokens that this process got, with the times.
    settled: Mutex<HashMap<String, (Secret, u64)>>,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("file", &self.0.file).finish_non_exhaustive()
    }
}

type LoginLock = Arc<tokio::sync::Mutex<()>>;

/// The right to ask a login's service for new tokens and to keep them, while it is held.
pub(super) struct LoginGuard {
    _here: tokio::sync::OwnedMutexGuard<()>,
    _file: FileLock,
}

impl Logins {
    /// Makes the logins of `home`. Reads nothing.
    #[must_use]
    pub fn new(home: &Path, egress: Egress, secrets: SecretStore, clock: Arc<dyn Clock>) -> Self {
        let (locks, settled) = (Mutex::default(), Mutex::default());
        let file = AuthFile::of(home);
        Self(Arc::new(LoginsState { file, egress, secrets, clock, locks, settled }))
    }

    /// Removes a login here; returns whether there was one. The service is not told.
    ///
    /// # Errors
    ///
    /// The login is still there.
    pub async fn logout(&self, name: &str) -> Result<bool, LoginError> {
        if !self.path().exists() {
            return Ok(false);
        }
        let _guard = self.lock(name).await?;
        let _file = lock::of_file(self.path()).await?;
        Ok(self.0.file.remove(name)?)
    }

    /// Returns all logins by name, without secrets.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn list(&self) -> Result<Vec<LoginSummary>, LoginError> {
        let listed = self.0.file.all()?.into_iter().map(|(name, stored)| LoginSummary {
            name,
            expires_at: stored.expires_at,
            renewed: stored.refresh_token().is_some() || stored.session.is_some(),
            issuer: stored.issuer,
        });
        Ok(listed.collect())
    }

    /// Returns the stored login after comparing its issuer. From then on its tokens are redacted.
    pub(super) fn stored(&self, name: &str, login: &Login) -> Result<StoredLogin, LoginError> {
        let stored = self.0.file.get(name)?.ok_or_else(|| self.absent(name))?;
        let other = stored.issuer.as_deref().filter(|stored| *stored != issuer(login));
        if let Some(issuer) = other
            && !off(Guard::LoginIssuer)
        {
            return Err(LoginError::Issuer { name: name.to_owned(), issuer: issuer.to_owned() });
        }
        self.learn(name, &stored);
        Ok(stored)
    }

    /// Writes a login to the file. The caller holds its [`LoginGuard`].
    pub(super) async fn keep(&self, name: &str, stored: &StoredLogin) -> Result<(), LoginError> {
        self.learn(name, stored);
        let failed = |source| LoginError::Io { path: self.path().to_owned(), source };
        hit(Point::LoginAnswered).map_err(failed)?;
        let _file = lock::of_file(self.path()).await?;
        Ok(self.0.file.put(name, stored)?)
    }

    fn learn(&self, name: &str, stored: &StoredLogin) {
        let session = stored.session.as_ref().map(|session| &session.token);
        let tokens = [Some(&stored.access), stored.refresh.as_ref(), session];
        for secret in tokens.into_iter().flatten() {
            self.0.secrets.know(&format!("login {name}"), secret);
        }
    }

    /// Waits for the right to renew a login, among all processes.
    pub(super) async fn lock(&self, name: &str) -> Result<LoginGuard, LoginError> {
        let lock = {
            let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(name.to_owned()).or_default())
        };
        let here = lock.lock_owned().await;
        if let Some(home) = self.path().parent() {
            durable::create_private_dir(home)?;
        }
        Ok(LoginGuard { _here: here, _file: lock::of_login(self.path(), name).await? })
    }

    /// Reads the whole file, to find out whether it can be added to.
    pub(super) fn check_file(&self) -> Result<(), LoginError> {
        self.0.file.all()?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.file.path()
    }

    pub(super) fn service<'a>(&'a self, name: &'a str) -> TokenService<'a> {
        TokenService { egress: &self.0.egress, name }
    }

    pub(super) fn secrets(&self) -> &SecretStore {
        &self.0.secrets
    }

    pub(super) fn absent(&self, name: &str) -> LoginError {
        LoginError::Absent { name: name.to_owned() }
    }

    /// Returns the error for a refusal that does not end the login.
    pub(super) fn fault(&self, name: &str, reply: &ServiceReply) -> LoginError {
        if reply.status < 500 && reply.status != 429 {
            return LoginError::Refused { reason: reply.refusal() };
        }
        let message = format!("it says: {}", reply.refusal());
        LoginError::Unreachable { name: name.to_owned(), source: EgressError::interrupted(message) }
    }

    /// Returns the wall clock, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.0.clock.now_ms() / 1_000
    }

    pub(super) fn monotonic_ms(&self) -> u64 {
        self.0.clock.monotonic_ms()
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.0.clock.sleep(duration).await;
    }

    /// Notes that this process just got `carried`.
    pub(super) fn settle(&self, name: &str, carried: &Secret) {
        let mut settled = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.insert(name.to_owned(), (carried.clone(), self.monotonic_ms()));
    }

    /// Tells whether this process got `carried` a short while ago.
    pub(super) fn is_settled(&self, name: &str, carried: &Secret) -> bool {
        let settled = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.get(name).is_some_and(|(token, at)| {
            token.expose() == carried.expose()
                && self.monotonic_ms().saturating_sub(*at) < SETTLED_MS
        })
    }
}
