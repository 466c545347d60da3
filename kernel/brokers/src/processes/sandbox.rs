//! The sandbox on Linux: Landlock for files, seccomp for system calls. Built in the parent, entered by the
//! child with system calls alone.

mod calls;
mod rules;

use super::{Command, ProcessError, Processes, SandboxReport};
use crate::sabotage::{Guard, off};
use rustix::thread::CapabilitySet;
use seccompiler::BpfProgram;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    rules: Option<OwnedFd>,
    programs: &'static [BpfProgram],
}

impl Sandbox {
    /// Builds the sandbox of one program.
    pub(super) fn prepare(
        processes: &Processes,
        command: &Command,
        workspace: &Path,
        temporary: &Path,
    ) -> Result<Self, ProcessError> {
        (processes.probe)().map_err(|error| no_files(&error.to_string()))?;
        let rules = match off(Guard::ProcessFiles) {
            true => None,
            false => Some(rules::build(&processes.settings, command, workspace, temporary)?),
        };
        let programs = match off(Guard::ProcessNetwork) {
            true => Ok(&[][..]),
            false => calls::programs(command.network),
        };
        Ok(Self { rules, programs: programs.map_err(|reason| no_calls(&reason))? })
    }

    /// What to start in place of `program`: itself.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        (program.to_owned(), Vec::new())
    }

    /// Enters the sandbox, for good. Called between fork and exec: system calls only, errors are numbers.
    pub(super) fn enter(&self) -> io::Result<()> {
        drop_capabilities();
        forbid_new_privileges()?;
        if let Some(rules) = &self.rules {
            restrict(rules)?;
        }
        self.programs.iter().try_for_each(|program| {
            seccompiler::apply_filter(program)
                .map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
        })
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
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        if rustix::thread::remove_capability_from_bounding_set(capability).is_err() {
            return;
        }
    }
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
pub(super) fn report(probe: fn() -> io::Result<()>) -> SandboxReport {
    let mut notes = Vec::new();
    let files = probe().map_err(|error| no_files(&error.to_string())).and_then(|()| rules::level());
    let version = match files {
        Ok(version) => Some(version),
        Err(error) => {
            notes.push(error.to_string());
            None
        }
    };
    let network = match calls::programs(false) {
        Ok(_) => true,
        Err(reason) => {
            notes.push(no_calls(&reason).to_string());
            false
        }
    };
    let scopes = version.is_some_and(|version| version >= 6);
    if version.is_some() && !scopes {
        notes.push(
            "programs can send signals to other processes; Linux 6.12 closes that".to_owned(),
        );
    }
    SandboxReport {
        available: version.is_some() && network,
        files: version.map(|version| format!("Landlock ABI {version}")),
        network,
        scopes,
        notes,
    }
}
