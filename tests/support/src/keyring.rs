//! A key ring of a desktop session, played by programs that stand in for those of the system.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The programs, as they are in the source. They are linked to and not written, so that none of them is open for
/// writing when it is started.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");

/// One key ring. Dropping it fails the test if it was asked for something that would have asked a person.
#[derive(Debug)]
pub struct Keyring {
    directory: TempDir,
}

impl Default for Keyring {
    fn default() -> Self {
        Self::new()
    }
}

impl Keyring {
    /// Returns an empty, unlocked key ring.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    pub fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("koi-ring-").tempdir().expect("a directory");
        for program in ["secret-tool", "busctl", "security"] {
            let link = directory.path().join(program);
            symlink(Path::new(PROGRAMS).join(program), link).expect("the directory is new");
        }
        Self { directory }
    }

    /// Returns the directory of its programs.
    pub fn programs(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Returns the variable of a session that has it.
    pub fn session(&self) -> (&'static str, String) {
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus".to_owned())
    }

    /// Turns one of its states on: `locked`, `hangs`, `unserved`, or `chatty`, where it complains with the secret.
    ///
    /// # Panics
    ///
    /// When the directory cannot be written.
    pub fn is(&self, state: &str) {
        fs::write(self.directory.path().join(state), "").expect("the directory can be written");
    }

    /// Turns a state off.
    ///
    /// # Panics
    ///
    /// When it was not on.
    pub fn is_not(&self, state: &str) {
        fs::remove_file(self.directory.path().join(state)).expect("the state is on");
    }

    /// Returns what is kept.
    pub fn secrets(&self) -> Vec<String> {
        let files = fs::read_dir(self.directory.path()).into_iter().flatten().flatten();
        let items = files.filter(|file| file.file_name().to_string_lossy().starts_with("item-"));
        items.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// Returns the programs' arguments, one call a line.
    pub fn calls(&self) -> String {
        self.read("calls")
    }

    /// Returns the environment that `secret-tool` was started with.
    pub fn environment(&self) -> String {
        self.read("environment")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let faults = self.read("faults");
        assert!(faults.is_empty() || std::thread::panicking(), "the key ring: {faults}");
    }
}
