use openkoi_provider_wire::testing::{
    any_request, attached, body, call, endpoint, header, message, request, result, tool,
};
use openkoi_sdk::{
    Failure,
    provider::{Codec, Effort, Message, Part, Reasoning, Speaker, ToolResult},
};
use proptest::prelude::*;

use super::*;
use crate::Anthropic;

const OFFICIAL: &str = "https://api.anthropic.com";

fn sent(request: &CompletionRequest) -> Value {
    body(&encode(&endpoint(OFFICIAL, &[]), request).unwrap())
}

fn thought(block: &Value) -> Part {
    let state = json!({ "format": "messages", "block": block }).to_string();
    Part::Reasoning(Reasoning { text: "hm".to_owned(), state })
}

fn signed() -> Value {
    json!({ "type": "thinking", "thinking": "hm", "signature": "sig" })
}

/// A conversation in the middle of a round of tools, with these parts before the call.
fn in_round(model: &str, before: Vec<Part>) -> CompletionRequest {
    let mut parts = before;
    parts.push(call("1", "read", "{\"p\":1}"));
    CompletionRequest {
        messages: vec![
            Message::user("look"),
            message(Speaker::Assistant, parts),
            message(Speaker::User, vec![result("1", "read", "A")]),
        ],
        tools: vec![tool("list"), tool("read")],
        ..request(model)
    }
}

#[test]
fn a_plain_request_says_what_was_asked_for_and_nothing_else() {
    let asked = CompletionRequest {
        max_tokens: Some(100),
        temperature: Some(1.5),
        ..request("claude-sonnet-4-5")
    };

    let http =
        encode(&endpoint(OFFICIAL, &[("prompt_cache", "false"), ("beta", "x,y")]), &asked).unwrap();

    assert_eq!(
        (http.method.as_str(), http.url.as_str()),
        ("POST", "https://api.anthropic.com/v1/messages")
    );
    assert_eq!(header(&http, "anthropic-version"), Some("2023-06-01"));
    assert_eq!(header(&http, "anthropic-beta"), Some("x,y"));
    assert_eq!(
        body(&http),
        json!({
            "model": "claude-sonnet-4-5", "stream": true, "max_tokens": 100, "temperature": 1.0,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hello" }] }],
        })
    );
}

#[test]
fn the_base_url_may_end_with_the_version_or_not() {
    for base in ["https://x.test", "https://x.test/", "https://x.test/v1", "https://x.test/v1/"] {
        assert_eq!(url(&endpoint(base, &[]), "/messages"), "https://x.test/v1/messages", "{base}");
    }
    assert_eq!(
        url(&endpoint("https://x.test/anthropic", &[]), "/messages"),
        "https://x.test/anthropic/v1/messages"
    );
}

#[test]
fn the_cache_is_marked_at_the_tools_the_system_prompt_and_the_last_two_turns_of_the_user() {
    let mut asked = in_round("claude-sonnet-4-5", Vec::new());
    asked.system = "be good".to_owned();
    asked.messages.push(Message::assistant("done"));
    asked.messages.push(Message::user("thanks"));

    let body = sent(&asked);

    let mark = json!({ "type": "ephemeral" });
    assert_eq!(body["system"][0]["cache_control"], mark);
    assert_eq!(
        (&body["tools"][0]["cache_control"], &body["tools"][1]["cache_control"]),
        (&Value::Null, &mark)
    );
    assert_eq!(body["messages"][4]["content"][0]["cache_control"], mark);
    assert_eq!(body["messages"][2]["content"][0]["cache_control"], mark);
    assert_eq!(body.to_string().matches("cache_control").count(), 4);
}

#[test]
fn tools_and_choices_are_written() {
    let choice = |choice: ToolChoice| {
        let asked = CompletionRequest {
            tools: vec![tool("read")],
            tool_choice: choice,
            ..request("claude-opus-4-8")
        };
        sent(&asked)["tool_choice"].clone()
    };
    let mut bare = tool("read");
    bare.parameters = "{}".to_owned();
    let asked = CompletionRequest { tools: vec![bare], ..request("claude-opus-4-8") };

    assert_eq!(choice(ToolChoice::Automatic), Value::Null);
    assert_eq!(choice(ToolChoice::None), json!({ "type": "none" }));
    assert_eq!(choice(ToolChoice::Required), json!({ "type": "any" }));
    assert_eq!(
        choice(ToolChoice::Named("read".to_owned())),
        json!({ "type": "tool", "name": "read" })
    );
    assert_eq!(sent(&asked)["tools"][0]["input_schema"], json!({ "type": "object" }));
}

