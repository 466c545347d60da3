//! OpenKoi in the background: the queue and its workers, and the API.
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
//! | [`api`] | the API: routes, who may come in, and its own description |
#![warn(clippy::disallowed_methods)]

pub mod api;
mod choice;
mod supervisor;

use std::{path::PathBuf, sync::Arc, time::Duration};

use openkoi_app::{
    app::App, error::AppError, live::Live, own::DaemonState, pause, settings::Settings,
};
use openkoi_core::port::Cancellation;
use tokio::sync::watch;

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

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The application refused.
    #[error(transparent)]
    App(#[from] AppError),
    /// It cannot be reached as the settings say.
    #[error("{0}")]
    Settings(String),
    /// The port is taken.
    #[error("nobody can listen at {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
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
    let (stopping, stop) = watch::channel(false);
    let (telling, changed) = watch::channel(0_u64);
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
    let work = async { tokio::join!(supervisor.run(changed, stop), serving, end) };
    tokio::select! {
        _ = work => {}
        () = gather => {}
    }
    drop(place);
    Ok(())
}

/// Waits until the daemon ends.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever would say so is gone with the daemon.
    let _is_over = stop.wait_for(|stop| *stop).await.is_ok();
}
