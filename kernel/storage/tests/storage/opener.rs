//! Opening: modes, refusals, damage.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use openkoi_storage::{Storage, StorageError, opener::VERSION, tasks::TaskQuery};
use rusqlite::Connection;
use serde_json::json;

use crate::support::{Home, append, begin, entry, finished, paused, session_id, try_append};

fn mode(home: &Home, below: &str) -> u32 {
    fs::metadata(home.path(below)).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_and_directories_are_the_owners_alone() {
    let home = Home::new();
    let storage = home.open();
    begin(&storage, "1", "s", "hello", 1);

    let files = ["data/openkoi.db", "data/openkoi.db-wal", "data/openkoi.db-shm"];
    assert_eq!(files.map(|file| mode(&home, file)), [0o600; 3]);
    assert_eq!(["data", "data/locks"].map(|dir| mode(&home, dir)), [0o700; 2]);
}

#[test]
fn a_database_that_others_could_read_is_closed_to_them() {
    let home = Home::new();
    drop(home.open());
    fs::set_permissions(home.database(), fs::Permissions::from_mode(0o644)).unwrap();

    drop(home.open());

    assert_eq!(mode(&home, "data/openkoi.db"), 0o600);
}

#[test]
fn a_small_log_stays_at_a_clean_end_and_the_next_start_finds_everything() {
    let home = Home::new();
    drop(home.open());
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    drop(storage);

    assert!(fs::metadata(home.path("data/openkoi.db-wal")).unwrap().len() > 0);
    assert_eq!(home.open().entries(&task).unwrap().len(), 1);
}

#[test]
fn a_database_that_was_cut_is_refused_and_its_log_stays_with_it() {
    let home = Home::new();
    drop(home.open());
    let task = begin(&home.open(), "1", "s", "hello", 1);
    let whole = fs::read(home.database()).unwrap();
    for length in [0, 511, 512, 4096, whole.len() - 4096] {
        fs::write(home.database(), &whole[..length]).unwrap();

        let refused = home.try_open();

        assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{length}: {refused:?}");
    }
    fs::write(home.database(), &whole).unwrap();
    assert_eq!(home.open().entries(&task).unwrap().len(), 1);
}

#[test]
fn a_large_log_does_not_stay_at_a_clean_end() {
    let home = Home::new();
    let storage = home.open();
    let text = "word ".repeat(200 << 10);
    let task = begin(&storage, "1", "s", &text, 1);
    drop(storage);

    assert!(!home.path("data/openkoi.db-wal").exists());
    assert_eq!(home.open().entries(&task).unwrap().len(), 1);
}

#[test]
fn a_copy_that_is_put_in_the_place_of_the_database_gets_no_log_of_another_one() {
    let home = Home::new();
    let storage = home.open();
    let old = begin(&storage, "1", "s", "old", 1);
    let large = begin(&storage, "2", "s", &"word ".repeat(200 << 10), 1);
    drop(storage);
    let copy = fs::read(home.database()).unwrap();
    let storage = home.open();
    storage.delete_session(&session_id("s")).unwrap();
    let new = begin(&storage, "3", "t", &"word ".repeat(200 << 10), 1);
    drop(storage);
    let storage = home.open();
    let newer = begin(&storage, "4", "t", "newer", 1);
    drop(storage);
    assert!(home.path("data/openkoi.db-wal").exists());

    fs::write(home.database(), &copy).unwrap();
    let storage = home.open();

    let entries = |task| storage.entries(task).unwrap().len();
    assert_eq!([&old, &large, &new, &newer].map(entries), [1, 1, 0, 0]);
    storage.check().unwrap();
    let names = fs::read_dir(home.path("data")).unwrap().map(|entry| entry.unwrap().file_name());
    let aside = names.filter(|name| name.to_string_lossy().starts_with("openkoi.db-wal."));
    assert_eq!(aside.count(), 1);
}

/// Deletes words while somebody reads, so that they stay in the log, and returns what would read them.
fn deleted_beside_a_reader(home: &Home) -> (Storage, Connection) {
    let storage = home.open();
    let task = begin(&storage, "1", "s", "SECRETWORDS", 1);
    let ended = finished(json!({ "ending": "accepted" }), "done", 10, 100);
    append(&storage, &task, "end", 2, ended);
    let reading = Connection::open(home.database()).unwrap();
    reading.execute_batch("BEGIN; SELECT count(*) FROM tasks").unwrap();
    storage.delete_session(&session_id("s")).unwrap();
    assert!(has_deleted_words(home));
    (storage, reading)
}

fn has_deleted_words(home: &Home) -> bool {
    let files = ["data/openkoi.db", "data/openkoi.db-wal"].map(|file| fs::read(home.path(file)));
    files.into_iter().flatten().any(|bytes| bytes.windows(11).any(|part| part == b"SECRETWORDS"))
}

#[test]
fn what_is_deleted_while_another_one_reads_goes_with_the_last_who_leaves() {
    let home = Home::new();
    let other = home.open();

    drop(deleted_beside_a_reader(&home));
    drop(other);

    assert!(!has_deleted_words(&home));
}

#[test]
fn what_is_deleted_before_a_crash_goes_with_the_first_who_comes() {
    let home = Home::new();
    let crashed = Home::new();
    let open = deleted_beside_a_reader(&home);
    fs::create_dir_all(crashed.path("data/locks")).unwrap();
    // What a crash would leave.
    for file in ["openkoi.db", "openkoi.db-wal", "locks/database.lock", "locks/database.made"] {
        let below = format!("data/{file}");
        fs::copy(home.path(&below), crashed.path(&below)).unwrap();
    }
    drop(open);
    assert!(has_deleted_words(&crashed));

    let storage = crashed.open();

    assert!(!has_deleted_words(&crashed));
    storage.check().unwrap();
    assert_eq!(fs::read(crashed.path("data/locks/database.lock")).unwrap(), b"");
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let home = Home::new();
    drop(home.open());
    let connection = Connection::open(home.database()).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    let before = fs::read(home.database()).unwrap();

    let error = home.try_open().unwrap_err();

    let text = error.to_string();
    let versions = format!("is of version {} and this openkoi knows only {VERSION}", VERSION + 1);
    assert!(text.contains(&versions), "{text}");
    assert_eq!(fs::read(home.database()).unwrap(), before);
}

#[test]
fn a_database_with_a_foreign_trigger_is_refused() {
    let home = Home::new();
    drop(home.open());
    let trigger = "CREATE TRIGGER odd AFTER INSERT ON tasks BEGIN DELETE FROM entries; END";
    Connection::open(home.database()).unwrap().execute_batch(trigger).unwrap();

    let refused = home.try_open();

    assert!(matches!(refused, Err(StorageError::Schema { .. })), "{refused:?}");
}

#[test]
fn another_programs_database_is_refused_and_not_migrated() {
    let home = Home::new();
    fs::create_dir(home.path("data")).unwrap();
    Connection::open(home.database()).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();

    let refused = home.try_open();

    assert!(matches!(refused, Err(StorageError::Schema { .. })), "{refused:?}");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let count: u32 =
        Connection::open(home.database()).unwrap().query_row(tables, (), |r| r.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_link_or_a_directory_in_place_of_the_database_is_refused() {
    let home = Home::new();
    drop(home.open());
    fs::rename(home.database(), home.path("elsewhere.db")).unwrap();

    symlink(home.path("elsewhere.db"), home.database()).unwrap();
    let linked = home.try_open();
    fs::remove_file(home.database()).unwrap();
    fs::create_dir(home.database()).unwrap();
    let directory = home.try_open();

    assert!(matches!(linked, Err(StorageError::Schema { .. })), "{linked:?}");
    assert!(matches!(directory, Err(StorageError::Schema { .. })), "{directory:?}");
}

#[test]
fn a_data_directory_behind_a_link_works() {
    let home = Home::new();
    fs::create_dir(home.path("real")).unwrap();
    symlink(home.path("real"), home.path("data")).unwrap();

    begin(&home.open(), "1", "s", "hello", 1);

    assert!(home.path("real/openkoi.db").exists());
}

#[test]
fn a_file_that_is_not_a_database_is_reported_as_damaged() {
    let home = Home::new();
    drop(home.open());
    fs::write(home.database(), "x".repeat(8192)).unwrap();

    let refused = home.try_open();

    assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_database_that_was_cut_is_never_a_new_one_and_one_that_was_moved_away_is() {
    let home = Home::new();
    begin(&home.open(), "1", "s", "hello", 1);
    let whole = fs::read(home.database()).unwrap();
    for length in [0, 1, 99, 511, 512, 4095, 4096, whole.len() - 4096] {
        fs::write(home.database(), &whole[..length]).unwrap();

        let read = home.try_open().and_then(|storage| storage.tasks(&TaskQuery::default()));

        assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{length}: {read:?}");
        assert_eq!(fs::read(home.database()).unwrap(), whole[..length], "it is as it was");
    }
    fs::remove_file(home.database()).unwrap();
    assert_eq!(home.open().tasks(&TaskQuery::default()).unwrap().len(), 0);

    // A process that ended as it made the file has left an empty one.
    fs::remove_file(home.database()).unwrap();
    drop(home.open());
    let fresh = Home::new();
    fs::create_dir_all(fresh.path("data")).unwrap();
    fs::write(fresh.database(), "").unwrap();
    assert_eq!(fresh.open().tasks(&TaskQuery::default()).unwrap().len(), 0);
}

#[test]
fn damage_that_a_read_meets_is_confirmed_and_named() {
    let home = Home::new();
    let storage = home.open();
    for number in 0..200 {
        begin(&storage, &number.to_string(), "s", &"text ".repeat(100), 1);
    }
    drop(storage);
    let mut bytes = fs::read(home.database()).unwrap();
    // The first page holds the schema; everything after it is overwritten.
    bytes[4096..].fill(0xab);
    fs::write(home.database(), bytes).unwrap();

    let read = home.try_open().and_then(|s| s.tasks(&TaskQuery::default()));

    let Err(StorageError::Corrupt { detail, .. }) = &read else { panic!("{read:?}") };
    assert!(!detail.is_empty());
}

#[test]
fn a_database_that_is_replaced_while_in_use_takes_no_entry() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    fs::rename(home.database(), home.path("data/old.db")).unwrap();

    let gone = try_append(&storage, &task, &entry("k", 2, paused("x")));
    fs::write(home.database(), "").unwrap();
    let other = try_append(&storage, &task, &entry("k", 2, paused("x")));

    assert!(matches!(gone, Err(StorageError::Replaced { .. })), "{gone:?}");
    assert!(other.is_err(), "{other:?}");
}

#[test]
fn a_whole_database_passes_the_check() {
    let home = Home::new();
    let storage = home.open();
    begin(&storage, "1", "s", "hello", 1);

    storage.check().unwrap();
}

#[test]
fn sqlite_is_built_as_the_configuration_of_cargo_says() {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare("PRAGMA compile_options").unwrap();
    let options = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let options: Vec<String> = options.map(Result::unwrap).collect();
    let has = |option: &str| options.iter().any(|one| one == option);

    assert!(has("ENABLE_FTS5") && has("OMIT_LOAD_EXTENSION") && has("DQS=0"), "{options:?}");
    for unused in ["ENABLE_FTS3", "ENABLE_RTREE", "SOUNDEX", "ENABLE_LOAD_EXTENSION"] {
        assert!(!has(unused), "{unused}");
    }
}
