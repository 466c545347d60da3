use openkoi_provider_wire::testing::{read, reported, short, stream, unreadable};
use openkoi_sdk::{Failure, provider::Problem};
use serde_json::json;

use super::Reply;

fn events(lines: &[&str]) -> Vec<String> {
    short(&read::<Reply>(&stream(lines)).unwrap())
}

const START: &str = r#"{"type":"message_start","message":{"model":"claude-x","content":[],"usage":{"input_tokens":3,"cache_read_input_tokens":10,"cache_creation_input_tokens":20,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn end(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":7,"output_tokens_details":{{"thinking_tokens":2}}}}}}"#
    )
}

#[test]
fn text_is_read_and_what_the_cache_served_is_part_of_the_input() {
    let lines = [
        START,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"😀"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"something_new","x":1}"#,
        &end("end_turn"),
        STOP,
    ];

    assert_eq!(
        events(&lines),
        [
            "model claude-x",
            "usage 33 1 10 20 None",
            "text Grüße ",
            "text 😀",
            "usage 33 7 10 20 2",
            "finished Finished"
        ]
    );
}

#[test]
fn the_names_of_events_and_crlf_do_not_matter() {
    let body = stream(&[START, &end("end_turn"), STOP])
        .replace("data: ", "event: x\r\ndata:")
        .replace("\n\n", "\r\n\r\n");

    assert_eq!(short(&read::<Reply>(&body).unwrap()).pop().unwrap(), "finished Finished");
}

#[test]
fn parallel_calls_and_a_call_without_input_are_read() {
    let lines = [
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"read","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"p\":"}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"now","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"c","name":"all","input":{"x":2}}}"#,
        &end("tool_use"),
        STOP,
    ];

    assert_eq!(
        events(&lines),
        [
            "call 0 a read",
            "arguments 0 {\"p\":",
            "call 1 b now",
            "arguments 0 1}",
            "arguments 1 {}",
            "call 2 c all",
            "usage None 7 None None 2",
            // A block that was never closed is complete with the message.
            "arguments 2 {\"x\":2}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn thoughts_are_shown_and_kept_with_their_signatures() {
    let lines = [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"si"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"g"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"xyz"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        &end("end_turn"),
        STOP,
    ];

    assert_eq!(
        events(&lines),
        [
            "thought h",
            "thought m",
            r#"reasoning hm {"format":"messages","block":{"signature":"sig","thinking":"hm","type":"thinking"}}"#,
            r#"reasoning  {"format":"messages","block":{"data":"xyz","type":"redacted_thinking"}}"#,
            "usage None 7 None None 2",
            "finished Finished"
        ]
    );
}

#[test]
fn every_reason_to_stop_is_told_apart() {
    let cases = [
        ("end_turn", "finished Finished"),
        ("stop_sequence", "finished Finished"),
        ("tool_use", "finished ToolCalls"),
        ("max_tokens", "finished Length"),
        ("model_context_window_exceeded", "finished Length"),
        ("refusal", "finished Refused"),
        ("pause_turn", "finished Paused"),
        ("surprise", "finished Other(\"surprise\")"),
    ];

    for (reason, expected) in cases {
        assert_eq!(events(&[START, &end(reason), STOP]).pop().unwrap(), expected);
    }
}

#[test]
fn a_stream_that_is_cut_is_a_failure_and_one_that_only_lacks_its_last_event_is_not() {
    let interrupted = Failure::unavailable("the provider's answer was interrupted");

    assert_eq!(unreadable::<Reply>(stream(&[START]).as_bytes()), interrupted);
    assert_eq!(unreadable::<Reply>(b""), interrupted);
    assert_eq!(events(&[START, &end("end_turn")]).pop().unwrap(), "finished Finished");
}

#[test]
fn errors_inside_of_a_stream_have_their_meaning_and_what_came_before_them_is_kept() {
    let cases = [
        ("overloaded_error", Problem::Overloaded),
        ("api_error", Problem::Overloaded),
        ("rate_limit_error", Problem::RateLimited),
        ("authentication_error", Problem::Credentials),
        ("permission_error", Problem::Forbidden),
        ("billing_error", Problem::Quota),
        ("not_found_error", Problem::UnknownModel),
        ("request_too_large", Problem::ContextOverflow),
        ("invalid_request_error", Problem::InvalidRequest),
    ];
    for (kind, problem) in cases {
        let error = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"sorry"}}}}"#);
        let (before, meant, message) = reported::<Reply>(stream(&[START, &error]).as_bytes());
        assert_eq!((meant, message.as_str()), (problem, "sorry"), "{kind}");
        assert!(before[0].starts_with("model "), "{before:?}");
        assert_eq!(reported::<Reply>(error.as_bytes()).1, problem, "{kind}");
    }
}

#[test]
fn bytes_that_are_not_a_stream_are_a_failure() {
    assert!(matches!(unreadable::<Reply>(b"data: nonsense\n\n"), Failure::Unavailable(_)));
    assert!(matches!(unreadable::<Reply>(b"{\"ok\":1}"), Failure::Failed(_)));
}

#[test]
fn a_service_that_does_not_stream_is_understood() {
    let document = json!({ "type": "message", "model": "m", "stop_reason": "tool_use", "usage": { "input_tokens": 1, "output_tokens": 2 },
        "content": [{ "type": "thinking", "thinking": "hm", "signature": "s" }, { "type": "text", "text": "so" },
                    { "type": "tool_use", "id": "a", "name": "read", "input": { "p": 1 } }] });

    assert_eq!(
        short(&read::<Reply>(&document.to_string()).unwrap()),
        [
            "model m",
            "usage 1 2 None None None",
            "thought hm",
            r#"reasoning hm {"format":"messages","block":{"signature":"s","thinking":"hm","type":"thinking"}}"#,
            "text so",
            "call 0 a read",
            "arguments 0 {\"p\":1}",
            "finished ToolCalls"
        ]
    );
}
