//! A network of a program's own: loopback, and nothing else.
//!
//! | who starts the program | what it gets |
//! |---|---|
//! | somebody with `CAP_SYS_ADMIN` | a network namespace |
//! | somebody without any capability | a network namespace in a user namespace, where ids are what they were |
//! | somebody with other capabilities | none: a user namespace would take root's rights over the files of others |
//!
//! A user namespace comes with every capability in it. Whoever enters one gives them all back before the
//! program starts; nothing here does that.

use crate::processes::Part;
use crate::sabotage::{Guard, off};
use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;
use rustix::thread::UnshareFlags;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

/// What a process left behind when it got a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The network.
    Network,
    /// The network and the users.
    Users,
}

/// A network that is ready to be made.
pub(super) struct Namespace {
    /// Lines that map the own user and group to themselves, as the kernel reads them.
    user: String,
    group: String,
}

impl Namespace {
    /// Prepares the network of one program, or says why it cannot have one here.
    pub(super) fn prepare(probe: fn(Part) -> io::Result<()>) -> io::Result<Self> {
        probe(Part::Loopback)?;
        if !off(Guard::ProcessNamespace) {
            tried()?;
        }
        Ok(Self::of_this_process())
    }

    fn of_this_process() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        Self { user: format!("{user} {user} 1"), group: format!("{group} {group} 1") }
    }

    /// Leaves the network of the host. Called between fork and exec.
    ///
    /// # Errors
    ///
    /// Nothing has changed.
    pub(super) fn leave(&self) -> io::Result<Left> {
        if off(Guard::ProcessNamespace) {
            return Ok(Left::Network);
        }
        let Err(error) = unshare(UnshareFlags::NEWNET) else { return Ok(Left::Network) };
        if !rustix::thread::capabilities(None)?.effective.is_empty() {
            return Err(error);
        }
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET).map(|()| Left::Users)
    }

    /// Makes what was left for a place to live in: the own ids and loopback. Called between fork and exec.
    ///
    /// # Errors
    ///
    /// The process is in between, and no program may be started in it.
    pub(super) fn settle(&self, left: Left) -> io::Result<()> {
        if off(Guard::ProcessNamespace) {
            return Ok(());
        }
        if left == Left::Users {
            self.map_ids()?;
        }
        raise_loopback()
    }

    fn map_ids(&self) -> io::Result<()> {
        // These files are root's while the process is closed to others, as OpenKoi is. Its memory still is
        // OpenKoi's, so it is open for as long as it takes to open them.
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
    #[expect(unsafe_code, reason = "rustix has no network in this build, and never this request")]
    // SAFETY: the first call returns a descriptor that nobody else owns, or -1. The second reads a request,
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

/// Makes a network in a process that then ends, once: systems that let one leave and not settle would leave
/// every program in between.
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
    // How the child says that it succeeded, so that no program has to be started for it.
    const SUCCEEDED: i32 = libc::ECANCELED;
    let namespace = Namespace::of_this_process();
    let attempt = move || -> io::Result<()> {
        namespace.leave().and_then(|left| namespace.settle(left))?;
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
        // It cannot be: the closure always fails.
        Ok(mut child) => {
            child.kill()?;
            child.wait()?;
            Err(io::Error::other("a program was started"))
        }
    }
}
