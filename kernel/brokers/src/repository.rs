//! The repository of a linked working tree, which lies outside of it.
//!
//! In a working tree that `git worktree add` made, and in a submodule, `.git` is a file that names a directory elsewhere.
//! Programs may read that directory, or git would find no repository. The file is in the workspace, where anybody may
//! have written it, so it is believed only where git's own directory, which no program writes, names the workspace in
//! turn.

use crate::disk;
use std::path::{Path, PathBuf};

/// The largest of the small files that git keeps for this, in bytes.
const SMALL: u64 = 64 * 1024;

/// A repository that lies outside of its working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkedRepository {
    /// The directory of the repository, without links.
    pub(crate) repository: PathBuf,
    /// The directory in it that is this working tree's own; of a submodule, the repository itself.
    pub(crate) own: PathBuf,
}

impl LinkedRepository {
    /// Returns whether nobody else has a working tree of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_own(&self) -> bool {
        self.own == self.repository
    }
}

/// Returns the main working tree of the repository that `workspace` is a linked working tree of.
#[must_use]
pub fn main_worktree(workspace: &Path) -> Option<PathBuf> {
    let LinkedRepository { repository, own } = linked(workspace)?;
    // A submodule is a repository of its own, and one without a working tree has no directory around it.
    let is_linked = own != repository && repository.ends_with(".git");
    is_linked.then(|| repository.parent().map(Path::to_owned)).flatten()
}

/// Returns the repository of `workspace`, if it lies outside of it.
pub(crate) fn linked(workspace: &Path) -> Option<LinkedRepository> {
    let workspace = workspace.canonicalize().ok()?;
    let pointer = workspace.join(".git");
    let named = disk::read_text(&pointer, SMALL).ok()?;
    let directory = workspace.join(named.strip_prefix("gitdir: ")?.trim_end_matches('\n'));
    let directory = directory.canonicalize().ok()?;
    let repository =
        of_worktree(&directory, &pointer).or_else(|| of_submodule(&directory, &workspace))?;
    // What lies in the workspace can be read anyway, and what is there may have been written by a program.
    (!repository.starts_with(&workspace) && !workspace.starts_with(&repository))
        .then_some(LinkedRepository { repository, own: directory })
}

/// Returns the repository whose directory of a linked working tree this is: `<repository>/worktrees/<name>`, with a file
/// that names the working tree's `.git`.
fn of_worktree(directory: &Path, pointer: &Path) -> Option<PathBuf> {
    let back = disk::read_text(&directory.join("gitdir"), SMALL).ok()?;
    let back = directory.join(back.trim_end_matches('\n'));
    let parent = back.parent()?.canonicalize().ok()?;
    let worktrees = directory.parent().filter(|parent| parent.ends_with("worktrees"))?;
    let points_back = parent.join(back.file_name()?) == pointer;
    points_back
        .then_some(worktrees.parent()?)
        .filter(|place| is_repository(place))
        .map(Path::to_owned)
}

/// Returns `directory` if it is the repository of a submodule, whose configuration names the working tree.
fn of_submodule(directory: &Path, workspace: &Path) -> Option<PathBuf> {
    let text = disk::read_text(&directory.join("config"), SMALL).ok()?;
    let named = text.lines().find_map(|line| line.trim_start().strip_prefix("worktree = "))?;
    let points_back = directory.join(named).canonicalize().is_ok_and(|place| place == workspace);
    (points_back && is_repository(directory)).then(|| directory.to_owned())
}

fn is_repository(place: &Path) -> bool {
    ["objects", "refs"].iter().all(|part| disk::is_directory(&place.join(part)))
        && disk::exists(&place.join("HEAD"))
}
