//! A model of a provider as the embedder.

use std::sync::Arc;

use openkoi_core::{
    failure::Failure,
    ledger::Charge,
    message::{Usage, tokens},
    port::{Charges, Embedder, Pending, Purpose, Vectors},
};

use super::{CatalogModels, Route, exchange};

/// The most texts of one request: what all providers take.
const MOST_TEXTS: usize = 96;
/// More tokens than any request ever took: a count past this is a fault of the provider.
const IMPOSSIBLE: u64 = 1 << 40;

/// A model that turns texts into vectors at its provider.
///
/// Each request is charged as a turn is: with the tokens that the provider counted, or else an estimate, at the model's price. It
/// belongs to no task: what is remembered is embedded once for all tasks, and a task's own text before the task begins.
#[derive(Clone)]
pub struct ProviderEmbedder {
    models: Arc<CatalogModels>,
    /// The role for which the model was named.
    role: &'static str,
    route: Route,
    charges: Arc<dyn Charges>,
}

impl ProviderEmbedder {
    /// Takes this model. Nothing is asked yet.
    #[must_use]
    pub fn new(
        models: Arc<CatalogModels>,
        role: &'static str,
        route: Route,
        charges: Arc<dyn Charges>,
    ) -> Self {
        Self { models, role, route, charges }
    }

    async fn embedded(&self, texts: &[String]) -> Result<Vectors, Failure> {
        let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
        for some in texts.chunks(MOST_TEXTS) {
            vectors.extend(self.asked(some).await?);
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

    /// Makes one request.
    async fn asked(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let CatalogModels { shared, providers, .. } = &*self.models;
        let provider = providers.get(&self.route.provider);
        let unknown = || Failure::NotFound(format!("the provider `{}`", self.route.provider));
        let provider = provider.ok_or_else(unknown)?;
        let mut request =
            EmbeddingRequest { embedder: self, estimate: estimate(texts), is_over: false };
        let made = exchange::embeddings(shared, provider, &self.route.model, texts).await;
        request.is_over = true;
        let made = made.map_err(|error| Failure::Failed(error.cause.message))?;
        request.charge(made.tokens.filter(|tokens| *tokens > 0));
        Ok(made.vectors)
    }
}

/// Returns how many tokens texts are, rather too high.
fn estimate(texts: &[String]) -> u64 {
    texts.iter().map(|text| tokens(text.len()) + 1).sum()
}

/// A request under way. One that nobody waits for any more was sent, and is charged as it is estimated.
struct EmbeddingRequest<'a> {
    embedder: &'a ProviderEmbedder,
    estimate: u64,
    is_over: bool,
}

impl EmbeddingRequest<'_> {
    fn charge(&self, told: Option<u64>) {
        let ProviderEmbedder { models, role, route, charges } = self.embedder;
        let input = told.map_or(self.estimate, |tokens| tokens.min(IMPOSSIBLE));
        let usage = Usage { input: Some(input), estimated: told.is_none(), ..Usage::default() };
        let card = models.card_of(route);
        let spent = card.takes(usage);
        charges.charge(Charge { role: (*role).to_owned(), model: card.name, usage, spent });
    }
}

impl Drop for EmbeddingRequest<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.charge(None);
        }
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
