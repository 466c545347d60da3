//! What goes wrong below the surfaces. Each surface says in its own words, and with its own codes, what follows.

use std::{io, path::PathBuf};

use openkoi_brokers::{oauth::LoginError, random::RandomError, snapshot::SnapshotError};
use openkoi_core::toolbox::ToolClash;
use openkoi_host::{
    catalog::CatalogError,
    kinds::{provider::SetupError, tool::ToolboxError},
    manifest::ManifestError,
};
use openkoi_storage::StorageError;

use crate::{
    consents::ConsentsError, models::ModelsError, paths::PathsError, settings::SettingsError,
    undo::error::UndoError,
};

/// Why something that a surface asked for was not done.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The directories of the user cannot be used.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// The settings cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no model to do the work.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The storage refused, or cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The user's consents cannot be read or kept.
    #[error(transparent)]
    Consents(#[from] ConsentsError),
    /// A login failed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A task cannot be undone or redone.
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// A provider is set up wrongly.
    #[error(transparent)]
    Provider(#[from] SetupError),
    /// The tools of components do not fit together.
    #[error(transparent)]
    Tools(#[from] ToolboxError),
    /// Two tiers of tools have one of the same name.
    #[error(transparent)]
    Clash(#[from] ToolClash),
    /// An evaluator cannot be used.
    #[error(transparent)]
    Evaluators(#[from] CatalogError),
    /// The states of a workspace cannot be kept.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// The directory to work in cannot be used.
    #[error("cannot read the directory `{}`", path.display())]
    Workspace {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that a provider's settings name cannot be used.
    #[error("`providers.{provider}` names the file `{}`: {reason}", path.display())]
    OptionFile {
        /// The provider.
        provider: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The limits that the user set for a component are not limits.
    #[error("`component.{component}.limits`: {reason}")]
    ComponentLimits {
        /// The component.
        component: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A bundled component does not fit this program; it is a defect.
    #[error("the component `{name}` is unfit: {reason}")]
    Component {
        /// The component.
        name: String,
        /// What is wrong with it.
        reason: Box<ManifestError>,
    },
    /// The bundled list of models cannot be read; it is a defect.
    #[error("the list of models is broken: {0}")]
    Catalogue(String),
    /// The workspace has no session yet.
    #[error("there is no session to go on with yet")]
    NoSession,
    /// The system has no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The system gives no thread or no timer to a run.
    #[error("cannot start the runtime: {0}")]
    Thread(io::Error),
}
