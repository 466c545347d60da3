//! A model of a provider as the embedder.

use std::sync::Arc;

use openkoi_core::{
    failure::Failure,
    port::{Embedder, Pending, Purpose, Vectors},
};

use super::{CatalogModels, Route, exchange};

/// The most texts of one request: what all providers take.
const MOST_TEXTS: usize = 96;

/// A model that turns texts into vectors at its provider.
#[derive(Clone, Debug)]
pub struct ProviderEmbedder {
    models: Arc<CatalogModels>,
    route: Route,
}

impl ProviderEmbedder {
    /// Takes this model. Nothing is asked yet.
    #[must_use]
    pub fn new(models: Arc<CatalogModels>, route: Route) -> Self {
        Self { models, route }
    }

    async fn embedded(&self, texts: &[String]) -> Result<Vectors, Failure> {
        let CatalogModels { shared, providers, .. } = &*self.models;
        let provider = providers.get(&self.route.provider);
        let unknown = || Failure::NotFound(format!("the provider `{}`", self.route.provider));
        let provider = provider.ok_or_else(unknown)?;
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
        for some in texts.chunks(MOST_TEXTS) {
            let made = exchange::embeddings(shared, provider, &self.route.model, some).await;
            vectors.extend(made.map_err(|error| Failure::Failed(error.cause.message))?);
        }
        let length = vectors.first().map_or(0, Vec::len);
        let is_whole = |one: &Vec<f32>| {
            one.len() == length && length > 0 && one.iter().all(|number| number.is_finite())
        };
        if vectors.len() != texts.len() || !vectors.iter().all(is_whole) {
            let what = format!("`{}` made vectors of another kind or number", self.route);
            return Err(Failure::Failed(what));
        }
        Ok(Vectors { model: self.route.to_string(), vectors })
    }
}

impl Embedder for ProviderEmbedder {
    fn is_ready(&self) -> bool {
        true
    }

    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        _: Purpose,
    ) -> Pending<'a, Result<Vectors, Failure>> {
        Box::pin(self.embedded(texts))
    }
}
