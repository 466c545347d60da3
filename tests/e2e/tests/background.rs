//! Programs in the background: started, looked at and stopped by later calls, ended with the work at every kind of ending,
//! with effects that come in, can be undone, and overwrite nothing.
#![cfg(target_os = "linux")]

use std::time::Duration;

use openkoi_test_support::{
    Home, Kind, OpenAi, Reply, Role, Run, Running, call, reply, turn, until, verdict,
};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{LONG, TASK, assert_harmless, assert_nothing_runs, scripted};

/// Serves `page` as it is at the moment, and writes down what it was asked.
const SERVER: &str = r#"exec python3 -u -c '
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(open("page", "rb").read())
        open("asked", "a").write(self.path + "\n")
        print("out " + self.path); print("err " + self.path, file=sys.stderr)
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 8123), Page)
print("ready")
server.serve_forever()'"#;

fn look(path: &str) -> Value {
    let get = format!(
        "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:8123{path}\").read().decode())'"
    );
    json!({ "command": get })
}

fn background(command: &str) -> Value {
    json!({ "command": command, "run_in_background": true })
}

/// Plays `calls` one after the other, and returns what the model was told of each.
fn play(home: Home, calls: &[(&str, Value)], end: &[&str]) -> (Home, Run, Vec<String>) {
    let mut replies: Vec<Reply> = Vec::new();
    for (number, (tool, arguments)) in calls.iter().enumerate() {
        replies.push(call(tool, arguments.clone()).to(Role::Executor).at(number));
    }
    replies.push(reply("Done.").to(Role::Executor));
    replies.push(verdict(9.0).if_asked().again_and_again());
    let server = OpenAi::start(replies);
    let home = home.provider(&server);
    let run = home.openkoi([TASK].iter().chain(end)).timeout(LONG).run();
    assert_harmless(&run);
    assert_nothing_runs(&home);
    let turns = server.turns();
    let told = turns.last().unwrap().conversation.results();
    let told = told.iter().map(|result| result.text.clone()).collect();
    server.finish();
    (home, run, told)
}

#[test]
fn a_server_goes_on_is_reached_sees_later_changes_and_tells_what_it_said() {
    let home = Home::new().project(Kind::Shell).file("page", "first");
    let calls = [
        ("shell", background(SERVER)),
        ("shell", look("/a")),
        ("write_file", json!({ "path": "page", "contents": "second" })),
        ("shell", look("/b")),
        ("shell_output", json!({ "id": "1" })),
        ("shell_output", json!({ "id": "1" })),
        ("shell_stop", json!({ "id": "1" })),
        ("shell", look("/c")),
        ("shell_output", json!({ "id": "1" })),
    ];

    let (home, run, told) = play(home, &calls, &["-i", "0"]);

    assert!(told[0].contains("ready") && told[0].contains("in the background as 1"), "{told:?}");
    assert!(told[1].starts_with("first") && told[3].starts_with("second"), "{told:?}");
    assert!(told[4].contains("out /a\nerr /a\nout /b\nerr /b\n"), "in their order: {told:?}");
    assert!(told[5].contains("nothing new") && told[5].contains("it goes on"), "{told:?}");
    assert!(told[6].contains("it has ended"), "{told:?}");
    assert!(told[7].contains("refused"), "it is gone: {told:?}");
    assert!(told[8].contains("none is there"), "{told:?}");
    assert_eq!(home.read("asked"), "/a\n/b\n", "its effects are there once it was stopped: {run}");
    let diff = home.openkoi(["task", "diff"]).run().expect_code(0);
    assert!(diff.stdout.contains("asked"), "{diff}");
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(!home.has("asked") && home.read("page") == "first");
}

