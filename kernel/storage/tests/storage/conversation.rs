//! The conversation of a session.

use openkoi_core::message::{Message, Part};
use serde_json::json;

use crate::support::{Home, append, begin, finished, paused, session_id, turn};

fn said(text: &str) -> Message {
    Message::assistant(vec![Part::Text(text.to_owned())])
}

#[test]
fn the_conversation_is_what_the_last_task_was_told_what_it_was_asked_and_its_answer() {
    let home = Home::new();
    let storage = home.open();
    begin(&storage, "1", "s", "not the last one", 9);
    let last = begin(&storage, "2", "s", "what is this?", 5);
    append(&storage, &last, "i1/t0", 5, turn("executor", "p", "let me look", 5, 1));
    append(&storage, &last, "end", 5, finished(json!({ "ending": "accepted" }), "a fish", 5, 1));
    begin(&storage, "3", "other", "elsewhere", 9);

    let conversation = storage.conversation(&session_id("s")).unwrap();

    // What a task of the tests is told begins with `before`.
    let expected = [Message::user("before"), Message::user("what is this?"), said("a fish")];
    assert_eq!(conversation, expected);
}

#[test]
fn a_task_without_an_answer_was_interrupted() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "paused", "which one?", 1);
    append(&storage, &task, "i1/t0", 5, turn("executor", "p", "a koi, I", 5, 1));
    append(&storage, &task, "end", 5, paused("cancelled"));
    let task = begin(&storage, "2", "silent", "and?", 1);
    append(&storage, &task, "end", 5, finished(json!({ "ending": "exhausted" }), "", 5, 1));

    let of = |session: &str| storage.conversation(&session_id(session)).unwrap();

    let asked = |text: &str| [Message::user("before"), Message::user(text), said("(interrupted)")];
    assert_eq!(of("paused"), asked("which one?"));
    assert_eq!(of("silent"), asked("and?"));
}

#[test]
fn a_session_without_tasks_has_an_empty_conversation() {
    assert_eq!(Home::new().open().conversation(&session_id("s")).unwrap(), []);
}
