//! The differences of two captured trees as effects on paths.

use super::repository::{Inside, same_index};
use super::tree::{Node, Tree, TreeEntry};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::places::is_control;
use crate::sabotage::{Guard, off};
use openkoi_core::change_set::{PathEffect, PathState};
use std::path::Path;

impl SnapshotStore {
    /// Returns the differences of `to` from `from`, sorted by path.
    ///
    /// # Errors
    ///
    /// One of the trees is not kept here, or damaged.
    pub fn between(&self, from: TreeId, to: TreeId) -> Result<Vec<PathEffect>, SnapshotError> {
        Ok(self.effects_between(&self.tree(from)?, &self.tree(to)?))
    }

    pub(super) fn effects_between(&self, from: &Tree, to: &Tree) -> Vec<PathEffect> {
        // A tree of earlier releases does not say what was ignored: where the rules changed, what looks new may not be.
        let is_blind = !from.whole
            && from
                .pairs(to)
                .any(|(a, b)| a.or(b).is_some_and(|entry| is_ignore_file(&entry.path)) && a != b);
        let effect = |(a, b): (Option<&TreeEntry>, Option<&TreeEntry>)| {
            let path = a.or(b)?.path.clone();
            let known = match (a, b) {
                (None, _) if is_blind && !is_ignore_file(&path) => false,
                (None, _) => from.tells(&path, b),
                (_, None) => to.tells(&path, a),
                (Some(_), Some(_)) => true,
            };
            let state = |entry: Option<&TreeEntry>| {
                entry.map_or(PathState::Absent, |entry| entry.node.state())
            };
            let effect = PathEffect::new(path, state(a), state(b));
            (known && effect.before != effect.after && !self.is_same_index(&effect))
                .then_some(effect)
        };
        from.pairs(to).filter_map(effect).collect()
    }

    /// Tells whether an effect did no more than to write the index of a repository anew.
    pub(super) fn is_same_index(&self, effect: &PathEffect) -> bool {
        let (PathState::File { hash: a, .. }, PathState::File { hash: b, .. }) =
            (&effect.before, &effect.after)
        else {
            return false;
        };
        Inside::of(&effect.path).is_some_and(|inside| inside.is_index())
            && matches!((self.get(a), self.get(b)), (Ok(a), Ok(b)) if same_index(&a, &b))
    }
}

impl Tree {
    /// Tells whether the tree, which has no entry for `path`, would have one if there had been something. The entry is
    /// that of another tree.
    fn tells(&self, path: &str, entry: Option<&TreeEntry>) -> bool {
        let is_below = |place: &String| {
            let rest = path.strip_prefix(place.as_str());
            place.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let ignored = self.ignored.iter().filter(|_| !off(Guard::SnapshotIgnored));
        if self.uncovered.iter().chain(ignored).any(is_below) {
            return false;
        }
        if !self.control && is_control(Path::new(path)) {
            return false;
        }
        let is_new = matches!(entry.map(|entry| &entry.node), Some(Node::Directory { .. }))
            || is_control(Path::new(path));
        self.whole || !is_new
    }
}

fn is_ignore_file(path: &str) -> bool {
    path.ends_with(".git/info/exclude")
        || path.rsplit('/').next().is_some_and(|name| matches!(name, ".gitignore" | ".ignore"))
}
