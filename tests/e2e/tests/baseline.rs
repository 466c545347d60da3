//! The checks of the untouched tree: they run beside the model's reading, and for nothing else.

use std::time::Duration;

use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, call, reply, until, verdict};
use serde_json::json;

use crate::world::{LONG, TASK};

/// A place that programs of a layer write through to, because it is ignored.
const LOG: &str = ".log/begun";

/// A project whose suite tells that it was begun, and then does `more`.
fn project(replies: Vec<Reply>, more: &str) -> (Home, OpenAi) {
    let server = OpenAi::start(replies);
    let test = Kind::Shell.text("test.sh");
    let home = Home::new()
        .project(Kind::Shell)
        .provider(&server)
        .file(".gitignore", ".log/\n")
        .file(".log/.keep", "")
        .file("test.sh", test.replacen('\n', &format!("\necho begun >> {LOG}\n{more}\n"), 1));
    (home, server)
}

#[test]
fn the_checks_begin_while_the_model_reads_and_do_not_begin_again_before_the_change() {
    let kind = Kind::Shell;
    let source = json!({ "path": kind.source() });
    let fix = json!({ "path": kind.source(), "contents": kind.fix() });
    let home = std::sync::Arc::new(std::sync::OnceLock::new());
    let place = std::sync::Arc::clone(&home);
    let begun = move |_: &_| {
        let log: &std::path::PathBuf = place.get().unwrap();
        until("the suite has begun", Duration::from_secs(60), || log.exists());
        true
    };
    let replies = vec![
        call("read_file", source).to(Role::Executor).at(0),
        call("write_file", fix).after("read_file").when("the suite has begun", begun),
        reply("It rounds now.").after("write_file"),
        verdict(9.0),
    ];
    let (world, server) = project(replies, "");
    home.set(world.workspace().join(LOG)).unwrap();

    let run = world.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    // What is red is run again before it is believed.
    assert_eq!(world.read(LOG), "begun\nbegun\nbegun\n", "twice before, once after: {run}");
    assert!(run.stderr.contains("Checks: 3 of 3 pass."), "{run}");
    server.finish();
}

#[test]
fn the_checks_of_a_question_end_with_its_answer() {
    let replies = vec![
        call("read_file", json!({ "path": "percent.sh" })).to(Role::Executor).at(0),
        reply("It prints a percentage.").after("read_file"),
    ];
    let (home, server) = project(replies, "sleep 600");

    let run = home.openkoi(["what does percent.sh do?"]).timeout(LONG).run().expect_code(0);

    assert_eq!(run.stdout, "It prints a percentage.\n");
    assert!(!run.stderr.contains("[EVAL]"), "{run}");
    assert_eq!(home.processes(), Vec::<String>::new());
    server.finish();
}

#[test]
fn looking_with_a_program_begins_no_checks() {
    let replies = vec![
        call("shell", json!({ "command": "ls" })).to(Role::Executor).at(0),
        reply("Two files.").after("shell"),
    ];
    let (home, server) = project(replies, "");

    home.openkoi(["how many files are there?"]).timeout(LONG).run().expect_code(0);

    assert!(!home.has(LOG));
    server.finish();
}

#[test]
fn commands_that_the_configuration_names_are_checks_beside_those_that_are_found() {
    let kind = Kind::Shell;
    let fix = json!({ "path": kind.source(), "contents": kind.fix() });
    let replies = vec![
        call("write_file", fix).to(Role::Executor).at(0),
        reply("It rounds now.").after("write_file"),
        verdict(9.0),
    ];
    let (home, server) = project(replies, "");
    let home = home
        .config("[checks]\nlint = [\"cat percent.sh && echo fine\"]")
        .file(".openkoi/config.toml", "[checks]\ntest = [\"sh ci/own.sh\"]\n")
        .file("ci/own.sh", "echo 1..1; echo ok 1 - own; grep -q 2 percent.sh\n");

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    for check in ["configured:test=passed(1 test)", "configured:lint=passed", "script:test=passed"]
    {
        assert!(run.stderr.contains(check), "{check}: {run}");
    }
    server.finish();
}
