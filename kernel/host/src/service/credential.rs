//! One credential of a service: where it is looked for, how it is renewed, and where in a request it goes.

use openkoi_brokers::{
    egress::{Credential, Injection},
    oauth::{AccessToken, LoginError},
    secrets::{Secret, SecretError},
};
use openkoi_core::credential::{Inject, InjectWord, Login, SecretSource};

use super::{address::Address, error::ServiceError};
use crate::brokers::Brokers;

/// A place in a request for one of the kinds of key that a service takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretPlace {
    /// The name in the manifest.
    pub(crate) name: String,
    /// True if it is for a key that signs requests.
    pub(crate) signs: bool,
    /// The place.
    pub(crate) inject: Inject,
}

/// One credential of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceCredential {
    /// The provider or the account, for messages.
    pub(crate) service: String,
    /// The sources, in order.
    pub(crate) sources: Vec<SecretSource>,
    /// The login that renews the token of a [`SecretSource::Login`] among them.
    pub(crate) login: Option<Login>,
    /// The places for the kinds of key that it may be. Empty: the service takes none.
    pub(crate) places: Vec<SecretPlace>,
    /// The region of signatures, or why there is none.
    pub(crate) region: Result<String, String>,
    /// True if requests without it fail.
    pub(crate) required: bool,
}

/// Credential, address and headers of one request.
#[derive(Debug, Default)]
pub(crate) struct Authorization {
    /// The key or token, once for each address that it is for. Empty if there is none.
    pub(crate) credentials: Vec<Credential>,
    /// The name of the credential in the manifest.
    pub(crate) name: Option<String>,
    /// The address of the request, if the issuer of a login names one.
    pub(crate) address: Option<Address>,
    /// Headers to add to those of the component.
    pub(crate) headers: Vec<(String, String)>,
    /// The name of the login that the token comes from.
    login: Option<String>,
}

impl Authorization {
    /// Returns true if the token comes from a login and so can be renewed when the service refuses it.
    pub(crate) fn is_login(&self) -> bool {
        self.login.is_some()
    }
}

impl ServiceCredential {
    /// Returns the authorization of the next request to one of `addresses`: the first credential found, with the token of
    /// a login renewed if it has expired.
    pub(crate) async fn authorization(
        &self,
        brokers: &Brokers,
        addresses: &[Address],
    ) -> Result<Authorization, ServiceError> {
        if self.places.is_empty() {
            return Ok(Authorization::default());
        }
        for source in &self.sources {
            if let Some(found) = self.find(brokers, source, addresses).await? {
                return Ok(found);
            }
        }
        if !self.required {
            return Ok(Authorization::default());
        }
        let places: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        let message =
            format!("it needs a key, and there is none: looked for {}", places.join(", "));
        Err(self.key_error(&self.sources, message))
    }

    /// Renews `authorization`, whose token the service refused.
    pub(crate) async fn renewed(
        &self,
        brokers: &Brokers,
        authorization: &Authorization,
        addresses: &[Address],
    ) -> Result<Authorization, ServiceError> {
        let known = (&authorization.login, &self.login, authorization.credentials.first());
        let (Some(name), Some(login), Some(old)) = known else {
            return Ok(Authorization::default());
        };
        let renewed = brokers.logins.renewed(name, login, &old.secret).await;
        self.logged_in(name, renewed.map_err(|error| self.login_error(error))?, addresses)
    }

    /// Returns the advice for a key that the service refused.
    pub(crate) fn advice(&self) -> Option<String> {
        if self.places.is_empty() {
            return None;
        }
        Some(match self.sources.as_slice() {
            [SecretSource::Login(_)] => format!("openkoi connect {}", self.service),
            sources => {
                let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
                format!("check the key: {}", places.join(", "))
            }
        })
    }

