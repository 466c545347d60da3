//! Programs in the sandbox, judged by what they report and by what they leave behind.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

use openkoi_brokers::places;
use openkoi_brokers::processes::{
    Child, Command, Happening, Network, ProcessError, ProcessSettings, Processes, ProgramExit,
    ProgramLimits, SandboxMode, SandboxPart,
};
use std::collections::HashMap;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct World {
    _home: tempfile::TempDir,
    base: PathBuf,
    settings: ProcessSettings,
    /// A part that the system is to lack.
    without: Option<SandboxPart>,
}

/// A workspace, a secret place and an environment with canaries. Not below `/tmp`'s system directories: the
/// directory that holds it all is granted to nobody.
fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    for name in ["work", "secret", "other"] {
        fs::create_dir(base.join(name)).unwrap();
    }
    fs::write(base.join("secret/key"), "canary-key").unwrap();
    fs::write(base.join("other/file"), "other").unwrap();
    let variables = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin:relative"),
        ("HOME", "/nonexistent"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C"),
        ("SERVICE_API_KEY", "canary-variable"),
        ("LD_PRELOAD", "/canary.so"),
        ("GIT_DIR", "/canary"),
        ("NODE_OPTIONS", "--canary"),
        ("PYTHONSTARTUP", "/canary.py"),
    ];
    let environment: HashMap<_, _> =
        variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let settings = ProcessSettings {
        environment: Arc::new(environment),
        temporary: base.join("temporary"),
        spool: base.join("spool"),
        read: Vec::new(),
        secret: vec![base.join("secret")],
        caches: None,
        certificates: None,
        limits: ProgramLimits::default(),
        sandbox: SandboxMode::Required,
    };
    World { _home: home, base, settings, without: None }
}

struct Ran {
    out: String,
    err: String,
    exit: ProgramExit,
}

impl World {
    fn processes(&self) -> Processes {
        match self.without {
            Some(part) => self.processes_without(part),
            None => Processes::new(self.settings.clone()),
        }
    }

    /// The world where processes have the numbers of the host, and are found by their group and their environment.
    fn of_host_numbers(self) -> Self {
        Self { without: Some(SandboxPart::Pids), ..self }
    }

    /// The broker on a system without `part`.
    fn processes_without(&self, part: SandboxPart) -> Processes {
        let probe: fn(SandboxPart) -> std::io::Result<()> = match part {
            SandboxPart::Files => {
                |part| if part == SandboxPart::Files { Err(missing()) } else { Ok(()) }
            }
            SandboxPart::Loopback => {
                |part| if part == SandboxPart::Loopback { Err(missing()) } else { Ok(()) }
            }
            SandboxPart::Layers => {
                |part| if part == SandboxPart::Layers { Err(missing()) } else { Ok(()) }
            }
            SandboxPart::Pids => {
                |part| if part == SandboxPart::Pids { Err(missing()) } else { Ok(()) }
            }
        };
        Processes::with_probe(self.settings.clone(), probe)
    }

    fn python(&self, script: &str) -> Command {
        let mut command = Command::new("python3", self.base.join("work"));
        command.arguments = vec!["-c".to_owned(), script.to_owned()];
        command.deadline = Some(Duration::from_secs(30));
        command
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh", self.base.join("work"));
        command.arguments = vec!["-c".to_owned(), script.to_owned()];
        command.deadline = Some(Duration::from_secs(30));
        command
    }

    async fn run(&self, command: Command) -> Ran {
        finish(self.processes().spawn(command).await.unwrap()).await
    }

    async fn sh(&self, script: &str) -> Ran {
        self.run(self.shell(script)).await
    }
}

fn missing() -> std::io::Error {
    std::io::Error::other("it is missing")
}

async fn finish(mut child: Child) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        match child.next().await.expect("it ended without an exit") {
            Happening::Stdout(bytes) => out.extend(bytes),
            Happening::Stderr(bytes) => err.extend(bytes),
            Happening::Exited(exit) => {
                assert_eq!(child.next().await, None, "nothing follows the exit");
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                return Ran { out: text(&out), err: text(&err), exit };
            }
        }
    }
}

