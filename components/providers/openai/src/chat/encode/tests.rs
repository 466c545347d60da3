use openkoi_provider_wire::testing::{
    any_request, attached, body, call, endpoint, header, message, request, result, tool,
};
use openkoi_sdk::{
    Failure,
    provider::{Codec, CompletionRequest, Effort, Message, Part, Reasoning, Speaker, ToolChoice},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::OpenAi;

const OFFICIAL: &str = "https://api.openai.com/v1";
const OTHER: &str = "https://models.test/v1";

fn sent(base_url: &str, options: &[(&str, &str)], request: &CompletionRequest) -> Value {
    body(&OpenAi::encode(&endpoint(base_url, options), request).unwrap())
}

#[test]
fn a_plain_request_says_what_was_asked_for_and_nothing_else() {
    let asked = CompletionRequest {
        system: "be good".to_owned(),
        max_tokens: Some(100),
        temperature: Some(0.5),
        ..request("gpt-4o")
    };

    let http =
        OpenAi::encode(&endpoint(OFFICIAL, &[("organization", "org"), ("project", "")]), &asked)
            .unwrap();

    assert_eq!(
        (http.method.as_str(), http.url.as_str()),
        ("POST", "https://api.openai.com/v1/chat/completions")
    );
    assert_eq!(header(&http, "openai-organization"), Some("org"));
    assert_eq!(header(&http, "openai-project"), None);
    assert_eq!(
        body(&http),
        json!({
            "model": "gpt-4o", "stream": true, "stream_options": { "include_usage": true },
            "max_tokens": 100, "temperature": 0.5,
            "messages": [{ "role": "system", "content": "be good" }, { "role": "user", "content": "hello" }],
        })
    );
}

#[test]
fn reasoning_models_are_asked_in_their_own_way() {
    let asked = |model: &str| CompletionRequest {
        system: "be good".to_owned(),
        max_tokens: Some(100),
        temperature: Some(0.5),
        effort: Some(Effort::High),
        ..request(model)
    };
    let body = sent(OFFICIAL, &[], &asked("o4-mini"));

    assert_eq!(body["messages"][0]["role"], "developer");
    assert_eq!(
        (&body["max_completion_tokens"], &body["reasoning_effort"]),
        (&json!(100), &json!("high"))
    );
    assert!(body.get("temperature").is_none() && body.get("max_tokens").is_none());
    let elsewhere = sent(OTHER, &[], &asked("openai/gpt-5"));
    assert_eq!(
        (&elsewhere["messages"][0]["role"], &elsewhere["max_completion_tokens"]),
        (&json!("system"), &json!(100))
    );
    let with_tools = CompletionRequest { tools: vec![tool("read")], ..asked("gpt-5.6-luna") };
    assert_eq!(sent(OFFICIAL, &[("api", "chat")], &with_tools)["reasoning_effort"], "none");
}

#[test]
fn options_change_what_compatible_services_refuse() {
    let asked = CompletionRequest {
        max_tokens: Some(1),
        schema: Some("{\"type\":\"object\"}".to_owned()),
        ..request("m")
    };
    let options = [
        ("max_tokens_parameter", "max_new_tokens"),
        ("stream_usage", "false"),
        ("json_schema", "false"),
    ];

    let plain = sent(OTHER, &[], &asked);
    let body = sent(OTHER, &options, &asked);

    assert!(plain["stream_options"].is_object() && plain["response_format"].is_object());
    assert_eq!(body["max_new_tokens"], 1);
    assert!(body.get("stream_options").is_none() && body.get("response_format").is_none());
    assert!(OpenAi::encode(&endpoint(OTHER, &[("stream_usage", "no")]), &asked).is_err());
}

#[test]
fn beside_tools_a_schema_goes_only_where_it_leaves_them_free() {
    let holds = |base_url: &str, options: &[(&str, &str)], choice: ToolChoice| {
        let asked = CompletionRequest {
            schema: Some("{\"type\":\"object\"}".to_owned()),
            tools: vec![tool("read")],
            tool_choice: choice,
            ..request("gpt-4o")
        };
        let body = sent(base_url, options, &asked);
        assert!(body["tools"].is_array(), "{body}");
        body["response_format"].is_object()
    };

    assert!(holds(OFFICIAL, &[], ToolChoice::Automatic));
    assert!(!holds(OTHER, &[], ToolChoice::Automatic));
    assert!(holds(OTHER, &[], ToolChoice::None));
    assert!(holds(OTHER, &[("schema_with_tools", "true")], ToolChoice::Automatic));
}

#[test]
fn a_schema_is_strict_only_if_it_is_closed() {
    let format = |schema: &str| {
        let asked = CompletionRequest { schema: Some(schema.to_owned()), ..request("gpt-4o") };
        sent(OFFICIAL, &[], &asked)["response_format"]["json_schema"].clone()
    };
    let closed = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],\"additionalProperties\":false}";

    assert_eq!(format(closed)["strict"], true);
    assert_eq!(format(&closed.replace("\"a\"]", "]"))["strict"], Value::Null);
    assert_eq!(format("{\"type\":\"object\"}")["strict"], Value::Null);
    let broken = CompletionRequest { schema: Some("{".to_owned()), ..request("gpt-4o") };
    assert!(matches!(OpenAi::encode(&endpoint(OFFICIAL, &[]), &broken), Err(Failure::Invalid(_))));
}

