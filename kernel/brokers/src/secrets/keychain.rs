//! The keychain of the user's session, on systems that have one. Other programs' items are read; nothing is written.
//!
//! To write a secret, `security` would take it among its arguments, which every user can see. Keys of this program are
//! kept in files on such systems.

use super::variables::Variables;
use crate::program::{Program, ProgramFailure};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The program that reads the keychain.
#[cfg(target_os = "macos")]
const PROGRAM: Option<&str> = Some("/usr/bin/security");
#[cfg(not(target_os = "macos"))]
const PROGRAM: Option<&str> = None;
/// The exit code of that program when the keychain has no such item.
const ABSENT: i32 = 44;

/// Tells whether this system has a keychain.
#[must_use]
pub fn has_keychain() -> bool {
    PROGRAM.is_some()
}

/// The keychain, if the system has one.
#[derive(Clone, Debug)]
pub(super) struct Keychain(Option<Program>);

impl Keychain {
    /// Takes the home of `environment`. Starts nothing.
    pub(super) fn new(environment: &Variables) -> Self {
        Self::by(PROGRAM.map(PathBuf::from), environment)
    }

    /// As [`Keychain::new`], with another program.
    pub(super) fn by(program: Option<PathBuf>, environment: &Variables) -> Self {
        let home = environment.get(OsStr::new("HOME"));
        let home = home.map(|home| (OsString::from("HOME"), home.clone()));
        Self(program.map(|path| Program { path, environment: home.into_iter().collect() }))
    }

    /// Tells whether there is an item for this service. It is not opened, so the user is not asked for consent.
    pub(super) fn has(&self, service: &str) -> bool {
        let Some(program) = &self.0 else { return false };
        let answer = program.run(&["find-generic-password", "-s", service], &[]);
        answer.is_ok_and(|answer| answer.status.success())
    }

    /// Reads the item for this service; nothing if there is none. The error is the end of a sentence that begins with
    /// "the token of …".
    pub(super) fn read(&self, service: &str) -> Result<Option<Zeroizing<Vec<u8>>>, &'static str> {
        let Some(program) = &self.0 else { return Ok(None) };
        match program.run(&["find-generic-password", "-s", service, "-w"], &[]) {
            Ok(answer) if answer.status.success() => Ok(Some(answer.out)),
            Ok(answer) if answer.status.code() == Some(ABSENT) => Ok(None),
            Ok(_) => Err("is not given out by the keychain; unlock that, or allow it there"),
            Err(ProgramFailure::Late) => {
                Err("did not come out of the keychain in time; allow it there")
            }
            Err(ProgramFailure::Broken(_)) => {
                Err("cannot be read, because `security` does not run")
            }
        }
    }
}
