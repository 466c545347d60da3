//! What is different between two trees.

use super::tree::{Entry, Node, Tree};
use super::{SnapshotError, SnapshotStore};
use crate::files::is_control;
use similar::TextDiff;
use std::path::Path;
use std::time::Duration;

/// Larger files are compared by size only.
const LARGEST_COMPARED: usize = 1 << 20;
/// How long one file may take to compare; past it the difference is right but not the smallest.
const DEADLINE: Duration = Duration::from_millis(500);

/// One path that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the workspace.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
}

/// How a path is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its contents, or what it links to, are others.
    Modified,
    /// Only its mode is another.
    Mode,
    /// It was a file and is a link, or the other way round.
    Retyped,
}

pub(super) fn diff(a: &Tree, b: &Tree) -> Vec<Change> {
    let known = |change: &Change| {
        let one_sided = matches!(change.kind, ChangeKind::Added | ChangeKind::Removed);
        a.control == b.control || !one_sided || !is_control(Path::new(&change.path))
    };
    a.pairs(b).filter_map(|(a, b)| change(a, b)).filter(known).collect()
}

fn change(a: Option<&Entry>, b: Option<&Entry>) -> Option<Change> {
    let path = a.or(b)?.path.clone();
    let kind = match (a.map(|entry| &entry.node), b.map(|entry| &entry.node)) {
        (Some(a), Some(b)) => compare(a, b)?,
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (None, None) => return None,
    };
    Some(Change { path, kind })
}

fn compare(a: &Node, b: &Node) -> Option<ChangeKind> {
    match (a, b) {
        (a, b) if a == b => None,
        (Node::File { hash: a, .. }, Node::File { hash: b, .. }) if a == b => {
            Some(ChangeKind::Mode)
        }
        (Node::File { .. }, Node::File { .. }) | (Node::Link { .. }, Node::Link { .. }) => {
            Some(ChangeKind::Modified)
        }
        _ => Some(ChangeKind::Retyped),
    }
}

pub(super) fn unified(
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
    change: &Change,
    before: Option<&Entry>,
    after: Option<&Entry>,
) -> Result<String, SnapshotError> {
    let path = &change.path;
    if let (ChangeKind::Mode, Some(a), Some(b)) = (change.kind, mode(before), mode(after)) {
        return Ok(format!("mode of {path}: {a:o} → {b:o}\n"));
    }
    let (a, b) = (contents(store, before)?, contents(store, after)?);
    let (Some(a), Some(b)) = (a.as_deref().and_then(as_text), b.as_deref().and_then(as_text))
    else {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        return Ok(format!("binary or large file {path}: {} → {} bytes\n", size(&a), size(&b)));
    };
    let name = |entry: Option<&Entry>, side| {
        entry.map_or("/dev/null".to_owned(), |_| format!("{side}/{path}"))
    };
    let names = (name(before, 'a'), name(after, 'b'));
    let lines = TextDiff::configure().timeout(DEADLINE).diff_lines(a, b);
    Ok(lines.unified_diff().context_radius(3).header(&names.0, &names.1).to_string())
}

fn mode(entry: Option<&Entry>) -> Option<u32> {
    match entry?.node {
        Node::File { mode, .. } => Some(mode),
        Node::Link { .. } | Node::Uncovered => None,
    }
}

fn contents(
    store: &SnapshotStore,
    entry: Option<&Entry>,
) -> Result<Option<Vec<u8>>, SnapshotError> {
    match entry.map(|entry| &entry.node) {
        None => Ok(Some(Vec::new())),
        Some(Node::Link { target }) => Ok(Some(format!("link to {target}\n").into_bytes())),
        Some(Node::File { hash, .. }) => store.get(hash).map(Some),
        Some(Node::Uncovered) => Ok(None),
    }
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > LARGEST_COMPARED || bytes.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}
