//! Tasks, sessions and usage, as the journal tells them.

use openkoi_core::{
    doubts::Doubts,
    event::Event,
    id::TaskId,
    ledger::{Charge, Reservation},
    message::Usage,
    outcome::Ending,
    run::Paused,
};
use openkoi_storage::{
    Candidate, Storage, StorageError,
    sessions::{NewSession, SessionKind, SessionQuery, SessionStatus},
    tasks::{TaskQuery, TaskRecord, TaskStatus},
    usage::{Doubted, QUARTER_MS, Total},
};
use rusqlite::{Connection, types::Value};
use serde_json::json;

use crate::support::{
    Home, append, begin, entry, event, finished, id, paused, record, session_id, standing, task_id,
    try_append, turn,
};

fn chat(storage: &Storage, session: &str, at_ms: u64) {
    let new = NewSession {
        id: session_id(session),
        kind: SessionKind::Chat,
        title: String::new(),
        workspace: "/work".to_owned(),
    };
    storage.begin_session(&new, at_ms).unwrap();
}

fn accepted(tokens: u64, cost: u64) -> Event {
    finished(json!({ "ending": "accepted" }), "done", tokens, cost)
}

#[test]
fn a_task_follows_its_journal() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "fix the login\nplease", 100);
    let begun = TaskRecord {
        id: task.clone(),
        session: session_id("s"),
        text: "fix the login\nplease".to_owned(),
        status: TaskStatus::Running,
        workspace: "/work".to_owned(),
        model: "p/large".to_owned(),
        started_ms: 100,
        ended_ms: None,
        iterations: 0,
        score: None,
        cost_micros: 0,
        at_most: false,
        tokens: 0,
        ending: None,
    };
    assert_eq!(record(&storage, &task), Some(begun.clone()));

    append(&storage, &task, "i1", 110, Event::IterationStarted { number: 1 });
    append(&storage, &task, "i1/t0", 120, turn("executor", "p/large", "hi", 20, 300));
    let decided = json!({ "event": "iteration.decided", "number": 1, "decision": "refine",
                          "reason": "", "standing": standing(Some(0.5)) });
    append(&storage, &task, "i1/d", 130, event(decided));
    let working = TaskRecord {
        iterations: 1,
        score: Some(0.5),
        tokens: 20,
        cost_micros: 300,
        ..begun.clone()
    };
    assert_eq!(record(&storage, &task), Some(working));

    append(&storage, &task, "end", 140, accepted(25, 333));
    let ended = TaskRecord {
        status: TaskStatus::Accepted,
        ended_ms: Some(140),
        iterations: 2,
        score: Some(0.925),
        tokens: 25,
        cost_micros: 333,
        ending: Some(Ending::Accepted),
        ..begun
    };
    assert_eq!(record(&storage, &task), Some(ended));
}

#[test]
fn each_end_has_its_status_and_a_task_session_follows() {
    let home = Home::new();
    let storage = home.open();
    let failed = json!({ "event": "turn.failed", "role": "executor", "model": "p/large",
                         "error": { "kind": "unreachable", "message": "m", "hint": "" } });
    let cases = [
        (vec![accepted(1, 1)], TaskStatus::Accepted, SessionStatus::Ended),
        (
            vec![finished(json!({ "ending": "exhausted" }), "", 1, 1)],
            TaskStatus::Stopped,
            SessionStatus::Ended,
        ),
        (
            vec![paused(&Paused::Cancelled.to_string())],
            TaskStatus::Cancelled,
            SessionStatus::Paused,
        ),
        (vec![paused("needs an approval")], TaskStatus::Paused, SessionStatus::Paused),
        (vec![event(failed), paused("m")], TaskStatus::Failed, SessionStatus::Paused),
        (
            vec![paused("m"), Event::TaskResumed { settings: None }],
            TaskStatus::Running,
            SessionStatus::Active,
        ),
    ];
    for (number, (events, status, session)) in cases.into_iter().enumerate() {
        let name = number.to_string();
        let task = begin(&storage, &name, &name, "x", 1);
        for event in events {
            append(&storage, &task, "k", 2, event);
        }
        let record = record(&storage, &task).unwrap();
        assert_eq!(record.status, status, "case {number}");
        let record = storage.session(&record.session).unwrap().unwrap();
        assert_eq!(record.status, session, "case {number}");
    }
}

