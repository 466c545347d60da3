//! The daemon: tasks that were handed over run in its workers, whatever dies meanwhile, and anybody answers their questions.

use std::{thread, time::Duration};

use openkoi_test_support::{Daemon, Home, Kind, Script, Terminal, daemon, skip::skip, turn, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, scripted};

const ASK: &str = "[trust]\ndefault = \"ask\"";

fn fix() -> Value {
    json!({ "path": Kind::Shell.source(), "contents": Kind::Shell.fix() })
}

fn fixing() -> Home {
    scripted([
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().call("write_file", fix()),
    ])
}

/// A home whose model notes each task in a file, with a command that takes a moment.
fn noting() -> Home {
    let note = json!({ "command": "echo noted >> notes.txt; sleep 1" });
    let script = Script::new([
        turn().executor().after("shell").say("Noted."),
        turn().executor().call("shell", note),
    ]);
    Home::new().script(&script)
}

fn task(home: &Home) -> Value {
    json!({
        "description": TASK, "workspace": home.workspace(), "max_iterations": 0,
    })
}

/// Kills whoever works on a task. Returns how many were killed.
fn kill_workers(home: &Home) -> usize {
    let locks = std::fs::read_dir(home.path().join("data/locks")).unwrap().flatten();
    let is_task = |name: &str| name.starts_with("task-");
    let of_tasks = locks.filter(|entry| is_task(&entry.file_name().to_string_lossy()));
    let holders = of_tasks.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let killed = holders.filter_map(|text| {
        let pid = Pid::from_raw(text.lines().next()?.parse().ok()?)?;
        kill_process(pid, Signal::KILL).ok()
    });
    killed.count()
}

/// Returns the question that a task waits with.
fn question(daemon: &Daemon) -> Value {
    let mut open = Value::Null;
    until("a question waits", LONG, || {
        open = daemon.get("/api/v1/approvals")["approvals"][0].clone();
        !open.is_null()
    });
    open
}

#[test]
fn a_task_that_is_submitted_is_done_and_has_one_id_everywhere() {
    let (home, port) = fixing().with_port();
    let daemon = Daemon::start(&home, port);
    let new = json!({
        "description": TASK, "workspace": home.workspace(), "max_iterations": 2, "quality": 0.7,
        "budget": 1.5, "max_seconds": 300, "priority": 3,
    });

    let id = daemon.submit(&new);
    let done = daemon.wait_for(&id, &["accepted"]);

    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    assert_eq!(
        (done["iterations"].clone(), done["queue"]["priority"].clone()),
        (json!(1), json!(3))
    );
    let first = daemon.get(&format!("/api/v1/tasks/{id}/events?limit=1"))["events"][0].clone();
    let settings = &first["event"]["task"]["settings"];
    assert_eq!(settings["max_iterations"], 2, "{settings}");
    assert_eq!(settings["quality"], 0.7, "{settings}");
    assert_eq!(settings["max_cost_micros"], 1_500_000, "{settings}");
    assert_eq!(settings["max_time_ms"], 300_000, "{settings}");
    let diff = daemon.get(&format!("/api/v1/tasks/{id}/diff"));
    assert!(diff["diff"].as_str().unwrap().contains(Kind::Shell.source()), "{diff}");
    assert_eq!(daemon.get(&format!("/api/v1/tasks/{id}/output"))["text"], "Fixed.");
    let shown = home.openkoi(["task", "show", &id, "--json"]).run().expect_code(0).json();
    assert_eq!(shown["id"], id, "{shown}");
    let listed = daemon.get("/api/v1/tasks");
    assert_eq!(listed["tasks"][0]["id"], id, "{listed}");
    daemon.stop();
}

#[test]
fn what_is_undone_over_the_api_can_be_brought_back() {
    let (home, port) = fixing().with_port();
    let daemon = Daemon::start(&home, port);
    let broken = home.read(Kind::Shell.source());
    let id = daemon.submit(&task(&home));
    daemon.wait_for(&id, &["accepted"]);
    let path = format!("/api/v1/tasks/{id}/undo");

    let preview = daemon.get(&path);
    assert_eq!(preview["changes"].as_array().map(Vec::len), Some(1), "{preview}");
    daemon.post(&path, &json!({}), 200);
    assert_eq!(home.read(Kind::Shell.source()), broken);
    daemon.post(&path, &json!({ "redo": true }), 200);

    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    daemon.stop();
}

