//! Making a login in a browser: the person agrees on the service's page, and the browser brings a code to this machine
//! (RFC 6749, section 4.1, with RFC 7636 and RFC 8252).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openkoi_core::credential::{Encoding, Login};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::{
    LoginError, Logins,
    login::client_fields,
    loopback::{Callback, Loopback},
};
use crate::random::Random;

/// The longest wait for the person.
const LIFETIME: Duration = Duration::from_secs(300);

/// A login that waits for a person in a browser. Dropping it ends the attempt.
pub struct PendingAuthorization {
    logins: Logins,
    name: String,
    login: Login,
    /// What the service calls itself in answers, if it said so.
    issuer: Option<String>,
    url: String,
    state: Zeroizing<String>,
    verifier: Zeroizing<String>,
    loopback: Loopback,
}

/// What a service answered by way of a browser.
pub struct BrowserAnswer(Callback);

impl std::fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingAuthorization").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Logins {
    /// Begins a login in a browser. The browser has to run on this machine.
    ///
    /// # Errors
    ///
    /// The service says nothing of its logins or does not let this program register, or the file of logins cannot be
    /// read.
    pub async fn authorize(
        &self,
        name: &str,
        login: &Login,
    ) -> Result<PendingAuthorization, LoginError> {
        // Found out now: a person should not go through a login that cannot be kept.
        self.check_file()?;
        let loopback = Loopback::listen().await?;
        let found = self.discovered(name, login).await?;
        let found = self.registered(name, found, &loopback.redirect_url()).await?;
        let (state, verifier) = (random()?, random()?);
        let url = page(&found.login, &loopback.redirect_url(), &state, &verifier)?;
        Ok(PendingAuthorization {
            logins: self.clone(),
            name: name.to_owned(),
            login: found.login,
            issuer: found.issuer,
            url,
            state,
            verifier,
            loopback,
        })
    }
}

/// Returns 256 random bits as text that fits into a URL.
fn random() -> Result<Zeroizing<String>, LoginError> {
    let bytes = Random::default().bytes::<32>();
    let bytes =
        bytes.map_err(|error| LoginError::Listener { source: std::io::Error::other(error) })?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Returns the page on which the person agrees.
fn page(
    login: &Login,
    redirect_url: &str,
    state: &str,
    verifier: &str,
) -> Result<String, LoginError> {
    let unfit = |_| LoginError::Answer { reason: "its page is not an address".to_owned() };
    let mut url = Url::parse(&login.authorize_url).map_err(unfit)?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", &login.client_id);
        query.append_pair("redirect_uri", redirect_url).append_pair("state", state);
        query.append_pair("code_challenge", &challenge);
        query.append_pair("code_challenge_method", "S256");
        for (name, value) in [("scope", &login.scope), ("resource", &login.resource)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(&login.parameters);
    }
    Ok(url.into())
}

impl PendingAuthorization {
    /// Returns the page that the person opens in a browser on this machine.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the longest wait for the person.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        LIFETIME
    }

    /// Waits until the browser comes back, and keeps the login.
    ///
    /// # Errors
    ///
    /// Nothing was kept. With [`LoginError::Denied`] and [`LoginError::Unfinished`] the person did not log in.
    pub async fn wait(self) -> Result<(), LoginError> {
        let answer = self.answer().await?;
        self.finish(answer).await
    }

    /// Waits until the browser comes back.
    ///
    /// # Errors
    ///
    /// [`LoginError::Unfinished`] when it does not.
    pub async fn answer(&self) -> Result<BrowserAnswer, LoginError> {
        let came = tokio::time::timeout(LIFETIME, self.loopback.callback(&self.state)).await;
        let unfinished = |_| LoginError::Unfinished { minutes: LIFETIME.as_secs() / 60 };
        came.map_err(unfinished)?.map(BrowserAnswer)
    }

    /// Returns the answer in an address that a browser was sent to, if it is that of this login. A browser on another machine
    /// cannot come back to this one, and shows the address.
    #[must_use]
    pub fn pasted(&self, address: &str) -> Option<BrowserAnswer> {
        self.loopback.pasted(address, &self.state).map(BrowserAnswer)
    }

    /// Keeps the login that an answer leads to.
    ///
    /// # Errors
    ///
    /// As [`PendingAuthorization::wait`].
    pub async fn finish(self, answer: BrowserAnswer) -> Result<(), LoginError> {
        let (code, issuer) = match answer.0 {
            Callback::Code { code, issuer } => (code, issuer),
            Callback::Refused { error } if error == "access_denied" => {
                return Err(LoginError::Denied);
            }
            Callback::Refused { error } => return Err(LoginError::Refused { reason: error }),
        };
        // An answer of another service would have its code sent to this one (RFC 9207).
        if let (Some(said), Some(known)) = (&issuer, &self.issuer)
            && said != known
        {
            let reason = "it is the answer of another service".to_owned();
            return Err(LoginError::Answer { reason });
        }
        let redirect_url = self.loopback.redirect_url();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &redirect_url),
            ("code_verifier", &self.verifier),
        ];
        fields.extend(client_fields(&self.login));
        let service = self.logins.service(&self.name);
        let reply = service.post(&self.login.token_url, Encoding::Form, &fields).await?;
        if !reply.is_good() {
            return Err(LoginError::Refused { reason: reply.refusal() });
        }
        self.logins.keep_new(&self.name, &self.login, reply.read()?).await
    }
}
