//! The capabilities of components, and their limits (security.md, C and the grants).

use std::time::Duration;

use openkoi_core::{
    approval::Answer,
    event::Event,
    failure::Failure,
    grant::ComponentGrant,
    message::{Part, StopReason, Turn, Usage},
    trust::TrustLevel,
};
use openkoi_testing::Canned;
use serde_json::{Value, json};

use crate::guests::{argument, failure_of, is_unharmed, text_of, tool_world};

#[tokio::test]
async fn the_standard_library_sees_no_files_variables_or_arguments() {
    let mut world = tool_world();

    let seen = text_of(&mut world, "probe", "").await.expect("it answers");

    let seen: Value = serde_json::from_str(&seen).expect("it is JSON");
    assert_eq!(
        (&seen["variables"], &seen["arguments"], &seen["input"]),
        (&json!(0), &json!(0), &json!(""))
    );
    assert_eq!(seen["root"], json!(false));
    let files = seen["files"].as_object().expect("a map");
    assert!(files.values().all(|found| found != "read"), "{files:?}");
    assert_eq!(seen["handles"], json!(0), "no descriptor from 3 to 1023 is open");
    assert_eq!(seen["nanoseconds"], json!(0), "the clock is coarse");
}

#[test]
fn printed_text_does_not_reach_the_terminal() {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "powers::printer", "--ignored", "--nocapture"];

    let output = std::process::Command::new(program).args(arguments).output().expect("it runs");

    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains("koi-printed-"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above in a process of its own"]
async fn printer() {
    let mut world = tool_world();
    for behaviour in ["print", "print_flood"] {
        let text = text_of(&mut world, behaviour, "koi-printed-\u{1b}[2J").await;
        assert_eq!(text.as_deref(), Ok("printed"));
    }
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn an_error_in_the_log_does_not_replace_the_failure() {
    let mut world = tool_world();
    let failure = failure_of(&mut world, "log_secretly", "for the developer").await;
    assert_eq!(failure, Failure::Failed("said it in the log".to_owned()));
}

#[tokio::test]
async fn files_are_those_of_the_workspace() {
    let mut world = tool_world();
    world.write("notes.txt", "hello");
    world.write(".env", "KEY=1");
    std::fs::write(world.home().join("outside.txt"), "outside").expect("it is written");

    assert_eq!(text_of(&mut world, "read_file", "notes.txt").await.as_deref(), Ok("hello"));
    for path in ["/etc/passwd", "../outside.txt", ".env", "a/../../outside.txt"] {
        let failure = failure_of(&mut world, "read_file", path).await;
        assert_eq!(failure.word(), "denied", "{path}: {failure}");
    }
    assert_eq!(text_of(&mut world, "ask_encoding", "").await.as_deref(), Ok("None"));
    let missing = failure_of(&mut world, "read_file", "missing.txt").await;
    assert_eq!(missing.word(), "not_found");
}

#[tokio::test]
async fn a_grant_to_read_does_not_allow_writing() {
    let mut world = tool_world();
    world.write("notes.txt", "hello");

    let failure = failure_of(&mut world, "change_file", "notes.txt").await;

    let Failure::Denied { what, hint } = failure else { panic!("{failure}") };
    assert!(what.contains("`guests` may not use files"), "{what}");
    assert!(hint.contains("component.toml"), "{hint}");
    assert_eq!(world.read("notes.txt").as_deref(), Some("hello"));
    assert_eq!(world.uses(), ["files the workspace (write) (refused)"]);
}

#[tokio::test]
async fn a_capability_that_the_user_withholds_is_denied() {
    let mut world = tool_world();
    world.write("notes.txt", "hello");
    world.grant("guests", ComponentGrant::default());

    for behaviour in ["read_file", "ask_encoding"] {
        let failure = failure_of(&mut world, behaviour, "notes.txt").await;
        let Failure::Denied { what, hint } = failure else { panic!("{behaviour}: {failure}") };
        assert!(what.ends_with("nobody has granted that"), "{behaviour}: {what}");
        assert!(hint.contains("openkoi plugin inspect guests"), "{behaviour}: {hint}");
    }
}

#[tokio::test]
async fn requests_follow_the_rules_of_the_grant() {
    let mut world = tool_world();
    world.answer(Canned::ok("hello"));

    let text = text_of(&mut world, "fetch", "https://api.example.com/v1/a").await;

    assert_eq!(text.as_deref(), Ok("hello"));
    let requests = world.web().requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].credentials.is_empty());
    assert_eq!(world.uses(), ["http GET https://api.example.com"]);

    for url in [
        "http://api.example.com/v1/a",
        "http://127.0.0.1/",
        "https://u@127.0.0.1/",
        "https://localhost/",
    ] {
        let failure = failure_of(&mut world, "fetch", url).await;
        assert_eq!(failure.word(), "denied", "{url}: {failure}");
    }
    assert_eq!(failure_of(&mut world, "fetch", "file:///etc/passwd").await.word(), "invalid");
    assert_eq!(world.web().requests().len(), 1);
}

