use openkoi_provider_wire::testing::{read, reported, short, stream, unreadable};
use openkoi_sdk::{Failure, provider::Problem};
use serde_json::json;

use crate::reply::Reply;

fn events(lines: &[&str]) -> Vec<String> {
    short(&read::<Reply>(&stream(lines)).unwrap())
}

fn delta(delta: &str) -> String {
    format!(
        "{{\"id\":\"chatcmpl-1\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}]}}"
    )
}

fn stop(reason: &str) -> String {
    format!(
        "{{\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":{reason}}}]}}"
    )
}

/// The events of a stream of these deltas that ends with `reason`, without the model.
fn told(deltas: &[&str], reason: &str) -> Vec<String> {
    let mut lines: Vec<String> = deltas.iter().map(|text| delta(text)).collect();
    lines.push(stop(reason));
    lines.push("[DONE]".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut events = events(&lines);
    assert_eq!(events.remove(0), "model m");
    events
}

fn piece(json: &str) -> String {
    format!("{{\"tool_calls\":{json}}}")
}

#[test]
fn text_usage_and_the_end_are_read() {
    let lines = [
        ": keep-alive",
        "{\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}",
        "{\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Größe \"}}]}",
        "{\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another\"}},{\"index\":0,\"delta\":{\"content\":\"😀\"},\"finish_reason\":\"stop\"}]}",
        "{\"id\":\"1\",\"model\":\"gpt-x\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}",
        "[DONE]",
    ];
    let body = stream(&lines).replace("data: : keep-alive", ": keep-alive");

    assert_eq!(
        short(&read::<Reply>(&body).unwrap()),
        ["model gpt-x", "text Größe ", "text 😀", "usage 9 5 4 None 2", "finished Finished"]
    );
}

#[test]
fn usage_is_found_wherever_a_service_puts_it() {
    let usage = |place: &str| {
        let line = format!(
            "{{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"{place}}}]}}"
        );
        events(&[&line, "[DONE]"]).remove(0)
    };

    assert_eq!(
        usage(",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}"),
        "usage 3 1 None None None"
    );
    assert_eq!(
        usage(
            "}],\"x_groq\":{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}},\"y\":[{\"z\":1"
        ),
        "usage 3 1 None None None"
    );
    assert_eq!(
        usage(
            "}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"prompt_cache_hit_tokens\":8},\"y\":[{\"z\":1"
        ),
        "usage 9 1 8 None None"
    );
    // Reasoning that a service counts apart from the output is part of it here.
    assert_eq!(
        usage(
            "}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":15,\"completion_tokens_details\":{\"reasoning_tokens\":5}},\"y\":[{\"z\":1"
        ),
        "usage 9 6 None None 5"
    );
}

#[test]
fn every_reason_to_stop_is_told_apart() {
    let said = ["{\"content\":\"a\"}"];
    let cases = [
        ("\"stop\"", "finished Finished"),
        ("\"length\"", "finished Length"),
        ("\"content_filter\"", "finished Filtered"),
        ("\"refusal\"", "finished Refused"),
        ("\"pause_turn\"", "finished Paused"),
        ("\"tool_calls\"", "finished Finished"),
        ("\"surprise\"", "finished Other(\"surprise\")"),
        // Never said, but ended in order.
        ("null", "finished Finished"),
        ("\"\"", "finished Finished"),
    ];

    for (reason, expected) in cases {
        assert_eq!(told(&said, reason), ["text a", expected], "{reason}");
    }
    assert_eq!(told(&[], "null"), ["finished Other(\"empty\")"]);
    assert_eq!(events(&["{\"choices\":[]}", "[DONE]"]), ["finished Other(\"empty\")"]);
    assert_eq!(told(&["{\"content\":null}"], "\"stop\""), ["finished Finished"]);
}

#[test]
fn a_refusal_is_shown_and_is_not_an_ordinary_end() {
    let deltas = ["{\"refusal\":\"I \"}", "{\"refusal\":\"can't.\"}", "{\"refusal\":null}"];

    assert_eq!(told(&deltas, "\"stop\""), ["text I ", "text can't.", "finished Refused"]);
}

