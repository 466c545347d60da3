//! The sandbox on macOS: `sandbox-exec` with a profile made for one program.

use super::caches::Caches;
use super::settings::Probe;
use super::shared::Namespaces;
use super::{Command, Network, ProcessError, ProcessSettings, SandboxPart, SandboxReport};
use crate::layer::{Layer, LayerError};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const LAUNCHER: &str = "/usr/bin/sandbox-exec";

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    profile: String,
}

impl Sandbox {
    /// Writes the profile of one program. `own` are its workspace and its temporary directory.
    pub(super) fn prepare(
        settings: &ProcessSettings,
        probe: Probe,
        command: &Command,
        _directory: &Path,
        own: [&Path; 2],
        caches: &Caches,
    ) -> Result<Self, ProcessError> {
        probe(SandboxPart::Files).map_err(|error| missing(&error.to_string()))?;
        if !Path::new(LAUNCHER).exists() {
            return Err(missing("sandbox-exec is not there"));
        }
        let writable = command.write.iter().map(PathBuf::as_path).chain(own);
        let writable = writable.chain(caches.directories());
        let secret: Vec<PathBuf> = match &command.copy {
            // What leads into the workspace by its absolute path would answer with the files as they are there.
            Some(copy) => settings.secret.iter().chain([&copy.original]).cloned().collect(),
            None => settings.secret.clone(),
        };
        let closed = (secret.as_slice(), settings.spool.as_path());
        let mut profile = profile(writable, closed, matches!(command.network, Network::Open));
        if let Some(certificates) = &settings.certificates {
            profile.push_str(&format!("(allow file-read* (literal {}))", quoted(certificates)));
        }
        if let Some(copy) = &command.copy {
            // It lies in a closed place, as what it is a copy of is one.
            profile.push_str(&format!(
                "(allow file-read* file-write* (subpath {}))",
                quoted(&copy.root)
            ));
            for place in &copy.shared {
                profile.push_str(&format!("(allow file-read* (subpath {}))", quoted(place)));
            }
        }
        Ok(Self { profile })
    }

    /// No program has a network of its own here, and so no way out of one.
    pub(super) fn take_door(&mut self) -> Option<DoorOutside> {
        None
    }

    /// Nothing is handed out here.
    pub(super) fn take_inside(&mut self) -> Option<InsideTaken> {
        None
    }

    /// Returns the program to start in place of `program`, and the arguments before its own.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        let arguments = vec!["-p".into(), self.profile.clone().into(), program.into()];
        (LAUNCHER.into(), arguments)
    }

    /// Does nothing: the launcher enters the sandbox.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(())
    }
}

/// `closed` are the secret places, and the directory among them whose outputs may be read all the same.
fn profile<'a>(
    writable: impl Iterator<Item = &'a Path>,
    closed: (&[PathBuf], &Path),
    network: bool,
) -> String {
    let (secret, outputs) = closed;
    // The last rule that matches wins. Reading is open except for the secret places, because the system
    // reads from hundreds of directories to start a program.
    let mut text = String::from("(version 1)(allow default)(deny file-write*)");
    for device in ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"] {
        text.push_str(&format!("(allow file-write* (literal \"{device}\"))"));
    }
    for path in writable {
        text.push_str(&format!("(allow file-write* (subpath {}))", quoted(path)));
    }
    for path in secret {
        text.push_str(&format!("(deny file-read* file-write* (subpath {}))", quoted(path)));
    }
    text.push_str(&format!("(allow file-read* (subpath {}))", quoted(outputs)));
    if !network {
        text.push_str("(deny network*)");
    }
    text
}

fn quoted(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{path}\"")
}

fn missing(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this system does not confine programs ({reason})"),
        fix: "restore /usr/bin/sandbox-exec",
    }
}

/// Fails: the profile closes the network as a whole.
pub(super) fn loopback(_: Probe) -> Result<(), String> {
    Err("programs have no network of their own on this system".to_owned())
}

/// Fails: there are no overlays.
pub(super) fn layer(
    _: &ProcessSettings,
    _: Probe,
    _: &Path,
    _: &Path,
    _: Vec<PathBuf>,
) -> Result<Layer, LayerError> {
    Err(LayerError::Unavailable { reason: "this system has no overlays".to_owned() })
}

/// Fails: there are no overlays.
pub(super) fn layers(_: &ProcessSettings, _: Probe) -> Result<(), String> {
    Err("what a program changes is found by a walk of the workspace on this system, and tests as they were run in a copy of \
         it"
        .to_owned())
}

/// Reports on the sandbox of this machine.
pub(super) fn report(probe: Probe) -> SandboxReport {
    let available = probe(SandboxPart::Files).is_ok() && Path::new(LAUNCHER).exists();
    SandboxReport {
        available,
        files: available.then(|| "sandbox-exec".to_owned()),
        network: available,
        scopes: false,
        notes: if available {
            Vec::new()
        } else {
            vec![missing("sandbox-exec is not there").to_string()]
        },
    }
}

/// The way out of a program's network, which no program has here.
pub(super) enum DoorOutside {}

impl DoorOutside {
    pub(super) fn take(self) -> std::io::Result<std::net::TcpListener> {
        match self {}
    }
}

/// Tells that a program's processes are not apart here.
pub(super) fn own_processes(_: Probe) -> Result<(), String> {
    Err("programs see the processes of others, and their memory and number have no limit: this system has no \
         namespaces"
        .to_owned())
}

/// What a program's process hands out: nothing.
pub(super) enum InsideTaken {}

impl InsideTaken {
    pub(super) fn take(self) -> io::Result<Namespaces> {
        match self {}
    }
}
