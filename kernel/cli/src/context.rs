//! The surroundings of a command: the application, the global flags, the printer and the questions
//! to the person.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_app::{
    access::SecretStore,
    app::App,
    consents::Consents,
    environment::Environment,
    models::{self, Catalogue, Connections},
    paths::Paths,
    settings::{Layers, Settings, SettingsError},
};
use openkoi_components::Embedded;
use openkoi_storage::Storage;

use crate::{
    error::CommandError,
    flags::GlobalFlags,
    output::{Printer, Questions},
};

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context {
    /// The application, which all commands share.
    pub app: Arc<App>,
    /// The printer of results, notices and errors.
    pub printer: Printer,
    /// The questions at the terminal.
    pub questions: Questions,
    global: GlobalFlags,
}

impl Context {
    /// Returns a context in `environment` for the global flags.
    pub fn new(environment: Environment, global: GlobalFlags) -> Self {
        let app = App::new(environment);
        let printer = Printer::new(app.environment(), global.color, app.now_ms());
        Self { app: Arc::new(app), printer, questions: Questions::new(), global }
    }

    /// Returns how often `-v` was given.
    pub fn verbose(&self) -> u8 {
        self.global.verbose
    }

    /// Returns the variables and the directory that the program was started with.
    pub fn environment(&self) -> &Environment {
        self.app.environment()
    }

    /// Returns the directories, once it is checked that they can be read.
    ///
    /// # Errors
    ///
    /// When there is no home, or it cannot be read.
    pub fn paths(&self) -> Result<&Paths, CommandError> {
        Ok(self.app.paths()?)
    }

    /// Returns `path` as an absolute path, relative to the directory in which the program was
    /// started.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.environment().directory().join(path)
    }

    /// Returns the directory to work in, with the links in its path resolved.
    ///
    /// # Errors
    ///
    /// When it is not a directory or may not be read.
    pub fn workspace(&self) -> Result<PathBuf, CommandError> {
        Ok(self.app.workspace(self.global.workspace.as_deref())?)
    }

    /// Returns the settings, and prints warnings about values that were passed over.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or has a value of the wrong type.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        self.settings_with(|_| Ok(()))
    }

    /// Returns the settings as [`Context::settings`] does, with flags laid over the files.
    ///
    /// # Errors
    ///
    /// As [`Context::settings`].
    pub fn settings_with(
        &self,
        flags: impl FnOnce(&mut Layers) -> Result<(), SettingsError>,
    ) -> Result<Settings, CommandError> {
        let mut settings = self.app.settings(&self.workspace()?, flags)?;
        settings.workspace_is_named = self.global.workspace.is_some();
        settings.warnings().iter().for_each(|warning| self.printer.warning(warning));
        crate::log::start(&settings.log_level, self.global.verbose);
        Ok(settings)
    }

    /// Returns the store from which credentials are read.
    ///
    /// # Errors
    ///
    /// As [`Context::paths`].
    pub fn secrets(&self, settings: &Settings) -> Result<SecretStore, CommandError> {
        Ok(self.app.secrets(settings)?)
    }

    /// Returns the user's consents to reading other programs' credentials.
    ///
    /// # Errors
    ///
    /// When there is no home, or its file cannot be read.
    pub fn consents(&self) -> Result<Consents, CommandError> {
        Ok(self.app.consents()?)
    }

    /// Returns the components that come with the program.
    pub fn components(&self) -> &'static [Embedded] {
        self.app.components()
    }

    /// Returns the catalogue of models: the bundled list, with the last lists of these providers.
    ///
    /// # Errors
    ///
    /// When the bundled list is broken, or there is no home.
    pub fn catalogue(&self, connections: &Connections) -> Result<Catalogue, CommandError> {
        Ok(models::catalogue(&self.app, connections)?)
    }

    /// Finds the providers that the user can have, with or without a credential.
    ///
    /// # Errors
    ///
    /// When the configuration names a component that is not there.
    pub fn connections(&self, settings: &Settings) -> Result<Connections, CommandError> {
        Ok(models::discover(&self.app, settings)?)
    }

    /// Finds the providers that a run would have: if none is connected, servers on this machine are asked too.
    ///
    /// # Errors
    ///
    /// As [`Context::connections`].
    pub fn connections_of_runs(&self, settings: &Settings) -> Result<Connections, CommandError> {
        let mut connections = self.connections(settings)?;
        models::probe(&self.app, settings, &mut connections)?;
        Ok(connections)
    }

    /// Returns the storage. The first call opens it and creates what is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; the error says why in one sentence.
    pub fn storage(&self) -> Result<Arc<Storage>, CommandError> {
        Ok(self.app.storage()?)
    }

    /// Returns the storage if it exists, and creates nothing if it does not.
    ///
    /// # Errors
    ///
    /// As [`Context::storage`].
    pub fn existing_storage(&self) -> Result<Option<Arc<Storage>>, CommandError> {
        Ok(self.app.existing_storage()?)
    }
}
