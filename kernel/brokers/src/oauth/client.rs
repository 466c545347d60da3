//! Tokens for this program itself, without a person (RFC 6749, section 4.4).

use openkoi_core::credential::{Encoding, Login, SecretSource};

use super::{
    LoginError, Logins,
    login::{binding, client_fields},
    token::Issued,
};
use crate::secrets::{SecretError, StoredLogin};

impl Logins {
    /// Asks for a token with the secret of the program, which is kept as the key of the login's name.
    pub(super) async fn client_token(
        &self,
        name: &str,
        login: &Login,
    ) -> Result<StoredLogin, LoginError> {
        let login = self.discovered(name, login).await?.login;
        let kept = SecretSource::Saved(name.to_owned());
        let secret = self.secrets().read(std::slice::from_ref(&kept));
        let secret = secret.map_err(|error| match error {
            SecretError::Absent { .. } => self.absent(name),
            error => LoginError::Unreadable(error),
        })?;
        self.secrets().bind(&format!("login {name}"), &secret, &binding(&login.token_url));
        let text = String::from_utf8_lossy(secret.expose());
        let mut fields = vec![("grant_type", "client_credentials"), ("client_secret", &*text)];
        fields.extend(client_fields(&login).into_iter().filter(|(key, _)| *key != "client_secret"));
        if !login.scope.is_empty() {
            fields.push(("scope", &login.scope));
        }
        let reply = self.service(name).post(&login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return reply.read::<Issued>()?.into_login(&login, None, self.now());
        }
        let reason = reply.refusal();
        match reply.fault().error.as_str() {
            "invalid_client" | "unauthorized_client" => {
                Err(LoginError::Ended { name: name.to_owned(), reason })
            }
            _ if reply.status == 401 => Err(LoginError::Ended { name: name.to_owned(), reason }),
            _ => Err(self.fault(name, &reply)),
        }
    }

    /// Tries the secret of the program that is kept under this name, and keeps the token.
    ///
    /// # Errors
    ///
    /// The service does not accept it, or cannot be asked.
    pub async fn log_in_as_client(&self, name: &str, login: &Login) -> Result<(), LoginError> {
        let _guard = self.lock(name).await?;
        let stored = self.client_token(name, login).await?;
        self.keep(name, &stored).await
    }
}
