use openkoi_provider_wire::testing::{
    any_request, body, call, endpoint, header, message, request, result, tool,
};
use openkoi_sdk::{
    Failure,
    provider::{
        Blob, Codec, CompletionRequest, Effort, Message, Part, Reasoning, Speaker, ToolChoice,
        ToolResult,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Ollama;

const HERE: &str = "http://127.0.0.1:11434";

fn sent_with(options: &[(&str, &str)], asked: &CompletionRequest) -> Value {
    body(&Ollama::encode(&endpoint(HERE, options), asked).unwrap())
}

fn sent(asked: &CompletionRequest) -> Value {
    sent_with(&[], asked)
}

fn refused(options: &[(&str, &str)], asked: &CompletionRequest) -> String {
    match Ollama::encode(&endpoint(HERE, options), asked) {
        Err(Failure::Invalid(invalid)) => invalid.field,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_plain_request_says_what_was_asked_for_and_that_nothing_may_be_cut() {
    let asked = CompletionRequest {
        system: "be good".to_owned(),
        max_tokens: Some(100),
        temperature: Some(0.5),
        ..request("llama3.1")
    };

    let http = Ollama::encode(&endpoint(HERE, &[]), &asked).unwrap();

    assert_eq!(
        (http.method.as_str(), http.url.as_str()),
        ("POST", "http://127.0.0.1:11434/api/chat")
    );
    assert_eq!(header(&http, "accept"), Some("application/x-ndjson"));
    assert_eq!(
        body(&http),
        json!({
            "model": "llama3.1", "stream": true, "truncate": false, "shift": false,
            "options": { "num_ctx": 16_384, "num_predict": 100, "temperature": 0.5 },
            "messages": [{ "role": "system", "content": "be good" }, { "role": "user", "content": "hello" }],
        })
    );
}

#[test]
fn tools_calls_and_results_are_written() {
    let failed = Part::ToolResult(ToolResult {
        id: "2".to_owned(),
        name: "no such".to_owned(),
        content: "who?".to_owned(),
        is_error: true,
    });
    let asked = CompletionRequest {
        messages: vec![
            Message::user("look"),
            message(
                Speaker::Assistant,
                vec![
                    Part::Text("so".to_owned()),
                    call("1", "read", "{\"p\":1}"),
                    call("2", "no such", "{oops"),
                ],
            ),
            message(
                Speaker::User,
                vec![failed, result("1", "read", "A"), Part::Text("go on".to_owned())],
            ),
        ],
        tools: vec![tool("read")],
        ..request("llama3.1")
    };

    let body = sent(&asked);

    assert_eq!(
        body["messages"],
        json!([
            { "role": "user", "content": "look" },
            { "role": "assistant", "content": "so", "tool_calls": [
                { "id": "1", "type": "function", "function": { "name": "read", "arguments": { "p": 1 } } },
                { "id": "2", "type": "function", "function": { "name": "no_such", "arguments": { "invalid_json": "{oops" } } } ] },
            { "role": "tool", "tool_name": "no_such", "tool_call_id": "2", "content": "the tool failed:\nwho?" },
            { "role": "tool", "tool_name": "read", "tool_call_id": "1", "content": "A" },
            { "role": "user", "content": "go on" },
        ])
    );
    assert_eq!(
        body["tools"],
        json!([{ "type": "function", "function": { "name": "read", "description": "does read",
            "parameters": { "type": "object", "properties": {} } } }])
    );
}

#[test]
fn what_the_format_cannot_say_of_tools_is_said_in_words_or_by_leaving_them_out() {
    let choice = |choice: ToolChoice| {
        sent(&CompletionRequest {
            tools: vec![tool("read")],
            tool_choice: choice,
            ..request("llama3.1")
        })
    };

    assert_eq!(choice(ToolChoice::None).get("tools"), None);
    let named = choice(ToolChoice::Named("read".to_owned()));
    let words = "hello\n\nAnswer by calling the tool `read`.";
    assert_eq!(named["messages"][0]["content"], words);
    assert_eq!(choice(ToolChoice::Automatic)["messages"][0]["content"], "hello");
}

#[test]
fn images_stand_beside_the_text() {
    let image = |media_type: &str| {
        let blob = Blob { media_type: media_type.to_owned(), bytes: vec![1, 2, 3] };
        let parts = vec![Part::Text("see".to_owned()), Part::Attachment(blob)];
        CompletionRequest { messages: vec![message(Speaker::User, parts)], ..request("gemma3") }
    };

    assert_eq!(
        sent(&image("image/png"))["messages"],
        json!([{ "role": "user", "content": "see", "images": ["AQID"] }])
    );
    let described = sent(&image("application/pdf"))["messages"][0].clone();
    assert!(described["content"].as_str().unwrap().contains("application/pdf, 3 bytes"));
    assert_eq!(described.get("images"), None);
}

fn thought_and_called(state: &str) -> CompletionRequest {
    let reasoning = Part::Reasoning(Reasoning { text: "hm".to_owned(), state: state.to_owned() });
    CompletionRequest {
        messages: vec![
            Message::user("look"),
            message(Speaker::Assistant, vec![reasoning, call("1", "read", "{}")]),
            message(Speaker::User, vec![result("1", "read", "A")]),
        ],
        tools: vec![tool("read")],
        ..request("qwen3")
    }
}

#[test]
fn thoughts_go_back_with_the_calls_that_they_led_to() {
    let thinking =
        |state: &str| sent(&thought_and_called(state))["messages"][1]["thinking"].clone();

    assert_eq!(thinking("{\"format\":\"ollama\",\"thinking\":\"hm\"}"), "hm");
    for foreign in ["{\"format\":\"chat\",\"field\":\"reasoning\",\"text\":\"hm\"}", "", "{}"] {
        assert_eq!(thinking(foreign), Value::Null, "{foreign}");
    }
}

#[test]
fn a_model_is_asked_to_think_as_far_as_it_is_known_to() {
    let think = |model: &str, effort: Option<Effort>, option: &str| {
        let asked = CompletionRequest { effort, ..request(model) };
        sent_with(&[("think", option)], &asked).get("think").cloned()
    };

    assert_eq!(think("qwen3:8b", None, ""), None);
    assert_eq!(think("qwen3:8b", Some(Effort::Low), ""), Some(json!(true)));
    assert_eq!(think("gpt-oss:20b", Some(Effort::Low), ""), Some(json!("low")));
    assert_eq!(think("llama3.1", Some(Effort::High), ""), None);
    assert_eq!(think("llama3.1", None, "true"), Some(json!(true)));
    assert_eq!(think("qwen3:8b", Some(Effort::High), "false"), Some(json!(false)));
    assert_eq!(think("x", None, "max"), Some(json!("max")));
    assert_eq!(refused(&[("think", "hard")], &request("x")), "/options/think");
}

#[test]
fn a_schema_is_enforced_unless_there_are_tools() {
    let asked =
        |schema: &str| CompletionRequest { schema: Some(schema.to_owned()), ..request("llama3.1") };

    assert_eq!(sent(&asked("{\"type\":\"object\"}"))["format"], json!({ "type": "object" }));
    assert_eq!(refused(&[], &asked("{")), "/schema");
    let tools = CompletionRequest { tools: vec![tool("read")], ..asked("{\"type\":\"object\"}") };
    assert_eq!(sent(&tools).get("format"), None);
}

#[test]
fn how_long_a_model_stays_is_a_number_or_a_duration() {
    let keep =
        |value: &str| sent_with(&[("keep_alive", value)], &request("x"))["keep_alive"].clone();

    assert_eq!(keep("30m"), "30m");
    assert_eq!(keep("-1"), -1);
    assert_eq!(keep(""), Value::Null);
}

#[test]
fn a_window_grows_with_everything_that_is_read() {
    let text = "word ".repeat(20_000);
    let size = |asked: &CompletionRequest| sent(asked)["options"]["num_ctx"].clone();
    let mut large = tool("read");
    large.description.clone_from(&text);
    let image =
        Part::Attachment(Blob { media_type: "image/png".to_owned(), bytes: vec![0; 100_000] });

    assert_eq!(size(&request("llama3.1")), 16_384);
    assert_eq!(size(&CompletionRequest { system: text.clone(), ..request("llama3.1") }), 65_536);
    assert_eq!(size(&CompletionRequest { tools: vec![large], ..request("llama3.1") }), 65_536);
    let called =
        message(Speaker::Assistant, vec![call("1", "read", &json!({ "p": text }).to_string())]);
    assert_eq!(size(&CompletionRequest { messages: vec![called], ..request("llama3.1") }), 65_536);
    // The bytes of an image are not what a model reads of it.
    let seen = message(Speaker::User, vec![image]);
    assert_eq!(size(&CompletionRequest { messages: vec![seen], ..request("llama3.1") }), 16_384);
}

#[test]
fn what_cannot_fit_is_refused_before_it_is_sent() {
    let long = CompletionRequest { system: "word ".repeat(20_000), ..request("qwen2.5-coder") };

    let failure = Ollama::encode(&endpoint(HERE, &[]), &long).unwrap_err();

    let Failure::Limited(limit) = failure else { panic!("{failure:?}") };
    assert_eq!((limit.name.as_str(), limit.value), ("context-tokens", 32_768));
    assert!(Ollama::encode(&endpoint(HERE, &[("context", "65536")]), &long).is_ok());
    assert_eq!(refused(&[("context", "much")], &request("x")), "/options/context");
}

#[test]
fn what_the_service_would_not_take_is_refused_before_it_is_sent() {
    let mut broken = tool("read");
    broken.parameters = "[]".to_owned();

    assert_eq!(refused(&[], &request("")), "/model");
    assert_eq!(
        refused(&[], &CompletionRequest { messages: Vec::new(), ..request("m") }),
        "/messages"
    );
    let required = CompletionRequest { tool_choice: ToolChoice::Required, ..request("m") };
    assert_eq!(refused(&[], &required), "/tool-choice");
    let tools = CompletionRequest { tools: vec![broken], ..request("m") };
    assert_eq!(refused(&[], &tools), "/tools/0/parameters");
}

proptest! {
    #[test]
    fn any_conversation_is_written_or_refused_and_calls_are_answered_next(
        asked in any_request(&["llama3.1", "qwen3:8b", "gpt-oss:20b", "mine"]),
    ) {
        let Ok(http) = Ollama::encode(&endpoint(HERE, &[]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let mut open: Vec<Value> = Vec::new();
        for message in body["messages"].as_array().unwrap() {
            prop_assert!(message["content"].is_string());
            if message["role"] == "tool" {
                let place = open.iter().position(|id| *id == message["tool_call_id"]);
                prop_assert!(place.is_some(), "an answer without a call");
                open.remove(place.unwrap_or_default());
            } else {
                prop_assert!(open.is_empty(), "a call without an answer");
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                open.extend(calls.map(|call| call["id"].clone()));
            }
        }
        prop_assert!(open.is_empty());
        let (size, answer) = (&body["options"]["num_ctx"], &body["options"]["num_predict"]);
        prop_assert!(answer.as_u64().unwrap() >= 1 && answer.as_u64() <= size.as_u64());
        let temperature = &body["options"]["temperature"];
        prop_assert!(body["options"].get("temperature").is_none() || temperature.is_number());
    }
}
