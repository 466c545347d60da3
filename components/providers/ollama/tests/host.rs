//! The codec on the real host: a server of this machine, and no key.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, World, component};

const STREAM: &str = concat!(
    r#"{"model":"m","message":{"role":"assistant","content":"hello"},"done":false}"#,
    "\n",
    r#"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":1}"#,
    "\n",
);

#[tokio::test]
async fn lines_become_a_turn_without_a_key() {
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(STREAM));

    let turn = world.ask("m", "say hello").await.unwrap();

    assert_eq!(
        (turn.text().as_str(), turn.usage.input, turn.usage.output),
        ("hello", Some(3), Some(1))
    );
    let request = &world.web().requests()[0];
    assert_eq!(request.url, "http://127.0.0.1:11434/api/chat");
}
