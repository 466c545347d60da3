//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

fn good() -> Value {
    json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 4000,
        "system": [{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral" } }],
        "messages": [
            { "role": "user", "content": "List it." },
            { "role": "assistant", "content": [
                { "type": "text", "text": "Well." },
                { "type": "tool_use", "id": "t1", "name": "ls", "input": {} },
                { "type": "tool_use", "id": "t2", "name": "ls", "input": { "cache_control": 1 } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t2", "content": "y", "is_error": true },
                { "type": "tool_result", "tool_use_id": "t1",
                    "content": [{ "type": "text", "text": "x" }] },
                { "type": "text", "text": "And?", "cache_control": { "type": "ephemeral" } },
            ] },
        ],
        "tools": [{
            "name": "ls",
            "description": "Lists.",
            "input_schema": { "type": "object", "properties": {} },
            "cache_control": { "type": "ephemeral", "ttl": "5m" },
        }],
        "tool_choice": { "type": "auto" },
        "stream": true,
    })
}

/// Returns the faults of the good request after a change.
fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = good();
    change(&mut body);
    check(&body)
}

#[test]
fn a_good_request_has_no_fault() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn fields_that_the_reference_does_not_have_are_faults() {
    assert_eq!(faults(|body| body["n"] = json!(1)), ["body: unknown field `n`"]);
    assert_eq!(
        faults(|body| body["messages"][0]["name"] = json!("me")),
        ["messages[0]: unknown field `name`"]
    );
    assert_eq!(
        faults(|body| drop(body.as_object_mut().unwrap().remove("max_tokens"))),
        ["body: `max_tokens` is missing"]
    );
}

#[test]
fn every_call_has_its_result_in_the_next_turn() {
    let missing =
        faults(|body| drop(body["messages"][2]["content"].as_array_mut().unwrap().remove(0)));
    assert_eq!(missing, ["turn 2: `tool_use` without `tool_result` after it: t2"]);
    let end = faults(|body| body["messages"].as_array_mut().unwrap().truncate(2));
    assert_eq!(end, ["turn 1: `tool_use` without `tool_result` after it: t1, t2"]);
    let unknown = faults(|body| body["messages"][2]["content"][0]["tool_use_id"] = json!("t9"));
    assert_eq!(unknown[1], "turn 2: unexpected `tool_use_id`: t9");
}

#[test]
fn results_come_before_words() {
    let late =
        faults(|body| body["messages"][2]["content"].as_array_mut().unwrap().rotate_right(1));
    assert_eq!(late, ["turn 2: results have to come before other blocks"]);
}

#[test]
fn results_in_a_second_message_of_the_same_turn_are_accepted() {
    let split = faults(|body| {
        let block = body["messages"][2]["content"].as_array_mut().unwrap().remove(0);
        let message = json!({ "role": "user", "content": [block] });
        body["messages"].as_array_mut().unwrap().insert(2, message);
    });
    assert_eq!(split, Vec::<String>::new());
}

#[test]
fn the_first_message_is_the_users_and_none_is_blank() {
    let first = faults(|body| body["messages"] = json!([{ "role": "assistant", "content": "Hi" }]));
    assert_eq!(first, ["messages: the first message has to use the `user` role"]);
    let blank = faults(|body| body["messages"][0]["content"] = json!(" \n"));
    assert_eq!(blank, ["messages[0]: has to have text that is not blank"]);
    let empty = faults(|body| body["messages"][1]["content"][0]["text"] = json!(""));
    assert_eq!(empty, ["messages[1].content[0]: text blocks must not be empty or blank"]);
}

#[test]
fn thinking_has_a_budget_below_the_limit_and_goes_with_no_forced_tool() {
    let thinking = |body: &mut Value, budget: u64| {
        body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget });
    };
    assert_eq!(faults(|body| thinking(body, 2000)), Vec::<String>::new());
    assert_eq!(
        faults(|body| thinking(body, 4000)),
        ["body.thinking: `budget_tokens` has to be less than `max_tokens`"]
    );
    assert_eq!(
        faults(|body| thinking(body, 1000)),
        ["body.thinking.budget_tokens: has to be a whole number of at least 1024"]
    );
    let forced = faults(|body| {
        thinking(body, 2000);
        body["tool_choice"] = json!({ "type": "tool", "name": "ls" });
        body["temperature"] = json!(0.5);
    });
    assert_eq!(
        forced,
        [
            "body.temperature: may only be 1 with thinking",
            "body.tool_choice: thinking is not possible when a tool is forced",
        ]
    );
}

#[test]
fn at_most_four_blocks_are_marked_for_the_cache() {
    let five = faults(|body| {
        for index in 0..2 {
            body["messages"][2]["content"][index]["cache_control"] = json!({ "type": "ephemeral" });
        }
    });
    assert_eq!(five, ["body: at most 4 blocks may have `cache_control`, found 5"]);
}

#[test]
fn tools_have_valid_unique_names_and_schemas() {
    let schema = faults(|body| body["tools"][0]["input_schema"] = json!({ "type": "string" }));
    assert_eq!(schema[0], "tools[0].input_schema: the type of the schema has to be `object`");
    let name = faults(|body| body["tools"][0]["name"] = json!("mcp.ls"));
    assert_eq!(name, ["tools[0]: \"mcp.ls\" is not a name of a tool"]);
    let choice = faults(|body| body["tool_choice"] = json!({ "type": "tool", "name": "rm" }));
    assert_eq!(choice, ["body.tool_choice: `rm` is not in `tools`"]);
    let alone = faults(|body| drop(body.as_object_mut().unwrap().remove("tools")));
    assert_eq!(alone, ["body.tool_choice: may only be specified while providing `tools`"]);
}

#[test]
fn arguments_of_a_call_are_an_object() {
    let text = faults(|body| body["messages"][1]["content"][1]["input"] = json!("{}"));
    assert_eq!(text, ["messages[1].content[1]: `input` has to be an object"]);
}

#[test]
fn the_limit_of_tokens_is_within_the_models() {
    let many = faults(|body| body["max_tokens"] = json!(100_000));
    assert_eq!(many, ["body.max_tokens: 100000 > 64000, the most of claude-sonnet-4-5"]);
}

#[test]
fn a_prefilled_answer_ends_without_white_space() {
    let prefilled = |text: &str| json!({ "role": "assistant", "content": text });
    let good = faults(|body| body["messages"].as_array_mut().unwrap().push(prefilled("It is")));
    assert_eq!(good, Vec::<String>::new());
    let blank = faults(|body| body["messages"].as_array_mut().unwrap().push(prefilled("It is ")));
    assert_eq!(blank, ["messages: the last assistant text ends with white space"]);
}