    async fn find(
        &self,
        brokers: &Brokers,
        source: &SecretSource,
        addresses: &[Address],
    ) -> Result<Option<Authorization>, ServiceError> {
        if let (SecretSource::Login(name), Some(login)) = (source, &self.login) {
            return match brokers.logins.access(name, login).await {
                Ok(access) => self.logged_in(name, access, addresses).map(Some),
                Err(LoginError::Absent { .. }) => Ok(None),
                Err(error) => Err(self.login_error(error)),
            };
        }
        match brokers.secrets.read(std::slice::from_ref(source)) {
            Ok(secret) => {
                let (name, credentials) = self.credentials(&secret, addresses)?;
                Ok(Some(Authorization {
                    credentials,
                    name: Some(name),
                    ..Authorization::default()
                }))
            }
            Err(SecretError::Absent { .. }) => Ok(None),
            Err(error) => Err(self.key_error(std::slice::from_ref(source), error.to_string())),
        }
    }

    fn logged_in(
        &self,
        login: &str,
        access: AccessToken,
        addresses: &[Address],
    ) -> Result<Authorization, ServiceError> {
        let elsewhere = access.base_url.as_deref().map(Address::parse).transpose();
        let address =
            elsewhere.map_err(|error| ServiceError::Invalid { message: error.to_string() })?;
        let addresses = address.as_ref().map_or(addresses, std::slice::from_ref);
        let (name, credentials) = self.credentials(&access.secret, addresses)?;
        Ok(Authorization {
            credentials,
            name: Some(name),
            login: Some(login.to_owned()),
            headers: access.headers,
            address,
        })
    }

    /// Returns the name of the credential, and `secret` for each of `addresses`.
    fn credentials(
        &self,
        secret: &Secret,
        addresses: &[Address],
    ) -> Result<(String, Vec<Credential>), ServiceError> {
        if !addresses.iter().all(Address::is_safe) {
            let what = "a key is sent over https only".to_owned();
            return Err(ServiceError::Denied { what, hint: String::new() });
        }
        let place = self.places.iter().find(|place| place.signs == secret.signs());
        let place = place.ok_or_else(|| ServiceError::Credentials {
            message: "it does not take a key of this kind".to_owned(),
            hint: String::new(),
        })?;
        let inject = self.injection(&place.inject)?;
        let bound = addresses.iter().map(|address| Credential {
            name: self.service.clone(),
            secret: secret.clone(),
            host: address.binding(),
            within: Some(address.rule().clone()),
            inject: inject.clone(),
        });
        Ok((place.name.clone(), bound.collect()))
    }

    fn injection(&self, inject: &Inject) -> Result<Injection, ServiceError> {
        Ok(match inject.clone() {
            Inject::Word(InjectWord::Bearer) => Injection::Bearer,
            Inject::Header { header, prefix } => Injection::Header { name: header, prefix },
            Inject::Query { query } => Injection::Query { name: query },
            Inject::Basic { basic } => Injection::Basic { username: basic },
            Inject::Path { path } => Injection::Path { placeholder: path },
            Inject::Json { json } => Injection::Json { pointer: json },
            Inject::Form { form } => Injection::Form { name: form },
            Inject::SigV4 { sigv4, region } if region.is_empty() => {
                let region = self.region.clone();
                let region = region.map_err(|message| ServiceError::Invalid { message })?;
                Injection::SigV4 { service: sigv4, region }
            }
            Inject::SigV4 { sigv4, region } => Injection::SigV4 { service: sigv4, region },
            Inject::Signature { signature } => Injection::Signature(signature),
            Inject::Jwt { jwt } => Injection::Jwt(jwt),
            Inject::Word(InjectWord::Nowhere) => {
                let message = "it checks what the service signed and is not sent".to_owned();
                return Err(ServiceError::Invalid { message });
            }
        })
    }

    fn key_error(&self, sources: &[SecretSource], message: String) -> ServiceError {
        let hint = match sources.first() {
            Some(SecretSource::Variable(name)) => format!("export {name}=…"),
            Some(SecretSource::Login(_) | SecretSource::Saved(_)) => {
                format!("openkoi connect {}", self.service)
            }
            _ => String::new(),
        };
        ServiceError::Credentials { message, hint }
    }

    fn login_error(&self, error: LoginError) -> ServiceError {
        let message = error.to_string();
        // The login may be kept under a name that tells it from that of a provider.
        let hint = error.hint().map(|_| format!("openkoi connect {}", self.service));
        match error {
            LoginError::Unreachable { source, .. } => ServiceError::Egress(source),
            _ => ServiceError::Credentials { message, hint: hint.unwrap_or_default() },
        }
    }
}
