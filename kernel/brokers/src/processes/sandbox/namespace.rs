//! Namespaces of a program's own: a network with loopback and nothing else, IPC, and mounts.
//!
//! | who starts the program | what it gets |
//! |---|---|
//! | a user with `CAP_SYS_ADMIN` | the namespaces |
//! | a user without capabilities | the namespaces in a user namespace, where ids are what they were |
//! | a user with other capabilities | none: a user namespace would take root's rights over the files of others |
//!
//! A user namespace comes with every capability in it. The sandbox drops them all before the program starts.

use crate::processes::SandboxPart;
use crate::processes::settings::Probe;
use crate::processes::shared::Namespaces;
use crate::sabotage::{Guard, off};
use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

/// What a process left when it got namespaces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unshared {
    /// What was wanted.
    Wanted,
    /// That, and the users.
    Users,
}

/// What a program has for itself where the system allows it: a network, and the shared memory, semaphores and queues that
/// all programs of a user have in common otherwise.
pub(super) const OWN: UnshareFlags = UnshareFlags::NEWNET.union(UnshareFlags::NEWIPC);

/// Checks that a program can have a network of its own. The error says why there can be none here.
pub(super) fn check(probe: Probe) -> io::Result<()> {
    probe(SandboxPart::Loopback)?;
    if off(Guard::ProcessNamespace) { Ok(()) } else { tried() }
}

/// Namespaces that can be made.
pub(super) struct Namespace {
    /// The lines that map the own user and group to themselves.
    user: String,
    group: String,
}

impl Namespace {
    /// Prepares the namespaces of a program that this process starts.
    pub(super) fn of_this_process() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        Self { user: format!("{user} {user} 1"), group: format!("{group} {group} 1") }
    }

    /// Leaves the namespaces of the host that `wanted` names. Called between fork and exec.
    ///
    /// # Errors
    ///
    /// Nothing has changed.
    pub(super) fn leave(&self, wanted: UnshareFlags) -> io::Result<Unshared> {
        let wanted = match off(Guard::ProcessNamespace) {
            true => wanted.difference(OWN),
            false if off(Guard::ProcessIpc) => wanted.difference(UnshareFlags::NEWIPC),
            false => wanted,
        };
        let Err(error) = unshare(wanted) else { return Ok(Unshared::Wanted) };
        if !rustix::thread::capabilities(None)?.effective.is_empty() {
            return Err(error);
        }
        unshare(UnshareFlags::NEWUSER | wanted).map(|()| Unshared::Users)
    }

    /// Enters the users and the network of another program, and leaves the rest of what `wanted` names. Called between
    /// fork and exec.
    ///
    /// # Errors
    ///
    /// The process is in half of them, and no program may be started in it.
    pub(super) fn join(&self, there: &Namespaces, wanted: UnshareFlags) -> io::Result<Unshared> {
        if let Some(users) = &there.users {
            move_into(users, LinkNameSpaceType::User)?;
        }
        if let Some(network) = &there.network {
            move_into(network, LinkNameSpaceType::Network)?;
        }
        unshare(wanted.difference(UnshareFlags::NEWNET))?;
        Ok(if there.users.is_some() { Unshared::Users } else { Unshared::Wanted })
    }

    /// Sets up the new namespaces: the own ids, and loopback if the network is new. Called between fork and exec.
    ///
    /// # Errors
    ///
    /// The process is half set up, and no program may be started in it.
    pub(super) fn settle(&self, wanted: UnshareFlags, unshared: Unshared) -> io::Result<()> {
        if unshared == Unshared::Users {
            self.map_ids()?;
        }
        match wanted.contains(UnshareFlags::NEWNET) && !off(Guard::ProcessNamespace) {
            true => raise_loopback(),
            false => Ok(()),
        }
    }

    /// Leaves the namespaces that `wanted` names, and sets up the new ones. Called between fork and exec.
    ///
    /// # Errors
    ///
    /// As of both; no program may be started.
    pub(super) fn enter(&self, wanted: UnshareFlags) -> io::Result<Unshared> {
        let unshared = self.leave(wanted)?;
        self.settle(wanted, unshared)?;
        Ok(unshared)
    }

    fn map_ids(&self) -> io::Result<()> {
        // While the process is closed to others, as OpenKoi is, these files belong to root. It is opened for the
        // moment in which they are opened, because its memory is still a copy of OpenKoi's.
        let behavior = rustix::process::dumpable_behavior()?;
        rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?;
        let files = [c"/proc/self/setgroups", c"/proc/self/uid_map", c"/proc/self/gid_map"];
        let [groups, user, group] = files.map(open);
        rustix::process::set_dumpable_behavior(behavior)?;
        // Without the first, the kernel refuses the last.
        rustix::io::write(groups?, b"deny")?;
        rustix::io::write(user?, self.user.as_bytes())?;
        rustix::io::write(group?, self.group.as_bytes())?;
        Ok(())
    }
}

