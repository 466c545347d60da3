//! The files that a program may see: Landlock.

use crate::processes::{Command, ProcessError, ProcessSettings};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The directories that every program may read and run from. `/proc` is among them because programs look themselves up
/// there. Memory and environment of other processes stay closed, since Landlock treats reading them as tracing.
const SYSTEM: [&str; 16] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/proc",
    "/run/current-system",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Devices without a state of their own.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// The version of Landlock that the rules are written for. Older kernels enforce the part that they know.
const NEWEST: ABI = ABI::V6;

/// Builds the rules of one program. `own` are its workspace and its temporary directory.
pub(super) fn build(
    settings: &ProcessSettings,
    command: &Command,
    own: [&Path; 2],
) -> Result<OwnedFd, ProcessError> {
    let [workspace, temporary] = own;
    let failed = |error: RulesetError| no_files(&error.to_string());
    let secret = settings.secret.iter().map(|place| real(place)).collect();
    let mut rules = Rules { ruleset: Some(create().map_err(failed)?), secret };
    let read = AccessFs::from_read(NEWEST);
    let all = AccessFs::from_all(NEWEST) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::Truncate;
    let system = SYSTEM.iter().map(Path::new);
    let readable = system.chain(settings.read.iter().chain(&command.read).map(PathBuf::as_path));
    let writable = command.write.iter().map(PathBuf::as_path).chain([workspace]);
    readable
        .map(|path| (path, read))
        .chain(writable.map(|path| (path, all)))
        .chain(DEVICES.iter().map(|path| (Path::new(*path), device)))
        .try_for_each(|(path, access)| rules.add(&real(path), access))
        .map_err(failed)?;
    // It was made for this program alone, so it is open even inside of a closed place.
    rules.add_whole(&real(temporary), all).map_err(failed)?;
    // The outputs of earlier programs lie in a closed place, and the model is told to read them.
    rules.add_whole(&real(&settings.spool), read).map_err(failed)?;
    let missing = || no_files("it took the rules and does not enforce them");
    rules.ruleset.and_then(Option::<OwnedFd>::from).ok_or_else(missing)
}

fn create() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

/// Returns the path without links, or as it is if it does not exist.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

struct Rules {
    ruleset: Option<RulesetCreated>,
    secret: Vec<PathBuf>,
}

impl Rules {
    /// Opens `path` to the program. Rights cannot be taken away again further down, so a directory that holds a secret
    /// place is opened child by child instead.
    fn add(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        if self.secret.iter().any(|secret| path.starts_with(secret)) {
            return Ok(());
        }
        if !self.secret.iter().any(|secret| secret.starts_with(path)) {
            return self.add_whole(path, access);
        }
        let Ok(children) = std::fs::read_dir(path) else { return Ok(()) };
        // A link among the children leads to its target, which is checked like any other path.
        children.filter_map(Result::ok).try_for_each(|child| self.add(&real(&child.path()), access))
    }

    fn add_whole(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        // A path that does not exist needs no rule.
        let Ok(descriptor) = PathFd::new(path) else { return Ok(()) };
        let fitting = match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => access,
            Ok(_) => access & AccessFs::from_file(NEWEST),
            Err(_) => return Ok(()),
        };
        let Some(ruleset) = self.ruleset.take() else { return Ok(()) };
        let added = ruleset.add_rule(PathBeneath::new(descriptor, fitting))?;
        self.ruleset = Some(added);
        Ok(())
    }
}

/// Returns the version of Landlock, after checking that it accepts rules.
pub(super) fn level() -> Result<i32, ProcessError> {
    let created = create().map_err(|error| no_files(&error.to_string()))?;
    if Option::<OwnedFd>::from(created).is_none() {
        return Err(no_files("it took the rules and does not enforce them"));
    }
    #[expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]
    // SAFETY: with a null pointer, size 0 and this flag the kernel returns a number and touches no memory.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32)
    };
    i32::try_from(version).ok().filter(|version| *version > 0).ok_or_else(|| no_files("no version"))
}

/// Returns the error of a kernel that does not confine files.
pub(super) fn no_files(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not confine files ({reason})"),
        fix: "use Linux 5.13 or newer with `landlock` among its security modules",
    }
}