#[test]
fn a_stream_that_is_cut_is_a_failure_and_one_that_only_lacks_its_mark_is_not() {
    let cut = stream(&[&delta("{\"content\":\"a\"}")]);
    let unmarked = stream(&[&delta("{\"content\":\"a\"}"), &stop("\"stop\"")]);
    let unclosed = format!("{unmarked}data: [DONE]");

    let interrupted = Failure::unavailable("the provider's answer was interrupted");
    assert_eq!(unreadable::<Reply>(cut.as_bytes()), interrupted);
    assert_eq!(unreadable::<Reply>(b""), interrupted);
    assert_eq!(short(&read::<Reply>(&unmarked).unwrap()).last().unwrap(), "finished Finished");
    assert_eq!(short(&read::<Reply>(&unclosed).unwrap()).last().unwrap(), "finished Finished");
}

#[test]
fn errors_inside_of_a_stream_have_their_meaning_and_what_came_before_them_is_kept() {
    let told = |lines: &[&str]| reported::<Reply>(stream(lines).as_bytes());
    let passing = "{\"error\":{\"code\":502,\"message\":\"upstream\"},\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}";
    let last = "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}";

    let begun = delta("{\"content\":\"a\"}");
    let (before, problem, message) = told(&[&begun, passing]);
    assert_eq!((before.last().unwrap().as_str(), problem), ("text a", Problem::Overloaded));
    assert_eq!(message, "upstream");
    assert_eq!(told(&[last]), (Vec::new(), Problem::InvalidRequest, "no".to_owned()));
    assert_eq!(reported::<Reply>(last.as_bytes()).1, Problem::InvalidRequest);
    let (_, problem, message) = told(&[&stop("\"insufficient_system_resource\"")]);
    assert_eq!(problem, Problem::Overloaded);
    assert_eq!(message, "the provider broke off its answer: insufficient_system_resource");
}

#[test]
fn bytes_that_are_not_a_stream_are_a_failure() {
    for passing in ["data: {oops\n\n", "{\"choices\":["] {
        assert!(matches!(unreadable::<Reply>(passing.as_bytes()), Failure::Unavailable(_)));
    }
    for last in ["<!doctype html>", "{\"ok\":true}"] {
        assert!(matches!(unreadable::<Reply>(last.as_bytes()), Failure::Failed(_)));
    }
}

