//! What every command works with: the application, the flags that hold everywhere, the printer and the questions.

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

/// Everything around a command.
#[derive(Debug)]
pub struct Context {
    /// The application.
    pub app: Arc<App>,
    /// Prints.
    pub printer: Printer,
    /// Asks.
    pub questions: Questions,
    global: GlobalFlags,
}

impl Context {
    /// Returns a context for flags that hold everywhere.
    pub fn new(environment: Environment, global: GlobalFlags) -> Self {
        let app = App::new(environment);
        let printer = Printer::new(app.environment(), global.color, app.now_ms());
        Self { app: Arc::new(app), printer, questions: Questions::new(), global }
    }

    /// Returns how often `-v` was given.
    pub fn verbose(&self) -> u8 {
        self.global.verbose
    }

    /// Returns the environment.
    pub fn environment(&self) -> &Environment {
        self.app.environment()
    }

    /// Returns the directories, after a look whether they can be read.
    ///
    /// # Errors
    ///
    /// When there is no home, or it cannot be read.
    pub fn paths(&self) -> Result<&Paths, CommandError> {
        Ok(self.app.paths()?)
    }

    /// Returns `path` as seen from the directory of the start.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.environment().directory().join(path)
    }

    /// Returns the directory to work in, without links in its path.
    ///
    /// # Errors
    ///
    /// When it is not a directory or may not be read.
    pub fn workspace(&self) -> Result<PathBuf, CommandError> {
        Ok(self.app.workspace(self.global.workspace.as_deref())?)
    }

    /// Returns what is configured and prints what was odd in it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or says something that cannot be.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        self.settings_with(|_| Ok(()))
    }

    /// As [`Context::settings`], with flags laid over the files.
    ///
    /// # Errors
    ///
    /// As [`Context::settings`].
    pub fn settings_with(
        &self,
        flags: impl FnOnce(&mut Layers) -> Result<(), SettingsError>,
    ) -> Result<Settings, CommandError> {
        let settings = self.app.settings(&self.workspace()?, flags)?;
        settings.warnings().iter().for_each(|warning| self.printer.warning(warning));
        crate::log::start(&settings.log_level, self.global.verbose);
        Ok(settings)
    }

    /// Returns the reader of credentials.
    ///
    /// # Errors
    ///
    /// As [`Context::paths`].
    pub fn secrets(&self, settings: &Settings) -> Result<SecretStore, CommandError> {
        Ok(self.app.secrets(settings)?)
    }

    /// Returns what the user lets be read of other programs' stores.
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

    /// Returns what is known of models: what is bundled, and what these providers listed last.
    ///
    /// # Errors
    ///
    /// When the bundled list is broken, or there is no home.
    pub fn catalogue(&self, connections: &Connections) -> Result<Catalogue, CommandError> {
        Ok(models::catalogue(&self.app, connections)?)
    }

    /// Finds the providers.
    ///
    /// # Errors
    ///
    /// When the configuration names a component that is not there.
    pub fn connections(&self, settings: &Settings) -> Result<Connections, CommandError> {
        Ok(models::discover(&self.app, settings)?)
    }

    /// Opens the storage, creating what is missing.
    ///
    /// # Errors
    ///
    /// Says in one sentence what is in the way.
    pub fn storage(&self) -> Result<Arc<Storage>, CommandError> {
        Ok(self.app.storage()?)
    }

    /// Opens the storage if there is one. Looking creates nothing.
    ///
    /// # Errors
    ///
    /// As [`Context::storage`].
    pub fn existing_storage(&self) -> Result<Option<Arc<Storage>>, CommandError> {
        Ok(self.app.existing_storage()?)
    }
}