#[test]
fn a_task_that_is_handed_over_waits_for_the_daemon_and_needs_no_other_word() {
    let (home, port) = noting().with_port();

    let handed = home.openkoi([TASK, "--detach", "-i", "0"]).run().expect_code(0);
    let id = handed.stdout.trim();

    assert!(handed.stderr.contains("openkoi daemon start"), "{handed}");
    let listed = home.openkoi(["task", "list"]).run();
    assert!(listed.stdout.contains(id) && listed.stdout.contains("queued"), "{listed}");
    let daemon = Daemon::start(&home, port);
    daemon.wait_for(id, &["accepted"]);
    assert_eq!(home.read("notes.txt"), "noted\n");
    daemon.stop();
}

#[test]
fn a_question_is_answered_over_the_api_once() {
    let (home, port) = fixing().config(ASK).with_port();
    let daemon = Daemon::start(&home, port);
    let id = daemon.submit(&task(&home));

    let open = question(&daemon);
    assert_eq!((&open["task_id"], &open["request"]["action"]), (&json!(id), &json!("write_file")));
    let path = format!("/api/v1/approvals/{}", open["id"].as_str().unwrap());
    daemon.post(&path, &json!({ "text": "yes" }), 409);
    daemon.post(&path, &json!({}), 400);
    daemon.post(&path, &json!({ "answer": "allow_once" }), 200);
    daemon.post(&path, &json!({ "answer": "reject_once" }), 409);

    daemon.wait_for(&id, &["accepted"]);
    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    assert_eq!(daemon.get("/api/v1/approvals")["approvals"], json!([]));
    daemon.stop();
}

#[test]
fn a_question_at_a_terminal_is_answered_from_elsewhere() {
    if !Terminal::is_available() {
        return skip("daemon (a question at a terminal)", "needs a pseudo-terminal");
    }
    let home = fixing().config(ASK);
    let mut terminal = home.openkoi([TASK, "-i", "0"]).at_a_terminal();
    terminal.wait_for("answer [y/N");

    let listed = home.openkoi(["approvals", "--json"]).run().expect_code(0).json();
    let id = listed["approvals"][0]["id"].as_str().unwrap().to_owned();
    home.openkoi(["approvals", "answer", &id, "y"]).run().expect_code(0);

    terminal.wait_for("answered elsewhere: yes, once");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
}

#[test]
fn a_question_that_was_answered_while_nothing_ran_is_not_asked_again() {
    let home = fixing().config(ASK);
    home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(8);

    let listed = home.openkoi(["approvals", "--json"]).run().expect_code(0).json();
    let [id, task] =
        ["id", "task_id"].map(|key| listed["approvals"][0][key].as_str().unwrap().to_owned());
    home.openkoi(["approvals", "answer", &id, "y"]).run().expect_code(0);
    home.openkoi(["resume", &task]).timeout(LONG).run().expect_code(0);

    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    let listed = home.openkoi(["approvals", "--json"]).run().expect_code(0).json();
    assert_eq!(listed["approvals"], json!([]));
}

#[test]
fn a_task_that_waits_is_cancelled_at_once_and_one_that_runs_in_a_moment() {
    let sleeping =
        Script::new([turn().executor().call("shell", json!({ "command": "sleep 600" }))]);
    let home = Home::new().script(&sleeping).config("[daemon]\nconcurrency = 1");
    let (home, port) = home.with_port();
    let daemon = Daemon::start(&home, port);
    let runs = daemon.submit(&task(&home));
    let waits = daemon.submit(&task(&home));
    until("a program runs", LONG, || home.processes().iter().any(|one| one.contains("sleep")));

    let now = daemon.post(&format!("/api/v1/tasks/{waits}/cancel"), &json!({}), 200);
    assert_eq!(now["status"], "cancelled");
    let asked = daemon.post(&format!("/api/v1/tasks/{runs}/cancel"), &json!({}), 200);
    assert_eq!(asked["status"], "cancel_requested");

    daemon.wait_for(&runs, &["cancelled"]);
    until("its program is gone", LONG, || {
        !home.processes().iter().any(|one| one.contains("sleep"))
    });
    daemon.post(&format!("/api/v1/tasks/{runs}/cancel"), &json!({}), 409);
    daemon.stop();
}

