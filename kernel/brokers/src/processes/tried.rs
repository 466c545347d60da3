//! What was tried from inside of the sandbox, remembered for as long as kernel, start of the machine, program and settings
//! are the same.

use super::settings::Probe;
use super::{Consequence, Escape, ProcessError, ProcessSettings, SandboxPart, attempts};
use crate::sabotage::{Guard, off};
use crate::{disk, durable};
use openkoi_core::hash;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The largest file of what was found, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What was found by trying, with the file in which it is remembered.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    file: PathBuf,
    found: Arc<OnceLock<Result<Found, String>>>,
}

/// What a program can do although it must not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    escapes: Vec<Escape>,
    /// Whether it was gone when programs had no sockets.
    #[serde(default)]
    no_sockets: bool,
}

/// The contents of the file.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// What the rest holds for.
    key: String,
    found: Found,
}

impl Tried {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, found: Arc::default() }
    }

    /// Returns the check of the parts of the sandbox with which programs are started here.
    ///
    /// # Errors
    ///
    /// A program could do what the sandbox is there to prevent, or it could not be tried.
    pub(super) fn probe(
        &self,
        settings: &ProcessSettings,
        probe: Probe,
    ) -> Result<Probe, ProcessError> {
        let found = self.found.get_or_init(|| self.remembered_or_tried(settings, probe));
        let failed = |reason: String| ProcessError::Sandbox {
            reason,
            fix: "see `openkoi doctor`, use a newer kernel",
        };
        // A sandbox that cannot be set up says so itself, with what to do.
        let Ok(found) = found else { return Ok(probe) };
        if let Some(escape) = found.fatal().filter(|_| !off(Guard::ProcessTried)) {
            return Err(failed(format!(
                "it does not hold here, as a trial from inside showed: a program can {}",
                escape.words()
            )));
        }
        Ok(if found.no_sockets { without_network } else { probe })
    }

    /// Tries everything anew, and remembers it.
    ///
    /// # Errors
    ///
    /// The reason why it could not be tried, in one sentence.
    pub(super) fn anew(
        &self,
        settings: &ProcessSettings,
        probe: Probe,
    ) -> Result<Vec<Escape>, String> {
        let found = tried(settings, probe)?;
        self.remember(settings, &found);
        Ok(found.escapes)
    }

    fn remembered_or_tried(
        &self,
        settings: &ProcessSettings,
        probe: Probe,
    ) -> Result<Found, String> {
        if let Some(found) = remembered(&self.file, &key(settings)) {
            return Ok(found);
        }
        let found = tried(settings, probe)?;
        self.remember(settings, &found);
        Ok(found)
    }

    fn remember(&self, settings: &ProcessSettings, found: &Found) {
        // A look at the machine leaves nothing: what is not there yet is not made.
        if !self.file.parent().is_some_and(Path::is_dir) {
            return;
        }
        let remembered = Remembered { key: key(settings), found: found.clone() };
        let kept = serde_json::to_vec(&remembered).map_err(io::Error::other).and_then(|text| {
            durable::put_whole(&self.file, &text, 0o600).map_err(io::Error::other)
        });
        if let Err(error) = kept {
            tracing::debug!(%error, "what was tried in the sandbox is not remembered");
        }
    }
}

impl Found {
    /// Returns what no program may be started for.
    fn fatal(&self) -> Option<Escape> {
        let is_fatal = |escape: &Escape| match escape.consequence() {
            Consequence::NotStarted => true,
            Consequence::NoSockets => !self.no_sockets,
            Consequence::Said => false,
        };
        self.escapes.iter().copied().find(is_fatal)
    }
}

fn remembered(file: &Path, key: &str) -> Option<Found> {
    let text = disk::read(file, LARGEST).ok()?;
    let remembered: Remembered = serde_json::from_slice(&text).ok()?;
    (remembered.key == key).then_some(remembered.found)
}

/// Tries everything, and what is left of it without sockets where the network leaks.
fn tried(settings: &ProcessSettings, probe: Probe) -> Result<Found, String> {
    let escapes = attempts::escapes(settings, probe)?;
    let leaks = |escapes: &[Escape]| {
        escapes.iter().any(|escape| escape.consequence() == Consequence::NoSockets)
    };
    let no_sockets = leaks(&escapes) && !leaks(&attempts::escapes(settings, without_network)?);
    Ok(Found { escapes, no_sockets })
}

/// A system that gives programs no network of their own, so that they have no sockets.
fn without_network(part: SandboxPart) -> io::Result<()> {
    match part {
        SandboxPart::Loopback => Err(io::Error::other("the network of programs leaks")),
        SandboxPart::Files | SandboxPart::Pids | SandboxPart::Layers => Ok(()),
    }
}

/// Returns what has to be the same for a finding to hold: the kernel as it was started, this program, its user, and what the
/// settings open and close.
fn key(settings: &ProcessSettings) -> String {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let system = (text("/proc/version"), text("/proc/sys/kernel/random/boot_id"));
    let program = disk::status(Path::new("/proc/self/exe")).ok();
    let program = program.map(|status| (status.length, status.modified_ms()));
    let level = std::env::var("OPENKOI_TEST_LANDLOCK").ok().filter(|_| cfg!(debug_assertions));
    let user = (rustix::process::geteuid().as_raw(), level);
    let version = env!("CARGO_PKG_VERSION");
    hash::of_json(&(version, program, system, user, &settings.read, &settings.secret))
}
