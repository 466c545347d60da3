//! What a `kill -9` leaves. The children are this test program, run again for one ignored test.
//!
//! The oracle is the same everywhere: an entry whose append returned is there; any other is there whole or not
//! at all; the database passes its check; the next process can go on.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use openkoi_brokers::failpoint::Point;
use openkoi_core::event::Event;
use openkoi_storage::{Storage, StorageError};

use crate::support::{Home, append, entry, session_id, started, task_id, try_append};

const HOME: &str = "OPENKOI_TEST_HOME";
const TASK: &str = "OPENKOI_TEST_TASK";
const ENTRIES: &str = "OPENKOI_TEST_ENTRIES";

/// Appends entries to one task and says each number when its append has returned.
#[test]
#[ignore = "run by the other tests of this module as a child process"]
fn child() {
    let home = std::path::PathBuf::from(std::env::var_os(HOME).unwrap());
    let entries: u64 = std::env::var(ENTRIES).unwrap().parse().unwrap();
    let task = task_id(&std::env::var(TASK).unwrap());
    let mut out = std::io::stdout();
    let storage = Storage::open(&home.join("data")).unwrap();
    let begun = entry("start", 0, started(&task, &session_id("s"), "x"));
    match try_append(&storage, &task, &begun) {
        Ok(()) | Err(StorageError::Exists { .. }) => writeln!(out, "\nacknowledged 0").unwrap(),
        Err(error) => return writeln!(out, "\nrefused {error}").unwrap(),
    }
    for number in 1..=entries {
        let event =
            Event::ProgressReported { origin: "child".to_owned(), message: "x".repeat(3_000) };
        try_append(&storage, &task, &entry("k", number, event)).unwrap();
        writeln!(out, "acknowledged {number}").unwrap();
    }
    // Stays until it is killed or its input ends.
    writeln!(out, "done").unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

fn run(home: &Home, task: &str, entries: u64, failpoints: &str) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(HOME, home.path("")).env(TASK, task).env(ENTRIES, entries.to_string());
    command.env("OPENKOI_FAILPOINTS", failpoints);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Running { child, lines }
}

impl Running {
    /// Waits until it has acknowledged this number, or has come to its end; returns the last one.
    fn until(&mut self, wanted: u64) -> Option<u64> {
        let mut last = None;
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if let Some(number) = line.strip_prefix("acknowledged ") {
                last = number.parse().ok();
            }
            if line == "done" || last.is_some_and(|last| last >= wanted) {
                break;
            }
        }
        last
    }

    /// Lets it come to its end; returns the last number.
    fn end(mut self) -> Option<u64> {
        let last = self.until(u64::MAX);
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        last
    }

    fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // What it had said before it died is still in the pipe.
        self.until(u64::MAX)
    }
}

/// Checks what is left, and returns how many entries of the task there are.
fn inspect(home: &Home, task: &str, acknowledged: Option<u64>) -> u64 {
    let storage = home.open();
    storage.check().unwrap();
    let entries = storage.entries(&task_id(task)).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.at_ms).collect();
    let count = numbers.len() as u64;
    assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "whole, in order, nothing twice");
    let promised = acknowledged.map_or(0, |last| last + 1);
    assert!(count >= promised, "{count} entries of {promised} acknowledged");
    assert!(count <= promised + 1, "{count} entries, {promised} acknowledged");
    assert!(!storage.is_owned(&task_id(task)).unwrap(), "the lease died with its holder");
    if count > 0 {
        let next = Event::IterationStarted { number: 1 };
        append(&storage, &task_id(task), "k", count, next);
    }
    count
}

#[test]
fn a_kill_at_each_fail_point_loses_nothing_that_was_acknowledged() {
    for (point, extra) in [(Point::JournalAppendBefore, 0), (Point::JournalAppendAfter, 1)] {
        for passage in 1..=4 {
            let home = Home::new();
            let mut running = run(&home, "1", 10, &format!("{}=kill@{passage}", point.name()));

            let last = running.until(u64::MAX);
            let status = running.child.wait().unwrap();

            assert!(!status.success(), "{} was not passed", point.name());
            assert_eq!(last.map_or(0, |last| last + 1), passage - 1);
            let count = inspect(&home, "1", last);
            assert_eq!(count, passage - 1 + extra, "{} at passage {passage}", point.name());
        }
    }
}

#[test]
fn an_error_at_a_fail_point_is_reported_and_the_entry_is_whole_or_absent() {
    for (point, there) in [(Point::JournalAppendBefore, 0), (Point::JournalAppendAfter, 1)] {
        let home = Home::new();
        let mut running = run(&home, "1", 1, &format!("{}=error@1", point.name()));

        assert_eq!(running.until(u64::MAX), None);
        running.child.wait().unwrap();

        assert_eq!(home.open().entries(&task_id("1")).unwrap().len(), there);
    }
}

