//! Valid tokens: the stored one, or a new one in its place. Requests that need one at the same time share one renewal.

use std::{io, sync::Arc};

use openkoi_core::credential::{Encoding, Login, LoginGrant, SessionExchange};

use super::{
    AccessToken, LoginError, Logins,
    login::{binding, client_fields},
    service::credential,
    token::{Issued, session_token},
};
use crate::{
    sabotage::{Guard, off},
    secrets::{Secret, StoredLogin},
};

/// A token with less than this many seconds left is renewed, so that it lasts for the request.
const MARGIN: u64 = 60;

impl Logins {
    /// Returns a token for a request, renewing it first if need be.
    ///
    /// # Errors
    ///
    /// [`LoginError::Absent`] and [`LoginError::Ended`] need a person.
    pub async fn access(&self, name: &str, login: &Login) -> Result<AccessToken, LoginError> {
        let stored = match self.stored(name, login) {
            Err(LoginError::Absent { .. }) if login.grant == LoginGrant::Client => None,
            stored => Some(stored?),
        };
        match stored.and_then(|stored| self.usable(name, login, &stored)) {
            Some(access) => Ok(access),
            None => self.renew_to_the_end(name, login, None).await,
        }
    }

    /// Returns another token than `rejected`, which the service refused.
    ///
    /// # Errors
    ///
    /// As for [`Logins::access`].
    pub async fn renewed(
        &self,
        name: &str,
        login: &Login,
        rejected: &Secret,
    ) -> Result<AccessToken, LoginError> {
        self.renew_to_the_end(name, login, Some(rejected.clone())).await
    }

    /// Renews in a task of its own. The caller may be cancelled at any time; a token that the service has already
    /// replaced must not be lost with it.
    async fn renew_to_the_end(
        &self,
        name: &str,
        login: &Login,
        rejected: Option<Secret>,
    ) -> Result<AccessToken, LoginError> {
        let (this, owned, login) = (self.clone(), name.to_owned(), Arc::new(login.clone()));
        let task = tokio::spawn(async move { this.renew(&owned, &login, rejected.as_ref()).await });
        let cut = |error| {
            let (path, source) = (self.path().to_owned(), io::Error::other(error));
            LoginError::Io { path, source }
        };
        task.await.map_err(cut)?
    }

    /// Returns the stored token if it can be used without renewal.
    fn usable(&self, name: &str, login: &Login, stored: &StoredLogin) -> Option<AccessToken> {
        let carried = stored.carried(login)?;
        let fresh = match stored.carried_until(login) {
            None => true,
            Some(until) => until > self.now().saturating_add(MARGIN),
        };
        // A token that cannot be renewed is used until the service refuses it, whatever the clock says here.
        let last = login.session.is_none()
            && login.grant != LoginGrant::Client
            && stored.refresh_token().is_none();
        let usable = fresh || last || self.is_settled(name, carried);
        if usable { stored.access(login) } else { None }
    }

    /// Gets a new token, unless another request or process has got one meanwhile: under the lock the file is read
    /// again. `rejected` is a token that the service refused.
    async fn renew(
        &self,
        name: &str,
        login: &Login,
        rejected: Option<&Secret>,
    ) -> Result<AccessToken, LoginError> {
        let _guard = self.lock(name).await?;
        let stored = match self.stored(name, login) {
            Err(LoginError::Absent { .. }) if login.grant == LoginGrant::Client => None,
            stored => Some(stored?),
        };
        let is_rejected = rejected.is_some_and(|old| {
            let carried = stored.as_ref().and_then(|stored| stored.carried(login));
            carried.is_some_and(|carried| carried.expose() == old.expose())
        });
        if !is_rejected
            && !off(Guard::LoginReread)
            && let Some(stored) = &stored
            && let Some(access) = self.usable(name, login, stored)
        {
            return Ok(access);
        }
        let fresh = match (login.grant, &login.session, stored) {
            (LoginGrant::Client, _, _) => self.client_token(name, login).await?,
            (_, _, None) => return Err(self.absent(name)),
            (_, Some(session), Some(stored)) => self.exchange(name, login, session, stored).await?,
            (_, None, Some(stored)) => self.refresh(name, login, &stored).await?,
        };
        self.keep(name, &fresh).await?;
        let carried = fresh.carried(login).ok_or_else(|| self.absent(name))?;
        self.settle(name, carried);
        fresh.access(login).ok_or_else(|| self.absent(name))
    }

    /// Sends the refresh token (RFC 6749, section 6).
    async fn refresh(
        &self,
        name: &str,
        login: &Login,
        stored: &StoredLogin,
    ) -> Result<StoredLogin, LoginError> {
        let ended = |reason: String| LoginError::Ended { name: name.to_owned(), reason };
        let Some(refresh) = stored.refresh_token() else {
            return Err(ended("the service does not take its token any more".to_owned()));
        };
        let login = &completed(login, stored);
        self.secrets().bind(&format!("login {name}"), refresh, &binding(&login.token_url));
        let refresh = String::from_utf8_lossy(refresh.expose());
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
        fields.extend(client_fields(login));
        let reply = self.service(name).post(&login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return reply.read::<Issued>()?.into_login(login, Some(stored), self.now());
        }
        match reply.fault().error.as_str() {
            // Used, revoked or expired (section 5.2); some services say 401 and use words of their own.
            "invalid_grant" => Err(ended(reply.refusal())),
            _ if reply.status == 401 => Err(ended(reply.refusal())),
            _ => Err(self.fault(name, &reply)),
        }
    }

    /// Exchanges the access token for a session token, after renewing the access token if it has expired.
    pub(super) async fn exchange(
        &self,
        name: &str,
        login: &Login,
        session: &SessionExchange,
        mut stored: StoredLogin,
    ) -> Result<StoredLogin, LoginError> {
        let old = stored.expires_at.is_some_and(|until| until <= self.now().saturating_add(MARGIN));
        if old && stored.refresh_token().is_some() {
            stored = self.refresh(name, login, &stored).await?;
            // The refresh token is used up: the new one must not be lost if the exchange fails.
            self.keep(name, &stored).await?;
        }
        let headers = session.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.as_bytes().to_vec()));
        let carried =
            credential(&format!("login {name}"), &stored.access, &session.url, &session.prefix);
        let reply = self.service(name).get(&session.url, headers, carried).await?;
        if reply.is_good() {
            stored.session = Some(session_token(session, &reply.body, self.now())?);
            return Ok(stored);
        }
        match reply.status {
            401 | 403 | 404 => {
                Err(LoginError::Ended { name: name.to_owned(), reason: reply.refusal() })
            }
            _ => Err(self.fault(name, &reply)),
        }
    }
}

/// Returns a login with what was found out when it was made.
pub(super) fn completed(login: &Login, stored: &StoredLogin) -> Login {
    let mut login = login.clone();
    if let Some(found) = &stored.found {
        login.token_url.clone_from(&found.token_url);
        login.client_id.clone_from(&found.client_id);
        login.client_secret.clone_from(&found.client_secret);
    }
    login
}