#[test]
fn a_resumed_task_has_no_end() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "x", 1);

    append(&storage, &task, "end", 5, paused("waits"));
    assert_eq!(record(&storage, &task).unwrap().ended_ms, Some(5));
    append(&storage, &task, "resume", 9, Event::TaskResumed { settings: None });

    assert_eq!(record(&storage, &task).unwrap().ended_ms, None);
}

#[test]
fn a_chat_outlives_its_tasks_and_takes_its_title_from_the_first() {
    let home = Home::new();
    let storage = home.open();
    chat(&storage, "s", 1);
    let _lease = storage.claim_session(&session_id("s"));

    for (name, text) in [("1", "\n first line\nsecond"), ("2", "another")] {
        let task = begin(&storage, name, "s", text, 10);
        append(&storage, &task, "end", 20, accepted(10, 100));
    }
    let record = storage.session(&session_id("s")).unwrap().unwrap();

    assert_eq!((record.kind, record.status), (SessionKind::Chat, SessionStatus::Active));
    assert_eq!(record.title, "first line");
    assert_eq!((record.tasks, record.tokens, record.cost_micros), (2, 20, 200));
    assert_eq!((record.created_ms, record.updated_ms), (1, 20));
    storage.set_session_status(&record.id, SessionStatus::Ended, 30).unwrap();
    storage.rename_session(&record.id, "login\nwork").unwrap();
    let record = storage.session(&record.id).unwrap().unwrap();
    assert_eq!((record.status, record.title.as_str()), (SessionStatus::Ended, "login"));
    assert_eq!(record.updated_ms, 30);
}

#[test]
fn tasks_are_listed_by_order_of_recording() {
    let home = Home::new();
    let storage = home.open();
    // The clock goes back between the first and the second.
    for (name, session, at) in [("1", "s", 500), ("2", "t", 100), ("3", "s", 300)] {
        begin(&storage, name, session, "x", at);
    }
    let list = |query: TaskQuery| -> Vec<_> {
        storage.tasks(&query).unwrap().into_iter().map(|task| task.id).collect()
    };

    assert_eq!(list(TaskQuery::default()), ["3", "2", "1"].map(task_id));
    let session = Some(session_id("s"));
    assert_eq!(list(TaskQuery { session, ..TaskQuery::default() }), ["3", "1"].map(task_id));
    assert_eq!(list(TaskQuery { limit: Some(1), ..TaskQuery::default() }), ["3"].map(task_id));
}

#[test]
fn a_list_carries_the_beginning_of_a_long_text_and_the_task_all_of_it() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", &"long ".repeat(10_000), 1);

    let listed = storage.tasks(&TaskQuery::default()).unwrap();

    assert_eq!(listed[0].text.len(), 4_000);
    assert_eq!(record(&storage, &task).unwrap().text.len(), 50_000);
}

#[test]
fn a_task_is_found_by_what_is_shown_of_it_or_by_its_beginning() {
    let home = Home::new();
    let storage = home.open();
    begin(&storage, "aaaa1111", "s", "one", 1);
    begin(&storage, "aabb2222", "s", "two", 1);
    let found = |typed: &str| storage.find_task(typed).map(|task| task.text);

    assert_eq!(found("aaaa").unwrap(), "one");
    assert_eq!(found(" AABB2222 ").unwrap(), "two");
    assert_eq!(found(&id("aaaa1111")).unwrap(), "one");
    assert_eq!(found("01k9abcdef00000000aab").unwrap(), "two");
    for nothing in ["b", "1111", "", "%", "aaaa1111x", "a%", "' OR 1"] {
        let error = found(nothing).unwrap_err();
        assert!(matches!(error, StorageError::NoSuch { .. }), "{nothing:?}: {error}");
    }
}

#[test]
fn an_ambiguous_text_lists_what_it_may_mean() {
    let home = Home::new();
    let storage = home.open();
    begin(&storage, "aaaa1111", "s", "one\nmore", 1);
    begin(&storage, "aabb2222", "t", "two", 1);

    let task = storage.find_task("aa").unwrap_err();
    let session = storage.find_session("01").unwrap_err();

    let candidate = |short: &str, title: &str| Candidate {
        short: short.to_owned(),
        id: id(short),
        title: title.to_owned(),
    };
    let StorageError::Ambiguous { candidates, .. } = &task else { panic!("{task}") };
    assert_eq!(*candidates, [candidate("aaaa1111", "one"), candidate("aabb2222", "two")]);
    assert_eq!(
        session.to_string(),
        "`01` is the beginning of more than one session: 0000000s (\"one\") 0000000t (\"two\")"
    );
}

