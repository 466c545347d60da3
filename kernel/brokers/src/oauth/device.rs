//! The device's part of a login: a code for the person, then questions until it was used.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Encoding, Login, LoginError, Logins,
    error::one_line,
    login::is_safe,
    talk::{Reply, Talk},
    token::{Issued, Number},
};
use crate::egress::EgressErrorKind;

/// Between two questions where the service does not say (RFC 8628, section 3.2).
const INTERVAL: u64 = 5;
/// By how much it grows with each `slow_down` (section 3.5).
const SLOWER: u64 = 5;
/// The longest pause between two questions, whatever happens.
const LONGEST_PAUSE: u64 = 60;
/// How long a code is good for where the service does not say.
const LIFETIME: u64 = 900;
/// The longest that is waited for a person.
const LONGEST_LIFETIME: u64 = 1_800;
/// The grant type of section 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The answer to the first request (section 3.2), and that of the variant with an authorization code.
#[derive(Deserialize)]
struct Begun {
    #[serde(alias = "device_auth_id")]
    device_code: Zeroizing<String>,
    #[serde(alias = "usercode")]
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: Option<String>,
    verification_uri_complete: Option<String>,
    expires_in: Option<Number>,
    interval: Option<Number>,
}

/// The end of the variant with an authorization code.
#[derive(Deserialize)]
struct Authorized {
    authorization_code: Zeroizing<String>,
    code_verifier: Zeroizing<String>,
}

/// What an answer to the device's question means.
enum Word {
    Pending,
    SlowDown,
    Granted(Issued),
}

/// A login that waits for a person. Dropping it gives it up.
pub struct Waiting {
    logins: Logins,
    name: String,
    login: Arc<Login>,
    device_code: Zeroizing<String>,
    /// What the person types.
    user_code: String,
    verification_url: String,
    complete_url: Option<String>,
    interval: u64,
    lifetime: u64,
    deadline_ms: u64,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Asks for a code.
pub(super) async fn begin(
    logins: &Logins,
    name: &str,
    login: &Arc<Login>,
) -> Result<Waiting, LoginError> {
    let mut fields = vec![("client_id", login.client_id.as_str())];
    if !login.scope.is_empty() {
        fields.push(("scope", &login.scope));
    }
    let reply = logins.talk(name).post(&login.device_url, login.encoding, &fields).await?;
    if !reply.is_good() {
        return Err(LoginError::Refused { reason: reply.refusal() });
    }
    let begun: Begun = reply.read()?;
    let seconds = |number: &Option<Number>| number.as_ref().and_then(Number::get);
    let lifetime = seconds(&begun.expires_in).unwrap_or(LIFETIME).min(LONGEST_LIFETIME);
    Ok(Waiting {
        logins: logins.clone(),
        name: name.to_owned(),
        user_code: shown(&begun.user_code)?,
        verification_url: page(login, &begun)?,
        complete_url: begun.verification_uri_complete.filter(|url| is_safe(url)),
        device_code: begun.device_code,
        interval: seconds(&begun.interval).unwrap_or(INTERVAL).clamp(1, LONGEST_PAUSE),
        lifetime,
        deadline_ms: logins.monotonic_ms().saturating_add(lifetime * 1_000),
        login: Arc::clone(login),
    })
}

fn shown(code: &str) -> Result<String, LoginError> {
    let code = code.trim();
    let proper = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if proper {
        return Ok(code.to_owned());
    }
    Err(LoginError::Answer { reason: "its code is not one that can be typed".to_owned() })
}

fn page(login: &Login, begun: &Begun) -> Result<String, LoginError> {
    let url = begun.verification_uri.as_deref().unwrap_or(&login.verification_url);
    // A person is about to type the code of an account there.
    if is_safe(url) {
        return Ok(url.to_owned());
    }
    Err(LoginError::Answer { reason: format!("it sends people to `{}`", one_line(url)) })
}

impl Waiting {
    /// Returns what the person types.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns the page where it is typed.
    #[must_use]
    pub fn verification_url(&self) -> &str {
        &self.verification_url
    }