#[tokio::test]
async fn a_component_that_declares_no_credential_can_name_none() {
    let mut world = tool_world();
    world.answer(Canned::ok("hello"));

    let failure = failure_of(&mut world, "fetch", "https://api.example.com/v1/a api-key").await;

    let Failure::Denied { what, hint } = failure else { panic!("{failure}") };
    assert!(what.contains("`api-key`") && what.contains("`guests`"), "{what}");
    assert!(hint.contains("[[credential]]"), "{hint}");
    assert!(world.web().requests().is_empty());
}

#[tokio::test]
async fn a_host_that_only_a_wildcard_covers_is_asked_for() {
    let mut world = tool_world();
    world.trust(TrustLevel::Act).person(Answer::AllowOnce).answer(Canned::ok("docs"));

    let text = text_of(&mut world, "fetch", "https://docs.example.org/a").await;

    assert_eq!(text.as_deref(), Ok("docs"));
    assert_eq!(world.asked().asked()[0].target, "GET https://docs.example.org");
    let rules: Vec<String> =
        world.web().requests()[0].rules.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["GET https://docs.example.org/**"], "a redirect leads nowhere else");
}

#[tokio::test]
async fn an_approval_is_for_one_call() {
    let mut world = tool_world();
    world.trust(TrustLevel::Act).person(Answer::AllowOnce);
    world.answer(Canned::ok("a")).answer(Canned::ok("b")).answer(Canned::ok("c"));

    // Another host, another path, and the very same again: each is a question of its own.
    for url in
        ["https://docs.example.org/a", "https://docs.example.net/a", "https://docs.example.org/a"]
    {
        text_of(&mut world, "fetch", url).await.expect("it is allowed");
    }

    let asked = world.asked().asked();
    let targets: Vec<&str> = asked.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "GET https://docs.example.org",
            "GET https://docs.example.net",
            "GET https://docs.example.org"
        ]
    );
    assert_ne!(asked[0].hash, asked[1].hash);
}

#[tokio::test]
async fn without_a_person_to_ask_a_request_is_denied() {
    let mut world = tool_world();
    world.trust(TrustLevel::Act);

    let failure = failure_of(&mut world, "fetch", "https://docs.example.org/a").await;

    assert_eq!(failure.word(), "denied");
    assert!(world.web().requests().is_empty());
}

#[tokio::test]
async fn a_program_leaves_a_receipt_that_the_host_wrote() {
    let mut world = tool_world();
    world.write("check.sh", "echo out; echo err >&2; exit 3");

    let output = world.call_tool("run", &argument("sh check.sh")).await.expect("it runs");

    assert!(output.text.contains("code: Some(3)"), "{}", output.text);
    let [receipt] = output.receipts.as_slice() else { panic!("{:?}", output.receipts) };
    assert_eq!((receipt.command.as_str(), receipt.exit_code), ("sh check.sh", Some(3)));
    assert!(output.text.contains(&receipt.id));
    let noted = world.entries().into_iter().any(|entry| {
        matches!(entry.event, Event::ProcessFinished { receipt: noted, tree: None } if noted == *receipt)
    });
    assert!(noted);
    assert_eq!(world.uses(), ["process sh check.sh"]);
}