#[test]
fn sessions_with_the_latest_news_come_first() {
    let home = Home::new();
    let storage = home.open();
    chat(&storage, "c", 5);
    begin(&storage, "1", "s", "one", 10);
    begin(&storage, "2", "t", "two", 20);
    append(&storage, &task_id("1"), "k", 30, Event::IterationStarted { number: 1 });
    let list = |query: SessionQuery| -> Vec<_> {
        storage.sessions(&query).unwrap().into_iter().map(|session| session.id).collect()
    };

    assert_eq!(list(SessionQuery::default()), ["s", "t", "c"].map(session_id));
    let chats = SessionQuery { kind: Some(SessionKind::Chat), ..SessionQuery::default() };
    assert_eq!(list(chats), ["c"].map(session_id));
    assert_eq!(
        list(SessionQuery { limit: Some(1), ..SessionQuery::default() }),
        ["s"].map(session_id)
    );
}

#[test]
fn usage_is_kept_turn_by_turn_and_counts_what_was_lost() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "x", 1);
    append(&storage, &task, "i1/t0", 50, turn("executor", "p/large", "a", 10, 100));
    append(&storage, &task, "i1/t1", 60, turn("executor", "p/large", "b", 20, 200));
    append(&storage, &task, "plan", 60, turn("planner", "p/small", "c", 5, 1));
    let lost = json!({ "tokens": 7, "cost_micros": 70 });
    let asked = json!({ "event": "turn.started", "role": "executor", "model": "p/large",
                        "request": "", "reserved": lost });
    append(&storage, &task, "i1/t2", 70, event(asked));
    let gone = json!({ "event": "turn.lost", "reserved": lost });
    append(&storage, &task, "i1/t2/lost0", 80, event(gone));
    let arrived = json!({ "parts": [{ "text": "hal" }], "model": "large", "shown": true,
                          "usage": { "input": 4, "output": 2 } });
    let broken = json!({ "event": "turn.failed", "role": "executor", "model": "p/large",
                         "error": { "kind": "unreachable", "message": "m", "hint": "",
                                    "received": arrived },
                         "spent": { "tokens": 6, "cost_micros": 60 } });
    append(&storage, &task, "i1/t2/lost1", 90, event(broken));

    let rows = "SELECT model, role, answered, input, output, cache_read, tokens, cost_micros
                FROM turns ORDER BY row";
    let connection = Connection::open(home.database()).unwrap();
    let mut statement = connection.prepare(rows).unwrap();
    let turns: Vec<[Value; 8]> = statement
        .query_map((), |row| {
            let mut columns = [const { Value::Null }; 8];
            for (index, column) in columns.iter_mut().enumerate() {
                *column = row.get(index)?;
            }
            Ok(columns)
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let turn =
        |model: &str, role: &str, answered: i64, usage: Option<(i64, i64)>, spent: (i64, i64)| {
            let (input, output) = usage.unzip();
            [
                model.to_owned().into(),
                role.to_owned().into(),
                answered.into(),
                input.into(),
                output.into(),
                Value::Null,
                spent.0.into(),
                spent.1.into(),
            ]
        };
    let large = |answered, usage, spent| turn("p/large", "executor", answered, usage, spent);
    let expected = [
        large(1, Some((9, 1)), (10, 100)),
        large(1, Some((19, 1)), (20, 200)),
        turn("p/small", "planner", 1, Some((4, 1)), (5, 1)),
        large(0, None, (7, 70)),
        large(0, Some((4, 2)), (6, 60)),
    ];
    assert_eq!(turns, expected);
    let recent = Total { turns: 4, tokens: 38, cost_micros: 331, at_most: false };
    assert_eq!(storage.spent_since(60, &[]).unwrap(), recent);
    assert_eq!(storage.spent_since(1_000, &[]).unwrap(), Total::default());
    let record = record(&storage, &task).unwrap();
    assert_eq!((record.tokens, record.cost_micros), (48, 431));
}

#[test]
fn deleting_a_session_takes_everything_but_what_it_cost() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "SECRETWORDS", 1);
    append(&storage, &task, "t", 2, turn("executor", "p/large", "SECRETWORDS", 10, 100));
    append(&storage, &task, "end", 3, accepted(10, 100));
    storage.write_output(&session_id("s"), &task, "SECRETWORDS").unwrap();
    let kept = begin(&storage, "2", "t", "kept", 1);
    storage.write_output(&session_id("t"), &kept, "kept").unwrap();

    storage.delete_session(&session_id("s")).unwrap();

    assert_eq!(record(&storage, &task), None);
    assert_eq!(storage.session(&session_id("s")).unwrap(), None);
    assert!(storage.entries(&task).unwrap().is_empty());
    assert_eq!(storage.read_output(&session_id("s"), &task).unwrap(), None);
    assert!(!home.path("data/sessions").join(id("s")).exists());
    assert_eq!(storage.spent_since(0, &[]).unwrap().cost_micros, 100);
    assert_eq!(record(&storage, &kept).unwrap().text, "kept");
    assert_eq!(storage.read_output(&session_id("t"), &kept).unwrap().unwrap(), "kept");
    for file in ["data/openkoi.db", "data/openkoi.db-wal"] {
        let bytes = std::fs::read(home.path(file)).unwrap();
        let found = bytes.windows(11).any(|window| window == b"SECRETWORDS");
        assert!(!found, "{file} still has the text");
    }
    let again = storage.delete_session(&session_id("s"));
    assert!(matches!(again, Err(StorageError::NoSuch { .. })), "{again:?}");
}

