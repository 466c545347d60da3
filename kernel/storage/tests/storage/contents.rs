//! Contents of files that come with the entries that tell of their change.

use openkoi_brokers::snapshot::ContentsJournal;
use openkoi_core::event::Event;

use crate::support::{Home, append, begin, entry, session_id, task_id, try_append};

fn fact() -> Event {
    Event::ProgressReported { origin: "files".to_owned(), message: "one".to_owned() }
}

#[test]
fn contents_come_with_the_next_entry_and_outlive_the_program() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    storage.take("aa", b"koi".to_vec());
    assert_eq!(storage.find("aa"), None);

    append(&storage, &task, "n", 2, fact());
    drop(storage);

    assert_eq!(home.open().find("aa").as_deref(), Some(&b"koi"[..]));
}

#[test]
fn contents_wait_where_an_entry_cannot_be_written() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    storage.take("aa", b"koi".to_vec());

    assert!(try_append(&storage, &task_id("2"), &entry("n", 2, fact())).is_err());
    append(&storage, &task, "n", 3, fact());

    assert!(storage.find("aa").is_some());
}

#[test]
fn contents_are_dropped_by_their_age_and_by_name() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    for (number, hash) in [(2, "aa"), (5, "bb"), (9, "aa")] {
        storage.take(hash, b"koi".to_vec());
        append(&storage, &task, &format!("n{number}"), number, fact());
    }

    let old = storage.contents_before(9).unwrap();
    storage.drop_contents(&old).unwrap();

    assert_eq!(old, ["bb"]);
    assert_eq!((storage.find("aa").is_some(), storage.find("bb")), (true, None));
}

#[test]
fn hashes_are_found_in_the_entries_of_a_session_and_in_all_with_the_texts_that_they_share() {
    let home = Home::new();
    let storage = home.open();
    let [one, other, shared] = ["0a".repeat(32), "1b".repeat(32), "2c".repeat(32)];
    for (number, session, hash) in [("1", "s", &one), ("2", "t", &other)] {
        let task = begin(&storage, number, session, "hello", 1);
        let message = format!("kept as {hash}");
        let fact = Event::ProgressReported { origin: "files".to_owned(), message };
        append(&storage, &task, "n", 2, fact);
    }
    let text = format!("INSERT INTO texts (hash, text) VALUES ('x', '\"{shared}\"')");
    rusqlite::Connection::open(home.database()).unwrap().execute(&text, []).unwrap();

    let of_session = storage.hashes_named(Some(&session_id("s"))).unwrap();
    let of_all = storage.hashes_named(None).unwrap();

    assert!(of_session.contains(&one) && !of_session.contains(&other), "{of_session:?}");
    assert!([one, other, shared].iter().all(|hash| of_all.contains(hash)), "{of_all:?}");
}
