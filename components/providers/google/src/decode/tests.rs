use openkoi_provider_wire::testing::{read, reported, short, stream, unreadable};
use openkoi_sdk::{Failure, provider::Problem};
use serde_json::{Value, json};

use super::Reply;

fn events(chunks: &[Value]) -> Vec<String> {
    short(&read::<Reply>(&body(chunks)).unwrap())
}

/// Chunks as the service sends them: its lines end with CRLF.
fn body(chunks: &[Value]) -> String {
    let lines: Vec<String> = chunks.iter().map(Value::to_string).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    stream(&lines).replace('\n', "\r\n")
}

fn parts(parts: &Value) -> Value {
    json!({ "candidates": [{ "content": { "parts": parts, "role": "model" }, "index": 0 }] })
}

fn end(reason: &str) -> Value {
    json!({ "candidates": [{ "content": { "role": "model" }, "finishReason": reason, "index": 0 }] })
}

#[test]
fn text_is_read_and_counts_are_those_of_the_last_chunk() {
    let mut first = parts(&json!([{ "text": "Grüße " }]));
    first["modelVersion"] = "gemini-x".into();
    first["usageMetadata"] = json!({ "promptTokenCount": 9, "totalTokenCount": 9 });
    let mut last = parts(&json!([{ "text": "😀" }]));
    last["modelVersion"] = "gemini-x".into();
    last["candidates"][0]["finishReason"] = "STOP".into();
    last["usageMetadata"] = json!({
        "promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 3,
        "thoughtsTokenCount": 5, "totalTokenCount": 17,
    });

    assert_eq!(
        events(&[first, last]),
        [
            "model gemini-x",
            "text Grüße ",
            "usage 9 None None None None",
            "text 😀",
            "usage 9 8 4 None 5",
            "finished Finished",
        ]
    );
}

