//! Making a login: a code for the person, then polls until the person has used it.

use std::time::Duration;

use openkoi_core::credential::{Encoding, Login};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    LoginError, Logins,
    error::one_line,
    login::is_safe,
    service::{ServiceReply, TokenService},
    token::{Issued, Number},
};
use crate::egress::EgressErrorKind;

/// The seconds between two polls if the service does not state them (RFC 8628, section 3.2).
const INTERVAL: u64 = 5;
/// The seconds that each `slow_down` adds (section 3.5).
const SLOWER: u64 = 5;
/// The most seconds between two polls.
const LONGEST_PAUSE: u64 = 60;
/// The lifetime of a code in seconds, if the service does not state one.
const LIFETIME: u64 = 900;
/// The most seconds that a code is waited for, whatever the service states.
const LONGEST_LIFETIME: u64 = 1_800;
/// The grant type of section 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The reply to the first request (section 3.2), also in the variant with an authorization code.
#[derive(Deserialize)]
struct DeviceCode {
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

/// The last reply of the variant with an authorization code.
#[derive(Deserialize)]
struct Authorized {
    authorization_code: Zeroizing<String>,
    code_verifier: Zeroizing<String>,
}

/// The meaning of a reply to a poll.
enum PollReply {
    Pending,
    SlowDown,
    Granted(Issued),
}

/// A login that waits for a person. Dropping it ends the attempt.
pub struct PendingLogin {
    logins: Logins,
    name: String,
    login: Login,
    device_code: Zeroizing<String>,
    user_code: String,
    verification_url: String,
    complete_url: Option<String>,
    interval: u64,
    lifetime: u64,
    deadline_ms: u64,
}

impl std::fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingLogin").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Logins {
    /// Begins a login: the service issues a code that a person types on its page.
    ///
    /// # Errors
    ///
    /// The service cannot be reached or refuses, or the file of logins cannot be read.
    pub async fn begin(&self, name: &str, login: &Login) -> Result<PendingLogin, LoginError> {
        // Found out now: a person should not go through a login that cannot be kept.
        self.check_file()?;
        let login = &self.discovered(name, login).await?.login;
        if login.device_url.is_empty() {
            let reason = "it issues no codes to be typed".to_owned();
            return Err(LoginError::Refused { reason });
        }
        let mut fields = vec![("client_id", login.client_id.as_str())];
        if !login.scope.is_empty() {
            fields.push(("scope", &login.scope));
        }
        let reply = self.service(name).post(&login.device_url, login.encoding, &fields).await?;
        if !reply.is_good() {
            return Err(LoginError::Refused { reason: reply.refusal() });
        }
        let code: DeviceCode = reply.read()?;
        let seconds = |number: &Option<Number>| number.as_ref().and_then(Number::get);
        let lifetime = seconds(&code.expires_in).unwrap_or(LIFETIME).min(LONGEST_LIFETIME);
        Ok(PendingLogin {
            logins: self.clone(),
            name: name.to_owned(),
            user_code: shown(&code.user_code)?,
            verification_url: page(login, &code)?,
            complete_url: code.verification_uri_complete.filter(|url| is_safe(url)),
            device_code: code.device_code,
            interval: seconds(&code.interval).unwrap_or(INTERVAL).clamp(1, LONGEST_PAUSE),
            lifetime,
            deadline_ms: self.monotonic_ms().saturating_add(lifetime * 1_000),
            login: login.clone(),
        })
    }

    /// Keeps a new login. If its service has session tokens, it is asked for the first one at once: an account that
    /// may not use the service is told now and not in the middle of a task.
    pub(super) async fn keep_new(
        &self,
        name: &str,
        login: &Login,
        issued: Issued,
    ) -> Result<(), LoginError> {
        let mut stored = issued.into_login(login, None, self.now())?;
        let _guard = self.lock(name).await?;
        if let Some(session) = &login.session {
            stored = match self.exchange(name, login, session, stored.clone()).await {
                Ok(stored) => stored,
                Err(LoginError::Unreachable { .. }) => stored,
                Err(LoginError::Ended { reason, .. }) => {
                    return Err(LoginError::Refused { reason });
                }
                Err(error) => return Err(error),
            };
        }
        self.keep(name, &stored).await
    }
}

/// Returns the code if it can be typed.
fn shown(code: &str) -> Result<String, LoginError> {
    let code = code.trim();
    let proper = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if proper {
        return Ok(code.to_owned());
    }
    Err(LoginError::Answer { reason: "its code is not one that can be typed".to_owned() })
}

