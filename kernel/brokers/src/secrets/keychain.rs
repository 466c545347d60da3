//! The keychain of the user's session, where the system has one: what another program keeps there is read, and nothing
//! is written.
//!
//! `security` would want a secret to write among its arguments, which everybody can see; so keys of this program stay
//! in files there.

use super::program::{Program, Silence};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The program that reads it.
#[cfg(target_os = "macos")]
const PROGRAM: Option<&str> = Some("/usr/bin/security");
#[cfg(not(target_os = "macos"))]
const PROGRAM: Option<&str> = None;
/// How it ends where there is no such item.
const ABSENT: i32 = 44;

/// Whether this system has a keychain.
#[must_use]
pub fn has_keychain() -> bool {
    PROGRAM.is_some()
}

/// The keychain, as far as there is one.
#[derive(Clone, Debug)]
pub(super) struct Keychain(Option<Program>);

impl Keychain {
    /// Takes what it needs of the environment. Looks for nothing yet.
    pub(super) fn new(environment: &HashMap<OsString, OsString>) -> Self {
        Self::by(PROGRAM.map(PathBuf::from), environment)
    }

    /// Asks this program instead.
    pub(super) fn by(program: Option<PathBuf>, environment: &HashMap<OsString, OsString>) -> Self {
        let home = environment.get(OsStr::new("HOME"));
        let home = home.map(|home| (OsString::from("HOME"), home.clone()));
        Self(program.map(|path| Program { path, environment: home.into_iter().collect() }))
    }

    /// Whether there is an item of this service. It is not opened, so nobody is asked whether that may be.
    pub(super) fn has(&self, service: &str) -> bool {
        let Some(program) = &self.0 else { return false };
        let said = program.run(&["find-generic-password", "-s", service], &[]);
        said.is_ok_and(|said| said.status.success())
    }

    /// Reads the item of this service; nothing if there is none. The reason is for after "the token of …".
    pub(super) fn read(&self, service: &str) -> Result<Option<Zeroizing<Vec<u8>>>, &'static str> {
        let Some(program) = &self.0 else { return Ok(None) };
        match program.run(&["find-generic-password", "-s", service, "-w"], &[]) {
            Ok(said) if said.status.success() => Ok(Some(said.out)),
            Ok(said) if said.status.code() == Some(ABSENT) => Ok(None),
            Ok(_) => Err("is not given out by the keychain; unlock that, or allow it there"),
            Err(Silence::Late) => Err("did not come out of the keychain in time; allow it there"),
            Err(Silence::Broken(_)) => Err("cannot be read, because `security` does not run"),
        }
    }
}
