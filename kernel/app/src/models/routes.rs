//! The models of each role, as a value.

use std::collections::{BTreeMap, BTreeSet};

use openkoi_core::message::Role;
use openkoi_host::kinds::provider::Route;

use super::connect::Connection;

/// The roles of the loop, each of which has a model.
pub const ROLES: [&str; 3] = [Role::PLANNER, Role::EXECUTOR, Role::EVALUATOR];
/// The role for small things that the quality of the work does not depend on.
pub const SMALL: &str = Role::SMALL;
/// The role that turns text into vectors. Unlike the others, it has a model only if one is configured.
pub const EMBEDDER: &str = "embedder";

/// The models of all roles, and the connections that serve them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The connections that the roles use, each once.
    pub connections: Vec<Connection>,
    /// The models by role: the first, then those to try when it is unavailable.
    pub roles: BTreeMap<String, Vec<Route>>,
    /// The reason of the choice by role, for example a line of the configuration.
    pub origins: BTreeMap<String, String>,
}

impl Routes {
    /// Returns pairs of the name under which a run looks up models, and the service whose models
    /// they are. A provider that offers another one's models has them under its own name.
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