#[test]
fn a_run_of_the_command_line_is_seen_and_cancelled_over_the_api() {
    let sleeping =
        Script::new([turn().executor().call("shell", json!({ "command": "sleep 600" }))]);
    let (home, port) = Home::new().script(&sleeping).with_port();
    let daemon = Daemon::start(&home, port);
    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).start();
    let mut id = String::new();
    until("the task is listed", LONG, || {
        let listed = daemon.get("/api/v1/tasks?status=running");
        id = listed["tasks"][0]["id"].as_str().unwrap_or_default().to_owned();
        !id.is_empty()
    });

    daemon.post(&format!("/api/v1/tasks/{id}/cancel"), &json!({}), 200);

    run.wait().expect_code(130);
    daemon.wait_for(&id, &["cancelled"]);
    daemon.stop();
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_when_daemon_and_workers_are_killed() {
    let (home, port) = noting().with_port();
    let daemon = Daemon::start(&home, port);
    let first = daemon.submit(&task(&home));
    until("the command has begun", LONG, || {
        home.processes().iter().any(|one| one.contains("sleep 1"))
    });

    daemon.kill();
    let second = home.openkoi([TASK, "--detach", "-i", "0"]).run().expect_code(0);
    let daemon = Daemon::start(&home, port);
    daemon.wait_for(&first, &["accepted"]);
    daemon.wait_for(second.stdout.trim(), &["accepted"]);

    assert_eq!(home.read("notes.txt"), "noted\nnoted\n");
    daemon.stop();
}

#[test]
fn a_task_whose_worker_dies_goes_on_in_another() {
    let (home, port) = fixing().config(ASK).with_port();
    let daemon = Daemon::start(&home, port);
    let id = daemon.submit(&task(&home));
    question(&daemon);

    assert_eq!(kill_workers(&home), 1);

    // It waits a moment before it is tried again.
    until("it is asked again", LONG, || {
        daemon.get(&format!("/api/v1/tasks/{id}"))["queue"]["attempts"] == 2
    });
    let open = question(&daemon);
    let path = format!("/api/v1/approvals/{}", open["id"].as_str().unwrap());
    daemon.post(&path, &json!({ "answer": "allow_once" }), 200);
    daemon.wait_for(&id, &["accepted"]);
    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    daemon.stop();
}

#[test]
fn a_stop_pauses_tasks_which_go_on_with_the_next_start() {
    let (home, port) = fixing().config(ASK).with_port();
    let daemon = Daemon::start(&home, port);
    let id = daemon.submit(&task(&home));
    let open = question(&daemon);

    daemon.stop().expect_code(0);
    let listed = home.openkoi(["task", "list", "--json"]).run().json();
    assert_eq!(listed["tasks"][0]["status"], "queued", "{listed}");
    let question = open["id"].as_str().unwrap();
    home.openkoi(["approvals", "answer", question, "y"]).run().expect_code(0);
    let daemon = Daemon::start(&home, port);

    daemon.wait_for(&id, &["accepted"]);
    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.fix());
    daemon.stop();
}

#[test]
fn a_submission_that_is_sent_many_times_is_one_task() {
    let (home, port) = noting().with_port();
    let daemon = Daemon::start(&home, port);
    let body = task(&home).to_string();
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "once")];

    let send = || daemon::call(port, "POST", "/api/v1/tasks", &headers, &body);
    let ids: Vec<String> = thread::scope(|scope| {
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(send)).collect();
        let answers = calls.into_iter().map(|call| call.join().unwrap().expect(201));
        answers.map(|answer| answer["task_id"].as_str().unwrap().to_owned()).collect()
    });

    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let other = json!({ "description": "something else" }).to_string();
    daemon.call("POST", "/api/v1/tasks", &headers, &other).expect(409);
    daemon.kill();
    let daemon = Daemon::start(&home, port);
    let again = daemon.call("POST", "/api/v1/tasks", &headers, &body).expect(201);
    assert_eq!(again["task_id"], ids[0]);
    daemon.wait_for(&ids[0], &["accepted"]);
    assert_eq!(home.read("notes.txt"), "noted\n");
    daemon.stop();
}

#[test]
fn a_call_that_waits_for_a_task_is_answered_as_it_stands_when_its_wait_is_over() {
    let (home, port) = fixing().config(ASK).with_port();
    let daemon = Daemon::start(&home, port);
    let mut body = task(&home);
    body["detach"] = json!(false);
    let headers = [("Content-Type", "application/json"), ("Prefer", "wait=0")];

    // Its question is answered by nobody.
    let answer = daemon.call("POST", "/api/v1/tasks", &headers, &body.to_string()).expect(201);

    assert_eq!(answer["task"]["id"], answer["task_id"], "{answer}");
    assert!(["queued", "running"].contains(&answer["status"].as_str().unwrap()), "{answer}");
    daemon.stop();
}

