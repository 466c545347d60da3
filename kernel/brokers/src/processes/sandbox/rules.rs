//! The files that a program may see: Landlock.

use crate::layer::{LayerMount, MountedSides};
use crate::processes::caches::Caches;
use crate::processes::{Command, ProcessError, ProcessSettings};
use crate::sabotage::{Guard, off};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
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

/// The version that confines truncation.
pub(super) const TRUNCATION: i32 = 3;

/// Returns the version that the rules are written for, or an older one that a test asks for.
fn newest() -> ABI {
    forced().map_or(NEWEST, ABI::from)
}

/// Returns the version of Landlock that a test of a debug build takes for the kernel's.
fn forced() -> Option<i32> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let level = std::env::var("OPENKOI_TEST_LANDLOCK").ok()?.parse().ok()?;
    (1..6).contains(&level).then_some(level)
}

/// The rules of one program.
pub(super) struct FileRules {
    ruleset: OwnedFd,
    /// Rules for what is in a layer. They hold for files and not for paths, so they are added where the layer is.
    later: Vec<LaterRule>,
}

struct LaterRule {
    path: CString,
    access: u64,
    /// The number of the overlay beside the workspace that it is for: it holds where that is mounted.
    side: Option<usize>,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneathAttribute {
    access: u64,
    descriptor: i32,
}

impl FileRules {
    /// Adds the rules for what is in the layer, and enters all of them. Called between fork and exec.
    pub(super) fn enter(&self, sides: MountedSides) -> io::Result<()> {
        for rule in &self.later {
            if rule.side.is_some_and(|number| !sides.has(number)) {
                continue;
            }
            let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
            let opened = rustix::fs::open(rule.path.as_c_str(), flags, rustix::fs::Mode::empty());
            // A path that does not exist any more needs no rule.
            let Ok(opened) = opened else { continue };
            let attribute =
                PathBeneathAttribute { access: rule.access, descriptor: opened.as_raw_fd() };
            const PATH_BENEATH: libc::c_int = 1;
            let ruleset = self.ruleset.as_raw_fd();
            #[expect(unsafe_code, reason = "the crate would allocate")]
            // SAFETY: the kernel reads one attribute, which is there; both descriptors are open.
            let done = unsafe {
                libc::syscall(
                    libc::SYS_landlock_add_rule,
                    ruleset,
                    PATH_BENEATH,
                    &raw const attribute,
                    0,
                )
            };
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        restrict(&self.ruleset)
    }
}

fn restrict(rules: &OwnedFd) -> io::Result<()> {
    #[expect(unsafe_code, reason = "neither the standard library nor rustix has this system call")]
    // SAFETY: the call takes an open descriptor, which `rules` keeps open, and a number; it touches no memory
    // of this process.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Builds the rules of one program. `own` are its workspace and its temporary directory, `places` the parts of that which
/// it finds elsewhere.
pub(super) fn build(
    settings: &ProcessSettings,
    command: &Command,
    own: [&Path; 2],
    places: &[(PathBuf, PathBuf)],
    caches: &Caches,
) -> Result<FileRules, ProcessError> {
    let [workspace, temporary] = own;
    let failed = |error: RulesetError| no_files(&error.to_string());
    let mut secret: Vec<PathBuf> = settings.secret.iter().map(|place| real(place)).collect();
    // What leads into the workspace by its absolute path would answer with the files as they are there.
    let hidden = command.copy.as_ref().filter(|_| !off(Guard::ScratchHidden));
    secret.extend(hidden.map(|copy| copy.original.clone()));
    let layer = command.layer.as_ref().map(|layer| layer.workspace().to_owned());
    let known = AccessFs::from_all(ABI::from(level()?)) & AccessFs::from_all(NEWEST);
    let ruleset = Some(create().map_err(failed)?);
    let masked = command.layer.as_ref().is_some_and(LayerMount::is_closed_in_part);
    let mut rules = Rules { ruleset, secret, layer, masked, known, later: Vec::new() };
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
    if let Some(copy) = &command.copy {
        // It lies in a closed place, as what it is a copy of is one.
        rules.add_whole(&copy.root, all).map_err(failed)?;
        for place in &copy.shared {
            rules.add_whole(place, read).map_err(failed)?;
        }
    }
    // It was made for this program alone, so it is open even inside of a closed place.
    rules.add_whole(&real(temporary), all).map_err(failed)?;
    // Above a mount its place counts and not its source, so each needs a rule of its own.
    for (source, _) in places {
        rules.add_whole(&real(source), all).map_err(failed)?;
    }
    for directory in caches.directories() {
        rules.add_whole(&real(directory), all).map_err(failed)?;
    }
    if command.layer.is_some() {
        for (number, side) in caches.overlays.iter().enumerate() {
            // A rule for what lies below a mount does not hold in it.
            rules.add_later(&side.path, all, Some(number));
        }
    }
    if command.layer.is_some() {
        // Where a program sees its own processes alone, another one is mounted there.
        rules.add_later(Path::new("/proc"), read, None);
    }
    // The outputs of earlier programs lie in a closed place, and the model is told to read them.
    rules.add_whole(&real(&settings.spool), read).map_err(failed)?;
    let missing = || no_files("it took the rules and does not enforce them");
    // It lies in a closed place too.
    if let Some(certificates) = &settings.certificates {
        rules.add_whole(&real(certificates), read).map_err(failed)?;
    }
    let ruleset = rules.ruleset.and_then(Option::<OwnedFd>::from).ok_or_else(missing)?;
    Ok(FileRules { ruleset, later: rules.later })
}

fn create() -> Result<RulesetCreated, RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest()))?;
    // No scope is an error to the crate, and what an older version has.
    let scopes = Scope::from_all(newest());
    if scopes.is_empty() { ruleset.create() } else { ruleset.scope(scopes)?.create() }
}

