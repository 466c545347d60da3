//! The models that are known by name, from the bundled list in the models.dev shape.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::CommandError;

/// Names of models by service. Prices and limits in the same list are the host's business.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Catalogue {
    #[serde(default)]
    providers: BTreeMap<String, Service>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Service {
    #[serde(default)]
    models: BTreeMap<String, serde::de::IgnoredAny>,
}

impl Catalogue {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// When it is not of the expected shape; it is a defect of this program.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let broken = |error| CommandError::failed(format!("the list of models is broken: {error}"));
        serde_json::from_str(text).map_err(broken)
    }

    /// Returns the names of a service's models, sorted.
    pub fn models(&self, service: &str) -> impl Iterator<Item = &str> {
        let service = self.providers.get(service);
        service.into_iter().flat_map(|service| service.models.keys().map(String::as_str))
    }
}
