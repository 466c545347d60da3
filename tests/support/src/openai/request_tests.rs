//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

fn good() -> Value {
    json!({
        "model": "gpt-4.1",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "List it." },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "a", "type": "function", "function": { "name": "ls", "arguments": "{}" } },
                { "id": "b", "type": "function", "function": { "name": "ls", "arguments": "{\"x\":" } },
            ] },
            { "role": "tool", "tool_call_id": "b", "content": "y" },
            { "role": "tool", "tool_call_id": "a", "content": "x" },
            { "role": "user", "content": [{ "type": "text", "text": "And?" }] },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "ls",
            "description": "Lists.",
            "parameters": { "type": "object", "properties": {}, "additionalProperties": false },
        } }],
        "tool_choice": "auto",
        "max_tokens": 100,
        "stream": true,
        "stream_options": { "include_usage": true },
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
    assert_eq!(faults(|body| body["max_token"] = json!(1)), ["body: unknown field `max_token`"]);
    assert_eq!(
        faults(|body| body["messages"][2]["reasoning_content"] = json!("hm")),
        ["messages[2]: unknown field `reasoning_content`"]
    );
}

#[test]
fn a_reasoning_model_takes_no_temperature_and_another_limit() {
    let changed = faults(|body| {
        body["model"] = json!("o4-mini");
        body["temperature"] = json!(0.2);
    });
    assert_eq!(
        changed,
        [
            "body.max_tokens: unsupported parameter with o4-mini",
            "body.temperature: o4-mini supports only the default (1)",
        ]
    );
    let effort = faults(|body| body["reasoning_effort"] = json!("low"));
    assert_eq!(effort, ["body.reasoning_effort: gpt-4.1 does not reason"]);
}

#[test]
fn a_call_without_a_result_is_a_fault_in_the_middle_and_at_the_end() {
    let middle = faults(|body| {
        body["messages"].as_array_mut().unwrap().remove(4);
    });
    assert_eq!(middle, ["messages[4]: tool calls without results before it: a"]);
    let end = faults(|body| body["messages"].as_array_mut().unwrap().truncate(3));
    assert_eq!(end, ["messages: tool calls without results: a, b"]);
}

#[test]
fn a_result_without_its_call_is_a_fault() {
    let unknown = faults(|body| body["messages"][4]["tool_call_id"] = json!("c"));
    assert_eq!(unknown[0], "messages[4]: `c` answers no call of the message before");

    let twice = faults(|body| body["messages"][4]["tool_call_id"] = json!("b"));
    assert_eq!(twice[0], "messages[4]: `b` answers no call of the message before");
}

#[test]
fn tools_have_valid_unique_names_and_schemas() {
    let tool =
        |body: &mut Value, name: &str, value: Value| body["tools"][0]["function"][name] = value;
    let named = faults(|body| tool(body, "name", json!("a.b")));
    assert_eq!(named, ["body.tools[0].function: \"a.b\" is not a name of a tool"]);
    let schema = faults(|body| tool(body, "parameters", json!({ "type": "object" })));
    assert_eq!(schema, ["body.tools[0].function.parameters: the schema has no `properties`"]);
    let twice = faults(|body| {
        let tool = body["tools"][0].clone();
        body["tools"].as_array_mut().unwrap().push(tool);
    });
    assert_eq!(twice, ["body.tools[1]: `ls` is there twice"]);
    let empty = faults(|body| body["tools"] = json!([]));
    assert_eq!(empty[0], "body.tools: has to have from 1 to 128 tools");
}

#[test]
fn a_named_choice_is_one_of_the_tools() {
    let choice = |name: &str| json!({ "type": "function", "function": { "name": name } });
    assert_eq!(faults(|body| body["tool_choice"] = choice("ls")), Vec::<String>::new());
    assert_eq!(
        faults(|body| body["tool_choice"] = choice("rm")),
        ["body.tool_choice: `rm` is not in `tools`"]
    );
}

#[test]
fn roles_contents_and_empty_messages_are_checked() {
    type Change = fn(&mut Value);
    let table: [(Change, &str); 5] = [
        (|body| body["messages"][0]["role"] = json!("boss"), "messages[0]: unknown role `boss`"),
        (
            |body| body["messages"][1]["content"] = json!(7),
            "messages[1].content: has to be an array",
        ),
        (
            |body| body["messages"][1]["content"] = json!([{ "type": "refusal", "refusal": "x" }]),
            "messages[1].content[0]: `refusal` is not allowed here",
        ),
        (|body| body["messages"] = json!([]), "messages: has to have a message"),
        (
            |body| body["messages"] = json!([{ "role": "assistant", "content": null }]),
            "messages[0]: has neither content nor tool calls",
        ),
    ];
    for (change, fault) in table {
        assert_eq!(faults(change), [fault]);
    }
}

#[test]
fn stream_options_need_a_stream() {
    assert_eq!(
        faults(|body| body["stream"] = json!(false)),
        ["body.stream_options: only allowed when `stream` is true"]
    );
}

#[test]
fn an_image_is_an_https_or_data_url() {
    let image = |url: &str| json!([{ "type": "image_url", "image_url": { "url": url } }]);
    assert_eq!(
        faults(|body| body["messages"][1]["content"] = image("data:image/png;base64,AA==")),
        Vec::<String>::new()
    );
    assert_eq!(
        faults(|body| body["messages"][1]["content"] = image("file:///etc/passwd")),
        ["messages[1].content[0]: has to be an https or data URL"]
    );
}

#[test]
fn an_answer_in_a_schema_has_a_name_and_a_schema() {
    let format = |schema: Value| json!({ "type": "json_schema", "json_schema": schema });
    let good = json!({ "name": "x", "schema": { "type": "object", "properties": {} } });
    assert_eq!(faults(|body| body["response_format"] = format(good)), Vec::<String>::new());
    let bad = faults(|body| body["response_format"] = format(json!({ "schema": {} })));
    assert_eq!(bad[0], "body.response_format.json_schema: `name` is missing");
}
