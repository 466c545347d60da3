//! The sandbox on Linux: Landlock for files, namespaces for the network and for a layer, seccomp for system calls. Built in
//! the parent, entered by the child with system calls alone.

mod calls;
mod door;
mod handed;
mod init;
mod inside;
mod layers;
mod namespace;
mod places;
mod rules;

use self::calls::Sockets;
use self::door::DoorInside;
pub(super) use self::door::DoorOutside;
use self::init::Init;
use self::inside::InsideOut;
pub(super) use self::inside::{InsideTaken, connect, refresh};
pub(super) use self::layers::{layer, layers};
pub(super) use self::namespace::attempt_in_child;
use self::namespace::{Namespace, OWN, Unshared};
use self::rules::{FileRules, no_files};
use super::caches::Caches;
use super::network::PORT;
use super::settings::Probe;
use super::shared::{Namespaces, NetworkPlace};
use super::{
    Command, Network, ProcessError, ProcessSettings, ProgramLimits, SandboxPart, SandboxReport,
};
use crate::layer::Mounts;
use crate::sabotage::{Guard, off};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use seccompiler::BpfProgram;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    rules: Option<FileRules>,
    namespace: Namespace,
    network: Reach,
    mounts: Option<Mounts>,
    outside: Option<DoorOutside>,
    /// What is handed out of a program in the background.
    inside: Option<InsideOut>,
    taken: Option<InsideTaken>,
    /// Where there are processes of its own.
    init: Option<Init>,
    /// The filters for where it sees the processes of others.
    kin: &'static [BpfProgram],
    /// The filters for where it has no mounts of its own.
    metadata: &'static [BpfProgram],
    /// The capabilities that it keeps where it is root.
    kept: CapabilitySet,
    /// The filters for kernels that do not confine truncation.
    truncation: &'static [BpfProgram],
    limits: ProgramLimits,
}

/// The network of a program, ready to be entered.
enum Reach {
    /// The host's, or none at all.
    Given(&'static [BpfProgram]),
    /// One of its own; none at all if that fails after all.
    Own {
        inside: &'static [BpfProgram],
        without: &'static [BpfProgram],
        /// The way out of it.
        door: Option<DoorInside>,
        /// The one that other programs of the task have, if it is to be that.
        shared: Option<Arc<Namespaces>>,
    },
}

impl Sandbox {
    /// Builds the sandbox of one program that starts in `directory`. `own` are its workspace and its temporary directory.
    pub(super) fn prepare(
        settings: &ProcessSettings,
        probe: Probe,
        command: &Command,
        directory: &Path,
        own: [&Path; 2],
        caches: &Caches,
    ) -> Result<Self, ProcessError> {
        probe(SandboxPart::Files).map_err(|error| no_files(&error.to_string()))?;
        let places = places::make(settings, command, own, caches);
        let places = places.map_err(|source| ProcessError::Io {
            act: "make the temporary directories of",
            program: command.program.clone(),
            source,
        })?;
        let rules = match off(Guard::ProcessFiles) {
            true => None,
            false => Some(rules::build(settings, command, own, &places.own, caches)?),
        };
        let (network, outside) =
            Reach::prepare(probe, command).map_err(|reason| no_calls(&reason))?;
        let given = given(command, own, caches);
        let prepare =
            |layer| Mounts::prepare(layer, directory, own[1], &places, &caches.overlays, &given);
        let mounts = command.layer.as_ref().map(prepare);
        let mounts = mounts.transpose().map_err(|source| ProcessError::Io {
            act: "prepare a layer for",
            program: command.program.clone(),
            source,
        })?;
        let pair = command.background.then(inside::pair).transpose();
        let (inside, taken) = pair.map_err(|error| no_calls(&error.to_string()))?.unzip();
        let namespace = Namespace::of_this_process();
        let init = Init::prepare(probe, settings.limits).map_err(|source| ProcessError::Io {
            act: "prepare the processes of",
            program: command.program.clone(),
            source,
        })?;
        let limits = settings.limits;
        let kin = match off(Guard::ProcessKin) {
            true => &[][..],
            false => calls::kin().map_err(|reason| no_calls(&reason))?,
        };
        let metadata = match mounts.is_some() || off(Guard::ProcessMetadata) {
            true => &[][..],
            false => calls::metadata().map_err(|reason| no_calls(&reason))?,
        };
        let kept = match mounts.is_some() || is_of_another(own[0]) || off(Guard::ProcessOwners) {
            true => OF_ANOTHER,
            false => OF_OWN,
        };
        let truncation = match rules::level()? < rules::TRUNCATION && !off(Guard::ProcessTruncation)
        {
            true => calls::truncation().map_err(|reason| no_calls(&reason))?,
            false => &[][..],
        };
        Ok(Self {
            rules,
            namespace,
            network,
            mounts,
            outside,
            inside,
            taken,
            init,
            kin,
            metadata,
            kept,
            truncation,
            limits,
        })
    }

