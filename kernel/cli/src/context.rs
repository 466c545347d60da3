//! What every command works with: environment, directories, settings, storage and the printer. Each is made when
//! it is asked for, so a command pays only for what it uses.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use openkoi_brokers::{clock::SystemClock, secrets::SecretStore};
use openkoi_components::Embedded;
use openkoi_core::credential::SecretSource;
use openkoi_storage::{Places, Storage, StorageError, opener};

use crate::{
    args::GlobalFlags,
    consents::Consents,
    env::Environment,
    error::CommandError,
    exit::Exit,
    models::{self, Catalogue, Connections, Listing},
    output::{Printer, Prompt},
    paths::Paths,
    settings::{Layers, Settings, SettingsError},
};

/// Everything around a command.
#[derive(Debug)]
pub struct Context {
    /// The environment.
    pub environment: Environment,
    /// Prints.
    pub printer: Printer,
    /// Asks.
    pub prompt: Prompt,
    global: GlobalFlags,
    paths: OnceLock<Paths>,
}

impl Context {
    /// Returns a context for flags that hold everywhere.
    pub fn new(environment: Environment, global: GlobalFlags) -> Self {
        let printer = Printer::new(&environment, global.color, SystemClock.now_ms());
        Self { environment, printer, prompt: Prompt::new(), global, paths: OnceLock::new() }
    }

    /// Returns how often `-v` was given.
    pub fn verbose(&self) -> u8 {
        self.global.verbose
    }

    /// Returns the directories, after a look whether they can be read.
    ///
    /// # Errors
    ///
    /// When there is no home, or it cannot be read.
    pub fn paths(&self) -> Result<&Paths, CommandError> {
        if let Some(paths) = self.paths.get() {
            return Ok(paths);
        }
        let paths = Paths::of(&self.environment)?;
        paths.check()?;
        Ok(self.paths.get_or_init(|| paths))
    }

    /// Returns `path` as seen from the directory of the start.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.environment.directory().join(path)
    }

    /// Returns the directory to work in, without links in its path.
    ///
    /// # Errors
    ///
    /// When it is no directory or may not be read.
    pub fn workspace(&self) -> Result<PathBuf, CommandError> {
        let typed = self.global.workspace.as_deref().unwrap_or_else(|| Path::new(""));
        let path = self.absolute(typed);
        let read = path.canonicalize().and_then(|path| fs::read_dir(&path).map(|_| path));
        read.map_err(|error| self.unfit(&path, &error))
    }

    fn unfit(&self, path: &Path, error: &io::Error) -> CommandError {
        let shown = path.display();
        let (kind, message) = match error.kind() {
            io::ErrorKind::NotFound => {
                (Exit::Configuration, format!("there is no directory `{shown}`"))
            }
            io::ErrorKind::NotADirectory => {
                (Exit::Configuration, format!("`{shown}` is not a directory"))
            }
            _ => (Exit::Configuration, format!("cannot read the directory `{shown}`: {error}")),
        };
        CommandError::new(kind, message).hint("--workspace DIR")
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
        let workspace = self.workspace()?;
        let mut layers = Layers::read(self.paths()?, &workspace, &self.environment)?;
        flags(&mut layers)?;
        let settings = Settings::of(layers, &self.environment);
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
        let environment = Arc::clone(&self.environment.snapshot());
        let secrets = SecretStore::new(self.paths()?.home(), environment);
        Ok(secrets.with_keyring_programs(settings.credentials.programs.clone()))
    }

    /// Returns what the user lets be read of other programs' stores.
    ///
    /// # Errors
    ///
    /// When there is no home, or its file cannot be read.
    pub fn consents(&self) -> Result<Consents, CommandError> {
        Consents::read(self.paths()?.home())
    }

    /// Returns the components that come with the program.
    pub fn components(&self) -> &'static [Embedded] {
        openkoi_components::all()
    }

    /// Returns what is known of models: what is bundled, and what these providers listed last.
    ///
    /// # Errors
    ///
    /// When the bundled list is broken, or there is no home.
    pub fn catalogue(&self, connections: &Connections) -> Result<Catalogue, CommandError> {
        let home = self.paths()?.home();
        let mut catalogue = Catalogue::parse(openkoi_components::models())?;
        for one in connections.usable() {
            if let Some(listing) = Listing::read(home, &one.name, &one.base_url) {
                catalogue.lay(one.key(), &listing);
            }
        }
        Ok(catalogue)
    }

    /// Finds the providers.
    ///
    /// # Errors
    ///
    /// When the configuration names a component that is not there.
    pub fn connections(&self, settings: &Settings) -> Result<Connections, CommandError> {
        let mut manifests = models::manifests(self.components())?;
        let value = |name: &str| Some(self.environment.named(name)?.to_string_lossy().into_owned());
        let warnings = models::place(&mut manifests, &value);
        let (secrets, consents) = (self.secrets(settings)?, self.consents()?);
        let has = models::credentials(&secrets, &consents);
        let mut connections = models::connect(settings, &manifests, &has)?;
        connections.warnings.extend(warnings);
        let is_there = |source: &&SecretSource| secrets.has(std::slice::from_ref(*source));
        let closed = connections.externals().filter(|source| !consents.allow(source));
        let closed = closed.filter(is_there).filter_map(SecretSource::external);
        connections.closed =
            closed.map(|(name, place)| (name.to_owned(), place.into_owned())).collect();
        connections.keep_to(|source| consents.allow(source));
        Ok(connections)
    }

    /// Opens the storage, creating what is missing.
    ///
    /// # Errors
    ///
    /// Says in one sentence what is in the way.
    pub fn storage(&self) -> Result<Storage, CommandError> {
        let paths = self.paths()?;
        paths.prepare()?;
        Ok(Storage::open(places(paths))?)
    }

    /// Opens the storage if there is one. Looking creates nothing.
    ///
    /// # Errors
    ///
    /// As [`Context::storage`].
    pub fn existing_storage(&self) -> Result<Option<Storage>, CommandError> {
        let paths = self.paths()?;
        if !paths.data().join(opener::FILE).exists() {
            return Ok(None);
        }
        Ok(Some(Storage::open(places(paths))?))
    }
}

fn places(paths: &Paths) -> Places {
    Places { home: paths.home().to_owned(), data: paths.data().to_owned() }
}

impl From<StorageError> for CommandError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoSuch { what, .. } => {
                let list = format!("openkoi {what} list");
                Self::usage(error.to_string()).hint(list)
            }
            StorageError::Ambiguous { what, ref text, ref candidates } => {
                let message = format!("more than one {what} begins with `{text}`");
                let hint =
                    |one: &openkoi_storage::Candidate| format!("{}   ({})", one.short, one.title);
                Self::usage(message).hints(candidates.iter().map(hint))
            }
            StorageError::BadId(_) => Self::usage(error.to_string()),
            StorageError::Owned { .. } => {
                Self::new(Exit::Configuration, format!("{error}: another process is running it"))
            }
            _ => Self::from_error(Exit::Configuration, &error),
        }
    }
}
