//! Tasks that begin by themselves: kept, listed and begun by the daemon.

use std::fs;

use openkoi_test_support::{Home, Running, turn, until};
use rustix::process::Signal;
use serde_json::Value;

use crate::world::{LONG, scripted};

fn answering() -> Home {
    scripted([turn().executor().say("Fed.")]).config("[api]\nenabled = false\n")
}

fn daemon(home: &Home) -> Running {
    home.openkoi(["daemon", "run"]).timeout(LONG).start()
}

fn stop(daemon: Running) {
    daemon.signal(Signal::TERM);
    drop(daemon.wait());
}

fn schedules(home: &Home) -> Value {
    home.openkoi(["schedule", "list", "--json"]).run().expect_code(0).json()["schedules"].clone()
}

/// Returns the statuses of all tasks, newest first.
fn tasks(home: &Home) -> Vec<String> {
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    let tasks = listed["tasks"].as_array().unwrap().iter();
    tasks.map(|task| task["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_schedule_is_kept_shown_paused_run_and_removed() {
    let home = answering();
    let add =
        ["schedule", "add", "every weekday at 9", "feed the fish", "--timezone", "Europe/Berlin"];

    let added = home.openkoi(add.iter().chain(&["-i", "0"])).run().expect_code(0);
    assert!(added.stdout.contains("09:00 (Europe/Berlin)"), "{added}");
    assert!(added.stdout.contains("nothing runs until `openkoi daemon start`"), "{added}");
    let list = home.openkoi(["schedule", "list"]).run().expect_code(0);
    assert!(list.stdout.contains("nothing runs until `openkoi daemon start`"), "{list}");
    let kept = schedules(&home)[0].clone();
    assert_eq!((&kept["when"], &kept["limits"]["iterations"]), (&add[2].into(), &0.into()));
    let id = kept["id"].as_str().unwrap();
    home.openkoi(["schedule", "pause", id]).run().expect_code(0);
    assert_eq!(schedules(&home)[0]["next_at"], Value::Null);
    home.openkoi(["schedule", "resume", id]).run().expect_code(0);
    home.openkoi(["schedule", "run", id]).run().expect_code(0);
    let again = home.openkoi(["schedule", "run", id]).run().expect_code(1);
    assert!(again.stderr.contains("still goes on"), "{again}");

    let running = daemon(&home);
    until("the task ran", LONG, || tasks(&home) == ["accepted"]);
    stop(running);

    let last = schedules(&home)[0]["last_task_id"].clone();
    assert!(last.is_string(), "{last}");
    home.openkoi(["schedule", "remove", id]).run().expect_code(0);
    assert_eq!(schedules(&home), Value::Array(Vec::new()));
    assert_eq!(tasks(&home), ["accepted"]);
}

#[test]
fn a_task_begins_when_files_change_and_not_for_what_git_ignores() {
    let home = answering().file(".gitignore", "out\n");
    home.openkoi(["watch", ".", "feed the fish", "--quiet-for", "1", "-i", "0"])
        .run()
        .expect_code(0);
    let running = daemon(&home);
    let file = home.workspace().join("out");
    fs::write(&file, "x").unwrap();

    // The system says of no change from before it was asked, so there is one after the other.
    let changed = home.workspace().join("fish");
    until("a task began", LONG, || {
        fs::write(&changed, "x").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        tasks(&home).first().is_some_and(|status| status == "accepted")
    });
    stop(running);

    let list = home.openkoi(["watch"]).run().expect_code(0);
    assert!(list.stdout.contains("when ") && list.stdout.contains("changes"), "{list}");
}

#[test]
fn words_that_are_no_time_are_refused_with_examples() {
    let home = Home::new();
    for (when, part) in [("sometimes", "every weekday at 9"), ("61 * * * *", "`61` is no minute")] {
        let run = home.openkoi(["schedule", "add", when, "x"]).run().expect_code(2);
        assert!(run.stderr.contains(part), "{run}");
    }
    let zone = ["schedule", "add", "hourly", "x", "--timezone", "Mars/Olympus"];
    let run = home.openkoi(zone).run().expect_code(2);
    assert!(run.stderr.contains("is no time zone"), "{run}");
    let gone = home.openkoi(["watch", "nowhere", "x"]).run().expect_code(2);
    assert!(gone.stderr.contains("cannot be watched"), "{gone}");
}