#[tokio::test]
async fn a_program_that_is_not_granted_does_not_run() {
    let mut world = tool_world();
    world.write("make.sh", "touch made");
    // Only `sh` is granted: neither another program, nor one that would run it, nor `sh` by another name.
    for line in [
        "touch made",
        "env sh make.sh",
        "nice sh make.sh",
        "time sh make.sh",
        "xargs sh make.sh",
        "timeout 5 sh make.sh",
        "setsid sh make.sh",
        "git -c core.pager=sh",
        "find . -exec sh make.sh ;",
        "/bin/sh make.sh",
        "./sh make.sh",
        "SH make.sh",
    ] {
        let failure = failure_of(&mut world, "run", line).await;
        assert_eq!(failure.word(), "denied", "{line}: {failure}");
    }
    assert_eq!(world.read("made"), None);

    text_of(&mut world, "run", "sh make.sh").await.expect("what is granted runs");
    assert!(world.read("made").is_some());
}

#[tokio::test]
async fn a_call_that_is_dropped_takes_its_programs_with_it() {
    let mut world = tool_world();
    // It has a number of its own where it is, so it is found by what it says.
    let words = format!("sleep 1000{}", std::process::id());
    world.write("slow.sh", &words);
    let toolbox = world.toolbox();
    let arguments = argument("sh slow.sh");
    let call = world.call_tool_of(&toolbox, "run", &arguments);
    let started = until("the program has started", || runs(&words).then_some(()));

    tokio::select! {
        _ = call => panic!("it ended by itself"),
        () = started => {}
    }

    until("the program has ended", || (!runs(&words)).then_some(())).await;
    is_unharmed(&mut world).await;
}

fn runs(words: &str) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut lines =
        entries.map(|entry| std::fs::read(entry.path().join("cmdline")).unwrap_or_default());
    lines.any(|line| {
        String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ") == words
    })
}

/// Waits for a condition of another process, at most ten seconds.
async fn until<T>(condition: &str, mut check: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = check() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain until {condition}");
}

fn turn(text: &str) -> Turn {
    Turn {
        parts: vec![Part::Text(text.to_owned())],
        stop: StopReason::Finished,
        usage: Usage::default(),
        model: "m".to_owned(),
        route: None,
    }
}

#[tokio::test]
async fn a_component_asks_models_of_granted_roles() {
    let mut world = tool_world();
    world.turn(turn("hi"));

    let text = text_of(&mut world, "ask_model", "evaluator").await.expect("it answers");

    assert!(text.contains("hi"), "{text}");
    assert_eq!(failure_of(&mut world, "ask_model", "executor").await.word(), "denied");
    assert_eq!(world.model().asked().len(), 1);
    assert_eq!(world.uses(), ["model the evaluator model", "model the executor model (refused)"]);
}

#[tokio::test]
async fn the_manifest_caps_the_tokens_of_a_turn() {
    let mut world = tool_world();
    world.turn(turn("hi"));

    text_of(&mut world, "ask_tokens", "").await.expect("it answers");

    assert_eq!(world.model().asked()[0].1.max_tokens, Some(500));
}

#[tokio::test]
async fn state_is_kept_between_calls_and_its_keys_are_limited() {
    let mut world = tool_world();

    assert_eq!(text_of(&mut world, "state", "a").await.as_deref(), Ok("1 [\"a\"]"));
    assert_eq!(text_of(&mut world, "state", "a").await.as_deref(), Ok("2 [\"a\"]"));
    let long = failure_of(&mut world, "state", &"k".repeat(600)).await;
    assert_eq!(long.word(), "limited");
}
