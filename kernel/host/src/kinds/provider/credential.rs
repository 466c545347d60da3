//! A provider's credential: where it is looked for, and the one host that it goes to.

use openkoi_brokers::{
    egress::{Credential, Injection},
    oauth::{AccessToken, LoginError},
    secrets::{Secret, SecretError},
};
use openkoi_core::{
    credential::{Inject, InjectWord, SecretSource},
    port::ModelTrouble,
};

use super::{Address, Provider, place, trouble::Setback};
use crate::{host::Shared, manifest::CredentialEntry};

/// What one request goes with.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// The key or token, where one is needed.
    pub(super) credential: Option<Credential>,
    /// The name of the login that it is of.
    login: Option<String>,
    /// Where the request goes, if that is not where the provider is: where a login's issuer says that the service
    /// is, or where models are listed.
    address: Option<Address>,
    headers: Vec<(String, String)>,
}

impl Pass {
    /// Returns whether another one may be had when the provider does not take this one.
    pub(super) fn is_login(&self) -> bool {
        self.login.is_some()
    }

    /// Returns where the request goes.
    pub(super) fn address<'a>(&'a self, provider: &'a Provider) -> Option<&'a Address> {
        self.address.as_ref().or(provider.address.as_ref())
    }

    /// Returns the headers that it goes with besides the codec's.
    pub(super) fn headers(&self, provider: &Provider) -> Vec<(String, Vec<u8>)> {
        let all = provider.settings.headers.iter().chain(&self.headers);
        all.map(|(name, value)| (name.clone(), value.as_bytes().to_vec())).collect()
    }
}

impl Provider {
    /// Returns what the next request goes with: the first credential that is there, a login's token fresh.
    pub(super) async fn pass(&self, shared: &Shared) -> Result<Pass, Setback> {
        self.pass_to(shared, None).await
    }

    /// Returns what a request for the list of models goes with.
    pub(super) async fn pass_to_lists(&self, shared: &Shared) -> Result<Pass, Setback> {
        self.pass_to(shared, self.lists.as_ref()).await
    }

    async fn pass_to(&self, shared: &Shared, elsewhere: Option<&Address>) -> Result<Pass, Setback> {
        let bare = || Pass { address: elsewhere.cloned(), ..Pass::default() };
        let Some(address) = elsewhere.or(self.address.as_ref()) else { return Ok(bare()) };
        if self.manifest.credentials.is_empty() {
            return Ok(bare());
        }
        let sources = self.sources();
        for source in &sources {
            match self.look(shared, source, address).await {
                Ok(Some(pass)) => {
                    return Ok(Pass { address: pass.address.or(bare().address), ..pass });
                }
                Ok(None) => {}
                Err(setback) => return Err(setback),
            }
        }
        let required = self.manifest.credentials.iter().any(|entry| entry.required);
        if !required || address.is_local() {
            return Ok(bare());
        }
        let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
        let message =
            format!("it needs a key, and there is none: looked for {}", places.join(", "));
        Err(self.no_key(&sources, &message))
    }

    /// Returns another one than `pass`, whose token the provider would not take.
    pub(super) async fn another_pass(&self, shared: &Shared, pass: &Pass) -> Result<Pass, Setback> {
        let known = (&pass.login, &self.settings.login, &pass.credential);
        let (Some(address), (Some(name), Some(login), Some(old))) = (&self.address, known) else {
            return Ok(Pass::default());
        };
        let renewed = shared.brokers.logins.renewed(name, login, &old.secret).await;
        let access = renewed.map_err(|error| self.no_login(&error))?;
        self.logged_in(name, access, address)
    }

