use openkoi_provider_wire::testing::{read, reported, short, unreadable};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, Decoder, Event, Problem},
};

use super::Reply;

/// An answer to a request that asked for a window of 512 tokens.
struct Measured(Reply);

impl Default for Measured {
    fn default() -> Self {
        Self(Reply::new(Some(512)))
    }
}

impl Decoder for Measured {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        self.0.push(bytes, events)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        self.0.finish(events)
    }
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn events(list: &[&str]) -> Vec<String> {
    short(&read::<Reply>(&lines(list)).unwrap())
}

fn said(message: &str) -> String {
    format!(
        r#"{{"model":"m","created_at":"2026-08-05T08:10:56.37Z","message":{{"role":"assistant",{message}}},"done":false}}"#
    )
}

fn done(rest: &str) -> String {
    format!(
        r#"{{"model":"m","created_at":"2026-08-05T08:11:02.80Z","message":{{"role":"assistant","content":""}},"done":true{rest}}}"#
    )
}

#[test]
fn text_is_read_and_the_last_line_has_the_counts() {
    let list = [
        said(r#""content":"Grüße ""#),
        said(r#""content":"😀","something_new":1"#),
        done(
            r#","done_reason":"stop","total_duration":7577982042,"prompt_eval_count":262,"prompt_eval_cached_count":200,"eval_count":473"#,
        ),
        "{\"model\":\"m\",\"message\":{\"content\":\"after the end\"}}".to_owned(),
    ];
    let list = list.each_ref().map(String::as_str);

    let expected =
        ["model m", "text Grüße ", "text 😀", "usage 262 473 200 None None", "finished Finished"];
    assert_eq!(events(&list), expected);
    // Neither the ends of lines nor the last one's matter.
    let crlf = lines(&list[..3]).replace('\n', "\r\n\r\n");
    assert_eq!(short(&read::<Reply>(crlf.trim_end()).unwrap()), expected);
}

#[test]
fn calls_come_whole_and_those_without_an_id_get_one_of_their_own() {
    let list = [
        said(
            r#""content":"","tool_calls":[{"id":"call_x","function":{"index":0,"name":"read","arguments":{"p":1}}}]"#,
        ),
        said(
            r#""content":"","tool_calls":[{"function":{"index":0,"name":"list","arguments":{}}},{"function":{"name":"now"}}]"#,
        ),
        done(r#","done_reason":"stop""#),
    ];

    assert_eq!(
        events(&list.each_ref().map(String::as_str)),
        [
            "model m",
            "call 0 call_x read",
            "arguments 0 {\"p\":1}",
            "call 1 call_1_2026080508105637 list",
            "arguments 1 {}",
            "call 2 call_2_2026080508105637 now",
            "arguments 2 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn thoughts_are_shown_and_kept_before_what_they_led_to() {
    let list = [
        said(r#""content":"","thinking":"h""#),
        said(r#""content":"","thinking":"m""#),
        said(r#""content":"so""#),
        said(r#""content":"","thinking":"again""#),
        said(r#""content":"","tool_calls":[{"id":"a","function":{"name":"read","arguments":{}}}]"#),
        done(""),
    ];

    assert_eq!(
        events(&list.each_ref().map(String::as_str)),
        [
            "model m",
            "thought h",
            "thought m",
            r#"reasoning hm {"format":"ollama","thinking":"hm"}"#,
            "text so",
            "thought again",
            r#"reasoning again {"format":"ollama","thinking":"again"}"#,
            "call 0 a read",
            "arguments 0 {}",
            "finished ToolCalls"
        ]
    );
}

#[test]
fn every_reason_to_stop_is_told_apart() {
    let stop = |rest: &str| events(&[&done(rest)]).pop().unwrap();

    assert_eq!(stop(r#","done_reason":"stop""#), "finished Finished");
    assert_eq!(stop(r#","done_reason":"length""#), "finished Length");
    assert_eq!(stop(r#","done_reason":"load""#), "finished Other(\"load\")");
    assert_eq!(stop(r#","done_reason":"unload""#), "finished Other(\"unload\")");
    assert_eq!(stop(r#","done_reason":"""#), "finished Finished");
    assert_eq!(stop(""), "finished Finished");
}

#[test]
fn a_conversation_that_was_cut_is_a_failure() {
    let counted = |reason: &str, read_tokens: u64, written: u64| {
        let counts = format!(
            r#","done_reason":"{reason}","prompt_eval_count":{read_tokens},"eval_count":{written}"#
        );
        read::<Measured>(&lines(&[&said(r#""content":"a""#), &done(&counts)]))
    };

    for (read_tokens, written) in [(512, 11), (496, 30)] {
        let counted = counted("stop", read_tokens, written);
        let Err(Broken::Reported(diagnosis)) = counted else { panic!("{counted:?}") };
        assert_eq!(diagnosis.problem, Problem::ContextOverflow);
    }
    assert!(counted("stop", 318, 7).is_ok());
    let filled = short(&counted("length", 61, 452).unwrap());
    assert_eq!(filled.last().unwrap(), "finished Length");
    // Nothing is known of a window in the cloud.
    assert!(read::<Reply>(&done(r#","prompt_eval_count":100000,"eval_count":1"#)).is_ok());
}

#[test]
fn a_stream_that_breaks_off_is_an_interruption() {
    let interrupted = Failure::unavailable("the provider's answer was interrupted");
    let begun = lines(&[&said(r#""content":"a""#)]);

    assert_eq!(unreadable::<Reply>(b""), interrupted);
    assert_eq!(unreadable::<Reply>(begun.as_bytes()), interrupted);
    assert_eq!(unreadable::<Reply>(&done("").as_bytes()[..40]), interrupted);
}

#[test]
fn errors_inside_of_a_stream_have_their_meaning_and_what_came_before_them_is_kept() {
    let cases = [
        ("llama runner process has terminated", Problem::Overloaded),
        ("the input length exceeds the context length", Problem::ContextOverflow),
        ("x does not support tools", Problem::InvalidRequest),
    ];
    for (error, problem) in cases {
        let line = format!(r#"{{"error":"{error}"}}"#);
        let body = lines(&[&said(r#""content":"Hal""#), &line]);
        let (before, meant, message) = reported::<Measured>(body.as_bytes());
        assert_eq!((before, meant), (vec!["model m".to_owned(), "text Hal".to_owned()], problem));
        assert!(message.starts_with(error), "{message}");
    }
}

#[test]
fn bytes_that_are_not_a_stream_of_json_are_refused() {
    let page = unreadable::<Reply>(b"<html>\n<body>Welcome</body>\n</html>\n");

    let told = "the provider sent something that is not JSON; check its `base-url`";
    assert_eq!(page, Failure::failed(told));
}

#[test]
fn an_answer_in_one_document_is_understood() {
    let document = r#"{"created_at":"1970-01-01T00:00:00Z","done":true,"done_reason":"stop","eval_count":2,"message":{"content":"so","role":"assistant","thinking":"hm","tool_calls":[{"id":"a","function":{"name":"read","arguments":{"p":[1]}}}]},"model":"m","prompt_eval_count":1}"#;

    assert_eq!(
        short(&read::<Reply>(document).unwrap()),
        [
            "model m",
            "thought hm",
            r#"reasoning hm {"format":"ollama","thinking":"hm"}"#,
            "text so",
            "call 0 a read",
            "arguments 0 {\"p\":[1]}",
            "usage 1 2 None None None",
            "finished ToolCalls"
        ]
    );
}
