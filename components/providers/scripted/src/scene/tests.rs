use openkoi_sdk::provider::ToolCall;

use super::*;
use crate::{request, script};

fn calls(id: &str, tool: &str) -> Message {
    let call = ToolCall {
        id: id.to_owned(),
        name: tool.to_owned(),
        arguments: "{\"path\":\"a.rs\"}".to_owned(),
    };
    Message { speaker: Speaker::Assistant, parts: vec![Part::ToolCall(call)] }
}

fn answers(id: &str, tool: &str, content: &str) -> Message {
    let result = ToolResult {
        id: id.to_owned(),
        name: tool.to_owned(),
        content: content.to_owned(),
        is_error: false,
    };
    Message { speaker: Speaker::User, parts: vec![Part::ToolResult(result)] }
}

/// A task, a round of tools, findings, and another round.
fn asked() -> CompletionRequest {
    let mut request = request("executor");
    request.system = "be good".to_owned();
    request.messages = vec![
        Message::user("<task>mend it</task>"),
        calls("1", "write_file"),
        answers("1", "write_file", "written"),
        Message::assistant("done"),
        Message::user("<findings>a test is red</findings>"),
        calls("2", "read_file"),
        answers("2", "read_file", "fn half() {}"),
    ];
    request
}

/// Returns whether a turn with these conditions is taken.
fn takes(request: &CompletionRequest, when: &str) -> bool {
    let turns = script::parse(&format!("{{\"when\": {when}}}")).unwrap();
    Scene::of(request).choose(&turns).is_ok()
}

#[test]
fn each_condition_looks_at_its_own_part_of_the_conversation() {
    let request = asked();

    for holds in [
        r#"{}"#,
        r#"{"role": "executor"}"#,
        r#"{"contains": "test is red"}"#,
        r#"{"contains": ["<findings>", "red"]}"#,
        r#"{"matches": "a \\w+ is red"}"#,
        r#"{"any": ["mend it", "be good", "written", "a.rs"]}"#,
        r#"{"absent": "green"}"#,
        r#"{"turn": 3, "round": 1}"#,
        r#"{"tool": "read_file", "result": "half"}"#,
    ] {
        assert!(takes(&request, holds), "{holds}");
    }
    for does_not in [
        r#"{"role": "planner"}"#,
        r#"{"contains": "mend it"}"#,
        r#"{"contains": ["<findings>", "green"]}"#,
        r#"{"matches": "^red"}"#,
        r#"{"any": "green"}"#,
        r#"{"absent": "mend"}"#,
        r#"{"turn": 1}"#,
        r#"{"round": 0}"#,
        r#"{"tool": "write_file"}"#,
        r#"{"result": "written"}"#,
        r#"{"role": "executor", "turn": 2}"#,
    ] {
        assert!(!takes(&request, does_not), "{does_not}");
    }
}

#[test]
fn what_a_tool_said_before_the_user_spoke_is_over() {
    let mut request = asked();
    request.messages.truncate(5);

    assert!(takes(&request, r#"{"round": 0, "turn": 2}"#));
    assert!(!takes(&request, r#"{"tool": "write_file"}"#));
}

#[test]
fn the_first_turn_that_fits_is_taken() {
    let turns = script::parse(
        r#"{"when": {"turn": 9}, "say": "a"} {"when": {"turn": 3}, "say": "b"} {"say": "c"}"#,
    )
    .unwrap();
    let request = asked();

    assert_eq!(Scene::of(&request).choose(&turns).unwrap().say, "b");
}

#[test]
fn where_none_fits_the_nearest_are_named_with_what_they_want() {
    let turns = script::parse(
        r#"{"label": "plan", "when": {"role": "planner"}}
           {"label": "far", "when": {"turn": 9, "tool": "x", "contains": "y"}}
           {"label": "near", "when": {"turn": 3, "result": "whole"}}"#,
    )
    .unwrap();
    let request = asked();

    assert_eq!(
        Scene::of(&request).choose(&turns).unwrap_err().to_string(),
        "no turn of the script fits (role `executor`, turn 3, round 1, last tool `read_file`); \
         turn 3 (near) wants result \"whole\"; \
         turn 2 (far) wants turn 9, tool `x`, contains \"y\"; \
         turn 1 (plan) wants role `planner`"
    );
}