#[test]
fn a_session_is_not_deleted_while_somebody_works_in_it() {
    let home = Home::new();
    let (storage, other) = (home.open(), home.open());
    let task = begin(&storage, "1", "s", "x", 1);

    let running = other.delete_session(&session_id("s"));
    append(&storage, &task, "end", 2, paused("waits"));
    let claim = storage.claim_session(&session_id("s")).unwrap();
    let claimed = other.delete_session(&session_id("s"));
    drop(claim);

    assert!(matches!(running, Err(StorageError::Owned { what: "task", .. })), "{running:?}");
    assert!(matches!(claimed, Err(StorageError::Owned { what: "session", .. })), "{claimed:?}");
    other.delete_session(&session_id("s")).unwrap();
}

#[test]
fn a_session_is_begun_once() {
    let home = Home::new();
    let storage = home.open();
    chat(&storage, "s", 1);
    let again = NewSession {
        id: session_id("s"),
        kind: SessionKind::Chat,
        title: "again".to_owned(),
        workspace: String::new(),
    };

    let refused = storage.begin_session(&again, 2);

    assert!(matches!(refused, Err(StorageError::Exists { .. })), "{refused:?}");
    let unknown = storage.set_session_status(&session_id("none"), SessionStatus::Ended, 1);
    assert!(matches!(unknown, Err(StorageError::NoSuch { .. })), "{unknown:?}");
    assert!(
        try_append(&storage, &task_id("9"), &entry("k", 1, Event::TaskResumed { settings: None }))
            .is_err()
    );
}

#[test]
fn a_task_whose_process_died_was_interrupted_and_its_session_too() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "5e51", "one", 100);
    let done = begin(&storage, "2", "5e52", "two", 110);
    append(&storage, &done, "end", 120, accepted(1, 1));
    let status = |storage: &Storage| {
        let list = storage.tasks(&TaskQuery::default()).unwrap();
        let listed = list.iter().find(|one| one.id == task).unwrap().status;
        assert_eq!(storage.find_task(task.as_str()).unwrap().status, listed);
        assert_eq!(storage.open_tasks(9).unwrap()[0].status, listed);
        listed
    };
    let session = |storage: &Storage| {
        let listed = storage.sessions(&SessionQuery::default()).unwrap();
        let found = storage.find_session(&id("5e51")).unwrap().status;
        assert!(listed.iter().any(|one| one.id == session_id("5e51") && one.status == found));
        found
    };

    let _lease = storage.claim_task(&task);
    assert_eq!(status(&storage), TaskStatus::Running);
    assert_eq!(session(&storage), SessionStatus::Active);
    let counts = [(TaskStatus::Running, 1), (TaskStatus::Accepted, 1)];
    assert_eq!(storage.task_counts().unwrap(), counts);

    // The end of the process lets go of every lease.
    drop((_lease, storage));
    let storage = home.open();
    assert_eq!(status(&storage), TaskStatus::Interrupted);
    assert_eq!(session(&storage), SessionStatus::Interrupted);
    let counts = [(TaskStatus::Interrupted, 1), (TaskStatus::Accepted, 1)];
    assert_eq!(storage.task_counts().unwrap(), counts);
    assert!(!TaskStatus::Interrupted.is_final());
}

