//! What was left in ignored places since a moment, by the times of files.

use super::SnapshotError;
use super::beneath::Beneath;
use super::keeper::{Keeper, look, names};
use super::walk::{joined, walk};
use openkoi_core::change_set::PathState;
use openkoi_core::frozen::{Shown, View, is_environment};
use std::io;

/// The most entries of ignored places that are looked at.
const MOST_ENTRIES: usize = 500_000;

impl Keeper {
    /// Returns a view in which nothing is there that changed in ignored places since a moment, in nanoseconds since 1970:
    /// what became a file's name or contents since then has a later time, which programs cannot set. Installed packages
    /// are left as they are.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked, or there is too much.
    pub fn without_built(&self, since: i128) -> Result<View, SnapshotError> {
        let walked = walk(self.root(), self.store().left_out(), None)?;
        let beneath = self.open()?;
        let mut built = Built { beneath, since, left: MOST_ENTRIES, view: View::default() };
        let places = walked.ignored.iter().filter(|path| !is_environment(path));
        for place in places {
            if built.hides(place).map_err(|error| SnapshotError::io("walk", self.root(), error))? {
                built.hide(place);
            }
        }
        Ok(built.view)
    }
}

/// A walk through ignored places.
struct Built {
    beneath: Beneath,
    since: i128,
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
            return Ok(is_later);
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
