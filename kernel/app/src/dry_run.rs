//! A dry run: the task works in a copy of the workspace, which is gone afterwards.
//!
//! In a copy everything that the task does holds for the rest of it: its own edits, what its programs write, commits, builds and
//! the checks. What would not go away with the copy is closed: programs reach no host and write to no directory that was granted
//! beside the workspace.

pub(crate) mod error;

use std::path::Path;

use openkoi_brokers::scratch::{Scratch, ScratchError, ScratchLimits};
use openkoi_core::{failure::sentence, network::NetworkRules};

pub use self::error::DryRunError;
use crate::{app::App, error::AppError, places, sandbox, settings::Settings};

/// The directory of the copies, in one of the user's own for what lies outside of a workspace.
const COPIES: &str = "dry-runs";

/// The copy that a task works in. It is removed with this.
#[derive(Debug)]
pub struct DryRun {
    scratch: Scratch,
    settings: Settings,
}

impl DryRun {
    /// Copies the workspace.
    ///
    /// # Errors
    ///
    /// When it cannot be copied, is too large for that, or nothing would keep programs in the copy.
    pub fn begin(app: &App, settings: &Settings, workspace: &Path) -> Result<Self, AppError> {
        let failed = |reason: String| DryRunError { workspace: workspace.to_owned(), reason };
        let told = |error: ScratchError| failed(sentence(&error));
        let base = places::outside_of(app, workspace)
            .ok_or_else(|| failed("there is no place for a copy".to_owned()))?;
        let processes = sandbox::processes(app, settings)?;
        let limits = ScratchLimits::default();
        let scratch = processes.copy(&base.join(COPIES), workspace, limits).map_err(told)?;
        let mut settings = settings.clone();
        // The objects of its repository are not copied.
        settings.sandbox.read.extend(scratch.copy().shared().iter().cloned());
        settings.sandbox.write.clear();
        settings.sandbox.network = NetworkRules::Closed;
        settings.memories_of = Some(workspace.to_owned());
        Ok(Self { scratch, settings })
    }

    /// Returns the directory that the task works in.
    pub fn workspace(&self) -> &Path {
        self.scratch.root()
    }

    /// Returns the settings that hold for the task.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// Removes the copies that killed dry runs have left.
pub(crate) fn sweep(app: &App) {
    places::outside(app).iter().for_each(|place| Scratch::sweep(&place.join(COPIES)));
}
