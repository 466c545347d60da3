//! The user's providers, and the models of each role.

use std::{collections::BTreeMap, fmt, sync::Arc};

use openkoi_core::credential::{Inject, Login, SecretSource};
use serde_json::Value;

/// Draws a number from 0 to 1. Waits vary by it, so that clients do not retry at the same moment.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The price of a million tokens, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedPrice {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: Option<u64>,
    /// Tokens written to the cache.
    pub cache_write: Option<u64>,
}

/// A provider as the user set it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The name in the settings.
    pub name: String,
    /// The component with its wire format.
    pub component: String,
    /// The base URL, if it is not that of the manifest.
    pub base_url: Option<String>,
    /// Settings for the codec. Those that name a file hold its contents.
    pub options: Vec<(String, String)>,
    /// The sources of its key, in order. Empty means the variables of the manifest, if the base URL is the manifest's
    /// too, and then the saved credential of this name.
    pub credential: Vec<SecretSource>,
    /// The login that renews the token of a [`SecretSource::Login`] among them.
    pub login: Option<Login>,
    /// Headers to add to each request.
    pub headers: Vec<(String, String)>,
    /// The place of its credential in a request, if it is not that of the manifest.
    pub inject: Option<Inject>,
    /// The price of its models, if the user set one. It goes before every other.
    pub price: Option<OfferedPrice>,
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The provider's name.
    pub provider: String,
    /// The model's id.
    pub model: String,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// The providers, and the models of each role.
#[derive(Clone)]
pub struct ModelSettings {
    /// The providers.
    pub providers: Vec<ProviderSettings>,
    /// The routes of a role: the first, then its substitutes. A role without routes has those of the executor.
    pub roles: BTreeMap<String, Vec<Route>>,
    /// Limits and prices of known models, in the models.dev shape.
    pub catalogue: Value,
    /// The most tokens that a model writes in one turn whose own limit the catalogue does not know. Absent: what all
    /// current models can.
    pub output: Option<u64>,
    /// Varies the waits between attempts.
    pub chance: Chance,
}

impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings").field("roles", &self.roles).finish_non_exhaustive()
    }
}
