//! Which provider and which model do the work.
//!
//! Everything here is a function of values: what is configured, what the catalog offers, and which credentials
//! are there. Nothing is asked over the network and no vendor is known by name. [`connect`] finds the
//! providers that can be used, in the order: those of the configuration as they stand in the file, then those
//! of the catalog with a credential, as they stand in the catalog. [`Connections::routes`] gives every role
//! its models, and [`resolve`] does both.

mod catalogue;
mod connect;
mod error;
mod login;
mod select;

pub use catalogue::Catalogue;
pub use connect::{Connection, Connections, Found, OptionValue, connect};
pub use error::ModelsError;

use std::collections::BTreeMap;

use openkoi_brokers::secrets::{SecretSource, SecretStore};
use openkoi_components::Embedded;
use openkoi_core::message::Role;
use openkoi_host::manifest::Manifest;

use crate::{error::CommandError, settings::Settings};

/// The roles of the loop, each of which has a model.
pub const ROLES: [&str; 3] = [Role::PLANNER, Role::EXECUTOR, Role::EVALUATOR];

/// One model of one provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The name of the connection.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What each role resolves to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The connections that the roles use, each once.
    pub connections: Vec<Connection>,
    /// By role: the model, then those to try when it is unavailable. Never empty.
    pub roles: BTreeMap<String, Vec<Route>>,
    /// By role: what decided, for example a line of the configuration.
    pub origins: BTreeMap<String, String>,
}

/// Finds the connections and gives every role its models.
///
/// # Errors
///
/// When there is no provider, or a model that was asked for cannot be used.
pub fn resolve(
    settings: &Settings,
    manifests: &[Manifest],
    has: &dyn Fn(&SecretSource) -> bool,
    catalogue: &Catalogue,
) -> Result<Routes, ModelsError> {
    connect(settings, manifests, has)?.routes(settings, catalogue)
}

/// Returns the manifests of the bundled providers.
///
/// # Errors
///
/// A manifest that the build let through and the host does not; it is a defect of this program.
pub fn manifests(components: &[Embedded]) -> Result<Vec<Manifest>, CommandError> {
    let providers = components.iter().filter(|component| component.kind == "provider");
    let parsed = providers.map(|component| {
        Manifest::parse(component.manifest).map_err(|error| {
            CommandError::failed(format!("the component `{}` is unfit: {error}", component.name))
        })
    });
    parsed.collect()
}

/// Returns a function that tells whether a credential is there, without reading it.
pub fn credentials(store: &SecretStore) -> impl Fn(&SecretSource) -> bool + '_ {
    |source| store.has(std::slice::from_ref(source))
}