#[test]
fn the_id_of_the_other_kind_is_recognised() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "7a51", "5e51", "one", 100);

    let error = storage.find_task("00005e51").unwrap_err();
    let StorageError::OtherKind { what: "task", other: "session", meant, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(meant, [task.short()]);
    let error = storage.find_session("00007a51").unwrap_err();
    let StorageError::OtherKind { what: "session", other: "task", meant, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(meant, [session_id("5e51").short()]);
}

#[test]
fn a_sum_with_an_upper_limit_in_it_is_one() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "guess", 10);
    let told = begin(&storage, "2", "s", "know", 10);
    let free = begin(&storage, "3", "free", "for nothing", 10);
    let at_most = |cost_micros: u64| {
        let Event::TurnFinished { role, model, result, mut spent } =
            turn("executor", "p/large", "hi", 20, cost_micros)
        else {
            panic!("not a turn");
        };
        spent.at_most = true;
        Event::TurnFinished { role, model, result, spent }
    };
    append(&storage, &task, "i1/t0", 20, at_most(300));
    append(&storage, &told, "i1/t0", 30, turn("executor", "p/large", "hi", 20, 300));
    append(&storage, &free, "i1/t0", 40, at_most(0));

    let of = |task: &TaskId| record(&storage, task).unwrap().at_most;
    let session = |id: &str| storage.session(&session_id(id)).unwrap().unwrap().at_most;

    assert_eq!((of(&task), of(&told), of(&free)), (true, false, false));
    assert_eq!((session("s"), session("free")), (true, false));
    assert!(storage.spent_since(0, &[]).unwrap().at_most);
    assert!(!storage.spent_since(25, &[]).unwrap().at_most);
}

#[test]
fn why_a_sum_is_an_upper_limit_is_found_for_a_task_its_session_and_a_time() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "guess", 10);
    let told = begin(&storage, "2", "t", "know", 10);
    let card = json!({ "name": "p/large", "context": 1, "output": 1, "price": null });
    let resolved = json!({ "event": "models.resolved", "role": "executor", "models": [card] });
    append(&storage, &task, "i1/t0", 15, event(resolved));
    append(&storage, &told, "i1/t0", 30, turn("executor", "p/large", "hi", 20, 300));
    let Event::TurnFinished { role, model, result, mut spent } =
        turn("executor", "p/large", "hi", 20, 300)
    else {
        panic!("not a turn");
    };
    spent.at_most = true;
    append(&storage, &task, "i1/t0", 20, Event::TurnFinished { role, model, result, spent });

    let reason = |of: Doubted<'_>| {
        let mut doubts = Doubts::default();
        storage.doubt(of, &mut doubts).unwrap();
        doubts.reason()
    };

    let why = reason(Doubted::Task(&task)).unwrap();
    assert!(why.starts_with("no price known for p/large"), "{why}");
    assert_eq!(reason(Doubted::Session(&session_id("s"))).as_ref(), Some(&why));
    assert_eq!(reason(Doubted::Since(20)).as_ref(), Some(&why));
    for of in [Doubted::Task(&told), Doubted::Session(&session_id("t")), Doubted::Since(21)] {
        assert_eq!(reason(of), None, "{of:?}");
    }
}