    /// Takes what the process of a program in the background hands out.
    pub(super) fn take_inside(&mut self) -> Option<InsideTaken> {
        self.taken.take()
    }

    /// Takes the way out of the program's network, if it has one.
    pub(super) fn take_door(&mut self) -> Option<DoorOutside> {
        self.outside.take()
    }

    /// Returns the program to start in place of `program`, which is itself, and the arguments before its own.
    pub(super) fn wrap(&self, program: &Path) -> (PathBuf, Vec<OsString>) {
        (program.to_owned(), Vec::new())
    }

    /// Enters the sandbox, for good. Called between fork and exec: system calls only, errors are numbers.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mounts = match self.mounts {
            Some(_) => UnshareFlags::NEWNS,
            None => UnshareFlags::empty(),
        };
        let pids = match self.init {
            Some(_) => UnshareFlags::NEWPID,
            None => UnshareFlags::empty(),
        };
        init::offer_to_the_system();
        let Entered { unshared, programs, has_network, has_pids } =
            self.network.enter(&self.namespace, mounts, pids)?;
        if let (Some(inside), Some(unshared)) = (&self.inside, unshared) {
            inside.hand_out(unshared == Unshared::Users, has_network)?;
        }
        let mount = || self.mounts.as_ref().map(Mounts::enter).transpose();
        let caches = match &self.init {
            Some(init) if has_pids => init.begin(self.mounts.is_some(), mount)?,
            _ => mount()?,
        };
        let caches = caches.unwrap_or_default();
        match unshared {
            Some(Unshared::Users) => {
                init::limit_processes(self.limits)?;
                drop_all_capabilities()?;
            }
            Some(Unshared::Wanted) | None => drop_capabilities(self.kept),
        }
        forbid_new_privileges()?;
        if let Some(rules) = &self.rules {
            rules.enter(caches)?;
        }
        let kin = if has_pids { &[][..] } else { self.kin };
        programs.iter().chain(kin).chain(self.metadata).chain(self.truncation).try_for_each(
            |program| {
                seccompiler::apply_filter(program)
                    .map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
            },
        )
    }
}

/// Returns the places outside of the workspace that the program may write to as they are.
fn given(command: &Command, own: [&Path; 2], caches: &Caches) -> Vec<PathBuf> {
    let places = command.write.iter().map(PathBuf::as_path).chain([own[1]]);
    let places = places.chain(caches.directories());
    places.filter_map(|place| place.canonicalize().ok()).collect()
}

impl Reach {
    fn prepare(probe: Probe, command: &Command) -> Result<(Self, Option<DoorOutside>), String> {
        let programs = |sockets| match off(Guard::ProcessNetwork) {
            true => Ok(&[][..]),
            false => calls::programs(sockets),
        };
        if matches!(command.network, Network::Open) {
            return programs(Sockets::Internet).map(|open| (Self::Given(open), None));
        }
        let without = programs(Sockets::None)?;
        match namespace::check(probe) {
            Ok(()) => {
                let is_named = matches!(command.network, Network::Named(_));
                let port = command.share.as_ref().map_or(PORT, NetworkPlace::port);
                let pair = is_named.then(|| door::pair(port)).transpose();
                let (door, outside) = pair.map_err(|error| error.to_string())?.unzip();
                let inside = programs(Sockets::Loopback)?;
                let shared = command.share.as_ref().and_then(NetworkPlace::begun);
                Ok((Self::Own { inside, without, door, shared }, outside))
            }
            Err(error) => {
                tracing::debug!(%error, "a program has no loopback");
                Ok((Self::Given(without), None))
            }
        }
    }

