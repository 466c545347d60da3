//! Files of a workspace that were written, whatever is in them now.

use super::SnapshotError;
use super::beneath::{Beneath, kind_of};
use super::index::Stamp;
use super::walk::walk;
use openkoi_core::change_set::name_of_text;
use rustix::fs::FileType;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The stamps of the files of a directory at a time, but for those that are ignored.
#[derive(Debug)]
pub struct Stamps {
    root: PathBuf,
    files: BTreeMap<String, Stamp>,
}

impl Stamps {
    /// Takes the stamps of the files below `root`. Nothing is read but rules.
    ///
    /// # Errors
    ///
    /// The directory cannot be walked.
    pub fn of(root: &Path) -> Result<Self, SnapshotError> {
        let walked = walk(root, &[], None)?;
        let files = walked.found.iter().filter(|(_, stat)| kind_of(stat) == FileType::RegularFile);
        let files = files.map(|(path, stat)| (path.clone(), Stamp::of(stat))).collect();
        Ok(Self { root: root.to_owned(), files })
    }

    /// Returns the files that have another stamp by now, or are gone.
    ///
    /// # Errors
    ///
    /// The directory cannot be opened.
    pub fn written(&self) -> Result<Vec<String>, SnapshotError> {
        let beneath = Beneath::open(&self.root)
            .map_err(|error| SnapshotError::io("look at", &self.root, error))?;
        let is_as_it_was = |path: &str, stamp: &Stamp| {
            let name = beneath.find(Path::new(&name_of_text(path))).ok().flatten();
            let stat = name.and_then(|name| name.stat().ok().flatten());
            stat.is_some_and(|stat| {
                kind_of(&stat) == FileType::RegularFile && Stamp::of(&stat) == *stamp
            })
        };
        let written = self.files.iter().filter(|(path, stamp)| !is_as_it_was(path, stamp));
        Ok(written.map(|(path, _)| path.clone()).collect())
    }

    /// Returns whether there is anything at a path by now.
    #[must_use]
    pub fn is_there(&self, path: &str) -> bool {
        let name = Beneath::open(&self.root)
            .and_then(|beneath| beneath.find(Path::new(&name_of_text(path))));
        name.ok().flatten().is_some_and(|name| name.stat().ok().flatten().is_some())
    }
}