#[test]
fn a_service_that_does_not_stream_is_understood() {
    let document = json!({ "id": "x", "model": "m", "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": "so", "reasoning_content": "hm",
        "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "read", "arguments": "{}" } }] } }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2 } });

    assert_eq!(
        short(&read::<Reply>(&document.to_string()).unwrap()),
        [
            "model m",
            "thought hm",
            "reasoning hm {\"format\":\"chat\",\"field\":\"reasoning_content\",\"text\":\"hm\"}",
            "text so",
            "call 0 c1 read",
            "arguments 0 {}",
            "usage 1 2 None None None",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn parallel_calls_are_kept_apart_by_their_places() {
    let deltas = [
        piece(
            "[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"read\",\"arguments\":\"\"}}]",
        ),
        piece(
            "[{\"index\":3,\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":\"{\\\"d\\\"\"}}]",
        ),
        piece(
            "[{\"index\":0,\"function\":{\"arguments\":\"{\\\"p\\\":\"}},{\"index\":3,\"function\":{\"arguments\":\":1}\"}}]",
        ),
        piece("[{\"index\":0,\"function\":{\"arguments\":\"2}\"}}]"),
    ];

    assert_eq!(
        told(&deltas.each_ref().map(String::as_str), "\"tool_calls\""),
        [
            "call 0 a read",
            "call 1 b list",
            "arguments 1 {\"d\"",
            "arguments 0 {\"p\":",
            "arguments 1 :1}",
            "arguments 0 2}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn one_place_for_several_calls_does_not_mix_them_up() {
    let with_ids = [
        piece(
            "[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\":1}\"}}]",
        ),
        piece(
            "[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\":2}\"}}]",
        ),
    ];
    let without_ids = [
        piece("[{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\":1}\"}}]"),
        piece("[{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\":2}\"}}]"),
        piece("[{\"index\":0,\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]"),
    ];

    assert_eq!(
        told(&with_ids.each_ref().map(String::as_str), "\"stop\""),
        [
            "call 0 a read",
            "arguments 0 {\"p\":1}",
            "call 1 b read",
            "arguments 1 {\"p\":2}",
            "finished ToolCalls"
        ]
    );
    assert_eq!(
        told(&without_ids.each_ref().map(String::as_str), "\"stop\""),
        [
            "call 0 call_0_chatcmpl1 read",
            "arguments 0 {\"p\":1}",
            "call 1 call_1_chatcmpl1 read",
            "arguments 1 {\"p\":2}",
            "call 2 call_2_chatcmpl1 list",
            "arguments 2 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn another_name_in_the_same_place_begins_another_call_even_before_the_first_is_whole() {
    let deltas = [
        piece("[{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\"\"}}]"),
        piece("[{\"index\":0,\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]"),
    ];

    assert_eq!(
        told(&deltas.each_ref().map(String::as_str), "\"stop\""),
        [
            "call 0 call_0_chatcmpl1 read",
            "arguments 0 {\"p\"",
            "call 1 call_1_chatcmpl1 list",
            "arguments 1 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn calls_without_places_are_told_apart_by_ids_names_and_order() {
    let deltas = [
        piece(
            "[{\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{\"}},{\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":\"{\"}}]",
        ),
        piece("[{\"id\":\"a\",\"function\":{\"arguments\":\"}\"}}]"),
        piece("[{\"function\":{\"arguments\":\"}\"}}]"),
    ];
    let bare = [piece(
        "[{\"function\":{\"name\":\"now\",\"arguments\":\"\"}},{\"function\":{\"name\":\"now\",\"arguments\":\"\"}}]",
    )];

    assert_eq!(
        told(&deltas.each_ref().map(String::as_str), "\"stop\""),
        [
            "call 0 a read",
            "arguments 0 {",
            "call 1 b list",
            "arguments 1 {",
            "arguments 0 }",
            "arguments 1 }",
            "finished ToolCalls"
        ]
    );
    assert_eq!(
        told(&bare.each_ref().map(String::as_str), "\"stop\""),
        [
            "call 0 call_0_chatcmpl1 now",
            "call 1 call_1_chatcmpl1 now",
            "arguments 0 {}",
            "arguments 1 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn a_name_that_is_repeated_begins_no_new_call() {
    let pieces = [
        piece(
            "[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\"\"}}]",
        ),
        piece(
            "[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\":1}\"}}]",
        ),
        // The whole call once more, as some services end.
        piece(
            "[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"p\\\":1}\"}}]",
        ),
    ];
    let new_ids = [
        piece("[{\"index\":0,\"id\":\"x1\",\"function\":{\"name\":\"read\",\"arguments\":\"{\"}}]"),
        piece("[{\"index\":0,\"id\":\"x2\",\"function\":{\"arguments\":\"}\"}}]"),
    ];

    assert_eq!(
        told(&pieces.each_ref().map(String::as_str), "\"tool_calls\""),
        ["call 0 a read", "arguments 0 {\"p\"", "arguments 0 :1}", "finished ToolCalls"]
    );
    assert_eq!(
        told(&new_ids.each_ref().map(String::as_str), "\"tool_calls\""),
        ["call 0 x1 read", "arguments 0 {", "arguments 0 }", "finished ToolCalls"]
    );
}

#[test]
fn two_calls_never_share_an_id_and_a_late_name_is_waited_for() {
    let same_id = [
        piece("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{}\"}}]"),
        piece("[{\"index\":1,\"id\":\"a\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]"),
    ];
    let late = [
        piece("[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{\"}}]"),
        piece("[{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"}\"}}]"),
    ];
    let never = [piece("[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":{\"p\":1}}}]")];

    assert_eq!(told(&same_id.each_ref().map(String::as_str), "\"stop\"")[2], "call 1 a-2 list");
    assert_eq!(
        told(&late.each_ref().map(String::as_str), "\"stop\""),
        ["call 0 a read", "arguments 0 {}", "finished ToolCalls"]
    );
    assert_eq!(
        told(&never.each_ref().map(String::as_str), "\"stop\""),
        ["call 0 a ", "arguments 0 {\"p\":1}", "finished ToolCalls"]
    );
}

#[test]
fn a_thousand_calls_keep_their_arguments() {
    let pieces: Vec<String> = (0..1_000)
        .map(|index| piece(&format!("[{{\"index\":{index},\"id\":\"c{index}\",\"function\":{{\"name\":\"t{index}\",\"arguments\":\"[{index}]\"}}}}]")))
        .collect();
    let lines: Vec<String> =
        pieces.iter().map(|text| delta(text)).chain([stop("\"tool_calls\"")]).collect();
    let body = stream(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mut reply = Reply::default();

    let mut read = Vec::new();
    openkoi_sdk::provider::Decoder::push(&mut reply, body.as_bytes(), &mut read).unwrap();
    let events = short(&read);

    assert_eq!(events[1..=2], ["call 0 c0 t0", "arguments 0 [0]"]);
    assert_eq!(events[1999..=2000], ["call 999 c999 t999", "arguments 999 [999]"]);
}

#[test]
fn reasoning_is_shown_and_kept_as_each_service_sends_it() {
    let content = [
        "{\"reasoning_content\":\"h\"}",
        "{\"reasoning_content\":\"m\",\"content\":null}",
        "{\"reasoning_content\":null,\"content\":\"so\"}",
    ];
    let blocks = [
        "{\"reasoning\":\"h\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"h\",\"index\":0}]}",
        "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"sig\",\"index\":0}]}",
        "{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"e\",\"index\":1}]}",
    ];
    let list = [
        "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"h\"}]},{\"type\":\"text\",\"text\":\"so\"}]}",
    ];

    assert_eq!(
        told(&content, "\"stop\""),
        [
            "thought h",
            "thought m",
            "reasoning hm {\"format\":\"chat\",\"field\":\"reasoning_content\",\"text\":\"hm\"}",
            "text so",
            "finished Finished"
        ]
    );
    assert_eq!(
        told(&blocks, "\"stop\""),
        [
            "thought h",
            "reasoning h {\"format\":\"chat\",\"field\":\"reasoning\",\"blocks\":[{\"index\":0,\"signature\":\"sig\",\"text\":\"h\",\"type\":\"reasoning.text\"},{\"data\":\"e\",\"index\":1,\"type\":\"reasoning.encrypted\"}]}",
            "finished Finished"
        ]
    );
    assert_eq!(
        told(&list, "\"stop\""),
        [
            "thought h",
            "reasoning h {\"format\":\"chat\",\"text\":\"h\"}",
            "text so",
            "finished Finished"
        ]
    );
}

#[test]
fn blocks_of_reasoning_that_come_beside_the_text_are_kept_whole() {
    let pieces = [
        r#"{"content":"","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"h"}]}"#,
        r#"{"content":"","reasoning_details":[{"type":"reasoning.text","id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,"text":"m"}]}"#,
    ];

    assert_eq!(
        told(&pieces, "\"stop\""),
        [
            "thought h",
            "thought m",
            r#"reasoning hm {"format":"chat","blocks":[{"format":"MiniMax-response-v1","id":"reasoning-text-1","index":0,"text":"hm","type":"reasoning.text"}]}"#,
            "finished Finished"
        ]
    );
}

#[test]
fn errors_with_a_good_status_have_their_meaning_in_every_form() {
    let begun = |line: &str| stream(&[&delta("{\"content\":\"Hal\"}"), line]);

    let cases = [
        (
            r#"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#,
            Problem::RateLimited,
            "rate limit (1002)",
        ),
        (
            r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
            Problem::Quota,
            "insufficient balance (1008)",
        ),
        (
            r#"{"object":"error","message":"too many","type":"rate_limit_error","code":429}"#,
            Problem::RateLimited,
            "too many",
        ),
        (
            r#"{"error":{"message":"upstream gone","code":502}}"#,
            Problem::Overloaded,
            "upstream gone",
        ),
        (
            r#"{"error":{"message":"no","type":"invalid_request_error"}}"#,
            Problem::InvalidRequest,
            "no",
        ),
        (
            r#"{"choices":[{"index":0,"delta":{},"error":{"message":"gone","code":502},"finish_reason":"error"}]}"#,
            Problem::Overloaded,
            "gone",
        ),
    ];
    for (line, problem, message) in cases {
        let (before, meant, said) = reported::<Reply>(begun(line).as_bytes());
        assert_eq!((meant, said.as_str()), (problem, message), "{line}");
        assert_eq!(before.last().unwrap(), "text Hal", "{line}");
    }
    let fine = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"base_resp":{"status_code":0,"status_msg":""}}"#;
    assert!(read::<Reply>(&begun(fine)).is_ok());
}
