//! Submissions, cancels and resumes while whoever makes them is killed again and again. The children are this test program, run
//! again for one ignored test.
//!
//! The oracle is a queue that nobody kills: it is told each call that a child says has returned. The one that a child was killed in
//! has happened or has not, and the two queues are the same otherwise. A hundred kills run with all tests;
//! `OPENKOI_QUEUE_KILLS=10000` says how many.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use openkoi_core::{
    id::{SessionId, TaskId},
    queue::{Queue, QueuedTask, Submission, SubmissionKey},
};
use openkoi_storage::Storage;

use crate::support::Home;

const HOME: &str = "OPENKOI_TEST_HOME";
const SEED: &str = "OPENKOI_TEST_SEED";
const KILLS: &str = "OPENKOI_QUEUE_KILLS";
/// How many kills there are by default.
const SHARE: u64 = 100;
/// How many tasks one home gets: so many that each comes to its end, some of them twice.
const TASKS: u64 = 12;
/// How many calls a child makes at most.
const CALLS: u64 = 1_000;
/// How many kills there are in one home.
const IN_A_HOME: u64 = 25;

/// Numbers that follow from one another.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn task(number: u64) -> TaskId {
    TaskId::new(format!("t{number}"))
}

/// Makes the call that a number stands for, at a time that it names. Its answer is what a client would see.
fn call(storage: &Storage, number: u64) -> String {
    let mut dice = Dice(number);
    let (act, which, at_ms) = (dice.below(7), dice.below(TASKS), number);
    let id = task(which);
    match act {
        0 | 1 => {
            let submission = Submission {
                task: id,
                session: SessionId::new(format!("s{which}")),
                text: format!("feed koi {which}"),
                workspace: format!("/pond/{}", which % 3),
                request: "{}".to_owned(),
                priority: 0,
                key: Some(SubmissionKey { key: format!("k{which}"), body: "b".to_owned() }),
            };
            format!("{:?}", storage.submit(&submission, at_ms).unwrap())
        }
        2 | 3 => format!("{:?}", storage.give(&id, at_ms).unwrap()),
        4 if is_there(storage, &id) => {
            storage.finish(&id, Some("no model"), at_ms).unwrap();
            "finished".to_owned()
        }
        5 if is_there(storage, &id) => match dice.below(2) {
            0 => format!("{:?}", storage.put_back(&id, "its worker died").is_ok()),
            _ => format!("{:?}", storage.take_up(&id, "{}", 1, at_ms).is_ok()),
        },
        6 => format!("{:?}", storage.cancel(&id, at_ms).unwrap()),
        _ => "nothing to do".to_owned(),
    }
}

fn is_there(storage: &Storage, id: &TaskId) -> bool {
    storage.queued(id).unwrap().is_some()
}

/// Says each call before it makes it, and its answer once it has returned.
#[test]
#[ignore = "run by the other test of this module as a child process"]
fn child() {
    let home = PathBuf::from(std::env::var_os(HOME).unwrap());
    let mut dice = Dice(std::env::var(SEED).unwrap().parse().unwrap());
    let storage = Storage::open(&home.join("data")).unwrap();
    let mut out = std::io::stdout();
    writeln!(out).unwrap();
    for _ in 0..CALLS {
        let number = dice.below(1 << 30);
        writeln!(out, "call {number}").unwrap();
        let answer = call(&storage, number);
        writeln!(out, "answer {answer}").unwrap();
    }
}

/// Starts a child, kills it after this long, and returns the calls that it said, each with its answer if that came.
fn killed(home: &Home, seed: u64, after: Duration) -> Vec<(u64, Option<String>)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(HOME, home.path(""))
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The start of a program is not what is to be cut.
    let mut calls = Vec::new();
    let first = lines.by_ref().find_map(|line| line.strip_prefix("call ")?.parse().ok());
    calls.extend(first.map(|number| (number, None)));
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died is still in the pipe.
    for line in lines {
        if let Some(number) = line.strip_prefix("call ").and_then(|number| number.parse().ok()) {
            calls.push((number, None));
        } else if let (Some(answer), Some(last)) = (line.strip_prefix("answer "), calls.last_mut())
        {
            last.1 = Some(answer.to_owned());
        }
    }
    calls
}

fn all(storage: &Storage) -> Vec<Option<QueuedTask>> {
    (0..TASKS).map(|number| storage.queued(&task(number)).unwrap()).collect()
}

#[test]
fn what_is_submitted_cancelled_and_taken_up_under_kills_happens_once() {
    let kills: u64 = std::env::var(KILLS).map_or(SHARE, |kills| kills.parse().unwrap());
    let mut dice = Dice(17);
    let (mut calls, mut cut) = (0, 0);
    for begin in (0..kills).step_by(usize::try_from(IN_A_HOME).unwrap()) {
        let (home, whole) = (Home::new(), Home::new());
        let never_killed = whole.open();
        for kill in begin..kills.min(begin + IN_A_HOME) {
            let seed = dice.below(1 << 40);
            let said = killed(&home, seed, Duration::from_micros(dice.below(25_000)));
            calls += said.len();
            let storage = home.open();
            storage.check().unwrap();
            for (number, answer) in said {
                match answer {
                    Some(answer) => assert_eq!(call(&never_killed, number), answer, "kill {kill}"),
                    None if all(&storage) == all(&never_killed) => cut += 1,
                    None => {
                        call(&never_killed, number);
                        cut += 1;
                    }
                }
            }
            assert_eq!(all(&storage), all(&never_killed), "kill {kill}");
        }
    }
    eprintln!("{kills} kills, {calls} calls, {cut} of them cut");
    assert!(calls as u64 > kills, "most kills hit a child at work");
}