#[test]
fn a_model_that_cannot_be_made_to_call_is_asked_to() {
    let asked = CompletionRequest {
        tools: vec![tool("read")],
        tool_choice: ToolChoice::Named("read".to_owned()),
        ..request("claude-opus-5-5")
    };

    let body = sent(&asked);

    assert_eq!(body["tool_choice"], Value::Null);
    assert_eq!(body["messages"][0]["content"][1]["text"], "Answer by calling the tool `read`.");
    assert_eq!(body["thinking"], json!({ "type": "adaptive", "display": "summarized" }));
}

#[test]
fn results_are_merged_into_one_message_before_everything_else() {
    let failed = Part::ToolResult(ToolResult {
        id: "2".to_owned(),
        name: "list".to_owned(),
        content: String::new(),
        is_error: true,
    });
    let asked = CompletionRequest {
        messages: vec![
            Message::user("look"),
            message(Speaker::Assistant, vec![call("1", "read", "{oops"), call("2", "list", "{}")]),
            message(Speaker::User, vec![Part::Text("hurry".to_owned()), result("1", "read", "A")]),
            message(Speaker::User, vec![failed]),
        ],
        ..request("claude-sonnet-4-5")
    };

    let http = encode(&endpoint(OFFICIAL, &[("prompt_cache", "false")]), &asked).unwrap();

    assert_eq!(
        body(&http)["messages"],
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "look" }] },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "1", "name": "read", "input": { "invalid_json": "{oops" } },
                { "type": "tool_use", "id": "2", "name": "list", "input": {} } ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "1", "content": "A" },
                { "type": "tool_result", "tool_use_id": "2", "is_error": true, "content": "(no output)" },
                { "type": "text", "text": "hurry" } ] },
        ])
    );
}

#[test]
fn a_conversation_that_begins_or_ends_with_the_model_is_completed() {
    let asked = CompletionRequest {
        messages: vec![
            Message::assistant("so "),
            Message::user(" "),
            message(Speaker::Assistant, vec![thought(&signed())]),
        ],
        ..request("claude-sonnet-4-5")
    };
    let only_thoughts = CompletionRequest {
        messages: vec![
            Message::user("a"),
            message(Speaker::Assistant, vec![thought(&signed())]),
            Message::user("b"),
        ],
        ..request("claude-sonnet-4-5")
    };

    let roles = |body: &Value| -> Vec<String> {
        body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["role"].to_string())
            .collect()
    };

    assert_eq!(roles(&sent(&asked)), ["\"user\"", "\"assistant\"", "\"user\""]);
    assert_eq!(
        sent(&only_thoughts)["messages"][1]["content"],
        json!([signed(), { "type": "text", "text": "(no answer)" }])
    );
    assert!(
        encode(&endpoint(OFFICIAL, &[]), &CompletionRequest { messages: Vec::new(), ..asked })
            .is_err()
    );
}

#[test]
fn older_models_think_with_a_budget_that_leaves_room_for_the_answer() {
    let asked = |max_tokens: u32| CompletionRequest {
        effort: Some(Effort::High),
        temperature: Some(0.5),
        max_tokens: Some(max_tokens),
        ..request("claude-sonnet-4-5")
    };

    let body = sent(&asked(64_000));

    assert_eq!(body["thinking"], json!({ "type": "enabled", "budget_tokens": 24_000 }));
    assert_eq!(body.get("temperature"), None);
    assert_eq!(sent(&asked(8_000))["thinking"]["budget_tokens"], 4_000);
    // Too little to think with: then without, and the temperature counts.
    assert_eq!(sent(&asked(2_000)).get("thinking"), None);
    assert_eq!(sent(&asked(2_000))["temperature"], 0.5);
    assert_eq!(
        sent(&CompletionRequest {
            effort: Some(Effort::High),
            ..request("claude-3-5-haiku-latest")
        })
        .get("thinking"),
        None
    );
}

