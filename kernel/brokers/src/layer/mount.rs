//! The mounts of a layer, made by the program's own process.

use super::side::SideOverlay;
use crate::repository::LinkedRepository;
use crate::sabotage::{Guard, off};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a process has to know to run over a layer.
#[derive(Debug, Clone)]
pub struct LayerMount {
    /// The layer's own directory.
    pub(super) directory: PathBuf,
    /// The workspace, without links.
    pub(super) workspace: PathBuf,
    /// Directories of the workspace, relative to it, that stay the real ones.
    pub(super) through: Vec<PathBuf>,
    /// The places that programs find empty.
    pub(super) closed: Closed,
    /// The repository of the workspace, if it lies elsewhere.
    pub(super) linked: Option<LinkedRepository>,
    /// Number of programs that run over the layer.
    pub(super) guests: Arc<AtomicUsize>,
}

/// The places of a workspace that are closed to programs, relative to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed {
    /// All of them, there or not.
    pub(super) places: Vec<PathBuf>,
    /// What stands in for those that are there: source and place.
    pub(super) masks: Vec<(PathBuf, PathBuf)>,
    /// Directories in them that programs may read.
    pub(super) shown: Vec<PathBuf>,
}

/// Returns the directories, in that of a layer, for the repository of a linked working tree.
pub(super) fn linked_places(directory: &Path) -> [PathBuf; 2] {
    ["upper", "work"].map(|part| directory.join("linked").join(part))
}