#[test]
fn one_daemon_runs_in_a_home() {
    let (home, port) = noting().with_port();
    let daemon = Daemon::start(&home, port);

    let second = home.openkoi(["daemon", "run"]).timeout(LONG).run().expect_code(3);

    assert!(second.stderr.contains("daemon"), "{second}");
    let status = home.openkoi(["daemon", "status", "--json"]).run().expect_code(0).json();
    assert_eq!(
        (&status["running"], &status["url"]),
        (&json!(true), &json!(format!("http://127.0.0.1:{port}")))
    );
    daemon.stop().expect_code(0);
    home.openkoi(["daemon", "status"]).run().expect_code(1);
}

#[test]
fn a_daemon_in_the_background_is_started_restarted_and_stopped() {
    let (home, port) = noting().with_port();

    home.openkoi(["daemon", "start"]).timeout(LONG).run().expect_code(0);
    let first = home.openkoi(["daemon", "status", "--json"]).run().expect_code(0).json();
    home.openkoi(["daemon", "restart"]).timeout(LONG).run().expect_code(0);
    let second = home.openkoi(["daemon", "status", "--json"]).run().expect_code(0).json();
    assert_ne!(first["pid"], second["pid"]);
    let logged = home.openkoi(["daemon", "logs"]).run().expect_code(0);
    assert!(logged.stdout.contains(&format!("http://127.0.0.1:{port}")), "{logged}");
    home.openkoi(["daemon", "stop"]).timeout(LONG).run().expect_code(0);

    home.openkoi(["daemon", "status"]).run().expect_code(1);
    assert!(home.processes().is_empty(), "{:?}", home.processes());
}

#[test]
fn a_daemon_that_cannot_start_says_why_at_once() {
    let (home, port) = noting().with_port();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();

    let run = home.openkoi(["daemon", "start"]).timeout(LONG).run().expect_code(3);

    assert!(run.stderr.contains(&port.to_string()), "{run}");
    drop(taken);
    for (config, said) in [
        ("[api]\naddress = \"0.0.0.0\"", "api.expose"),
        ("[api]\naddress = \"koi\"", "no IP address"),
    ] {
        let home = noting().config(config);
        let run = home.openkoi(["daemon", "run"]).timeout(LONG).run().expect_code(3);
        assert!(run.stderr.contains(said), "{run}");
    }
}

#[test]
fn a_conversation_goes_on_over_the_api() {
    let script = Script::new([
        turn().executor().on("what did I say").once_said("blue").say("You said blue."),
        turn().executor().on("blue").say("I see."),
    ]);
    let (home, port) = Home::new().script(&script).with_port();
    let daemon = Daemon::start(&home, port);
    let session = daemon.post("/api/v1/sessions", &json!({ "workspace": home.workspace() }), 201);
    let path = format!("/api/v1/sessions/{}/turns", session["id"].as_str().unwrap());

    let say = |text: &str| daemon.post(&path, &json!({ "message": text, "detach": false }), 201);
    say("blue");
    let second = say("what did I say");

    let id = second["task_id"].as_str().unwrap();
    let output = daemon.get(&format!("/api/v1/tasks/{id}/output"));
    assert_eq!(output["text"], "You said blue.", "{output}");
    let said = daemon.get(&path);
    assert_eq!(said["messages"].as_array().map(Vec::len), Some(4), "{said}");
    daemon.stop();
}

#[test]
fn the_daemon_begins_no_task_once_the_money_of_the_day_is_spent() {
    let (home, port) = noting().config("[daemon]\nday_usd = 0").with_port();
    let daemon = Daemon::start(&home, port);

    let id = daemon.submit(&task(&home));

    let path = format!("/api/v1/tasks/{id}");
    until("it says why it waits", LONG, || {
        daemon.get(&path)["queue"]["why"].as_str().is_some_and(|why| why.contains("daemon.day_usd"))
    });
    assert_eq!(daemon.get(&path)["status"], "queued");
    daemon.stop();
}

