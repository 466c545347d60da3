//! The key of a provider: where it is looked for, and the places of a request that its manifest has for it.

use openkoi_core::credential::SecretSource;

use super::settings::ProviderSettings;
use crate::{
    manifest::{CredentialEntry, Manifest},
    service::{
        address::Address,
        credential::{SecretPlace, ServiceCredential},
        url_template,
    },
};

/// Returns the credential of a provider: one key or token, for each kind of key that its manifest takes.
pub(super) fn credential(
    settings: &ProviderSettings,
    manifest: &Manifest,
    values: &[(String, String)],
    address: Option<&Address>,
) -> ServiceCredential {
    let places = manifest.credentials.iter().map(|entry| SecretPlace {
        name: entry.name.clone(),
        signs: entry.signs(),
        inject: settings.inject.clone().unwrap_or_else(|| entry.inject.clone()),
    });
    // A base URL of the user's own need not name the region.
    let region = match &manifest.provider {
        Some(entry) => match url_template::value("region", entry, values) {
            Ok(region) => Ok(region.to_owned()),
            Err(error) => Err(error.to_string()),
        },
        None => Err("it has no region".to_owned()),
    };
    ServiceCredential {
        service: settings.name.clone(),
        sources: sources(settings, manifest),
        login: settings.login.clone(),
        places: places.collect(),
        region,
        // A server on this machine or in a private network may need none.
        required: manifest.credentials.iter().any(|entry| entry.required)
            && !address.is_some_and(Address::is_local),
    }
}

/// Returns the sources of the key. The variables in a manifest are for the service in that manifest: a service at
/// another base URL gets them if the user names them.
fn sources(settings: &ProviderSettings, manifest: &Manifest) -> Vec<SecretSource> {
    if !settings.credential.is_empty() {
        return settings.credential.clone();
    }
    let own = SecretSource::Saved(settings.name.clone());
    if settings.base_url.is_some() {
        return vec![own];
    }
    let entries = &manifest.credentials;
    let variables = entries.iter().flat_map(|entry| entry.environment.iter().cloned());
    // Stores of other programs are read if the settings say so, and this is the case without settings.
    let others = entries.iter().flat_map(CredentialEntry::others);
    let others = others.filter(|source| !source.is_external());
    variables.map(SecretSource::Variable).chain(others).chain([own]).collect()
}
