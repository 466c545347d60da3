//! What is forbidden, tried from inside of the sandbox by a child of ours that harms nothing: it reaches for files that were
//! made for that, and asks of other processes what changes nothing.
//!
//! Everything is prepared outside, so that the child makes system calls and nothing else.

use super::caches::Caches;
use super::escape::{Consequence, Escape};
use super::sandbox::{Sandbox, attempt_in_child, layer};
use super::settings::Probe;
use super::spawn::isolate;
use super::{Command, ProcessSettings, SandboxMode};
use crate::durable::create_private_dir;
use crate::layer::{Layer, LayerMount};
use crate::random::Random;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::ffi::CString;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

/// Tries all of it. Blocks for some ten milliseconds.
///
/// # Errors
///
/// The reason why it could not be tried.
pub(super) fn escapes(settings: &ProcessSettings, probe: Probe) -> Result<Vec<Escape>, String> {
    let place = Place::make(settings).map_err(|error| error.to_string())?;
    let found = place.tried(settings, probe);
    if let Err(error) = std::fs::remove_dir_all(&place.base) {
        tracing::debug!(%error, "a directory for a trial of the sandbox stays");
    }
    found
}

/// Directories of a trial.
struct Place {
    base: PathBuf,
}

impl Place {
    fn make(settings: &ProcessSettings) -> io::Result<Self> {
        let id =
            Random::default().id(crate::clock::SystemClock.now_ms()).map_err(io::Error::other)?;
        // A look at the machine leaves nothing: what is not there yet is not made.
        let there = settings.temporary.ancestors().find(|path| path.is_dir());
        let base = there.unwrap_or(Path::new("/")).canonicalize()?.join(format!(".openkoi-{id}"));
        for part in ["workspace", "temporary", "outside", "secret", "spool"] {
            create_private_dir(&base.join(part)).map_err(io::Error::other)?;
        }
        for file in ["outside/cut", "outside/moved", "outside/kept", "secret/key"] {
            std::fs::write(base.join(file), "theirs\n")?;
        }
        Ok(Self { base })
    }

