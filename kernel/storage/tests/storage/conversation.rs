//! What was said in a session.

use openkoi_core::message::{Message, Part};
use serde_json::json;

use crate::support::{Home, append, begin, finished, paused, session_id, turn};

fn said(text: &str) -> Message {
    Message::assistant(vec![Part::Text(text.to_owned())])
}

#[test]
fn the_conversation_is_what_was_asked_and_what_was_answered() {
    let home = Home::new();
    let storage = home.open();
    let first = begin(&storage, "1", "s", "what is this?", 9);
    append(&storage, &first, "plan", 9, turn("planner", "p", "a plan", 5, 1));
    append(&storage, &first, "i1/t0", 9, turn("executor", "p", "let me look", 5, 1));
    let end = finished(json!({ "ending": "accepted" }), "a fish", 5, 1);
    append(&storage, &first, "end", 9, end);
    let second = begin(&storage, "2", "s", "which one?", 5);
    append(&storage, &second, "i1/t0", 5, turn("executor", "p", "a koi, I", 5, 1));
    append(&storage, &second, "i1/e", 5, turn("evaluator", "p", "poor", 5, 1));
    append(&storage, &second, "end", 5, paused("cancelled"));
    begin(&storage, "3", "s", "and?", 1);
    begin(&storage, "4", "other", "elsewhere", 1);

    let conversation = storage.conversation(&session_id("s")).unwrap();

    let expected = [
        Message::user("what is this?"),
        said("a fish"),
        Message::user("which one?"),
        said("a koi, I"),
        Message::user("and?"),
    ];
    assert_eq!(conversation, expected);
}
