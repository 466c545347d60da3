//! Starting a program.

use super::caches::Caches;
use super::find::find;
use super::follow::{RunningProgram, follow};
use super::left::Owned;
use super::output::OutputLog;
use super::output_room::OutputRoom;
use super::proxy::Served;
use super::quota::DiskWatch;
use super::sandbox::{DoorOutside, InsideTaken, Sandbox};
use super::settings::Probe;
use super::sweep::Started;
use super::{Child, Command, Network, ProcessError, ProcessSettings, ProgramView, SandboxMode};
use crate::durable::create_private_dir;
use crate::failpoint::{Point, hit};
use crate::layer::LayerMount;
use crate::random::Random;
use crate::repository;
use crate::sabotage::{Guard, off};
use rustix::process::Pid;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

/// A command that is ready to be started.
struct Prepared {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    temporary: PathBuf,
    owned: Owned,
    spool: PathBuf,
    sandbox: Option<Sandbox>,
}

/// Starts a program and follows it.
pub(super) async fn spawn(
    settings: &ProcessSettings,
    probe: Probe,
    mut command: Command,
    room: OutputRoom,
) -> Result<Child, ProcessError> {
    let linked = repository::linked(command.original());
    command.read.extend(linked.map(|linked| linked.repository));
    let mut prepared = prepare(settings, probe, &command)?;
    let door = prepared.sandbox.as_mut().and_then(Sandbox::take_door);
    let inside = prepared.sandbox.as_mut().and_then(Sandbox::take_inside);
    // Without a sandbox git reads the configuration itself.
    #[cfg(target_os = "linux")]
    if prepared.sandbox.is_some() {
        let read =
            super::git::configuration(settings, &command.workspace, &command.directory).await;
        prepared.environment.extend(read);
    }
    let guest = command.layer.as_ref().map(LayerMount::enter);
    let temporary = prepared.temporary.clone();
    let spool = prepared.spool.clone();
    let mut written = command.layer.as_ref().map(LayerMount::written).unwrap_or_default();
    written.push(temporary.clone());
    let is_watched = prepared.sandbox.is_some();
    let failed =
        |source| ProcessError::Io { act: "start", program: command.program.clone(), source };
    let started = start(prepared, &command)
        .await
        .and_then(|started| started.take().ok_or_else(|| io::Error::other("somebody else has it")));
    let (mut child, group) = started.map_err(|error| {
        remove(&temporary);
        failed(error)
    })?;
    let network = served(door, &command.network);
    let view = inside.and_then(|inside| viewed(inside, &command));
    let kill = Arc::new(Notify::new());
    let (sender, happenings) = mpsc::channel(1);
    feed(&mut child, command.input);
    let begun = Instant::now();
    let saved = command.background.then(|| spool.clone());
    let output = match command.background {
        true => OutputLog::whole(room, spool),
        false => OutputLog::new(command.keep, room, spool),
    };
    let life = RunningProgram {
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        child,
        group: Arc::clone(&group),
        output,
        begun,
        deadline: command.deadline.map(|deadline| begun + deadline),
        kill: Arc::clone(&kill),
        is_asked_first: command.background,
        sender,
        network,
        disk: is_watched.then(|| DiskWatch::start(written, settings.limits, Arc::clone(&kill))),
        _guest: guest,
    };
    tokio::spawn(follow(life));
    let child = Child { happenings, kill, group, view, saved };
    hit(Point::ProcessSpawned).map_err(|source| ProcessError::Io {
        act: "start",
        program: command.program,
        source,
    })?;
    Ok(child)
}

/// Serves what a program wants to reach by name, for as long as what is returned is there.
fn served(door: Option<DoorOutside>, network: &Network) -> Option<Served> {
    let (Some(door), Network::Named(policy)) = (door, network) else { return None };
    match door.take() {
        Ok(listener) => Some(Served::start(listener, Arc::clone(policy))),
        Err(error) => {
            tracing::debug!(%error, "a program has no way out");
            None
        }
    }
}

