//! The codec on the real host: the request, the key that it never sees, and the turn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, Injection, World, component};

const STREAM: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hello\"}],\"role\":\"model\"},\"index\":0}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],",
    "\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":1,\"totalTokenCount\":4}}\r\n\r\n",
);

#[tokio::test]
async fn a_stream_becomes_a_turn_and_the_key_stays_outside() {
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(STREAM));
    world.variable("GEMINI_API_KEY", "sk-canary-0123456789");

    let turn = world.ask("gemini-x", "say hello").await.unwrap();

    assert_eq!(
        (turn.text().as_str(), turn.usage.input, turn.usage.output),
        ("hello", Some(3), Some(1))
    );
    let request = &world.web().requests()[0];
    assert_eq!(
        request.url,
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    );
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(
        (credential.host.as_str(), &credential.inject),
        (
            "generativelanguage.googleapis.com",
            &Injection::Header { name: "x-goog-api-key".to_owned(), prefix: String::new() }
        )
    );
}
