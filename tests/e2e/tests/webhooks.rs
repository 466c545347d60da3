//! Events for receivers outside: signed, told once they are durable, and never lost.

use openkoi_test_support::{
    Home, Running,
    receiver::{Behaviour, Receiver},
    turn, until,
};
use rustix::process::Signal;
use serde_json::Value;

use crate::world::{LONG, scripted};

/// Returns a home whose tasks answer at once, and whose ends are told to this receiver.
fn told(receiver: &Receiver) -> Home {
    let home = scripted([turn().executor().say("Forty-two.")]);
    home.config(&format!(
        "[api]\nenabled = false\n[api.webhooks]\non_task_complete = \"{}\"\non_task_failed = \"{}\"\n",
        receiver.url("/complete"),
        receiver.url("/failed")
    ))
}

fn daemon(home: &Home) -> Running {
    home.openkoi(["daemon", "run"]).timeout(LONG).start()
}

fn listed(home: &Home, arguments: &[&str]) -> Value {
    home.openkoi(arguments.iter().chain(&["--json"])).run().expect_code(0).json()
}

#[test]
fn an_event_of_the_command_line_is_told_when_the_daemon_runs_even_if_that_is_killed_in_between() {
    let receiver = Receiver::start([Behaviour::Hangs]);
    let home = told(&receiver);
    home.openkoi(["what is it?", "-i", "0", "-q"]).run().expect_code(0);
    let list = home.openkoi(["webhook", "list"]).run().expect_code(0);
    assert!(list.stdout.contains("nothing is sent until `openkoi daemon start`"), "{list}");

    let first = daemon(&home);
    receiver.attempts(1);
    first.signal(Signal::KILL);
    drop(first.wait());
    let second = daemon(&home);
    let attempts = receiver.attempts(2);

    let state = || listed(&home, &["webhook", "deliveries"])["deliveries"][0]["state"].clone();
    until("it is marked", LONG, || state() == "delivered");
    second.signal(Signal::TERM);
    drop(second.wait());
    let secrets = listed(&home, &["webhook", "list", "--show-secrets"]);
    let secret = secrets["webhooks"][0]["secret"].as_str().unwrap();
    assert!(attempts.iter().all(|one| one.is_signed_by(secret)), "{attempts:?}");
    assert_eq!((&attempts[0].id, &attempts[0].bytes), (&attempts[1].id, &attempts[1].bytes));
    let told = attempts[1].json();
    assert_eq!(
        (&told["type"], &told["data"]["description"]),
        (&"task.complete".into(), &"what is it?".into())
    );
    assert_eq!(receiver.finish().len(), 2);
}

#[test]
fn a_receiver_is_tried_out_and_its_secret_replaced_without_a_daemon() {
    let receiver = Receiver::start([Behaviour::Status(204), Behaviour::Status(500)]);
    let home = told(&receiver);

    home.openkoi(["webhook", "test", "on_task_failed"]).run().expect_code(0);
    let failed = home.openkoi(["webhook", "test", "task_failed"]).run().expect_code(1);
    assert!(failed.stdout.contains("HTTP 500: said"), "{failed}");
    let before = listed(&home, &["webhook", "list", "--show-secrets"]);
    let rotated = listed(&home, &["webhook", "rotate", "on_task_failed"]);
    home.openkoi(["webhook", "test", "on_task_failed"]).run().expect_code(0);

    let old =
        before["webhooks"].as_array().unwrap().iter().find(|one| one["event"] == "task.failed");
    let (old, new) =
        (old.unwrap()["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    let attempts = receiver.finish();
    assert!(attempts[0].is_signed_by(old) && !attempts[0].is_signed_by(new));
    assert!(attempts[2].is_signed_by(old) && attempts[2].is_signed_by(new));
    let plain = home.openkoi(["webhook", "list"]).run().expect_code(0);
    assert!(!plain.stdout.contains("whsec_"), "{plain}");
}

#[test]
fn an_address_that_cannot_be_used_is_said_and_a_project_names_none() {
    let home = Home::new()
        .config("[api.webhooks]\non_task_complete = \"http://example.com/x\"\n")
        .file(".openkoi/config.toml", "[api.webhooks]\non_task_failed = \"https://evil.test/\"\n");

    let list = home.openkoi(["webhook", "list"]).run().expect_code(0);
    let test = home.openkoi(["webhook", "test", "on_task_complete"]).run().expect_code(3);

    assert!(list.stdout.contains("not encrypted") && !list.stdout.contains("evil.test"), "{list}");
    assert!(list.stderr.contains("a project may not choose where requests go"), "{list}");
    assert!(test.stderr.contains("not encrypted"), "{test}");
}
