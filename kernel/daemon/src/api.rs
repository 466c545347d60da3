//! The API: one table of routes, from which both the server and its OpenAPI document are made.
//!
//! | module | does |
//! |---|---|
//! | `routes` | the table |
//! | `route` | what a route is, and a call of it |
//! | `guard` | who may come in |
//! | `serve` | connections, and calls through guard and table |
//! | `problem` | errors, as RFC 9457 has them |
//! | `openapi` | the description |
//! | `types` | what goes over the wire |
//! | `page` | the web page, which is no part of the table |
//! | `tasks`, `events`, `approvals`, `sessions`, `overview`, `knowledge` | the answers |

mod approvals;
mod events;
mod guard;
mod knowledge;
mod openapi;
mod overview;
mod page;
mod problem;
mod route;
mod routes;
mod serve;
mod sessions;
mod tasks;
mod types;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_app::{app::App, error::AppError, settings::Settings};
use openkoi_storage::Storage;
use tokio::sync::watch;

pub use serve::Server;

/// What all calls share.
pub(crate) struct Api {
    app: Arc<App>,
    storage: Arc<Storage>,
    settings: Settings,
    /// Names of models that cost nothing because they are played.
    played: Vec<String>,
    guard: guard::Guard,
    /// Codes that were used, with until when they would hold.
    codes: Mutex<HashMap<String, u64>>,
    /// Moves when something has happened in the home.
    changed: watch::Receiver<u64>,
    /// True once the daemon ends.
    stop: watch::Receiver<bool>,
    started_ms: u64,
}

impl Api {
    fn new(
        app: &Arc<App>,
        settings: &Settings,
        changed: watch::Receiver<u64>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, AppError> {
        Ok(Self {
            app: Arc::clone(app),
            storage: app.storage()?,
            played: openkoi_app::models::playing(app, settings)?,
            guard: guard::Guard::new(app, settings)?,
            settings: settings.clone(),
            codes: Mutex::default(),
            changed,
            stop,
            started_ms: app.now_ms(),
        })
    }

    /// Uses a code. Returns false if it was used before.
    fn uses(&self, once: String, until_ms: u64) -> bool {
        let now_ms = self.app.now_ms();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, until_ms| *until_ms > now_ms);
        codes.insert(once, until_ms).is_none()
    }
}
