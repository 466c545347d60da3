//! Asks providers which models they have. Nothing else here asks the network anything.

use std::{sync::Arc, time::Duration};

use openkoi_host::kinds::provider::Models;

use super::{Connection, listing::Listing, setup::listers};
use crate::{app::App, error::AppError, settings::Settings, thread};

/// How long all providers together are waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server on this machine is waited for that nobody said is there.
pub const GLANCE: Duration = Duration::from_millis(500);

/// What a provider answered.
#[derive(Debug)]
pub struct ListingAnswer {
    /// Its name.
    pub provider: String,
    /// Its list, or why there is none, in one line.
    pub listing: Result<Listing, String>,
}

/// Asks all of `connections` at once, and keeps what they list. Whoever does not answer within `patience` has no
/// list.
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
    let secrets = app.secrets(settings)?;
    let models = Arc::new(listers(app, settings, connections, secrets)?);
    let now_ms = app.now_ms();
    let home = app.paths()?.home();
    // A conversation has a runtime of its own already, and two do not share a thread.
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

/// Asks all at once, and returns the answers in the order of the connections.
async fn all(
    models: &Arc<Models>,
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
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answered)| answered).collect())
}

/// Asks again, while something else is done, those whose kept list is no longer fresh. Whoever was never asked is
/// not asked now.
pub fn renew(models: &Arc<Models>, stale: &[Connection], home: &std::path::Path, now_ms: u64) {
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
    models: &Models,
    connection: &Connection,
    patience: Duration,
    now_ms: u64,
) -> ListingAnswer {
    let provider = connection.name.clone();
    let listed = tokio::time::timeout(patience, models.list_models(&provider)).await;
    let listing = match listed {
        Ok(Ok(offered)) => Ok(Listing::new(&connection.base_url, now_ms, offered)),
        Ok(Err(error)) => Err(error.message),
        Err(_) => Err(format!("`{provider}` did not answer within {} s", patience.as_secs_f64())),
    };
    ListingAnswer { provider, listing }
}

/// A list that cannot be kept is asked for again, which is no reason to end.
fn keep(listing: &Listing, home: &std::path::Path, provider: &str) {
    if let Err(error) = listing.keep(home, provider) {
        tracing::warn!(provider, %error, "the list of models cannot be kept");
    }
}
