//! A fresh token in place of an old one, once, whoever asks.

use std::sync::Arc;

use super::{
    Access, Encoding, Login, LoginError, Logins,
    login::Session,
    talk::credential,
    token::{self, Issued, Kept},
};
use crate::{
    sabotage::{Guard, off},
    secrets::Secret,
};

/// A token with less than this left is renewed: it has to last for the request.
const MARGIN: u64 = 60;
/// A token that this process got so recently is used whatever it says: a service that issues tokens which
/// look expired, or a clock that jumps, must not have every request begin with another.
pub(super) const SETTLED_MS: u64 = 30_000;

impl Logins {
    /// Returns the token if it can be used as it is.
    pub(super) fn usable(&self, name: &str, login: &Login, kept: &Kept) -> Option<Access> {
        let carried = kept.carried(login)?;
        let fresh = match kept.carried_until(login) {
            None => true,
            Some(until) => until > self.now().saturating_add(MARGIN),
        };
        // Without a way to renew it the service has the last word, not this clock.
        let last = login.session.is_none() && kept.renewable().is_none();
        let usable = fresh || last || self.is_settled(name, carried);
        if usable { kept.access(login) } else { None }
    }

    /// Gets a fresh token. `rejected` is one that the service would not take.
    ///
    /// Under the lock the file is read again: whoever waited for it finds what the other one got.
    pub(super) async fn renew(
        &self,
        name: &str,
        login: &Arc<Login>,
        rejected: Option<&Secret>,
    ) -> Result<Access, LoginError> {
        let _alone = self.alone(name).await?;
        let kept = self.kept(name, login)?;
        let is_rejected = rejected.is_some_and(|old| {
            kept.carried(login).is_some_and(|carried| carried.expose() == old.expose())
        });
        if !is_rejected
            && !off(Guard::LoginReread)
            && let Some(access) = self.usable(name, login, &kept)
        {
            return Ok(access);
        }
        let fresh = match &login.session {
            Some(session) => self.exchange(name, login, session, kept).await?,
            None => self.refresh(name, login, &kept).await?,
        };
        self.keep(name, &fresh).await?;
        let carried = fresh.carried(login).ok_or_else(|| self.absent(name))?;
        self.settle(name, carried);
        fresh.access(login).ok_or_else(|| self.absent(name))
    }

    /// RFC 6749, section 6.
    async fn refresh(&self, name: &str, login: &Login, kept: &Kept) -> Result<Kept, LoginError> {
        let ended = |reason: String| LoginError::Ended { name: name.to_owned(), reason };
        let Some(refresh) = kept.renewable() else {
            return Err(ended("the service does not take its token any more".to_owned()));
        };
        self.secrets().bind(&format!("login {name}"), refresh, &login.issuer());
        let refresh = String::from_utf8_lossy(refresh.expose());
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_ref()),
            ("client_id", &login.client_id),
        ];
        let reply = self.talk(name).post(&login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return reply.read::<Issued>()?.keep(login, Some(kept), self.now());
        }
        match reply.fault().error.as_str() {
            // Used, revoked or expired (section 5.2); some services say 401 and use words of their own.
            "invalid_grant" => Err(ended(reply.refusal())),
            _ if reply.status == 401 => Err(ended(reply.refusal())),
            _ => Err(self.fault(name, &reply)),
        }
    }

    /// Exchanges the issued token for one of short life, after renewing the issued one if it is old.
    pub(super) async fn exchange(
        &self,
        name: &str,
        login: &Login,
        session: &Session,
        mut kept: Kept,
    ) -> Result<Kept, LoginError> {
        let old = kept.expires_at.is_some_and(|until| until <= self.now().saturating_add(MARGIN));
        if old && kept.renewable().is_some() {
            kept = self.refresh(name, login, &kept).await?;
            // What was used up for it must not be lost if the next step fails.
            self.keep(name, &kept).await?;
        }
        let headers = session.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.as_bytes().to_vec()));
        let carried =
            credential(&format!("login {name}"), &kept.access, &session.url, &session.prefix);
        let reply = self.talk(name).get(&session.url, headers, carried).await?;
        if reply.is_good() {
            kept.session = Some(token::short(session, &reply.body, self.now())?);
            return Ok(kept);
        }
        match reply.status {
            401 | 403 | 404 => {
                Err(LoginError::Ended { name: name.to_owned(), reason: reply.refusal() })
            }
            _ => Err(self.fault(name, &reply)),
        }
    }
}
