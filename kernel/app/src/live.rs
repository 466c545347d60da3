//! Says when something has happened: a fact in a journal, a change of the queue, a question, in whichever process. Nobody
//! looks again and again: the system tells of each write to the database.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use openkoi_brokers::{
    changes::{Changes, Depth},
    clock::SystemClock,
};
use openkoi_storage::opener;

use crate::{app::App, error::AppError, served};

/// How often it is looked where the system tells of no changes.
const GLANCE: Duration = Duration::from_millis(500);

/// When it is worth looking again after a change that was told of: the system tells of the write, and what was written can
/// be read only once the disk has it and the transaction is over.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(2)];

/// Tells of what happens in the home.
pub struct Live {
    changes: Option<Changes>,
    /// How often it was looked again since the last change.
    again: AtomicUsize,
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
        Self { changes: changes.ok(), again: AtomicUsize::new(AGAIN.len()) }
    }

    /// Waits until something may have happened since the last call. After a change it returns a few times more, and then
    /// not until the next one.
    pub async fn next(&self) {
        let Some(changes) = &self.changes else { return SystemClock.sleep(GLANCE).await };
        let looks = self.again.load(Ordering::Relaxed);
        let Some(after) = AGAIN.get(looks) else {
            changes.next().await;
            return self.again.store(0, Ordering::Relaxed);
        };
        let looks = tokio::select! {
            () = changes.next() => 0,
            () = SystemClock.sleep(*after) => looks + 1,
        };
        self.again.store(looks, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn after_a_change_it_is_looked_again_until_what_was_written_can_be_read() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("openkoi.db-wal");
        let live = Live::of(Changes::of_file(&file));
        let comes = async |within| tokio::time::timeout(within, live.next()).await.is_ok();

        fs::write(&file, "a").unwrap();

        for _ in 0..=AGAIN.len() {
            assert!(comes(Duration::from_secs(10)).await);
        }
        // The file was made and written, which may have been told of twice; no more is told for ever.
        while comes(Duration::from_secs(3)).await {}
    }
}
