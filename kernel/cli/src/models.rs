//! Which provider and which model do the work.
//!
//! The choice is a function of values: what is configured, what the catalog offers, and which credentials are
//! there; no vendor is known by name. [`mod@connect`] finds the providers that can be used, in the order: those of
//! the configuration as they stand in the file, then those of the catalog with a credential, as they stand in
//! the catalog. [`Connections::routes`] gives every role its models, and [`resolve`] does both. Only [`ask()`]
//! and [`probe()`] go over the network: the one where somebody wants to see a provider's list, the other where
//! nothing is connected and a server on this machine may be. [`renew`] asks again, beside a task, for a list that
//! somebody wanted to see before.

mod ask;
mod catalogue;
mod connect;
mod error;
mod listing;
mod login;
mod pick;
mod place;
mod probe;
mod select;

pub use ask::{Answered, PATIENCE, Stateless, ask, renew};
pub use catalogue::{Catalogue, Facts};
pub use connect::{Connection, Connections, Found, OptionValue, connect};
pub use error::ModelsError;
pub use listing::Listing;
pub use pick::pick;
pub use place::place;
pub use probe::probe;

use std::collections::{BTreeMap, BTreeSet};

use openkoi_brokers::secrets::{SecretSource, SecretStore};
use openkoi_components::Embedded;
use openkoi_core::message::Role;
use openkoi_host::manifest::Manifest;

use crate::{consents::Consents, error::CommandError, settings::Settings};

/// The roles of the loop, each of which has a model.
pub const ROLES: [&str; 3] = [Role::PLANNER, Role::EXECUTOR, Role::EVALUATOR];
/// The role of small things that no quality depends on.
pub const SMALL: &str = "small";
/// The role that turns text into vectors. The one role that may have no model.
pub const EMBEDDER: &str = "embedder";

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

impl Routes {
    /// Returns under which names the run looks for what is known of models, and whose models those are: a
    /// provider that offers another one's models has them under its own name.
    pub fn services(&self) -> impl Iterator<Item = (&str, &str)> {
        let components = self.connections.iter().map(|one| &*one.component);
        let names = self.connections.iter().map(|one| (&*one.name, one.key()));
        components.map(|name| (name, name)).chain(names)
    }

    /// Returns the models of all roles.
    pub fn models(&self) -> BTreeSet<&str> {
        self.roles.values().flatten().map(|route| route.model.as_str()).collect()
    }
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

/// Returns a function that tells whether a credential is there and may be read, without reading it.
pub fn credentials<'a>(
    store: &'a SecretStore,
    consents: &'a Consents,
) -> impl Fn(&SecretSource) -> bool + 'a {
    |source| {
        let is_there = || store.has(std::slice::from_ref(source)) || source.may_be_in_keychain();
        consents.allow(source) && is_there()
    }
}
