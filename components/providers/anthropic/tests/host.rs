//! The codec on the real host: the request, the key that it never sees, and the turn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, Injection, World, component};

const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"content\":[],",
    "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},",
    "\"usage\":{\"output_tokens\":1}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

#[tokio::test]
async fn a_stream_becomes_a_turn_and_the_key_stays_outside() {
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(STREAM));
    world.variable("ANTHROPIC_API_KEY", "sk-canary-0123456789");

    let turn = world.ask("claude-x", "say hello").await.unwrap();

    assert_eq!(
        (turn.text().as_str(), turn.usage.input, turn.usage.output),
        ("hello", Some(3), Some(1))
    );
    let request = &world.web().requests()[0];
    assert_eq!(request.url, "https://api.anthropic.com/v1/messages");
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(
        (credential.host.as_str(), &credential.inject),
        (
            "api.anthropic.com",
            &Injection::Header { name: "x-api-key".to_owned(), prefix: String::new() }
        )
    );
}
