//! The first process of a program's own PID namespace.
//!
//! Three processes stand where one was started. The outer one is this process's child: it waits, and ends as the program
//! ended. The middle one is the first in the new namespace: it takes in orphans, watches over memory and numbers, and ends
//! with the program; the kernel ends everything in the namespace with it. The innermost one becomes the program. Each is
//! killed with the one before it, so that nothing outlives OpenKoi.
//!
//! All of it happens between fork and exec: system calls only, no allocation.

use super::namespace::attempt_in_child;
use crate::processes::settings::{Probe, ProgramLimits, SandboxPart};
use crate::sabotage::{Guard, off};
use rustix::fd::BorrowedFd;
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::process::{DumpableBehavior, Pid, Signal};
use rustix::thread::UnshareFlags;
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

/// How often numbers and memory are looked at, in milliseconds.
const EVERY_MS: i64 = 50;

/// What leads from the middle process to the outer one: the status of the program.
pub(super) struct Init {
    reading: OwnedFd,
    writing: OwnedFd,
    limits: ProgramLimits,
    /// The size of a page of memory.
    page: u64,
}

impl Init {
    /// Prepares the processes of a program, where there can be a namespace for it.
    pub(super) fn prepare(probe: Probe, limits: ProgramLimits) -> io::Result<Option<Self>> {
        let is_there = probe(SandboxPart::Pids).and_then(|()| tried());
        if off(Guard::ProcessPids) || is_there.is_err() {
            return Ok(None);
        }
        let (reading, writing) = io::pipe()?;
        let (reading, writing): (OwnedFd, OwnedFd) = (reading.into(), writing.into());
        rustix::fs::fcntl_setfl(&reading, OFlags::NONBLOCK)?;
        Ok(Some(Self { reading, writing, limits, page: rustix::param::page_size() as u64 }))
    }

    /// Makes the processes. Returns in the one that becomes the program alone. `mounts` are made in the middle one, of
    /// which `has_mounts` says that they are the program's own. Called after the namespace was unshared.
    pub(super) fn begin<T>(
        &self,
        has_mounts: bool,
        mounts: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        die_with_parent()?;
        if let Some(middle) = fork()? {
            self.wait_outside(middle);
        }
        die_with_parent()?;
        let made = mounts()?;
        let sees_own = has_mounts && mount_proc().is_ok();
        if let Some(program) = fork()? {
            self.look_after(program, sees_own);
        }
        Ok(made)
    }

    /// The outer process: waits for the middle one, and ends as the program did.
    fn wait_outside(&self, middle: Pid) -> ! {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
            ignore(signal);
        }
        close_all_but(&[self.reading.as_raw_fd()]);
        // The end of the pipe is not waited for: OpenKoi has it open too until the program has started.
        let status = wait(middle);
        let mut bytes = [0; 4];
        let told = rustix::io::read(&self.reading, &mut bytes) == Ok(bytes.len());
        end_as(if told { i32::from_ne_bytes(bytes) } else { status })
    }

    /// The middle process: takes in orphans until the program has ended, or is too much.
    fn look_after(&self, program: Pid, sees_own: bool) -> ! {
        close_all_but(&[1, 2, self.writing.as_raw_fd()]);
        let mut chld = empty_set();
        add_to(&mut chld, libc::SIGCHLD);
        block(&chld);
        loop {
            if let Some(status) = reap(program) {
                self.tell(status);
            }
            wait_for_child(&chld, EVERY_MS);
            if let Some(words) = sees_own.then(|| self.excess()).flatten() {
                say(words);
                self.tell(libc::SIGKILL);
            }
        }
    }

    /// Tells the status of the program, and ends everything.
    fn tell(&self, status: i32) -> ! {
        let _told = rustix::io::write(&self.writing, &status.to_ne_bytes());
        exit(0)
    }

    /// Returns what is said of a program that has too many processes or too much memory, all of them together.
    fn excess(&self) -> Option<&'static [u8]> {
        let (processes, pages) = census()?;
        if processes > u64::from(self.limits.processes) && !off(Guard::ProcessNumbers) {
            return Some(b"\n[openkoi: ended, because it had too many processes at once]\n");
        }
        let memory = pages.saturating_mul(self.page);
        if memory > self.limits.memory && !off(Guard::ProcessMemory) {
            return Some(b"\n[openkoi: ended, because it used too much memory]\n");
        }
        None
    }
}

