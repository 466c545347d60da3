//! Asks providers for their lists of models, over the network.

use std::{sync::Arc, time::Duration};

use openkoi_core::model::ModelTrouble;
use openkoi_host::kinds::provider::CatalogModels;

use super::{Connection, listing::Listing, setup::listers};
use crate::{app::App, error::AppError, settings::Settings, thread};

/// The longest wait for the lists of all providers together.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait for a server on this machine that may not exist.
pub(crate) const GLANCE: Duration = Duration::from_millis(500);

/// The longest wait for a server on this machine that is said to be there.
const LOOK: Duration = Duration::from_secs(2);

/// The answer of one provider.
#[derive(Debug)]
pub struct ListingAnswer {
    /// The name of the provider.
    pub provider: String,
    /// The list, or one line that says why there is none.
    pub listing: Result<Listing, String>,
    /// True if nothing answered at all.
    pub is_silent: bool,
}

/// Returns the names of those servers on this machine at whose address nothing answers.
///
/// # Errors
///
/// As [`ask`].
pub fn silent(
    app: &App,
    settings: &Settings,
    connections: &[Connection],
) -> Result<Vec<String>, AppError> {
    let here: Vec<Connection> =
        connections.iter().filter(|one| one.is_on_this_machine()).cloned().collect();
    let answers = ask(app, settings, &here, LOOK)?.into_iter();
    Ok(answers.filter(|answer| answer.is_silent).map(|answer| answer.provider).collect())
}

/// Asks all of `connections` at once, and saves the lists. A provider that does not answer within
/// `patience` counts as failed.
///
/// # Errors
///
/// When there is no home, or the providers are set up wrongly.
pub fn ask(
    app: &App,
    settings: &Settings,
    connections: &[Connection],
    patience: Duration,
) -> Result<Vec<ListingAnswer>, AppError> {
    if connections.is_empty() {
        return Ok(Vec::new());
    }
    let outbound = app.outbound(settings)?;
    let models = Arc::new(listers(app, settings, connections, outbound)?);
    let now_ms = app.now_ms();
    let home = app.paths()?.home();
    // A conversation has an async runtime already, and two runtimes cannot share a thread.
    let asking = || thread::block(all(&models, connections, patience, now_ms));
    let answers = std::thread::scope(|scope| scope.spawn(asking).join());
    let answers = answers.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    for answered in &answers {
        if let Ok(listing) = &answered.listing {
            keep(listing, home, &answered.provider);
        }
    }
    Ok(answers)
}

/// Asks all at once. The answers are in the order of the connections.
async fn all(
    models: &Arc<CatalogModels>,
    connections: &[Connection],
    patience: Duration,
    now_ms: u64,
) -> Result<Vec<ListingAnswer>, AppError> {
    let mut running = tokio::task::JoinSet::new();
    for (index, connection) in connections.iter().enumerate() {
        let (models, connection) = (Arc::clone(models), connection.clone());
        running.spawn(async move { (index, list(&models, &connection, patience, now_ms).await) });
    }
    let mut answers = running.join_all().await;
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answered)| answered).collect())
}

/// Asks the providers of `stale` again, in the background, and saves the lists.
pub fn renew(
    models: &Arc<CatalogModels>,
    stale: &[Connection],
    home: &std::path::Path,
    now_ms: u64,
) {
    for connection in stale {
        let (models, connection) = (Arc::clone(models), connection.clone());
        let home = home.to_owned();
        tokio::spawn(async move {
            let answered = list(&models, &connection, PATIENCE, now_ms).await;
            if let Ok(listing) = &answered.listing {
                keep(listing, &home, &answered.provider);
            }
        });
    }
}

async fn list(
    models: &CatalogModels,
    connection: &Connection,
    patience: Duration,
    now_ms: u64,
) -> ListingAnswer {
    let provider = connection.name.clone();
    let listed = tokio::time::timeout(patience, models.list_models(&provider)).await;
    let is_silent = match &listed {
        Ok(Ok(_)) => false,
        Ok(Err(error)) => error.kind == ModelTrouble::Unreachable,
        Err(_) => true,
    };
    let listing = match listed {
        Ok(Ok(offered)) => Ok(Listing::new(&connection.base_url, now_ms, offered)),
        Ok(Err(error)) => Err(error.message),
        Err(_) => Err(format!("`{provider}` did not answer within {} s", patience.as_secs_f64())),
    };
    ListingAnswer { provider, listing, is_silent }
}

/// Saves a list. A failure is only logged, because the list can be asked for again.
fn keep(listing: &Listing, home: &std::path::Path, provider: &str) {
    if let Err(error) = listing.keep(home, provider) {
        tracing::warn!(provider, %error, "the list of models cannot be kept");
    }
}
