use openkoi_provider_wire::testing::{
    any_request, attached, body, call, endpoint, header, message, request, result, tool,
};
use openkoi_sdk::{
    Failure,
    provider::{Codec, Effort, Message, Part, Reasoning, Speaker, ToolResult},
};
use proptest::prelude::*;

use super::*;
use crate::Bedrock;

const BASE: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const SONNET: &str = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS: &str = "global.anthropic.claude-opus-5-5";
const NOVA: &str = "us.amazon.nova-pro-v1:0";

fn sent(request: &CompletionRequest) -> Value {
    body(&encode(&endpoint(BASE, &[("prompt_cache", "false")]), request).unwrap())
}

fn thought(block: &Value) -> Part {
    let state = json!({ "format": "converse", "block": block }).to_string();
    Part::Reasoning(Reasoning { text: "hm".to_owned(), state })
}

fn signed() -> Value {
    json!({ "reasoningText": { "text": "hm", "signature": "sig" } })
}

fn unsigned() -> Value {
    json!({ "reasoningText": { "text": "hm" } })
}

fn failed(id: &str) -> Part {
    let (id, name, content) = (id.to_owned(), "list".to_owned(), String::new());
    Part::ToolResult(ToolResult { id, name, content, is_error: true })
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
    let asked =
        CompletionRequest { max_tokens: Some(100), temperature: Some(1.5), ..request(SONNET) };

    let http = encode(&endpoint(BASE, &[("beta", "x, y")]), &asked).unwrap();

    let url = format!("{BASE}/model/{}%3A0/converse-stream", &SONNET[..SONNET.len() - 2]);
    assert_eq!((http.method.as_str(), http.url.as_str()), ("POST", url.as_str()));
    assert_eq!(header(&http, "accept"), Some("application/vnd.amazon.eventstream"));
    assert_eq!(header(&http, "content-type"), Some("application/json"));
    let point = json!({ "cachePoint": { "type": "default" } });
    assert_eq!(
        body(&http),
        json!({
            "messages": [{ "role": "user", "content": [{ "text": "hello" }, point] }],
            "inferenceConfig": { "maxTokens": 100, "temperature": 1.0 },
            "additionalModelRequestFields": { "anthropic_beta": ["x", "y"] },
        })
    );
    assert_eq!(sent(&request("unknown"))["inferenceConfig"], json!({}));
}

#[test]
fn an_arn_is_one_segment_of_the_path() {
    let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1";

    let http = encode(&endpoint(&format!("{BASE}/"), &[]), &request(arn)).unwrap();

    assert_eq!(
        http.url,
        format!(
            "{BASE}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2F\
             us.anthropic.claude-opus-4-6-v1/converse-stream"
        )
    );
    assert!(http.body.windows(10).any(|bytes| bytes == b"cachePoint"));
}

#[test]
fn a_model_that_its_id_does_not_name_can_be_named() {
    let asked = CompletionRequest {
        effort: Some(Effort::Low),
        ..request("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc")
    };
    let fields = |options: &[(&str, &str)]| {
        body(&encode(&endpoint(BASE, options), &asked).unwrap())
            .get("additionalModelRequestFields")
            .cloned()
    };

    assert_eq!(fields(&[]), None);
    let named = fields(&[("base_model", SONNET)]).unwrap();
    assert_eq!(named["thinking"], json!({ "type": "enabled", "budget_tokens": 4_096 }));
}

#[test]
fn cache_points_stand_where_the_family_takes_them() {
    let asked = |model: &str| {
        let mut asked = in_round(model, Vec::new());
        asked.system = "be good".to_owned();
        asked.messages.push(Message::assistant("done"));
        asked.messages.push(Message::user("thanks"));
        body(&encode(&endpoint(BASE, &[]), &asked).unwrap())
    };
    let point = json!({ "cachePoint": { "type": "default" } });
    let claude = asked(SONNET);

    assert_eq!(claude["system"], json!([{ "text": "be good" }, point]));
    assert_eq!(claude["toolConfig"]["tools"][2], point);
    assert_eq!(claude["messages"][4]["content"][1], point);
    assert_eq!(claude["messages"][2]["content"][1], point);
    assert_eq!(claude.to_string().matches("cachePoint").count(), 4);
    let nova = asked(NOVA);
    assert_eq!(nova["system"][1], point);
    assert_eq!(nova.to_string().matches("cachePoint").count(), 1);
    assert!(!asked("meta.llama4-scout-17b-instruct-v1:0").to_string().contains("cachePoint"));
}

