//! What a service says of itself: the addresses of its logins (RFC 8414), and the name of this program there (RFC 7591).

use openkoi_core::credential::Login;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::{LoginError, Logins, error::one_line, login::is_safe};

/// The name under which this program registers.
const CLIENT_NAME: &str = "OpenKoi";

/// The metadata of an authorization server (RFC 8414, section 2).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    #[serde(default)]
    authorization_endpoint: String,
    #[serde(default)]
    token_endpoint: String,
    #[serde(default)]
    device_authorization_endpoint: String,
    #[serde(default)]
    revocation_endpoint: String,
    #[serde(default)]
    registration_endpoint: String,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// The answer to a registration (RFC 7591, section 3.2.1).
#[derive(Deserialize)]
struct Registered {
    client_id: String,
    #[serde(default)]
    client_secret: Zeroizing<String>,
}

/// A login whose addresses are all known.
pub(super) struct Discovered {
    pub(super) login: Login,
    /// The address at which programs register. Empty if there is none.
    registration_url: String,
    /// What the service calls itself in answers (RFC 9207), if it said so.
    pub(super) issuer: Option<String>,
}

impl Logins {
    /// Returns `login` with the addresses that its issuer names in place of those that are empty.
    pub(super) async fn discovered(
        &self,
        name: &str,
        login: &Login,
    ) -> Result<Discovered, LoginError> {
        let mut login = login.clone();
        if login.issuer.is_empty() {
            return Ok(Discovered { login, registration_url: String::new(), issuer: None });
        }
        let metadata = self.metadata(name, &login.issuer).await?;
        if metadata.issuer.trim_end_matches('/') != login.issuer.trim_end_matches('/') {
            let reason = format!("it calls itself `{}`", one_line(&metadata.issuer));
            return Err(LoginError::Answer { reason });
        }
        let methods = metadata.code_challenge_methods_supported.as_ref();
        if methods.is_some_and(|methods| methods.iter().all(|method| method != "S256")) {
            let reason =
                "it does not take the proof that codes are protected with (S256)".to_owned();
            return Err(LoginError::Answer { reason });
        }
        let found = [
            (&mut login.authorize_url, &metadata.authorization_endpoint),
            (&mut login.token_url, &metadata.token_endpoint),
            (&mut login.device_url, &metadata.device_authorization_endpoint),
            (&mut login.revoke_url, &metadata.revocation_endpoint),
        ];
        for (own, said) in found {
            if own.is_empty() {
                own.clone_from(said);
            }
        }
        let all = [
            &login.authorize_url,
            &login.token_url,
            &login.device_url,
            &login.revoke_url,
            &metadata.registration_endpoint,
        ];
        if let Some(url) = all.iter().find(|url| !url.is_empty() && !is_safe(url)) {
            let reason = format!("it names `{}`, which is not https", one_line(url));
            return Err(LoginError::Answer { reason });
        }
        Ok(Discovered {
            login,
            registration_url: metadata.registration_endpoint,
            issuer: Some(metadata.issuer),
        })
    }

    /// Returns `found` with the name of this program, for which it registers if it has none.
    pub(super) async fn registered(
        &self,
        name: &str,
        mut found: Discovered,
        redirect_url: &str,
    ) -> Result<Discovered, LoginError> {
        if !found.login.client_id.is_empty() {
            return Ok(found);
        }
        if found.registration_url.is_empty() {
            let reason =
                "it lets no program register itself; set `client_id` under its login".to_owned();
            return Err(LoginError::Refused { reason });
        }
        let mut body = json!({
            "client_name": CLIENT_NAME,
            "redirect_uris": [redirect_url],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        if !found.login.scope.is_empty() {
            body["scope"] = json!(found.login.scope);
        }
        let reply = self.service(name).post_json(&found.registration_url, &body).await?;
        if !reply.is_good() {
            return Err(LoginError::Refused { reason: reply.refusal() });
        }
        let Registered { client_id, client_secret } = reply.read()?;
        if client_id.trim().is_empty() {
            return Err(LoginError::Answer { reason: "it registers without a name".to_owned() });
        }
        found.login.client_id = client_id;
        found.login.client_secret = client_secret.to_string();
        Ok(found)
    }

    async fn metadata(&self, name: &str, issuer: &str) -> Result<Metadata, LoginError> {
        let mut reply = None;
        for url in well_known(issuer)? {
            let answer = self.service(name).look(&url).await?;
            if answer.is_good() {
                return answer.read();
            }
            reply = Some(answer);
        }
        match reply {
            Some(reply) if reply.status >= 500 => Err(self.fault(name, &reply)),
            _ => {
                let reason = "it does not say where its logins are".to_owned();
                Err(LoginError::Answer { reason })
            }
        }
    }
}

/// Returns the addresses at which an issuer may have its metadata: that of RFC 8414, section 3.1, then that of OpenID.
fn well_known(issuer: &str) -> Result<[String; 2], LoginError> {
    let unfit = || LoginError::Answer { reason: "its issuer is not an address".to_owned() };
    let url = Url::parse(issuer).map_err(|_| unfit())?;
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    Ok([
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_issuer_comes_after_the_well_known_one() {
        assert_eq!(
            well_known("https://auth.example.com/tenant/1/").unwrap(),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server/tenant/1",
                "https://auth.example.com/tenant/1/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            well_known("https://auth.example.com").unwrap()[0],
            "https://auth.example.com/.well-known/oauth-authorization-server"
        );
        assert!(well_known("auth").is_err());
    }
}