#[test]
fn a_long_output_is_in_one_file_that_grows() {
    let calls = [
        ("shell", background("seq 1 30000; echo end; sleep 60")),
        ("shell_output", json!({ "id": "1", "wait_ms": 3000 })),
        ("shell_stop", json!({ "id": "1" })),
    ];

    let (_home, run, told) = play(Home::new().project(Kind::Shell), &calls, &["-i", "0"]);

    let place = |text: &str| {
        let (_, rest) = text.split_once("all of it is in ")?;
        Some(std::path::PathBuf::from(rest.split(": ").next()?))
    };
    let file = told.iter().find_map(|text| place(text)).unwrap_or_else(|| panic!("{run} {told:?}"));
    let whole = std::fs::read_to_string(&file).unwrap();
    assert!(whole.ends_with("\n30000\nend\n"), "{}", whole.len());
    let files: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn pages_of_the_task_s_own_server_are_read_and_those_of_this_machine_are_not() {
    let machine = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let of_machine = format!("http://{}/", machine.local_addr().unwrap());
    let page = |url: &str| json!({ "url": url });
    let home = Home::new().project(Kind::Shell).file("page", "<h1>first</h1>");
    let calls = [
        ("fetch_page", page("http://localhost:8123/early")),
        ("shell", background(SERVER)),
        ("fetch_page", page("http://localhost:8123/a?x=1")),
        ("write_file", json!({ "path": "page", "contents": "<h1>second</h1>" })),
        ("fetch_page", page("http://127.0.0.1:8123/b")),
        ("fetch_page", page(&of_machine)),
        ("fetch_page", page("http://10.0.0.7:8123/")),
        ("shell_stop", json!({ "id": "1" })),
        ("fetch_page", page("http://localhost:8123/late")),
    ];

    let (home, run, told) = play(home, &calls, &["-i", "0"]);

    assert!(told[0].contains("private network"), "there is no server yet: {told:?}");
    assert!(told[2].contains("first") && told[4].contains("second"), "{told:?}");
    assert!(told[5].contains("no program of this task answers"), "{told:?}");
    machine.set_nonblocking(true).unwrap();
    assert!(machine.accept().is_err(), "this machine was asked: {told:?}");
    assert!(told[6].contains("private network"), "{told:?}");
    assert!(!told[8].contains("second"), "{told:?}");
    assert_eq!(home.read("asked"), "/a?x=1\n/b\n", "{run}");
}

#[test]
fn what_a_program_does_before_the_work_is_judged_is_part_of_the_work() {
    let script = "echo made > made; trap 'echo bye > bye; exit' TERM; while :; do sleep 0.1; done";
    let (home, run, _) = play(
        Home::new().project(Kind::Shell),
        &[
            ("write_file", json!({ "path": Kind::Shell.source(), "contents": Kind::Shell.fix() })),
            ("shell", background(script)),
        ],
        &["-i", "1"],
    );

    run.clone().expect_code(0);
    assert_eq!((home.read("made").as_str(), home.read("bye").as_str()), ("made\n", "bye\n"));
    let diff = home.openkoi(["task", "diff"]).run().expect_code(0);
    assert!(diff.stdout.contains("made") && diff.stdout.contains("bye"), "{diff}");
    let verified = home.openkoi(["task", "verify", &only_task(&home)]).run();
    assert_eq!(verified.code, 0, "{verified}");
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(!home.has("made") && !home.has("bye"));
}

#[test]
fn a_program_in_the_background_overwrites_nobody() {
    let home = Home::new().project(Kind::Shell).file("shared", "before\n");
    let theirs = home.workspace().join("shared");
    let calls = [
        ("shell", background("echo by the program > shared; echo own > own; exec sleep 1000")),
        ("shell", json!({ "command": "sleep 2" })),
    ];
    let editor = std::thread::spawn(move || {
        // The program has written by then, and is still there.
        until("the tool runs", LONG, running_sleeps);
        std::fs::write(theirs, "by the editor\n").unwrap();
    });
    fn running_sleeps() -> bool {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines =
            all.map(|one| std::fs::read(one.path().join("cmdline")).unwrap_or_default());
        lines.any(|line| line == b"sleep\x002\x00")
    }

    let (home, run, _) = play(home, &calls, &["-i", "0"]);
    editor.join().unwrap();

    assert_eq!(
        (home.read("shared").as_str(), home.read("own").as_str()),
        ("by the editor\n", "own\n")
    );
    assert!(run.said().contains("shared"), "the conflict is named: {run}");
}

/// Starts a task with a program in the background, and returns once a later call runs.
fn under_way(more: &[&str]) -> (Home, Running) {
    let home = scripted([
        turn().executor().once_said("These are gone").say("I stop here."),
        turn().executor().after("shell").shell("sleep 1000"),
        turn()
            .executor()
            .after("write_file")
            .call("shell", background("echo once >> by-background; exec sleep 1001")),
        turn().executor().write("by-tool", "x"),
    ]);
    let running = home.openkoi([TASK, "-i", "1"].iter().chain(more)).timeout(LONG).start();
    let runs = |line: &str| home.processes().iter().any(|one| one.contains(line));
    until("both run", Duration::from_secs(60), || runs("sleep 1000") && runs("sleep 1001"));
    (home, running)
}

#[test]
fn it_ends_with_the_task_and_what_it_did_stays_and_a_resumed_task_is_told() {
    for (signal, code) in [(Some(Signal::INT), 130), (Some(Signal::TERM), 143), (None, 124)] {
        let limit = if signal.is_some() { "600" } else { "15" };
        let (home, running) = under_way(&["--max-time", limit]);
        if let Some(signal) = signal {
            running.signal(signal);
        }
        let run = running.wait();

        assert_eq!(run.code, code, "{run}");
        assert_nothing_runs(&home);
        assert_eq!(home.read("by-background"), "once\n", "{run}");
        let id = only_task(&home);
        let run = home.openkoi(["resume", &id, "--max-time", "600"]).timeout(LONG).run();
        assert!(run.said().contains("I stop here."), "the model is told: {run}");
        assert_eq!(home.read("by-background"), "once\n", "it is not started again: {run}");
        let verified = home.openkoi(["task", "verify", &id]).run();
        assert_eq!(verified.code, 0, "{verified}");
        home.openkoi(["undo", "--yes"]).run().expect_code(0);
        assert!(!home.has("by-background") && !home.has("by-tool"));
    }
}

#[test]
fn after_a_kill_the_next_start_finds_what_is_left_and_a_resumed_task_is_told() {
    let (home, running) = under_way(&[]);
    running.signal(Signal::KILL);
    assert_ne!(running.wait().code, 0);
    // Its processes are its own here, so that not even now one of them goes on.
    assert_nothing_runs(&home);

    let id = only_task(&home);
    let run = home.openkoi(["resume", &id]).timeout(LONG).run();

    assert!(run.said().contains("I stop here."), "the model is told: {run}");
    assert_nothing_runs(&home);
    assert_eq!(home.read("by-background"), "once\n", "what it had written is the task's: {run}");
    let verified = home.openkoi(["task", "verify", &id]).run();
    assert_eq!(verified.code, 0, "{verified}");
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(!home.has("by-background") && !home.has("by-tool"));
}

#[test]
fn a_program_that_cannot_start_says_so_at_once_and_is_not_kept() {
    let (_, run, told) = play(
        Home::new().project(Kind::Shell),
        &[("shell", background("echo no such thing >&2; exit 3"))],
        &["-i", "0"],
    );

    assert!(told[0].contains("no such thing") && told[0].contains("exit code 3"), "{told:?} {run}");
}

#[test]
fn looking_again_at_what_goes_on_is_no_repetition_and_at_what_is_silent_is_one() {
    for (script, ends) in [
        ("i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done", false),
        ("exec sleep 1000", true),
    ] {
        let look = ("shell_output", json!({ "id": "1", "wait_ms": 300 }));
        let mut calls = vec![("shell", background(script))];
        calls.extend(std::iter::repeat_n(look, if ends { 6 } else { 9 }));

        let (_, run, told) = play(Home::new().project(Kind::Shell), &calls, &["-i", "0"]);

        assert_eq!(told.len(), calls.len(), "{told:?}");
        assert_eq!(told.last().unwrap().contains("not run"), ends, "{told:?} {run}");
    }
}

#[test]
fn a_task_has_eight_programs_in_the_background_and_no_more() {
    let calls: Vec<_> =
        (0..9).map(|number| ("shell", background(&format!("exec sleep 100{number}")))).collect();

    let (_, run, told) = play(Home::new().project(Kind::Shell), &calls, &["-i", "0"]);

    assert!(told[7].contains("in the background as 8"), "{told:?} {run}");
    assert!(told[8].contains("stop one of them first"), "{told:?} {run}");
}

#[test]
fn where_a_program_has_no_layer_none_goes_on_and_it_is_said() {
    use openkoi_test_support::kernel::{Missing, without};
    openkoi_test_support::binary::openkoi();
    let calls = [("shell", background("exec sleep 1000"))];

    let (_, run, told) = without(&[libc::SYS_unshare], Missing::IsSaid, || {
        play(Home::new().project(Kind::Shell), &calls, &["-i", "0"])
    });

    assert!(told[0].contains("programs in the background ("), "{told:?} {run}");
}

fn only_task(home: &Home) -> String {
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    openkoi_test_support::normal::ids(&listed.stdout).remove(0)
}