#[test]
fn tools_calls_and_results_are_written() {
    let asked = CompletionRequest {
        messages: vec![
            Message::user("look"),
            message(
                Speaker::Assistant,
                vec![call("1", "read", "{\"p\":1}"), call("2", "no such", "{oops")],
            ),
            message(Speaker::User, vec![result("1", "read", "A"), result("2", "no such", "")]),
        ],
        tools: vec![tool("read")],
        tool_choice: ToolChoice::Named("read".to_owned()),
        ..request("gpt-4o")
    };

    let body = sent(OFFICIAL, &[], &asked);

    assert_eq!(
        body["messages"],
        json!([
            { "role": "user", "content": "look" },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "1", "type": "function", "function": { "name": "read", "arguments": "{\"p\":1}" } },
                { "id": "2", "type": "function", "function": { "name": "no_such", "arguments": "{\"invalid_json\":\"{oops\"}" } } ] },
            { "role": "tool", "tool_call_id": "1", "content": "A" },
            { "role": "tool", "tool_call_id": "2", "content": "(no output)" },
        ])
    );
    assert_eq!(body["tool_choice"], json!({ "type": "function", "function": { "name": "read" } }));
    assert_eq!(
        body["tools"],
        json!([{ "type": "function", "function": { "name": "read", "description": "does read",
            "parameters": { "type": "object", "properties": {} } } }])
    );
}

#[test]
fn images_and_documents_are_looked_at_where_the_service_does_and_described_elsewhere() {
    let parts = ["image/png", "application/pdf", "image/svg+xml"].map(attached);
    let parts = [vec![Part::Text("see".to_owned())], parts.to_vec()].concat();
    let asked =
        CompletionRequest { messages: vec![message(Speaker::User, parts)], ..request("gpt-4o") };
    let content = |base: &str, options: &[(&str, &str)]| {
        sent(base, options, &asked)["messages"][0]["content"].clone()
    };
    let file = json!({ "type": "file", "file": {
        "filename": "document.pdf", "file_data": "data:application/pdf;base64,AQI=" } });

    let vendor = content(OFFICIAL, &[]);

    let image = json!({ "url": "data:image/png;base64,AQI=" });
    assert_eq!(vendor[0], json!({ "type": "text", "text": "see" }));
    assert_eq!(vendor[1], json!({ "type": "image_url", "image_url": image }));
    assert_eq!(vendor[2], file);
    assert!(vendor[3]["text"].as_str().unwrap().contains("image/svg+xml"));
    let other = "https://llm.example.com/v1";
    assert!(content(other, &[])[2]["text"].as_str().unwrap().contains("application/pdf"));
    assert_eq!(content(other, &[("documents", "true")])[2], file);
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
        ..request("deepseek-v4-pro")
    }
}

