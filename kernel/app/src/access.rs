//! Access to services: the user's logins, and the types that surfaces use for credentials.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    sync::Arc,
    time::Duration,
};

use openkoi_core::model::{ModelError, ModelTrouble};

use crate::{
    app::App,
    error::AppError,
    models::{Connection, listers},
    outbound::Outbound,
    route::Route,
    settings::Settings,
    thread,
};

pub use openkoi_brokers::{
    oauth::{BrowserAnswer, LoginError, LoginSummary, Logins, PendingAuthorization, PendingLogin},
    secrets::{KeepIn, KeySlot, KeyringTrouble, Secret, SecretError, SecretStore, keyring_label},
};
pub use openkoi_core::credential::SecretSource;

/// Returns the logins that are kept in the user's home.
///
/// # Errors
///
/// When there is no home.
pub fn logins(app: &App, settings: &Settings) -> Result<Logins, AppError> {
    Ok(app.outbound(settings)?.logins)
}

/// The name under which a key is tried before it is kept.
const CANDIDATE: &str = "the key that was given";
/// The longest wait for a provider's answer about a key.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks a provider for its models with `key`, or without one, and returns their names. The key is not on the disk yet.
///
/// # Errors
///
/// When the provider is set up wrongly. What the provider says of the key is the inner result.
pub fn listed(
    app: &App,
    settings: &Settings,
    connection: &Connection,
    key: Option<&str>,
) -> Result<Result<Vec<String>, ModelError>, AppError> {
    let mut environment: HashMap<OsString, OsString> =
        HashMap::clone(&app.environment().snapshot());
    environment.extend(key.map(|key| (OsStr::new(CANDIDATE).to_owned(), key.into())));
    let home = app.paths()?.home();
    let secrets = SecretStore::new(home, Arc::new(environment));
    let outbound = Outbound::new(home, secrets, &Route::of(settings, app.environment()))?;
    let mut candidate = connection.clone();
    candidate.sources = key.iter().map(|_| SecretSource::Variable(CANDIDATE.to_owned())).collect();
    let models = listers(app, settings, &[candidate], outbound)?;
    let late = |_| ModelError {
        kind: ModelTrouble::Unreachable,
        message: format!("`{}` did not answer in time", connection.name),
        hint: String::new(),
        received: None,
    };
    thread::block(async {
        let listing = tokio::time::timeout(PATIENCE, models.list_models(&connection.name)).await;
        let models = listing.map_err(late).flatten();
        Ok(models.map(|models| models.into_iter().map(|model| model.id).collect()))
    })
}
