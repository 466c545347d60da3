//! Files that make a schedule due when they change.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_brokers::{
    changes::{Changes, Depth},
    disk,
    ignored::Ignored,
};
use openkoi_core::id::TaskId;

use crate::{app::App, changes, error::AppError};

/// The most paths that are remembered. Beyond that, only that there were more.
const MOST: usize = 10_000;

/// The changes below a directory, or of a file, apart from what the rules of the repository leave out.
pub struct FileWatch {
    changes: Changes,
    touched: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl FileWatch {
    /// Begins to watch a file or directory. `workspace` is the directory whose rules say what is left out.
    ///
    /// # Errors
    ///
    /// When it is not there, or the system has no room for more watches.
    pub fn of(path: &Path, workspace: &Path) -> io::Result<Self> {
        let touched = Arc::new(Mutex::new(BTreeSet::new()));
        let is_directory = disk::is_directory(path);
        let (directory, depth) = match is_directory {
            true => (path, Depth::All),
            false => (path.parent().unwrap_or(path), Depth::Entries),
        };
        if !is_directory && !disk::exists(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let rules = Mutex::new(Ignored::below(if path.starts_with(workspace) {
            workspace
        } else {
            directory
        }));
        let (kept, only) = (Arc::clone(&touched), (!is_directory).then(|| path.to_owned()));
        let matters = move |path: &Path| {
            if only.as_deref().is_some_and(|only| only != path) {
                return false;
            }
            // A directory changes when something in it does, which is told of by itself.
            if disk::is_directory(path)
                || rules.lock().unwrap_or_else(PoisonError::into_inner).has(path)
            {
                return false;
            }
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MOST {
                kept.insert(path.to_owned());
            }
            true
        };
        Ok(Self { changes: Changes::of(directory, depth, matters)?, touched })
    }

    /// Waits for a change.
    pub async fn next(&self) {
        self.changes.next().await;
    }

    /// Returns the paths that changed since the last call.
    pub fn take(&self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the paths that a task changed, put back or left to others.
///
/// # Errors
///
/// When its journal cannot be read.
pub fn own_changes(app: &App, task: &TaskId) -> Result<BTreeSet<PathBuf>, AppError> {
    let storage = app.storage()?;
    let task = storage.find_task(task.as_str())?;
    let journal = changes::Journal::of(&storage, &task, &changes::store(app)?)?;
    let workspace = Path::new(&task.workspace);
    Ok(journal.paths().map(|path| workspace.join(path)).collect())
}
