//! What scripts rely on: nothing is paid for a request that cannot be met, nothing is lost, nothing waits for ever, and a
//! failure always says why.

use std::fs;

use openkoi_test_support::{Home, turn};

use crate::world::{LONG, scripted};

fn answering() -> Home {
    scripted([turn().executor().say("Forty-two.")])
}

/// Fails unless nothing was run, so that nothing was paid.
#[track_caller]
fn assert_unpaid(home: &Home) {
    let tasks = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 0, "{tasks}");
}

#[test]
fn an_open_pipe_that_gives_nothing_is_left_alone_and_a_warning_says_so() {
    let run = answering().openkoi(["what is it?", "-i", "0", "-q"]).stdin_stays_open().run();

    assert_eq!((run.code, run.stdout.as_str()), (0, "Forty-two.\n"), "{run}");
    assert!(run.stderr.contains("left alone"), "{run}");
}

#[test]
fn an_open_pipe_that_gives_nothing_takes_a_part_of_the_time_limit_and_no_more() {
    let home = answering();

    let run = home.openkoi(["what is it?", "-i", "0", "--max-time", "4"]).stdin_stays_open().run();

    assert_eq!((run.code, run.stdout.as_str()), (0, "Forty-two.\n"), "{run}");
    assert!(run.stderr.contains("nothing came on standard input for 1.0 s"), "{run}");
    assert!(run.stderr.contains("3.0 s"), "what is left is the limit: {run}");
}

#[test]
fn a_pipe_that_is_asked_for_is_waited_for_as_long_as_the_time_limit_allows() {
    let home = answering();

    let run = home.openkoi(["what is it?", "-", "--max-time", "1"]).stdin_stays_open().run();

    assert_eq!(run.code, 124, "{run}");
    assert!(run.stderr.contains("did not end within the time limit"), "{run}");
    assert_unpaid(&home);
}

#[test]
fn a_long_input_is_shortened_and_the_whole_is_kept_and_named() {
    let home = scripted([
        turn().executor().once_said("the last line").once_said("bytes left out").say("Seen."),
        turn().executor().say("Not seen."),
    ]);
    let input = format!("{}the last line\n", "an early line\n".repeat(30_000));

    let run = home.openkoi(["look", "-i", "0"]).stdin(input.clone()).run().expect_code(0);

    assert_eq!(run.stdout, "Seen.\n", "{run}");
    let kept = fs::read_dir(home.path().join("tool-output")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::read_to_string(kept.path()).unwrap(), input);
    assert!(run.stderr.contains(kept.path().to_str().unwrap()), "{run}");
    let history = fs::read_to_string(home.path().join("state/task-history.jsonl")).unwrap();
    assert!(history.len() < 5_000, "the history has the beginning of it: {}", history.len());
}

#[test]
fn a_place_that_cannot_take_the_result_is_told_before_anything_is_paid() {
    let home = answering();

    for place in ["gone/out.txt", "."] {
        let run = home.openkoi(["what is it?", "-o", place]).run();
        assert_eq!(run.code, 2, "{run}");
    }

    assert_unpaid(&home);
    let run = home.openkoi(["what is it?", "-i", "0", "-o", "-"]).run().expect_code(0);
    assert_eq!(run.stdout, "Forty-two.\n", "{run}");
    assert!(!home.workspace().join("-").exists());
}

#[test]
fn a_schema_that_is_none_is_told_before_anything_is_paid() {
    let home = answering()
        .file("odd.json", "{\"type\": \"nonsense\"}")
        .file("far.json", "{\"$ref\": \"https://example.com/schema.json\"}");

    for (file, why) in [("odd.json", "/type"), ("far.json", "https://example.com/schema.json")] {
        let run = home.openkoi(["what is it?", "--json-schema", file]).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(why), "{run}");
    }
    assert_unpaid(&home);
}

#[test]
fn every_word_of_a_schema_is_held_and_a_boolean_is_one() {
    let home = scripted([turn().executor().say("{\"n\": 42}")])
        .file("ref.json", "{\"$ref\": \"#/$defs/n\", \"$defs\": {\"n\": {\"maxProperties\": 0}}}")
        .file("true.json", "true");

    let unfit = home.openkoi(["what?", "-i", "0", "-q", "--json-schema", "ref.json"]).run();
    assert_eq!(unfit.code, 1, "{unfit}");
    assert!(unfit.stderr.contains("does not follow the schema"), "{unfit}");
    let fit = home.openkoi(["what?", "-i", "0", "--json-schema", "true.json"]).run().expect_code(0);
    assert_eq!(fit.stdout, "{\"n\":42}\n");
}

