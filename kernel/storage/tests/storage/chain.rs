//! The chain: whatever is done to a written entry is found, and at the entry that it was done to.

use openkoi_core::{event::Event, id::TaskId};
use openkoi_storage::{
    Storage,
    chain::{BrokenEntry, Chain},
};
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Home, append, begin, event, finished, paused, turn};

/// Records a task with a decision of a person, from its beginning to its end: five entries.
fn ended(home: &Home) -> (Storage, TaskId) {
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 10);
    append(&storage, &task, "i1/t0", 20, turn("executor", "p/large", "hi", 20, 300));
    append(&storage, &task, "i1/t0/c0", 30, decided("make install"));
    append(&storage, &task, "i1/t1", 40, turn("executor", "p/large", "done", 20, 300));
    append(&storage, &task, "end", 50, finished(json!({ "ending": "accepted" }), "done", 40, 600));
    (storage, task)
}

fn decided(target: &str) -> Event {
    event(json!({
        "event": "gate.decided", "origin": "shell", "action": "shell", "effect": "write",
        "domain": "shell", "target": target,
        "decision": { "decision": "allow", "because": "answer" }, "answer": "allow_once",
    }))
}

/// Changes the database behind the back of the storage.
fn meddle(home: &Home, sql: &str) {
    Connection::open(home.database()).unwrap().execute_batch(sql).unwrap();
}

/// Returns what is said of a whole journal after `sql` was done to it.
fn after(sql: &str) -> Chain {
    let home = Home::new();
    let (storage, task) = ended(&home);
    meddle(&home, sql);
    storage.check_chain(&task).unwrap()
}

fn altered(seq: u64, key: &str, event: &str) -> Chain {
    Chain::Broken(BrokenEntry::Altered { seq, key: key.to_owned(), event: event.to_owned() })
}

fn removed(seq: u64) -> Chain {
    Chain::Broken(BrokenEntry::Removed { seq })
}

#[test]
fn a_journal_that_nobody_touched_is_whole_from_its_first_entry() {
    let home = Home::new();
    let (storage, task) = ended(&home);

    assert_eq!(storage.check_chain(&task).unwrap(), Chain::Whole { from: 1 });
}

#[test]
fn everything_that_an_entry_says_is_part_of_the_chain() {
    for (change, key, event) in [
        ("payload = replace(payload, 'make install', 'make distall')", "i1/t0/c0", "gate.decided"),
        ("payload = replace(payload, 'allow_once', 'allow_alike')", "i1/t0/c0", "gate.decided"),
        ("at_ms = 31", "i1/t0/c0", "gate.decided"),
        ("elapsed_ms = 16", "i1/t0/c0", "gate.decided"),
        ("key = 'i1/t0/c1'", "i1/t0/c1", "gate.decided"),
        ("event = 'budget.warned'", "i1/t0/c0", "budget.warned"),
        ("chain = chain || 'x'", "i1/t0/c0", "gate.decided"),
        ("chain = NULL", "i1/t0/c0", "gate.decided"),
        ("payload = 'no JSON'", "i1/t0/c0", "gate.decided"),
    ] {
        let found = after(&format!("UPDATE entries SET {change} WHERE seq = 3"));

        assert_eq!(found, altered(3, key, event), "{change}");
    }
}

#[test]
fn what_the_start_of_a_task_names_is_part_of_the_chain() {
    for change in [
        "UPDATE texts SET text = replace(text, 'before', 'behind')",
        "DELETE FROM texts WHERE text LIKE '%before%'",
    ] {
        assert_eq!(after(change), altered(1, "start", "task.started"), "{change}");
    }
}

#[test]
fn an_entry_that_was_removed_is_named_wherever_it_stood() {
    for seq in 1..=5 {
        let found = after(&format!("DELETE FROM entries WHERE seq = {seq}"));

        assert_eq!(found, removed(seq), "{seq}");
    }
    assert_eq!(after("DELETE FROM entries WHERE seq > 3"), removed(4));
    assert_eq!(after("DELETE FROM entries"), removed(1));
}

