//! Errors of the application. Each surface turns them into its own words and codes.

use std::{io, path::PathBuf};

use openkoi_brokers::{
    durable::DurableError, oauth::LoginError, processes::ProcessError, random::RandomError,
    snapshot::SnapshotError,
};
use openkoi_core::{failure::Failure, toolbox::ToolClash};
use openkoi_host::{
    catalog::CatalogError,
    kinds::{provider::SetupError, tool::ToolboxError},
    manifest::ManifestError,
};
use openkoi_storage::StorageError;

use crate::{
    consents::ConsentsError,
    dry_run::error::DryRunError,
    editing::error::EditError,
    learn::error::LearnError,
    memory::error::MemoryError,
    models::ModelsError,
    paths::PathsError,
    schedules::error::{PlanError, ScheduleError},
    settings::SettingsError,
    soul::error::SoulChangeError,
    undo::error::UndoError,
    webhooks::error::WebhookError,
    worktree::error::WorktreeError,
};

/// Why the application did not do what a surface asked for.
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
    /// Something is not to be remembered.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A skill is not installed.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// A text was not edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A component is not kept in the home.
    #[error(transparent)]
    Unwritten(#[from] DurableError),
    /// A component is not removed from the home.
    #[error("`{}` cannot be removed: {source}", path.display())]
    Unremoved {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The user's SOUL.md cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Soul {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The records of earlier tasks cannot be read.
    #[error("the records of earlier tasks cannot be read: {0}")]
    Records(Failure),
    /// A change of SOUL.md is not made.
    #[error(transparent)]
    SoulChange(#[from] SoulChangeError),
    /// A report cannot be shown.
    #[error("the report cannot be shown: {0}")]
    Report(Failure),
    /// What is remembered cannot be turned into vectors.
    #[error("the embedder cannot be used: {0}")]
    Embedder(Failure),
    /// A login with a provider failed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A task cannot be undone or redone.
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// There is no worktree for the task.
    #[error(transparent)]
    Worktree(#[from] WorktreeError),
    /// There is no dry run.
    #[error(transparent)]
    DryRun(#[from] DryRunError),
    /// A provider is set up wrongly.
    #[error(transparent)]
    Provider(#[from] SetupError),
    /// The tools of components do not fit together.
    #[error(transparent)]
    Tools(#[from] ToolboxError),
    /// Two tiers of tools have one of the same name.
    #[error(transparent)]
    Clash(#[from] ToolClash),
    /// A component cannot be used.
    #[error(transparent)]
    Unfit(#[from] CatalogError),
    /// The states of a workspace cannot be kept.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// A program cannot be started in the sandbox.
    #[error(transparent)]
    Program(#[from] ProcessError),
    /// The directory to work in cannot be used.
    #[error("cannot read the directory `{}`", path.display())]
    Workspace {
        /// The directory that was asked for.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file that a provider's settings name cannot be used.
    #[error("`providers.{provider}` names the file `{}`: {reason}", path.display())]
    OptionFile {
        /// The name of the provider.
        provider: String,
        /// The path that the setting names.
        path: PathBuf,
        /// A description of what is wrong with the file.
        reason: String,
    },
    /// The limits that the user set for a component cannot be read.
    #[error("`component.{component}.limits`: {reason}")]
    ComponentLimits {
        /// The name of the component.
        component: String,
        /// A description of what is wrong with them.
        reason: String,
    },
    /// The address of a proxy cannot be read. It is not repeated: it may hold a password.
    #[error("`{from}`: {reason}")]
    Proxy {
        /// The key or the variable that has it.
        from: &'static str,
        /// What is wrong with it.
        reason: openkoi_brokers::egress::ProxyError,
    },
    /// A file of certificates cannot be used.
    #[error("`network.ca` names the file `{}`: {reason}", path.display())]
    Certificates {
        /// The path that the setting names.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A bundled component does not fit this program; it is a defect.
    #[error("the component `{name}` is unfit: {reason}")]
    Component {
        /// The name of the component.
        name: String,
        /// The fault of its manifest.
        reason: Box<ManifestError>,
    },
    /// The bundled list of models cannot be read; it is a defect.
    #[error("the list of models is broken: {0}")]
    Catalogue(String),
    /// A schedule does not do what was asked.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A webhook cannot be used.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The name that a client gave to a submission is that of another one.
    #[error("this idempotency key was used for another task")]
    OtherSubmission,
    /// What a task in the queue asks for cannot be read: it was handed over by another version.
    #[error("what the task asks for cannot be read: {0}")]
    Handed(String),
    /// The queue cannot be read or changed.
    #[error("the queue cannot be used: {0}")]
    Queue(#[from] openkoi_core::port::JournalError),
    /// There is no session to go on with.
    #[error("there is no session to go on with yet")]
    NoSession,
    /// The system cannot give random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The system gives no thread or no timer to a run.
    #[error("cannot start the runtime: {0}")]
    Thread(io::Error),
}

impl From<PlanError> for AppError {
    fn from(error: PlanError) -> Self {
        Self::Schedule(error.into())
    }
}
