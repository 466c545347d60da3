use openkoi_core::id::SessionId;
use openkoi_storage::sessions::{NewSession, SessionKind, SessionStatus};
use serde_json::{Value, json};

use super::*;
use crate::testing::{InJson, MINUTE, NOW, World, narrow, record, session_id, task_json, text};

fn session(tail: &str, title: &str) -> SessionRecord {
    SessionRecord {
        id: session_id(tail),
        kind: SessionKind::Chat,
        status: SessionStatus::Ended,
        title: title.to_owned(),
        workspace: "/pond".to_owned(),
        created_ms: NOW - 3 * 60 * MINUTE,
        updated_ms: NOW - 5 * MINUTE,
        tasks: 2,
        tokens: 45_600,
        cost_micros: 1_234_000,
        at_most: false,
    }
}

fn ids(document: &Value) -> Vec<String> {
    let sessions = document["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_has_a_row_for_each_session() {
    let other = SessionRecord {
        kind: SessionKind::Task,
        status: SessionStatus::Active,
        tasks: 10,
        cost_micros: 0,
        updated_ms: NOW,
        ..session("b0b", "write docs")
    };

    let list = SessionList { sessions: vec![session("a11ce", "fix the login"), other], why: None };

    assert_eq!(
        text(&list),
        "ID        KIND  STATUS  TASKS   COST  LAST NEWS  TITLE\n\
         000a11ce  chat  ended       2  $1.23  5 min ago  fix the login\n\
         00000b0b  task  active     10  $0.00  just now   write docs\n"
    );
}

#[test]
fn a_narrow_terminal_sets_each_session_out_and_cannot_be_driven_by_it() {
    let list =
        SessionList { sessions: vec![session("a11ce", "fix\x1b[2J the\nlogin form")], why: None };

    assert_eq!(
        narrow(&list),
        "000a11ce\n  KIND chat  STATUS ended  TASKS 2\n  COST $1.23  LAST NEWS 5 min ago\n\
         \x20 TITLE fix\\x1b[2J the login form\n"
    );
}

#[test]
fn without_sessions_the_list_says_so_and_is_empty_for_a_program() {
    let list = SessionList::default();

    assert_eq!(text(&list), "no sessions yet\n");
    assert_eq!(list.json(), json!({ "sessions": [] }));
}

#[test]
fn a_session_is_told_with_whole_ids_and_absolute_times() {
    let list = SessionList { sessions: vec![session("a11ce", "fix the login")], why: None };

    assert_eq!(
        list.json(),
        json!({ "sessions": [{
            "id": "01k9abcdef00000000000a11ce",
            "kind": "chat",
            "status": "ended",
            "title": "fix the login",
            "workspace": "/pond",
            "created_at": "2026-03-01T09:00:00Z",
            "updated_at": "2026-03-01T11:55:00Z",
            "tasks": 2,
            "tokens": 45_600,
            "cost_usd": 1.234,
            "cost_is_at_most": false,
        }] })
    );
}

#[test]
fn one_session_is_shown_with_its_tasks() {
    let shown = SessionDetails {
        session: session("a11ce", "fix the login"),
        tasks: vec![record("42", "\n  fix the login\nand its tests")],
        why: None,
    };

    assert_eq!(
        text(&shown),
        "session      000a11ce\n\
         title        fix the login\n\
         kind         chat\n\
         status       ended\n\
         workspace    /pond\n\
         begun        3 h ago\n\
         last news    5 min ago\n\
         cost         $1.23 (45.6k tokens)\n\
         \n\
         Tasks\n\
         ID        STATUS    SCORE     COST  STARTED     TASK\n\
         00000042  accepted    9.2  $0.0123  30 min ago  fix the login\n"
    );
    let json = shown.json();
    assert_eq!(
        json["task_list"],
        json!([task_json(&record("42", "\n  fix the login\nand its tests"))])
    );
    assert_eq!(json["tasks"], 2);
}

#[test]
fn a_session_without_tasks_says_so() {
    let session = session("a11ce", "fix the login");
    let shown = SessionDetails { session, tasks: Vec::new(), why: None };

    let text = text(&shown);

    assert_eq!(text.rsplit_once("\n\n").unwrap().1, "Tasks\nnone yet\n");
    assert_eq!(shown.json()["task_list"], json!([]));
}

#[test]
fn looking_at_sessions_before_the_first_creates_nothing() {
    let world = World::new();

    let listed = world.printed(list_of(20, false, &world.context()));
    let shown = show(Some("a".to_owned()), false, &world.context()).err().unwrap();

    assert_eq!(listed, ("no sessions yet\n".to_owned(), Exit::Accepted));
    let none = CommandError::usage("there is no session yet").hint("openkoi \"TASK\"");
    assert_eq!(shown, none);
    assert!(!world.home().join("data").exists());
}

#[test]
fn the_session_with_the_latest_news_comes_first_and_a_limit_holds() {
    let world = World::new();
    let storage = world.storage();
    for (tail, ago) in [("1", 3), ("2", 1), ("3", 2)] {
        let new = NewSession {
            id: session_id(tail),
            kind: SessionKind::Chat,
            title: "talk".to_owned(),
            workspace: "/pond".to_owned(),
        };
        storage.begin_session(&new, NOW - ago * MINUTE).unwrap();
    }

    let all = ids(&world.document(list_of(20, true, &world.context())));
    let two = ids(&world.document(list_of(2, true, &world.context())));

    assert_eq!(all, ["2", "3", "1"].map(|tail| session_id(tail).as_str().to_owned()));
    assert_eq!(two, all[..2]);
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_shown_id() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "42", "5e55", "fix the login");

    let (text, exit) = world.printed(show(Some("00005e".to_owned()), false, &world.context()));

    assert_eq!(exit, Exit::Accepted);
    assert_eq!(
        text,
        "session      00005e55\n\
         title        fix the login\n\
         kind         task\n\
         status       ended\n\
         workspace    /world/work\n\
         begun        30 min ago\n\
         last news    28 min ago\n\
         cost         $0.0340 (1200 tokens)\n\
         \n\
         Tasks\n\
         ID        STATUS    SCORE     COST  STARTED     TASK\n\
         00000042  accepted      -  $0.0340  30 min ago  fix the login\n"
    );
}

