//! The end of a login: its service is told that the tokens are not to be taken any more (RFC 7009).

use openkoi_core::credential::{Encoding, Login};

use super::{
    LoginError, Logins,
    login::{binding, client_fields},
    renew::completed,
};
use crate::secrets::Secret;

impl Logins {
    /// Tells the service of a login that its tokens are not to be taken any more; returns whether there was somebody to tell. The
    /// login stays here, and is no good afterwards.
    ///
    /// # Errors
    ///
    /// The service was not told, or did not agree.
    pub async fn revoke(&self, name: &str, login: &Login) -> Result<bool, LoginError> {
        let _guard = self.lock(name).await?;
        let stored = self.stored(name, login)?;
        let mut login = completed(login, &stored);
        if login.revoke_url.is_empty() && !login.issuer.is_empty() {
            login.revoke_url = self.discovered(name, &login).await?.login.revoke_url;
        }
        if login.revoke_url.is_empty() {
            return Ok(false);
        }
        // With the refresh token go the access tokens that were made of it; the other way round need not be so.
        let refresh = stored.refresh_token().map(|token| (token, "refresh_token"));
        for (token, hint) in refresh.into_iter().chain([(&stored.access, "access_token")]) {
            self.revoke_one(name, &login, token, hint).await?;
        }
        Ok(true)
    }

    async fn revoke_one(
        &self,
        name: &str,
        login: &Login,
        token: &Secret,
        hint: &str,
    ) -> Result<(), LoginError> {
        self.secrets().bind(&format!("login {name}"), token, &binding(&login.revoke_url));
        let token = String::from_utf8_lossy(token.expose());
        let mut fields = vec![("token", &*token), ("token_type_hint", hint)];
        fields.extend(client_fields(login));
        let reply = self.service(name).post(&login.revoke_url, Encoding::Form, &fields).await?;
        // A service may have no end for tokens of one kind (section 2.2.1).
        let is_done = reply.is_good() || reply.fault().error == "unsupported_token_type";
        if is_done { Ok(()) } else { Err(self.fault(name, &reply)) }
    }
}
