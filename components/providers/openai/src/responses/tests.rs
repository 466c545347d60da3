use openkoi_provider_wire::testing::{
    any_request, attached, body, call, endpoint, message, read, reported, request, result, short,
    stream, tool, unreadable,
};
use openkoi_sdk::{
    Failure,
    provider::{
        Codec, CompletionRequest, Effort, Message, Part, Problem, Reasoning, Speaker, ToolChoice,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{OpenAi, reply::Reply};

const OFFICIAL: &str = "https://api.openai.com/v1";

fn events(lines: &[&str]) -> Vec<String> {
    short(&read::<Reply>(&stream(lines)).unwrap())
}

const CREATED: &str =
    "{\"type\":\"response.created\",\"response\":{\"model\":\"gpt-x\",\"status\":\"in_progress\"}}";
const COMPLETED: &str = "{\"type\":\"response.completed\",\"response\":{\"model\":\"gpt-x\",\"usage\":{\"input_tokens\":7,\"output_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":3,\"cache_write_tokens\":2},\"output_tokens_details\":{\"reasoning_tokens\":4}}}}";

#[test]
fn text_and_usage_are_read() {
    let lines = [
        CREATED,
        "{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"message\",\"content\":[]}}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"o\"}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"k\"}",
        "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"ok\"}]}}",
        COMPLETED,
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"after the end\"}",
    ];

    assert_eq!(
        events(&lines),
        ["model gpt-x", "text o", "text k", "usage 7 5 3 2 4", "finished Finished"]
    );
}

#[test]
fn reasoning_and_parallel_calls_are_read() {
    let lines = [
        CREATED,
        "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"delta\":\"hm\"}",
        "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"text\":\"hm\"}],\"encrypted_content\":\"e\"}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"read\",\"arguments\":\"\"}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"call_id\":\"b\",\"name\":\"now\",\"arguments\":\"\"}}",
        "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"{\\\"p\\\":1}\"}",
        "{\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"call_id\":\"b\",\"name\":\"now\",\"arguments\":\"\"}}",
        "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"read\",\"arguments\":\"{\\\"p\\\":1}\"}}",
        COMPLETED,
    ];

    assert_eq!(
        events(&lines),
        [
            "model gpt-x",
            "thought hm",
            "reasoning hm {\"format\":\"responses\",\"item\":{\"encrypted_content\":\"e\",\"id\":\"rs\",\"summary\":[{\"text\":\"hm\"}],\"type\":\"reasoning\"}}",
            "call 0 a read",
            "call 1 b now",
            "arguments 0 {\"p\":1}",
            "arguments 1 {}",
            "usage 7 5 3 2 4",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn every_end_is_told_apart() {
    let incomplete = |reason: &str| {
        format!(
            "{{\"type\":\"response.incomplete\",\"response\":{{\"incomplete_details\":{{\"reason\":\"{reason}\"}}}}}}"
        )
    };
    let end = |line: &str| events(&[line]).pop().unwrap();

    assert_eq!(end(&incomplete("max_output_tokens")), "finished Length");
    assert_eq!(end(&incomplete("content_filter")), "finished Filtered");
    assert_eq!(end(&incomplete("x")), "finished Other(\"x\")");
    let refusal = "{\"type\":\"response.refusal.delta\",\"output_index\":0,\"delta\":\"no\"}";
    assert_eq!(events(&[refusal, COMPLETED])[0], "text no");
    assert_eq!(events(&[refusal, COMPLETED]).pop().unwrap(), "finished Refused");
    assert_eq!(
        unreadable::<Reply>(stream(&[CREATED]).as_bytes()),
        Failure::unavailable("the provider's answer was interrupted")
    );
}

#[test]
fn errors_have_their_meaning_in_each_of_their_forms() {
    let cases = [
        ("server_error", Problem::Overloaded),
        ("server_is_overloaded", Problem::Overloaded),
        ("rate_limit_exceeded", Problem::RateLimited),
        ("insufficient_quota", Problem::Quota),
        ("context_length_exceeded", Problem::ContextOverflow),
        ("invalid_prompt", Problem::Refused),
    ];
    for (code, problem) in cases {
        let error = json!({ "code": code, "message": "sorry" });
        let forms = [
            json!({ "type": "response.failed", "response": { "error": error } }),
            json!({ "type": "error", "error": error }),
            json!({ "type": "error", "code": code, "message": "sorry", "param": null }),
        ];
        for form in forms {
            let body = stream(&[CREATED, &form.to_string()]);
            let (before, meant, message) = reported::<Reply>(body.as_bytes());
            assert_eq!((meant, message.as_str()), (problem, "sorry"), "{form}");
            assert_eq!(before.len(), 1, "{before:?}");
        }
    }
}

#[test]
fn a_whole_response_is_read_as_well() {
    let document = json!({ "object": "response", "model": "gpt-x", "error": null, "output": [
        { "type": "message", "content": [{ "type": "output_text", "text": "ok" }] },
        { "type": "function_call", "call_id": "a", "name": "read", "arguments": "{}" } ] });

    assert_eq!(
        short(&read::<Reply>(&document.to_string()).unwrap()),
        ["model gpt-x", "text ok", "call 0 a read", "arguments 0 {}", "finished ToolCalls"]
    );
}

#[test]
fn the_newest_models_are_asked_with_their_reasoning_and_nothing_is_stored() {
    let state = "{\"format\":\"responses\",\"item\":{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[],\"encrypted_content\":\"e\"}}";
    let reasoning = Part::Reasoning(Reasoning { text: String::new(), state: state.to_owned() });
    let foreign = Part::Reasoning(Reasoning {
        text: String::new(),
        state: "{\"format\":\"chat\"}".to_owned(),
    });
    let asked = CompletionRequest {
        system: "be good".to_owned(),
        messages: vec![
            Message::user("look"),
            message(
                Speaker::Assistant,
                vec![
                    foreign,
                    reasoning.clone(),
                    Part::Text("so".to_owned()),
                    call("1", "read", "{}"),
                ],
            ),
            message(Speaker::User, vec![result("1", "read", "A")]),
            message(Speaker::Assistant, vec![reasoning]),
        ],
        tools: vec![tool("read")],
        tool_choice: ToolChoice::Named("read".to_owned()),
        max_tokens: Some(5),
        temperature: Some(0.5),
        effort: Some(Effort::Low),
        ..request("gpt-6.1-sol")
    };

    let http = OpenAi::encode(&endpoint(OFFICIAL, &[]), &asked).unwrap();

    assert_eq!(http.url, "https://api.openai.com/v1/responses");
    assert_eq!(
        body(&http),
        json!({
            "model": "gpt-6.1-sol", "stream": true, "store": false, "instructions": "be good",
            "max_output_tokens": 16, "include": ["reasoning.encrypted_content"], "reasoning": { "effort": "low" },
            "tools": [{ "type": "function", "name": "read", "description": "does read", "strict": false,
                "parameters": { "type": "object", "properties": {} } }],
            "tool_choice": { "type": "function", "name": "read" },
            "input": [
                { "role": "user", "content": [{ "type": "input_text", "text": "look" }] },
                { "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e" },
                { "role": "assistant", "content": [{ "type": "output_text", "text": "so" }] },
                { "type": "function_call", "call_id": "1", "name": "read", "arguments": "{}" },
                { "type": "function_call_output", "call_id": "1", "output": "A" },
            ],
        })
    );
}

#[test]
fn images_and_documents_are_looked_at_where_the_service_does_and_described_elsewhere() {
    let parts = ["image/png", "application/pdf"].map(attached).to_vec();
    let asked = CompletionRequest {
        messages: vec![message(Speaker::User, parts)],
        ..request("gpt-6.1-sol")
    };
    let content = |base: &str, options: &[(&str, &str)]| {
        body(&OpenAi::encode(&endpoint(base, options), &asked).unwrap())["input"][0]["content"]
            .clone()
    };

    let vendor = content(OFFICIAL, &[]);

    assert_eq!(
        vendor,
        json!([
            { "type": "input_image", "image_url": "data:image/png;base64,AQI=" },
            { "type": "input_file", "filename": "document.pdf",
              "file_data": "data:application/pdf;base64,AQI=" },
        ])
    );
    let other = content("https://llm.example.com/v1", &[("api", "responses")]);
    assert_eq!(other[1]["type"], "input_text");
}

#[test]
fn long_ids_of_another_provider_are_cut_and_still_told_apart() {
    let ids = ["a", "b"].map(|end| format!("{}{end}", "x".repeat(90)));
    let asked = CompletionRequest {
        messages: vec![
            message(Speaker::Assistant, ids.iter().map(|id| call(id, "read", "{}")).collect()),
            message(Speaker::User, ids.iter().map(|id| result(id, "read", id)).collect()),
        ],
        tools: vec![tool("read")],
        ..request("gpt-6.1-sol")
    };

    let body = body(&OpenAi::encode(&endpoint(OFFICIAL, &[]), &asked).unwrap());

    let items = body["input"].as_array().unwrap();
    let own = |at: usize| items[at]["call_id"].as_str().unwrap();
    assert!((0..4).all(|at| own(at).len() <= 64), "{body}");
    assert_ne!(own(0), own(1));
    for (call, output) in [(0, 2), (1, 3)] {
        assert_eq!(own(call), own(output));
        assert!(items[output]["output"].as_str().unwrap().ends_with(["a", "b"][call]));
    }
}

proptest! {
    #[test]
    fn any_conversation_is_written_or_refused_and_each_call_has_its_output(
        asked in any_request(&["gpt-6-astra", "gpt-4o"]),
    ) {
        let Ok(http) = OpenAi::encode(&endpoint(OFFICIAL, &[("api", "responses")]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let ids = |kind: &str| -> Vec<Value> {
            let mut ids: Vec<Value> = body["input"].as_array().unwrap().iter()
                .filter(|item| item["type"] == kind).map(|item| item["call_id"].clone()).collect();
            ids.sort_by_key(Value::to_string);
            ids
        };
        prop_assert_eq!(ids("function_call"), ids("function_call_output"));
    }
}