#[test]
fn a_kill_at_any_time_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    // Where in an append the signal arrives is up to the scheduler; what was said before is not.
    for round in 0..12_u64 {
        let task = round.to_string();
        let mut running = run(&home, &task, 500, "");

        let last = running.until(round * 7 % 40);
        let last = running.kill().max(last);

        inspect(&home, &task, last);
    }
}

#[test]
fn a_log_is_noted_at_a_clean_end_and_not_at_a_crash() {
    let home = Home::new();
    drop(home.open());
    let note = || std::fs::read_to_string(home.path("data/locks/database.lock")).unwrap();
    let mut running = run(&home, "1", 1, "");
    let last = running.until(1);
    running.kill();
    let log = home.path("data/openkoi.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0, "the crash left its log");
    assert_eq!(note(), "");

    inspect(&home, "1", last);

    let length = std::fs::metadata(&log).unwrap().len();
    assert!(note().starts_with(&format!("{length} ")), "{}", note());
}

#[test]
fn after_a_crash_the_whole_database_is_checked_and_after_a_clean_end_it_is_not() {
    let home = Home::new();
    let filled = run(&home, "1", 200, "").end();
    assert_eq!(filled, Some(200));
    let whole = std::fs::read(home.database()).unwrap();
    let mut damaged = whole.clone();
    // Nothing that opening reads is damaged: the schema lies at the beginning.
    let end = damaged.len();
    damaged[end - 20 * 4096..end - 10 * 4096].fill(0xab);
    std::fs::write(home.database(), &damaged).unwrap();
    drop(home.open());
    std::fs::write(home.database(), &whole).unwrap();
    let mut running = run(&home, "2", 1, "");
    running.until(1);
    running.kill();
    std::fs::write(home.database(), &damaged).unwrap();
    let refused = home.try_open();

    assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn two_processes_append_to_two_tasks_at_once() {
    let home = Home::new();
    let mut both = [run(&home, "1", 60, ""), run(&home, "2", 60, "")];

    let last = both.each_mut().map(|running| running.until(60));

    assert_eq!(last, [Some(60), Some(60)]);
    for (running, task) in both.into_iter().zip(["1", "2"]) {
        running.kill();
        inspect(&home, task, Some(60));
    }
}

#[test]
fn a_second_process_on_the_same_task_is_refused_in_one_line() {
    let home = Home::new();
    let mut first = run(&home, "1", 3, "");
    assert_eq!(first.until(3), Some(3));

    let second = run(&home, "1", 3, "");
    let said: Vec<String> = second.lines.map(Result::unwrap).collect();

    let refusals: Vec<&str> =
        said.iter().map(String::as_str).filter(|line| line.starts_with("refused")).collect();
    assert_eq!(refusals, ["refused another openkoi works on task 00000001"]);
    first.kill();
    assert_eq!(inspect(&home, "1", Some(3)), 4);
}

#[test]
fn many_processes_may_be_the_first() {
    let home = Home::new();
    let mut all: Vec<Running> = (0..6).map(|n| run(&home, &n.to_string(), 1, "")).collect();

    let last: Vec<Option<u64>> = all.iter_mut().map(|running| running.until(1)).collect();

    assert_eq!(last, vec![Some(1); 6]);
    all.into_iter().for_each(|running| {
        running.kill();
    });
    home.open().check().unwrap();
}

/// Opens the storage with ever fewer file handles left.
#[test]
#[ignore = "run by `without_file_handles_nothing_opens_by_half` as a child process"]
fn starved_child() {
    let home = std::path::PathBuf::from(std::env::var_os(HOME).unwrap());
    let limit = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let mut taken: Vec<std::fs::File> = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    let (mut kept, mut refused) = (0, 0);
    for round in 0..24_u64 {
        match use_once(&home, &round.to_string()) {
            Ok(()) => kept += 1,
            Err(error) => {
                assert!(error.to_string().contains("too many open files"), "{}", error.line());
                refused += 1;
            }
        }
        taken.pop();
    }
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
}

/// Open is open for writing, or it is not open.
fn use_once(home: &Path, task: &str) -> Result<(), StorageError> {
    let storage = Storage::open(&home.join("data"))?;
    let id = task_id(task);
    try_append(&storage, &id, &entry("start", 1, started(&id, &session_id("s"), "x")))?;
    assert_eq!(storage.entries(&id)?.len(), 1);
    Ok(())
}

#[test]
fn without_file_handles_nothing_opens_by_half() {
    let home = Home::new();
    drop(home.open());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::starved_child", "--ignored", "--test-threads=1"]);
    command.env(HOME, home.path(""));

    let output = command.output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    home.open().check().unwrap();
}