#[test]
fn newer_models_think_as_they_see_fit() {
    let asked = |model: &str| {
        sent(&CompletionRequest {
            effort: Some(Effort::Low),
            temperature: Some(0.5),
            ..request(model)
        })
    };

    assert_eq!(asked("claude-opus-4-6")["thinking"], json!({ "type": "adaptive" }));
    assert_eq!(asked("claude-opus-4-6")["output_config"], json!({ "effort": "low" }));
    assert_eq!(
        asked("claude-opus-4-8")["thinking"],
        json!({ "type": "adaptive", "display": "summarized" })
    );
    assert_eq!(asked("claude-opus-4-8").get("temperature"), None);
    let silent = sent(&request("claude-opus-4-8"));
    assert_eq!((silent.get("thinking"), silent.get("output_config")), (None, None));
}

#[test]
fn a_forced_call_is_made_without_thoughts() {
    let forced = |model: &str| {
        sent(&CompletionRequest {
            effort: Some(Effort::Medium),
            tools: vec![tool("read")],
            tool_choice: ToolChoice::Required,
            ..request(model)
        })
    };

    assert_eq!(forced("claude-sonnet-4-5").get("thinking"), None);
    assert_eq!(forced("claude-opus-4-8").get("thinking"), None);
    assert_eq!(forced("claude-opus-5")["thinking"], json!({ "type": "disabled" }));
}

#[test]
fn thoughts_come_back_unchanged_across_a_round_of_tools() {
    let redacted = json!({ "type": "redacted_thinking", "data": "xyz" });
    let asked = in_round(
        "claude-sonnet-4-5",
        vec![thought(&signed()), thought(&redacted), Part::Text("so".to_owned())],
    );
    let foreign = Part::Reasoning(Reasoning {
        text: "hm".to_owned(),
        state: "{\"format\":\"chat\"}".to_owned(),
    });

    let content = sent(&asked)["messages"][1]["content"].clone();

    assert_eq!((&content[0], &content[1]), (&signed(), &redacted));
    assert_eq!(
        sent(&in_round("claude-sonnet-4-5", vec![foreign]))["messages"][1]["content"][0]["type"],
        "tool_use"
    );
}

#[test]
fn thinking_does_not_begin_in_the_middle_of_a_round() {
    let budget = |before: Vec<Part>| {
        let asked = CompletionRequest {
            effort: Some(Effort::Low),
            ..in_round("claude-sonnet-4-5", before)
        };
        sent(&asked).get("thinking").cloned()
    };

    assert!(budget(vec![thought(&signed())]).is_some());
    assert_eq!(budget(Vec::new()), None);
}

#[test]
fn thoughts_that_are_bound_to_their_beginning_may_be_dropped() {
    let asked = in_round("claude-opus-5-5", vec![thought(&signed())]);

    let http = encode(&endpoint(OFFICIAL, &[("beta", "mine")]), &asked).unwrap();

    assert_eq!(header(&http, "anthropic-beta"), Some("mine,thinking-binding-controls-2026-08-01"));
    assert_eq!(
        body(&http)["thinking"]["block_binding"],
        json!({ "prefix_mismatch_behavior": "drop_block" })
    );
    let without =
        encode(&endpoint(OFFICIAL, &[]), &in_round("claude-opus-5-5", Vec::new())).unwrap();
    assert_eq!(header(&without, "anthropic-beta"), None);
}

#[test]
fn the_limit_is_one_that_the_model_takes() {
    let limit = |model: &str, tokens: Option<u32>| {
        sent(&CompletionRequest { max_tokens: tokens, ..request(model) })["max_tokens"].clone()
    };

    assert_eq!(limit("claude-3-haiku-20240307", Some(50_000)), 4_096);
    assert_eq!(limit("claude-opus-5-5", Some(100_000)), 100_000);
    assert_eq!(limit("claude-opus-5-5", None), 32_000);
    assert_eq!(limit("claude-opus-5-5", Some(0)), 1);
}

