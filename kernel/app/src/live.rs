//! Says when something has happened: a fact in a journal, a change of the queue, a question, in whichever process. Nobody
//! looks again and again: the system tells of each write to the database.

use std::{io, time::Duration};

use openkoi_brokers::{
    changes::{Changes, Depth},
    clock::SystemClock,
};
use openkoi_storage::opener;

use crate::{app::App, error::AppError, served};

/// How often it is looked where the system tells of no changes.
const GLANCE: Duration = Duration::from_millis(500);

/// Tells of what happens in the home.
pub struct Live {
    changes: Option<Changes>,
}

impl Live {
    /// Begins to listen. Where the system has no room for it, each wait ends after a moment.
    ///
    /// # Errors
    ///
    /// When the storage cannot be opened.
    pub fn listen(app: &App) -> Result<Self, AppError> {
        // There has to be a database to be told of.
        app.storage()?;
        Ok(Self::of(Changes::of(app.paths()?.data(), Depth::Entries, |path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let is_log = |name: &str| name.strip_prefix(opener::FILE) == Some("-wal");
            // Whoever holds a connection open is to see that its token holds no more.
            name.is_some_and(|name| is_log(name) || name == served::TOKEN_FILE)
        })))
    }

    fn of(changes: io::Result<Changes>) -> Self {
        if let Err(error) = &changes {
            tracing::warn!(%error, "the system does not tell of changes; they are looked for");
        }
        Self { changes: changes.ok() }
    }

    /// Waits until something may have happened since the last call.
    pub async fn next(&self) {
        match &self.changes {
            Some(changes) => changes.next().await,
            None => SystemClock.sleep(GLANCE).await,
        }
    }
}
