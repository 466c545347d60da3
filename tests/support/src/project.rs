//! Small real projects with three tests: one green, one that the half fix turns green, one that only the
//! whole fix does. They need no network.

use std::process::{Command, Stdio};

/// The flavour of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A library of Cargo.
    Rust,
    /// A module with `unittest`.
    Python,
    /// A package with `node --test`.
    Node,
    /// A script with `test.sh`, which says `ok` and `not ok`.
    Shell,
}

/// Reads the fixture's files into pairs of path and text.
macro_rules! files {
    ($folder:literal: $($path:literal),+) => {
        vec![$(($path, include_str!(concat!("../../fixtures/", $folder, "/", $path)))),+]
    };
}

impl Kind {
    /// Every flavour.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Python, Self::Node, Self::Shell];

    /// Returns the files of the broken project, by path.
    pub fn files(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Rust => {
                files!("rust/broken": ".gitignore", "Cargo.lock", "Cargo.toml", "src/lib.rs",
                "tests/percent.rs")
            }
            Self::Python => files!("python/broken": ".gitignore", "percent.py", "test_percent.py"),
            Self::Node => files!("node/broken": "package.json", "percent.js", "percent.test.js"),
            Self::Shell => files!("shell/broken": "percent.sh", "test.sh"),
        }
    }

    /// Returns the file that has to be fixed.
    pub fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "percent.py",
            Self::Node => "percent.js",
            Self::Shell => "percent.sh",
        }
    }

    /// Returns the file with the tests.
    pub fn tests(self) -> &'static str {
        match self {
            Self::Rust => "tests/percent.rs",
            Self::Python => "test_percent.py",
            Self::Node => "percent.test.js",
            Self::Shell => "test.sh",
        }
    }

    /// Returns the text of a file of the broken project.
    ///
    /// # Panics
    ///
    /// When it has no such file.
    pub fn text(self, path: &str) -> &'static str {
        let files = self.files();
        let found = files.into_iter().find(|(known, _)| *known == path);
        found.unwrap_or_else(|| panic!("the {self:?} project has no {path}")).1
    }

    /// Returns the text of [`Kind::source`] with which one test is still red.
    pub fn half_fix(self) -> &'static str {
        match self {
            Self::Rust => include_str!("../../fixtures/rust/half/src/lib.rs"),
            Self::Python => include_str!("../../fixtures/python/half/percent.py"),
            Self::Node => include_str!("../../fixtures/node/half/percent.js"),
            Self::Shell => include_str!("../../fixtures/shell/half/percent.sh"),
        }
    }

    /// Returns the text of [`Kind::source`] with which all tests are green.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Rust => include_str!("../../fixtures/rust/fixed/src/lib.rs"),
            Self::Python => include_str!("../../fixtures/python/fixed/percent.py"),
            Self::Node => include_str!("../../fixtures/node/fixed/percent.js"),
            Self::Shell => include_str!("../../fixtures/shell/fixed/percent.sh"),
        }
    }

    /// Returns the command that runs the tests.
    pub fn command(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["cargo", "test", "--offline"],
            Self::Python => &["python3", "-m", "unittest"],
            Self::Node => &["node", "--test"],
            Self::Shell => &["sh", "test.sh"],
        }
    }

    /// Returns whether this machine has the toolchain.
    pub fn is_available(self) -> bool {
        let version = if self == Self::Shell { "-c" } else { "--version" };
        let mut command = Command::new(self.command()[0]);
        // `sh` has no version to print; `:` is a command that does nothing.
        command.arg(version).args((self == Self::Shell).then_some(":"));
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn passes(kind: Kind, directory: &Path) -> bool {
        let command = kind.command();
        let status = Command::new(command[0])
            .args(&command[1..])
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    }

    #[test]
    fn the_tests_of_a_project_are_red_until_the_whole_fix() {
        for kind in [Kind::Shell, Kind::Python, Kind::Node] {
            if !kind.is_available() {
                crate::skip::skip(
                    "the_tests_of_a_project_are_red_until_the_whole_fix",
                    "no toolchain",
                );
                continue;
            }
            let home = crate::Home::new().project(kind);
            let work = home.workspace();
            assert!(!passes(kind, &work), "{kind:?} as it is");
            std::fs::write(work.join(kind.source()), kind.half_fix()).unwrap();
            assert!(!passes(kind, &work), "{kind:?} with half a fix");
            std::fs::write(work.join(kind.source()), kind.fix()).unwrap();
            assert!(passes(kind, &work), "{kind:?} with the whole fix");
        }
    }

    #[test]
    fn every_project_has_its_source_and_its_tests() {
        for kind in Kind::ALL {
            assert_ne!(kind.text(kind.source()), kind.half_fix());
            assert_ne!(kind.half_fix(), kind.fix());
            assert!(!kind.text(kind.tests()).is_empty());
        }
    }
}