#[test]
fn where_nobody_can_pick_the_sessions_are_named_as_lines_to_paste() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "42", "5e55", "fix the login");

    let error = show(None, false, &world.context()).err().unwrap();

    let expected = CommandError::usage("which session? there is no terminal to pick on");
    let hint = "openkoi session show 00005e55   (ended, fix the login)";
    assert_eq!(error, expected.hint(hint));
}

/// Runs `session delete` and returns what it comes to.
fn deleted(world: &World, id: &str, yes: bool) -> Result<Exit, CommandError> {
    let command = SessionCommand::Delete { id: Some(id.to_owned()), yes };
    run(Args { command: Some(command) }, &world.context())
}

fn is_there(storage: &Storage, session: &SessionId) -> bool {
    storage.session(session).unwrap().is_some()
}

#[test]
fn a_deleted_session_takes_its_tasks_and_outputs_along_and_leaves_the_others() {
    let world = World::new();
    let storage = world.storage();
    let gone = world.ended(&storage, "42", "5e55", "fix the login");
    let stays = world.ended(&storage, "43", "0e0e", "write docs");
    let output = storage.write_output(&session_id("5e55"), &gone, "It is done.").unwrap();

    let exit = deleted(&world, "00005e55", true).unwrap();

    assert_eq!(exit, Exit::Accepted);
    assert!(!is_there(&storage, &session_id("5e55")));
    assert!(is_there(&storage, &session_id("0e0e")));
    assert!(storage.find_task(gone.as_str()).is_err());
    assert_eq!(storage.find_task(stays.as_str()).unwrap().id, stays);
    assert!(!output.exists());
}

#[test]
fn nothing_is_deleted_where_nobody_can_be_asked() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "42", "5e55", "fix the login");

    let error = deleted(&world, "00005e55", false).unwrap_err();

    let message = "delete session 00005e55 with 1 task? (there is no terminal to answer on)";
    let expected = CommandError::new(Exit::NeedsApproval, message);
    assert_eq!(error, expected.hint("openkoi session delete 00005e55 --yes"));
    assert!(is_there(&storage, &session_id("5e55")));
}

#[test]
fn a_session_that_somebody_works_in_is_not_deleted() {
    let world = World::new();
    let storage = world.storage();
    world.begin(&storage, "42", "5e55", "fix the login");

    let error = deleted(&world, "00005e55", true).unwrap_err();

    assert_eq!(error.kind, Exit::Configuration);
    assert!(error.message.ends_with("another process is running it"), "{error}");
    assert!(is_there(&storage, &session_id("5e55")));
}

#[test]
fn an_unknown_session_points_to_the_list() {
    let world = World::new();
    world.storage();

    let error = deleted(&world, "abc", true).unwrap_err();

    assert_eq!((error.kind, error.hints), (Exit::Usage, vec!["openkoi session list".to_owned()]));
}

#[test]
fn money_that_is_an_upper_limit_has_its_reason_in_the_details_and_below_a_list_on_a_screen() {
    let session = SessionRecord { at_most: true, ..session("a11ce", "guess") };
    let why = Some("nobody told".to_owned());
    let list = SessionList { sessions: vec![session.clone()], why: why.clone() };
    let shown = SessionDetails { session, tasks: Vec::new(), why };

    assert!(narrow(&list).ends_with("\n≤ because nobody told\n"), "{}", narrow(&list));
    assert!(!text(&list).contains("because"), "a pipe gets rows alone");
    let details = text(&shown);
    let cost = details.lines().find(|line| line.starts_with("cost")).unwrap();
    assert_eq!(cost, "cost         ≤ $1.23 (45.6k tokens), because nobody told");
    assert_eq!(shown.json()["cost_is_at_most_because"], "nobody told");
}
