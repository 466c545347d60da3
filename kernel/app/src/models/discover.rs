//! Finds the providers of this machine from manifests, variables, credentials and consents.

use openkoi_brokers::secrets::SecretStore;
use openkoi_core::credential::SecretSource;
use openkoi_host::manifest::{Kind, Manifest, Wire};

use super::{Catalogue, Connections, Listing, base_url, connect};
use crate::{
    app::App,
    consents::Consents,
    error::AppError,
    host,
    settings::{ConfiguredProvider, Settings},
};

/// Finds the providers that the user can have, with or without a credential.
///
/// # Errors
///
/// When the configuration names a component that is not there.
pub fn discover(app: &App, settings: &Settings) -> Result<Connections, AppError> {
    let mut manifests = manifests(app)?;
    let environment = app.environment();
    let value = |name: &str| Some(environment.named(name)?.to_string_lossy().into_owned());
    let warnings = base_url::place(&mut manifests, &value);
    let (secrets, consents) = (app.secrets(settings)?, app.consents()?);
    let has = credentials(&secrets, &consents);
    let mut connections = connect(settings, &manifests, &has)?;
    connections.warnings.extend(warnings);
    let is_there = |source: &&SecretSource| secrets.has(std::slice::from_ref(*source));
    let closed = connections.externals().filter(|source| !consents.allow(source));
    let closed = closed.filter(is_there).filter_map(SecretSource::external);
    connections.closed =
        closed.map(|(name, place)| (name.to_owned(), place.into_owned())).collect();
    connections.keep_to(|source| consents.allow(source));
    Ok(connections)
}

/// Returns the names of the providers that play a script in this process, so that what they count is nobody's usage.
///
/// # Errors
///
/// When a bundled component is broken.
pub fn playing(app: &App, settings: &Settings) -> Result<Vec<String>, AppError> {
    let manifests = manifests(app)?;
    let plays = |one: &&Manifest| {
        one.provider.as_ref().is_some_and(|provider| provider.transport == Wire::Local)
    };
    let components: Vec<&str> =
        manifests.iter().filter(plays).map(|one| one.component.name.as_str()).collect();
    let component = |provider: &ConfiguredProvider| {
        provider.component.clone().unwrap_or_else(|| provider.name.clone())
    };
    let configured =
        settings.providers.iter().filter(|one| components.contains(&component(one).as_str()));
    let mut names: Vec<String> = configured.map(|provider| provider.name.clone()).collect();
    names.extend(components.iter().map(|name| (*name).to_owned()));
    Ok(names)
}

/// Returns the catalogue of models: the bundled list, with the last lists of these providers.
///
/// # Errors
///
/// When the bundled list is broken, or there is no home.
pub fn catalogue(app: &App, connections: &Connections) -> Result<Catalogue, AppError> {
    let home = app.paths()?.home();
    let mut catalogue = Catalogue::parse(openkoi_components::models())?;
    for one in connections.usable() {
        if let Some(listing) = Listing::read(home, &one.name, &one.base_url) {
            catalogue.lay(one.key(), &listing);
        }
    }
    Ok(catalogue)
}

/// Returns the manifests of the bundled providers.
///
/// # Errors
///
/// When there is no home, or a manifest is damaged.
fn manifests(app: &App) -> Result<Vec<Manifest>, AppError> {
    let catalog = host::catalog(app)?.snapshot();
    let providers = catalog.of_kind(Kind::Provider).filter(|entry| entry.is_built_in());
    providers.map(|entry| Ok(Manifest::clone(entry.asked()?))).collect()
}

/// Returns a function that tells whether a credential exists and may be read, without reading it.
fn credentials<'a>(
    store: &'a SecretStore,
    consents: &'a Consents,
) -> impl Fn(&SecretSource) -> bool + 'a {
    |source| {
        let is_there = || store.has(std::slice::from_ref(source)) || source.may_be_in_keychain();
        consents.allow(source) && is_there()
    }
}
