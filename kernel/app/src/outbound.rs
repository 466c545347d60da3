//! The way out of the process: credentials, the egress broker that sends them, and the logins that
//! renew them.

use std::{path::Path, sync::Arc};

use openkoi_brokers::{clock::SystemClock, egress::Egress, oauth::Logins, secrets::SecretStore};

use crate::{error::AppError, route::Route};

/// Credentials, egress and logins that know the same secrets. Clones share them.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) secrets: SecretStore,
    pub(crate) egress: Egress,
    pub(crate) logins: Logins,
}

impl Outbound {
    /// Returns the way out with the credentials of `secrets` and the logins of `home`.
    ///
    /// # Errors
    ///
    /// When the route cannot be taken.
    pub(crate) fn new(home: &Path, secrets: SecretStore, route: &Route) -> Result<Self, AppError> {
        let egress = Egress::new(secrets.clone(), route.settings()?);
        let logins = Logins::new(home, egress.clone(), secrets.clone(), Arc::new(SystemClock));
        Ok(Self { secrets, egress, logins })
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}