fn open(path: &CStr) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Enters a namespace.
pub(super) fn move_into(there: &OwnedFd, kind: LinkNameSpaceType) -> io::Result<()> {
    Ok(rustix::thread::move_into_link_name_space(there.as_fd(), Some(kind))?)
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    #[expect(unsafe_code, reason = "rustix marks it for flags that are not used here")]
    // SAFETY: only unsharing the table of descriptors can harm another thread, and it stays shared.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// `struct ifreq`, as far as it is about flags.
#[repr(C)]
struct FlagsRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

/// Sets the loopback interface up, which gives it its addresses.
fn raise_loopback() -> io::Result<()> {
    let mut request = FlagsRequest { name: [0; libc::IFNAMSIZ], flags: 0, rest: [0; 22] };
    request.name[..2].copy_from_slice(b"lo");
    request.flags = libc::IFF_UP as libc::c_short;
    #[expect(unsafe_code, reason = "rustix does not have this request")]
    // SAFETY: the first call returns a descriptor that has no other owner, or -1. The second reads a request,
    // which is as large as the kernel's or larger, and writes nothing.
    let done = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = OwnedFd::from_raw_fd(socket);
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes a network in a process that then ends, once. A system may allow the namespace and not its set-up, which would
/// fail every program.
fn tried() -> io::Result<()> {
    static TRIED: OnceLock<Result<(), Option<i32>>> = OnceLock::new();
    let tried = TRIED.get_or_init(|| attempt().map_err(|error| error.raw_os_error()));
    let said = |error: Option<i32>| match error {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other("it could not be tried"),
    };
    tried.map_err(said)
}

fn attempt() -> io::Result<()> {
    let namespace = Namespace::of_this_process();
    let wanted = OWN;
    attempt_in_child(move || {
        namespace.leave(wanted).and_then(|unshared| namespace.settle(wanted, unshared))
    })
}

/// Does something in a process that then ends. It may make system calls and nothing else.
pub(in crate::processes) fn attempt_in_child(
    act: impl Fn() -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<()> {
    // The error by which the child reports success, so that no program has to be started.
    const SUCCEEDED: i32 = libc::ECANCELED;
    let attempt = move || -> io::Result<()> {
        act()?;
        Err(io::Error::from_raw_os_error(SUCCEEDED))
    };
    let mut process = Command::new("/");
    #[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
    // SAFETY: as for the sandbox itself, the closure makes system calls and nothing else.
    unsafe {
        process.pre_exec(attempt);
    }
    match process.spawn() {
        Err(error) if error.raw_os_error() == Some(SUCCEEDED) => Ok(()),
        Err(error) => Err(error),
        // Not reached: the closure always fails.
        Ok(mut child) => {
            child.kill()?;
            child.wait()?;
            Err(io::Error::other("a program was started"))
        }
    }
}
