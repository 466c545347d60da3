//! Layers of a system that has none: there is never one.

use super::side::SideOverlay;
use super::{Committed, LayerChange, LayerConflict, LayerError};
use crate::snapshot::SnapshotStore;
use openkoi_core::change_set::PathEffect;
use openkoi_core::frozen::{Shown, View};
use std::io;
use std::path::{Path, PathBuf};

/// A layer, of which there is none on this system.
#[derive(Debug)]
pub enum Layer {}

/// What a command needs to run over a layer.
#[derive(Debug, Clone)]
pub enum LayerMount {}

/// A commit that is planned.
#[derive(Debug)]
pub enum LayerPlan {}

impl LayerMount {
    /// Returns the workspace that the layer stands over, without links.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        match *self {}
    }

    /// Waits until no program runs over the layer any more.
    #[must_use]
    pub fn wait_for_guests(&self, _: std::time::Duration) -> bool {
        match *self {}
    }

    /// Returns the overlay over the repository of a linked working tree.
    pub(crate) fn repository(&self) -> Option<SideOverlay> {
        match *self {}
    }

    /// Returns the directories that hold what programs have written.
    pub(crate) fn written(&self) -> Vec<PathBuf> {
        match *self {}
    }

    /// Counts a program as running over the layer.
    pub(crate) fn enter(&self) -> Guest {
        match *self {}
    }
}

/// A program that runs over a layer, which none does.
#[derive(Debug)]
pub(crate) enum Guest {}

impl Layer {
    /// Returns the name of the layer.
    #[must_use]
    pub fn id(&self) -> &str {
        match *self {}
    }

    /// Returns what a command needs to run over the layer.
    #[must_use]
    pub fn mount(&self) -> LayerMount {
        match *self {}
    }

    /// Lists what programs have changed in it.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn changes(&self) -> Result<Vec<LayerChange>, LayerError> {
        match *self {}
    }

    /// Returns whether a file of the layer is still what was shown.
    #[must_use]
    pub fn shows(&self, _: &str, _: &Shown, _: &SnapshotStore) -> bool {
        match *self {}
    }

    /// Lets programs see files in another state.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn show(&self, _: &View, _: &SnapshotStore) -> Result<(), LayerError> {
        match *self {}
    }

    /// Plans a commit.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn plan(
        self,
        _: &SnapshotStore,
        _: &dyn Fn(&Path) -> bool,
    ) -> Result<LayerPlan, LayerError> {
        match self {}
    }

    /// Drops all changes.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn discard(self) -> Result<(), LayerError> {
        match self {}
    }

    /// Writes down whose layer it is.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn belongs_to(&self, _: &str) -> Result<(), LayerError> {
        match *self {}
    }

    /// Returns nothing: nothing is left by anybody.
    #[must_use]
    pub fn left(_: &Path, _: &str) -> Option<Self> {
        None
    }

    /// Does nothing: nothing is left by anybody.
    pub fn sweep(_: &Path) {}
}

impl LayerPlan {
    /// Returns what the commit will change.
    #[must_use]
    pub fn effects(&self) -> Vec<PathEffect> {
        match *self {}
    }

    /// Returns the paths that will be left as they are.
    #[must_use]
    pub fn conflicts(&self) -> &[LayerConflict] {
        match *self {}
    }

    /// Returns the paths whose contents are not kept.
    #[must_use]
    pub fn uncovered(&self) -> &[String] {
        match *self {}
    }

    /// Returns the name of the layer.
    #[must_use]
    pub fn id(&self) -> &str {
        match *self {}
    }

    /// Fails: there is none.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn reopen(_: &Path, id: &str, _: &SnapshotStore) -> Result<Self, LayerError> {
        Err(LayerError::NoPlan { id: id.to_owned() })
    }

    /// Does what was planned.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn commit(&mut self) -> Result<Committed, LayerError> {
        match *self {}
    }

    /// Drops the layer instead.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn discard(self) -> Result<(), LayerError> {
        match self {}
    }
}

/// Removes a directory of ours with all that is in it.
///
/// # Errors
///
/// Part of it may be gone.
pub fn remove_all(directory: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(directory)
}
