//! `kill -9` at every place that can be named, and what `openkoi resume` makes of it: no paid turn is asked for
//! twice, and no effect happens twice.

use std::collections::BTreeSet;

use openkoi_brokers::failpoint::{self, Point};
use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, Run, call, normal, reply, verdict};
use serde_json::json;

use crate::world::{LONG, TASK};

/// The command whose effect adds up: two lines are one too many.
const EFFECT: &str = "echo once >> effects.log";

/// Places at which an answer can be on its way, paid for and not yet in the journal.
const IN_FLIGHT: [&str; 3] = ["turn-sent", "turn-received", "journal-append-before"];

/// Places between the announcement of an effect and the record of its result.
const IN_EFFECT: [&str; 11] = [
    "effect-before",
    // The untouched tree is looked at before the first change is committed, and that is in the call.
    "snapshot-before",
    "snapshot-after",
    "layer-planned",
    "durable-temp-written",
    "durable-renamed",
    "effect-after",
    "process-spawned",
    "process-exited",
    "journal-append-before",
    "journal-append-after",
];

fn replies() -> Vec<Reply> {
    let kind = Kind::Shell;
    let fix = json!({ "path": kind.source(), "contents": kind.fix() });
    let red = ["nothing_of_nothing_is_nothing", "two_thirds_are_rounded_up"];
    let planned = json!({
        "kind": "code",
        "steps": ["fix percent"],
        "criteria": [{ "text": "all tests pass", "check": "test", "tests": red }],
    });
    let replies = [
        call("plan", planned).to(Role::Executor).at(0),
        call("shell", json!({ "command": EFFECT })).after("plan"),
        call("write_file", &fix).after("shell"),
        reply("Fixed.").after("write_file"),
        verdict(9.0),
    ];
    // An injected error is an answer that the model reacts to: what it does then is to write the fix again.
    let again = call("write_file", fix).to(Role::Executor);
    // A run that is killed for good does not ask for all of them.
    replies.into_iter().chain([again]).map(|reply| reply.again_and_again().if_asked()).collect()
}

/// What both sides saw of a task that was killed and taken up again.
struct Seen {
    crashed: Run,
    resumed: Option<Run>,
    turns: usize,
    repeated: usize,
    effects: usize,
    source: String,
}

fn crash_and_resume(point: &str) -> Seen {
    let server = OpenAi::start(replies());
    let home = Home::new().project(Kind::Shell).provider(&server);
    let crashed = home.openkoi([TASK]).env(failpoint::VARIABLE, point).timeout(LONG).run();
    let resumed = (crashed.code != 0).then(|| resume(&home));
    let turns: Vec<String> = server.turns().into_iter().map(|turn| turn.text).collect();
    let distinct: BTreeSet<&String> = turns.iter().collect();
    let effects = std::fs::read_to_string(home.workspace().join("effects.log")).unwrap_or_default();
    let seen = Seen {
        repeated: turns.len() - distinct.len(),
        turns: turns.len(),
        effects: effects.lines().count(),
        source: home.read(Kind::Shell.source()),
        crashed,
        resumed,
    };
    server.finish();
    seen
}

/// Takes up what is there: the task if it was journaled, otherwise the task is given again. A slow machine writes more
/// files beside a run, so a late kill may come after the end of the task; then its journal has to prove that end.
fn resume(home: &Home) -> Run {
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let tasks: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let accepted = tasks["tasks"][0]["status"] == "accepted";
    match normal::ids(&listed.stdout).first() {
        Some(id) if accepted => home.openkoi(["task", "verify", id]).timeout(LONG).run(),
        Some(id) => home.openkoi(["resume", id]).timeout(LONG).run(),
        None => home.openkoi([TASK]).timeout(LONG).run(),
    }
}

/// Kills at `passage` of each place and checks what must never happen.
fn survives_everywhere(passage: u32) {
    let mut survived = 0;
    for point in Point::ALL {
        let name = point.name();
        let seen = crash_and_resume(&format!("{name}=kill@{passage}"));
        let crashed = &seen.crashed;
        assert!([0, 137].contains(&crashed.code), "{name}: {crashed}");
        let Some(resumed) = &seen.resumed else {
            // The run does not pass here so often; then it has to be a whole run.
            assert_eq!((seen.turns, seen.effects), (5, 1), "{name}: {crashed}");
            continue;
        };
        survived += 1;
        assert_eq!(resumed.code, 0, "{name}: {resumed}");
        assert_eq!(seen.source, Kind::Shell.fix(), "{name}: {resumed}");
        let lost = usize::from(IN_FLIGHT.contains(&name));
        assert!(
            seen.repeated <= lost,
            "{name}: {} turns were paid twice: {resumed}",
            seen.repeated
        );
        let least = usize::from(!IN_EFFECT.contains(&name));
        assert!((least..=1).contains(&seen.effects), "{name}: {} effects: {resumed}", seen.effects);
    }
    assert!(survived > 0, "no place was passed {passage} times");
}

#[test]
fn a_whole_run_asks_five_times_and_has_its_effect_once() {
    let seen = crash_and_resume("");

    assert_eq!(seen.crashed.code, 0, "{}", seen.crashed);
    assert_eq!((seen.turns, seen.repeated, seen.effects), (5, 0, 1));
}

#[test]
fn a_kill_at_the_first_passage_of_any_place_is_survived() {
    survives_everywhere(1);
}

#[test]
fn a_kill_at_the_second_passage_of_any_place_is_survived() {
    survives_everywhere(2);
}

#[test]
fn a_kill_at_a_late_passage_of_any_place_is_survived() {
    survives_everywhere(9);
}

