//! The credential of a request to a provider: its sources, and the host that it is bound to.

use openkoi_brokers::{
    egress::{Credential, Injection},
    oauth::{AccessToken, LoginError},
    secrets::{Secret, SecretError},
};
use openkoi_core::{
    credential::{Inject, InjectWord, SecretSource},
    model::ModelTrouble,
};

use super::{attempt_error::AttemptError, setup::ProviderClient, url_template};
use crate::{address::Address, host::Shared, manifest::CredentialEntry};

/// Credential, address and headers of one request.
#[derive(Debug, Default)]
pub(super) struct Authorization {
    /// The key or token, if there is one.
    pub(super) credential: Option<Credential>,
    /// The name of the login that the token comes from.
    login: Option<String>,
    /// The address of the request, if it is not the provider's: that of the list of models, or one that a login's issuer
    /// names.
    address: Option<Address>,
    headers: Vec<(String, String)>,
}

impl Authorization {
    /// Returns true if the token comes from a login and so can be renewed when the provider refuses it.
    pub(super) fn is_login(&self) -> bool {
        self.login.is_some()
    }

    /// Returns the address of the request.
    pub(super) fn address<'a>(&'a self, provider: &'a ProviderClient) -> Option<&'a Address> {
        self.address.as_ref().or(provider.address.as_ref())
    }

    /// Returns the headers to add to the codec's.
    pub(super) fn headers(&self, provider: &ProviderClient) -> Vec<(String, Vec<u8>)> {
        let all = provider.settings.headers.iter().chain(&self.headers);
        all.map(|(name, value)| (name.clone(), value.as_bytes().to_vec())).collect()
    }
}

impl ProviderClient {
    /// Returns the authorization of the next request: the first credential found, with the token of a login renewed if
    /// it has expired.
    pub(super) async fn authorization(
        &self,
        shared: &Shared,
    ) -> Result<Authorization, AttemptError> {
        self.authorization_for(shared, None).await
    }

    /// Returns the authorization of a request for the list of models.
    pub(super) async fn authorization_for_lists(
        &self,
        shared: &Shared,
    ) -> Result<Authorization, AttemptError> {
        self.authorization_for(shared, self.lists.as_ref()).await
    }

