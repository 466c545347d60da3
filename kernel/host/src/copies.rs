//! The programs of a call where there is no layer: in a copy of the workspace, if they have to see files in another state,
//! and in the workspace itself otherwise.

use std::{path::Path, sync::Arc, time::Duration};

use openkoi_brokers::{
    processes::{Command, Processes},
    scratch::{Scratch, ScratchLimits},
    snapshot::{Keeper, Stamps},
};
use openkoi_core::{
    failure::sentence,
    frozen::{Shown, View},
};

/// The most files that are told as rewritten.
pub(crate) const MOST_REWRITTEN: usize = 100;

/// The part of a call's time that a copy may take.
const SHARE: u32 = 4;

/// A copy of the workspace for the programs of one call.
#[derive(Debug)]
pub(crate) struct CallCopy {
    scratch: Scratch,
    watch: Watch,
}

impl CallCopy {
    /// Copies the workspace into a directory of its own below `base`. Blocks for as long as that takes, which is bounded
    /// by a share of `wall`.
    ///
    /// # Errors
    ///
    /// There can be none here, in words.
    pub(crate) fn create(
        processes: &Processes,
        keeper: &Arc<Keeper>,
        base: &Path,
        view: &View,
        wall: Duration,
    ) -> Result<Arc<Self>, String> {
        let usual = ScratchLimits::default();
        let limits = ScratchLimits { time: usual.time.min(wall / SHARE), ..usual };
        let scratch =
            processes.copy(base, keeper.root(), limits).map_err(|error| error.to_string())?;
        let hidden = without_built(keeper, view)?;
        let shown = [view, &hidden].map(|view| scratch.show(view, keeper.store()));
        shown.into_iter().collect::<Result<(), _>>().map_err(|error| sentence(&error))?;
        let watch = Watch::begin(scratch.root(), view).map_err(|error| sentence(&error))?;
        Ok(Arc::new(Self { scratch, watch }))
    }

    /// Lets a program run in the copy.
    pub(crate) fn enter(&self, command: &mut Command) -> Result<(), String> {
        command.move_into(self.scratch.copy()).map_err(|error| error.to_string())
    }

    /// As [`Watch::rewritten`].
    pub(crate) fn rewritten(&self) -> Vec<String> {
        self.watch.rewritten()
    }
}

/// Returns a view without by-products, and without what programs may have left in ignored places, where `view` asks for
/// that. Who makes these again rewrites nothing.
pub(crate) fn without_built(keeper: &Keeper, view: &View) -> Result<View, String> {
    let since = view.anew_since.map(|since| i128::from(since) * 1_000_000);
    let hidden = since.map(|since| keeper.without_built(since, &view.wanted)).transpose();
    let mut hidden = hidden.map_err(|error| sentence(&error))?.unwrap_or_default();
    keeper.without(&view.by_products, &mut hidden).map_err(|error| sentence(&error))?;
    Ok(hidden)
}

/// Tells which files programs wrote, by their times: what they put back is told too.
#[derive(Debug)]
pub(crate) struct Watch {
    stamps: Stamps,
    /// Files that are not there for the programs.
    absent: Vec<String>,
}

impl Watch {
    /// Begins before the first program at `root`, where the files of `view` are in another state.
    ///
    /// # Errors
    ///
    /// The directory cannot be walked.
    pub(crate) fn begin(
        root: &Path,
        view: &View,
    ) -> Result<Self, openkoi_brokers::snapshot::SnapshotError> {
        let is_absent = |shown: &Shown| {
            matches!(shown, Shown::State(openkoi_core::change_set::PathState::Absent))
        };
        let absent = view.files.iter().filter(|(_, shown)| is_absent(shown));
        Ok(Self {
            stamps: Stamps::of(root)?,
            absent: absent.map(|(path, _)| path.clone()).collect(),
        })
    }

    /// Returns files that were rewritten since, but for what is ignored: what checks change of what decides about the
    /// work.
    pub(crate) fn rewritten(&self) -> Vec<String> {
        let mut paths = self.stamps.written().unwrap_or_else(|error| {
            tracing::debug!(%error, "what checks rewrote is not known");
            Vec::new()
        });
        paths.extend(self.absent.iter().filter(|path| self.stamps.is_there(path)).cloned());
        paths.truncate(MOST_REWRITTEN);
        paths
    }
}