    async fn look(
        &self,
        shared: &Shared,
        source: &SecretSource,
        address: &Address,
    ) -> Result<Option<Pass>, Setback> {
        if let (SecretSource::Login(name), Some(login)) = (source, &self.settings.login) {
            return match shared.brokers.logins.access(name, login).await {
                Ok(access) => self.logged_in(name, access, address).map(Some),
                Err(LoginError::Absent { .. }) => Ok(None),
                Err(error) => Err(self.no_login(&error)),
            };
        }
        match shared.brokers.secrets.read(std::slice::from_ref(source)) {
            Ok(secret) => {
                let credential = Some(self.credential(secret, address)?);
                Ok(Some(Pass { credential, ..Pass::default() }))
            }
            Err(SecretError::Absent { .. }) => Ok(None),
            Err(error) => Err(self.no_key(std::slice::from_ref(source), &error.to_string())),
        }
    }

    fn logged_in(
        &self,
        name: &str,
        access: AccessToken,
        address: &Address,
    ) -> Result<Pass, Setback> {
        let elsewhere = access.base_url.as_deref().map(Address::parse);
        let elsewhere = elsewhere.transpose().map_err(|error| {
            Setback::of(ModelTrouble::Invalid, self.name(), &error.to_string(), "")
        })?;
        let credential = self.credential(access.secret, elsewhere.as_ref().unwrap_or(address))?;
        Ok(Pass {
            credential: Some(credential),
            login: Some(name.to_owned()),
            address: elsewhere,
            headers: access.headers,
        })
    }

    fn credential(&self, secret: Secret, address: &Address) -> Result<Credential, Setback> {
        if !address.is_safe() {
            let message = "a key is sent over https only";
            return Err(Setback::of(ModelTrouble::Denied, self.name(), message, ""));
        }
        let inject = self.injection(&secret)?;
        let (name, host) = (self.name().to_owned(), address.binding());
        Ok(Credential { name, secret, host, inject })
    }

    /// Returns where `secret` goes: one that signs where the manifest wants a signature, and no other there.
    fn injection(&self, secret: &Secret) -> Result<Injection, Setback> {
        let wrong =
            |message: &str| Setback::of(ModelTrouble::Credentials, self.name(), message, "");
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

    /// Returns the region that a signature is good for. A base URL of the user's own need not name it.
    fn region(&self) -> Result<String, Setback> {
        let entry = self.manifest.provider.as_ref();
        let found = entry.map(|entry| place::value("region", entry, &self.places));
        match found {
            Some(Ok(region)) => Ok(region.to_owned()),
            Some(Err(error)) => {
                Err(Setback::of(ModelTrouble::Invalid, self.name(), &error.to_string(), ""))
            }
            None => Err(Setback::of(ModelTrouble::Invalid, self.name(), "it has no region", "")),
        }
    }

    /// Returns where the key is looked for. The variables that a manifest names are for the service that it
    /// names: a service of the user's own never gets them unless the user says so.
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
        // The store of other programs takes the user's leave, which only settings can give.
        let others = entries.iter().flat_map(CredentialEntry::others);
        let others = others.filter(|source| !source.is_external());
        variables.map(SecretSource::Variable).chain(others).chain([own]).collect()
    }

    /// Says of a refused key where it came from.
    pub(super) fn naming_the_key(&self, mut setback: Setback) -> Setback {
        if setback.error.kind == ModelTrouble::Credentials && !self.manifest.credentials.is_empty()
        {
            let sources = self.sources();
            setback.error.hint = match sources.as_slice() {
                [SecretSource::Login(name)] => format!("openkoi connect {name}"),
                sources => {
                    let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
                    format!("check the key: {}", places.join(", or "))
                }
            };
        }
        setback
    }

    fn no_key(&self, sources: &[SecretSource], message: &str) -> Setback {
        let hint = match sources.first() {
            Some(SecretSource::Variable(name)) => format!("export {name}=…"),
            Some(SecretSource::Login(name) | SecretSource::Saved(name)) => {
                format!("openkoi connect {name}")
            }
            _ => String::new(),
        };
        Setback::of(ModelTrouble::Credentials, self.name(), message, &hint)
    }

    fn no_login(&self, error: &LoginError) -> Setback {
        if let LoginError::Unreachable { source, .. } = error {
            return Setback::of_egress(self.name(), source);
        }
        let hint = error.hint().unwrap_or_default();
        Setback::of(ModelTrouble::Credentials, self.name(), &error.to_string(), &hint)
    }
}
