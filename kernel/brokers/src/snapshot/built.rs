//! What was left in ignored places since a moment, by the times of files.

use super::SnapshotError;
use super::beneath::{Beneath, kind_of};
use super::keeper::{Keeper, changed, look, names};
use super::walk::{Walked, is_rules, joined, walk};
use openkoi_core::change_set::PathState;
use openkoi_core::frozen::{Shown, View, is_environment};
use rustix::fs::{FileType, Stat};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The most entries of ignored places that are looked at.
const MOST_ENTRIES: usize = 500_000;

impl Keeper {
    /// Returns a view in which nothing is there that changed in ignored places since a moment, in nanoseconds since 1970:
    /// what became a file's name or contents since then has a later time, which programs cannot set. Installed packages
    /// are left as they are, and so are files with the contents of `wanted`. What was ignored when this process first asked
    /// is, whatever the rules are by now.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked, or there is too much.
    pub fn without_built(
        &self,
        since: i128,
        wanted: &BTreeMap<String, PathState>,
    ) -> Result<View, SnapshotError> {
        let walked = walk(self.root(), self.store().left_out(), None)?;
        let beneath = self.open()?;
        let wanted = self.unchanged(wanted)?;
        let (left, view) = (MOST_ENTRIES, View::default());
        let mut built = Built { beneath, since, wanted, left, view };
        let once = self.once_ignored(&walked, since);
        let places = walked.ignored.iter().chain(once).filter(|path| !is_environment(path));
        for place in places {
            if built.hides(place).map_err(|error| SnapshotError::io("walk", self.root(), error))? {
                built.hide(place);
            }
        }
        Ok(built.view)
    }

    /// Leaves those of the places out of a view that are there.
    ///
    /// # Errors
    ///
    /// The workspace cannot be opened.
    pub fn without(&self, places: &BTreeSet<String>, view: &mut View) -> Result<(), SnapshotError> {
        let beneath = self.open()?;
        for place in places.iter().filter(|place| look(&beneath, place).is_some()) {
            view.files.insert(place.clone(), Shown::State(PathState::Absent));
        }
        Ok(())
    }

    /// Returns the topmost places that a walk found and that were ignored at first. They are looked for where files of rules
    /// changed since then.
    fn once_ignored<'w>(&self, walked: &'w Walked, since: i128) -> Vec<&'w String> {
        let is_changed = |(path, stat): &(String, Stat)| is_rules(path) && changed(stat) >= since;
        if !walked.found.iter().any(is_changed) && !self.has_dropped_rules(&walked.rules) {
            return Vec::new();
        }
        let mut once: Vec<&String> = Vec::new();
        for (path, stat) in &walked.found {
            let is_below = |above: &&String| {
                path.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'))
            };
            let is_directory = kind_of(stat) == FileType::Directory;
            if !once.last().is_some_and(is_below) && self.ignored_at_first(path, is_directory) {
                once.push(path);
            }
        }
        once
    }

    /// Returns the paths at which the files of these states still are.
    fn unchanged(
        &self,
        wanted: &BTreeMap<String, PathState>,
    ) -> Result<BTreeSet<String>, SnapshotError> {
        let rules = self.rules()?;
        let is_ignored = |path: &&String| self.ignores(&rules, path, false);
        let paths: Vec<String> = wanted.keys().filter(is_ignored).cloned().collect();
        let states = self.store().states(self.root(), &paths)?;
        let is_same = |path: &String, now: &PathState| match (wanted.get(path), now) {
            (Some(PathState::File { hash: was, .. }), PathState::File { hash, .. }) => was == hash,
            _ => false,
        };
        let same = paths.into_iter().zip(states).filter(|(path, now)| is_same(path, now));
        Ok(same.map(|(path, _)| path).collect())
    }
}

/// A walk through ignored places.
struct Built {
    beneath: Beneath,
    since: i128,
    /// Files that are seen whenever they came.
    wanted: BTreeSet<String>,
    /// The number of entries that may still be looked at.
    left: usize,
    view: View,
}

impl Built {
    /// Returns whether all of a place came later. Of a directory of which that is true in part, these parts are hidden.
    fn hides(&mut self, path: &str) -> io::Result<bool> {
        let too_many = || io::Error::other("there is too much in what git ignores");
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        let Some(there) = look(&self.beneath, path) else { return Ok(false) };
        let is_later = there.changed >= self.since;
        if !there.is_directory {
            return Ok(is_later && !self.wanted.contains(path));
        }
        let (mut later, mut earlier) = (Vec::new(), false);
        for name in names(&self.beneath, path).unwrap_or_default() {
            let path = joined(path, &name);
            match self.hides(&path)? {
                true => later.push(path),
                false => earlier = true,
            }
        }
        if is_later && !earlier {
            return Ok(true);
        }
        later.iter().for_each(|path| self.hide(path));
        Ok(false)
    }

    fn hide(&mut self, path: &str) {
        self.view.files.insert(path.to_owned(), Shown::State(PathState::Absent));
    }
}
