//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

const CLAUDE: &str = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn good() -> Value {
    let point = json!({ "cachePoint": { "type": "default" } });
    json!({
        "system": [{ "text": "Be brief." }, point],
        "messages": [
            { "role": "user", "content": [{ "text": "List it." }] },
            { "role": "assistant", "content": [
                { "text": "Well." },
                { "toolUse": { "toolUseId": "t1", "name": "ls", "input": {} } },
                { "toolUse": { "toolUseId": "t2", "name": "ls", "input": { "cachePoint": 1 } } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "t2", "content": [{ "text": "y" }], "status": "error" } },
                { "toolResult": { "toolUseId": "t1", "content": [{ "text": "x" }] } },
                { "text": "And?" },
                point,
            ] },
        ],
        "inferenceConfig": { "maxTokens": 4000 },
        "toolConfig": {
            "tools": [
                { "toolSpec": { "name": "ls", "description": "Lists.",
                    "inputSchema": { "json": { "type": "object", "properties": {} } } } },
                point,
            ],
            "toolChoice": { "auto": {} },
        },
    })
}

/// Returns the faults of the good request after a change.
fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = good();
    change(&mut body);
    check(&body, CLAUDE)
}

#[test]
fn a_good_request_has_no_fault() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn fields_that_the_reference_does_not_have_are_faults() {
    assert_eq!(faults(|body| body["stream"] = json!(true)), ["body: unknown field `stream`"]);
    let two = faults(|body| body["messages"][0]["content"][0]["type"] = json!("text"));
    assert_eq!(two, ["messages.0.content.0: has to have exactly one field"]);
    let result = &mut |body: &mut Value| {
        body["messages"][2]["content"][0]["toolResult"]["name"] = json!("ls");
    };
    assert_eq!(faults(result), ["messages.2.content.0: unknown field `name`"]);
}

#[test]
fn every_call_has_its_result_in_the_next_message_and_before_words() {
    let remove =
        |body: &mut Value| drop(body["messages"][2]["content"].as_array_mut().unwrap().remove(0));
    assert_eq!(
        faults(remove),
        ["messages.2: calls [\"t1\", \"t2\"] and results [\"t1\"] do not match"]
    );
    let late = |body: &mut Value| body["messages"][2]["content"].as_array_mut().unwrap().swap(1, 2);
    assert_eq!(faults(late), ["messages.2: results have to come before other blocks"]);
    let end = faults(|body| body["messages"].as_array_mut().unwrap().truncate(2));
    assert_eq!(end.len(), 2);
}

#[test]
fn tools_have_to_be_there_where_they_were_called() {
    let without = faults(|body| drop(body.as_object_mut().unwrap().remove("toolConfig")));
    assert!(without[0].contains("The toolConfig field must be defined"), "{without:?}");
    let choice =
        faults(|body| body["toolConfig"]["toolChoice"] = json!({ "tool": { "name": "rm" } }));
    assert_eq!(choice, ["toolConfig.toolChoice: `rm` is not in `tools`"]);
    let none = faults(|body| body["toolConfig"]["toolChoice"] = json!({ "none": {} }));
    assert_eq!(none, ["toolConfig.toolChoice: unknown field `none`"]);
}

#[test]
fn cache_points_stand_where_the_model_takes_them() {
    let nova = check(&good(), "amazon.nova-lite-v1:0");
    assert_eq!(nova, ["toolConfig.tools.1: extraneous key [cachePoint] is not permitted"]);
    let five = faults(|body| {
        let point = json!({ "cachePoint": { "type": "default" } });
        for message in [0, 1] {
            body["messages"][message]["content"].as_array_mut().unwrap().push(point.clone());
        }
    });
    assert_eq!(five, ["body: at most 4 cache points, found 5"]);
}

#[test]
fn thinking_has_a_budget_and_goes_with_no_forced_tool() {
    let thinking = |body: &mut Value, budget: u64| {
        let thinking = json!({ "type": "enabled", "budget_tokens": budget });
        body["additionalModelRequestFields"] = json!({ "thinking": thinking });
    };
    assert_eq!(faults(|body| thinking(body, 2000)), Vec::<String>::new());
    assert_eq!(faults(|body| thinking(body, 4000)).len(), 1);
    assert_eq!(faults(|body| thinking(body, 1000)).len(), 1);
    let forced = faults(|body| {
        thinking(body, 2000);
        body["toolConfig"]["toolChoice"] = json!({ "any": {} });
        body["inferenceConfig"]["temperature"] = json!(0.5);
    });
    assert_eq!(forced.len(), 2);
}

#[test]
fn texts_are_not_blank_and_a_failure_says_something() {
    let blank = faults(|body| body["messages"][0]["content"][0]["text"] = json!(" \n"));
    assert_eq!(blank, ["messages.0.content.0: The text field is blank"]);
    let bare = faults(|body| {
        body["messages"][2]["content"][0]["toolResult"]["content"] = json!([]);
    });
    assert_eq!(bare, ["messages.2.content.0: cannot be empty when status value is error"]);
}
