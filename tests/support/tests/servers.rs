//! The servers as a client sees them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use openkoi_test_support::{
    Anthropic, Bedrock, OpenAi, Reply, Role, anthropic, bedrock, call, openai, reply,
    server::{Server, Wire},
};
use serde_json::{Value, json};

/// What a client got: everything up to the end of the connection, chunks put together.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
    chunks: usize,
}

fn send<W: Wire>(server: &Server<W>, head: &str, body: &str) -> Got {
    let url = server.base_url();
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    let length = body.len();
    let head = format!("{head}host: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    // A stalled or broken answer ends with an error; what came before it counts.
    stream.read_to_end(&mut bytes).ok();
    parse(&bytes)
}

/// Splits at the first line end of `mark`.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..place], &bytes[place + mark.len()..]))
}

fn parse(bytes: &[u8]) -> Got {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some((head, mut rest)) = split(bytes, b"\r\n\r\n") else {
        return Got { status: 0, head: text(bytes), body: String::new(), chunks: 0 };
    };
    let head = text(head);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if !head.contains("chunked") {
        return Got { status, head, body: text(rest), chunks: 0 };
    }
    let (mut body, mut chunks) = (Vec::new(), 0);
    while let Some((size, tail)) = split(rest, b"\r\n") {
        let size = usize::from_str_radix(&text(size), 16).unwrap();
        if size == 0 || tail.len() < size + 2 {
            break;
        }
        body.extend_from_slice(&tail[..size]);
        (chunks, rest) = (chunks + 1, &tail[size + 2..]);
    }
    Got { status, head, body: text(&body), chunks }
}

fn chat(server: &OpenAi, body: &Value) -> Got {
    let key = openai::Chat::KEY;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: \
         application/json\r\n"
    );
    send(server, &head, &body.to_string())
}

fn message(server: &Anthropic, body: &Value) -> Got {
    let key = anthropic::Messages::KEY;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\ncontent-type: \
         application/json\r\n"
    );
    send(server, &head, &body.to_string())
}

fn hello() -> Value {
    json!({
        "model": "gpt-4.1", "stream": true, "messages": [{ "role": "user", "content": "Hello" }],
    })
}

#[test]
fn a_good_request_gets_the_scripted_reply_and_is_kept() {
    let server = OpenAi::start([reply("Hi").header("x-extra", "1")]);

    let got = chat(&server, &hello());

    assert_eq!(got.status, 200);
    assert!(got.head.contains("text/event-stream") && got.head.contains("x-extra: 1"), "{got:?}");
    assert!(got.body.contains("\"content\":\"Hi\"") && got.body.ends_with("data: [DONE]\n\n"));
    let turns = server.turns();
    assert_eq!((turns.len(), turns[0].conversation.last_words()), (1, "Hello"));
    assert_eq!(server.roles(), [Role::Executor]);
    server.finish();
}

#[test]
fn a_violation_is_answered_with_400_and_fails_the_test() {
    let server = OpenAi::start([]);
    let mut body = hello();
    body["max_toks"] = json!(1);

    let got = chat(&server, &body);

    assert_eq!(got.status, 400);
    let error: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert_eq!(server.faults(), ["body: unknown field `max_toks`"]);
    server.take_violations();
}

#[test]
fn wrong_headers_paths_and_methods_are_violations() {
    let server = Anthropic::start([]);
    let post = "POST /v1/messages HTTP/1.1\r\ncontent-type: application/json\r\n";

    let statuses = [
        send(&server, post, "{}").status,
        send(&server, "POST /v1/complete HTTP/1.1\r\n", "{}").status,
        send(&server, "DELETE /v1/models HTTP/1.1\r\n", "").status,
    ];

    assert_eq!(statuses, [400, 404, 404]);
    let violations = server.take_violations();
    assert!(
        violations[0].starts_with("the header `x-api-key` is missing or wrong; "),
        "{violations:?}"
    );
    assert_eq!(
        violations[1..],
        ["no such endpoint: POST /v1/complete", "no such endpoint: DELETE /v1/models"]
    );
}

#[test]
fn models_are_listed_for_who_has_the_key() {
    let server = OpenAi::start([]);
    let head =
        format!("GET /v1/models HTTP/1.1\r\nauthorization: Bearer {}\r\n", openai::Chat::KEY);

    let list: Value = serde_json::from_str(&send(&server, &head, "").body).unwrap();

    assert_eq!(list["data"][0]["id"], openai::Chat::MODEL);
    assert_eq!(server.turns(), []);
    server.finish();
}

#[test]
fn a_request_too_many_and_a_reply_too_many_fail() {
    let server = OpenAi::start([reply("plan").to(Role::Planner)]);

    assert_eq!(chat(&server, &hello()).status, 400);

    let faults = server.faults();
    assert_eq!(
        faults,
        [
            "unexpected request: executor after 0 turns, results of [], user said \"Hello\"",
            "reply 1 was not asked for: Text(\"plan\") [planner]",
        ]
    );
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.finish()));
    assert!(judged.is_err());
}

#[test]
fn dropping_a_server_judges_it_too() {
    let dropped = std::panic::catch_unwind(|| drop(OpenAi::start([reply("x")])));

    assert!(dropped.is_err());
}