#[test]
fn the_words_of_other_agents_are_told_what_to_type_and_nothing_is_paid() {
    let home = answering();

    for words in
        [&["login"][..], &["version"], &["logs"], &["exec", "what is it?"], &["-p", "what is it?"]]
    {
        let run = home.openkoi(words).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains("hint: "), "{run}");
    }
    assert_unpaid(&home);
    assert_eq!(home.openkoi(["-i", "0", "--", "login"]).run().code, 0);
}

#[test]
fn every_line_of_a_stream_has_the_version_of_its_schema() {
    let run =
        answering().openkoi(["what is it?", "-i", "0", "--output-format", "stream-json"]).run();

    let lines = run.json_lines();
    assert!(lines.iter().any(|line| line["type"] == "delta"), "{run}");
    for line in lines {
        assert_eq!(line["schema_version"], 1, "{line}");
    }
}

#[test]
fn the_id_of_a_session_is_recognised_where_a_tasks_is_wanted() {
    let home = answering();
    let record = home.openkoi(["what is it?", "-i", "0", "--output-format", "json"]).run().json();
    let (session, task) =
        (record["session_id"].as_str().unwrap(), record["task_id"].as_str().unwrap());

    let run = home.openkoi(["task", "show", session]).run();

    assert_eq!(run.code, 2, "{run}");
    let hint = format!("hint: openkoi task show {}", &task[task.len() - 8..]);
    assert!(run.stderr.contains(&hint), "{run}");
}

#[test]
fn a_deleted_session_leaves_no_word_in_the_state_files() {
    let home = answering();
    let run = home.openkoi(["the secret of the pond", "-i", "0", "--output-format", "json"]).run();
    let session = run.json()["session_id"].as_str().unwrap().to_owned();

    let deleted = home.openkoi(["session", "delete", "--yes", &session]).run();

    assert_eq!(deleted.code, 0, "{deleted}");
    let history = fs::read_to_string(home.path().join("state/task-history.jsonl")).unwrap();
    assert!(!history.contains("secret"), "{history}");
    assert!(!home.path().join("state/last-task.json").exists());
}

#[test]
fn a_deleted_session_leaves_no_word_anywhere() {
    let home = scripted([
        turn().executor().after("shell").say("Done."),
        turn().executor().after("write_file").shell("seq 1 20000; echo PONDSECRET"),
        turn().executor().write("note", "PONDSECRET"),
    ]);
    let run = home.openkoi(["go", "-i", "0", "--output-format", "json"]).timeout(LONG).run();
    let session = run.expect_code(0).json()["session_id"].as_str().unwrap().to_owned();
    let holds = |home: &Home| {
        let found = std::process::Command::new("grep")
            .args(["-rla", "PONDSECRET"])
            .arg(home.path())
            .output()
            .unwrap();
        String::from_utf8(found.stdout).unwrap()
    };
    assert!(holds(&home).contains("tool-output"), "a long output is kept");

    home.openkoi(["session", "delete", "--yes", &session]).run().expect_code(0);

    let left: Vec<_> =
        holds(&home).lines().filter(|line| !line.contains("script")).map(str::to_owned).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn what_is_kept_is_shown_and_what_is_young_stays() {
    let home = answering();
    home.openkoi(["what is it?", "-i", "0"]).run().expect_code(0);

    let shown = home.openkoi(["prune", "--dry-run", "--json"]).run().expect_code(0).json();
    let run = home.openkoi(["prune", "--max-size", "0MB"]).run().expect_code(0);

    assert!(shown["bytes_before"]["database"].as_u64().unwrap() > 0, "{shown}");
    assert!(run.stdout.contains("0 finished tasks"), "{run}");
    let task = home.openkoi(["task", "list", "--json"]).run().json()["tasks"][0]["id"].clone();
    let verified = home.openkoi(["task", "verify", task.as_str().unwrap()]).run();
    assert_eq!(verified.code, 0, "{verified}");
}