/// Finds out once whether a process can have a PID namespace of its own.
pub(super) fn tried() -> io::Result<()> {
    static TRIED: OnceLock<Result<(), Option<i32>>> = OnceLock::new();
    let attempt = || {
        let namespace = super::Namespace::of_this_process();
        attempt_in_child(move || {
            namespace.enter(UnshareFlags::NEWPID)?;
            match fork()? {
                Some(child) if wait(child) == 0 => Ok(()),
                Some(_) => Err(io::Error::from_raw_os_error(libc::EPERM)),
                None => exit(0),
            }
        })
    };
    let tried = TRIED.get_or_init(|| attempt().map_err(|error| error.raw_os_error()));
    tried.map_err(|number| match number {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other("it could not be tried"),
    })
}

/// Finds out once whether a program can be given a `/proc` with nothing but its own processes.
pub(super) fn sees_own() -> io::Result<()> {
    static TRIED: OnceLock<Result<(), Option<i32>>> = OnceLock::new();
    let attempt = || {
        let namespace = super::Namespace::of_this_process();
        attempt_in_child(move || {
            namespace.enter(UnshareFlags::NEWPID | UnshareFlags::NEWNS)?;
            match fork()? {
                Some(child) if wait(child) == 0 => Ok(()),
                Some(_) => Err(io::Error::from_raw_os_error(libc::EPERM)),
                None => exit(i32::from(private().and_then(|()| mount_proc()).is_err())),
            }
        })
    };
    let tried = TRIED.get_or_init(|| attempt().map_err(|error| error.raw_os_error()));
    tried.map_err(|number| match number {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::other("it could not be tried"),
    })
}

/// Makes this process the first that the system ends where memory is scarce.
pub(super) fn offer_to_the_system() {
    let Ok(behavior) = rustix::process::dumpable_behavior() else { return };
    // While the process is closed to others this file belongs to root.
    if rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).is_err() {
        return;
    }
    let file = rustix::fs::open(
        c"/proc/self/oom_score_adj",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let _closed = rustix::process::set_dumpable_behavior(behavior);
    if let Ok(file) = file {
        let _offered = rustix::io::write(&file, b"1000");
    }
}

/// Limits the number of processes in a user namespace of their own, so that the first one has the time to count them.
/// Elsewhere the number would be that of the user.
pub(super) fn limit_processes(limits: ProgramLimits) -> io::Result<()> {
    if off(Guard::ProcessNumbers) {
        return Ok(());
    }
    let most = Some(u64::from(limits.processes) * 2);
    let limit = rustix::process::Rlimit { current: most, maximum: most };
    Ok(rustix::process::setrlimit(rustix::process::Resource::Nproc, limit)?)
}

/// Counts the processes of this namespace, and the pages of memory that they hold.
fn census() -> Option<(u64, u64)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(c"/proc", flags, Mode::empty()).ok()?;
    let mut space = [MaybeUninit::<u8>::uninit(); 4096];
    let mut entries = RawDir::new(&directory, &mut space);
    let (mut processes, mut pages) = (0, 0_u64);
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let name = entry.file_name().to_bytes();
        if name.first().is_some_and(u8::is_ascii_digit) && name != b"1" {
            processes += 1;
            pages = pages.saturating_add(resident(&directory, name).unwrap_or(0));
        }
    }
    Some((processes, pages))
}

/// Returns the pages of memory that a process holds: the second number of its `statm`.
fn resident(proc: &OwnedFd, name: &[u8]) -> Option<u64> {
    let mut path = [0_u8; 32];
    let end = b"/statm\0";
    path.get_mut(..name.len())?.copy_from_slice(name);
    path.get_mut(name.len()..name.len() + end.len())?.copy_from_slice(end);
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    let file =
        rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0_u8; 128];
    let count = rustix::io::read(&file, &mut text).ok()?;
    let second = text.get(..count)?.split(|byte| *byte == b' ').nth(1)?;
    let digit = |number: u64, byte: &u8| Some(number * 10 + u64::from(byte.checked_sub(b'0')?));
    second.iter().try_fold(0, digit)
}

