//! Each exit code, once, in the way that leads to it most directly.

use openkoi_test_support::{Home, Kind, OpenAi, Role, Script, call, openai, reply, turn};
use serde_json::json;

use crate::world::{LONG, TASK, scripted};

#[test]
fn accepted_work_is_0() {
    let kind = Kind::Shell;
    let home = scripted([
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().write(kind.source(), kind.fix()),
    ]);

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(home.read(kind.source()), kind.fix(), "{run}");
}

#[test]
fn work_that_is_not_accepted_is_1() {
    let home = scripted([turn().executor().say("It cannot be done.")]);

    home.openkoi([TASK, "-i", "1"]).timeout(LONG).run().expect_code(1);
}

#[test]
fn a_line_that_is_not_understood_is_2() {
    let home = Home::new();

    for arguments in [vec!["--no-such-flag"], vec!["task", "show"], vec![TASK, "-i", "many"]] {
        home.openkoi(arguments).run().expect_code(2);
    }
}

#[test]
fn a_configuration_at_fault_is_3() {
    Home::new().config("= 3").openkoi([TASK]).run().expect_code(3);
}

#[test]
fn no_credentials_is_4() {
    Home::new().openkoi([TASK]).run().expect_code(4);
}

#[test]
fn a_provider_that_will_not_answer_is_5() {
    let server = OpenAi::start([openai::quota_used_up()]);

    Home::new().provider(&server).openkoi(["hi", "-i", "0"]).run().expect_code(5);

    server.finish();
}

#[test]
fn a_used_up_budget_is_6() {
    let home = scripted([turn().executor().say("Hi.")]);

    let run = home.openkoi([TASK, "--max-tokens", "10"]).run().expect_code(6);

    assert!(run.stderr.contains("the limit of 10 tokens"), "{run}");
}

#[test]
fn something_that_needs_a_person_is_8() {
    let home =
        scripted([turn().executor().write("new.txt", "x")]).config("[trust]\ndefault = \"ask\"");

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(8);

    assert!(run.stderr.contains("openkoi resume"), "{run}");
    assert!(!home.has("new.txt"));
}

#[test]
fn work_that_goes_in_circles_is_9() {
    let home = scripted([turn().executor().call("read_file", json!({ "path": "test.sh" }))]);

    let run = home.openkoi([TASK, "-i", "6"]).timeout(LONG).run().expect_code(9);

    assert!(run.stderr.contains("nothing was done"), "{run}");
}

#[test]
fn a_time_limit_that_is_over_is_124() {
    let home = scripted([turn().executor().shell("sleep 60")]);

    home.openkoi([TASK, "--max-time", "3"]).timeout(LONG).run().expect_code(124);
}

#[test]
fn help_and_manual_list_every_code() {
    let home = Home::new();

    for run in [home.openkoi(["--help"]).run(), home.openkoi(["man"]).run()] {
        assert_eq!(run.code, 0, "{run}");
        for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "124", "130", "143"] {
            let listed = run.stdout.lines().any(|line| {
                line.split_whitespace()
                    .any(|word| word.trim_matches(|c: char| !c.is_ascii_digit()) == code)
            });
            assert!(listed, "{code} is missing in {run}");
        }
    }
}

#[test]
fn the_version_is_printed_alone() {
    let run = Home::new().openkoi(["--version"]).run().expect_code(0);

    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("openkoi 0.1.0\n", ""));
}

#[test]
fn a_closed_output_is_not_an_error() {
    let home = Home::new();
    let binary = openkoi_test_support::binary::openkoi();
    let script = format!("'{}' man | head -n 1 >/dev/null", binary.display());

    let output = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", &script])
        .env("OPENKOI_HOME", home.path())
        .output()
        .unwrap();

    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_provider_that_refuses_in_the_middle_leaves_a_task_to_resume() {
    let server = OpenAi::start([
        call("read_file", json!({ "path": "percent.sh" })).to(Role::Executor).at(0),
        openai::wrong_key().after("read_file"),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(4);

    assert!(run.stderr.contains("openkoi resume"), "{run}");
    server.finish();
}

#[test]
fn a_question_is_answered_without_a_judge_when_nothing_is_to_be_iterated() {
    let server = OpenAi::start([reply("Forty-two.")]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["what is six times seven?", "-i", "0"]).run().expect_code(0);

    assert_eq!(run.stdout, "Forty-two.\n");
    server.finish();
}

#[test]
fn a_script_without_a_fitting_turn_says_so() {
    let home = Home::new().script(&Script::new([turn().planner().say("x")]));

    let run = home.openkoi(["hi", "-i", "0"]).run();

    assert_ne!(run.code, 0, "{run}");
    assert!(run.stderr.contains("no turn of the script fits"), "{run}");
}