/// Takes what a program in the background handed out: later programs of the task enter its network, and its view of the
/// workspace is kept fresh.
fn viewed(inside: InsideTaken, command: &Command) -> Option<ProgramView> {
    let namespaces = match inside.take() {
        Ok(namespaces) => Arc::new(namespaces),
        Err(error) => {
            tracing::debug!(%error, "a program has nothing of its own");
            return None;
        }
    };
    if let Some(place) = &command.share {
        place.begin(&namespaces);
    }
    let layer = command.layer.clone()?;
    Some(ProgramView { namespaces, layer })
}

fn prepare(
    settings: &ProcessSettings,
    probe: Probe,
    command: &Command,
) -> Result<Prepared, ProcessError> {
    let failed = |act, source| ProcessError::Io { act, program: command.program.clone(), source };
    let not_found = || ProcessError::NotFound { program: command.program.clone() };
    let workspace =
        command.workspace.canonicalize().map_err(|e| failed("enter the workspace for", e))?;
    let directory =
        command.directory.canonicalize().map_err(|e| failed("enter the directory for", e))?;
    if !directory.starts_with(&workspace) {
        return Err(ProcessError::Denied { what: "a start outside the workspace".to_owned() });
    }
    if let Some(layer) = &command.layer
        && (layer.workspace() != workspace || settings.sandbox == SandboxMode::Off)
    {
        return Err(ProcessError::Denied { what: "a layer of another workspace".to_owned() });
    }
    if command.arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(ProcessError::Denied { what: "an argument with a nul".to_owned() });
    }
    if let Some(copy) = &command.copy
        && (copy.root != workspace || settings.sandbox == SandboxMode::Off)
    {
        return Err(ProcessError::Denied { what: "a copy of another workspace".to_owned() });
    }
    let program = find(&command.program, settings, command.original()).ok_or_else(not_found)?;
    let id = Random::default().id(crate::clock::SystemClock.now_ms());
    let id = id.map_err(|error| failed("name", io::Error::other(error)))?;
    let temporary = settings.temporary.join(&id);
    let mut environment = super::environment::environment(settings, command, &temporary)?;
    // They are opened to the program, so they have to be there before the rules are made.
    for place in [&settings.spool, &settings.temporary, &temporary] {
        create_private_dir(place)
            .map_err(|error| failed("make a directory for", io::Error::other(error)))?;
    }
    let owned = Owned::of(&temporary).map_err(|error| failed("mark as ours", error))?;
    let caches = caches(settings, &workspace).inspect_err(|_| remove(&temporary));
    let mut caches = caches.map_err(|error| failed("make the caches of", error))?;
    caches.tell(&mut environment);
    caches.overlays.extend(command.layer.as_ref().and_then(LayerMount::repository));
    let own = [workspace.as_path(), temporary.as_path()];
    let sandbox = sandbox(settings, probe, command, &directory, own, &caches)
        .inspect_err(|_| remove(&temporary))?;
    let spool = settings.spool.join(format!("{id}.out"));
    Ok(Prepared { program, environment, directory, temporary, owned, spool, sandbox })
}

/// Makes what the program writes into caches of tools. Without a sandbox it writes into the caches themselves.
fn caches(settings: &ProcessSettings, workspace: &Path) -> io::Result<Caches> {
    match settings.sandbox {
        SandboxMode::Required => Caches::prepare(settings, workspace),
        SandboxMode::Off => Ok(Caches::default()),
    }
}

