//! The codec on the real host: the request, the key that it never sees, and the turn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, Injection, ProviderSettings, World, asking, component};

/// Five messages of the format `vnd.amazon.eventstream`, with their checksums.
const STREAM: [&[u8]; 5] = [
    b"\x00\x00\x00v\x00\x00\x00R\x96\xd5\xfa\xde\x0b:event-type\x07\x00\x0cmessageStart\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event{\"role\":\"assistant\"}o\xa8\xc5\x99",
    b"\x00\x00\x00\x97\x00\x00\x00W\xf3\x0b\xe0>\x0b:event-type\x07\x00\x11contentBlockDelta\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event{\"contentBlockIndex\":0,\"delta\":{\"text\":\"hello\"}}\x9e\x14Zg",
    b"\x00\x00\x00}\x00\x00\x00V\xe6h\x0f\xd6\x0b:event-type\x07\x00\x10contentBlockStop\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event{\"contentBlockIndex\":0}\xb3.M4",
    b"\x00\x00\x00z\x00\x00\x00Q\xca,Fe\x0b:event-type\x07\x00\x0bmessageStop\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event{\"stopReason\":\"end_turn\"}_\xbf\x09\xfc",
    b"\x00\x00\x00\xb4\x00\x00\x00N\x11\x01\x1d*\x0b:event-type\x07\x00\x08metadata\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event{\"usage\":{\"inputTokens\":3,\"outputTokens\":1,\"totalTokens\":4},\"metrics\":{\"latencyMs\":1}}\x89@\x9c:",
];

#[tokio::test]
async fn a_stream_becomes_a_turn_and_the_key_stays_outside() {
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(STREAM.concat()));
    world.variable("AWS_BEARER_TOKEN_BEDROCK", "sk-canary-0123456789");

    let settings = ProviderSettings {
        options: vec![("region".to_owned(), "us-east-1".to_owned())],
        ..ProviderSettings::default()
    };
    let turn = world.complete(settings, "anthropic.claude-x", &asking("say hello")).await.unwrap();

    assert_eq!(
        (turn.text().as_str(), turn.usage.input, turn.usage.output),
        ("hello", Some(3), Some(1))
    );
    let request = &world.web().requests()[0];
    assert_eq!(
        request.url,
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-x/converse-stream"
    );
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(
        (credential.host.as_str(), &credential.inject),
        ("bedrock-runtime.us-east-1.amazonaws.com", &Injection::Bearer)
    );
}
