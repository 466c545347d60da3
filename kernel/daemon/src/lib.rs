//! OpenKoi in the background: the queue and its workers, what begins by itself, what is told outside, and the API.
//!
//! The database is what all processes have in common. A surface writes a row (a task for the queue, an answer, a wish to
//! cancel); the system tells the daemon that the database has changed, and it does the rest. So nothing is lost when the
//! daemon dies, and nobody has to reach it to hand it something. Each task runs in a process of its own: a fault ends that
//! task alone.
//!
//! | module | does |
//! |---|---|
//! | `choice` | which task goes next |
//! | `supervisor` | from the queue to workers and back |
//! | [`schedules`], [`watch`] | begin what is due by time, or because files changed |
//! | [`webhooks`] | sends what the outbox holds |
//! | `alerts` | tells a person on their desktop what they are needed for |
//! | `repose` | gives memory back while nothing happens |
//! | [`api`] | the API: routes, who may come in, and its own description |
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod alerts;
pub mod api;
mod choice;
mod ending;
mod error;
mod repose;
pub mod schedules;
mod supervisor;
#[cfg(test)]
mod testing;
mod wait;
pub mod watch;
pub mod webhooks;

use std::{path::PathBuf, sync::Arc, time::Duration};

use openkoi_app::{
    app::App,
    error::AppError,
    live::Live,
    own::DaemonState,
    pause,
    settings::Settings,
    wall_clock::{SystemWallClock, WallClock},
};
use openkoi_core::port::Cancellation;
use tokio::sync;

pub use error::DaemonError;

use crate::{api::Server, supervisor::Supervisor};

/// How long changes are gathered before anybody is told: a running task writes many times a second.
const GATHERED: Duration = Duration::from_millis(50);

/// What the daemon needs of who starts it.
pub struct Start {
    /// This program, for the workers.
    pub program: PathBuf,
    /// The settings, without those of a project.
    pub settings: Settings,
    /// Says when it is to end.
    pub cancellation: Arc<dyn Cancellation>,
    /// Is told when it is ready for requests.
    pub ready: Box<dyn FnOnce(&DaemonState) + Send>,
}

/// Runs until it is cancelled: then tasks pause, open requests are answered, and nothing is lost.
///
/// # Errors
///
/// When another daemon runs in this home, or the settings do not let it be reached.
pub async fn run(app: &Arc<App>, start: Start) -> Result<(), DaemonError> {
    let Start { program, settings, cancellation, ready } = start;
    let storage = app.storage().map_err(DaemonError::from)?;
    let place = storage.claim_daemon().map_err(AppError::from)?;
    let live = Live::listen(app)?;
    let (stopping, stop) = sync::watch::channel(false);
    let (telling, changed) = sync::watch::channel(0_u64);
    let mut supervisor = Supervisor::new(app, program, &settings)?;
    let server = Server::listen(app, &settings, changed.clone(), stop.clone()).await?;
    let state = DaemonState {
        pid: std::process::id(),
        url: server.as_ref().map(Server::url),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_ms: app.now_ms(),
    };
    state.write(app)?;
    ready(&state);
    let serving = async {
        if let Some(server) = server {
            server.run().await;
        }
    };
    let end = async {
        cancellation.cancelled().await;
        stopping.send_replace(true);
    };
    let gather = async {
        loop {
            live.next().await;
            telling.send_modify(|number| *number += 1);
            pause(GATHERED).await;
        }
    };
    let clock: Arc<dyn WallClock> = Arc::new(SystemWallClock);
    let by_time = schedules::run(Arc::clone(app), Arc::clone(&clock), changed.clone());
    let by_files = watch::run(Arc::clone(app), Arc::clone(&clock), changed.clone());
    let to_person = alerts::run(Arc::clone(app), settings.alerts.clone(), changed.clone());
    let at_rest = repose::run(changed.clone());
    let outside = webhooks::run(Arc::clone(app), clock, changed.clone());
    let work = async { tokio::join!(supervisor.run(changed, stop), serving, end) };
    tokio::select! {
        _ = work => {}
        () = gather => {}
        () = by_time => {}
        () = by_files => {}
        () = outside => {}
        () = to_person => {}
        () = at_rest => {}
    }
    drop(place);
    Ok(())
}
