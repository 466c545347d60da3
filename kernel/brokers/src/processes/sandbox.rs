//! The sandbox on Linux: Landlock for files, a namespace for the network, seccomp for system calls. Built in
//! the parent, entered by the child with system calls alone.

mod calls;
mod namespace;
mod rules;

use self::calls::Sockets;
use self::namespace::{Namespace, Unshared};
use self::rules::no_files;
use super::settings::Probe;
use super::{Command, ProcessError, ProcessSettings, SandboxPart, SandboxReport};
use crate::sabotage::{Guard, off};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::BpfProgram;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    rules: Option<OwnedFd>,
    network: Network,
}

/// The network of a program.
enum Network {
    /// The host's, or none at all.
    Given(&'static [BpfProgram]),
    /// One of its own; none at all if that fails after all.
    Own { namespace: Namespace, inside: &'static [BpfProgram], without: &'static [BpfProgram] },
}

impl Sandbox {
    /// Builds the sandbox of one program. `own` are its workspace and its temporary directory.
    pub(super) fn prepare(
        settings: &ProcessSettings,
        probe: Probe,
        command: &Command,
        own: [&Path; 2],
    ) -> Result<Self, ProcessError> {
        probe(SandboxPart::Files).map_err(|error| no_files(&error.to_string()))?;
        let rules = match off(Guard::ProcessFiles) {
            true => None,
            false => Some(rules::build(settings, command, own)?),
        };
        let network = Network::prepare(probe, command).map_err(|reason| no_calls(&reason))?;
        Ok(Self { rules, network })
    }

    /// Returns the program to start in place of `program`, which is itself, and the arguments before its own.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        (program.to_owned(), Vec::new())
    }

    /// Enters the sandbox, for good. Called between fork and exec: system calls only, errors are numbers.
    pub(super) fn enter(&self) -> io::Result<()> {
        let (unshared, programs) = self.network.enter()?;
        match unshared {
            Some(Unshared::Users) => drop_all_capabilities()?,
            Some(Unshared::Network) | None => drop_capabilities(),
        }
        forbid_new_privileges()?;
        if let Some(rules) = &self.rules {
            restrict(rules)?;
        }
        programs.iter().try_for_each(|program| {
            seccompiler::apply_filter(program)
                .map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
        })
    }
}

impl Network {
    fn prepare(probe: Probe, command: &Command) -> Result<Self, String> {
        let programs = |sockets| match off(Guard::ProcessNetwork) {
            true => Ok(&[][..]),
            false => calls::programs(sockets),
        };
        if command.network {
            return programs(Sockets::Internet).map(Self::Given);
        }
        let without = programs(Sockets::None)?;
        match Namespace::prepare(probe) {
            Ok(namespace) => {
                Ok(Self::Own { namespace, inside: programs(Sockets::Loopback)?, without })
            }
            Err(error) => {
                tracing::debug!(%error, "a program has no loopback");
                Ok(Self::Given(without))
            }
        }
    }

    /// Enters the network; returns what was unshared for it, and the filters that belong to it.
    fn enter(&self) -> io::Result<(Option<Unshared>, &'static [BpfProgram])> {
        match self {
            Self::Given(programs) => Ok((None, programs)),
            Self::Own { namespace, inside, without } => {
                let Ok(unshared) = namespace.leave() else { return Ok((None, without)) };
                namespace.settle(unshared)?;
                Ok((Some(unshared), inside))
            }
        }
    }
}

/// The capabilities that root keeps: those over files, with which a workspace of another user is edited, and those to
/// become another user.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Takes from root the capabilities that lead around the sandbox: with `PERFMON`, for one, the memory of any process can
/// be read. A user who is not root has none, and the first call fails.
fn drop_capabilities() {
    if off(Guard::ProcessCapabilities) {
        return;
    }
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        if rustix::thread::remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
}

/// Drops the capabilities that a user namespace gives to its maker, for good.
fn drop_all_capabilities() -> io::Result<()> {
    if off(Guard::ProcessCapabilities) {
        return Ok(());
    }
    rustix::thread::clear_ambient_capability_set()?;
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // There are no more.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

fn forbid_new_privileges() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

fn restrict(rules: &OwnedFd) -> io::Result<()> {
    #[expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]
    // SAFETY: the call takes an open descriptor, which `rules` keeps open, and a number; it touches no memory
    // of this process.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn no_calls(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not filter system calls ({reason})"),
        fix: "use a kernel with seccomp filters",
    }
}

/// Reports on the sandbox of this machine, by building that of a program.
pub(super) fn report(probe: Probe) -> SandboxReport {
    let mut notes = Vec::new();
    let files = probe(SandboxPart::Files).map_err(|error| no_files(&error.to_string()));
    let version = noted(files.and_then(|()| rules::level()), &mut notes);
    let network = noted(calls::programs(Sockets::None).map_err(|e| no_calls(&e)), &mut notes);
    let scopes = version.is_some_and(|version| version >= 6);
    if version.is_some() && !scopes {
        notes.push(
            "programs can send signals to other processes; Linux 6.12 closes that".to_owned(),
        );
    }
    SandboxReport {
        available: version.is_some() && network.is_some(),
        files: version.map(|version| format!("Landlock ABI {version}")),
        network: network.is_some(),
        scopes,
        notes,
    }
}

/// Checks whether a program can have a network of its own here.
pub(super) fn loopback(probe: Probe) -> Result<(), String> {
    Namespace::prepare(probe).map(drop).map_err(no_loopback)
}

fn no_loopback(error: io::Error) -> String {
    format!(
        "programs cannot listen on 127.0.0.1, because this system gives them no network of their own ({error}); \
         allow user namespaces to change that"
    )
}

/// Returns the value, or notes why there is none.
fn noted<T>(found: Result<T, impl ToString>, notes: &mut Vec<String>) -> Option<T> {
    found.map_err(|error| notes.push(error.to_string())).ok()
}