/// Waits until `condition` holds.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
        std::thread::yield_now();
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_program_runs_and_says_how_it_ended() {
    let world = world();

    let ran = world.sh("echo out; echo err >&2; pwd; exit 3").await;
    assert_eq!(ran.out, format!("out\n{}\n", world.base.join("work").display()));
    assert_eq!(ran.err, "err\n");
    assert_eq!((ran.exit.code, ran.exit.signal, ran.exit.timed_out), (Some(3), None, false));
    assert_eq!((ran.exit.saved, ran.exit.omitted), (None, 0));

    let killed = world.sh("kill -9 $$").await;
    assert_eq!((killed.exit.code, killed.exit.signal), (None, Some(9)));
}

#[tokio::test]
async fn arguments_are_never_seen_by_a_shell() {
    let world = world();
    let mut command = Command::new("printf", world.base.join("work"));
    command.arguments =
        ["[%s]", "$(id)", "a b", "; rm -rf x", "*", "-oProxyCommand=x"].map(str::to_owned).to_vec();

    assert_eq!(world.run(command).await.out, "[$(id)][a b][; rm -rf x][*][-oProxyCommand=x]");
}

#[tokio::test]
async fn programs_are_found_by_name_on_the_path_alone() {
    let world = world();
    let planted = world.base.join("work/bin/planted");
    fs::create_dir(planted.parent().unwrap()).unwrap();
    fs::write(&planted, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = world.settings.clone();
    let mut environment = (*settings.environment).clone();
    let path = format!("{}:/usr/bin:/bin", planted.parent().unwrap().display());
    environment.insert("PATH".into(), path.into());
    settings.environment = Arc::new(environment);
    let processes = Processes::new(settings);
    let work = world.base.join("work");

    for program in
        ["planted", "./bin/planted", planted.to_str().unwrap(), "", "..", "-c", "no-such-program"]
    {
        let error = processes.spawn(Command::new(program, &work)).await.expect_err(program);
        assert!(matches!(error, ProcessError::NotFound { .. }), "{program}: {error}");
        assert!(!processes.exists(program, &work), "{program}");
    }
    assert!(processes.exists("sh", &work));
}

#[tokio::test]
async fn the_environment_of_the_project_that_the_user_activated_is_on_the_path_of_programs() {
    let world = world();
    let work = world.base.join("work");
    let places = ["venv/bin", "bin"].map(|place| work.join(place));
    for place in &places {
        fs::create_dir_all(place).unwrap();
        fs::write(place.join("python"), format!("#!/bin/sh\necho {}\n", place.display())).unwrap();
        fs::set_permissions(place.join("python"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut settings = world.settings.clone();
    let mut environment = (*settings.environment).clone();
    let path = format!("{}:{}:/usr/bin:/bin", places[1].display(), places[0].display());
    environment.insert("PATH".into(), path.into());
    let printed = async |environment: &_, settings: &mut ProcessSettings| {
        settings.environment = Arc::new(Clone::clone(environment));
        let mut child =
            Processes::new(settings.clone()).spawn(world.shell("echo $PATH")).await.unwrap();
        let mut out = Vec::new();
        while let Some(happening) = child.next().await {
            if let Happening::Stdout(bytes) = happening {
                out.extend(bytes);
            }
        }
        String::from_utf8(out).unwrap()
    };

    assert_eq!(printed(&environment, &mut settings).await, "/usr/bin:/bin\n");
    environment.insert("VIRTUAL_ENV".into(), work.join("venv").into());
    let activated = format!("{}:/usr/bin:/bin\n", places[0].display());
    assert_eq!(printed(&environment, &mut settings).await, activated);
    // What the user activated does not choose the program that is started.
    let processes = Processes::new(settings.clone());
    fs::copy(places[0].join("python"), places[0].join("planted")).unwrap();
    assert!(!processes.exists("planted", &work));
    // The workspace as a whole is no environment.
    environment.insert("VIRTUAL_ENV".into(), work.clone().into());
    assert_eq!(printed(&environment, &mut settings).await, "/usr/bin:/bin\n");
}

#[tokio::test]
async fn a_program_writes_only_where_it_may() {
    let world = world();
    let base = world.base.display();

    let ran = world
        .sh(&format!(
            "echo ok > inside; echo ok > $TMPDIR/x && echo temporary; \
             echo evil > {base}/planted; echo evil > {base}/other/file; \
             ln -s {base}/other link; echo evil > link/file; mkdir {base}/d; rm {base}/other/file; \
             mv {base}/other/file inside2; cat {base}/other/file; cat {base}/secret/key; ls {base}; true"
        ))
        .await;

    assert_eq!(ran.out, "temporary\n", "{}", ran.err);
    assert_eq!(fs::read_to_string(world.base.join("work/inside")).unwrap(), "ok\n");
    assert_eq!(fs::read_to_string(world.base.join("other/file")).unwrap(), "other");
    assert!(!world.base.join("planted").exists() && !world.base.join("d").exists());
    assert_eq!(
        fs::read_dir(world.base.join("temporary")).unwrap().count(),
        0,
        "it is gone afterwards"
    );
}

/// Runs git outside of any sandbox, with no configuration but its own.
fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let done = std::process::Command::new("git")
        .args(identity)
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn git_reads_the_repository_of_a_linked_working_tree_and_of_a_submodule() {
    let world = world();
    let [main, work] = ["main", "work"].map(|name| world.base.join(name));
    fs::create_dir(&main).unwrap();
    git(&main, &["init", "--quiet"]);
    git(&main, &["commit", "--quiet", "--allow-empty", "-m", "first"]);
    git(&main, &["worktree", "add", "--quiet", work.to_str().unwrap()]);
    let look =
        "git log --format=%s; git status --short --branch; echo ok > new; git status --short";

    let ran = world.sh(look).await;
    assert_eq!(ran.out, "first\n## work\n?? new\n", "{}", ran.err);
    let ran = world.sh(&format!("echo x > {}/.git/HEAD; git add new", main.display())).await;
    assert_ne!(ran.exit.code, Some(0), "it is read, and not written");

    let over = world.base.join("over");
    fs::create_dir(&over).unwrap();
    git(&over, &["init", "--quiet"]);
    git(&over, &["submodule", "--quiet", "add", main.to_str().unwrap(), "sub"]);
    let mut command = world.shell("git log --format=%s; git status --short --branch");
    command.workspace = over.join("sub");
    command.directory = over.join("sub");
    let ran = world.run(command).await;
    assert_eq!(ran.out, "first\n## main...origin/main\n", "{}", ran.err);
}

#[tokio::test]
async fn a_file_that_claims_to_be_a_link_to_a_repository_opens_nothing() {
    let world = world();
    let base = &world.base;
    // A repository that does not know this workspace, a directory that is none, and one that the workspace brought along.
    git(&base.join("other"), &["init", "--quiet"]);
    let forged = base.join("work/.forged/worktrees/w");
    fs::create_dir_all(&forged).unwrap();
    fs::write(forged.join("gitdir"), base.join("work/.git").to_str().unwrap()).unwrap();
    fs::write(forged.join("commondir"), base.join("other").to_str().unwrap()).unwrap();
    fs::write(
        base.join("work/.forged/config"),
        format!("[core]\n\tworktree = {}/work\n", base.display()),
    )
    .unwrap();
    let places = ["other/.git", "other", "work/.forged/worktrees/w", "work/.forged", "work/none"];
    for place in places {
        let pointer = format!("gitdir: {}\n", base.join(place).display());
        fs::write(base.join("work/.git"), pointer).unwrap();

        let ran =
            world.sh(&format!("cat {0}/other/.git/HEAD {0}/other/file", base.display())).await;

        assert_eq!(ran.out, "", "{place}");
    }
}

#[tokio::test]
async fn a_secret_inside_of_a_granted_directory_stays_closed() {
    let world = world();
    let mut command = world.shell(&format!(
        "cat {0}/other/file; cat {0}/secret/key; echo x > {0}/other/new; echo y > {0}/other/file",
        world.base.display()
    ));
    command.read = vec![world.base.clone()];

    let ran = world.run(command.clone()).await;
    assert_eq!(ran.out, "other", "{}", ran.err);
    assert!(!world.base.join("other/new").exists());

    command.write = vec![world.base.join("other"), world.base.join("secret")];
    let ran = world.run(command).await;
    assert_eq!(ran.out, "other", "{}", ran.err);
    assert_eq!(fs::read_to_string(world.base.join("other/file")).unwrap(), "y\n");
}

#[tokio::test]
async fn the_secret_places_of_a_granted_home_stay_closed() {
    let mut world = world();
    let home = world.base.join("other");
    world.settings.secret = places::secrets_below(&home);
    // The first two were closed to the file broker alone, the others to programs alone.
    let secrets =
        [".pgpass", ".git-credentials", ".config/gh/hosts.yml", ".cargo/credentials.toml"];
    for path in secrets {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "canary").unwrap();
    }
    let home = home.display();
    let mut command = world.shell(&format!(
        "for path in {}; do cat {home}/$path; done; cat {home}/file",
        secrets.join(" ")
    ));
    command.read = vec![world.base.join("other")];

    let ran = world.run(command).await;

    assert_eq!(ran.out, "other", "{}", ran.err);
}

#[tokio::test]
async fn a_program_cannot_read_the_memory_or_environment_of_its_host() {
    let world = world();
    let host = std::process::id();

    let ran = world
        .sh(&format!(
            "cat /proc/{host}/environ; cat /proc/{host}/maps; head -c 1 /proc/{host}/mem; \
             readlink /proc/{host}/fd/1; readlink /proc/{host}/cwd; kill -9 {host}; cat /proc/self/comm"
        ))
        .await;

    assert_eq!(ran.out, "cat\n");
}

#[tokio::test]
async fn one_stream_has_all_in_the_order_in_which_it_was_written() {
    let world = world();
    let script = "for n in $(seq 500); do echo out $n; echo err $n >&2; done; exit 3";
    let command = Command { one_stream: true, ..world.shell(script) };

    let ran = world.run(command).await;

    let expected: String = (1..=500).map(|n| format!("out {n}\nerr {n}\n")).collect();
    assert_eq!((ran.out, ran.err, ran.exit.code), (expected, String::new(), Some(3)));
}

/// Makes a segment of shared memory with the key of its argument, or says what stands in one that is there.
const SEGMENT: &str = r"
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(int(sys.argv[1]), 64, 0o600 | (0o1000 if sys.argv[2] == 'make' else 0))
if segment < 0:
    print('none'); sys.exit()
place = libc.shmat(segment, None, 0)
if sys.argv[2] == 'make':
    ctypes.memmove(place, b'canary\0', 7)
elif sys.argv[2] == 'remove':
    libc.shmctl(segment, 0, None)
else:
    print(ctypes.string_at(place).decode())
";

#[tokio::test]
async fn a_program_sees_no_shared_memory_of_others_and_leaves_none() {
    let world = world();
    let key = std::process::id().to_string();
    let host = |act: &str| {
        let done = std::process::Command::new("python3").args(["-c", SEGMENT, &key, act]).output();
        String::from_utf8(done.unwrap().stdout).unwrap()
    };
    let inside = |act: &str| {
        let mut command = world.python(SEGMENT);
        command.arguments.extend([key.clone(), act.to_owned()]);
        world.run(command)
    };

    host("make");
    assert_eq!(host("look"), "canary\n");
    assert_eq!(inside("look").await.out, "none\n");
    host("remove");
    assert_eq!(inside("make").await.exit.code, Some(0));
    assert_eq!((host("look").as_str(), inside("look").await.out.as_str()), ("none\n", "none\n"));
}

const SOCKETS: &str = r"
import os, socket, sys
def attempt(name, make):
    try:
        make(); print(name, 'opened')
    except OSError as error:
        print(name, error.errno)
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt('local', lambda: socket.socket(socket.AF_UNIX))
attempt('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt('pair', lambda: socket.socketpair())
";

#[tokio::test]
async fn a_program_has_no_network() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = world.python(SOCKETS);
    command.arguments.push(listener.local_addr().unwrap().port().to_string());
    let processes = world.processes_without(SandboxPart::Loopback);

    let closed = finish(processes.spawn(command.clone()).await.unwrap()).await;
    command.network = Network::Open;
    let open = finish(processes.spawn(command).await.unwrap()).await;

    assert_eq!(closed.out, "tcp 13\nudp 13\nlocal 13\npacket 13\npair opened\n", "{}", closed.err);
    assert_eq!(
        open.out, "tcp opened\nudp opened\nlocal 13\npacket 13\npair opened\n",
        "{}",
        open.err
    );
    let report = processes.sandbox_level();
    assert!(report.available && report.network, "{report:?}");
    let why = processes.loopback().unwrap_err();
    assert!(why.contains("127.0.0.1"), "{why}");
}

/// Says what it reaches: itself, the host's listeners on the ports it is given, the outside, other families.
const NEIGHBOURS: &str = r"
import errno, fcntl, os, socket, struct, sys, threading
def attempt(name, make):
    try:
        print(name, '-', make() or 'opened')
    except OSError as error:
        print(name, '-', errno.errorcode[error.errno])
def itself(family, address):
    listener = socket.socket(family)
    listener.bind((address, 0)); listener.listen()
    answer = lambda: listener.accept()[0].sendall(b'heard')
    threading.Thread(target=answer, daemon=True).start()
    return socket.create_connection(listener.getsockname()[:2], 5).recv(9).decode()
def datagram():
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); here.bind(('127.0.0.1', 0))
    here.sendto(b'heard', here.getsockname())
    return here.recv(9).decode()
def connect(address, port):
    socket.create_connection((address, port), 5).sendall(b'x')
def send(address, port):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (address, port))
def make(*kind):
    socket.socket(*kind)
def set_down():
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh22x', b'lo', 0))
tcp, six, udp, elsewhere = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
attempt('itself', lambda: itself(socket.AF_INET, '127.0.0.1'))
attempt('itself by name', lambda: itself(socket.AF_INET, 'localhost'))
attempt('itself in datagrams', datagram)
attempt('the host', lambda: connect('127.0.0.1', tcp))
attempt('the host elsewhere', lambda: connect(elsewhere, tcp))
attempt('the host in datagrams', lambda: send(elsewhere, udp))
attempt('the outside', lambda: connect('192.0.2.1', 9))
attempt('raw', lambda: make(socket.AF_INET, socket.SOCK_RAW, 1))
attempt('down', set_down)
attempt('local', lambda: make(socket.AF_UNIX))
attempt('netlink', lambda: make(socket.AF_NETLINK, socket.SOCK_RAW))
attempt('packet', lambda: make(socket.AF_PACKET, socket.SOCK_RAW))
attempt('vsock', lambda: make(40))
attempt('pair', lambda: socket.socketpair() and None)
if six:
    attempt('itself in six', lambda: itself(socket.AF_INET6, '::1'))
    attempt('the host in six', lambda: connect('::1', six))
print('uid', os.getuid(), 'owner', os.stat('.').st_uid, 'group', os.getgid())
";

/// The results of the attempts with loopback. Without it, all are refused.
const REACHED: [(&str, &str); 13] = [
    ("itself", "heard"),
    ("itself by name", "heard"),
    ("itself in datagrams", "heard"),
    ("the host", "ECONNREFUSED"),
    ("the host elsewhere", "ENETUNREACH"),
    ("the host in datagrams", "ENETUNREACH"),
    ("the outside", "ENETUNREACH"),
    ("raw", "EPERM"),
    ("down", "EPERM"),
    ("local", "EACCES"),
    ("netlink", "EACCES"),
    ("packet", "EACCES"),
    ("vsock", "EACCES"),
];

/// Listeners of the host, at which nobody may arrive.
struct Listeners {
    tcp: TcpListener,
    udp: UdpSocket,
    /// Absent where the machine has no such loopback.
    six: Option<TcpListener>,
}

impl Listeners {
    fn start() -> Self {
        let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        let six = TcpListener::bind("[::1]:0").ok();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        six.iter().for_each(|six| six.set_nonblocking(true).unwrap());
        Self { tcp, udp, six }
    }

    /// The ports, and an address of this machine that is not loopback, if it has one.
    fn arguments(&self) -> Vec<String> {
        let six = self.six.as_ref().map_or(0, |six| six.local_addr().unwrap().port());
        let ports =
            [self.tcp.local_addr().unwrap().port(), six, self.udp.local_addr().unwrap().port()];
        // Connecting a datagram socket sends nothing; it chooses the address to send from.
        let chooser = UdpSocket::bind("0.0.0.0:0").unwrap();
        let chosen = chooser.connect("192.0.2.1:9").and_then(|()| chooser.local_addr());
        let elsewhere = chosen.map_or("192.0.2.1".to_owned(), |address| address.ip().to_string());
        ports.map(|port| port.to_string()).into_iter().chain([elsewhere]).collect()
    }

    fn assert_unheard(&self, ran: &Ran) {
        assert!(self.tcp.accept().is_err(), "{}", ran.out);
        assert!(self.udp.recv_from(&mut [0; 9]).is_err(), "{}", ran.out);
        assert!(self.six.iter().all(|six| six.accept().is_err()), "{}", ran.out);
    }
}

/// Returns the output of [`NEIGHBOURS`], with loopback or without.
fn reached(loopback: bool, six: bool) -> Vec<String> {
    let mut expected: Vec<(&str, &str)> = REACHED.to_vec();
    expected.push(("pair", "opened"));
    if six {
        expected.extend([("itself in six", "heard"), ("the host in six", "ECONNREFUSED")]);
    }
    let line = |(name, with): (&str, &str)| {
        let result = if loopback || name == "pair" { with } else { "EACCES" };
        format!("{name} - {result}")
    };
    let mut lines: Vec<String> = expected.into_iter().map(line).collect();
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    lines.push(format!("uid {user} owner {user} group {group}"));
    lines
}

#[tokio::test]
async fn a_program_reaches_itself_and_nothing_else() {
    let world = world();
    let host = Listeners::start();
    let mut command = world.python(NEIGHBOURS);
    command.arguments.extend(host.arguments());
    let without = world.processes_without(SandboxPart::Loopback);

    let ran = world.run(command.clone()).await;
    let fallback = finish(without.spawn(command).await.unwrap()).await;

    let loopback = world.processes().loopback().is_ok();
    for (ran, loopback) in [(ran, loopback), (fallback, false)] {
        host.assert_unheard(&ran);
        let expected = reached(loopback, host.six.is_some());
        assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected, "{}", ran.err);
    }
}

