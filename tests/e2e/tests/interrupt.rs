//! Signals: the first one ends the work in good order, the second one at once.

use std::time::Duration;

use openkoi_test_support::{Home, OpenAi, Running, reply, turn, until};
use rustix::process::Signal;

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
    let sleeps = |line: &String| line.contains("sleep 1000");
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
fn an_interrupted_task_can_be_finished() {
    let home = scripted([
        turn().executor().once_said("nobody knows whether").say("I stop here."),
        turn().executor().after("shell").say("Done."),
        turn().executor().shell("touch started; sleep 1000"),
    ]);
    let running = home.openkoi([TASK, "-i", "1"]).timeout(LONG).start();
    await_tool(&home);
    running.signal(Signal::INT);
    running.wait().expect_code(130);

    let ids = openkoi_test_support::normal::ids(
        &home.openkoi(["task", "list", "--json"]).run().expect_code(0).stdout,
    );
    let run = home.openkoi(["resume", &ids[0]]).timeout(LONG).run();

    assert_eq!(run.code, 1, "the work itself was not done: {run}");
    assert!(!home.has("started"), "the command is not run a second time: {run}");
}
