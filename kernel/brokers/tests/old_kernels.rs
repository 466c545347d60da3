//! Kernels that can less: older rules over files, and no namespaces. The oracle is what a program left of what is not its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::processes::{
    Command, Happening, ProcessSettings, Processes, ProgramLimits, SandboxMode, SandboxPart,
};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The variable by which a debug build takes the kernel for an older one.
const LEVEL: &str = "OPENKOI_TEST_LANDLOCK";

struct World {
    _home: tempfile::TempDir,
    base: PathBuf,
    settings: ProcessSettings,
}

/// A workspace, and a directory beside it that programs may read.
fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    for directory in ["work/a", "work/b", "read", "closed"] {
        fs::create_dir_all(base.join(directory)).unwrap();
    }
    for file in ["work/own", "work/a/moved", "read/theirs", "closed/theirs"] {
        fs::write(base.join(file), "whole\n").unwrap();
    }
    let variables = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent")];
    let settings = ProcessSettings {
        environment: Arc::new(variables.map(|(name, value)| (name.into(), value.into())).into()),
        temporary: base.join("temporary"),
        spool: base.join("spool"),
        read: vec![base.join("read")],
        secret: Vec::new(),
        caches: None,
        certificates: None,
        limits: ProgramLimits::default(),
        sandbox: SandboxMode::Required,
    };
    World { _home: home, base, settings }
}

/// Runs a script of Python in the workspace, and returns what it said.
async fn python(world: &World, processes: &Processes, script: &str) -> String {
    let command = Command {
        arguments: vec!["-c".to_owned(), script.to_owned()],
        deadline: Some(Duration::from_secs(30)),
        ..Command::new("python3", world.base.join("work"))
    };
    let mut child = processes.spawn(command).await.unwrap();
    let mut said = Vec::new();
    while let Some(happening) = child.next().await {
        match happening {
            Happening::Stdout(bytes) | Happening::Stderr(bytes) => said.extend(bytes),
            Happening::Exited(_) => {}
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Tries each deed, and says which ended how.
const TRIES: &str = r"
import os
def tried(name, deed):
    try:
        deed()
        print(name, 'done')
    except OSError as error:
        print(name, 'refused')
def opened(path, flags):
    os.close(os.open(path, flags))
";

const DEEDS: &str = r"
for place in ['../read/theirs', '../closed/theirs']:
    tried('cut by path', lambda: os.truncate(place, 0))
    tried('cut by opening', lambda: opened(place, os.O_RDONLY | os.O_TRUNC))
    tried('cut for writing', lambda: opened(place, os.O_WRONLY | os.O_TRUNC))
    tried('moved', lambda: os.rename(place, 'here'))
    tried('linked', lambda: os.link(place, 'linked'))
    tried('removed', lambda: os.remove(place))
tried('read', lambda: opened('../read/theirs', os.O_RDONLY))
tried('own cut', lambda: opened('own', os.O_WRONLY | os.O_TRUNC))
tried('own made', lambda: opened('made', os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
tried('own renamed', lambda: os.rename('made', 'named'))
tried('own moved', lambda: os.rename('a/moved', 'b/moved'))
";

/// Tries all of it on a kernel of this level.
async fn on_level(level: i32) {
    let world = world();
    let processes = Processes::new(world.settings.clone());

    let said = python(&world, &processes, &format!("{TRIES}{DEEDS}")).await;

    for place in ["read/theirs", "closed/theirs"] {
        let text = fs::read_to_string(world.base.join(place)).unwrap_or_default();
        assert_eq!(text, "whole\n", "level {level}, {place}: {said}");
    }
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_suffix(" done")).collect();
    let mut expected = vec!["read", "own cut", "own made", "own renamed"];
    // The first version moves nothing from one directory to another.
    expected.extend((level > 1).then_some("own moved"));
    assert_eq!(done, expected, "level {level}: {said}");
    let report = processes.sandbox_level();
    assert_eq!(report.files.as_deref(), Some(&*format!("Landlock ABI {level}")));
    let says = |words: &str| report.notes.iter().any(|note| note.contains(words));
    assert_eq!(says("never by their path"), level < 3, "{report:?}");
    assert_eq!(says("from one directory to another"), level < 2, "{report:?}");
    assert_eq!(says("signals"), level < 6, "{report:?}");
}

/// Runs the test again in a process that takes the kernel for an older one.
#[tokio::test]
async fn on_old_kernels_a_program_cuts_no_file_that_it_may_only_read() {
    if let Ok(level) = std::env::var(LEVEL) {
        return on_level(level.parse().unwrap()).await;
    }
    for level in 1..6 {
        let test = "on_old_kernels_a_program_cuts_no_file_that_it_may_only_read";
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(LEVEL, level.to_string())
            .process_group(0)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
        assert!(said.contains("1 passed"), "it ran: {said}");
    }
}

/// What is done to the process whose number it is given, and to all of its user.
const KIN: &str = r"
import resource
other = int(OTHER)
tried('limits', lambda: resource.prlimit(other, resource.RLIMIT_NOFILE, (3, 3)))
tried('affinity', lambda: os.sched_setaffinity(other, {0}))
tried('scheduler', lambda: os.sched_setscheduler(other, os.SCHED_IDLE, os.sched_param(0)))
tried('priority', lambda: os.setpriority(os.PRIO_PROCESS, other, 19))
tried('priority of all', lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19))
tried('priority of a group', lambda: os.setpriority(os.PRIO_PGRP, os.getpgid(other), 19))
tried('own limits', lambda: resource.prlimit(0, resource.RLIMIT_NOFILE, (64, 64)))
tried('own limits by another name', lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
tried('own priority', lambda: os.setpriority(os.PRIO_PROCESS, 0, 19))
tried('own affinity', lambda: os.sched_setaffinity(0, {0}))
";

#[tokio::test]
async fn where_a_program_sees_others_it_does_nothing_to_them() {
    let world = world();
    let without: fn(SandboxPart) -> std::io::Result<()> = |part| match part {
        SandboxPart::Pids => Err(std::io::Error::other("it is missing")),
        _ => Ok(()),
    };
    let processes = Processes::with_probe(world.settings.clone(), without);
    let mut other = std::process::Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
    let facts = |pid: u32| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
        let stat = read("stat");
        // Priority, niceness and policy, behind the name in parentheses.
        let fields: Vec<String> =
            stat.rsplit(')').next().unwrap().split_whitespace().map(str::to_owned).collect();
        let affinity = read("status");
        let affinity = affinity.lines().find(|line| line.starts_with("Cpus_allowed:")).unwrap();
        (
            read("limits"),
            fields[15].clone(),
            fields[16].clone(),
            fields[38].clone(),
            affinity.to_owned(),
        )
    };
    let before = facts(other.id());

    let script = format!("{TRIES}{}", KIN.replace("OTHER", &other.id().to_string()));
    let said = python(&world, &processes, &script).await;
    let after = facts(other.id());
    other.kill().unwrap();
    other.wait().unwrap();

    assert_eq!(before, after, "{said}");
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_suffix(" done")).collect();
    let own = ["own limits", "own limits by another name", "own priority", "own affinity"];
    assert_eq!(done, own, "{said}");
}

/// What is done to files of its own, and of others.
const METADATA: &str = r"
for place in ['own', '../read/theirs']:
    tried('set id', lambda: os.chmod(place, 0o4755))
    tried('set group id', lambda: os.chmod(place, 0o2755))
    tried('attribute', lambda: os.setxattr(place, 'user.koi', b'x'))
    tried('no attribute', lambda: os.removexattr(place, 'user.koi'))
tried('executable', lambda: os.chmod('own', 0o755))
";

#[tokio::test]
async fn without_mounts_of_its_own_a_program_sets_no_set_id_bits_and_no_attributes() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let processes = Processes::new(world.settings.clone());

    let said = python(&world, &processes, &format!("{TRIES}{METADATA}")).await;

    let mode =
        |path: &str| fs::metadata(world.base.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("work/own"), mode("read/theirs") & 0o6000), (0o755, 0), "{said}");
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_suffix(" done")).collect();
    assert_eq!(done, ["executable"], "{said}");
}

