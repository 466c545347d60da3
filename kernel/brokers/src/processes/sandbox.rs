//! The sandbox on Linux: Landlock for files, a namespace for the network, seccomp for system calls. Built in
//! the parent, entered by the child with system calls alone.

mod calls;
mod namespace;
mod rules;

use self::calls::Sockets;
use self::namespace::{Left, Namespace};
use super::{Command, Part, ProcessError, Processes, SandboxReport};
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

/// What a program can reach.
enum Network {
    /// The host's, or none at all.
    Given(&'static [BpfProgram]),
    /// One of its own; where that fails after all, none at all.
    Own { namespace: Namespace, inside: &'static [BpfProgram], without: &'static [BpfProgram] },
}

impl Sandbox {
    /// Builds the sandbox of one program.
    pub(super) fn prepare(
        processes: &Processes,
        command: &Command,
        workspace: &Path,
        temporary: &Path,
    ) -> Result<Self, ProcessError> {
        (processes.probe)(Part::Files).map_err(|error| no_files(&error.to_string()))?;
        let rules = match off(Guard::ProcessFiles) {
            true => None,
            false => Some(rules::build(&processes.settings, command, workspace, temporary)?),
        };
        let network = Network::prepare(processes, command).map_err(|reason| no_calls(&reason))?;
        Ok(Self { rules, network })
    }

    /// What to start in place of `program`: itself.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        (program.to_owned(), Vec::new())
    }

    /// Enters the sandbox, for good. Called between fork and exec: system calls only, errors are numbers.
    pub(super) fn enter(&self) -> io::Result<()> {
        let (left, programs) = self.network.enter()?;
        match left {
            Some(Left::Users) => drop_all_capabilities()?,
            Some(Left::Network) | None => drop_capabilities(),
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
    fn prepare(processes: &Processes, command: &Command) -> Result<Self, String> {
        let programs = |sockets| match off(Guard::ProcessNetwork) {
            true => Ok(&[][..]),
            false => calls::programs(sockets),
        };
        if command.network {
            return programs(Sockets::Internet).map(Self::Given);
        }
        let without = programs(Sockets::None)?;
        match Namespace::prepare(processes.probe) {
            Ok(namespace) => {
                Ok(Self::Own { namespace, inside: programs(Sockets::Loopback)?, without })
            }
            Err(error) => {
                tracing::debug!(%error, "a program has no loopback");
                Ok(Self::Given(without))
            }
        }
    }

    /// Enters the network; returns what the process left for it, and the filters that belong to it.
    fn enter(&self) -> io::Result<(Option<Left>, &'static [BpfProgram])> {
        match self {
            Self::Given(programs) => Ok((None, programs)),
            Self::Own { namespace, inside, without } => {
                let Ok(left) = namespace.leave() else { return Ok((None, without)) };
                namespace.settle(left)?;
                Ok((Some(left), inside))
            }
        }
    }
}

/// What root may keep: the owner's rights over files, in which a workspace of another user is edited, and the
/// right to become another user.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Takes from root what leads around the sandbox: with `PERFMON`, for one, the memory of any process can be
/// read. Somebody who is not root has nothing to lose and is refused at the first.
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

/// Takes what a user namespace gives to whoever makes it: everything, and the way back to it.
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

fn no_files(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not confine files ({reason})"),
        fix: "use Linux 5.13 or newer with `landlock` among its security modules",
    }
}

fn no_calls(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not filter system calls ({reason})"),
        fix: "use a kernel with seccomp filters",
    }
}

/// Says what this machine can do, by building what a program would get.
pub(super) fn report(processes: &Processes) -> SandboxReport {
    let mut notes = Vec::new();
    let files = (processes.probe)(Part::Files).map_err(|error| no_files(&error.to_string()));
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

/// Says whether a program can have a network of its own here.
pub(super) fn loopback(processes: &Processes) -> Result<(), String> {
    Namespace::prepare(processes.probe).map(drop).map_err(no_loopback)
}

fn no_loopback(error: io::Error) -> String {
    format!(
        "programs cannot listen on 127.0.0.1, because this system gives them no network of their own ({error}); \
         allow user namespaces to change that"
    )
}

/// Returns what is there, or notes why it is not.
fn noted<T>(found: Result<T, impl ToString>, notes: &mut Vec<String>) -> Option<T> {
    found.map_err(|error| notes.push(error.to_string())).ok()
}
