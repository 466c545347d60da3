//! The state of one process: environment, directories, storage and the catalog of components.
//!
//! Each part is made when it is first asked for, so a command pays for the parts that it uses.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use openkoi_brokers::{
    clock::SystemClock, disk, durable, egress::Proxies, random::Random, secrets::SecretStore,
};
use openkoi_components::Embedded;
use openkoi_core::id::{SessionId, TaskId};
use openkoi_host::catalog::current::CurrentCatalog;
use openkoi_storage::{Storage, opener};

use crate::{
    consents::Consents,
    environment::{Environment, HOME},
    error::AppError,
    outbound::Outbound,
    paths::{Paths, PathsError},
    route::Route,
    settings::{Layers, Settings, SettingsError},
    surroundings,
};

/// The application of one user. All surfaces of a process share it, and many tasks can run in it at
/// once.
#[derive(Debug)]
pub struct App {
    environment: Environment,
    paths: OnceLock<Paths>,
    storage: Mutex<Option<Arc<Storage>>>,
    /// With the directories of the key ring's programs that it was made for.
    outbound: Mutex<Option<(Vec<PathBuf>, Route, Outbound)>>,
    /// The components that its hosts follow.
    pub(crate) catalog: OnceLock<Arc<CurrentCatalog>>,
    random: Random,
}