/// Returns the page on which the code is typed.
fn page(login: &Login, code: &DeviceCode) -> Result<String, LoginError> {
    let url = code.verification_uri.as_deref().unwrap_or(&login.verification_url);
    // The person will log in to their account on that page.
    if is_safe(url) {
        return Ok(url.to_owned());
    }
    Err(LoginError::Answer { reason: format!("it sends people to `{}`", one_line(url)) })
}

impl PendingLogin {
    /// Returns the code that the person types.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns the page on which the person types it.
    #[must_use]
    pub fn verification_url(&self) -> &str {
        &self.verification_url
    }

    /// Returns the page that has the code already filled in, if the service has one.
    #[must_use]
    pub fn complete_url(&self) -> Option<&str> {
        self.complete_url.as_deref()
    }

    /// Returns the lifetime of the code, from when it was issued.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime)
    }

    /// Polls until the person has used the code, and keeps the login.
    ///
    /// # Errors
    ///
    /// Nothing was kept. With [`LoginError::Denied`] and [`LoginError::Expired`] the person did not log in.
    pub async fn wait(mut self) -> Result<(), LoginError> {
        loop {
            self.logins.sleep(Duration::from_secs(self.interval)).await;
            if self.logins.monotonic_ms() >= self.deadline_ms {
                return Err(LoginError::Expired);
            }
            match self.ask().await {
                Ok(PollReply::Pending) => {}
                Ok(PollReply::SlowDown) => self.pause_longer(self.interval + SLOWER),
                Ok(PollReply::Granted(issued)) => {
                    return self.logins.keep_new(&self.name, &self.login, issued).await;
                }
                // The code is still valid: the polls go on, less and less often (section 3.5).
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

    async fn ask(&self) -> Result<PollReply, LoginError> {
        let service = self.logins.service(&self.name);
        match &self.login.code {
            None => self.ask_for_tokens(&service).await,
            Some(code) => {
                let fields =
                    [("device_auth_id", self.device_code.as_str()), ("user_code", &self.user_code)];
                let reply = service.post(&code.poll_url, self.login.encoding, &fields).await?;
                match reply.status {
                    403 | 404 => Ok(PollReply::Pending),
                    429 => Ok(PollReply::SlowDown),
                    500.. => Ok(PollReply::SlowDown),
                    _ if !reply.is_good() => Err(LoginError::Refused { reason: reply.refusal() }),
                    _ => self.exchange(&service, reply.read()?, &code.redirect_url).await,
                }
            }
        }
    }

    /// Polls for tokens (RFC 8628, section 3.4).
    async fn ask_for_tokens(&self, service: &TokenService<'_>) -> Result<PollReply, LoginError> {
        let fields = [
            ("grant_type", DEVICE_GRANT),
            ("device_code", self.device_code.as_str()),
            ("client_id", &self.login.client_id),
        ];
        let reply = service.post(&self.login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return Ok(PollReply::Granted(reply.read()?));
        }
        standard(&reply)
    }

    /// Exchanges the authorization code (RFC 6749, section 4.1.3, with the verifier of RFC 7636).
    async fn exchange(
        &self,
        service: &TokenService<'_>,
        authorized: Authorized,
        redirect_url: &str,
    ) -> Result<PollReply, LoginError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", authorized.authorization_code.as_str()),
            ("redirect_uri", redirect_url),
            ("client_id", &self.login.client_id),
            ("code_verifier", authorized.code_verifier.as_str()),
        ];
        let reply = service.post(&self.login.token_url, Encoding::Form, &fields).await?;
        if reply.is_good() {
            return Ok(PollReply::Granted(reply.read()?));
        }
        Err(LoginError::Refused { reason: reply.refusal() })
    }
}

/// Reads the errors of RFC 8628, section 3.5. Some services send them with status 200.
fn standard(reply: &ServiceReply) -> Result<PollReply, LoginError> {
    match reply.fault().error.as_str() {
        "authorization_pending" => Ok(PollReply::Pending),
        "slow_down" => Ok(PollReply::SlowDown),
        "access_denied" => Err(LoginError::Denied),
        "expired_token" => Err(LoginError::Expired),
        _ if reply.status >= 500 || reply.status == 429 => Ok(PollReply::SlowDown),
        _ => Err(LoginError::Refused { reason: reply.refusal() }),
    }
}

/// Tells whether the next poll may succeed after this error.
fn may_pass(kind: EgressErrorKind) -> bool {
    matches!(
        kind,
        EgressErrorKind::Resolve
            | EgressErrorKind::Connect
            | EgressErrorKind::Timeout { .. }
            | EgressErrorKind::Interrupted
    )
}
