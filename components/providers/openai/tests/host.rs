//! The codec on the real host: the request, the key that it never sees, and the turn.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, Injection, World, component};

const STREAM: &str = concat!(
    "data: {\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hello\"}}]}\n\n",
    "data: {\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n",
    "data: [DONE]\n\n",
);

#[tokio::test]
async fn a_stream_becomes_a_turn_and_the_key_stays_outside() {
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(STREAM));
    world.variable("OPENAI_API_KEY", "sk-canary-0123456789");

    let turn = world.ask("gpt-4o", "say hello").await.unwrap();

    assert_eq!(
        (turn.text().as_str(), turn.usage.input, turn.usage.output),
        ("hello", Some(3), Some(1))
    );
    let request = &world.web().requests()[0];
    assert_eq!(request.url, "https://api.openai.com/v1/chat/completions");
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(
        (credential.host.as_str(), &credential.inject),
        ("api.openai.com", &Injection::Bearer)
    );
}
