//! A program's own processes: it sees no others, leaves none, and has no more of them and no more memory than it may.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, world};
use openkoi_brokers::processes::{Command, Happening, Processes, ProgramExit, ProgramLimits};
use std::time::{Duration, Instant};

async fn run(
    processes: &Processes,
    world: &World,
    is_layered: bool,
    script: &str,
) -> (String, ProgramExit) {
    let layer = is_layered.then(|| world.layer());
    let command = Command {
        arguments: vec!["-c".to_owned(), script.to_owned()],
        layer: layer.as_ref().map(|layer| layer.mount()),
        one_stream: true,
        deadline: Some(Duration::from_secs(60)),
        ..Command::new("sh", world.work(""))
    };
    let mut child = processes.spawn(command).await.unwrap();
    let mut out = Vec::new();
    loop {
        match child.next().await.expect("it ended without an exit") {
            Happening::Stdout(bytes) | Happening::Stderr(bytes) => out.extend(bytes),
            Happening::Exited(exit) => {
                return (String::from_utf8_lossy(&out).into_owned(), exit);
            }
        }
    }
}

fn commands() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines =
        entries.map(|entry| std::fs::read(entry.path().join("cmdline")).unwrap_or_default());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[tokio::test]
async fn a_program_sees_no_process_of_others_and_leaves_none() {
    let world = world();
    let own = std::process::id();
    let seconds = 100_000 + own;
    for is_layered in [true, false] {
        let script = format!(
            "env -i setsid sleep {seconds} >/dev/null 2>&1 & sleep 0.2; kill -0 {own} 2>&1; \
             ls /proc | grep -c '^[0-9]'; echo pid $$"
        );

        let (out, exit) = run(&world.processes, &world, is_layered, &script).await;

        assert_eq!(exit.code, Some(0), "{out}");
        let pid: u32 = out.trim().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(pid < 10, "it has numbers of its own: {out}");
        assert!(out.to_lowercase().contains("no such process"), "{out}");
        let seen: u32 = out.lines().rev().nth(1).unwrap().parse().unwrap();
        // Without a layer it has no mounts of its own, and reads the numbers of others.
        assert_eq!(seen < 10, is_layered, "{out}");
        let left: Vec<_> =
            commands().into_iter().filter(|line| line.contains(&seconds.to_string())).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_program_ends_as_it_would_outside() {
    let world = world();
    for is_layered in [true, false] {
        let exited = |script| run(&world.processes, &world, is_layered, script);
        assert_eq!(exited("exit 7").await.1.code, Some(7));
        assert_eq!(exited("kill -9 $$").await.1.signal, Some(9));
        assert_eq!(exited("kill -TERM $$").await.1.signal, Some(15));
        assert_eq!(exited("sleep 0.1 & sleep 0.3 & wait; echo ok").await.0, "ok\n");
    }
}

#[tokio::test]
async fn a_fork_bomb_ends_the_program_and_nothing_else() {
    let world = world();
    let limits = ProgramLimits { processes: 60, ..ProgramLimits::default() };
    let processes = world.processes_with(|settings| settings.limits = limits);
    let begun = Instant::now();

    // Each of them lives for a while, so that a failing test leaves no bomb.
    let bomb = "b() { for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do (sleep 20) & done; wait; }; \
                for i in 1 2 3 4 5 6 7; do b & done; wait";
    let (out, exit) = run(&processes, &world, true, bomb).await;

    assert_eq!((exit.code, exit.signal), (None, Some(9)), "{out}");
    assert!(out.contains("too many processes"), "{out}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it does not go on to its end");
    assert_eq!(run(&processes, &world, true, "echo fine").await.0, "fine\n");
}

#[tokio::test]
async fn a_program_that_takes_all_memory_is_ended_and_nothing_else() {
    let world = world();
    let limits = ProgramLimits { memory: 256 << 20, ..ProgramLimits::default() };
    let processes = world.processes_with(|settings| settings.limits = limits);
    // Two of them have more together than each may have. It ends by itself, should nobody end it.
    let hog = "hog() { python3 -c '
import time
held = []
for i in range(20):
    held.append(bytearray(10 << 20)); time.sleep(0.1)
time.sleep(3)'; }; hog & hog & wait; echo over";

    let (out, exit) = run(&processes, &world, true, hog).await;

    assert_eq!((exit.code, exit.signal), (None, Some(9)), "{out}");
    assert!(out.contains("too much memory") && !out.contains("over"), "{out}");
    assert_eq!(run(&processes, &world, true, "cat /proc/self/oom_score_adj").await.0, "1000\n");
}

#[tokio::test]
async fn a_program_whose_layer_cannot_be_mounted_is_refused_and_nobody_waits() {
    let world = world();
    let layer = world.layer();
    let command = Command { layer: Some(layer.mount()), ..Command::new("true", world.work("")) };
    std::fs::remove_dir_all(world.layers()).unwrap();

    let started = tokio::time::timeout(Duration::from_secs(20), world.processes.spawn(command));

    assert!(started.await.expect("it is answered").is_err());
}

#[tokio::test]
async fn a_program_that_fills_the_disk_is_ended_and_says_why() {
    let world = world();
    let limits = ProgramLimits { disk: 32 << 20, ..ProgramLimits::default() };
    let processes = world.processes_with(|settings| settings.limits = limits);
    // It ends by itself, should nobody end it.
    let fill = |place: &str| {
        format!(
            "for i in $(seq 1 40); do head -c 4000000 /dev/urandom > {place}/part$i; sleep 0.1; done; echo over"
        )
    };

    for (place, is_layered) in [(".", true), ("$TMPDIR", true), ("/tmp", true), ("$TMPDIR", false)]
    {
        let (out, exit) = run(&processes, &world, is_layered, &fill(place)).await;

        assert_eq!((exit.code, exit.signal), (None, Some(9)), "{place}: {out}");
        assert!(out.contains("more than 32 MiB") && out.contains("disk_mib"), "{place}: {out}");
    }
    // Files that it removes again do not count.
    let brief =
        "for i in $(seq 1 20); do head -c 4000000 /dev/zero > part; rm part; done; echo fine";
    assert_eq!(run(&processes, &world, true, brief).await.0, "fine\n");
}
