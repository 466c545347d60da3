//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

fn good() -> Value {
    json!({
        "model": "gpt-5.5",
        "instructions": "Be brief.",
        "input": [
            { "role": "user", "content": [{ "type": "input_text", "text": "List it." }] },
            { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }],
              "encrypted_content": "e" },
            { "type": "message", "role": "assistant",
              "content": [{ "type": "output_text", "text": "I look." }] },
            { "type": "function_call", "call_id": "a", "name": "ls", "arguments": "{}" },
            { "type": "function_call", "call_id": "b", "name": "ls", "arguments": "{\"x\":" },
            { "type": "function_call_output", "call_id": "b", "output": "y" },
            { "type": "function_call_output", "call_id": "a", "output": "x" },
            { "role": "user", "content": "And?" },
        ],
        "tools": [{
            "type": "function",
            "name": "ls",
            "description": "Lists.",
            "parameters": { "type": "object", "properties": {}, "additionalProperties": false },
            "strict": false,
        }],
        "tool_choice": "auto",
        "include": ["reasoning.encrypted_content"],
        "reasoning": { "effort": "low", "summary": "auto" },
        "max_output_tokens": 100,
        "store": false,
        "stream": true,
    })
}

/// Returns the faults of the good request after a change.
fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = good();
    change(&mut body);
    check(&body)
}

fn without(name: &str) -> Vec<String> {
    faults(|body| drop(body.as_object_mut().unwrap().remove(name)))
}

#[test]
fn a_good_request_has_no_fault() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn fields_of_chat_completions_are_refused() {
    for name in ["messages", "max_tokens", "max_completion_tokens", "response_format", "seed"] {
        let unknown = format!("body: unknown field `{name}`");
        assert_eq!(faults(|body| body[name] = json!(1)), [unknown]);
    }
    let nested = json!({ "type": "function", "function": { "name": "ls" } });
    assert!(faults(|body| body["tools"][0] = nested).len() > 2);
    let image = json!([{ "type": "input_image", "image_url": { "url": "https://x.test" } }]);
    assert_eq!(
        faults(|body| body["input"][0]["content"] = image),
        ["input[0].content[0]: has to be an https or data URL"]
    );
}

#[test]
fn a_reasoning_model_takes_no_temperature_and_others_do_not_reason() {
    assert_eq!(
        faults(|body| body["temperature"] = json!(0.2)),
        ["body.temperature: unsupported parameter with gpt-5.5"]
    );
    assert_eq!(
        faults(|body| body["model"] = json!("gpt-4.1")),
        [
            "body.reasoning: gpt-4.1 does not reason",
            "body.include: encrypted content is not supported with gpt-4.1",
        ]
    );
}

#[test]
fn reasoning_comes_back_encrypted_and_only_where_nothing_is_stored() {
    let whole = "input[1]: items are not persisted when `store` is false, and this one is not whole: it needs `store` \
                 false, `include` with `reasoning.encrypted_content`, and that content";
    assert_eq!(without("store"), [whole]);
    assert_eq!(without("include"), [whole]);
    assert_eq!(faults(|body| body["input"][1]["encrypted_content"] = Value::Null), [whole]);
    assert_eq!(
        faults(|body| body["input"][1]["id"] = json!("msg_1")),
        ["input[1]: expected an id that begins with `rs`"]
    );
}

#[test]
fn calls_and_outputs_answer_each_other() {
    let remove = |at: usize| {
        faults(|body| {
            body["input"].as_array_mut().unwrap().remove(at);
        })
    };
    assert_eq!(remove(5), ["input: no tool output found for function call b"]);
    assert_eq!(remove(3), ["input[5]: no tool call found for function call output with call_id a"]);
    let before = faults(|body| body["input"].as_array_mut().unwrap().swap(4, 5));
    assert_eq!(before[0], "input[4]: no tool call found for function call output with call_id b");
    let twice = faults(|body| body["input"][4]["call_id"] = json!("a"));
    assert_eq!(twice[0], "input[4]: call `a` is there twice");
    let long = "x".repeat(65);
    let long = faults(|body| {
        body["input"][3]["call_id"] = json!(long);
        body["input"][6]["call_id"] = json!(long);
    });
    assert_eq!(long[0], "input[3]: `call_id` has to have from 1 to 64 characters");
}

