//! The system calls that a program may make: seccomp.
//!
//! A refused call fails and does not kill the program, because programs try calls out. Refused are ways around the file
//! rules (tracing, mounting, kernel rings), ways to the secrets of other processes, and parts of the kernel that build
//! tools do not need.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::sync::OnceLock;

type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that are refused whatever their arguments.
const REFUSED: [i64; 45] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    libc::SYS_vhangup,
];

/// Calls whose first argument is the process that they do something to.
const OF_A_PROCESS: [i64; 7] = [
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Calls that are about other processes and nothing else.
const OF_OTHERS: [i64; 3] = [libc::SYS_process_madvise, libc::SYS_process_mrelease, libc::SYS_kcmp];

/// Calls that change attributes of files.
const ATTRIBUTES: [i64; 6] = [
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// The same on every architecture, and newer than the crate.
const FCHMODAT2: i64 = 452;

/// Flags of clone that make a namespace.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Requests that type into another user's terminal: `TIOCSTI` and `TIOCLINUX`.
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// The sockets that a program may make. Pairs of connected ones are made by another call, which is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    /// None at all.
    None,
    /// Internet sockets, for a network of the program's own.
    Loopback,
    /// Internet sockets, and netlink, which is how resolvers ask for the interfaces.
    Internet,
}

impl Sockets {
    /// Returns the allowed families. Local sockets are not among them, because container daemons and key agents listen
    /// on those.
    fn families(self) -> &'static [libc::c_int] {
        match self {
            Self::None => &[],
            Self::Loopback => &[libc::AF_INET, libc::AF_INET6],
            Self::Internet => &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK],
        }
    }
}

/// Returns the filters to load, in this order. They are compiled once.
pub(super) fn programs(sockets: Sockets) -> Result<&'static [BpfProgram], String> {
    type Built = OnceLock<Result<Vec<BpfProgram>, String>>;
    static BUILT: [Built; 3] = [const { Built::new() }; 3];
    let cell = match sockets {
        Sockets::None => &BUILT[0],
        Sockets::Loopback => &BUILT[1],
        Sockets::Internet => &BUILT[2],
    };
    let built = cell.get_or_init(|| build(sockets).map_err(|error| error.to_string()));
    built.as_deref().map_err(String::clone)
}

fn build(sockets: Sockets) -> Result<Vec<BpfProgram>, seccompiler::Error> {
    let mut refused: Calls = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    refused.extend(
        [libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm].map(|c| (c, Vec::new())),
    );
    let namespaces = NAMESPACES.iter().map(|flag| {
        let flag = *flag as u64;
        rule([condition(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)])
    });
    refused.insert(libc::SYS_clone, namespaces.collect::<Result<_, _>>()?);
    let typing = TYPING
        .iter()
        .map(|call| rule([condition(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, *call)]));
    refused.insert(libc::SYS_ioctl, typing.collect::<Result<_, _>>()?);
    refused.insert(libc::SYS_socket, refused_sockets(sockets)?);
    // The arguments of clone3 are in memory, where a filter cannot look. Where it does not exist, libraries
    // fall back to clone.
    let absent: Calls = [(libc::SYS_clone3, Vec::new())].into();
    Ok(vec![compile(refused, libc::EACCES)?, compile(absent, libc::ENOSYS)?])
}

/// Returns the filter for a program that sees the processes of others: calls that do something to a process may name the
/// caller and nobody else. Threads of its own have numbers as well, so a program that binds each of them to a processor is
/// told that it may not.
pub(super) fn kin() -> Result<&'static [BpfProgram], String> {
    static BUILT: OnceLock<Result<Vec<BpfProgram>, String>> = OnceLock::new();
    let build = || -> Result<Vec<BpfProgram>, seccompiler::Error> {
        let is =
            |argument, compare, value| condition(argument, SeccompCmpArgLen::Dword, compare, value);
        let another = || rule([is(0, SeccompCmpOp::Ne, 0)]);
        let mut refused = Calls::new();
        for call in OF_A_PROCESS {
            refused.insert(call, vec![another()?]);
        }
        // The first argument says of what kind the second one is: the process 0 is the caller, in the kind of the processes.
        for (call, processes) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
            let of_others = rule([is(0, SeccompCmpOp::Eq, processes), is(1, SeccompCmpOp::Ne, 0)])?;
            let of_many = rule([is(0, SeccompCmpOp::Ne, processes)])?;
            refused.insert(call, vec![of_others, of_many]);
        }
        refused.extend(OF_OTHERS.map(|call| (call, Vec::new())));
        Ok(vec![compile(refused, libc::EPERM)?])
    };
    let built = BUILT.get_or_init(|| build().map_err(|error| error.to_string()));
    built.as_deref().map_err(String::clone)
}

