//! A provider's credential: where it is looked for, and the one host that it goes to.

use openkoi_brokers::{
    egress::{Credential, Injection},
    oauth::{Access, LoginError},
    secrets::{Secret, SecretError, SecretSource},
};
use openkoi_core::port::ModelTrouble;

use super::{Address, Provider, trouble::Setback};
use crate::{
    host::Shared,
    manifest::{CredentialEntry, Inject, InjectWord},
};

/// What one request goes with.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// The key or token, where one is needed.
    pub(super) credential: Option<Credential>,
    /// The name of the login that it is of.
    login: Option<String>,
    /// Where the login's issuer says that the service is, if that is elsewhere.
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
        let Some(address) = &self.address else { return Ok(Pass::default()) };
        let Some(entry) = self.manifest.credentials.first() else { return Ok(Pass::default()) };
        let sources = self.sources(entry);
        for source in &sources {
            match self.look(shared, source, entry, address).await {
                Ok(Some(pass)) => return Ok(pass),
                Ok(None) => {}
                Err(setback) => return Err(setback),
            }
        }
        if !entry.required || address.is_local() {
            return Ok(Pass::default());
        }
        let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
        let message =
            format!("it needs a key, and there is none: looked for {}", places.join(", "));
        Err(self.no_key(&sources, &message))
    }

    /// Returns another one than `pass`, whose token the provider would not take.
    pub(super) async fn another_pass(&self, shared: &Shared, pass: &Pass) -> Result<Pass, Setback> {
        let parts = (self.address.as_ref(), self.manifest.credentials.first());
        let known = (&pass.login, &self.settings.login, &pass.credential);
        let ((Some(address), Some(entry)), (Some(name), Some(login), Some(old))) = (parts, known)
        else {
            return Ok(Pass::default());
        };
        let renewed = shared.brokers.logins.renewed(name, login, &old.secret).await;
        let access = renewed.map_err(|error| self.no_login(&error))?;
        self.logged_in(name, access, entry, address)
    }

    async fn look(
        &self,
        shared: &Shared,
        source: &SecretSource,
        entry: &CredentialEntry,
        address: &Address,
    ) -> Result<Option<Pass>, Setback> {
        if let (SecretSource::Login(name), Some(login)) = (source, &self.settings.login) {
            return match shared.brokers.logins.access(name, login).await {
                Ok(access) => self.logged_in(name, access, entry, address).map(Some),
                Err(LoginError::Absent { .. }) => Ok(None),
                Err(error) => Err(self.no_login(&error)),
            };
        }
        match shared.brokers.secrets.read(std::slice::from_ref(source)) {
            Ok(secret) => {
                let credential = Some(self.credential(secret, entry, address)?);
                Ok(Some(Pass { credential, ..Pass::default() }))
            }
            Err(SecretError::Absent { .. }) => Ok(None),
            Err(error) => Err(self.no_key(std::slice::from_ref(source), &error.to_string())),
        }
    }

    fn logged_in(
        &self,
        name: &str,
        access: Access,
        entry: &CredentialEntry,
        address: &Address,
    ) -> Result<Pass, Setback> {
        let elsewhere = access.base_url.as_deref().map(Address::parse);
        let elsewhere = elsewhere.transpose().map_err(|error| {
            Setback::of(ModelTrouble::Invalid, self.name(), &error.to_string(), "")
        })?;
        let credential =
            self.credential(access.secret, entry, elsewhere.as_ref().unwrap_or(address))?;
        Ok(Pass {
            credential: Some(credential),
            login: Some(name.to_owned()),
            address: elsewhere,
            headers: access.headers,
        })
    }

    fn credential(
        &self,
        secret: Secret,
        entry: &CredentialEntry,
        address: &Address,
    ) -> Result<Credential, Setback> {
        if !address.is_safe() {
            let message = "a key is sent over https only";
            return Err(Setback::of(ModelTrouble::Denied, self.name(), message, ""));
        }
        Ok(Credential {
            name: self.name().to_owned(),
            secret,
            host: address.binding(),
            inject: injection(&entry.inject),
        })
    }

    /// Returns where the key is looked for. The variables that a manifest names are for the service that it
    /// names: a service of the user's own never gets them unless the user says so.
    fn sources(&self, entry: &CredentialEntry) -> Vec<SecretSource> {
        if !self.settings.credential.is_empty() {
            return self.settings.credential.clone();
        }
        let own = SecretSource::File(self.settings.name.clone());
        let variables = entry.environment.iter().cloned().map(SecretSource::Variable);
        let usual = variables.filter(|_| self.settings.base_url.is_none());
        usual.chain([own]).collect()
    }

    /// Says of a refused key where it came from.
    pub(super) fn naming_the_key(&self, mut setback: Setback) -> Setback {
        let sources = self.manifest.credentials.first().map(|entry| self.sources(entry));
        if setback.error.kind == ModelTrouble::Credentials
            && let Some(sources) = sources
        {
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
            Some(SecretSource::Login(name)) => format!("openkoi connect {name}"),
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

fn injection(inject: &Inject) -> Injection {
    match inject.clone() {
        Inject::Word(InjectWord::Bearer) => Injection::Bearer,
        Inject::Header { header, prefix } => Injection::Header { name: header, prefix },
        Inject::Query { query } => Injection::Query { name: query },
        Inject::Basic { basic } => Injection::Basic { username: basic },
    }
}