/// Returns a capability set of `/proc/self/status`.
fn capabilities(status: &str, set: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(set)).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

#[tokio::test]
async fn a_program_has_no_capability_over_its_sandbox() {
    let world = world();
    let own = fs::read_to_string("/proc/self/status").unwrap();

    let ran = world.sh("cat /proc/self/status").await;

    let of_program = |set| capabilities(&ran.out, set);
    // Rights over files and the right to become somebody else: what root needs to edit another's workspace.
    let kept = if capabilities(&own, "CapEff:") == 0 { 0 } else { 0b1111_1011 & !0b100 };
    for set in ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
        assert_eq!(of_program(set) & !kept, 0, "{set} {}", ran.out);
    }
    if world.processes().loopback().is_ok() || kept != 0 {
        assert_eq!(of_program("CapBnd:") & !kept, 0, "{}", ran.out);
    }
    assert_eq!(of_program("NoNewPrivs:"), 1);
}

const CALLS: &str = r"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *arguments):
    ctypes.set_errno(0)
    done = libc.syscall(number, *arguments)
    print(name, done if done >= 0 else -ctypes.get_errno())
call('ptrace', 101, 0, 0, 0, 0)
call('x32 ptrace', 101 | 0x40000000, 0, 0, 0, 0)
call('mount', 165, None, None, None, 0, None)
call('unshare', 272, 0x10000000)
call('clone', 56, 0x10000000, 0, 0, 0, 0)
call('clone3', 435, 0, 0)
call('io_uring', 425, 1, 0)
call('keyctl', 250, 0, 0)
call('bpf', 321, 0, 0, 0)
call('vm_readv', 310, 1, 0, 0, 0, 0, 0)
call('sti', 16, 0, 0x5412, 0)
print('uid', os.getuid())
";

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn calls_that_lead_around_the_sandbox_are_refused() {
    let world = world();
    let mut command = Command::new("python3", world.base.join("work"));
    command.arguments = vec!["-c".to_owned(), CALLS.to_owned()];

    let ran = world.run(command).await;

    let refused = ["ptrace", "x32 ptrace", "mount", "unshare", "clone"];
    let later = ["io_uring", "keyctl", "bpf", "vm_readv", "sti"];
    let mut expected: Vec<String> = refused.iter().map(|name| format!("{name} -13")).collect();
    expected.push("clone3 -38".to_owned());
    expected.extend(later.iter().map(|name| format!("{name} -13")));
    expected.push(format!("uid {}", rustix::process::getuid().as_raw()));
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected, "{}", ran.err);
}

