use openkoi_provider_wire::testing::{read_bytes, reported, short, unreadable};
use openkoi_sdk::{Failure, provider::Problem};
use serde_json::json;

use super::Reply;
use crate::frames::writer::{event, exception, message};

/// The events of a stream, which is read whole, cut in two at each byte, and byte by byte.
fn events(frames: &[Vec<u8>]) -> Vec<String> {
    short(&read_bytes::<Reply>(&frames.concat()).unwrap())
}

fn failure(frames: &[Vec<u8>]) -> Failure {
    unreadable::<Reply>(&frames.concat())
}

fn start() -> Vec<u8> {
    event("messageStart", r#"{"p":"abcd","role":"assistant"}"#)
}

fn call(place: u32, id: &str, name: &str) -> Vec<u8> {
    let start = json!({ "toolUse": { "toolUseId": id, "name": name } });
    event("contentBlockStart", &json!({ "contentBlockIndex": place, "start": start }).to_string())
}

fn delta(place: u32, delta: serde_json::Value) -> Vec<u8> {
    event("contentBlockDelta", &json!({ "contentBlockIndex": place, "delta": delta }).to_string())
}

fn close(place: u32) -> Vec<u8> {
    event("contentBlockStop", &json!({ "contentBlockIndex": place }).to_string())
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({ "stopReason": reason }).to_string())
}

fn metadata() -> Vec<u8> {
    event(
        "metadata",
        r#"{"metrics":{"latencyMs":1},"usage":{"inputTokens":3,"outputTokens":7,"totalTokens":40,"cacheReadInputTokens":10,"cacheWriteInputTokens":20}}"#,
    )
}

#[test]
fn text_is_read_and_what_the_cache_served_is_part_of_the_input() {
    let frames = [
        start(),
        delta(0, json!({ "text": "" })),
        delta(0, json!({ "text": "Grüße " })),
        delta(0, json!({ "text": "😀" })),
        delta(0, json!({ "citation": {} })),
        close(0),
        event("somethingNew", "{}"),
        stop("end_turn"),
        metadata(),
    ];

    assert_eq!(
        events(&frames),
        ["text Grüße ", "text 😀", "usage 33 7 10 20 None", "finished Finished"]
    );
}

#[test]
fn parallel_calls_and_a_call_without_input_are_read() {
    let input = |place, json: &str| delta(place, json!({ "toolUse": { "input": json } }));
    let frames = [
        start(),
        call(1, "a", "read"),
        input(1, ""),
        input(1, "{\"p\":"),
        call(2, "b", "now"),
        input(1, "1}"),
        close(1),
        close(2),
        call(3, "", "all"),
        input(9, "stray"),
        stop("tool_use"),
        event("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":2}}"#),
    ];

    assert_eq!(
        events(&frames),
        [
            "call 0 a read",
            "arguments 0 {\"p\":",
            "call 1 b now",
            "arguments 0 1}",
            "arguments 1 {}",
            "call 2 call_2 all",
            "usage 1 2 None None None",
            // A block that was never closed is complete with the message.
            "arguments 2 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn thoughts_are_shown_and_kept_with_their_signatures() {
    let thought = |place, part| delta(place, json!({ "reasoningContent": part }));
    let frames = [
        start(),
        thought(0, json!({ "text": "h" })),
        thought(0, json!({ "text": "m" })),
        thought(0, json!({ "signature": "si" })),
        thought(0, json!({ "signature": "g" })),
        close(0),
        // Two pieces of bytes, each encoded by itself: `a` and `bc`.
        thought(1, json!({ "redactedContent": "YQ==" })),
        thought(1, json!({ "redactedContent": "YmM=" })),
        close(1),
        thought(2, json!({ "text": "unsigned" })),
        close(2),
        stop("end_turn"),
        metadata(),
    ];

    assert_eq!(
        events(&frames),
        [
            "thought h",
            "thought m",
            r#"reasoning hm {"format":"converse","block":{"reasoningText":{"signature":"sig","text":"hm"}}}"#,
            r#"reasoning  {"format":"converse","block":{"redactedContent":"YWJj"}}"#,
            "thought unsigned",
            r#"reasoning unsigned {"format":"converse","block":{"reasoningText":{"text":"unsigned"}}}"#,
            "usage 33 7 10 20 None",
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
        ("guardrail_intervened", "finished Filtered"),
        ("content_filtered", "finished Filtered"),
        ("malformed_tool_use", "finished Other(\"malformed_tool_use\")"),
    ];

    for (reason, expected) in cases {
        assert_eq!(events(&[start(), stop(reason), metadata()]).pop().unwrap(), expected);
    }
}

#[test]
fn a_stream_that_is_cut_is_a_failure_and_one_that_only_lacks_its_counts_is_not() {
    let interrupted = Failure::unavailable("the provider's answer was interrupted");

    assert_eq!(failure(&[]), interrupted);
    assert_eq!(failure(&[start()]), interrupted);
    let mut half = metadata();
    half.truncate(half.len() / 2);
    assert_eq!(failure(&[start(), stop("end_turn"), half]), interrupted);
    assert_eq!(events(&[start(), stop("end_turn")]), ["finished Finished"]);
}

#[test]
fn errors_inside_of_a_stream_have_their_meaning_and_what_came_before_them_is_kept() {
    let text = || delta(0, json!({ "text": "Hal" }));
    let told = |frame: Vec<u8>| reported::<Reply>(&[start(), text(), frame].concat());
    let before = || vec!["text Hal".to_owned()];

    let passing = exception("throttlingException", r#"{"message":"slow down"}"#);
    assert_eq!(told(passing), (before(), Problem::RateLimited, "slow down".to_owned()));
    let refused = exception("validationException", r#"{"message":"no"}"#);
    assert_eq!(told(refused), (before(), Problem::InvalidRequest, "no".to_owned()));
    let headers =
        [(":message-type", "error"), (":error-code", "InternalFailure"), (":error-message", "oh")];
    assert_eq!(told(message(&headers, b"")), (before(), Problem::Overloaded, "oh".to_owned()));
}

#[test]
fn bytes_that_are_not_an_event_are_a_failure() {
    let broken = event("metadata", "{oops");
    assert!(matches!(failure(&[start(), broken]), Failure::Unavailable(_)));
}

#[test]
fn what_comes_after_the_end_does_not_count() {
    let late = exception("internalServerException", "{}");
    let frames = [start(), stop("end_turn"), metadata(), late];
    assert_eq!(events(&frames).pop().unwrap(), "finished Finished");
}
