//! A desktop that shows alerts, played by a program that stands in for that of the system.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::Home;

/// The program, as it is in the source. It is linked to and not written, so that it is not open for writing when it is started.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/notify-send");

/// One desktop. Dropping it fails the test if it was asked in a form that it does not know.
#[derive(Debug)]
pub struct Desktop {
    directory: TempDir,
}

impl Home {
    /// Puts this home on a desktop, which is told of everything at once.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    #[must_use]
    pub fn on_a_desktop(self) -> (Self, Desktop) {
        let directory =
            tempfile::Builder::new().prefix("koi-desk-").tempdir().expect("a directory");
        let desktop = Desktop { directory };
        symlink(Path::new(PROGRAM), desktop.place("notify-send")).expect("the directory is new");
        fs::write(desktop.place("bus"), "").expect("the directory can be written");
        let place = desktop.directory.path();
        // As for a daemon that systemd started: the address of the bus is not said.
        let home = self.env("XDG_RUNTIME_DIR", place).config(&format!(
            "[alerts]\nafter_seconds = 0\nprograms = [\"{}\"]\n",
            place.display()
        ));
        (home, desktop)
    }
}

impl Desktop {
    /// Returns what was shown, as title and body, the oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        let shown = fs::read_to_string(self.place("shown")).unwrap_or_default();
        shown.lines().map(str::to_owned).collect()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let faults = fs::read_to_string(self.place("faults")).unwrap_or_default();
        assert!(faults.is_empty() || std::thread::panicking(), "the desktop: {faults}");
    }
}
