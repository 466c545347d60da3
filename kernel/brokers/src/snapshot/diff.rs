//! The differences between two trees.

use super::tree::{Node, Tree, TreeEntry};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::places::is_control;
use similar::TextDiff;
use std::path::Path;
use std::time::Duration;

/// Larger files are shown by their sizes only.
const LARGEST_COMPARED: usize = 1 << 20;
/// The time to compare one file. After it the difference is right, but not the smallest.
const DEADLINE: Duration = Duration::from_millis(500);

/// One path that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The path, relative to the workspace.
    pub path: String,
    /// The kind of difference.
    pub kind: PathChangeKind,
}

/// The kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChangeKind {
    /// The path is new.
    Added,
    /// The path is gone.
    Removed,
    /// The contents of the file, or the target of the link, are different.
    Modified,
    /// Only the mode of the file is different.
    Mode,
    /// A file became a link, or a link a file.
    Retyped,
}

impl SnapshotStore {
    /// Returns the differences of `b` from `a`, sorted by path.
    ///
    /// # Errors
    ///
    /// One of the trees is not kept here, or damaged.
    pub fn diff(&self, a: TreeId, b: TreeId) -> Result<Vec<PathChange>, SnapshotError> {
        Ok(diff(&self.tree(a)?, &self.tree(b)?))
    }

    /// Returns the difference from `a` to `b` as text for a person, of about `max_bytes` at most.
    ///
    /// # Errors
    ///
    /// As for [`SnapshotStore::diff`].
    pub fn unified_diff(
        &self,
        a: TreeId,
        b: TreeId,
        max_bytes: usize,
    ) -> Result<String, SnapshotError> {
        unified(self, &self.tree(a)?, &self.tree(b)?, max_bytes)
    }
}

fn diff(a: &Tree, b: &Tree) -> Vec<PathChange> {
    let known = |change: &PathChange| {
        let one_sided = matches!(change.kind, PathChangeKind::Added | PathChangeKind::Removed);
        a.control == b.control || !one_sided || !is_control(Path::new(&change.path))
    };
    a.pairs(b).filter_map(|(a, b)| change(a, b)).filter(known).collect()
}

fn change(a: Option<&TreeEntry>, b: Option<&TreeEntry>) -> Option<PathChange> {
    let path = a.or(b)?.path.clone();
    let kind = match (a.map(|entry| &entry.node), b.map(|entry| &entry.node)) {
        (Some(a), Some(b)) => compare(a, b)?,
        (None, Some(_)) => PathChangeKind::Added,
        (Some(_), None) => PathChangeKind::Removed,
        (None, None) => return None,
    };
    Some(PathChange { path, kind })
}

fn compare(a: &Node, b: &Node) -> Option<PathChangeKind> {
    match (a, b) {
        (a, b) if a == b => None,
        (Node::File { hash: a, .. }, Node::File { hash: b, .. }) if a == b => {
            Some(PathChangeKind::Mode)
        }
        (Node::File { .. }, Node::File { .. }) | (Node::Link { .. }, Node::Link { .. }) => {
            Some(PathChangeKind::Modified)
        }
        _ => Some(PathChangeKind::Retyped),
    }
}

fn unified(
    store: &SnapshotStore,
    a: &Tree,
    b: &Tree,
    max_bytes: usize,
) -> Result<String, SnapshotError> {
    let mut text = String::new();
    let mut left_out = 0;
    for change in diff(a, b) {
        if text.len() >= max_bytes {
            left_out += 1;
            continue;
        }
        let (before, after) = (a.find(&change.path), b.find(&change.path));
        text.push_str(&one(store, &change, before, after)?);
    }
    if text.len() > max_bytes {
        let cut = text.floor_char_boundary(max_bytes);
        text.truncate(text[..cut].rfind('\n').map_or(cut, |at| at + 1));
        text.push_str("… the rest of this file is left out\n");
    }
    if left_out > 0 {
        text.push_str(&format!("… {left_out} more changed files\n"));
    }
    Ok(text)
}

fn one(
    store: &SnapshotStore,
    change: &PathChange,
    before: Option<&TreeEntry>,
    after: Option<&TreeEntry>,
) -> Result<String, SnapshotError> {
    let path = &change.path;
    if let (PathChangeKind::Mode, Some(a), Some(b)) = (change.kind, mode(before), mode(after)) {
        return Ok(format!("mode of {path}: {a:o} → {b:o}\n"));
    }
    let (a, b) = (contents(store, before)?, contents(store, after)?);
    let (Some(a), Some(b)) = (a.as_deref().and_then(as_text), b.as_deref().and_then(as_text))
    else {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        return Ok(format!("binary or large file {path}: {} → {} bytes\n", size(&a), size(&b)));
    };
    let name = |entry: Option<&TreeEntry>, side| {
        entry.map_or("/dev/null".to_owned(), |_| format!("{side}/{path}"))
    };
    let names = (name(before, 'a'), name(after, 'b'));
    let lines = TextDiff::configure().timeout(DEADLINE).diff_lines(a, b);
    Ok(lines.unified_diff().context_radius(3).header(&names.0, &names.1).to_string())
}

fn mode(entry: Option<&TreeEntry>) -> Option<u32> {
    match entry?.node {
        Node::File { mode, .. } => Some(mode),
        Node::Link { .. } | Node::Directory { .. } | Node::Uncovered => None,
    }
}

fn contents(
    store: &SnapshotStore,
    entry: Option<&TreeEntry>,
) -> Result<Option<Vec<u8>>, SnapshotError> {
    match entry.map(|entry| &entry.node) {
        None => Ok(Some(Vec::new())),
        Some(Node::Link { target }) => Ok(Some(format!("link to {target}\n").into_bytes())),
        Some(Node::File { hash, .. }) => store.get(hash).map(Some),
        Some(Node::Directory { .. } | Node::Uncovered) => Ok(None),
    }
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > LARGEST_COMPARED || bytes.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}
