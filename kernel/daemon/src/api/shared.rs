//! What all calls share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_app::{app::App, error::AppError, settings::Settings};
use openkoi_storage::{DatabaseVersion, Storage, VersionReader};
use tokio::sync::watch;

use super::{guard::Guard, problem::Problem};

/// How long an answer is kept although nothing was written, in milliseconds.
const KEPT_MS: u64 = 1_000;

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
    /// How the daemon stood when it was last asked.
    pub(crate) status: KeptAnswer,
}

/// An answer that is kept until something is written, or a while: what happened in the last hours changes by itself.
pub(crate) struct KeptAnswer {
    kept: Mutex<Kept>,
}

struct Kept {
    version: VersionReader,
    of: Option<(DatabaseVersion, u64)>,
    text: String,
}

impl KeptAnswer {
    fn new(version: VersionReader) -> Self {
        Self { kept: Mutex::new(Kept { version, of: None, text: String::new() }) }
    }

    /// Returns the answer, made anew if it may be another by now. The time is one that only goes forward.
    pub(crate) fn text(
        &self,
        now_ms: u64,
        make: impl FnOnce() -> Result<String, Problem>,
    ) -> Result<String, Problem> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let version = kept.version.now()?;
        let is_current =
            kept.of.is_some_and(|(of, at_ms)| of == version && now_ms < at_ms + KEPT_MS);
        if !is_current {
            // The version was read first, so that what is written meanwhile makes the answer old.
            kept.text = make()?;
            kept.of = Some((version, now_ms));
        }
        Ok(kept.text.clone())
    }
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
            status: KeptAnswer::new(app.storage()?.version_reader()),
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