#[tokio::test]
async fn without_a_sandbox_nothing_is_started() {
    let world = world();
    let processes = world.processes_without(SandboxPart::Files);

    let error = processes.spawn(world.shell("touch started")).await.expect_err("it was started");

    assert_eq!(
        error.to_string(),
        "the sandbox cannot be set up: this kernel does not confine files (it is missing); use Linux 5.13 or \
         newer with `landlock` among its security modules, or set `sandbox = \"off\"` to run programs without one"
    );
    assert!(!world.base.join("work/started").exists());
    assert_eq!(fs::read_dir(world.base.join("temporary")).unwrap().count(), 0);
    let report = processes.sandbox_level();
    assert!(!report.available && report.files.is_none(), "{report:?}");
    assert!(report.notes[0].contains("does not confine files"), "{report:?}");

    let mut settings = world.settings.clone();
    settings.sandbox = SandboxMode::Off;
    let processes = Processes::with_probe(settings, |_| Err(missing()));
    let ran = finish(processes.spawn(world.shell("echo opted out")).await.unwrap()).await;
    assert_eq!(ran.out, "opted out\n");
}

#[test]
fn the_report_says_what_a_program_gets() {
    let report = world().processes().sandbox_level();

    assert!(report.available && report.network, "{report:?}");
    assert!(report.files.unwrap().starts_with("Landlock ABI "));
    let fresh = world();
    assert!(fresh.processes().sandbox_level().available);
    assert_eq!(fs::read_dir(&fresh.base).unwrap().count(), 3, "a look leaves nothing");

    let why = world().processes_without(SandboxPart::Layers).layers().unwrap_err();
    assert!(why.contains("not kept apart"), "{why}");
}