#[test]
fn a_schema_is_enforced_where_the_service_can() {
    let format = |model: &str, schema: &str| {
        sent(&CompletionRequest { schema: Some(schema.to_owned()), ..request(model) })["output_config"]["format"]["type"].clone()
    };
    let closed = r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}},"required":["a"],"additionalProperties":false}"#;

    assert_eq!(format("claude-opus-4-8", closed), "json_schema");
    assert_eq!(format("claude-opus-4-1", closed), Value::Null);
    for open in [
        r#"{"type":"object","properties":{}}"#,
        r#"{"type":"object","properties":{"a":{"type":"number","minimum":1}},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{"a":{"type":"object"}},"additionalProperties":false}"#,
        "{",
    ] {
        assert_eq!(format("claude-opus-4-8", open), Value::Null, "{open}");
    }
}

#[test]
fn what_the_service_would_not_take_is_refused_before_it_is_sent() {
    let refused = |asked: &CompletionRequest| match encode(&endpoint(OFFICIAL, &[]), asked) {
        Err(Failure::Invalid(invalid)) => invalid.field,
        other => format!("{other:?}"),
    };
    let mut broken = tool("read");
    broken.parameters = "no".to_owned();

    assert_eq!(refused(&request("")), "/model");
    assert_eq!(
        refused(&CompletionRequest { tool_choice: ToolChoice::Required, ..request("m") }),
        "/tool-choice"
    );
    assert_eq!(
        refused(&CompletionRequest { tools: vec![broken], ..request("m") }),
        "/tools/0/parameters"
    );
    assert_eq!(refused(&CompletionRequest { messages: Vec::new(), ..request("m") }), "/messages");
}

#[test]
fn images_and_documents_are_looked_at_and_others_described() {
    let parts = ["image/png", "application/pdf", "image/svg+xml"].map(attached).to_vec();
    let asked = CompletionRequest { messages: vec![message(Speaker::User, parts)], ..request("m") };

    let content = &sent(&asked)["messages"][0]["content"];

    let source = |kind: &str| json!({ "type": "base64", "media_type": kind, "data": "AQI=" });
    assert_eq!(content[0], json!({ "type": "image", "source": source("image/png") }));
    assert_eq!(content[1]["type"], "document");
    assert_eq!(content[1]["source"], source("application/pdf"));
    assert!(content[2]["text"].as_str().unwrap().contains("image/svg+xml"));
}

proptest! {
    #[test]
    fn any_conversation_is_written_as_the_service_wants_it(
        asked in any_request(&["claude-sonnet-4-5", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "kimi"]),
    ) {
        let Ok(http) = Anthropic::encode(&endpoint(OFFICIAL, &[]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let messages = body["messages"].as_array().unwrap();
        let mut open: Vec<&Value> = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            prop_assert_eq!(&message["role"], if index % 2 == 0 { "user" } else { "assistant" });
            let blocks = message["content"].as_array().unwrap();
            prop_assert!(!blocks.is_empty());
            let answers: Vec<&Value> = blocks.iter().map(|block| &block["tool_use_id"]).filter(|id| id.is_string()).collect();
            prop_assert_eq!(answers.len(), open.len());
            prop_assert!(answers.iter().all(|id| open.contains(id)));
            prop_assert!(blocks[..answers.len()].iter().all(|block| block["type"] == "tool_result"));
            prop_assert!(blocks.iter().all(|block| block["type"] != "text" || block["text"].as_str().is_some_and(|text| !text.trim().is_empty())));
            open = blocks.iter().filter(|block| block["type"] == "tool_use").map(|block| &block["id"]).collect();
        }
        prop_assert!(open.is_empty());
        prop_assert!(messages.len() % 2 == 1, "the user speaks last");
        prop_assert!(body.to_string().matches("cache_control").count() <= 4);
        if let Some(budget) = body["thinking"]["budget_tokens"].as_u64() {
            prop_assert!(budget >= 1_024 && budget < body["max_tokens"].as_u64().unwrap());
            prop_assert!(body.get("temperature").is_none());
        }
    }
}