/// Returns the filter for a program without mounts of its own, since rules over files say nothing of modes and attributes: no
/// set-id bits, and no attributes, as on a file system that has none.
pub(super) fn metadata() -> Result<&'static [BpfProgram], String> {
    static BUILT: OnceLock<Result<Vec<BpfProgram>, String>> = OnceLock::new();
    let build = || -> Result<Vec<BpfProgram>, seccompiler::Error> {
        // Any of the two bits.
        let sets = |argument| -> Result<Vec<SeccompRule>, seccompiler::Error> {
            let bits = [u64::from(libc::S_ISUID), u64::from(libc::S_ISGID)];
            let one = |bit| {
                let has = SeccompCmpOp::MaskedEq(bit);
                rule([condition(argument, SeccompCmpArgLen::Dword, has, bit)])
            };
            bits.into_iter().map(one).collect()
        };
        let mut refused =
            Calls::from([(libc::SYS_fchmod, sets(1)?), (libc::SYS_fchmodat, sets(2)?)]);
        refused.insert(FCHMODAT2, sets(2)?);
        #[cfg(target_arch = "x86_64")]
        refused.insert(libc::SYS_chmod, sets(1)?);
        let attributes = ATTRIBUTES.map(|call| (call, Vec::new())).into();
        Ok(vec![compile(refused, libc::EPERM)?, compile(attributes, libc::EOPNOTSUPP)?])
    };
    let built = BUILT.get_or_init(|| build().map_err(|error| error.to_string()));
    built.as_deref().map_err(String::clone)
}

/// Returns the filter for kernels whose rules over files say nothing of truncation: what is opened for reading is not cut, and
/// nothing is cut by its path. What is open for writing can be cut, as ever.
pub(super) fn truncation() -> Result<&'static [BpfProgram], String> {
    static BUILT: OnceLock<Result<Vec<BpfProgram>, String>> = OnceLock::new();
    let build = || -> Result<Vec<BpfProgram>, seccompiler::Error> {
        let mask = (libc::O_ACCMODE | libc::O_TRUNC) as u64;
        let cuts = |argument| {
            let wanted = (libc::O_RDONLY | libc::O_TRUNC) as u64;
            let flags = SeccompCmpOp::MaskedEq(mask);
            rule([condition(argument, SeccompCmpArgLen::Dword, flags, wanted)])
        };
        #[cfg_attr(
            not(target_arch = "x86_64"),
            expect(unused_mut, reason = "only there is an older call")
        )]
        let mut refused =
            Calls::from([(libc::SYS_truncate, Vec::new()), (libc::SYS_openat, vec![cuts(2)?])]);
        #[cfg(target_arch = "x86_64")]
        refused.insert(libc::SYS_open, vec![cuts(1)?]);
        // Its flags are in memory. Where it does not exist, libraries fall back to openat.
        let absent = Calls::from([(libc::SYS_openat2, Vec::new())]);
        Ok(vec![compile(refused, libc::EACCES)?, compile(absent, libc::ENOSYS)?])
    };
    let built = BUILT.get_or_init(|| build().map_err(|error| error.to_string()));
    built.as_deref().map_err(String::clone)
}

/// Returns the refused arguments of `socket`: each family that is not allowed. An empty list refuses the call as such.
fn refused_sockets(sockets: Sockets) -> Result<Vec<SeccompRule>, seccompiler::Error> {
    let other = |family: &libc::c_int| {
        condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, *family as u64)
    };
    let others: Vec<Condition> = sockets.families().iter().map(other).collect();
    if others.is_empty() { Ok(Vec::new()) } else { Ok(vec![rule(others)?]) }
}

type Condition = Result<SeccompCondition, seccompiler::BackendError>;

fn condition(
    argument: u8,
    length: SeccompCmpArgLen,
    compare: SeccompCmpOp,
    value: u64,
) -> Condition {
    SeccompCondition::new(argument, length, compare, value)
}

fn rule(
    conditions: impl IntoIterator<Item = Condition>,
) -> Result<SeccompRule, seccompiler::Error> {
    let conditions: Result<Vec<_>, _> = conditions.into_iter().collect();
    Ok(SeccompRule::new(conditions?)?)
}

fn compile(calls: Calls, error: libc::c_int) -> Result<BpfProgram, seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refusal = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(with_x32(calls), SeccompAction::Allow, refusal, arch)?;
    Ok(BpfProgram::try_from(filter)?)
}

/// On x86-64 every call has a second number, for programs with short pointers.
fn with_x32(mut calls: Calls) -> Calls {
    if cfg!(target_arch = "x86_64") {
        let twins: Vec<_> = calls.iter().map(|(call, r)| (call | 0x4000_0000, r.clone())).collect();
        calls.extend(twins);
    }
    calls
}