    /// Enters the network, and makes the namespaces of `also` and, where there are others, of `pids`.
    fn enter(
        &self,
        namespace: &Namespace,
        also: UnshareFlags,
        pids: UnshareFlags,
    ) -> io::Result<Entered> {
        let entered = |unshared, programs, has_network, has_pids: bool| Entered {
            unshared,
            programs,
            has_network,
            has_pids: has_pids && !pids.is_empty(),
        };
        let (inside, without, door, shared) = match self {
            Self::Given(programs) if also.is_empty() => {
                return Ok(entered(None, programs, false, false));
            }
            Self::Given(programs) => {
                let wanted = also | pids;
                // Shared memory of its own is not worth a program that does not start.
                let left = namespace.leave(wanted | UnshareFlags::NEWIPC);
                let unshared = left.or_else(|_| namespace.leave(wanted))?;
                namespace.settle(wanted, unshared)?;
                return Ok(entered(Some(unshared), programs, false, true));
            }
            Self::Own { inside, without, door, shared } => (inside, without, door, shared),
        };
        let wanted = OWN | also | pids;
        let left = match shared {
            // A program that is not in the network of its task has none: it is not started elsewhere.
            Some(shared) => Ok(namespace.join(shared, wanted)?),
            None => namespace.leave(wanted),
        };
        match left {
            Ok(unshared) => {
                if shared.is_none() {
                    namespace.settle(wanted, unshared)?;
                }
                door.as_ref().map_or(Ok(()), DoorInside::open)?;
                Ok(entered(Some(unshared), inside, true, true))
            }
            Err(_) if also.is_empty() => Ok(entered(None, without, false, false)),
            Err(_) => Ok(entered(Some(namespace.enter(also)?), without, false, false)),
        }
    }
}

/// What a process has for itself.
struct Entered {
    unshared: Option<Unshared>,
    /// The filters that belong to its network.
    programs: &'static [BpfProgram],
    /// Whether its network is not the host's.
    has_network: bool,
    /// Whether what it starts is in a PID namespace of its own.
    has_pids: bool,
}

/// The capabilities that root keeps in its own workspace where programs have no mounts of their own: to read and write what the
/// rules over files allow. Those rules say nothing of owners, modes and times, so it has no other rights over files of others,
/// and cannot become another user, who would have them.
const OF_OWN: CapabilitySet = CapabilitySet::DAC_OVERRIDE;

/// The capabilities that root keeps elsewhere: those over files, with which a workspace of another user is edited, and those
/// to become another user.
const OF_ANOTHER: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Returns whether a workspace, or something directly in it, belongs to another user than the one who runs this, or whether that
/// cannot be told.
fn is_of_another(workspace: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let of_me = |meta: io::Result<Metadata>| meta.is_ok_and(|meta| meta.uid() == me);
    let mut inside = match fs::read_dir(workspace) {
        Ok(inside) => inside,
        Err(_) => return true,
    };
    let all_inside = inside.all(|entry| of_me(entry.and_then(|entry| entry.metadata())));
    !(all_inside && of_me(fs::metadata(workspace)))
}

/// Takes from root the capabilities that lead around the sandbox: with `PERFMON`, for one, the memory of any process can
/// be read. A user who is not root has none, and the first call fails.
fn drop_capabilities(kept: CapabilitySet) {
    if off(Guard::ProcessCapabilities) {
        return;
    }
    for capability in CapabilitySet::all().difference(kept).iter() {
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

fn no_calls(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not filter system calls ({reason})"),
        fix: "use a kernel with seccomp filters",
    }
}

/// Reports on the sandbox of this machine.
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
    if version.is_some_and(|version| version < rules::TRUNCATION) {
        notes.push(
            "files are cut only where they are open for writing, and never by their path"
                .to_owned(),
        );
    }
    if version.is_some_and(|version| version < 2) {
        notes.push(
            "files cannot be moved from one directory to another; Linux 5.19 allows that"
                .to_owned(),
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

/// Checks whether a program has processes of its own here, and sees no others.
pub(super) fn own_processes(probe: Probe) -> Result<(), String> {
    probe(SandboxPart::Pids).and_then(|()| init::tried()).map_err(|error| {
        format!(
            "programs see the processes of others, and what they start is found by its environment when they end ({error}); \
             their memory and number have no limit; allow user namespaces to change that"
        )
    })?;
    init::sees_own().map_err(|error| {
        format!("programs see the processes of others ({error}), and their memory and number have no limit")
    })
}

/// Checks whether a program can have a network of its own here.
pub(super) fn loopback(probe: Probe) -> Result<(), String> {
    namespace::check(probe).map_err(no_loopback)
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