#[test]
fn what_built_in_tools_read_is_part_of_the_input_and_equal_counts_are_said_once() {
    let counts =
        json!({ "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "thoughtsTokenCount": 2 });
    let mut chunk = parts(&json!([]));
    chunk["usageMetadata"] = counts;

    assert_eq!(
        events(&[chunk.clone(), chunk, end("STOP")]),
        ["usage 15 2 None None 2", "finished Finished"]
    );
}

#[test]
fn parallel_calls_keep_their_ids_and_a_call_without_one_gets_its_own() {
    let given = parts(&json!([
        { "functionCall": { "id": "f1", "name": "read", "args": { "p": 1 } } },
        { "functionCall": { "id": "f2", "name": "read" } },
    ]));
    let bare = json!([
        { "functionCall": { "name": "read", "args": { "p": 1 } } },
        { "functionCall": { "name": "read", "args": { "p": 1 } } },
    ]);
    let answer = |response: &str| {
        let mut chunk = parts(&bare);
        chunk["responseId"] = response.into();
        let ids =
            events(&[chunk, end("STOP")]).into_iter().filter(|event| event.starts_with("call"));
        ids.map(|event| event.split(' ').nth(2).unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(
        events(&[given, end("STOP")]),
        [
            "call 0 f1 read",
            "arguments 0 {\"p\":1}",
            "call 1 f2 read",
            "arguments 1 {}",
            "finished ToolCalls"
        ]
    );
    let (first, second) = (answer("r1"), answer("r2"));
    assert_eq!(first, answer("r1"), "the same answer read again has the same ids");
    let mut all = [first, second].concat();
    assert!(all.iter().all(|id| id.starts_with("made-")), "{all:?}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4, "ids of equal calls differ, in one answer and in two");
}

#[test]
fn summaries_are_shown_and_each_signature_stands_before_its_part() {
    let chunks = [
        parts(&json!([{ "text": "h", "thought": true }])),
        parts(&json!([{ "text": "m", "thought": true }])),
        parts(&json!([{ "text": "so" }])),
        parts(
            &json!([{ "functionCall": { "id": "1", "name": "read", "args": {} }, "thoughtSignature": "c2ln" }]),
        ),
        parts(&json!([{ "functionCall": { "id": "2", "name": "read", "args": {} } }])),
        end("STOP"),
    ];

    assert_eq!(
        events(&chunks),
        [
            "thought h",
            "thought m",
            "text so",
            r#"reasoning hm {"format":"gemini","on":"call","length":0,"signature":"c2ln"}"#,
            "call 0 1 read",
            "arguments 0 {}",
            "call 1 2 read",
            "arguments 1 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn signatures_on_text_and_on_summaries_say_how_much_was_signed() {
    let chunks = [
        parts(&json!([{ "text": "ä", "thought": true, "thoughtSignature": "a" }])),
        parts(&json!([{ "text": "é!", "thoughtSignature": "b" }])),
        parts(&json!([{ "text": "", "thoughtSignature": "c" }])),
        parts(&json!([{ "thoughtSignature": "d" }])),
        end("STOP"),
    ];

    assert_eq!(
        events(&chunks),
        [
            "thought ä",
            r#"reasoning ä {"format":"gemini","on":"thought","length":2,"signature":"a"}"#,
            r#"reasoning  {"format":"gemini","on":"text","length":3,"signature":"b"}"#,
            "text é!",
            r#"reasoning  {"format":"gemini","on":"text","length":0,"signature":"c"}"#,
            r#"reasoning  {"format":"gemini","on":"text","length":0,"signature":"d"}"#,
            "finished Finished"
        ]
    );
}

#[test]
fn every_reason_to_stop_is_told_apart() {
    let cases = [
        ("STOP", "finished Finished"),
        ("MAX_TOKENS", "finished Length"),
        ("SAFETY", "finished Filtered"),
        ("RECITATION", "finished Filtered"),
        ("BLOCKLIST", "finished Filtered"),
        ("PROHIBITED_CONTENT", "finished Filtered"),
        ("SPII", "finished Filtered"),
        ("MALFORMED_FUNCTION_CALL", "finished Other(\"MALFORMED_FUNCTION_CALL\")"),
        ("SURPRISE", "finished Other(\"SURPRISE\")"),
    ];

    for (reason, expected) in cases {
        assert_eq!(events(&[end(reason)]), [expected]);
    }
    let call = parts(&json!([{ "functionCall": { "id": "1", "name": "read", "args": {} } }]));
    assert_eq!(events(&[call, end("MAX_TOKENS")]).pop().unwrap(), "finished Length");
}

#[test]
fn a_prompt_that_is_blocked_is_a_refusal() {
    let blocked = json!({
        "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" },
        "usageMetadata": { "promptTokenCount": 4 },
    });

    assert_eq!(events(&[blocked]), ["usage 4 None None None None", "finished Refused"]);
}

#[test]
fn what_comes_after_a_reason_to_stop_counts_and_what_is_empty_or_unknown_does_not() {
    let chunks = [
        json!({ "candidates": [] }),
        json!({ "usageMetadata": null }),
        json!({ "candidates": [{ "content": {} }] }),
        json!({ "candidates": [{ "content": { "parts": [{}, { "executableCode": { "code": "1" } }, 7, null] } }] }),
        json!({ "candidates": [{ "content": { "parts": [{ "functionCall": 7 }] } }] }),
        json!([1, 2]),
        end("STOP"),
        parts(&json!([{ "text": "more" }])),
    ];

    assert_eq!(events(&chunks), ["text more", "finished Finished"]);
}

#[test]
fn a_stream_that_is_cut_is_a_failure() {
    let interrupted = Failure::unavailable("the provider's answer was interrupted");
    let begun = body(&[parts(&json!([{ "text": "a" }]))]);

    assert_eq!(unreadable::<Reply>(begun.as_bytes()), interrupted);
    assert_eq!(unreadable::<Reply>(b""), interrupted);
    for cut in ["data: {\"candidates\":[", "data: nonsense\n\n"] {
        assert!(matches!(unreadable::<Reply>(cut.as_bytes()), Failure::Unavailable(_)), "{cut}");
    }
    assert!(matches!(unreadable::<Reply>(b"{\"ok\":1}"), Failure::Failed(_)));
}

#[test]
fn errors_inside_of_a_stream_have_their_meaning_and_what_came_before_them_is_kept() {
    let cases = [
        (503, "UNAVAILABLE", Problem::Overloaded),
        (500, "INTERNAL", Problem::Overloaded),
        (429, "RESOURCE_EXHAUSTED", Problem::RateLimited),
        (400, "INVALID_ARGUMENT", Problem::InvalidRequest),
        (400, "FAILED_PRECONDITION", Problem::Forbidden),
        (403, "PERMISSION_DENIED", Problem::Forbidden),
        (401, "UNAUTHENTICATED", Problem::Credentials),
    ];
    for (code, status, problem) in cases {
        let error = json!({ "error": { "code": code, "message": "sorry", "status": status } });
        let after = body(&[parts(&json!([{ "text": "a" }])), error.clone()]);

        let told = (vec!["text a".to_owned()], problem, "sorry".to_owned());
        assert_eq!(reported::<Reply>(after.as_bytes()), told, "{status}");
        assert_eq!(reported::<Reply>(error.to_string().as_bytes()).1, problem, "{status}");
    }
}

#[test]
fn a_bare_error_that_breaks_the_stream_off_is_found() {
    let bare = "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n    \
                \"status\": \"UNAVAILABLE\"\n  }\n}\n";
    let ended = format!("{}{bare}", body(&[parts(&json!([{ "text": "Okay" }])), end("STOP")]));

    let told =
        (vec!["text Okay".to_owned()], Problem::Overloaded, "The model is overloaded.".to_owned());
    assert_eq!(reported::<Reply>(ended.as_bytes()), told);
}

#[test]
fn a_service_that_does_not_stream_events_is_understood() {
    let mut whole = parts(&json!([{ "text": "so" }]));
    whole["candidates"][0]["finishReason"] = "STOP".into();
    let list =
        json!([parts(&json!([{ "text": "a" }])), parts(&json!([{ "text": "b" }])), end("STOP")]);

    let short = |document: &Value| short(&read::<Reply>(&document.to_string()).unwrap());
    assert_eq!(short(&whole), ["text so", "finished Finished"]);
    assert_eq!(short(&list), ["text a", "text b", "finished Finished"]);
    let half = unreadable::<Reply>(&whole.to_string().as_bytes()[..40]);
    assert!(matches!(half, Failure::Unavailable(_)), "{half:?}");
}
