//! Says when something has happened: a fact in a journal, a change of the queue, a question, in whichever process. Nobody
//! looks again and again: the system tells of each write to the database.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use openkoi_brokers::{
    changes::{Changes, Depth},
    clock::SystemClock,
    disk,
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

/// Tells of what happens in a home that may be empty still, for whoever only looks: nothing is made in it.
pub struct LiveHome<'a> {
    app: &'a App,
    live: Live,
    /// False while the database is waited for.
    is_there: bool,
}

impl<'a> LiveHome<'a> {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// When there is no home, or its storage cannot be opened.
    pub fn listen(app: &'a App) -> Result<Self, AppError> {
        let (live, is_there) = begin(app)?;
        Ok(Self { app, live, is_there })
    }

    /// Waits until something may have happened since the last call.
    ///
    /// # Errors
    ///
    /// When a storage that is there now cannot be opened.
    pub async fn next(&mut self) -> Result<(), AppError> {
        self.live.next().await;
        if !self.is_there {
            (self.live, self.is_there) = begin(self.app)?;
        }
        Ok(())
    }
}

/// Listens to the database, or else to the nearest directory above it. Returns whether it is there.
fn begin(app: &App) -> Result<(Live, bool), AppError> {
    let data = app.paths()?.data();
    let nearest =
        || data.ancestors().find(|path| disk::is_directory(path)).unwrap_or(Path::new("/"));
    loop {
        let above = nearest();
        let live = Live::of(Changes::of(above, Depth::Entries, |_| true));
        // It is looked after the watch began, so that nothing is missed in between.
        if app.existing_storage()?.is_some() {
            return Ok((Live::listen(app)?, true));
        }
        if nearest() == above {
            return Ok((live, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::{
        environment::Environment,
        handed::{self, HandedRequest, NewTask},
    };

    use super::*;

    async fn is_told(live: &mut LiveHome<'_>) -> bool {
        tokio::time::timeout(Duration::from_secs(10), live.next()).await.is_ok()
    }

    #[tokio::test]
    async fn the_first_task_of_an_empty_home_is_told_of_and_each_one_after_it() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("home");
        let app =
            || App::new(Environment::of([("OPENKOI_HOME", place.to_str().unwrap())], home.path()));
        let (seen, other) = (app(), app());
        let mut live = LiveHome::listen(&seen).unwrap();
        assert!(!place.exists());

        let request = HandedRequest::default();
        let task = NewTask {
            text: "feed the fish",
            workspace: home.path(),
            session: None,
            request: &request,
            priority: 0,
            key: None,
        };
        handed::submit(&other, task.clone()).unwrap();
        while !live.is_there {
            assert!(is_told(&mut live).await);
        }
        while tokio::time::timeout(Duration::from_secs(3), live.next()).await.is_ok() {}

        handed::submit(&other, task).unwrap();
        assert!(is_told(&mut live).await);
    }

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
