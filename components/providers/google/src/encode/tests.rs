use openkoi_provider_wire::testing::{
    any_request, attached, body, call, endpoint, header, message, request, result, tool,
};
use openkoi_sdk::provider::{Codec, Decoder, Event, Message, Part, Reasoning, Speaker, ToolResult};
use proptest::prelude::*;

use super::*;
use crate::{Google, decode::Reply};

const OFFICIAL: &str = "https://generativelanguage.googleapis.com/v1beta";

fn sent(request: &CompletionRequest) -> Value {
    body(&encode(&endpoint(OFFICIAL, &[]), request).unwrap())
}

fn state(on: &str, length: usize, summary: &str) -> Part {
    let state = json!({ "format": "gemini", "on": on, "length": length, "signature": "c2ln" });
    Part::Reasoning(Reasoning { text: summary.to_owned(), state: state.to_string() })
}

fn user(parts: Vec<Part>) -> Message {
    message(Speaker::User, parts)
}

fn model(parts: Vec<Part>) -> Message {
    message(Speaker::Assistant, parts)
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// The contents that are sent to `model` for this conversation.
fn contents(model: &str, messages: Vec<Message>) -> Value {
    sent(&CompletionRequest { messages, ..request(model) })["contents"].clone()
}

#[test]
fn a_plain_request_says_what_was_asked_for_and_nothing_else() {
    let asked = CompletionRequest {
        system: "be good".to_owned(),
        max_tokens: Some(100),
        temperature: Some(2.5),
        ..request("gemini-2.0-flash")
    };

    let http = encode(&endpoint(OFFICIAL, &[]), &asked).unwrap();

    assert_eq!(
        (http.method.as_str(), http.url.as_str()),
        (
            "POST",
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse"
        )
    );
    assert_eq!(header(&http, "accept"), Some("text/event-stream"));
    assert_eq!(
        body(&http),
        json!({
            "systemInstruction": { "parts": [{ "text": "be good" }] },
            "contents": [{ "role": "user", "parts": [{ "text": "hello" }] }],
            "generationConfig": { "maxOutputTokens": 100, "temperature": 2.0 },
        })
    );
}

#[test]
fn the_base_url_may_end_with_a_version_or_not_and_a_model_with_its_collection() {
    for base in
        ["https://x.test", "https://x.test/", "https://x.test/v1beta", "https://x.test/v1beta/"]
    {
        assert_eq!(url(&endpoint(base, &[]), "/models"), "https://x.test/v1beta/models", "{base}");
    }
    assert_eq!(url(&endpoint("https://x.test/v1alpha", &[]), ""), "https://x.test/v1alpha");
    assert_eq!(url(&endpoint("https://x.test/vendor", &[]), ""), "https://x.test/vendor/v1beta");
    assert_eq!(model_path("models/gemini-x"), Ok("/models/gemini-x".to_owned()));
    assert_eq!(model_path("tunedModels/x"), Ok("/tunedModels/x".to_owned()));
    for wrong in ["", "a?key=b", "a#b", "../files", "a b", "a:b", "a%2fb"] {
        assert!(model_path(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn results_stand_alone_in_the_order_of_the_calls_with_the_ids_that_the_service_gave() {
    let failed = Part::ToolResult(ToolResult {
        id: "f2".to_owned(),
        name: "list".to_owned(),
        content: "no".to_owned(),
        is_error: true,
    });
    let messages = vec![
        Message::user("look"),
        model(vec![
            call("f1", "read", "{\"p\":1}"),
            call("f2", "list", "{oops"),
            call("made-1-2", "now", ""),
        ]),
        user(vec![text("hurry"), result("made-1-2", "now", "C"), failed]),
        user(vec![result("f1", "read", "A")]),
    ];

    assert_eq!(
        contents("gemini-2.5-flash", messages),
        json!([
            { "role": "user", "parts": [{ "text": "look" }] },
            { "role": "model", "parts": [
                { "functionCall": { "id": "f1", "name": "read", "args": { "p": 1 } } },
                { "functionCall": { "id": "f2", "name": "list", "args": { "invalid_json": "{oops" } } },
                { "functionCall": { "name": "now", "args": {} } } ] },
            { "role": "user", "parts": [
                { "functionResponse": { "id": "f1", "name": "read", "response": { "output": "A" } } },
                { "functionResponse": { "id": "f2", "name": "list", "response": { "error": "no" } } },
                { "functionResponse": { "name": "now", "response": { "output": "C" } } } ] },
            { "role": "user", "parts": [{ "text": "hurry" }] },
        ])
    );
}

#[test]
fn a_conversation_begins_and_ends_with_the_user() {
    let only_thoughts = state("thought", 2, "hm");
    let foreign = Part::Reasoning(Reasoning {
        text: "hm".to_owned(),
        state: "{\"format\":\"chat\"}".to_owned(),
    });

    let completed =
        contents("gemini-4-hydrogen", vec![Message::assistant("so"), user(vec![text(" ")])]);
    let silent = contents(
        "gemini-4-hydrogen",
        vec![
            Message::user("a"),
            model(vec![only_thoughts]),
            Message::user("b"),
            model(vec![foreign]),
        ],
    );

    let roles: Vec<&Value> =
        completed.as_array().unwrap().iter().map(|content| &content["role"]).collect();
    assert_eq!(roles, ["user", "model", "user"]);
    assert_eq!(
        silent[1]["parts"],
        json!([{ "text": "hm", "thought": true, "thoughtSignature": "c2ln" }, { "text": "(no answer)" }])
    );
    assert_eq!(silent[3]["parts"], json!([{ "text": "(no answer)" }]));
    let empty = CompletionRequest { messages: Vec::new(), ..request("gemini-4-hydrogen") };
    assert!(encode(&endpoint(OFFICIAL, &[]), &empty).is_err());
}

#[test]
fn signatures_come_back_on_the_parts_that_they_came_on() {
    let parts = vec![
        text("unsigned "),
        state("text", 3, ""),
        text("é! and more"),
        state("text", 0, ""),
        state("call", 0, "hm"),
        call("1", "read", "{}"),
        call("2", "read", "{}"),
    ];

    let written = contents("gemini-4-hydrogen", vec![Message::user("a"), model(parts)]);

    assert_eq!(
        written[1]["parts"],
        json!([
            { "text": "unsigned " },
            { "text": "é!", "thoughtSignature": "c2ln" },
            { "text": " and more" },
            { "text": "", "thoughtSignature": "c2ln" },
            { "functionCall": { "id": "1", "name": "read", "args": {} }, "thoughtSignature": "c2ln" },
            { "functionCall": { "id": "2", "name": "read", "args": {} } },
        ])
    );
}

#[test]
fn a_signature_whose_part_has_changed_is_left_out() {
    let shorter = vec![state("text", 9, ""), text("short")];
    let inside = vec![state("text", 1, ""), text("é")];
    let gone = vec![state("call", 0, ""), text("instead")];
    let summary = vec![state("thought", 9, "hm"), text("so")];

    for (parts, expected) in [
        (shorter, json!([{ "text": "short" }])),
        (inside, json!([{ "text": "é" }])),
        (gone, json!([{ "text": "instead" }])),
        (summary, json!([{ "text": "so" }])),
    ] {
        let written = contents("gemini-4-hydrogen", vec![Message::user("a"), model(parts)]);
        assert_eq!(written[1]["parts"], expected);
    }
}

#[test]
fn a_call_of_another_vendors_model_has_the_word_for_that_where_signatures_are_checked() {
    let messages =
        || vec![Message::user("a"), model(vec![call("1", "read", "{}"), call("2", "read", "{}")])];
    let signatures = |model: &str| {
        let parts = contents(model, messages())[1]["parts"].clone();
        [&parts[0], &parts[1]].map(|part| part["thoughtSignature"].clone())
    };

    assert_eq!(signatures("gemini-2.5-pro"), [Value::Null, Value::Null]);
    assert_eq!(
        signatures("gemini-3.8-flash"),
        [json!("skip_thought_signature_validator"), Value::Null]
    );
}

/// Puts what a decoder said together as the host does, and sends it back.
fn there_and_back(parts: &Value) -> Value {
    let chunk =
        json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP" }] });
    let mut decoder = Reply::default();
    let mut events = Vec::new();
    decoder.push(chunk.to_string().as_bytes(), &mut events).unwrap();
    decoder.finish(&mut events).unwrap();
    let mut said: Vec<Part> = Vec::new();
    for event in events {
        match (event, said.last_mut()) {
            (Event::Text(more), Some(Part::Text(text))) => text.push_str(&more),
            (Event::Text(text), _) => said.push(Part::Text(text)),
            (Event::Reasoning(reasoning), _) => said.push(Part::Reasoning(reasoning)),
            (Event::CallStarted(start), _) => said.push(call(&start.id, &start.name, "")),
            (Event::CallArguments(more), Some(Part::ToolCall(call))) => {
                call.arguments.push_str(&more.json)
            }
            _ => {}
        }
    }
    contents("gemini-4-hydrogen", vec![Message::user("a"), model(said)])[1]["parts"].clone()
}

#[test]
fn what_the_service_signed_comes_back_to_it_unchanged() {
    let parts = json!([
        { "text": "Hm.", "thought": true, "thoughtSignature": "a" },
        { "text": "I look" },
        { "text": " now", "thoughtSignature": "b" },
        { "text": "." },
        { "functionCall": { "id": "1", "name": "read", "args": { "p": [1, 2.5] } }, "thoughtSignature": "c" },
        { "functionCall": { "id": "2", "name": "read", "args": {} } },
        { "text": "", "thoughtSignature": "d" },
    ]);

    assert_eq!(there_and_back(&parts), parts);
}

#[test]
fn tools_and_choices_are_written() {
    let config = |choice: ToolChoice| {
        let asked = CompletionRequest {
            tools: vec![tool("read")],
            tool_choice: choice,
            ..request("gemini-4-hydrogen")
        };
        sent(&asked)["toolConfig"]["functionCallingConfig"].clone()
    };
    let asked = CompletionRequest {
        tools: vec![tool("list"), tool("read")],
        ..request("gemini-4-hydrogen")
    };

    assert_eq!(config(ToolChoice::Automatic), Value::Null);
    assert_eq!(config(ToolChoice::None), json!({ "mode": "NONE" }));
    assert_eq!(config(ToolChoice::Required), json!({ "mode": "ANY" }));
    assert_eq!(
        config(ToolChoice::Named("read".to_owned())),
        json!({ "mode": "ANY", "allowedFunctionNames": ["read"] })
    );
    let tools = sent(&asked)["tools"].clone();
    assert_eq!(tools.as_array().unwrap().len(), 1, "one tool has all functions");
    assert_eq!(
        tools[0]["functionDeclarations"][1],
        json!({ "name": "read", "description": "does read",
            "parametersJsonSchema": { "type": "object", "properties": {} } })
    );
}

#[test]
fn each_generation_is_told_in_its_own_way_how_hard_to_think() {
    let thinking = |model: &str, effort: Option<Effort>, max_tokens: Option<u32>| {
        let asked = CompletionRequest { effort, max_tokens, ..request(model) };
        sent(&asked)["generationConfig"]["thinkingConfig"].clone()
    };
    let budget = |tokens: u32| json!({ "includeThoughts": true, "thinkingBudget": tokens });
    let level = |level: &str| json!({ "includeThoughts": true, "thinkingLevel": level });
    let shown = json!({ "includeThoughts": true });

    assert_eq!(thinking("gemini-2.0-flash", Some(Effort::High), None), Value::Null);
    assert_eq!(thinking("gemini-2.5-pro", Some(Effort::High), None), budget(24_576));
    assert_eq!(thinking("gemini-2.5-pro", Some(Effort::Medium), Some(8_000)), budget(4_000));
    assert_eq!(thinking("gemini-2.5-pro", Some(Effort::Low), Some(10)), budget(128));
    assert_eq!(thinking("gemini-2.5-flash-lite", Some(Effort::Low), Some(10)), budget(512));
    assert_eq!(thinking("gemini-2.5-flash-lite", None, None), Value::Null);
    assert_eq!(thinking("gemini-2.5-flash", None, None), shown);
    assert_eq!(thinking("gemini-3-pro-preview", Some(Effort::Medium), None), level("high"));
    assert_eq!(thinking("gemini-3.8-flash", Some(Effort::Medium), None), level("medium"));
    assert_eq!(thinking("gemini-4-hydrogen", Some(Effort::Low), None), level("low"));
    assert_eq!(thinking("gemini-4-hydrogen", None, None), shown);
}

#[test]
fn a_model_gets_only_the_parameters_that_it_takes() {
    let config = |model: &str| {
        let asked = CompletionRequest {
            temperature: Some(0.2),
            max_tokens: Some(1_000_000),
            ..request(model)
        };
        sent(&asked)["generationConfig"].clone()
    };

    assert_eq!(config("gemini-2.5-pro")["temperature"], 0.2);
    assert_eq!(config("gemini-3.8-flash").get("temperature"), None);
    assert_eq!(config("gemini-2.0-flash")["maxOutputTokens"], 8_192);
    assert_eq!(config("gemini-4-hydrogen")["maxOutputTokens"], 65_536);
    assert_eq!(config("gemma-4-27b-it")["maxOutputTokens"], 1_000_000);
}

#[test]
fn a_schema_is_enforced_where_the_service_can() {
    let config = |model: &str, tools: Vec<ToolSpec>, schema: &str| {
        let schema = Some(schema.to_owned());
        sent(&CompletionRequest { schema, tools, ..request(model) })["generationConfig"].clone()
    };
    let schema = r#"{"type":"object","properties":{"a":{"const":"x"}},"required":["a"],"additionalProperties":false}"#;

    let written = config("gemini-2.5-flash", Vec::new(), schema);
    assert_eq!(written["responseMimeType"], "application/json");
    assert_eq!(
        written["responseJsonSchema"],
        json!({ "type": "object", "properties": { "a": { "type": "string", "enum": ["x"] } },
            "required": ["a"], "additionalProperties": false })
    );
    assert_eq!(
        config("gemini-2.5-flash", vec![tool("read")], schema).get("responseMimeType"),
        None
    );
    assert!(
        config("gemini-4-hydrogen", vec![tool("read")], schema)["responseJsonSchema"].is_object()
    );
    let last = |model: &str| {
        let (schema, tools) = (Some(schema.to_owned()), vec![tool("read")]);
        let tool_choice = ToolChoice::None;
        let body = sent(&CompletionRequest { schema, tools, tool_choice, ..request(model) });
        (body.get("tools").is_some(), body["generationConfig"]["responseJsonSchema"].is_object())
    };
    assert_eq!(last("gemini-2.5-flash"), (false, true), "a tool that may not be called goes");
    assert_eq!(last("gemini-4-hydrogen"), (true, true));
    assert_eq!(last("gemini-2.0-flash"), (true, false));
    assert_eq!(config("gemini-2.0-flash", Vec::new(), schema), Value::Null);
    assert_eq!(config("gemini-2.5-flash", Vec::new(), "{").get("responseMimeType"), None);
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
    assert_eq!(refused(&request("a?b")), "/model");
    assert_eq!(
        refused(&CompletionRequest { tool_choice: ToolChoice::Required, ..request("m") }),
        "/tool-choice"
    );
    let other = ToolChoice::Named("write".to_owned());
    assert_eq!(
        refused(&CompletionRequest {
            tools: vec![tool("read")],
            tool_choice: other,
            ..request("m")
        }),
        "/tool-choice"
    );
    assert_eq!(
        refused(&CompletionRequest { tools: vec![broken], ..request("m") }),
        "/tools/0/parameters"
    );
}

#[test]
fn images_and_documents_are_looked_at_and_others_described() {
    let parts = ["image/png", "application/pdf", "image/gif"].map(attached).to_vec();

    let sent = sent(&CompletionRequest { messages: vec![user(parts)], ..request("m") });

    let inline = |kind: &str| json!({ "inlineData": { "mimeType": kind, "data": "AQI=" } });
    let parts = &sent["contents"][0]["parts"];
    assert_eq!((&parts[0], &parts[1]), (&inline("image/png"), &inline("application/pdf")));
    assert!(parts[2]["text"].as_str().unwrap().contains("image/gif"));
}

proptest! {
    #[test]
    fn any_conversation_is_written_as_the_service_wants_it(
        asked in any_request(&["gemini-2.0-flash", "gemini-2.5-flash-lite", "gemini-3-pro-preview", "gemini-4-hydrogen", "gemma"]),
    ) {
        let Ok(http) = Google::encode(&endpoint(OFFICIAL, &[]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let contents = body["contents"].as_array().unwrap();
        prop_assert!(contents.first().is_some_and(|content| content["role"] == "user"));
        prop_assert!(contents.last().is_some_and(|content| content["role"] == "user"));
        let mut open: Vec<(Value, Value)> = Vec::new();
        for content in contents {
            let parts = content["parts"].as_array().unwrap();
            prop_assert!(!parts.is_empty());
            let named = |kind: &str| -> Vec<(Value, Value)> {
                parts.iter().filter(|part| part[kind].is_object())
                    .map(|part| (part[kind]["id"].clone(), part[kind]["name"].clone())).collect()
            };
            let (calls, answers) = (named("functionCall"), named("functionResponse"));
            prop_assert_eq!(&answers, &open, "calls are answered at once, all and in order");
            prop_assert!(answers.is_empty() || answers.len() == parts.len());
            prop_assert!(calls.is_empty() || content["role"] == "model");
            prop_assert!(answers.is_empty() || content["role"] == "user");
            open = calls;
        }
        prop_assert!(open.is_empty());
        let limit = body["generationConfig"]["maxOutputTokens"].as_u64();
        prop_assert!(limit.is_none_or(|limit| limit > 0));
    }
}