impl App {
    /// Returns an application in this environment. No file is read yet.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            paths: OnceLock::new(),
            storage: Mutex::new(None),
            outbound: Mutex::new(None),
            catalog: OnceLock::new(),
            random: Random::default(),
        }
    }

    /// Returns the variables and the directory that the program was started with.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the wall clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        SystemClock.now_ms()
    }

    /// Returns the directories, once it is checked that they can be read.
    ///
    /// # Errors
    ///
    /// When there is no home, or it cannot be read.
    pub fn paths(&self) -> Result<&Paths, AppError> {
        if let Some(paths) = self.paths.get() {
            return Ok(paths);
        }
        let paths = Paths::of(&self.environment)?;
        paths.check()?;
        Ok(self.paths.get_or_init(|| paths))
    }

    /// Returns the directory to work in, with the links in its path resolved. `typed` is relative
    /// to the directory in which the program was started. Without it, the result is the root of the
    /// repository that this directory lies in, or else the directory itself.
    ///
    /// # Errors
    ///
    /// When it is not a directory or may not be read.
    pub fn workspace(&self, typed: Option<&Path>) -> Result<PathBuf, AppError> {
        let path = self.environment.directory().join(typed.unwrap_or_else(|| Path::new("")));
        let read =
            disk::canonical(&path).and_then(|path| disk::check_listable(&path).map(|()| path));
        let path = read.map_err(|source| AppError::Workspace { path, source })?;
        if typed.is_some() {
            return Ok(path);
        }
        let home = self.environment.path(&HOME);
        Ok(surroundings::repository(&path, home.as_deref()).unwrap_or(path))
    }

    /// Returns the settings for `workspace`. `over` may set further values, which go before those
    /// of the files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or has a value of the wrong type.
    pub fn settings(
        &self,
        workspace: &Path,
        over: impl FnOnce(&mut Layers) -> Result<(), SettingsError>,
    ) -> Result<Settings, AppError> {
        let mut layers = Layers::read(self.paths()?, workspace, &self.environment)?;
        over(&mut layers)?;
        let mut settings = Settings::of(layers, &self.environment);
        settings.check_components(|| {
            let built_in = self.components().iter().map(|one| one.name.to_owned());
            let installed = self.installed_components().unwrap_or_default();
            built_in.chain(installed).collect()
        });
        Ok(settings)
    }

    /// Returns the store from which credentials are read.
    ///
    /// # Errors
    ///
    /// As [`App::paths`].
    pub fn secrets(&self, settings: &Settings) -> Result<SecretStore, AppError> {
        Ok(self.outbound(settings)?.secrets)
    }

    /// Says in one line how requests leave this machine: proxies, and whose certificates are trusted.
    ///
    /// # Errors
    ///
    /// When a proxy is no address, or a file of certificates cannot be read.
    pub fn route(&self, settings: &Settings) -> Result<String, AppError> {
        Route::of(settings, &self.environment).words(&self.environment)
    }

    /// Returns the user's own proxies.
    ///
    /// # Errors
    ///
    /// When one is no address.
    pub(crate) fn proxies(&self, settings: &Settings) -> Result<Proxies, AppError> {
        Route::of(settings, &self.environment).proxies()
    }

    /// Returns the way out of the process. All tasks share it, so an answer to one task is redacted
    /// of the secrets of the others.
    ///
    /// # Errors
    ///
    /// As [`App::paths`].
    pub(crate) fn outbound(&self, settings: &Settings) -> Result<Outbound, AppError> {
        let programs = &settings.credentials.programs;
        let mut made = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        let route = Route::of(settings, &self.environment);
        if let Some((of, by, outbound)) = &*made
            && of == programs
            && *by == route
        {
            return Ok(outbound.clone());
        }
        let home = self.paths()?.home();
        let secrets = SecretStore::new(home, self.environment.snapshot());
        let secrets = secrets.with_keyring_programs(programs.clone());
        let outbound = Outbound::new(home, secrets, &route)?;
        *made = Some((programs.clone(), route, outbound.clone()));
        Ok(outbound)
    }

    /// Returns the user's consents to reading other programs' credentials.
    ///
    /// # Errors
    ///
    /// When there is no home, or its file cannot be read.
    pub fn consents(&self) -> Result<Consents, AppError> {
        Ok(Consents::read(self.paths()?.home())?)
    }

    /// Returns the components that come with the program.
    pub fn components(&self) -> &'static [Embedded] {
        openkoi_components::all()
    }

    /// Returns the storage. The first call opens it and creates what is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be opened; the error says why in one sentence.
    pub fn storage(&self) -> Result<Arc<Storage>, AppError> {
        let mut opened = self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(storage) = &*opened {
            return Ok(Arc::clone(storage));
        }
        let paths = self.paths()?;
        paths.prepare()?;
        let storage = Arc::new(Storage::open(paths.data())?);
        *opened = Some(Arc::clone(&storage));
        Ok(storage)
    }

    /// Returns the storage if it exists, and creates nothing if it does not.
    ///
    /// # Errors
    ///
    /// As [`App::storage`].
    pub fn existing_storage(&self) -> Result<Option<Arc<Storage>>, AppError> {
        if !disk::exists(&self.paths()?.data().join(opener::FILE)) {
            return Ok(None);
        }
        self.storage().map(Some)
    }

    /// Keeps what was piped into the program in a file among the outputs of tools, and returns its path. A model may
    /// read there.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn keep_input(&self, bytes: &[u8]) -> Result<PathBuf, AppError> {
        let directory = self.paths()?.tool_output();
        durable::create_private_dir(&directory).map_err(PathsError::from)?;
        let path = directory.join(format!("stdin-{}.txt", self.new_id()?));
        durable::put_atomic(&path, bytes, 0o600).map_err(PathsError::from)?;
        Ok(path)
    }

    /// Returns a new id for a task.
    ///
    /// # Errors
    ///
    /// When the system cannot give random bytes.
    pub fn task_id(&self) -> Result<TaskId, AppError> {
        Ok(TaskId::new(self.new_id()?))
    }

    /// Returns a new id for a session.
    ///
    /// # Errors
    ///
    /// When the system cannot give random bytes.
    pub fn session_id(&self) -> Result<SessionId, AppError> {
        Ok(SessionId::new(self.new_id()?))
    }

    /// Returns 256 random bits as text.
    ///
    /// # Errors
    ///
    /// When the system cannot give random bytes.
    pub fn new_secret(&self) -> Result<String, AppError> {
        let bytes = self.random.bytes::<32>()?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns a new id, sortable by time.
    ///
    /// # Errors
    ///
    /// When the system cannot give random bytes.
    pub fn new_id(&self) -> Result<String, AppError> {
        Ok(self.random.id(self.now_ms())?)
    }
}