#[tokio::test]
async fn a_program_sees_only_the_allowed_environment() {
    let world = world();
    let mut command = world.shell("env");
    command.environment = vec![("CI".to_owned(), "1".to_owned())];

    let ran = world.run(command).await;

    assert!(!ran.out.contains("canary"), "{}", ran.out);
    let mut names: Vec<&str> = ran.out.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    names.retain(|name| !["_", "PWD", "SHLVL", "OLDPWD"].contains(name));
    assert_eq!(
        names,
        [
            "CI",
            "GIT_OPTIONAL_LOCKS",
            "HOME",
            "LANG",
            "LC_ALL",
            "PATH",
            "PYTHONDONTWRITEBYTECODE",
            "TERM",
            "TMPDIR"
        ]
    );
    assert!(ran.out.contains("PATH=/usr/local/bin:/usr/bin:/bin\n"), "{}", ran.out);

    for name in ["LD_PRELOAD", "NODE_OPTIONS", "GIT_SSH", "BASH_ENV", "PATH", "TMPDIR"] {
        let mut command = world.shell("true");
        command.environment = vec![(name.to_owned(), "x".to_owned())];
        let error = world.processes().spawn(command).await.expect_err(name);
        assert!(matches!(error, ProcessError::Denied { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_program_has_no_terminal_and_reads_what_it_is_given() {
    let world = world();
    let mut command = world.shell(
        "cat; (exec < /dev/tty) 2>/dev/null && echo terminal; ps -o tty= -p $$ 2>/dev/null || true",
    );
    assert!(!world.run(command.clone()).await.out.contains("terminal"));

    command.input = Some(b"given ".repeat(100_000));
    let ran = world.run(command.clone()).await;
    assert!(ran.out.starts_with("given given "), "{}", &ran.out[..100.min(ran.out.len())]);

    command.arguments = vec!["-c".to_owned(), "echo never read".to_owned()];
    assert_eq!(world.run(command).await.out, "never read\n");
}

#[tokio::test]
async fn output_that_is_too_long_is_cut_and_kept_in_a_file() {
    let world = world();
    let mut command = world
        .shell("echo begin; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end");
    command.keep = 100_000;

    let mut child = world.processes().spawn(command).await.unwrap();
    let (mut delivered, mut largest, mut last) = (0, 0, Vec::new());
    let exit = loop {
        match child.next().await.unwrap() {
            Happening::Stdout(bytes) => {
                delivered += bytes.len();
                largest = largest.max(bytes.len());
                last = bytes;
            }
            // Two pipes have no order between them, so only one of them tells what came last.
            Happening::Stderr(bytes) => {
                delivered += bytes.len();
                largest = largest.max(bytes.len());
            }
            Happening::Exited(exit) => break exit,
        }
    };

    let total = 6_000_000 + 6 + 4;
    assert_eq!(delivered, 200_000);
    assert!(largest <= 64 * 1024 && last.ends_with(b"end\n"), "the newest comes last");
    assert_eq!(exit.omitted, total - 200_000);
    let saved = exit.saved.unwrap();
    let kept = fs::read(&saved).unwrap();
    assert_eq!(kept.len() as u64, total);
    assert!(kept.starts_with(b"begin\n") && kept.windows(4).any(|part| part == b"end\n"));
    assert_eq!(saved.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_whole_group_is_killed_at_the_deadline() {
    let world = world().of_host_numbers();
    let mut command = world.shell(
        "trap '' TERM; sh -c \"trap '' TERM; sleep 100; echo > outlived\" & echo $! > child; \
         setsid sh -c 'sleep 100; echo > outlived' & echo $! > stray; sleep 1000; sleep 1000",
    );
    command.deadline = Some(Duration::from_millis(400));

    let ran = world.run(command).await;

    assert!(ran.exit.timed_out && ran.exit.signal == Some(9), "{:?}", ran.exit);
    assert!(!world.base.join("work/outlived").exists(), "it was waited for, not killed");
    for name in ["child", "stray"] {
        let pid = fs::read_to_string(world.base.join("work").join(name)).unwrap();
        wait_until(name, || !is_alive(&pid));
    }
}

#[tokio::test]
async fn a_deadline_holds_although_the_caller_does_not_listen() {
    let world = world().of_host_numbers();
    let mut command = world.shell("echo $$ > pid; while :; do echo flood; done");
    command.deadline = Some(Duration::from_millis(300));

    let child = world.processes().spawn(command).await.unwrap();
    let ended = tokio::task::spawn_blocking({
        let pid = world.base.join("work/pid");
        move || {
            wait_until("the pid", || fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')));
            let pid = fs::read_to_string(&pid).unwrap();
            wait_until("the end", || !is_alive(&pid));
        }
    });
    ended.await.unwrap();

    assert!(finish(child).await.exit.timed_out);
}

#[tokio::test]
async fn a_program_that_ends_takes_its_children_along() {
    let world = world().of_host_numbers();

    let ran = world.sh("sleep 1000 & echo $! > child; echo done").await;

    // The child has the same standard output: waiting for its end would last until the deadline.
    assert_eq!((ran.out.as_str(), ran.exit.code, ran.exit.timed_out), ("done\n", Some(0), false));
    let pid = fs::read_to_string(world.base.join("work/child")).unwrap();
    wait_until("the child", || !is_alive(&pid));
}

#[tokio::test]
async fn dropping_or_killing_a_child_ends_its_group() {
    for drop_it in [true, false] {
        let world = world().of_host_numbers();
        let mut child =
            world.processes().spawn(world.shell("sleep 1000 & echo $!; wait")).await.unwrap();
        let Some(Happening::Stdout(pid)) = child.next().await else { panic!("no pid") };
        let pid = String::from_utf8(pid).unwrap();

        if drop_it {
            drop(child);
        } else {
            child.kill();
            let exit = finish(child).await.exit;
            assert_eq!((exit.signal, exit.timed_out), (Some(9), false));
        }

        wait_until("the child", || !is_alive(&pid));
    }
}

#[tokio::test]
#[ignore = "run by the test below in a process of its own"]
async fn a_host_that_waits() {
    let world = world().of_host_numbers();
    let pid = PathBuf::from(std::env::var("PROCESSES_PID").unwrap());
    // Closed to others, as OpenKoi is: then files under `/proc/self` are root's.
    openkoi_brokers::secrets::close_memory().unwrap();
    let loopback = world.processes().loopback().is_ok();
    let mut child = world.processes().spawn(world.shell("echo $$; sleep 1000")).await.unwrap();
    let Some(Happening::Stdout(line)) = child.next().await else { panic!("no pid") };
    fs::write(pid, format!("{loopback} {}", String::from_utf8(line).unwrap())).unwrap();
    child.next().await;
}

#[test]
fn a_program_dies_with_its_host() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let mut host = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_host_that_waits"])
        .env("PROCESSES_PID", &pid)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the pid", || fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')));
    let said = fs::read_to_string(&pid).unwrap();
    let (loopback, pid) = said.split_once(' ').unwrap();
    assert!(is_alive(pid));
    assert_eq!(loopback, world().processes().loopback().is_ok().to_string());

    host.kill().unwrap();
    host.wait().unwrap();

    wait_until("the end", || !is_alive(pid));
}

#[tokio::test]
async fn a_program_has_limits() {
    let world = world();

    let ran = world.sh("ulimit -c; ulimit -n; ulimit -f; ulimit -Hn").await;

    let limits: Vec<u64> = ran.out.lines().map(|line| line.parse().unwrap_or(u64::MAX)).collect();
    // The shell counts file sizes in blocks of 512 bytes.
    assert!(
        limits[0] == 0 && limits[1] <= 4096 && limits[2] <= (4 << 30) / 512 && limits[3] <= 4096,
        "{limits:?}"
    );
}

#[tokio::test]
async fn a_start_outside_the_workspace_is_refused() {
    let world = world();
    std::os::unix::fs::symlink(world.base.join("other"), world.base.join("work/link")).unwrap();
    for directory in ["other", "work/..", "work/link"] {
        let mut command = world.shell("true");
        command.directory = world.base.join(directory);

        let error = world.processes().spawn(command).await.expect_err(directory);

        assert!(matches!(error, ProcessError::Denied { .. }), "{directory}: {error}");
    }
}