#[test]
fn tools_and_choices_are_written() {
    let choice = |model: &str, choice: ToolChoice| {
        let asked =
            CompletionRequest { tools: vec![tool("read")], tool_choice: choice, ..request(model) };
        sent(&asked)
    };
    let named = ToolChoice::Named("read".to_owned());

    assert_eq!(
        choice(NOVA, ToolChoice::Automatic)["toolConfig"],
        json!({ "tools": [{ "toolSpec": {
            "name": "read",
            "description": "does read",
            "inputSchema": { "json": { "type": "object", "properties": {} } },
        } }] })
    );
    assert_eq!(
        choice(NOVA, ToolChoice::Required)["toolConfig"]["toolChoice"],
        json!({ "any": {} })
    );
    assert_eq!(
        choice(SONNET, named.clone())["toolConfig"]["toolChoice"],
        json!({ "tool": { "name": "read" } })
    );
    assert_eq!(choice(SONNET, ToolChoice::None).get("toolConfig"), None);
    for model in [OPUS, "meta.llama3-3-70b-instruct-v1:0"] {
        let asked = choice(model, named.clone());
        assert_eq!(asked["toolConfig"].get("toolChoice"), None, "{model}");
        assert_eq!(
            asked["messages"][0]["content"][1]["text"],
            "Answer by calling the tool `read`."
        );
    }
}

#[test]
fn what_was_called_is_said_in_words_where_no_tool_may_be_called() {
    let asked = |change: fn(&mut CompletionRequest)| {
        let mut asked = in_round(SONNET, Vec::new());
        change(&mut asked);
        sent(&asked)
    };
    for change in
        [(|asked| asked.tool_choice = ToolChoice::None) as fn(&mut CompletionRequest), |asked| {
            asked.tools.clear()
        }]
    {
        let body = asked(change);
        assert_eq!(body.get("toolConfig"), None);
        assert_eq!(
            (&body["messages"][1]["content"], &body["messages"][2]["content"]),
            (
                &json!([{ "text": "(The tool `read` was called with {\"p\":1}.)" }]),
                &json!([{ "text": "The tool `read` answered:\nA" }])
            )
        );
    }
}

#[test]
fn results_are_merged_into_one_message_before_everything_else() {
    let asked = |model: &str| {
        let calls = vec![call("1", "read", "{oops"), call("2", "list", "{}")];
        sent(&CompletionRequest {
            messages: vec![
                Message::user("look"),
                message(Speaker::Assistant, calls),
                message(
                    Speaker::User,
                    vec![Part::Text("hurry".to_owned()), result("1", "read", "A")],
                ),
                message(Speaker::User, vec![failed("2")]),
            ],
            tools: vec![tool("read")],
            ..request(model)
        })["messages"]
            .clone()
    };
    let results = |second: Value| {
        json!([
            { "toolResult": { "toolUseId": "1", "content": [{ "text": "A" }] } },
            { "toolResult": second },
            { "text": "hurry" },
        ])
    };

    let claude = asked(SONNET);

    assert_eq!(
        claude[1]["content"],
        json!([
            { "toolUse": { "toolUseId": "1", "name": "read", "input": { "invalid_json": "{oops" } } },
            { "toolUse": { "toolUseId": "2", "name": "list", "input": {} } },
        ])
    );
    let failed =
        json!({ "toolUseId": "2", "status": "error", "content": [{ "text": "(no output)" }] });
    assert_eq!(claude[2]["content"], results(failed));
    let in_words =
        json!({ "toolUseId": "2", "content": [{ "text": "The tool failed:\n(no output)" }] });
    assert_eq!(asked("mistral.mistral-large-2407-v1:0")[2]["content"], results(in_words));
}

#[test]
fn text_of_the_model_stands_before_its_calls() {
    let mut asked = in_round(NOVA, vec![call("0", "list", "{}"), Part::Text("a".to_owned())]);
    asked.messages[1].parts.push(Part::Text("b".to_owned()));

    let content = sent(&asked)["messages"][1]["content"].clone();

    assert_eq!((&content[0]["text"], &content[1]["text"]), (&json!("a"), &json!("b")));
    assert_eq!(content[2]["toolUse"]["toolUseId"], "0");
    assert_eq!(content[3]["toolUse"]["toolUseId"], "1");
}