    /// Returns a page that knows the code already, if the service has one.
    #[must_use]
    pub fn complete_url(&self) -> Option<&str> {
        self.complete_url.as_deref()
    }

    /// Returns how long the code is good for, from when it was given.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime)
    }

    /// Waits until the person has used the code, and keeps the login.
    ///
    /// # Errors
    ///
    /// [`LoginError::Denied`] and [`LoginError::Expired`] are the person's; nothing was kept.
    pub async fn wait(mut self) -> Result<(), LoginError> {
        loop {
            self.logins.sleep(Duration::from_secs(self.interval)).await;
            if self.logins.monotonic_ms() >= self.deadline_ms {
                return Err(LoginError::Expired);
            }
            match self.ask().await {
                Ok(Word::Pending) => {}
                Ok(Word::SlowDown) => self.pause_longer(self.interval + SLOWER),
                Ok(Word::Granted(issued)) => {
                    return self.logins.keep_new(&self.name, &self.login, issued).await;
                }
                // The code is still good: the same question, later and later (section 3.5).
                Err(LoginError::Unreachable { source, .. }) if may_pass(source.kind) => {
                    self.pause_longer(self.interval * 2);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn pause_longer(&mut self, seconds: u64) {
        self.interval = seconds.min(LONGEST_PAUSE);
    }

    async fn ask(&self) -> Result<Word, LoginError> {
        let talk = self.logins.talk(&self.name);
        match &self.login.code {
            None => self.ask_for_tokens(&talk).await,
            Some(code) => {
                let fields =
                    [("device_auth_id", self.device_code.as_str()), ("user_code", &self.user_code)];
                let reply = talk.post(&code.poll_url, self.login.encoding, &fields).await?;
                match reply.status {
                    403 | 404 => Ok(Word::Pending),
                    429 => Ok(Word::SlowDown),
                    500.. => Ok(Word::SlowDown),
                    _ if !reply.is_good() => Err(LoginError::Refused { reason: reply.refusal() }),
                    _ => self.exchange(&talk, reply.read()?, &code.redirect_url).await,
                }
            }
        }
    }

    /// RFC 8628, section 3.4.
    async fn ask_for_tokens(&self, talk: &Talk<'_>) -> Result<Word, LoginError> {
        let fields = [
            ("grant_type", DEVICE_GRANT),
            ("device_code", self.device_code.as_str()),
            ("client_id", &self.login.client_id),
        ];
        let reply = talk.post(&self.login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return Ok(Word::Granted(reply.read()?));
        }
        standard(&reply)
    }

    /// RFC 6749, section 4.1.3, with the verifier of RFC 7636.
    async fn exchange(
        &self,
        talk: &Talk<'_>,
        authorized: Authorized,
        redirect_url: &str,
    ) -> Result<Word, LoginError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", authorized.authorization_code.as_str()),
            ("redirect_uri", redirect_url),
            ("client_id", &self.login.client_id),
            ("code_verifier", authorized.code_verifier.as_str()),
        ];
        let reply = talk.post(&self.login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return Ok(Word::Granted(reply.read()?));
        }
        Err(LoginError::Refused { reason: reply.refusal() })
    }
}

/// The errors of RFC 8628, section 3.5. Some services send them with status 200.
fn standard(reply: &Reply) -> Result<Word, LoginError> {
    match reply.fault().error.as_str() {
        "authorization_pending" => Ok(Word::Pending),
        "slow_down" => Ok(Word::SlowDown),
        "access_denied" => Err(LoginError::Denied),
        "expired_token" => Err(LoginError::Expired),
        _ if reply.status >= 500 || reply.status == 429 => Ok(Word::SlowDown),
        _ => Err(LoginError::Refused { reason: reply.refusal() }),
    }
}

/// Whether the same question may be answered a little later.
fn may_pass(kind: EgressErrorKind) -> bool {
    matches!(
        kind,
        EgressErrorKind::Resolve
            | EgressErrorKind::Connect
            | EgressErrorKind::Timeout { .. }
            | EgressErrorKind::Interrupted
    )
}
