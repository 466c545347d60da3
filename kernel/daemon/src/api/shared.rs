//! What all calls share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_app::{app::App, error::AppError, settings::Settings};
use openkoi_storage::Storage;
use tokio::sync::watch;

use super::guard::Guard;

/// What all calls share.
pub(crate) struct Api {
    pub(crate) app: Arc<App>,
    pub(crate) storage: Arc<Storage>,
    pub(crate) settings: Settings,
    /// Names of models that cost nothing because they are played.
    pub(crate) played: Vec<String>,
    pub(crate) guard: Guard,
    /// Codes that were used, with until when they would hold.
    codes: Mutex<HashMap<String, u64>>,
    /// Moves when something has happened in the home.
    pub(crate) changed: watch::Receiver<u64>,
    /// True once the daemon ends.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) started_ms: u64,
    /// The API's own description, as JSON.
    pub(crate) description: String,
}

impl Api {
    pub(crate) fn new(
        app: &Arc<App>,
        settings: &Settings,
        changed: watch::Receiver<u64>,
        stop: watch::Receiver<bool>,
        description: String,
    ) -> Result<Self, AppError> {
        Ok(Self {
            app: Arc::clone(app),
            storage: app.storage()?,
            played: openkoi_app::models::playing(app, settings)?,
            guard: Guard::new(app, settings)?,
            settings: settings.clone(),
            codes: Mutex::default(),
            changed,
            stop,
            started_ms: app.now_ms(),
            description,
        })
    }

    /// Uses a code. Returns false if it was used before.
    pub(crate) fn uses(&self, once: String, until_ms: u64) -> bool {
        let now_ms = self.app.now_ms();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, until_ms| *until_ms > now_ms);
        codes.insert(once, until_ms).is_none()
    }
}