#[test]
fn ids_are_short_enough_and_stay_apart() {
    let long = "x".repeat(100);
    let asked = CompletionRequest {
        messages: vec![
            Message::user("a"),
            message(Speaker::Assistant, vec![call(&long, "r", "{}"), call(&long, "r", "{}")]),
        ],
        tools: vec![tool("r")],
        ..request(SONNET)
    };

    let content = sent(&asked)["messages"][1]["content"].clone();

    let id = |index: usize| content[index]["toolUse"]["toolUseId"].as_str().unwrap();
    assert!(id(0).len() <= 64 && id(1).len() <= 64 && id(0) != id(1));
}

#[test]
fn thoughts_come_back_unchanged_where_the_model_takes_them() {
    let content = |model: &str, block: &Value| {
        sent(&in_round(model, vec![thought(block)]))["messages"][1]["content"].clone()
    };
    let redacted = json!({ "redactedContent": "YWJj" });

    for block in [signed(), redacted] {
        assert_eq!(content(SONNET, &block)[0], json!({ "reasoningContent": block }));
    }
    assert_eq!(content("openai.gpt-oss-120b-1:0", &unsigned())[0]["reasoningContent"], unsigned());
    // What Claude did not sign is another model's, and DeepSeek refuses its own.
    assert!(content(SONNET, &unsigned())[0].get("toolUse").is_some());
    assert!(content("us.deepseek.r1-v1:0", &unsigned())[0].get("toolUse").is_some());
    let foreign = Part::Reasoning(Reasoning {
        text: "hm".to_owned(),
        state: "{\"format\":\"messages\",\"block\":{}}".to_owned(),
    });
    let body = sent(&in_round(NOVA, vec![foreign]));
    assert!(body["messages"][1]["content"][0].get("toolUse").is_some());
}

#[test]
fn claude_thinks_as_its_generation_does() {
    let asked = |model: &str, choice: ToolChoice| {
        let body = sent(&CompletionRequest {
            effort: Some(Effort::Medium),
            temperature: Some(0.5),
            max_tokens: Some(8_000),
            tools: vec![tool("read")],
            tool_choice: choice,
            ..request(model)
        });
        (body["additionalModelRequestFields"].clone(), body["inferenceConfig"].clone())
    };

    let (fields, inference) = asked(SONNET, ToolChoice::Automatic);
    assert_eq!(fields, json!({ "thinking": { "type": "enabled", "budget_tokens": 4_000 } }));
    assert_eq!(inference, json!({ "maxTokens": 8_000 }));
    let (fields, _) = asked(OPUS, ToolChoice::Automatic);
    assert_eq!(fields["thinking"], json!({ "type": "adaptive", "display": "summarized" }));
    assert_eq!(fields["output_config"], json!({ "effort": "medium" }));
    let (fields, inference) = asked(SONNET, ToolChoice::Required);
    assert_eq!(fields, Value::Null);
    assert_eq!(inference, json!({ "maxTokens": 8_000, "temperature": 0.5 }));
    let (fields, _) = asked("global.anthropic.claude-opus-5", ToolChoice::Required);
    assert_eq!(fields["thinking"], json!({ "type": "disabled" }));
    let (fields, inference) = asked(NOVA, ToolChoice::Automatic);
    assert_eq!((fields, &inference["temperature"]), (Value::Null, &json!(0.5)));
}

#[test]
fn thinking_does_not_begin_in_the_middle_of_a_round() {
    let fields = |before: Vec<Part>| {
        let asked = CompletionRequest { effort: Some(Effort::Low), ..in_round(SONNET, before) };
        sent(&asked).get("additionalModelRequestFields").cloned()
    };

    assert!(fields(vec![thought(&signed())]).is_some());
    assert_eq!(fields(Vec::new()), None);
}

#[test]
fn thoughts_that_are_bound_to_their_beginning_may_be_dropped() {
    let asked = |before| sent(&in_round(OPUS, before))["additionalModelRequestFields"].clone();

    let fields = asked(vec![thought(&signed())]);

    let drop = json!({ "prefix_mismatch_behavior": "drop_block" });
    assert_eq!(fields["thinking"]["block_binding"], drop);
    assert_eq!(fields["anthropic_beta"], json!(["thinking-binding-controls-2026-08-01"]));
    let without = json!({ "thinking": { "type": "adaptive", "display": "summarized" } });
    assert_eq!(asked(Vec::new()), without);
}