/// A program that runs over a layer, until this is dropped.
#[derive(Debug)]
pub(crate) struct Guest(Arc<AtomicUsize>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl LayerMount {
    /// Returns the workspace that the layer stands over, without links.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Tells whether some of the workspace is closed to programs, by mounts over it.
    pub(crate) fn is_closed_in_part(&self) -> bool {
        !self.closed.places.is_empty()
    }

    /// Waits until no program runs over the layer any more: those that were given up are killed and about to end. Blocks;
    /// returns false if one is left after `longest`.
    #[must_use]
    pub fn wait_for_guests(&self, longest: Duration) -> bool {
        let begun = Instant::now();
        while self.guests.load(Ordering::Acquire) > 0 {
            if begun.elapsed() > longest {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Returns the overlay over the repository of a linked working tree.
    pub(crate) fn repository(&self) -> Option<SideOverlay> {
        let linked = self.linked.as_ref()?;
        let [upper, work] = linked_places(&self.directory);
        Some(SideOverlay { path: linked.repository.clone(), upper, work })
    }

    /// Returns the directories that hold what programs have written.
    pub(crate) fn written(&self) -> Vec<PathBuf> {
        let [linked, _] = linked_places(&self.directory);
        let linked = self.linked.as_ref().map(|_| linked);
        [self.directory.join("upper")].into_iter().chain(linked).collect()
    }

    /// Counts a program as running over the layer.
    pub(crate) fn enter(&self) -> Guest {
        self.guests.fetch_add(1, Ordering::Relaxed);
        Guest(Arc::clone(&self.guests))
    }
}

/// An overlay, ready to be mounted over its own lower directory.
struct Overlay {
    place: CString,
    options: CString,
    flags: libc::c_ulong,
    /// As for the layer.
    left: [CString; 2],
}

/// Directories of a program's own, and the shared places that they stand in for.
#[derive(Debug, Default)]
pub(crate) struct StandIns {
    /// The directories and their places.
    pub(crate) own: Vec<(PathBuf, PathBuf)>,
    /// What the program is given in these places, and where that is mounted in the directories.
    pub(crate) inside: Vec<(PathBuf, PathBuf)>,
    /// Directories in them that lead to what is given.
    pub(crate) ways: Vec<PathBuf>,
}

impl StandIns {
    /// Returns whether something can be mounted in them: what leads there is closed by a call of Linux 5.12.
    pub(crate) fn are_possible() -> bool {
        #[expect(unsafe_code, reason = "rustix has no mounts in this build")]
        // SAFETY: without attributes the call touches no memory, and fails.
        unsafe {
            libc::syscall(libc::SYS_mount_setattr, -1, c"".as_ptr(), 0, std::ptr::null::<u8>(), 0);
        }
        io::Error::last_os_error().raw_os_error() != Some(libc::ENOSYS)
    }
}

/// The mounts of a layer, ready to be made.
pub(crate) struct Mounts {
    /// Where the overlay is put together, before it is moved over the workspace in one step.
    stage: CString,
    workspace: CString,
    options: CString,
    flags: libc::c_ulong,
    /// What an earlier mount of the same layer left, with which the kernel would refuse this one: a file and its
    /// directory.
    left: [CString; 2],
    /// Directories of the workspace, relative to it, that stay the real ones.
    through: Vec<CString>,
    /// Sources and targets of what stands in for closed places, and for what is shown in them.
    closed: Vec<(CString, CString)>,
    /// Where these stand in the end. They are read-only.
    closed_places: Vec<CString>,
    /// Directories of the program's own, and the shared places that they stand in for.
    own: Vec<(CString, CString)>,
    /// What is mounted in these directories before. A directory that leads there is mounted over itself.
    inside: Vec<(CString, CString)>,
    /// Directories beside the workspace.
    sides: Vec<Overlay>,
    /// Further places that the program may write to, as they are.
    given: Vec<CString>,
    /// The directory in which the program starts.
    directory: CString,
}

/// Which overlays beside the workspace are mounted, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MountedSides(u64);

impl MountedSides {
    /// Returns whether the overlay of this number is mounted.
    pub(crate) fn has(self, number: usize) -> bool {
        number < 64 && self.0 & (1 << number) != 0
    }
}

impl Mounts {
    /// Prepares the mounts for a program that starts in `directory`. `also` stays real too if it is in the workspace. Each
    /// directory of `places` stands in for its shared place.
    pub(crate) fn prepare(
        layer: &LayerMount,
        directory: &Path,
        also: &Path,
        places: &StandIns,
        sides: &[SideOverlay],
        given: &[PathBuf],
    ) -> io::Result<Self> {
        let stage = layer.directory.join("stage");
        let work = layer.directory.join("work");
        let mut through = Vec::new();
        let also = also.strip_prefix(&layer.workspace).ok().map(Path::to_owned);
        for part in layer.through.iter().chain(&also) {
            through.push(text(part)?);
        }
        let (mut closed, mut closed_places) = (Vec::new(), Vec::new());
        let shown = layer.closed.shown.iter().map(|place| (layer.workspace.join(place), place));
        for (source, place) in
            layer.closed.masks.iter().map(|(source, place)| (source.clone(), place)).chain(shown)
        {
            closed.push((text(&source)?, text(&stage.join(place))?));
            closed_places.push(text(&layer.workspace.join(place))?);
        }
        Ok(Self {
            closed,
            closed_places,
            options: options(&layer.workspace, &layer.directory.join("upper"), &work)?,
            flags: flags(&layer.workspace)?,
            stage: text(&stage)?,
            workspace: text(&layer.workspace)?,
            left: left(&work)?,
            through,
            own: pairs(&places.own)?,
            inside: [
                pairs(
                    &places.ways.iter().map(|way| (way.clone(), way.clone())).collect::<Vec<_>>(),
                )?,
                pairs(&places.inside)?,
            ]
            .concat(),
            sides: sides.iter().map(Overlay::of).collect::<io::Result<_>>()?,
            given: given.iter().map(|path| text(path)).collect::<io::Result<_>>()?,
            directory: text(directory)?,
        })
    }

    /// Makes the mounts and enters the directory again, which was inherited from below them. Called between fork and
    /// exec, in a mount namespace of the process's own: system calls only.
    pub(crate) fn enter(&self) -> io::Result<MountedSides> {
        mount(c"none", c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)?;
        remove_left(&self.left)?;
        mount(c"overlay", &self.stage, Some(c"overlay"), self.flags, Some(&self.options))?;
        let closed = if off(Guard::LayerClosed) { &[][..] } else { &self.closed };
        for part in &self.through {
            match bind_beneath(&self.workspace, &self.stage, part) {
                // It is gone since, or is a link by now: then the program finds what the overlay shows.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {}
                bound => bound?,
            }
        }
        for (source, target) in closed {
            match mount(source, target, None, libc::MS_BIND | libc::MS_REC, None) {
                // It is gone since.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                bound => bound?,
            }
        }
        mount(&self.stage, &self.workspace, None, libc::MS_MOVE, None)?;
        let mut mounted = MountedSides::default();
        for (number, side) in self.sides.iter().enumerate() {
            // A directory for which there can be no overlay is one that the program may read.
            let made = remove_left(&side.left).and_then(|()| {
                mount(c"overlay", &side.place, Some(c"overlay"), side.flags, Some(&side.options))
            });
            mounted.0 |= u64::from(made.is_ok()) << number;
        }
        for (source, target) in self.inside.iter().chain(&self.own) {
            match mount(source, target, None, libc::MS_BIND | libc::MS_REC, None) {
                // This system has no such place, or what was given is gone since.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                bound => bound?,
            }
        }
        self.close_the_rest(mounted)?;
        rustix::process::chdir(self.directory.as_c_str())?;
        Ok(mounted)
    }

    /// Makes everything read-only but what the program may write to. Rules over files say nothing of modes, owners, times
    /// and attributes; a mount does.
    fn close_the_rest(&self, mounted: MountedSides) -> io::Result<()> {
        if off(Guard::ProcessMounts) {
            return Ok(());
        }
        for place in &self.given {
            // A part of a place has to be a mount to be spared. It may be gone since.
            match mount(place, place, None, libc::MS_BIND | libc::MS_REC, None) {
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                bound => bound?,
            }
        }
        match set_read_only(c"/", true, WITH_ALL_BELOW) {
            // Linux before 5.12.
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => return Ok(()),
            done => done?,
        }
        let sides = self.sides.iter().enumerate().filter(|(number, _)| mounted.has(*number));
        let own = self.own.iter().map(|(_, target)| target);
        let spared = sides.map(|(_, side)| &side.place).chain(&self.given);
        let opened =
            [&self.workspace].into_iter().chain(spared).map(|place| (place, false, WITH_ALL_BELOW));
        // What is mounted in them has its own turn, or stays closed.
        let own = own.map(|place| (place, false, 0));
        // Those in the workspace were opened with it.
        let closed = self.closed_places.iter().map(|place| (place, true, WITH_ALL_BELOW));
        for (place, is_read_only, below) in own.chain(opened).chain(closed) {
            match set_read_only(place, is_read_only, below) {
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                // This system has no such place, so nothing was mounted there.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                done => done?,
            }
        }
        Ok(())
    }
}

/// The overlay of a program that runs, ready to be mounted again as it is.
pub(crate) struct Remount {
    workspace: CString,
    flags: libc::c_ulong,
}

impl Remount {
    pub(crate) fn of(layer: &LayerMount) -> io::Result<Self> {
        let workspace = &layer.workspace;
        Ok(Self { workspace: text(workspace)?, flags: flags(workspace)? | libc::MS_REMOUNT })
    }

    /// Mounts it. Called in the mounts of the program, between fork and exec.
    pub(crate) fn make(&self) -> io::Result<()> {
        mount(c"overlay", &self.workspace, None, self.flags, None)
    }
}

/// `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    users: u64,
}

/// The flag for a mount and those below it.
const WITH_ALL_BELOW: libc::c_int = libc::AT_RECURSIVE;

/// Makes a mount read-only, or writable again.
fn set_read_only(place: &CStr, is_read_only: bool, below: libc::c_int) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    let (set, clear) = if is_read_only { (READ_ONLY, 0) } else { (0, READ_ONLY) };
    let attributes = MountAttributes { set, clear, propagation: 0, users: 0 };
    #[expect(unsafe_code, reason = "rustix has no mounts in this build")]
    // SAFETY: the string and the attributes outlive the call, and the kernel only reads them; the size is theirs.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            place.as_ptr(),
            below,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Overlay {
    fn of(side: &SideOverlay) -> io::Result<Self> {
        Ok(Self {
            place: text(&side.path)?,
            options: options(&side.path, &side.upper, &side.work)?,
            flags: flags(&side.path)?,
            left: left(&side.work)?,
        })
    }
}

fn left(work: &Path) -> io::Result<[CString; 2]> {
    let left = work.join("work/incompat/volatile");
    Ok([text(&left.join("dirty"))?, text(&left)?])
}

fn remove_left([file, directory]: &[CString; 2]) -> io::Result<()> {
    // Nothing is left by a layer that was never mounted.
    let gone =
        [rustix::fs::unlink(file.as_c_str()).err(), rustix::fs::rmdir(directory.as_c_str()).err()];
    match gone.into_iter().flatten().find(|error| *error != Errno::NOENT) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn mount(
    source: &CStr,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let kind = kind.map_or(std::ptr::null(), CStr::as_ptr);
    let options = options.map_or(std::ptr::null(), CStr::as_ptr);
    #[expect(unsafe_code, reason = "rustix has no mounts in this build")]
    // SAFETY: all pointers are null or strings that outlive the call; the kernel only reads them.
    let done =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, options.cast()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Shows a directory of `from` in the place that it has in `to`. No part of its path may be a link: whoever writes in the
/// workspace could have the program given what lies outside of it.
fn bind_beneath(from: &CStr, to: &CStr, path: &CStr) -> Result<(), Errno> {
    let directory = |root: &CStr| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve)
    };
    let (source, target) = (directory(from)?, directory(to)?);
    const CLONE: libc::c_int = 1;
    const EMPTY_PATHS: libc::c_int = 0x04 | 0x40;
    let flags = CLONE | libc::AT_EMPTY_PATH | libc::AT_RECURSIVE | libc::O_CLOEXEC;
    #[expect(unsafe_code, reason = "rustix has no mounts in this build")]
    // SAFETY: the descriptors are open and the paths are empty strings; what is returned is a new descriptor or an error.
    let moved = unsafe {
        let tree = libc::syscall(libc::SYS_open_tree, source.as_raw_fd(), c"".as_ptr(), flags);
        let Ok(tree) = libc::c_int::try_from(tree) else { return Err(Errno::BADF) };
        if tree < 0 {
            return Err(last_error());
        }
        let tree = OwnedFd::from_raw_fd(tree);
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            target.as_raw_fd(),
            c"".as_ptr(),
            EMPTY_PATHS,
        )
    };
    if moved == 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Returns the options of the overlay. `volatile`: nothing of the layer has to reach the disk, and without it every
/// program's end would wait for the whole disk. The rest of the defaults is what is wanted, and `userxattr` says so:
/// no renamed directories and no files without contents, which only an overlay could read.
fn options(lower: &Path, upper: &Path, work: &Path) -> io::Result<CString> {
    let mut text = Vec::new();
    for (name, path) in [("lowerdir=", lower), (",upperdir=", upper), (",workdir=", work)] {
        text.extend_from_slice(name.as_bytes());
        for byte in path.as_os_str().as_bytes() {
            if b"\\:,".contains(byte) {
                text.push(b'\\');
            }
            text.push(*byte);
        }
    }
    text.extend_from_slice(b",userxattr,index=off,volatile");
    CString::new(text).map_err(io::Error::other)
}

/// Returns the flags of the overlay: what is forbidden on the workspace's own mount stays forbidden.
fn flags(workspace: &Path) -> io::Result<libc::c_ulong> {
    let below = rustix::fs::statvfs(workspace)?.f_flag;
    let kept = [
        (rustix::fs::StatVfsMountFlags::NOEXEC, libc::MS_NOEXEC),
        (rustix::fs::StatVfsMountFlags::NOATIME, libc::MS_NOATIME),
    ];
    let kept = kept.iter().filter(|(flag, _)| below.contains(*flag)).map(|(_, flag)| flag);
    Ok(kept.fold(libc::MS_NOSUID | libc::MS_NODEV, |flags, flag| flags | flag))
}

fn pairs(pairs: &[(PathBuf, PathBuf)]) -> io::Result<Vec<(CString, CString)>> {
    pairs.iter().map(|(source, target)| Ok((text(source)?, text(target)?))).collect()
}

fn text(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}