#[test]
fn a_service_is_started_by_its_manager_and_that_of_another_home_is_left_alone() {
    let (home, port) = noting().with_port();
    let manager = tempfile::tempdir().unwrap();
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../support/programs/systemctl");
    std::os::unix::fs::symlink(stand_in, manager.path().join("systemctl")).unwrap();
    let home = home.env("PATH", format!("{}:/usr/bin:/bin", manager.path().display()));
    let asked = || std::fs::read_to_string(manager.path().join("asked")).unwrap_or_default();
    let koi = |words: &[&str]| home.openkoi(words).timeout(LONG).run();
    let pid = || koi(&["daemon", "status", "--json"]).json()["pid"].clone();

    koi(&["daemon", "install"]).expect_code(0);
    let first = pid();
    koi(&["daemon", "restart"]).expect_code(0);

    assert!(first.is_u64() && pid().is_u64() && first != pid(), "{first} {}", pid());
    assert_eq!(
        asked(),
        "--user daemon-reload\n--user enable --now openkoi\n--user start openkoi\n"
    );

    let other = tempfile::tempdir().unwrap();
    let elsewhere = |words: [&str; 2]| {
        home.openkoi(words).env("OPENKOI_HOME", other.path()).timeout(LONG).run().expect_code(0)
    };
    std::fs::write(other.path().join("config.toml"), "[api]\nenabled = false\n").unwrap();
    elsewhere(["daemon", "start"]);
    elsewhere(["daemon", "stop"]);
    assert_eq!(asked().lines().count(), 3, "{}", asked());

    koi(&["daemon", "uninstall"]).expect_code(0);
    until("it has ended", LONG, || koi(&["daemon", "status"]).code == 1);
    assert!(asked().ends_with("--user disable --now openkoi\n"), "{}", asked());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// Something that happens to a daemon with tasks.
#[derive(Clone, Copy, Debug)]
enum Blow {
    KillDaemon,
    KillWorkers,
    Stop,
    Wait,
}

/// Submits, kills, stops and starts in an order that a number stands for. Each task notes its own number, and does what was
/// cut off again, as a model does that is told so; each number stands there once.
fn under_blows(seed: u64, blows: usize) {
    let (home, port) = numbering(blows).with_port();
    let mut random = seed;
    let mut next = || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    let mut daemon = Some(Daemon::start(&home, port));
    let mut tasks = Vec::new();
    for number in 0..blows {
        let text = format!("note number {number}.");
        let handed = home.openkoi([&text, "--detach", "-i", "0"]).run().expect_code(0);
        tasks.push(handed.stdout.trim().to_owned());
        thread::sleep(Duration::from_millis((next() % 300) as u64));
        match [Blow::KillDaemon, Blow::KillWorkers, Blow::Stop, Blow::Wait][next() % 4] {
            Blow::KillDaemon => daemon.take().into_iter().for_each(Daemon::kill),
            Blow::Stop => daemon.take().into_iter().for_each(|one| drop(one.stop())),
            Blow::KillWorkers => {
                kill_workers(&home);
            }
            Blow::Wait => {}
        }
        if daemon.is_none() {
            daemon = Some(Daemon::start(&home, port));
        }
    }
    let daemon = daemon.unwrap();
    for task in &tasks {
        daemon.wait_for(task, &["accepted"]);
    }
    let mut noted: Vec<usize> =
        home.read("notes.txt").lines().map(|line| line.parse().unwrap()).collect();
    noted.sort_unstable();
    assert_eq!(noted, (0..blows).collect::<Vec<_>>(), "seed {seed}");
    daemon.stop();
}

/// A home whose model notes the number of each task, again if it is told that this was cut off.
fn numbering(tasks: usize) -> Home {
    let turns = (0..tasks).flat_map(|number| {
        let asked = format!("note number {number}.");
        let note = json!({
            "command": format!("grep -qxs {number} notes.txt || echo {number} >> notes.txt"),
        });
        let again = turn().executor().on(&asked).after_result("interrupted while this call ran");
        [
            again.call("shell", note.clone()),
            turn().executor().on(&asked).after("shell").say("Noted."),
            turn().executor().on(&asked).call("shell", note),
        ]
    });
    Home::new().script(&Script::new(turns)).config("[daemon]\nconcurrency = 4")
}

#[test]
fn tasks_under_blows_are_done_once() {
    under_blows(7, 5);
}

#[test]
#[ignore = "run by tests/daemon/run: an hour of blows"]
fn tasks_under_thousands_of_blows_are_done_once() {
    for seed in 0..400 {
        under_blows(seed, 25);
    }
}
