//! The files of a workspace that are captured.

use super::SnapshotError;
use super::control::{Control, MOST_FILES};
use crate::sabotage::{Guard, off};
use ignore::WalkBuilder;
use std::path::Path;

/// Returns the paths below `root` of everything that is neither a directory nor ignored, and of the control files
/// in the same directories, sorted. Links are not followed. The user's own ignore file does not count: one
/// workspace has one snapshot.
pub(super) fn walk(root: &Path, store: &Path) -> Result<Vec<String>, SnapshotError> {
    let mut control = Control::new(root, store);
    let store = store.to_owned();
    let walker = WalkBuilder::new(root)
        .standard_filters(false)
        .ignore(true)
        .git_ignore(true)
        .git_exclude(true)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| entry.file_name() != ".git" && entry.path() != store)
        .build();
    let mut paths = Vec::new();
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == Some(0) => {
                return Err(SnapshotError::io("walk", root, std::io::Error::other(error)));
            }
            Err(error) => {
                tracing::debug!(%error, "a directory is not covered");
                continue;
            }
        };
        let relative = entry.path().strip_prefix(root).ok().and_then(Path::to_str);
        if entry.file_type().is_none_or(|kind| kind.is_dir()) {
            if let Some(relative) = relative.filter(|_| !off(Guard::SnapshotControl)) {
                control.look(relative)?;
            }
            continue;
        }
        // A name that is not UTF-8 cannot be recorded, so it is left alone like an ignored one.
        paths.extend(relative.map(str::to_owned));
        if paths.len() > MOST_FILES {
            return Err(SnapshotError::TooMany { limit: MOST_FILES });
        }
    }
    paths.extend(control.found());
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}
