//! Each test breaks a good request in one way.

use serde_json::json;

use super::*;

fn good() -> Value {
    json!({
        "model": "qwen3:4b",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "List it.", "images": ["AQID", "AQI="] },
            { "role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [
                { "id": "a", "type": "function", "function": { "name": "ls", "arguments": {} } },
                { "id": "b", "function": { "name": "ls", "arguments": { "x": 1 } } },
            ] },
            { "role": "tool", "tool_name": "ls", "tool_call_id": "b", "content": "y" },
            { "role": "tool", "tool_name": "ls", "tool_call_id": "a", "content": "x" },
            { "role": "user", "content": "And?" },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "ls", "description": "Lists.", "parameters": { "type": "object", "properties": {} },
        } }],
        "options": { "num_ctx": 16_384, "num_predict": 100, "temperature": 0.5 },
        "think": true, "keep_alive": "5m", "stream": true, "truncate": false, "shift": false,
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
fn each_breach_is_a_fault_with_its_place() {
    type Change = fn(&mut Value);
    let table: [(Change, &str); 16] = [
        (|body| body["tool_choice"] = json!("auto"), "body: unknown field `tool_choice`"),
        (|body| body["options"]["num_cxt"] = json!(1), "body.options: unknown field `num_cxt`"),
        (
            |body| body["options"] = json!({ "num_predict": 1 }),
            "body.options: `num_ctx` is missing",
        ),
        (
            |body| body["options"]["num_predict"] = json!(20_000),
            "body.options: the answer is longer than what is read",
        ),
        (
            |body| body["truncate"] = json!(true),
            "body.truncate: without `false` it is cut in silence",
        ),
        (
            |body| body["think"] = json!("hard"),
            "body.think: has to be one of low, medium, high, max, not \"hard\"",
        ),
        (
            |body| body["keep_alive"] = json!("-1"),
            "body.keep_alive: has to be seconds or a duration",
        ),
        (|body| body["format"] = json!("yaml"), "body.format: has to be `json` or a schema"),
        (
            |body| body["messages"][1]["role"] = json!("developer"),
            "messages[1]: unknown role `developer`",
        ),
        (
            |body| body["messages"][5]["role"] = json!("system"),
            "messages[5]: the system prompt comes first",
        ),
        (
            |body| body["messages"][1]["images"] = json!(["data:image/png;base64,AQID"]),
            "messages[1]: an image has to be base64, without a URL around it",
        ),
        (
            |body| body["messages"][2]["tool_calls"][0]["function"]["arguments"] = json!("{}"),
            "messages[2].tool_calls[0]: `arguments` has to be an object",
        ),
        (
            |body| body["messages"][4]["tool_name"] = json!("rm"),
            "messages[4]: `rm` (a) answers no call of the message before",
        ),
        (
            |body| drop(body["messages"].as_array_mut().unwrap().remove(4)),
            "messages[4]: tool calls without results before it: a",
        ),
        (
            |body| body["messages"].as_array_mut().unwrap().truncate(3),
            "messages: tool calls without results: a, b",
        ),
        (|body| body["messages"] = json!([]), "messages: without one, the model is only loaded"),
    ];
    for (change, fault) in table {
        assert_eq!(faults(change)[0], fault);
    }
}