#[test]
fn a_kill_while_it_resumes_is_survived_too() {
    let server = OpenAi::start(replies());
    let home = Home::new().project(Kind::Shell).provider(&server);
    let killed = |arguments: &[&str], point: &str| {
        home.openkoi(arguments).env(failpoint::VARIABLE, point).timeout(LONG).run()
    };
    killed(&[TASK], "effect-after=kill").expect_code(137);
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let id = &normal::ids(&listed.stdout)[0];

    killed(&["resume", id], "journal-append-after=kill@2").expect_code(137);
    let run = home.openkoi(["resume", id]).timeout(LONG).run();

    assert_eq!(run.code, 0, "{run}");
    // What a program wrote over a layer is there as a whole or not at all.
    let effects = std::fs::read_to_string(home.workspace().join("effects.log"));
    assert!(["", "once\n"].contains(&effects.unwrap_or_default().as_str()), "{run}");
    server.finish();
}

#[test]
fn a_commit_that_was_cut_in_the_middle_is_done_by_the_next_process() {
    let files = "echo once >> effects.log; echo 1 > one.txt; mkdir in; echo 2 > in/two.txt";
    let server = OpenAi::start([
        call("shell", json!({ "command": files })).to(Role::Executor).at(0),
        reply("Written.").after("shell").again_and_again(),
        verdict(9.0).if_asked(),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let point = "layer-step=kill@2";
    let run = home.openkoi([TASK, "-i", "1"]).env(failpoint::VARIABLE, point).timeout(LONG).run();
    run.expect_code(137);
    let there = ["effects.log", "one.txt", "in/two.txt"];
    assert!(!there.iter().all(|path| home.has(path)), "it was not cut");
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);

    let task = &normal::ids(&listed.stdout)[0];
    let run = home.openkoi(["resume", task]).timeout(LONG).run();

    assert_eq!(there.map(|path| home.read(path)), ["once\n", "1\n", "2\n"], "{run}");
    let diff = home.openkoi(["task", "diff", task]).run().expect_code(0);
    assert!(there.iter().all(|path| diff.stdout.contains(path)), "{diff}");
    server.finish();
}

/// How a run ends where each passage of a place fails: with 0 where this run does not pass or can do without,
/// with 1 where nothing can be done any more, and otherwise before its end, to be resumed.
fn code_of_an_error(point: Point) -> i32 {
    match point.name() {
        "journal-append-before" | "journal-append-after" | "snapshot-before" | "snapshot-after" => {
            3
        }
        "turn-sent" | "turn-received" => 5,
        "effect-before" | "file-write-before" => 1,
        // Checks that cannot run, before as after, are no evidence against the work.
        "process-spawned" | "process-exited" => 0,
        "effect-after"
        | "restore-before"
        | "restore-mid"
        | "durable-temp-written"
        | "durable-renamed"
        | "file-write-after"
        | "layer-planned"
        | "layer-step"
        | "layer-copied"
        // Nobody logs in here; the broker's own tests and `login` do.
        | "login-answered" => 0,
        new => panic!("say how a run ends where {new} fails"),
    }
}

#[test]
fn an_error_at_any_place_is_reported_and_is_not_a_defect() {
    for point in Point::ALL {
        let name = point.name();
        let seen = crash_and_resume(&format!("{name}=error"));
        let run = &seen.crashed;
        assert!(
            !run.stderr.contains("panicked") && !run.stderr.contains("openkoi broke"),
            "{name}: {run}"
        );
        assert_eq!(run.code, code_of_an_error(*point), "{name}: {run}");
        let least = usize::from(!IN_EFFECT.contains(&name));
        assert!((least..=1).contains(&seen.effects), "{name}: {} effects: {run}", seen.effects);
        let Some(resumed) = &seen.resumed else {
            assert_eq!(seen.turns, 5, "{name}: {run}");
            assert_eq!(seen.source, Kind::Shell.fix(), "{name}: {run}");
            continue;
        };
        if run.code == 1 {
            assert_eq!(resumed.code, 2, "{name}: it is over, so it is not resumed: {resumed}");
            assert_eq!(seen.source, Kind::Shell.text(Kind::Shell.source()), "{name}: {run}");
            continue;
        }
        assert_eq!(resumed.code, 0, "{name}: {resumed}");
        assert_eq!(seen.source, Kind::Shell.fix(), "{name}: {resumed}");
        let lost = usize::from(["turn-sent", "turn-received"].contains(&name));
        assert_eq!(seen.repeated, lost, "{name}: turns that were paid twice: {resumed}");
    }
}

#[test]
fn an_error_at_the_first_passage_of_any_place_is_made_up_for() {
    for point in Point::ALL {
        let name = point.name();
        let seen = crash_and_resume(&format!("{name}=error@1"));
        let last = seen.resumed.as_ref().unwrap_or(&seen.crashed);
        assert!(!last.stderr.contains("panicked"), "{name}: {last}");
        assert_eq!(last.code, 0, "{name}: {}\n{last}", seen.crashed);
        assert!(seen.effects <= 1, "{name}: {} effects: {last}", seen.effects);
        assert_eq!(seen.source, Kind::Shell.fix(), "{name}: {last}");
    }
}

#[test]
fn a_finished_task_is_not_run_again() {
    let server = OpenAi::start(replies());
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);

    let run = home.openkoi(["resume", &normal::ids(&listed.stdout)[0]]).timeout(LONG).run();

    assert_eq!(server.turns().len(), 5, "{run}");
    assert_eq!(home.read("effects.log"), "once\n");
    server.finish();
}
