//! Signals: the first one ends the work in good order, the second one at once.

use std::time::Duration;

use openkoi_test_support::{Home, Kind, OpenAi, Role, Running, call, reply, turn, until, verdict};
use rustix::process::Signal;
use serde_json::json;

use crate::world::{LONG, TASK, assert_nothing_runs, scripted};

/// Starts a task whose tool runs for long, and returns once it does.
fn in_a_tool(command: &str) -> (Home, Running) {
    let home =
        scripted([turn().executor().after("shell").say("Done."), turn().executor().shell(command)]);
    let running = home.openkoi([TASK]).timeout(LONG).start();
    await_tool(&home);
    (home, running)
}

/// Returns once the tool sleeps. What it writes is not in the workspace before it has ended.
fn await_tool(home: &Home) {
    // Not the shell, whose line has the words too, before it has done what stands in front of them.
    let sleeps = |line: &String| line.contains("sleep 1000") && !line.contains(" -c ");
    until("the tool runs", Duration::from_secs(60), || home.processes().iter().any(sleeps));
}

#[test]
fn an_interrupt_ends_the_tool_and_says_how_to_go_on() {
    let (home, running) = in_a_tool("sleep 1000");

    running.signal(Signal::INT);
    let run = running.wait();

    assert_eq!(run.code, 130, "{run}");
    assert!(run.stderr.contains("openkoi resume"), "{run}");
    assert_nothing_runs(&home);
}

#[test]
fn a_termination_is_143() {
    let (home, running) = in_a_tool("sleep 1000");

    running.signal(Signal::TERM);
    let run = running.wait();

    assert_eq!(run.code, 143, "{run}");
    assert!(run.stderr.contains("openkoi resume"), "{run}");
    assert_nothing_runs(&home);
}

#[test]
fn a_tool_that_ignores_signals_is_ended_all_the_same() {
    let (home, running) = in_a_tool("trap '' INT TERM HUP; sleep 1000 & wait; sleep 1000");

    running.signal(Signal::INT);
    let run = running.wait();

    assert_eq!(run.code, 130, "{run}");
    assert_nothing_runs(&home);
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let (home, running) = in_a_tool("trap '' INT TERM HUP; sleep 1000 & wait; sleep 1000");

    // The system makes one of two equal signals that are not taken yet.
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let run = running.wait();

    assert!([130, 143].contains(&run.code), "{run}");
    assert_nothing_runs(&home);
}

#[test]
fn an_interrupt_while_the_model_thinks_is_heard() {
    let server = OpenAi::start([reply("Hello").stalls_at(40)]);
    let home = Home::new().provider(&server);
    let running = home.openkoi(["say hello", "-i", "0"]).start();
    server.wait_for_requests(1);

    running.signal(Signal::INT);
    let run = running.wait();

    assert_eq!(run.code, 130, "{run}");
    server.finish();
}

