//! Gives up everything but reading, writing and computing, for good.
//!
//! The process does it to itself, as its first act: the program came out of OpenKoi, and what is not trusted are the bytes
//! that it reads afterwards. So nothing has to be known from outside of what a program needs to begin.

use rustix::process::{Resource, Rlimit, setrlimit};

/// What the process may use.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Memory, in bytes of addresses.
    pub(crate) memory: u64,
    /// Time of the processor.
    pub(crate) seconds: u64,
}

/// Confines this process. The error says what this system cannot do.
pub(crate) fn enter(limits: Limits) -> Result<(), String> {
    for (resource, most) in [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.seconds),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // The three that are open stay open.
        (Resource::Nofile, 3),
    ] {
        limit(resource, most)?;
    }
    calls::give_up()
}

/// Sets a limit; one that is stricter already stays.
fn limit(resource: Resource, most: u64) -> Result<(), String> {
    let present = rustix::process::getrlimit(resource);
    let least = |other: Option<u64>| Some(other.map_or(most, |other| other.min(most)));
    let wanted = Rlimit { current: least(present.current), maximum: least(present.maximum) };
    // Systems that know no limit of addresses say so here; their sandbox and the deadline remain.
    match setrlimit(resource, wanted) {
        Err(_) if cfg!(target_os = "macos") && resource == Resource::As => Ok(()),
        done => done.map_err(|error| format!("a limit cannot be set: {error}")),
    }
}

#[cfg(target_os = "linux")]
mod calls {
    //! A list of the system calls that are left, by seccomp.

    use std::collections::BTreeMap;

    use rustix::process::{DumpableBehavior, Signal};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    /// Reading, writing, memory, the clock, and the end. What opens, connects, starts or signals is not among them.
    const LEFT: [libc::c_long; 25] = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_sched_yield,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    /// Those that give access to memory, by their third argument. Memory that can be run is not given.
    const ACCESS: [libc::c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

    pub(super) fn give_up() -> Result<(), String> {
        let failed = |error: rustix::io::Errno| format!("it cannot be closed to others: {error}");
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed)?;
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed)?;
        rustix::thread::set_no_new_privs(true).map_err(failed)?;
        let filter =
            filter().map_err(|error| format!("system calls cannot be filtered: {error}"))?;
        seccompiler::apply_filter(&filter)
            .map_err(|error| format!("this system does not filter system calls: {error}"))
    }

    fn filter() -> Result<BpfProgram, Box<dyn std::error::Error>> {
        let mut left: BTreeMap<_, _> = LEFT.iter().map(|call| (*call, Vec::new())).collect();
        let runs = libc::PROT_EXEC.unsigned_abs().into();
        for call in ACCESS {
            let condition =
                SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(runs), 0)?;
            left.insert(call, vec![SeccompRule::new(vec![condition])?]);
        }
        let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let filter = SeccompFilter::new(left, refusal, SeccompAction::Allow, arch)?;
        Ok(BpfProgram::try_from(filter)?)
    }
}

#[cfg(target_os = "macos")]
mod calls {
    //! The system's own profile for processes that compute.

    use std::ffi::{c_char, c_int};

    /// The argument of `sandbox_init` is the name of a profile of the system's.
    const NAMED: u64 = 1;

    #[expect(unsafe_code, reason = "the system's library has no safe face")]
    unsafe extern "C" {
        fn sandbox_init(profile: *const c_char, flags: u64, error: *mut *mut c_char) -> c_int;
    }

    pub(super) fn give_up() -> Result<(), String> {
        let mut error = std::ptr::null_mut();
        #[expect(unsafe_code, reason = "the system's library has no safe face")]
        // SAFETY: the name ends with a nul, and the place for the error outlives the call. Its text is not freed: the
        // process ends with it.
        let done = unsafe { sandbox_init(c"pure-computation".as_ptr(), NAMED, &raw mut error) };
        if done == 0 { Ok(()) } else { Err("this system does not confine it".to_owned()) }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod calls {
    pub(super) fn give_up() -> Result<(), String> {
        Err("processes are not confined on this system".to_owned())
    }
}