#[test]
fn a_schema_is_enforced_where_the_service_can() {
    let format = |model: &str, schema: &str| {
        let asked = CompletionRequest { schema: Some(schema.to_owned()), ..request(model) };
        sent(&asked)["outputConfig"]["textFormat"].clone()
    };
    let closed = r#"{"additionalProperties":false,"properties":{},"type":"object"}"#;

    assert_eq!(
        format(SONNET, closed),
        json!({ "type": "json_schema", "structure": { "jsonSchema": {
            "name": "answer", "schema": closed } } })
    );
    assert_eq!(format(SONNET, r#"{"type":"object"}"#), Value::Null);
    assert_eq!(format(NOVA, closed), Value::Null);
}

#[test]
fn images_and_documents_are_looked_at_and_others_described() {
    let seen = |kinds: &[&str]| {
        let parts = kinds.iter().map(|kind| attached(kind)).collect();
        let messages = vec![
            message(Speaker::User, parts),
            message(Speaker::Assistant, vec![Part::Text("hm".to_owned())]),
            message(Speaker::User, vec![attached("application/pdf")]),
        ];
        sent(&CompletionRequest { messages, ..request(NOVA) })["messages"].clone()
    };
    let source = json!({ "bytes": "AQI=" });
    let document =
        |name: &str| json!({ "document": { "format": "pdf", "name": name, "source": source } });
    let word = json!({ "text": "(The document is attached.)" });

    let messages = seen(&["image/png", "application/pdf"]);

    let image = json!({ "image": { "format": "png", "source": source } });
    assert_eq!(messages[0]["content"], json!([image, document("document 1"), word]));
    assert_eq!(messages[2]["content"], json!([document("document 2"), word]));
    let other = seen(&["image/tiff"])[0]["content"][0]["text"].to_string();
    assert!(other.contains("image/tiff, 2 bytes"), "{other}");
}

#[test]
fn what_the_service_would_not_take_is_refused() {
    let refused = |asked: &CompletionRequest| match encode(&endpoint(BASE, &[]), asked) {
        Err(Failure::Invalid(invalid)) => invalid.field,
        other => format!("{other:?}"),
    };
    let mut broken = tool("read");
    broken.parameters = "no".to_owned();

    assert_eq!(refused(&request("")), "/model");
    let required = CompletionRequest { tool_choice: ToolChoice::Required, ..request("m") };
    assert_eq!(refused(&required), "/tool-choice");
    let unfit = CompletionRequest { tools: vec![broken], ..request("m") };
    assert_eq!(refused(&unfit), "/tools/0/parameters");
    let silent = CompletionRequest { messages: Vec::new(), ..request("m") };
    assert_eq!(refused(&silent), "/messages");
}

proptest! {
    #[test]
    fn any_conversation_is_written_as_the_service_wants_it(
        asked in any_request(&[SONNET, OPUS, NOVA, "us.deepseek.r1-v1:0", "unknown"]),
    ) {
        let Ok(http) = Bedrock::encode(&endpoint(BASE, &[]), &asked) else {
            return Ok(());
        };
        let body = body(&http);
        let messages = body["messages"].as_array().unwrap();
        let mut open: Vec<&Value> = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            prop_assert_eq!(&message["role"], if index % 2 == 0 { "user" } else { "assistant" });
            let blocks = message["content"].as_array().unwrap();
            prop_assert!(!blocks.is_empty());
            let of = |kind: &str| -> Vec<&Value> {
                let found = blocks.iter().filter_map(|block| block.get(kind));
                found.map(|block| &block["toolUseId"]).collect()
            };
            let answers = of("toolResult");
            prop_assert_eq!(answers.len(), open.len());
            prop_assert!(answers.iter().all(|id| open.contains(id)));
            prop_assert!(blocks[..answers.len()].iter().all(|block| block.get("toolResult").is_some()));
            prop_assert!(blocks.iter().all(|block| block.get("text").is_none_or(|text| !text.as_str().unwrap().trim().is_empty())));
            let first_call = blocks.iter().position(|block| block.get("toolUse").is_some());
            let claude = asked.model.contains("claude");
            prop_assert!(claude || first_call.is_none_or(|at| blocks[at..].iter().all(|block| block.get("text").is_none())));
            open = of("toolUse");
        }
        prop_assert!(open.is_empty());
        prop_assert!(messages.len() % 2 == 1, "the user speaks last");
        let text = body.to_string();
        prop_assert!(text.matches("cachePoint").count() <= 4);
        prop_assert!(!text.contains("\"toolUse\"") || body.get("toolConfig").is_some());
        let fields = &body["additionalModelRequestFields"];
        if let Some(budget) = fields["thinking"]["budget_tokens"].as_u64() {
            let most = body["inferenceConfig"]["maxTokens"].as_u64().unwrap();
            prop_assert!(budget >= 1_024 && budget < most);
            prop_assert!(body["inferenceConfig"].get("temperature").is_none());
        }
    }
}
