//! Which files a program may see.

use super::no_files;
use crate::processes::{Command, ProcessError, ProcessSettings};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What every program may read and run. `/proc` is among it because programs ask for themselves there; what
/// others hold in memory and environment stays closed, since Landlock treats reading it as tracing.
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

/// The newest version that these rules were written for. Older kernels enforce what they know of it.
const NEWEST: ABI = ABI::V6;

/// Builds the rules of one program.
pub(super) fn build(
    settings: &ProcessSettings,
    command: &Command,
    workspace: &Path,
    temporary: &Path,
) -> Result<OwnedFd, ProcessError> {
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
    // Made for this program alone, it is open even where it lies in a place that is closed.
    rules.add_whole(&real(temporary), all).map_err(failed)?;
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

/// Where a path leads; as it is if it leads nowhere.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

struct Rules {
    ruleset: Option<RulesetCreated>,
    secret: Vec<PathBuf>,
}

impl Rules {
    /// Opens `path` to the program. Rights cannot be taken away again further down, so a directory that
    /// holds a secret place is opened child by child instead.
    fn add(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        if self.secret.iter().any(|secret| path.starts_with(secret)) {
            return Ok(());
        }
        if !self.secret.iter().any(|secret| secret.starts_with(path)) {
            return self.add_whole(path, access);
        }
        let Ok(children) = std::fs::read_dir(path) else { return Ok(()) };
        // A link among the children leads to its target, which is judged like everything else.
        children.filter_map(Result::ok).try_for_each(|child| self.add(&real(&child.path()), access))
    }

    fn add_whole(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        // What does not exist here needs no rule.
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

/// Returns the version of Landlock, after checking that rules are really accepted.
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
