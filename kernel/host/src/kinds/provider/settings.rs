//! What the user set up: providers, and which model does what.

use std::{collections::BTreeMap, fmt, sync::Arc};

use openkoi_brokers::{oauth::Login, secrets::SecretSource};
use serde_json::Value;

use crate::manifest::Inject;

/// Draws a number from 0 to 1, for waits that must not coincide.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A provider as the user set it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The name it goes by.
    pub name: String,
    /// The component that speaks its wire format.
    pub component: String,
    /// Where it is, unless where the manifest says.
    pub base_url: Option<String>,
    /// Settings for the codec, those that are files already read.
    pub options: Vec<(String, String)>,
    /// Where its key is looked for. Empty: the variables of the manifest (only if `base_url` is the
    /// manifest's own), then the stored credential of its name.
    pub credential: Vec<SecretSource>,
    /// How the token of a [`SecretSource::Login`] among them is kept fresh.
    pub login: Option<Login>,
    /// Headers that go with each request.
    pub headers: Vec<(String, String)>,
    /// Where its credential goes, unless where the manifest says.
    pub inject: Option<Inject>,
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The provider's name.
    pub provider: String,
    /// The model's id.
    pub model: String,
}

/// Everything that says which model does what.
#[derive(Clone)]
pub struct ModelSettings {
    /// The providers.
    pub providers: Vec<ProviderSettings>,
    /// The routes of a role, the first before its substitutes. A role without any has those of the executor.
    pub roles: BTreeMap<String, Vec<Route>>,
    /// What is known of models, in the models.dev shape.
    pub catalogue: Value,
    /// For waits that must not coincide.
    pub chance: Chance,
}

impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings").field("roles", &self.roles).finish_non_exhaustive()
    }
}
