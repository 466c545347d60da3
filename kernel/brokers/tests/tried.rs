//! What is forbidden, tried from inside of the sandbox: what is found, what follows, and how long it is remembered.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, world};
use openkoi_brokers::processes::{Command, Escape, ProcessError, Processes, SandboxPart};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn lacks(part: SandboxPart, lacking: &[SandboxPart]) -> io::Result<()> {
    if lacking.contains(&part) { Err(io::Error::other("it is not there")) } else { Ok(()) }
}

fn kept(world: &World) -> PathBuf {
    world.base.join("sandbox.json")
}

/// Starts a program, and says why it could not.
async fn started(world: &World, processes: &Processes) -> Option<ProcessError> {
    let mut command = Command::new("true", world.work(""));
    command.deadline = Some(std::time::Duration::from_secs(30));
    match processes.spawn(command).await {
        Ok(mut child) => {
            while child.next().await.is_some() {}
            None
        }
        Err(error) => Some(error),
    }
}

fn listing(directory: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn on_this_machine_nothing_that_is_forbidden_can_be_done_from_inside() {
    let world = world();
    let before = listing(&world.base);

    assert_eq!(world.processes.escapes(), Ok(Vec::new()));

    assert_eq!(listing(&world.base), before, "nothing of the trial stays");
}

#[test]
fn what_a_system_cannot_prevent_is_found() {
    let world = world();
    let without = |probe: fn(SandboxPart) -> io::Result<()>| {
        world.processes_probing(probe).escapes().unwrap()
    };

    assert_eq!(without(|part| lacks(part, &[SandboxPart::Layers])), [Escape::Metadata]);
    assert_eq!(without(|part| lacks(part, &[SandboxPart::Loopback])), []);
    assert_eq!(without(|part| lacks(part, &[SandboxPart::Pids])), []);
    let nothing: fn(SandboxPart) -> io::Result<()> =
        |part| lacks(part, &[SandboxPart::Layers, SandboxPart::Loopback, SandboxPart::Pids]);
    assert_eq!(without(nothing), [Escape::Metadata, Escape::Shared]);
}

/// Runs the test again in a process that takes the kernel for an older one.
#[test]
fn on_an_old_kernel_without_namespaces_signals_are_found() {
    const LEVEL: &str = "OPENKOI_TEST_LANDLOCK";
    if std::env::var_os(LEVEL).is_some() {
        let world = world();
        let probe: fn(SandboxPart) -> io::Result<()> = |part| lacks(part, &[SandboxPart::Pids]);
        assert_eq!(world.processes_probing(probe).escapes().unwrap(), [Escape::Signals]);
        return;
    }
    let test = "on_an_old_kernel_without_namespaces_signals_are_found";
    for level in ["1", "3", "5"] {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(LEVEL, level)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{level}: {said}{}", String::from_utf8_lossy(&run.stderr));
        assert!(said.contains("1 passed"), "it ran: {said}");
    }
}

#[tokio::test]
async fn what_was_tried_is_tried_once_for_a_kernel_and_these_settings() {
    let world = world();
    let processes = || world.processes.clone().trying_out(kept(&world));

    assert!(started(&world, &processes()).await.is_none());
    let first = fs::read_to_string(kept(&world)).unwrap();
    assert!(first.contains("\"escapes\":[]"), "{first}");

    // What is remembered is believed: another start tries nothing.
    fs::write(kept(&world), first.replace("[]", "[\"signals\"]")).unwrap();
    assert!(started(&world, &processes()).await.is_none());
    assert!(fs::read_to_string(kept(&world)).unwrap().contains("signals"));

    // With other settings, and where somebody asks, it is tried again.
    let others = world.processes_with(|settings| settings.read.push("/srv".into()));
    assert!(started(&world, &others.trying_out(kept(&world))).await.is_none());
    let again = fs::read_to_string(kept(&world)).unwrap();
    assert!(!again.contains("signals") && again != first, "{again}");
    fs::write(kept(&world), first.replace("[]", "[\"signals\"]")).unwrap();
    assert_eq!(processes().escapes(), Ok(Vec::new()));
    assert_eq!(fs::read_to_string(kept(&world)).unwrap(), first);
}

#[tokio::test]
async fn where_a_trial_from_inside_got_out_no_program_is_started() {
    let world = world();
    let processes = || world.processes.clone().trying_out(kept(&world));
    assert!(started(&world, &processes()).await.is_none());
    let first = fs::read_to_string(kept(&world)).unwrap();

    for (escape, words) in [
        ("write", "write to files that are not its own"),
        ("read", "read places of secrets"),
        ("memory", "read the memory of other processes"),
        ("kernel", "make calls that lead around the sandbox"),
        ("network", "reach servers of this machine"),
    ] {
        fs::write(kept(&world), first.replace("[]", &format!("[\"{escape}\"]"))).unwrap();
        let error = started(&world, &processes()).await;
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(words) && error.contains("sandbox = \"off\""), "{escape}: {error}");
    }
    // Where the leak is gone without sockets, programs are started without any.
    let leak = first.replace("[]", "[\"network\"]").replace("false", "true");
    fs::write(kept(&world), leak).unwrap();
    let mut command = Command::new("python3", world.work(""));
    command.arguments = vec!["-c".into(), "import socket; socket.socket()".into()];
    let mut child = processes().spawn(command).await.unwrap();
    let mut code = None;
    while let Some(happening) = child.next().await {
        if let openkoi_brokers::processes::Happening::Exited(exit) = happening {
            code = exit.code;
        }
    }
    assert_eq!(code, Some(1), "it has no sockets");
}

/// Each guard that can be turned off is one whose lack is found. In a build for that alone: `--features sabotage`.
#[cfg(feature = "sabotage")]
#[test]
fn what_a_guard_prevents_is_found_without_it() {
    const GUARD: &str = "OPENKOI_SABOTAGE";
    let cases = [
        ("process-files", vec![Escape::Write, Escape::Read]),
        ("process-network", vec![Escape::Kernel, Escape::Network]),
        ("process-mounts", vec![Escape::Metadata]),
        ("process-ipc", vec![Escape::Shared]),
        ("process-namespace", vec![Escape::Network, Escape::Shared]),
    ];
    if let Ok(guard) = std::env::var(GUARD) {
        // Below `/tmp` a program sees nothing that it is not given.
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(place.path().join("work")).unwrap();
        let found = World::at(place.path()).processes.escapes().unwrap();
        let case = cases.iter().find(|(name, _)| *name == guard).unwrap();
        assert_eq!(found, case.1, "{guard}");
        return;
    }
    for (guard, _) in cases {
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "what_a_guard_prevents_is_found_without_it", "--nocapture"])
            .env(GUARD, guard)
            .output()
            .unwrap();
        assert!(run.status.success(), "{guard}: {}", String::from_utf8_lossy(&run.stdout));
    }
}