#[test]
fn every_way_of_cutting_gives_the_same_bytes() {
    let whole = {
        let server = Anthropic::start([reply("Grüße")]);
        let got = message(&server, &greeting());
        server.finish();
        got.body
    };
    let cuts =
        [reply("Grüße").byte_by_byte(), reply("Grüße").cut_by(7), reply("Grüße").cut_at(100)];
    for cut in cuts {
        let server = Anthropic::start([cut]);
        let got = message(&server, &greeting());
        assert_eq!(got.body, whole);
        assert!(got.chunks > 1, "{got:?}");
        server.finish();
    }
}

fn greeting() -> Value {
    json!({
        "model": "claude-sonnet-4-5", "max_tokens": 100, "stream": true,
        "messages": [{ "role": "user", "content": "Hello" }],
    })
}

#[test]
fn streams_end_early_break_and_stall() {
    let replies =
        [reply("Hello").ends_at(30), reply("Hello").breaks_at(30), reply("Hello").stalls_at(30)];
    let server = OpenAi::start(replies);

    for _ in 0..3 {
        let got = chat(&server, &hello());
        assert_eq!((got.status, got.body.len()), (200, 30));
    }
    server.finish();
}

#[test]
fn a_connection_can_be_closed_without_an_answer() {
    let server = OpenAi::start([reply("").hangs_up(), reply("Hi")]);

    assert_eq!(chat(&server, &hello()).head, "");
    assert_eq!(chat(&server, &hello()).status, 200);
    server.finish();
}

#[test]
fn errors_have_the_vendors_form() {
    let server = Anthropic::start([anthropic::overloaded(), anthropic::rate_limited(Some("2"))]);

    let (overloaded, limited) = (message(&server, &greeting()), message(&server, &greeting()));

    let error: Value = serde_json::from_str(&overloaded.body).unwrap();
    assert_eq!((overloaded.status, &error["error"]["type"]), (529, &json!("overloaded_error")));
    assert!(limited.status == 429 && limited.head.contains("retry-after: 2"), "{limited:?}");
    server.finish();
}

#[test]
fn thoughts_have_to_come_back_as_they_were_sent() {
    let replies = [call("ls", "{}").thinking("Hm", "sig"), reply("Done")];
    let server = Anthropic::start(replies);
    let mut body = greeting();
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": 2000 });
    body["tools"] =
        json!([{ "name": "ls", "input_schema": { "type": "object", "properties": {} } }]);
    assert_eq!(message(&server, &body).status, 200);

    let thought = |text: &str| json!({ "type": "thinking", "thinking": text, "signature": "sig" });
    let id = format!("toolu_{:012}{:012}", 0, 1);
    let mut second = |text: &str| {
        body["messages"] = json!([
            { "role": "user", "content": "Hello" },
            { "role": "assistant", "content": [
                thought(text), { "type": "tool_use", "id": id, "name": "ls", "input": {} },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": id, "content": "x" },
            ] },
        ]);
        message(&server, &body)
    };

    let changed = second("Hmm");
    assert_eq!(changed.status, 400);
    assert_eq!(server.take_violations().len(), 1, "{changed:?}");
    assert_eq!(second("Hm").status, 200);
    server.finish();
}

#[test]
fn a_reply_can_wait_for_the_result_of_a_tool() {
    let server = OpenAi::start([
        reply("Done").after("ls"),
        call("ls", "{}").at(0),
        Reply::json(500, &json!({})).if_asked(),
    ]);
    let mut body = hello();
    body["tools"] = json!([{ "type": "function", "function": { "name": "ls" } }]);

    let first = chat(&server, &body);
    assert!(first.body.contains("\"name\":\"ls\""), "{first:?}");
    let id = format!("call_{:024}", 0);
    let call =
        json!({ "id": id, "type": "function", "function": { "name": "ls", "arguments": "{}" } });
    body["messages"] = json!([
        { "role": "user", "content": "Hello" },
        { "role": "assistant", "tool_calls": [call] },
        { "role": "tool", "tool_call_id": id, "content": "x" },
    ]);
    assert!(chat(&server, &body).body.contains("Done"));
    server.finish();
}

#[test]
fn bedrock_takes_its_own_key_or_a_signature_and_answers_in_messages() {
    let server = Bedrock::start([reply("Hi"), reply("unused").if_asked()]);
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hello" }] }] });
    let post = |authorization: &str, model: &str| {
        let head = format!(
            "POST /model/{model}/converse-stream HTTP/1.1\r\nauthorization: {authorization}\r\n\
             content-type: application/json\r\n"
        );
        send(&server, &head, &body.to_string())
    };

    let got = post(&format!("Bearer {}", bedrock::API_KEY), "a.b-v1%3A0");
    assert_eq!(got.status, 200);
    assert!(got.head.contains("application/vnd.amazon.eventstream"), "{got:?}");
    assert!(got.body.contains("contentBlockDelta") && got.body.contains("\"text\":\"Hi\""));
    assert_eq!(server.faults(), Vec::<String>::new());

    let unsigned = post("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y", "a");
    assert_eq!((unsigned.status, server.take_violations().is_empty()), (400, false));
    // A colon is encoded in the path, as the vendor's SDKs do.
    let bare = post(&format!("Bearer {}", bedrock::API_KEY), "a.b-v1:0");
    assert_eq!((bare.status, server.take_violations().len()), (404, 1));
    server.finish();
}
