//! The meaning of what is remembered: which embedder makes vectors of it, and when.
//!
//! The embedder comes as WebAssembly and is compiled where it is first used, which takes half a second. Nobody waits for that
//! who did not ask for a meaning: a task is told what its words find until vectors are there, and these are made beside it.
//! With `roles.embedder` a model of a provider makes them instead, and a task waits for its answer only briefly.

use std::{path::Path, sync::Arc, time::Duration};

use openkoi_brokers::clock::SystemClock;
use openkoi_core::{
    failure::Failure,
    ledger::Charge,
    port::{Charges, Embedder, Purpose, Vectors},
};
use openkoi_host::{
    Host,
    kinds::{
        embedder::CatalogEmbedder,
        provider::{CatalogModels, embedding::ProviderEmbedder},
    },
};
use openkoi_storage::Storage;

use crate::{
    app::App,
    error::AppError,
    host::{self, Kept},
    models::{self, EMBEDDER, Routes},
    settings::Settings,
    thread,
};

/// The number of texts that are embedded and kept at once.
const PORTION: usize = 256;
/// The most portions that are made in a row.
const MOST_PORTIONS: usize = 16;
/// The longest that somebody waits for a provider to turn a question into a vector.
const PATIENCE: Duration = Duration::from_secs(2);
/// The bytes of a question that count.
const MOST_BYTES: usize = 8_192;
/// The name of the thread that makes vectors.
const THREAD: &str = "embedding";

/// What turns texts into vectors.
#[derive(Clone)]
pub struct Meaning {
    embedder: Arc<dyn Embedder>,
    /// True if a provider is asked, over the network.
    is_remote: bool,
}

/// Keeps what requests of the embedder take.
struct StoredCharges(Arc<Storage>);

impl Charges for StoredCharges {
    fn charge(&self, charge: Charge) {
        if let Err(error) = self.0.charge(&charge, SystemClock.now_ms()) {
            tracing::warn!(%error, model = charge.model, "what vectors cost is not kept");
        }
    }
}

impl std::fmt::Debug for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meaning").field("is_remote", &self.is_remote).finish_non_exhaustive()
    }
}

impl Meaning {
    /// Takes the model of these routes, or else the embedder of the host, if there is one. Nothing is loaded yet. What requests
    /// take is kept in the storage.
    pub(crate) fn new(
        host: &Host,
        models: &Arc<CatalogModels>,
        routes: &Routes,
        storage: &Arc<Storage>,
    ) -> Option<Self> {
        match routes.roles.get(EMBEDDER).and_then(|chain| chain.first()) {
            Some(route) => {
                let charges = Arc::new(StoredCharges(Arc::clone(storage)));
                let (models, route) = (Arc::clone(models), route.clone());
                let embedder = ProviderEmbedder::new(models, EMBEDDER, route, charges);
                Some(Self { embedder: Arc::new(embedder), is_remote: true })
            }
            None => Self::of_host(host),
        }
    }

    fn of_host(host: &Host) -> Option<Self> {
        Some(Self { embedder: Arc::new(CatalogEmbedder::of(host)?), is_remote: false })
    }

    /// Takes the embedder of an application, for what is not a task in this workspace.
    ///
    /// # Errors
    ///
    /// When there is no home, the settings cannot be read, or a model is configured that cannot be used.
    pub fn of(app: &App, workspace: &Path) -> Result<Option<Self>, AppError> {
        let settings = app.settings(workspace, |_| Ok(()))?;
        let (outbound, storage) = (app.outbound(&settings)?, app.storage()?);
        let host = host::host(app, &settings, Kept::of(&storage), outbound, app.paths()?.data())?;
        match settings.roles.contains_key(EMBEDDER) {
            true => Self::of_provider(app, &settings, &host, &storage),
            false => Ok(Self::of_host(&host)),
        }
    }

    fn of_provider(
        app: &App,
        settings: &Settings,
        host: &Host,
        storage: &Arc<Storage>,
    ) -> Result<Option<Self>, AppError> {
        let connections = models::discover(app, settings)?;
        let catalogue = models::catalogue(app, &connections)?;
        let routes = connections.routes(settings, &catalogue)?;
        let models = CatalogModels::new(host, models::model_settings(&routes, &catalogue, None)?)?;
        Ok(Self::new(host, &Arc::new(models), &routes, storage))
    }

    /// Returns whether a question can be turned into a vector without keeping a task waiting for long.
    pub(crate) fn is_ready(&self) -> bool {
        self.embedder.is_ready()
    }

    /// Returns whether vectors of what was just written can be made at little cost.
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        !self.is_remote && self.embedder.is_ready()
    }

    /// Returns what somebody looks for as a vector; nothing if none can be made, which the log says.
    pub(crate) async fn of_question(&self, text: &str) -> Option<Vectors> {
        let text = text[..text.floor_char_boundary(MOST_BYTES)].trim();
        if text.is_empty() {
            return None;
        }
        let text = [text.to_owned()];
        let made = self.embedder.embed(&text, Purpose::Query);
        let made = match self.is_remote {
            true => match tokio::time::timeout(PATIENCE, made).await {
                Ok(made) => made,
                Err(_) => Err(Failure::Failed("it did not answer in time".to_owned())),
            },
            false => made.await,
        };
        made.inspect_err(|error| tracing::warn!(%error, "what is asked for is not embedded")).ok()
    }

    /// Returns what is looked for as vectors. Without texts, these say which model it is.
    pub(crate) async fn of_passages(&self, texts: &[String]) -> Result<Vectors, AppError> {
        let made = self.embedder.embed(texts, Purpose::Passage).await;
        made.map_err(AppError::Embedder)
    }

    /// Makes vectors of what has none of this model, a bounded number, the newest first.
    ///
    /// # Errors
    ///
    /// When the embedder cannot be used, or the database cannot be read or written.
    pub async fn catch_up(&self, storage: &Storage) -> Result<(), AppError> {
        let model = self.of_passages(&[]).await?.model;
        for _ in 0..MOST_PORTIONS {
            let some = storage.unembedded(&model, PORTION)?;
            if some.is_empty() {
                return Ok(());
            }
            let texts: Vec<String> = some.iter().map(|one| one.text.clone()).collect();
            storage.keep_vectors(&some, &self.of_passages(&texts).await?)?;
        }
        Ok(())
    }

    /// Makes vectors as [`Meaning::catch_up`] does, on a thread of its own that nobody waits for.
    pub(crate) fn catch_up_beside(&self, storage: &Arc<Storage>) {
        let (own, storage) = (self.clone(), Arc::clone(storage));
        thread::beside(THREAD, move || {
            let done = thread::block(own.catch_up(&storage));
            if let Err(error) = done {
                tracing::warn!(%error, "what is remembered is not embedded");
            }
        });
    }
}