#[test]
fn an_interrupted_task_can_be_finished_with_what_its_program_had_written() {
    let command = json!({ "command": "echo once >> started; sleep 1000" });
    let server = OpenAi::start([
        call("shell", command).to(Role::Executor).at(0),
        reply("I stop here.").after("shell"),
        verdict(9.0).again_and_again(),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let running = home.openkoi(["begin", "-i", "1"]).timeout(LONG).start();
    await_tool(&home);
    running.signal(Signal::INT);
    running.wait().expect_code(130);
    // Nobody knows yet how the untouched tree stands, so it waits for the resumed run, which finds that out first.
    assert!(!home.has("started"));

    let run = home.openkoi(["resume", &only_task(&home)]).timeout(LONG).run();

    assert_eq!(home.read("started"), "once\n", "the command is not run a second time: {run}");
    let told = server.turns()[1].text.clone();
    assert!(told.contains("when 1 of the 1 files were changed"), "{told}");
    assert!(run.stderr.contains("red as before"), "{run}");
    server.finish();
}

#[test]
fn what_a_program_wrote_before_it_was_cut_stays_in_place() {
    for (signal, code) in [(Some(Signal::INT), 130), (None, 124)] {
        let home = scripted([
            turn().executor().once_said("when 1 of the 1 files").say("I stop here."),
            turn().executor().after("write_file").shell("echo once >> by-program; sleep 1000"),
            turn().executor().write("by-tool", "x"),
        ]);
        let limit = if signal.is_some() { "600" } else { "5" };
        let running = home.openkoi([TASK, "-i", "1", "--max-time", limit]).timeout(LONG).start();
        await_tool(&home);
        if let Some(signal) = signal {
            running.signal(signal);
        }
        let run = running.wait();

        assert_eq!(run.code, code, "{run}");
        assert_eq!(
            (home.read("by-tool").as_str(), home.read("by-program").as_str()),
            ("x", "once\n")
        );
        assert_nothing_runs(&home);
        let resumed = home.openkoi(["resume", &only_task(&home), "--max-time", "600"]);
        let run = resumed.timeout(LONG).run();
        assert_eq!(home.read("by-program"), "once\n", "it is not run a second time: {run}");
        home.openkoi(["undo", "--yes"]).run().expect_code(0);
        assert!(!home.has("by-program") && !home.has("by-tool"));
    }
}

#[test]
fn what_a_program_had_written_when_openkoi_was_killed_is_the_tasks_work() {
    let kept = "and what it had changed until then is kept (1 file)";
    let home = scripted([
        turn().executor().once_said(kept).say("I stop here."),
        turn().executor().shell("echo once >> made; echo mine >> contested; sleep 1000"),
    ]);
    let running = home.openkoi([TASK, "-i", "1"]).timeout(LONG).start();
    await_tool(&home);
    running.signal(Signal::KILL);
    running.wait().expect_code(137);
    if home.has("made") {
        // Without layers it is there at once, and in no record.
        openkoi_test_support::skip::skip("what_a_program_had_written", "no layers");
        return;
    }
    // Somebody else was faster with one of them.
    let home = home.file("contested", "theirs\n");

    let run = home.openkoi(["resume", &only_task(&home)]).timeout(LONG).run();

    assert_eq!(home.read("made"), "once\n", "it is there, and is not made a second time: {run}");
    assert_eq!(home.read("contested"), "theirs\n", "{run}");
    assert!(run.said().contains("contested"), "{run}");
    home.openkoi(["task", "verify", &only_task(&home)]).run().expect_code(0);
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(!home.has("made") && home.has("contested"));
    let left = home.path().join("data");
    assert!(!tree_has(&left, "owner.json"), "nothing of the layer is left");
}

/// Returns whether a file of that name is anywhere below a directory.
fn tree_has(directory: &std::path::Path, name: &str) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).any(|path| {
        path.file_name().is_some_and(|it| it == name) || (path.is_dir() && tree_has(&path, name))
    })
}

fn only_task(home: &Home) -> String {
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    openkoi_test_support::normal::ids(&listed.stdout).remove(0)
}

/// Kills OpenKoi while a program of it runs that has left its group, and one that has not.
fn killed() -> Home {
    let command = "setsid sleep 1001 & sleep 1002 & sleep 1000";
    let home =
        scripted([turn().executor().after("shell").say("Done."), turn().executor().shell(command)]);
    let running = home.openkoi([TASK, "-i", "1"]).timeout(LONG).start();
    await_tool(&home);
    running.signal(Signal::KILL);
    running.wait().expect_code(137);
    home
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_process_leaves_no_program_running() {
    assert_nothing_runs(&killed());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_process_left_running_ends_when_the_task_goes_on() {
    use openkoi_test_support::kernel::{Missing, without};
    openkoi_test_support::binary::openkoi();
    // Without namespaces the system ends the first process of a program alone.
    let home = without(&[libc::SYS_unshare], Missing::IsSaid, killed);
    assert!(!home.processes().is_empty(), "the system ends the first one alone");

    let run = home.openkoi(["resume", &only_task(&home)]).timeout(LONG).run();

    assert_nothing_runs(&home);
    assert!(!run.stderr.contains("defect"), "{run}");
    let left = std::fs::read_dir(home.path().join("data/tmp")).unwrap().count();
    assert_eq!(left, 0);
}
