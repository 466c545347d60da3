//! This machine, as skills ask for it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use openkoi_brokers::disk::{self, FileKind};
use openkoi_storage::skills::requirements::Machine;

use crate::environment::Environment;

/// The programs and variables that are here. Each program is looked for once.
pub(super) struct ThisMachine<'a> {
    environment: &'a Environment,
    directories: Vec<PathBuf>,
    found: Mutex<HashMap<String, bool>>,
}

impl<'a> ThisMachine<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let path = environment.named("PATH").unwrap_or_default();
        let directories = std::env::split_paths(path).filter(|path| path.is_absolute());
        Self { environment, directories: directories.collect(), found: Mutex::default() }
    }
}

impl Machine for ThisMachine<'_> {
    fn system(&self) -> &str {
        std::env::consts::OS
    }

    fn has_program(&self, name: &str) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found.get(name) {
            return *found;
        }
        let is_program = |directory: &PathBuf| {
            let status = disk::status(&directory.join(name));
            status.is_ok_and(|status| status.kind == FileKind::File && status.mode & 0o111 != 0)
        };
        let is_here = !name.contains('/') && self.directories.iter().any(is_program);
        found.insert(name.to_owned(), is_here);
        is_here
    }

    fn has_variable(&self, name: &str) -> bool {
        self.environment.named(name).is_some()
    }
}
