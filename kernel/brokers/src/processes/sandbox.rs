//! The sandbox on Linux: Landlock for files, namespaces for the network and for a layer, seccomp for system calls. Built in
//! the parent, entered by the child with system calls alone.

mod calls;
mod door;
mod layers;
mod namespace;
mod rules;

use self::calls::Sockets;
use self::door::DoorInside;
pub(super) use self::door::DoorOutside;
pub(super) use self::layers::{layer, layers};
use self::namespace::{Namespace, OWN, Unshared};
use self::rules::{FileRules, no_files};
use super::caches::Caches;
use super::settings::Probe;
use super::{Command, Network, ProcessError, ProcessSettings, SandboxPart, SandboxReport};
use crate::durable::create_private_dir;
use crate::layer::Mounts;
use crate::sabotage::{Guard, off};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use seccompiler::BpfProgram;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A sandbox that is ready to be entered.
pub(super) struct Sandbox {
    rules: Option<FileRules>,
    namespace: Namespace,
    network: Reach,
    mounts: Option<Mounts>,
    outside: Option<DoorOutside>,
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
        let places = own_places(settings, command, own).map_err(|source| ProcessError::Io {
            act: "make the temporary directories of",
            program: command.program.clone(),
            source,
        })?;
        let rules = match off(Guard::ProcessFiles) {
            true => None,
            false => Some(rules::build(settings, command, own, &places, caches)?),
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
        Ok(Self { rules, namespace: Namespace::of_this_process(), network, mounts, outside })
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
        let (unshared, programs) = self.network.enter(&self.namespace, mounts)?;
        let caches = self.mounts.as_ref().map(Mounts::enter).transpose()?.unwrap_or_default();
        match unshared {
            Some(Unshared::Users) => drop_all_capabilities()?,
            Some(Unshared::Wanted) | None => drop_capabilities(),
        }
        forbid_new_privileges()?;
        if let Some(rules) = &self.rules {
            rules.enter(caches)?;
        }
        programs.iter().try_for_each(|program| {
            seccompiler::apply_filter(program)
                .map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
        })
    }
}

/// Places that every program may expect to write to and that all programs of a machine share, with the name of what
/// stands in for them. The last one may hold the others' sources.
const SHARED: [(&str, &str); 3] = [("shm", "/dev/shm"), ("var", "/var/tmp"), ("tmp", "/tmp")];

/// Makes the directories in the program's temporary directory that stand in for shared places, where it has mounts of its
/// own. A place in which something lies that the program is given stays as it is.
fn own_places(
    settings: &ProcessSettings,
    command: &Command,
    own: [&Path; 2],
) -> io::Result<Vec<(PathBuf, &'static str)>> {
    if command.layer.is_none() {
        return Ok(Vec::new());
    }
    let given = settings.read.iter().chain(&command.read).chain(&command.write);
    let given: Vec<&Path> =
        given.map(PathBuf::as_path).chain([settings.spool.as_path()]).chain(own).collect();
    let is_free = |place: &str| !given.iter().any(|path| path.starts_with(place));
    let mut places = Vec::new();
    for (name, place) in SHARED.iter().filter(|(_, place)| is_free(place)) {
        let source = own[1].join(name);
        create_private_dir(&source).map_err(io::Error::other)?;
        places.push((source, *place));
    }
    Ok(places)
}

/// Returns the places outside of the workspace that the program may write to as they are.
fn given(command: &Command, own: [&Path; 2], caches: &Caches) -> Vec<PathBuf> {
    let caches = caches.own.iter().map(|(_, path)| path.as_path());
    let places = command.write.iter().map(PathBuf::as_path).chain([own[1]]).chain(caches);
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
                let pair = is_named.then(door::pair).transpose();
                let (door, outside) = pair.map_err(|error| error.to_string())?.unzip();
                let inside = programs(Sockets::Loopback)?;
                Ok((Self::Own { inside, without, door }, outside))
            }
            Err(error) => {
                tracing::debug!(%error, "a program has no loopback");
                Ok((Self::Given(without), None))
            }
        }
    }

    /// Enters the network, and makes the namespaces of `also`; returns what was unshared, and the filters that belong to
    /// the network.
    fn enter(
        &self,
        namespace: &Namespace,
        also: UnshareFlags,
    ) -> io::Result<(Option<Unshared>, &'static [BpfProgram])> {
        let (inside, without, door) = match self {
            Self::Given(programs) if also.is_empty() => return Ok((None, programs)),
            Self::Given(programs) => return Ok((Some(namespace.enter(also)?), programs)),
            Self::Own { inside, without, door } => (inside, without, door),
        };
        let wanted = OWN | also;
        match namespace.leave(wanted) {
            Ok(unshared) => {
                namespace.settle(wanted, unshared)?;
                door.as_ref().map_or(Ok(()), DoorInside::open)?;
                Ok((Some(unshared), inside))
            }
            Err(_) if also.is_empty() => Ok((None, without)),
            Err(_) => Ok((Some(namespace.enter(also)?), without)),
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
