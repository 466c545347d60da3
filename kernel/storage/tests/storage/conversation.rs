//! The conversation of a session.

use openkoi_core::{
    event::Event,
    id::TaskId,
    message::{Message, Part},
    tool::ToolOutput,
};
use openkoi_storage::Storage;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{
    Home, append, begin, event, finished, paused, session_id, started, task_id, turn,
};

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

    let conversation = storage.conversation(&session_id("s"), None).unwrap();

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

    let of = |session: &str| storage.conversation(&session_id(session), None).unwrap();

    let asked = |text: &str| [Message::user("before"), Message::user(text), said("(interrupted)")];
    assert_eq!(of("paused"), asked("which one?"));
    assert_eq!(of("silent"), asked("and?"));
}

#[test]
fn a_session_without_tasks_has_an_empty_conversation() {
    assert_eq!(Home::new().open().conversation(&session_id("s"), None).unwrap(), []);
}

#[test]
fn what_the_tools_of_the_last_task_showed_is_known_as_far_as_it_still_holds() {
    let home = Home::new();
    let storage = home.open();
    let earlier = begin(&storage, "1", "s", "an earlier one", 1);
    call(&storage, &earlier, "c0", "read", "read_file", "gone", "of an earlier task");
    let last = begin(&storage, "2", "s", "the last one", 5);
    call(&storage, &last, "c0", "read", "read_file", "./a.rs", "old a");
    call(&storage, &last, "c1", "read", "read_file", "b.rs", "b");
    call(&storage, &last, "c2", "read", "list_directory", ".", "a.rs b.rs");
    call(&storage, &last, "c3", "execute", "shell", "sh test.sh", "1 of 2 pass");
    call(&storage, &last, "c4", "write", "write_file", "a.rs", "written");
    let state = json!({ "state": "absent" });
    let paths = json!([{ "path": "a.rs", "before": state, "after": state }]);
    let kept = event(json!({ "event": "effects.kept", "effects": { "paths": paths } }));
    append(&storage, &last, "c4/e0", 5, kept);
    call(&storage, &last, "c5", "read", "read_file", "b.rs", "b again");
    call(&storage, &last, "c6", "execute", "shell", "sh test.sh", "2 of 2 pass");

    let shown = |most| {
        let results = storage.results(&session_id("s"), None, most).unwrap();
        results.into_iter().map(|result| result.text).collect::<Vec<_>>()
    };

    assert_eq!(shown(10_000), ["b again", "2 of 2 pass"]);
    assert_eq!(shown(35), ["2 of 2 pass"]);
    assert_eq!(shown(3), ["2 o\n… (cut)"]);
    assert_eq!(shown(0), [""; 0]);

    let restored = event(json!({
        "event": "tree.restored", "tree": null, "steps": [], "done": ["b.rs"], "conflicts": [], "changes": [],
    }));
    append(&storage, &last, "end", 5, restored);
    assert_eq!(shown(10_000), [""; 0], "what was taken back is not there any more");
}

/// Journals a call and its result.
fn call(
    storage: &Storage,
    task: &TaskId,
    key: &str,
    effect: &str,
    tool: &str,
    target: &str,
    text: &str,
) {
    let arguments = json!({ if effect == "execute" { "command" } else { "path" }: target });
    let started = event(json!({
        "event": "call.started", "effect": effect, "origin": "files", "idempotent": true,
        "target": target,
        "call": { "id": key, "name": tool, "arguments": arguments.to_string() },
    }));
    append(storage, task, key, 5, started);
    let output = ToolOutput { text: text.to_owned(), ..ToolOutput::default() };
    let finished =
        Event::CallFinished { tool: tool.to_owned(), result: Ok(output), duration_ms: 1 };
    append(storage, task, key, 5, finished);
}

#[test]
fn a_conversation_is_kept_once_however_often_it_goes_on() {
    let home = Home::new();
    let storage = home.open();
    let mut sizes = Vec::new();
    let mut history = Vec::new();
    for number in 0..20 {
        let id = task_id(&number.to_string());
        let Event::TaskStarted {
            mut task,
            models,
            overview,
            notes,
            skills,
            instructions,
            tools,
            evaluators,
            rules,
        } = started(&id, &session_id("s"), "and then?")
        else {
            panic!("not the start of a task");
        };
        task.history = history.clone();
        let event = Event::TaskStarted {
            task,
            models,
            overview,
            instructions,
            notes,
            skills,
            tools,
            evaluators,
            rules,
        };
        append(&storage, &id, "start", number, event);
        append(
            &storage,
            &id,
            "end",
            number,
            finished(json!({ "ending": "accepted" }), "that", 5, 1),
        );
        history = storage.conversation(&session_id("s"), None).unwrap();
        sizes.push(length(&home));
    }

    assert_eq!(history.len(), 40, "all of it is read");
    assert_eq!(sizes[10] - sizes[9], sizes[19] - sizes[18], "and a message more costs what it did");
}

/// Returns the bytes that the journal and what it names take.
fn length(home: &Home) -> i64 {
    let sql = "SELECT CAST((SELECT total(length(payload)) FROM entries) + (SELECT total(length(text)) FROM texts) AS INTEGER)";
    let database = Connection::open(home.database()).unwrap();
    database.query_row(sql, (), |row| row.get(0)).unwrap()
}