#[test]
fn a_gap_that_was_closed_again_is_found_at_the_entry_that_closes_it() {
    let found =
        after("DELETE FROM entries WHERE seq = 3; UPDATE entries SET seq = seq - 1 WHERE seq > 3;");

    assert_eq!(found, altered(3, "i1/t1", "turn.finished"));
}

#[test]
fn an_entry_that_no_run_wrote_is_found() {
    let copy = "INSERT INTO entries (task, seq, key, event, at_ms, elapsed_ms, payload, chain)
                SELECT task, 6, key, event, at_ms, elapsed_ms, payload, chain
                FROM entries WHERE seq = 5";
    let between = "UPDATE entries SET seq = seq + 100 WHERE seq > 2;
                   INSERT INTO entries (task, seq, key, event, at_ms, elapsed_ms, payload)
                   SELECT task, 3, key, event, at_ms, elapsed_ms, payload
                   FROM entries WHERE seq = 2;
                   UPDATE entries SET seq = seq - 99 WHERE seq > 100;";

    assert_eq!(after(copy), altered(6, "end", "task.finished"));
    assert_eq!(after(between), altered(3, "i1/t0", "turn.finished"));
}

#[test]
fn entries_that_changed_places_are_found_at_the_first_of_them() {
    let found = after(
        "UPDATE entries SET seq = 99 WHERE seq = 2; UPDATE entries SET seq = 2 WHERE seq = 4;
         UPDATE entries SET seq = 4 WHERE seq = 99;",
    );

    assert_eq!(found, altered(2, "i1/t1", "turn.finished"));
}

#[test]
fn entries_of_another_task_do_not_fit() {
    let home = Home::new();
    let (storage, _) = ended(&home);
    let other = begin(&storage, "2", "s", "hello", 10);
    let first = "SELECT task FROM entries WHERE seq = 5";
    meddle(
        &home,
        &format!(
            "DELETE FROM entries WHERE task = '{0}';
             UPDATE entries SET task = '{0}' WHERE task = ({first});",
            other.as_str()
        ),
    );

    assert_eq!(storage.check_chain(&other).unwrap(), altered(1, "start", "task.started"));
}

#[test]
fn a_journal_of_an_earlier_release_has_no_chain_until_it_goes_on() {
    let home = Home::new();
    let (storage, task) = ended(&home);
    // As the migration leaves what was there before it.
    meddle(&home, "UPDATE entries SET chain = NULL; UPDATE tasks SET chain = NULL;");
    assert_eq!(storage.check_chain(&task).unwrap(), Chain::None);

    append(&storage, &task, "start", 60, Event::TaskResumed { settings: None });
    append(&storage, &task, "end", 70, paused("waits"));

    assert_eq!(storage.check_chain(&task).unwrap(), Chain::Whole { from: 6 });
    meddle(&home, "UPDATE entries SET chain = NULL WHERE seq = 6");
    assert_eq!(storage.check_chain(&task).unwrap(), altered(7, "end", "task.paused"));
}

#[test]
fn a_chain_that_was_taken_away_is_missed() {
    let found = after("UPDATE entries SET chain = NULL");

    assert_eq!(found, altered(5, "end", "task.finished"));
}

#[test]
fn the_chain_goes_on_after_a_pause_and_in_another_process() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 10);
    append(&storage, &task, "end", 20, paused("waits"));
    drop(storage);

    let storage = home.open();
    append(&storage, &task, "start", 30, Event::TaskResumed { settings: None });
    assert_eq!(storage.check_chain(&task).unwrap(), Chain::Whole { from: 1 }, "it still runs");
    append(&storage, &task, "end", 40, finished(json!({ "ending": "accepted" }), "", 0, 0));

    assert_eq!(storage.check_chain(&task).unwrap(), Chain::Whole { from: 1 });
    meddle(&home, "DELETE FROM entries WHERE seq > 2");
    assert_eq!(storage.check_chain(&task).unwrap(), removed(3));
}
