//! The list of a workspace's files, and its name.

use super::SnapshotError;
use openkoi_core::change_set::PathState;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// The name of a captured tree: the hash of its contents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId([u8; 32]);

impl TreeId {
    pub(super) fn of(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeId({self})")
    }
}

impl std::str::FromStr for TreeId {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        parse_hash(text).map(Self).ok_or_else(|| SnapshotError::Name { text: text.to_owned() })
    }
}

/// A workspace at one moment. Entries are sorted by path, so that equal workspaces are equal bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    pub(super) entries: Vec<TreeEntry>,
    /// Whether control files were captured even if they are ignored. Older trees were not: a control file that one of
    /// them lacks may have existed.
    #[serde(default)]
    pub(super) control: bool,
    /// Whether directories were captured, and all of a repository but its objects. Older trees have neither.
    #[serde(default)]
    pub(super) whole: bool,
    /// Directories whose contents were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) uncovered: Vec<String>,
    /// Files and directories that were ignored, each without what is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<String>,
}

/// One path below the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TreeEntry {
    pub(super) path: String,
    pub(super) node: Node,
}

/// The file or link at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Node {
    /// A file whose contents are kept.
    File { mode: u32, size: u64, hash: String },
    /// A link, with its target.
    Link { target: String },
    /// A directory.
    Directory { mode: u32 },
    /// A file that is too large or cannot be read: its name only. The size is left out on purpose: a change that cannot
    /// be undone is not shown.
    Uncovered,
}

impl Node {
    pub(super) fn state(&self) -> PathState {
        match self.clone() {
            Self::File { mode, size, hash } => PathState::File { mode, size, hash },
            Self::Link { target } => PathState::Link { target },
            Self::Directory { mode } => PathState::Directory { mode },
            Self::Uncovered => PathState::Uncovered,
        }
    }
}

impl TreeEntry {
    /// Tells whether its contents are kept.
    pub(super) fn is_kept(&self) -> bool {
        self.node != Node::Uncovered
    }
}

impl Tree {
    pub(super) fn new(mut entries: Vec<TreeEntry>) -> Self {
        // Stable, because of two that have one path the first is kept.
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        Self { entries, control: true, whole: true, ..Self::default() }
    }

    /// Returns the hashes of the contents of its files.
    pub(super) fn hashes(&self) -> Vec<String> {
        let hash = |entry: &TreeEntry| match &entry.node {
            Node::File { hash, .. } => Some(hash.clone()),
            Node::Link { .. } | Node::Directory { .. } | Node::Uncovered => None,
        };
        self.entries.iter().filter_map(hash).collect()
    }

    /// Pairs the entries of two trees by path.
    pub(super) fn pairs<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (Option<&'a TreeEntry>, Option<&'a TreeEntry>)> {
        let (mut a, mut b) = (self.entries.iter().peekable(), other.entries.iter().peekable());
        std::iter::from_fn(move || {
            let order = match (a.peek(), b.peek()) {
                (Some(a), Some(b)) => a.path.cmp(&b.path),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return None,
            };
            Some(match order {
                Ordering::Less => (a.next(), None),
                Ordering::Greater => (None, b.next()),
                Ordering::Equal => (a.next(), b.next()),
            })
        })
    }
}

/// Parses 64 hex digits in lower case.
pub(super) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::{Node, Tree, TreeEntry, parse_hash};

    fn tree(paths: &[&str]) -> Tree {
        let entry = |path: &&str| TreeEntry { path: (*path).to_owned(), node: Node::Uncovered };
        Tree::new(paths.iter().map(entry).collect())
    }

    #[test]
    fn two_trees_are_paired_by_path() {
        let (a, b) = (tree(&["c", "a"]), tree(&["b", "c", "d"]));

        let pairs: Vec<_> = a
            .pairs(&b)
            .map(|(a, b)| (a.map(|e| e.path.as_str()), b.map(|e| e.path.as_str())))
            .collect();

        assert_eq!(
            pairs,
            [(Some("a"), None), (None, Some("b")), (Some("c"), Some("c")), (None, Some("d"))]
        );
    }

    #[test]
    fn of_many_that_have_one_path_the_first_is_kept() {
        let entry = |number: usize| TreeEntry {
            path: format!("d{}", number % 3),
            node: Node::Link { target: number.to_string() },
        };

        let tree = Tree::new((0..300).map(entry).collect());

        let kept: Vec<_> = tree.entries.iter().map(|entry| entry.node.clone()).collect();
        assert_eq!(kept, [0, 1, 2].map(|number| entry(number).node));
    }

    #[test]
    fn a_hash_is_sixty_four_digits_in_lower_case() {
        assert!(parse_hash(&"0f".repeat(32)).is_some());
        for text in ["", &"0F".repeat(32), &"0f".repeat(31), "../../../../etc/passwd"] {
            assert!(parse_hash(text).is_none(), "{text}");
        }
    }
}