/// Builds the sandbox, unless the user has turned it off. `own` are the workspace and the temporary directory.
fn sandbox(
    settings: &ProcessSettings,
    probe: Probe,
    command: &Command,
    directory: &Path,
    own: [&Path; 2],
    caches: &Caches,
) -> Result<Option<Sandbox>, ProcessError> {
    if settings.sandbox == SandboxMode::Off {
        return Ok(None);
    }
    match Sandbox::prepare(settings, probe, command, directory, own, caches) {
        Ok(sandbox) => Ok(Some(sandbox)),
        Err(_) if off(Guard::ProcessClosed) => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(temporary: &Path) {
    if let Err(error) = std::fs::remove_dir_all(temporary) {
        tracing::debug!(%error, "a temporary directory stays");
    }
}

fn feed(child: &mut tokio::process::Child, input: Option<Vec<u8>>) {
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        tokio::spawn(async move {
            // A program need not read its input.
            if let Err(error) = stdin.write_all(&input).await {
                tracing::trace!(%error, "a program closed its input");
            }
        });
    }
}

async fn start(prepared: Prepared, command: &Command) -> io::Result<Started> {
    let (program, prefix) = match &prepared.sandbox {
        Some(sandbox) => sandbox.wrap(&prepared.program),
        None => (prepared.program.clone(), Vec::new()),
    };
    let mut process = tokio::process::Command::new(program);
    process
        .args(prefix)
        .args(&command.arguments)
        .env_clear()
        .envs(prepared.environment)
        .current_dir(&prepared.directory)
        .stdin(if command.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(if command.one_stream { Stdio::null() } else { Stdio::piped() })
        .kill_on_drop(true);
    let sandbox = prepared.sandbox;
    let parent = rustix::process::getpid();
    let one_stream = command.one_stream;
    let enter = move || {
        if one_stream {
            rustix::stdio::dup2_stderr(rustix::stdio::stdout())?;
        }
        isolate(parent)?;
        sandbox.as_ref().map_or(Ok(()), Sandbox::enter)
    };
    #[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
    // SAFETY: the closure runs in the forked child, where only async-signal-safe calls are sound. It makes
    // system calls and nothing else: no allocation, no lock, no drop of anything that frees (it owns its
    // sandbox until exec replaces the process), and its errors are bare error numbers.
    unsafe {
        process.pre_exec(enter);
    }
    let (temporary, owned) = (prepared.temporary, prepared.owned);
    on_spawner(move || Started::by(|| process.spawn(), temporary, owned)).await
}

/// Gives the process a session of its own, without a terminal, and limits, and lets it die with its parent.
pub(super) fn isolate(parent: Pid) -> io::Result<()> {
    rustix::process::setsid()?;
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // The parent may have died before the line above.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _unused = parent;
    if off(Guard::ProcessLimits) {
        return Ok(());
    }
    limit(rustix::process::Resource::Core, 0)?;
    limit(rustix::process::Resource::Nofile, 4096)?;
    limit(rustix::process::Resource::Fsize, 4 << 30)
}

fn limit(resource: rustix::process::Resource, most: u64) -> io::Result<()> {
    let present = rustix::process::getrlimit(resource);
    let most = present.maximum.map_or(most, |maximum| maximum.min(most));
    let rlimit = rustix::process::Rlimit { current: Some(most), maximum: Some(most) };
    Ok(rustix::process::setrlimit(resource, rlimit)?)
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs `spawn` on a thread that lives as long as this process.
///
/// A process dies with its parent's *thread*, and a worker of the runtime may end long before this process.
async fn on_spawner(
    spawn: impl FnOnce() -> io::Result<Started> + Send + 'static,
) -> io::Result<Started> {
    let gone = || io::Error::other("the thread that starts programs is gone");
    let runtime = tokio::runtime::Handle::current();
    let (sender, receiver) = oneshot::channel();
    let job: Job = Box::new(move || {
        let _entered = runtime.enter();
        // A caller that gave up drops the child, which kills it.
        drop(sender.send(spawn()));
    });
    spawner()?.send(job).map_err(|_| gone())?;
    receiver.await.map_err(|_| gone())?
}

fn spawner() -> io::Result<&'static Sender<Job>> {
    static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner);
    }
    let (sender, jobs) = channel::<Job>();
    std::thread::Builder::new()
        .name("spawner".to_owned())
        .spawn(move || jobs.into_iter().for_each(|job| job()))?;
    Ok(SPAWNER.get_or_init(|| sender))
}