    async fn authorization_for(
        &self,
        shared: &Shared,
        elsewhere: Option<&Address>,
    ) -> Result<Authorization, AttemptError> {
        let bare = || Authorization { address: elsewhere.cloned(), ..Authorization::default() };
        let Some(address) = elsewhere.or(self.address.as_ref()) else { return Ok(bare()) };
        if self.manifest.credentials.is_empty() {
            return Ok(bare());
        }
        let sources = self.sources();
        for source in &sources {
            match self.find(shared, source, address).await {
                Ok(Some(authorization)) => {
                    return Ok(Authorization {
                        address: authorization.address.or(bare().address),
                        ..authorization
                    });
                }
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        let required = self.manifest.credentials.iter().any(|entry| entry.required);
        if !required || address.is_local() {
            return Ok(bare());
        }
        let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
        let message =
            format!("it needs a key, and there is none: looked for {}", places.join(", "));
        Err(self.key_error(&sources, &message))
    }

    /// Renews `authorization`, whose token the provider refused.
    pub(super) async fn renewed_authorization(
        &self,
        shared: &Shared,
        authorization: &Authorization,
    ) -> Result<Authorization, AttemptError> {
        let known = (&authorization.login, &self.settings.login, &authorization.credential);
        let (Some(address), (Some(name), Some(login), Some(old))) = (&self.address, known) else {
            return Ok(Authorization::default());
        };
        let renewed = shared.brokers.logins.renewed(name, login, &old.secret).await;
        let access = renewed.map_err(|error| self.login_error(&error))?;
        self.logged_in(name, access, address)
    }

    async fn find(
        &self,
        shared: &Shared,
        source: &SecretSource,
        address: &Address,
    ) -> Result<Option<Authorization>, AttemptError> {
        if let (SecretSource::Login(name), Some(login)) = (source, &self.settings.login) {
            return match shared.brokers.logins.access(name, login).await {
                Ok(access) => self.logged_in(name, access, address).map(Some),
                Err(LoginError::Absent { .. }) => Ok(None),
                Err(error) => Err(self.login_error(&error)),
            };
        }
        match shared.brokers.secrets.read(std::slice::from_ref(source)) {
            Ok(secret) => {
                let credential = Some(self.credential(secret, address)?);
                Ok(Some(Authorization { credential, ..Authorization::default() }))
            }
            Err(SecretError::Absent { .. }) => Ok(None),
            Err(error) => Err(self.key_error(std::slice::from_ref(source), &error.to_string())),
        }
    }

    fn logged_in(
        &self,
        name: &str,
        access: AccessToken,
        address: &Address,
    ) -> Result<Authorization, AttemptError> {
        let elsewhere = access.base_url.as_deref().map(Address::parse);
        let elsewhere = elsewhere.transpose().map_err(|error| {
            AttemptError::of(ModelTrouble::Invalid, self.name(), &error.to_string(), "")
        })?;
        let credential = self.credential(access.secret, elsewhere.as_ref().unwrap_or(address))?;
        Ok(Authorization {
            credential: Some(credential),
            login: Some(name.to_owned()),
            address: elsewhere,
            headers: access.headers,
        })
    }

    fn credential(&self, secret: Secret, address: &Address) -> Result<Credential, AttemptError> {
        if !address.is_safe() {
            let message = "a key is sent over https only";
            return Err(AttemptError::of(ModelTrouble::Denied, self.name(), message, ""));
        }
        let inject = self.injection(&secret)?;
        let (name, host) = (self.name().to_owned(), address.binding());
        Ok(Credential { name, secret, host, inject })
    }

    /// Returns the place of `secret` in a request. A key that signs fits an entry of the manifest that wants a signature,
    /// and such an entry fits no other key.
    fn injection(&self, secret: &Secret) -> Result<Injection, AttemptError> {
        let wrong =
            |message: &str| AttemptError::of(ModelTrouble::Credentials, self.name(), message, "");
        let signs = |entry: &&CredentialEntry| matches!(entry.inject, Inject::SigV4 { .. });
        let mut entries = self.manifest.credentials.iter();
        let entry = entries
            .find(|entry| signs(entry) == secret.signs())
            .ok_or_else(|| wrong("it does not take a key of this kind"))?;
        let own = self.settings.inject.clone();
        Ok(match own.unwrap_or_else(|| entry.inject.clone()) {
            Inject::Word(InjectWord::Bearer) => Injection::Bearer,
            Inject::Header { header, prefix } => Injection::Header { name: header, prefix },
            Inject::Query { query } => Injection::Query { name: query },
            Inject::Basic { basic } => Injection::Basic { username: basic },
            Inject::SigV4 { sigv4 } => Injection::SigV4 { service: sigv4, region: self.region()? },
        })
    }

    /// Returns the region of a signature. A base URL of the user's own need not name it.
    fn region(&self) -> Result<String, AttemptError> {
        let entry = self.manifest.provider.as_ref();
        let found = entry.map(|entry| url_template::value("region", entry, &self.values));
        match found {
            Some(Ok(region)) => Ok(region.to_owned()),
            Some(Err(error)) => {
                Err(AttemptError::of(ModelTrouble::Invalid, self.name(), &error.to_string(), ""))
            }
            None => {
                Err(AttemptError::of(ModelTrouble::Invalid, self.name(), "it has no region", ""))
            }
        }
    }

    /// Returns the sources of the key. The variables in a manifest are for the service in that manifest: a service at
    /// another base URL gets them if the user names them.
    fn sources(&self) -> Vec<SecretSource> {
        if !self.settings.credential.is_empty() {
            return self.settings.credential.clone();
        }
        let own = SecretSource::Saved(self.settings.name.clone());
        if self.settings.base_url.is_some() {
            return vec![own];
        }
        let entries = &self.manifest.credentials;
        let variables = entries.iter().flat_map(|entry| entry.environment.iter().cloned());
        // Stores of other programs are read if the settings say so, and this is the case without settings.
        let others = entries.iter().flat_map(CredentialEntry::others);
        let others = others.filter(|source| !source.is_external());
        variables.map(SecretSource::Variable).chain(others).chain([own]).collect()
    }

    /// Adds the sources of a refused key as a hint.
    pub(super) fn with_sources_of_key(&self, mut error: AttemptError) -> AttemptError {
        if error.cause.kind == ModelTrouble::Credentials && !self.manifest.credentials.is_empty() {
            let sources = self.sources();
            error.cause.hint = match sources.as_slice() {
                [SecretSource::Login(name)] => format!("openkoi connect {name}"),
                sources => {
                    let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
                    format!("check the key: {}", places.join(", or "))
                }
            };
        }
        error
    }

    fn key_error(&self, sources: &[SecretSource], message: &str) -> AttemptError {
        let hint = match sources.first() {
            Some(SecretSource::Variable(name)) => format!("export {name}=…"),
            Some(SecretSource::Login(name) | SecretSource::Saved(name)) => {
                format!("openkoi connect {name}")
            }
            _ => String::new(),
        };
        AttemptError::of(ModelTrouble::Credentials, self.name(), message, &hint)
    }

    fn login_error(&self, error: &LoginError) -> AttemptError {
        if let LoginError::Unreachable { source, .. } = error {
            return AttemptError::of_egress(self.name(), source);
        }
        let hint = error.hint().unwrap_or_default();
        AttemptError::of(ModelTrouble::Credentials, self.name(), &error.to_string(), &hint)
    }
}
