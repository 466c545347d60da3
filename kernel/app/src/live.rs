//! Tells when somebody, in this process or another, has written to the database. Nobody has to look again and again.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    changes::{Changes, Depth},
    disk,
};
use openkoi_storage::opener;

use crate::{app::App, error::AppError};

/// What is written to the database of a home, which need not be there yet.
pub struct Live {
    data: PathBuf,
    changes: Changes,
    /// False while the directory of the database is waited for.
    is_there: bool,
}

impl Live {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// When there is no home, or the system has no room for more watches.
    pub fn of(app: &App) -> Result<Self, AppError> {
        let data = app.paths()?.data().to_owned();
        let (changes, is_there) = watch(&data).map_err(AppError::Follow)?;
        Ok(Self { data, changes, is_there })
    }

    /// Waits until something was written, or returns at once if something was since the last call.
    ///
    /// # Errors
    ///
    /// As [`Live::of`].
    pub async fn next(&mut self) -> Result<(), AppError> {
        self.changes.next().await;
        while !self.is_there {
            (self.changes, self.is_there) = watch(&self.data).map_err(AppError::Follow)?;
            if !self.is_there {
                self.changes.next().await;
            }
        }
        Ok(())
    }
}

/// Watches the database's log, or else the nearest directory above it that is there. Returns whether it is the log.
fn watch(data: &Path) -> io::Result<(Changes, bool)> {
    loop {
        if disk::is_directory(data) {
            let log = data.join(format!("{}-wal", opener::FILE));
            return Ok((Changes::of_file(&log)?, true));
        }
        let above = data.ancestors().skip(1).find(|path| disk::is_directory(path));
        let above = above.ok_or(io::ErrorKind::NotFound)?;
        let changes = Changes::of(above, Depth::Entries, |_| true)?;
        // What was made before the watch began is not told of.
        let below = data.ancestors().take_while(|path| *path != above).last();
        if below.is_none_or(|path| !disk::is_directory(path)) {
            return Ok((changes, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openkoi_core::{
        id::{SessionId, TaskId},
        queue::{Queue, Submission},
    };

    use super::*;
    use crate::environment::Environment;

    fn submission(task: &str) -> Submission {
        Submission {
            task: TaskId::new(task),
            session: SessionId::new("s1"),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        }
    }

    async fn is_told(live: &mut Live) -> bool {
        tokio::time::timeout(Duration::from_secs(10), live.next()).await.is_ok()
    }

    #[tokio::test]
    async fn the_first_task_of_an_empty_home_is_told_of_and_each_one_after_it() {
        let home = tempfile::tempdir().unwrap();
        let environment =
            || Environment::of([("OPENKOI_HOME", home.path().to_str().unwrap())], home.path());
        let (seen, other) = (App::new(environment()), App::new(environment()));
        let mut live = Live::of(&seen).unwrap();

        let storage = other.storage().unwrap();
        storage.submit(&submission("a1"), 1).unwrap();
        assert!(is_told(&mut live).await);
        while tokio::time::timeout(Duration::from_millis(100), live.next()).await.is_ok() {}

        storage.submit(&submission("a2"), 2).unwrap();
        assert!(is_told(&mut live).await);
    }
}