/// Asks the system to end this process with its parent.
fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Makes a process; returns it, and nothing in the new one.
fn fork() -> io::Result<Option<Pid>> {
    #[expect(
        unsafe_code,
        reason = "the library's own fork takes locks that another thread may hold"
    )]
    // SAFETY: without a stack and without shared memory this is a fork. The new process makes system calls alone, as the
    // one that it is a copy of.
    let made = unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_ulong::from(libc::SIGCHLD.unsigned_abs()),
            0,
            0,
            0,
            0,
        )
    };
    match i32::try_from(made) {
        Ok(made) if made >= 0 => Ok(Pid::from_raw(made)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits for a child, and returns its status.
fn wait(child: Pid) -> i32 {
    let mut status = 0;
    loop {
        #[expect(unsafe_code, reason = "rustix keeps the status to itself")]
        // SAFETY: the status outlives the call.
        let done = unsafe { libc::waitpid(child.as_raw_nonzero().get(), &raw mut status, 0) };
        if done >= 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return status;
        }
    }
}

/// Takes in what has ended. Returns the status of `program` if it is among it.
fn reap(program: Pid) -> Option<i32> {
    loop {
        let mut status = 0;
        #[expect(unsafe_code, reason = "rustix keeps the status to itself")]
        // SAFETY: the status outlives the call.
        let done = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if done <= 0 {
            return None;
        }
        if done == program.as_raw_nonzero().get() {
            return Some(status);
        }
    }
}

/// Ends this process as another one has ended.
fn end_as(status: i32) -> ! {
    if libc::WIFEXITED(status) {
        exit(libc::WEXITSTATUS(status));
    }
    let signal = libc::WTERMSIG(status);
    #[expect(unsafe_code, reason = "there is no safe way to end by a signal")]
    // SAFETY: the process has one thread, which ends here.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
    }
    exit(128 + signal)
}

fn exit(code: i32) -> ! {
    #[expect(
        unsafe_code,
        reason = "the library's own exit runs code of the process that this is a copy of"
    )]
    // SAFETY: it ends the process.
    unsafe {
        libc::_exit(code)
    }
}

fn ignore(signal: libc::c_int) {
    #[expect(unsafe_code, reason = "rustix has no handlers of signals")]
    // SAFETY: no handler is called.
    unsafe {
        libc::signal(signal, libc::SIG_IGN);
    }
}

fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    #[expect(unsafe_code, reason = "rustix has no sets of signals")]
    // SAFETY: the call fills the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn add_to(set: &mut libc::sigset_t, signal: libc::c_int) {
    #[expect(unsafe_code, reason = "rustix has no sets of signals")]
    // SAFETY: the set is filled.
    unsafe {
        libc::sigaddset(set, signal);
    }
}

fn block(set: &libc::sigset_t) {
    #[expect(unsafe_code, reason = "rustix has no sets of signals")]
    // SAFETY: the set is filled, and the old one is not wanted.
    unsafe {
        libc::sigprocmask(libc::SIG_BLOCK, set, std::ptr::null_mut());
    }
}

/// Waits until a child has ended, or for some time.
fn wait_for_child(set: &libc::sigset_t, milliseconds: i64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: milliseconds * 1_000_000 };
    #[expect(unsafe_code, reason = "rustix has no sets of signals")]
    // SAFETY: the set and the time outlive the call; what arrived is not wanted.
    unsafe {
        libc::sigtimedwait(set, std::ptr::null_mut(), &raw const time);
    }
}

/// Says why the program was ended, where its output goes.
fn say(words: &[u8]) {
    #[expect(unsafe_code, reason = "the descriptor is known by its number alone")]
    // SAFETY: standard error was given to this process and is not closed.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    let _said = rustix::io::write(stderr, words);
}

/// Closes all descriptors but these, which are sorted.
fn close_all_but(kept: &[RawFd]) {
    let mut first = 0;
    for kept in kept.iter().copied().chain([RawFd::MAX]) {
        if kept > first {
            close_range(first, kept - 1);
        }
        first = kept.saturating_add(1);
    }
}

fn close_range(first: RawFd, last: RawFd) {
    #[expect(unsafe_code, reason = "the descriptors are known by their numbers alone")]
    // SAFETY: this process uses none of them any more.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            // Linux before 5.9.
            for descriptor in first..=last.min(65_536) {
                libc::close(descriptor);
            }
        }
    }
}

/// Keeps what is mounted from here on from the host.
fn private() -> io::Result<()> {
    mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE)
}

/// Mounts the processes of this namespace in place of those of the host.
fn mount_proc() -> io::Result<()> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    mount(Some(c"proc"), c"/proc", Some(c"proc"), flags)
}

fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    let (source, kind) = (pointer(source), pointer(kind));
    #[expect(unsafe_code, reason = "rustix has no mounts in this build")]
    // SAFETY: all pointers are null or strings that outlive the call; the kernel only reads them.
    let done = unsafe { libc::mount(source, target.as_ptr(), kind, flags, std::ptr::null()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
