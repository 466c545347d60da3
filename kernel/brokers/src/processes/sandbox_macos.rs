//! The sandbox on macOS: `sandbox-exec` with a profile made for one program.

use super::{Command, Part, ProcessError, Processes, SandboxReport};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const LAUNCHER: &str = "/usr/bin/sandbox-exec";

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    profile: String,
}

impl Sandbox {
    /// Writes the profile of one program.
    pub(super) fn prepare(
        processes: &Processes,
        command: &Command,
        workspace: &Path,
        temporary: &Path,
    ) -> Result<Self, ProcessError> {
        (processes.probe)(Part::Files).map_err(|error| missing(&error.to_string()))?;
        if !Path::new(LAUNCHER).exists() {
            return Err(missing("sandbox-exec is not there"));
        }
        let writable = command.write.iter().map(PathBuf::as_path).chain([workspace, temporary]);
        let secret = &processes.settings.secret;
        Ok(Self { profile: profile(writable, secret, command.network) })
    }

    /// What to start in place of `program`.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        let arguments = vec!["-p".into(), self.profile.clone().into(), program.into()];
        (LAUNCHER.into(), arguments)
    }

    /// Nothing: the launcher enters it.
    pub(super) fn enter(&self) -> io::Result<()> {
        Ok(())
    }
}

fn profile<'a>(
    writable: impl Iterator<Item = &'a Path>,
    secret: &[PathBuf],
    network: bool,
) -> String {
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

/// There is none: the profile closes the network as a whole.
pub(super) fn loopback(_: &Processes) -> Result<(), String> {
    Err("programs have no network of their own on this system".to_owned())
}

/// Says what this machine can do.
pub(super) fn report(processes: &Processes) -> SandboxReport {
    let available = (processes.probe)(Part::Files).is_ok() && Path::new(LAUNCHER).exists();
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
