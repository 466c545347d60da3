//! A provider's key: where it is looked for, and the one host that it goes to.

use openkoi_brokers::{
    egress::{Credential, Injection},
    secrets::{Secret, SecretError, SecretSource, SecretStore},
};
use openkoi_core::port::ModelTrouble;

use super::{Address, Provider, place, trouble::Setback};
use crate::manifest::{CredentialEntry, External, Inject, InjectWord};

impl Provider {
    /// Returns the key, or nothing where none is needed and there is none.
    pub(super) fn credential(
        &self,
        secrets: &SecretStore,
        address: &Address,
    ) -> Result<Option<Credential>, Setback> {
        let entries = &self.manifest.credentials;
        if entries.is_empty() {
            return Ok(None);
        }
        let required = entries.iter().any(|entry| entry.required);
        let sources = self.sources();
        let secret = match secrets.read(&sources) {
            Ok(secret) => secret,
            Err(SecretError::Absent { .. }) if !required || address.is_local() => {
                return Ok(None);
            }
            Err(error) => return Err(self.no_key(&sources, &error)),
        };
        if !address.is_safe() {
            let message = "a key is sent over https only";
            return Err(Setback::of(ModelTrouble::Denied, self.name(), message, ""));
        }
        let inject = self.injection(&secret)?;
        let (name, host) = (self.name().to_owned(), address.binding());
        Ok(Some(Credential { name, secret, host, inject }))
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
        Ok(match entry.inject.clone() {
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
        let own = SecretSource::File(self.settings.name.clone());
        if self.settings.base_url.is_some() {
            return vec![own];
        }
        let entries = &self.manifest.credentials;
        let variables = entries.iter().flat_map(|entry| entry.environment.iter().cloned());
        let external = entries.iter().filter_map(|entry| entry.external);
        // The store of other programs takes the user's leave, which only settings can give.
        let external = external.flat_map(External::sources).filter(|source| !source.is_external());
        variables.map(SecretSource::Variable).chain([own]).chain(external).collect()
    }

    /// Says of a refused key where it came from.
    pub(super) fn naming_the_key(&self, mut setback: Setback) -> Setback {
        if setback.error.kind == ModelTrouble::Credentials && !self.manifest.credentials.is_empty()
        {
            let sources = self.sources();
            let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
            setback.error.hint = format!("check the key: {}", places.join(", or "));
        }
        setback
    }

    fn no_key(&self, sources: &[SecretSource], error: &SecretError) -> Setback {
        let message = match error {
            SecretError::Absent { .. } => {
                let places: Vec<String> = sources.iter().map(ToString::to_string).collect();
                format!("it needs a key, and there is none: looked for {}", places.join(", "))
            }
            error => error.to_string(),
        };
        let hint = match sources.first() {
            Some(SecretSource::Variable(name)) => format!("export {name}=…"),
            _ => String::new(),
        };
        Setback::of(ModelTrouble::Credentials, self.name(), &message, &hint)
    }
}
