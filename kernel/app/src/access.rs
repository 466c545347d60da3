//! Access to services: the user's logins, and the types that surfaces use for credentials.

use openkoi_brokers::egress::{Egress, EgressSettings};

use crate::{app::App, error::AppError, host, settings::Settings};

pub use openkoi_brokers::{
    oauth::{LoginError, LoginSummary, Logins, PendingLogin},
    secrets::{KeepIn, KeySlot, KeyringTrouble, Secret, SecretError, SecretStore, keyring_label},
};
pub use openkoi_core::credential::SecretSource;

/// Returns the logins that are kept in the user's home.
///
/// # Errors
///
/// When there is no home.
pub fn logins(app: &App, settings: &Settings) -> Result<Logins, AppError> {
    let secrets = app.secrets(settings)?;
    let egress = Egress::new(secrets.clone(), EgressSettings::default());
    host::logins(app, secrets, egress)
}