#[test]
fn each_role_has_its_kinds_of_content() {
    type Change = fn(&mut Value);
    let table: [(Change, &str); 5] = [
        (
            |body| body["input"][2]["content"][0]["type"] = json!("input_text"),
            "input[2].content[0]: `input_text` is not allowed here",
        ),
        (
            |body| body["input"][0]["content"][0]["type"] = json!("output_text"),
            "input[0].content[0]: `output_text` is not allowed here",
        ),
        (|body| body["input"][0]["type"] = json!("user"), "input[0]: unknown type `user`"),
        (|body| body["input"] = json!([]), "input: has to have an item"),
        (
            |body| body["input"][0]["role"] = json!("tool"),
            "input[0].role: has to be one of user, assistant, system, developer, not \"tool\"",
        ),
    ];
    for (change, fault) in table {
        assert_eq!(faults(change), [fault]);
    }
    assert_eq!(faults(|body| body["input"] = json!("Hi.")), Vec::<String>::new());
}

#[test]
fn tools_are_flat_and_say_whether_they_are_strict() {
    let tool = |name: &str, value: Value| faults(|body| body["tools"][0][name] = value);
    assert_eq!(tool("strict", json!(true)), Vec::<String>::new());
    let open = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    assert_eq!(tool("parameters", open.clone()), Vec::<String>::new());
    let strict = faults(|body| {
        body["tools"][0]["parameters"] = open;
        body["tools"][0]["strict"] = json!(true);
    });
    assert_eq!(
        strict,
        [
            "body.tools[0].parameters: strict, so `additionalProperties` has to be false",
            "body.tools[0].parameters: strict, so `required` has to name every property",
        ]
    );
    let unsaid = faults(|body| drop(body["tools"][0].as_object_mut().unwrap().remove("strict")));
    assert_eq!(unsaid, ["body.tools[0]: `strict` is missing"]);
    let choice = |name: &str| json!({ "type": "function", "name": name });
    assert_eq!(faults(|body| body["tool_choice"] = choice("ls")), Vec::<String>::new());
    assert_eq!(
        faults(|body| body["tool_choice"] = choice("rm")),
        ["body.tool_choice: `rm` is not in `tools`"]
    );
}

#[test]
fn an_answer_in_a_schema_is_asked_for_in_its_own_field() {
    let format = |format: Value| faults(|body| body["text"] = json!({ "format": format }));
    let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let good = json!({ "type": "json_schema", "name": "x", "schema": schema, "strict": true });
    assert_eq!(format(good), Vec::<String>::new());
    let nested = json!({ "type": "json_schema", "json_schema": { "name": "x" } });
    assert_eq!(
        format(nested),
        [
            "body.text.format: `name` is missing",
            "body.text.format: `schema` is missing",
            "body.text.format: unknown field `json_schema`",
        ]
    );
}

#[test]
fn limits_and_references_are_checked() {
    assert_eq!(
        faults(|body| body["max_output_tokens"] = json!(15)),
        ["body.max_output_tokens: has to be a whole number of at least 16"]
    );
    assert_eq!(
        faults(|body| body["previous_response_id"] = json!("resp_1")),
        ["body.previous_response_id: not found: nothing is stored here"]
    );
    assert_eq!(
        faults(|body| body["stream_options"] = json!({ "include_usage": true })),
        ["body.stream_options: unknown field `include_usage`"]
    );
    assert_eq!(
        faults(|body| body["include"] = json!(["usage"]))[0],
        "body.include: \"usage\" cannot be included"
    );
}
