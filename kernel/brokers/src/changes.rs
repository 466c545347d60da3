//! Says when files have changed, so that nobody has to look again and again.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// How far below a directory changes are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Its own entries.
    Entries,
    /// Everything below it.
    All,
}

/// Tells of changes below a directory. That there was one is remembered until somebody waits for it, so none is missed.
pub struct Changes {
    changed: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Begins to watch `directory` for changes of the paths that `matters` says. It is called for each change, on a
    /// thread of its own.
    ///
    /// # Errors
    ///
    /// When the directory is not there, or the system has no room for more watches.
    pub fn of(
        directory: &Path,
        depth: Depth,
        matters: impl Fn(&Path) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let changed = Arc::new(Notify::new());
        let told = Arc::clone(&changed);
        let on_event = move |event: notify::Result<notify::Event>| {
            // What went wrong may have hidden a change.
            let is_change = event.map_or(true, |event| {
                let writes = !matches!(event.kind, EventKind::Access(_));
                writes && (event.paths.is_empty() || event.paths.iter().any(|path| matters(path)))
            });
            if is_change {
                told.notify_one();
            }
        };
        let mut watcher = notify::recommended_watcher(on_event).map_err(io_error)?;
        let mode = match depth {
            Depth::Entries => RecursiveMode::NonRecursive,
            Depth::All => RecursiveMode::Recursive,
        };
        watcher.watch(directory, mode).map_err(io_error)?;
        Ok(Self { changed, _watcher: watcher })
    }

    /// Begins to watch one file, which need not be there.
    ///
    /// # Errors
    ///
    /// When its directory is not there, or the system has no room for more watches.
    pub fn of_file(file: &Path) -> io::Result<Self> {
        let directory = file.parent().unwrap_or(Path::new("."));
        let name = file.file_name().map(PathBuf::from).unwrap_or_default();
        Self::of(directory, Depth::Entries, move |path| path.ends_with(&name))
    }

    /// Waits for the next change, or returns at once if there was one since the last call.
    pub async fn next(&self) {
        self.changed.notified().await;
    }
}

fn io_error(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::MaxFilesWatch => io::Error::other(
            "the system watches as many files as it may (fs.inotify.max_user_watches)",
        ),
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    async fn is_told(changes: &Changes) -> bool {
        tokio::time::timeout(Duration::from_secs(10), changes.next()).await.is_ok()
    }

    #[tokio::test]
    async fn a_change_is_told_of_and_one_before_the_wait_too() {
        let home = tempfile::tempdir().unwrap();
        let changes = Changes::of_file(&home.path().join("log")).unwrap();

        fs::write(home.path().join("log"), "a").unwrap();

        assert!(is_told(&changes).await);
    }

    #[tokio::test]
    async fn other_files_and_reading_are_no_change() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("log"), "a").unwrap();
        let changes = Changes::of_file(&home.path().join("log")).unwrap();

        fs::read(home.path().join("log")).unwrap();
        fs::write(home.path().join("other"), "b").unwrap();
        let told = tokio::time::timeout(Duration::from_millis(200), changes.next()).await;

        assert!(told.is_err());
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        assert!(Changes::of_file(&home.path().join("none/log")).is_err());
    }
}
