//! A provider's key: where it is looked for, and the one host that it goes to.

use openkoi_brokers::{
    egress::{Credential, Injection},
    secrets::{SecretError, SecretSource, SecretStore},
};
use openkoi_core::port::ModelTrouble;

use super::{Address, Provider, trouble::Setback};
use crate::manifest::{CredentialEntry, Inject, InjectWord};

impl Provider {
    /// Returns the key, or nothing where none is needed and there is none.
    pub(super) fn credential(
        &self,
        secrets: &SecretStore,
        address: &Address,
    ) -> Result<Option<Credential>, Setback> {
        let Some(entry) = self.manifest.credentials.first() else { return Ok(None) };
        let sources = self.sources(entry);
        let secret = match secrets.read(&sources) {
            Ok(secret) => secret,
            Err(SecretError::Absent { .. }) if !entry.required || address.is_local() => {
                return Ok(None);
            }
            Err(error) => return Err(self.no_key(&sources, &error)),
        };
        if !address.is_safe() {
            let message = "a key is sent over https only";
            return Err(Setback::of(ModelTrouble::Denied, self.name(), message, ""));
        }
        Ok(Some(Credential {
            name: self.name().to_owned(),
            secret,
            host: address.binding(),
            inject: injection(&entry.inject),
        }))
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

fn injection(inject: &Inject) -> Injection {
    match inject.clone() {
        Inject::Word(InjectWord::Bearer) => Injection::Bearer,
        Inject::Header { header, prefix } => Injection::Header { name: header, prefix },
        Inject::Query { query } => Injection::Query { name: query },
        Inject::Basic { basic } => Injection::Basic { username: basic },
    }
}
