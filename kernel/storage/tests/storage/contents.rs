//! Contents of files that come with the entries that tell of their change.

use openkoi_brokers::snapshot::ContentsJournal;
use openkoi_core::event::Event;

use crate::support::{Home, append, begin, entry, task_id, try_append};

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