const CONTENT: &str = "{\"format\":\"chat\",\"field\":\"reasoning_content\",\"text\":\"hm\"}";

#[test]
fn reasoning_goes_back_with_the_calls_it_led_to_where_it_is_wanted() {
    let assistant = |base_url: &str, state: &str| {
        sent(base_url, &[], &thought_and_called(state))["messages"][1].clone()
    };

    assert_eq!(assistant(OTHER, CONTENT)["reasoning_content"], "hm");
    assert_eq!(assistant(OFFICIAL, CONTENT)["reasoning_content"], Value::Null);
    assert_eq!(
        assistant(OTHER, "{\"format\":\"chat\",\"field\":\"reasoning\",\"text\":\"hm\"}")["reasoning"],
        Value::Null
    );
    assert_eq!(
        assistant(OTHER, "{\"format\":\"chat\",\"blocks\":[{\"type\":\"x\",\"data\":\"e\"}]}")["reasoning_details"],
        json!([{ "type": "x", "data": "e" }])
    );
    // Another codec's state, and what is none.
    for foreign in ["{\"format\":\"messages\",\"block\":{}}", "", "{}"] {
        assert_eq!(
            assistant(OTHER, foreign),
            json!({ "role": "assistant", "content": null,
            "tool_calls": [{ "id": "1", "type": "function", "function": { "name": "read", "arguments": "{}" } }] })
        );
    }
}

#[test]
fn a_model_that_thinks_by_itself_is_kept_from_it_where_the_service_would_refuse() {
    let deepseek = "https://api.deepseek.com";
    let forced =
        CompletionRequest { tool_choice: ToolChoice::Required, ..thought_and_called(CONTENT) };

    assert_eq!(sent(deepseek, &[], &thought_and_called(CONTENT)).get("thinking"), None);
    assert_eq!(sent(deepseek, &[], &forced)["thinking"], json!({ "type": "disabled" }));
    assert_eq!(
        sent(deepseek, &[], &thought_and_called(""))["thinking"],
        json!({ "type": "disabled" })
    );
    assert_eq!(sent(OTHER, &[], &forced).get("thinking"), None);
}

#[test]
fn a_model_that_cannot_be_made_to_call_is_asked_to() {
    let asked = |model: &str| CompletionRequest {
        tools: vec![tool("read")],
        tool_choice: ToolChoice::Required,
        ..request(model)
    };
    let bound = sent("https://openrouter.ai/api/v1", &[], &asked("anthropic/claude-opus-5.5"));
    let other = sent("https://openrouter.ai/api/v1", &[], &asked("anthropic/claude-opus-4.8"));

    assert_eq!(bound.get("tool_choice"), None);
    assert_eq!(bound["messages"][0]["content"], "hello\n\nAnswer by calling one of the tools.");
    assert_eq!(other["tool_choice"], "required");
    assert_eq!(other["messages"][0]["content"], "hello");
}

#[test]
fn where_nothing_can_be_forced_the_model_is_asked_and_goes_on_thinking() {
    let asked = CompletionRequest {
        tool_choice: ToolChoice::Named("read".to_owned()),
        ..thought_and_called(CONTENT)
    };
    let asked = CompletionRequest { model: "kimi-k2.6".to_owned(), ..asked };

    let body = sent("https://api.moonshot.ai/v1", &[("forced_tools", "false")], &asked);

    assert_eq!((body.get("tool_choice"), body.get("thinking")), (None, None));
    assert_eq!(body["messages"][3]["content"], "Answer by calling the tool `read`.");
    assert_eq!(body["messages"][1]["reasoning_content"], "hm");
    // A call that another vendor's model made has no reasoning to send back.
    let foreign = CompletionRequest { model: "kimi-k2.6".to_owned(), ..thought_and_called("") };
    let body = sent("https://api.moonshot.ai/v1", &[("forced_tools", "false")], &foreign);
    assert_eq!(body["thinking"], json!({ "type": "disabled" }));
}