/// What root does to a file of another user, and how it would become that user.
const OWNERS: &str = r"
theirs = '../read/theirs'
tried('owner', lambda: os.chown(theirs, 0, 0))
tried('mode', lambda: os.chmod(theirs, 0o666))
tried('times', lambda: os.utime(theirs, (1, 1)))
tried('another user', lambda: os.setresuid(1000, 1000, 0))
tried('own mode', lambda: os.chmod('own', 0o755))
tried('own contents', lambda: open('own', 'a').close())
";

#[tokio::test]
async fn without_mounts_of_its_own_root_does_nothing_to_files_of_others() {
    use std::os::unix::fs::{MetadataExt, chown};
    let world = world();
    let theirs = world.base.join("read/theirs");
    if chown(&theirs, Some(1000), Some(1000)).is_err() {
        return eprintln!("not run: needs root");
    }
    let state = || {
        let meta = fs::metadata(&theirs).unwrap();
        (meta.uid(), meta.mode(), meta.mtime())
    };
    let before = state();
    let processes = Processes::new(world.settings.clone());
    let script = format!("{TRIES}{OWNERS}");

    let said = python(&world, &processes, &script).await;

    assert_eq!(state(), before, "{said}");
    let done = |said: &str| -> Vec<String> {
        said.lines().filter_map(|line| line.strip_suffix(" done")).map(str::to_owned).collect()
    };
    assert_eq!(done(&said), ["own mode", "own contents"], "{said}");

    chown(world.base.join("work/own"), Some(1000), Some(1000)).unwrap();
    let said = python(&world, &processes, &script).await;
    assert!(
        done(&said).contains(&"own mode".to_owned()),
        "a workspace of another is edited: {said}"
    );
}