/// Returns the path without links, or as it is if it does not exist.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

struct Rules {
    ruleset: Option<RulesetCreated>,
    secret: Vec<PathBuf>,
    /// The directory that a layer stands over.
    layer: Option<PathBuf>,
    /// Whether mounts stand over the secret places in it.
    masked: bool,
    /// What this kernel confines.
    known: BitFlags<AccessFs>,
    later: Vec<LaterRule>,
}

impl Rules {
    /// Opens `path` to the program. Rights cannot be taken away again further down, so a directory that holds a secret
    /// place is opened child by child instead, unless something else stands over that place.
    fn add(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        if self.secret.iter().any(|secret| path.starts_with(secret)) {
            return Ok(());
        }
        let is_masked = self.masked && self.layer.as_deref() == Some(path);
        if is_masked || !self.secret.iter().any(|secret| secret.starts_with(path)) {
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
        if self.layer.as_ref().is_some_and(|layer| path.starts_with(layer)) {
            self.add_later(path, fitting, None);
            return Ok(());
        }
        let Some(ruleset) = self.ruleset.take() else { return Ok(()) };
        let added = ruleset.add_rule(PathBeneath::new(descriptor, fitting & self.known))?;
        self.ruleset = Some(added);
        Ok(())
    }
}

impl Rules {
    fn add_later(&mut self, path: &Path, access: BitFlags<AccessFs>, side: Option<usize>) {
        // A path with a nul does not exist.
        if let Ok(path) = CString::new(path.as_os_str().as_bytes()) {
            let access = (access & self.known).bits();
            self.later.push(LaterRule { path, access, side });
        }
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
    let version = i32::try_from(version).ok().filter(|version| *version > 0);
    let version = version.ok_or_else(|| no_files("no version"))?;
    Ok(forced().map_or(version, |forced| version.min(forced)))
}

/// Returns the error of a kernel that does not confine files.
pub(super) fn no_files(reason: &str) -> ProcessError {
    ProcessError::Sandbox {
        reason: format!("this kernel does not confine files ({reason})"),
        fix: "use Linux 5.13 or newer with `landlock` among its security modules",
    }
}