#[test]
fn thoughts_in_blocks_are_asked_for_and_go_back() {
    let options = [
        ("extra_body", "{\"reasoning_split\":true}"),
        ("max_tokens_parameter", "max_completion_tokens"),
    ];
    let state = "{\"format\":\"chat\",\"field\":\"reasoning_content\",\"blocks\":[{\"type\":\"reasoning.text\",\"text\":\"hm\"}]}";
    let asked = CompletionRequest { max_tokens: Some(9), ..thought_and_called(state) };

    let body = sent("https://api.minimax.io/v1", &options, &asked);

    assert_eq!(
        (&body["reasoning_split"], &body["max_completion_tokens"]),
        (&json!(true), &json!(9))
    );
    assert_eq!(
        body["messages"][1]["reasoning_details"],
        json!([{ "type": "reasoning.text", "text": "hm" }])
    );
}

#[test]
fn a_strict_service_gets_no_field_and_no_id_that_it_does_not_know() {
    let options = [("call_id_length", "9"), ("reasoning_back", "false"), ("stream_usage", "false")];
    let mut asked = thought_and_called(CONTENT);
    asked.messages[1].parts[1] = call("toolu_01", "read", "{}");
    asked.messages[2].parts[0] = result("toolu_01", "read", "A");

    let body = sent("https://api.mistral.ai/v1", &options, &asked);

    let id = body["messages"][1]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(body["messages"][2]["tool_call_id"], id);
    assert_eq!(body["messages"][1].get("reasoning_content"), None);
    assert_eq!(body.get("stream_options"), None);
}

#[test]
fn what_no_service_would_take_is_refused_before_it_is_sent() {
    let refused = |asked: &CompletionRequest| match OpenAi::encode(&endpoint(OFFICIAL, &[]), asked)
    {
        Err(Failure::Invalid(invalid)) => invalid.field,
        other => format!("{other:?}"),
    };

    assert_eq!(refused(&CompletionRequest { messages: Vec::new(), ..request("m") }), "/messages");
    assert_eq!(refused(&request("")), "/model");
    assert_eq!(
        refused(&CompletionRequest { tool_choice: ToolChoice::Required, ..request("m") }),
        "/tool-choice"
    );
    let missing = ToolChoice::Named("x".to_owned());
    assert_eq!(
        refused(&CompletionRequest { tool_choice: missing, ..request("m") }),
        "/tool-choice"
    );
    let mut broken = tool("read");
    broken.parameters = "[]".to_owned();
    assert_eq!(
        refused(&CompletionRequest { tools: vec![broken], ..request("m") }),
        "/tools/0/parameters"
    );
}

proptest! {
    #[test]
    fn any_conversation_is_written_or_refused_and_calls_are_answered_next(
        asked in any_request(&["gpt-4o", "o3", "deepseek-v4-pro", "gpt-6-astra"]),
        base_url in prop::sample::select(vec![OFFICIAL, OTHER, "https://api.deepseek.com"]),
    ) {
        let Ok(http) = OpenAi::encode(&endpoint(base_url, &[("api", "chat")]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let mut open: Vec<String> = Vec::new();
        for message in body["messages"].as_array().unwrap() {
            if message["role"] == "tool" {
                let id = message["tool_call_id"].as_str().unwrap();
                let place = open.iter().position(|call| call == id);
                prop_assert!(place.is_some(), "an answer without a call");
                open.remove(place.unwrap_or_default());
            } else {
                prop_assert!(open.is_empty(), "a call without an answer");
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                open.extend(calls.map(|call| call["id"].as_str().unwrap().to_owned()));
            }
        }
        prop_assert!(open.is_empty());
    }
}