    fn tried(&self, settings: &ProcessSettings, probe: Probe) -> Result<Vec<Escape>, String> {
        let base = &self.base;
        let is_around = |secret: &PathBuf| base.starts_with(secret);
        // The trial may take place where nothing is open to programs.
        let mut secret = settings.secret.clone();
        secret.retain(|secret| !is_around(&secret.canonicalize().unwrap_or(secret.clone())));
        secret.push(base.join("secret"));
        let settings = ProcessSettings {
            secret,
            temporary: base.join("temporary"),
            spool: base.join("spool"),
            caches: None,
            certificates: None,
            sandbox: SandboxMode::Required,
            ..settings.clone()
        };
        let workspace = base.join("workspace");
        let layer = layer(&settings, probe, &base.join("layers"), &workspace, Vec::new());
        let mount = layer.as_ref().ok().map(Layer::mount);
        // Laid once: a name may stay taken for a moment by whatever else this process is just starting.
        let bait = Bait::lay(base).map_err(|error| error.to_string())?;
        let mut found = self.tried_in(&settings, probe, mount.clone(), &bait)?;
        if mount.is_some() {
            // Over a layer the mounts hide what the rules let through. Few programs have none, and what is said of them is not.
            let is_weighty = |escape: &Escape| escape.consequence() != Consequence::Said;
            found.extend(
                self.tried_in(&settings, probe, None, &bait)?.into_iter().filter(is_weighty),
            );
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Tries everything in the sandbox of a program over a layer, or of one without.
    fn tried_in(
        &self,
        settings: &ProcessSettings,
        probe: Probe,
        layer: Option<LayerMount>,
        bait: &Bait,
    ) -> Result<Vec<Escape>, String> {
        let base = &self.base;
        let workspace = base.join("workspace");
        let command = Command { layer, ..Command::new("trial", &workspace) };
        let own = [workspace.as_path(), settings.temporary.as_path()];
        let sandbox =
            Sandbox::prepare(settings, probe, &command, &workspace, own, &Caches::default());
        let sandbox = sandbox.map_err(|error| error.to_string())?;
        let mut deeds = Deeds::default();
        deeds.about_files(base, &settings.secret);
        deeds.about_processes(bait);
        deeds.about_networks(bait);
        deeds.about_the_kernel();
        let mut found = deeds.done_in(sandbox).map_err(|error| error.to_string())?;
        if bait.was_heard() {
            found |= Escape::Network.bit();
        }
        Ok(Escape::ALL.iter().copied().filter(|escape| found & escape.bit() != 0).collect())
    }
}

/// What there is to be reached outside.
struct Bait {
    tcp: TcpListener,
    udp: UdpSocket,
    path: PathBuf,
    _local: UnixListener,
    name: String,
    _named: UnixListener,
    shared: libc::c_int,
}

impl Bait {
    fn lay(base: &Path) -> io::Result<Self> {
        let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = PathBuf::from(format!("/tmp/{name}"));
        // A path of a socket has a length.
        let path = if base.as_os_str().len() < 80 { base.join("outside/socket") } else { path };
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        udp.set_nonblocking(true)?;
        #[expect(unsafe_code, reason = "neither the standard library nor rustix has this call")]
        // SAFETY: the call takes numbers alone.
        let shared = unsafe { libc::shmget(libc::IPC_PRIVATE, 4096, 0o600) };
        Ok(Self {
            tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            udp,
            _local: UnixListener::bind(&path)?,
            path,
            _named: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?,
            name,
            shared,
        })
    }

    /// Tells whether something arrived that was sent without a connection.
    fn was_heard(&self) -> bool {
        self.udp.recv(&mut [0; 16]).is_ok()
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
        #[expect(unsafe_code, reason = "neither the standard library nor rustix has this call")]
        // SAFETY: without a buffer the call removes what the number names, which is ours, and touches no memory.
        unsafe {
            libc::shmctl(self.shared, libc::IPC_RMID, std::ptr::null_mut());
        }
    }
}

/// When a call shows that something can be done.
#[derive(Clone, Copy)]
enum Shows {
    /// It succeeds.
    Success,
    /// It succeeds, or fails otherwise than by a refusal: with arguments that make no sense, the kernel has looked at them.
    Heard,
}

/// One system call that must not go through.
struct Deed {
    escape: Escape,
    shows: Shows,
    /// The process that it is about.
    other: Option<libc::c_int>,
    number: libc::c_long,
    arguments: [usize; 6],
}

/// A connection that must not be made.
struct Connection {
    family: libc::c_int,
    kind: libc::c_int,
    address: Vec<u8>,
    /// Whether it is a message without a connection.
    is_message: bool,
}

/// Everything that is tried. What the arguments point to lives here.
#[derive(Default)]
struct Deeds {
    deeds: Vec<Deed>,
    connections: Vec<Connection>,
    texts: Vec<CString>,
    spaces: Vec<Box<[u64]>>,
}

const HERE: usize = libc::AT_FDCWD as usize;

impl Deeds {
    fn text(&mut self, path: &Path) -> usize {
        // A path with a nul does not exist, and an empty one does not either.
        let text = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        let address = text.as_ptr() as usize;
        self.texts.push(text);
        address
    }

    /// Memory for what a call may write.
    fn space(&mut self) -> usize {
        let mut space = vec![0; 64].into_boxed_slice();
        let address = space.as_mut_ptr() as usize;
        self.spaces.push(space);
        address
    }

    fn add(&mut self, escape: Escape, number: libc::c_long, arguments: &[usize]) {
        self.put(escape, Shows::Success, None, number, arguments);
    }

    fn put(
        &mut self,
        escape: Escape,
        shows: Shows,
        other: Option<libc::c_int>,
        number: libc::c_long,
        given: &[usize],
    ) {
        let mut arguments = [0; 6];
        for (place, argument) in arguments.iter_mut().zip(given) {
            *place = *argument;
        }
        self.deeds.push(Deed { escape, shows, other, number, arguments });
    }

    fn about_files(&mut self, base: &Path, secret: &[PathBuf]) {
        let flags = |flags: libc::c_int| (flags | libc::O_CLOEXEC | libc::O_NONBLOCK) as usize;
        let [cut, moved, kept] =
            ["cut", "moved", "kept"].map(|name| self.text(&base.join("outside").join(name)));
        let made = self.text(&base.join("outside/made"));
        let directory = self.text(&base.join("outside/directory"));
        let here = self.text(&base.join("workspace/here"));
        let linked = self.text(&base.join("workspace/linked"));
        let write = Escape::Write;
        self.add(write, libc::SYS_openat, &[HERE, cut, flags(libc::O_WRONLY)]);
        self.add(write, libc::SYS_openat, &[HERE, cut, flags(libc::O_RDONLY | libc::O_TRUNC)]);
        self.add(write, libc::SYS_truncate, &[cut, 0]);
        let create = flags(libc::O_WRONLY | libc::O_CREAT);
        self.add(write, libc::SYS_openat, &[HERE, made, create, 0o600]);
        self.add(write, libc::SYS_mkdirat, &[HERE, directory, 0o700]);
        self.add(write, libc::SYS_linkat, &[HERE, kept, HERE, linked, 0]);
        self.add(write, libc::SYS_renameat2, &[HERE, moved, HERE, here, 0]);
        self.add(write, libc::SYS_unlinkat, &[HERE, cut, 0]);
        self.add(Escape::Metadata, libc::SYS_fchmodat, &[HERE, kept, 0o640]);
        self.add(Escape::Metadata, libc::SYS_utimensat, &[HERE, kept, 0, 0]);
        let attribute = self.text(Path::new("user.openkoi"));
        self.add(Escape::Metadata, libc::SYS_setxattr, &[kept, attribute, attribute, 1, 0]);
        for place in secret.iter().map(PathBuf::as_path).chain([&*base.join("secret/key")]) {
            let place = self.text(place);
            self.add(Escape::Read, libc::SYS_openat, &[HERE, place, flags(libc::O_RDONLY)]);
        }
    }

    /// What is asked of this process changes nothing of it.
    fn about_processes(&mut self, bait: &Bait) {
        let Ok(other) = libc::c_int::try_from(std::process::id()) else { return };
        let id = other as usize;
        let (limit, processors, vector) = (self.space(), self.space(), self.space());
        let mut ask = |escape, number, given: &[usize]| {
            self.put(escape, Shows::Success, Some(other), number, given);
        };
        ask(Escape::Signals, libc::SYS_kill, &[id, 0]);
        ask(Escape::Limits, libc::SYS_prlimit64, &[id, libc::RLIMIT_NOFILE as usize, 0, limit]);
        #[expect(unsafe_code, reason = "the bytes of the mask are wanted as they are")]
        // SAFETY: the kernel writes the mask into memory that is as large and lives in `spaces`.
        let (length, priority) = unsafe {
            let length = libc::syscall(libc::SYS_sched_getaffinity, id, 512, processors);
            (length, libc::getpriority(libc::PRIO_PROCESS, id as libc::id_t))
        };
        if let Ok(length @ 1..) = usize::try_from(length) {
            ask(Escape::Limits, libc::SYS_sched_setaffinity, &[id, length, processors]);
        }
        let same = [libc::PRIO_PROCESS as usize, id, priority as usize];
        ask(Escape::Limits, libc::SYS_setpriority, &same);
        // One byte from where this process has the same one: two vectors of an address and a length.
        ask(Escape::Memory, libc::SYS_process_vm_readv, &[id, vector, 1, vector + 16, 1, 0]);
        if let Some(space) = self.spaces.last_mut() {
            space[..4].copy_from_slice(&[limit as u64, 1, processors as u64, 1]);
        }
        for file in ["environ", "mem", "maps"] {
            let path = self.text(Path::new(&format!("/proc/{id}/{file}")));
            let given = [HERE, path, (libc::O_RDONLY | libc::O_CLOEXEC) as usize];
            self.put(Escape::Memory, Shows::Success, Some(other), libc::SYS_openat, &given);
        }
        if let Ok(shared @ 0..) = usize::try_from(bait.shared) {
            let state = self.space();
            let given = [shared, libc::IPC_STAT as usize, state];
            self.add(Escape::Shared, libc::SYS_shmctl, &given);
        }
    }

    fn about_networks(&mut self, bait: &Bait) {
        let internet = |port: u16| {
            let family = (libc::AF_INET as u16).to_ne_bytes();
            let parts: [&[u8]; 4] =
                [&family, &port.to_be_bytes(), &Ipv4Addr::LOCALHOST.octets(), &[0; 8]];
            parts.concat()
        };
        let local = |path: &[u8]| [&(libc::AF_UNIX as u16).to_ne_bytes(), path].concat();
        let ports = [bait.tcp.local_addr(), bait.udp.local_addr()];
        let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM];
        for (kind, address) in kinds.into_iter().zip(ports) {
            let Ok(address) = address else { continue };
            self.connections.push(Connection {
                family: libc::AF_INET,
                kind,
                address: internet(address.port()),
                is_message: kind == libc::SOCK_DGRAM,
            });
        }
        let path = [bait.path.as_os_str().as_bytes(), b"\0"].concat();
        let name = [b"\0", bait.name.as_bytes()].concat();
        for address in [path, name] {
            self.connections.push(Connection {
                family: libc::AF_UNIX,
                kind: libc::SOCK_STREAM,
                address: local(&address),
                is_message: false,
            });
        }
    }

    /// Calls with arguments that make no sense: a filter refuses them without a look. Those that would change this child
    /// come last.
    fn about_the_kernel(&mut self) {
        const NONE: usize = usize::MAX;
        let calls: [(libc::c_long, &[usize]); 14] = [
            (libc::SYS_bpf, &[NONE, 0, 0]),
            (libc::SYS_io_uring_setup, &[0, 0]),
            (libc::SYS_userfaultfd, &[NONE]),
            (libc::SYS_perf_event_open, &[0, 0, NONE, NONE, 0]),
            (libc::SYS_keyctl, &[NONE]),
            (libc::SYS_pidfd_getfd, &[NONE, 0, 0]),
            (libc::SYS_open_by_handle_at, &[NONE, 0, 0]),
            (libc::SYS_ioctl, &[NONE, libc::TIOCSTI as usize, 0]),
            (libc::SYS_setns, &[NONE, 0]),
            (libc::SYS_open_tree, &[NONE, 0, 0]),
            (libc::SYS_ptrace, &[NONE, 0, 0, 0]),
            (libc::SYS_chroot, &[0]),
            (libc::SYS_mount, &[0, 0, 0, 0, 0]),
            (libc::SYS_unshare, &[libc::CLONE_NEWUSER as usize]),
        ];
        for (number, given) in calls {
            self.put(Escape::Kernel, Shows::Heard, None, number, given);
        }
    }

    /// Does all of it in a child in the sandbox, and returns the bits of what could be done.
    fn done_in(self, sandbox: Sandbox) -> io::Result<u32> {
        let (mut reading, writing) = io::pipe()?;
        rustix::fs::fcntl_setfl(&reading, rustix::fs::OFlags::NONBLOCK)?;
        let parent = rustix::process::getpid();
        attempt_in_child(move || {
            isolate(parent)?;
            let outside = rustix::process::getpid();
            sandbox.enter()?;
            keep_what_a_program_keeps()?;
            let found = self.done(rustix::process::getpid() != outside);
            (&writing).write_all(&found.to_ne_bytes())
        })?;
        let mut found = [0; 4];
        reading.read_exact(&mut found)?;
        Ok(u32::from_ne_bytes(found))
    }

    /// Does all of it: system calls alone. In a namespace of its own the numbers of processes are other ones.
    fn done(&self, has_pids: bool) -> u32 {
        let own = [rustix::process::getpid(), rustix::process::Pid::INIT];
        let own = own.map(|pid| pid.as_raw_nonzero().get());
        let mut found = 0;
        for connection in &self.connections {
            if connection.is_made() {
                found |= Escape::Network.bit();
            }
        }
        for deed in &self.deeds {
            let is_own = has_pids && deed.other.is_some_and(|other| own.contains(&other));
            if !is_own && deed.goes_through() {
                found |= deed.escape.bit();
            }
        }
        found
    }
}

/// Gives up the capabilities that a program does not have after its start: those of root that are out of the bounding set by
/// now. The rest of the sandbox holds at once.
fn keep_what_a_program_keeps() -> io::Result<()> {
    let held = rustix::thread::capabilities(None)?;
    let mut kept = CapabilitySet::empty();
    for capability in held.permitted.iter() {
        // One that this kernel does not know is not there.
        if rustix::thread::capability_is_in_bounding_set(capability).unwrap_or(false) {
            kept |= capability;
        }
    }
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: kept };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

impl Deed {
    fn goes_through(&self) -> bool {
        let [a, b, c, d, e, f] = self.arguments;
        #[expect(unsafe_code, reason = "the calls are data")]
        // SAFETY: the pointers among the arguments lead to strings that end and to memory that is large enough for what
        // these calls write, all of which this owns.
        let done = unsafe { libc::syscall(self.number, a, b, c, d, e, f) };
        if done >= 0 {
            return true;
        }
        let refusals = [libc::EPERM, libc::EACCES, libc::ENOSYS];
        let error = io::Error::last_os_error().raw_os_error().unwrap_or_default();
        matches!(self.shows, Shows::Heard) && !refusals.contains(&error)
    }
}

impl Connection {
    fn is_made(&self) -> bool {
        let length = self.address.len() as libc::socklen_t;
        let address = self.address.as_ptr().cast::<libc::sockaddr>();
        #[expect(unsafe_code, reason = "the address is bytes")]
        // SAFETY: the address is as long as is said and outlives the calls; the socket has no other owner.
        unsafe {
            let socket = libc::socket(self.family, self.kind | libc::SOCK_CLOEXEC, 0);
            if socket < 0 {
                return false;
            }
            if self.is_message {
                // That it was sent says nothing; whether it arrives is seen outside.
                libc::sendto(socket, address.cast(), 1, 0, address, length);
                return false;
            }
            let connected = libc::connect(socket, address, length) == 0;
            libc::close(socket);
            connected
        }
    }
}