#[test]
fn what_belongs_to_no_task_is_part_of_every_sum_and_says_why_it_may_be_less() {
    let home = Home::new();
    let storage = home.open();
    let charge = |model: &str, estimated: bool, at_most: bool| Charge {
        role: "embedder".to_owned(),
        model: model.to_owned(),
        usage: Usage { input: Some(8), estimated, ..Usage::default() },
        spent: Reservation { tokens: 8, cost_micros: 80, at_most },
    };
    let why = |storage: &Storage| {
        let mut doubts = Doubts::default();
        storage.doubt(Doubted::Since(0), &mut doubts).unwrap();
        doubts.reason()
    };

    storage.charge(&charge("p/told", false, false), 10).unwrap();
    assert_eq!(why(&storage), None);
    storage.charge(&charge("p/silent", true, true), 20).unwrap();
    assert!(why(&storage).unwrap().starts_with("some tokens are estimated"));
    storage.charge(&charge("p/unpriced", false, true), 30).unwrap();
    assert!(why(&storage).unwrap().starts_with("no price known for p/unpriced"));

    let all = Total { turns: 3, tokens: 24, cost_micros: 240, at_most: true };
    assert_eq!(storage.spent_since(10, &[]).unwrap(), all);
    assert_eq!(storage.spent_by_role(0, &[]).unwrap(), [("embedder".to_owned(), all)]);
    assert_eq!(storage.spent_by_role(31, &[]).unwrap(), []);
    assert_eq!(storage.spent_by_role(0, &["p".to_owned()]).unwrap(), []);
}

#[test]
fn what_a_provider_took_that_is_left_out_is_no_part_of_a_sum() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "play", 10);
    append(&storage, &task, "i1/t0", 20, turn("executor", "play/demo", "hi", 20, 300));
    append(&storage, &task, "i1/t1", 30, turn("executor", "player/large", "hi", 7, 50));

    let real = Total { turns: 1, tokens: 7, cost_micros: 50, at_most: false };
    assert_eq!(storage.spent_since(0, &["play".to_owned()]).unwrap(), real);
    assert_eq!(storage.spent_since(0, &[]).unwrap().turns, 2);
}

#[test]
fn what_models_took_is_told_by_quarters_and_outcomes_by_status() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "feed", 10);
    append(&storage, &task, "i1/t0", 20, turn("executor", "p/large", "hi", 20, 300));
    append(&storage, &task, "i1/t1", 30, turn("executor", "p/large", "hi", 7, 50));
    append(&storage, &task, "i1/t2", QUARTER_MS + 5, turn("judge", "p/small", "hi", 1, 2));
    append(&storage, &task, "i1/t3", QUARTER_MS + 6, turn("judge", "play/demo", "hi", 1, 2));
    begin(&storage, "2", "s", "still runs", 40);
    assert_eq!(storage.outcomes_since(0).unwrap(), []);

    let spent = storage.spending_since(0, &["play".to_owned()]).unwrap();
    let told = spent.iter().map(|one| (&*one.model, one.at_ms, one.total.turns, one.total.tokens));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("p/large", 0, 2, 27), ("p/small", QUARTER_MS, 1, 1)]);

    let paused =
        json!({ "event": "task.paused", "reason": "cancelled", "cause": { "cause": "cancelled" } });
    append(&storage, &task, "end", QUARTER_MS + 9, event(paused));
    assert_eq!(storage.outcomes_since(0).unwrap(), [(TaskStatus::Cancelled, 1)]);
    assert_eq!(storage.outcomes_since(11).unwrap(), []);
}

#[test]
fn each_question_of_a_task_that_pauses_is_kept_whatever_its_entries_came_numbered_with() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "feed", 10);
    let asks = |target: &str| {
        let rule = json!({ "allow": true, "origin": "shell", "action": "shell", "target": target });
        let request = json!({
            "origin": "shell", "action": "shell", "effect": "execute", "domain": "shell",
            "target": target, "details": "{}", "hash": target, "rule": rule,
        });
        let cause = json!({ "cause": "question", "request": request });
        event(json!({ "event": "task.paused", "reason": "a question", "cause": cause }))
    };

    append(&storage, &task, "end", 20, asks("ls"));
    append(&storage, &task, "again", 30, event(json!({ "event": "task.resumed" })));
    append(&storage, &task, "end", 40, asks("ls"));
    append(&storage, &task, "end", 50, asks("rm x"));

    let open = storage.open_questions().unwrap();
    let asked: Vec<u64> = open.iter().map(|question| question.asked_ms).collect();
    assert_eq!(asked, [20, 50], "the same question is one");
}
