//! The key-value spaces of components.

use openkoi_core::{failure::Failure, port::StateStore};
use openkoi_storage::state::{KEY_LIMIT, KEYS_LIMIT, PAIR_COST, VALUE_LIMIT};

use crate::support::Home;

const QUOTA: u64 = 10_000_000;

#[test]
fn a_component_sees_its_own_values_and_no_others() {
    let home = Home::new();
    let storage = home.open();
    storage.set("a", "key", b"of a", QUOTA).unwrap();
    storage.set("b", "key", b"of b", QUOTA).unwrap();
    storage.set("a", "' OR component = 'b", b"odd\0\xff", QUOTA).unwrap();

    assert_eq!(storage.get("a", "key").unwrap().unwrap(), b"of a");
    assert_eq!(storage.get("a", "' OR component = 'b").unwrap().unwrap(), b"odd\0\xff");
    assert_eq!(storage.get("c", "key").unwrap(), None);
    storage.delete("a", "key").unwrap();
    storage.delete("a", "key").unwrap();
    assert_eq!(storage.get("a", "key").unwrap(), None);
    assert_eq!(storage.get("b", "key").unwrap().unwrap(), b"of b");
    assert_eq!(storage.keys("a", "", None, 10).unwrap(), ["' OR component = 'b"]);
    assert_eq!(storage.keys("b", "", None, 10).unwrap(), ["key"]);
}

#[test]
fn keys_are_listed_by_prefix_in_pages() {
    let home = Home::new();
    let storage = home.open();
    for key in ["b", "a/2", "a/1", "a", "a/\u{fffd}", "a0", "%", "a/\u{10ffff}"] {
        storage.set("c", key, b"", QUOTA).unwrap();
    }
    let keys =
        |prefix: &str, after: Option<&str>, limit| storage.keys("c", prefix, after, limit).unwrap();

    assert_eq!(keys("a/", None, 10), ["a/1", "a/2", "a/\u{fffd}", "a/\u{10ffff}"]);
    assert_eq!(keys("a/", Some("a/1"), 1), ["a/2"]);
    assert_eq!(keys("%", None, 10), ["%"]);
    assert_eq!(keys("", None, 2), ["%", "a"]);
}

#[test]
fn a_listing_returns_no_more_than_the_contract_says() {
    let home = Home::new();
    let storage = home.open();
    // Straight into one transaction: a thousand durable writes would take their time.
    storage.set("c", "seed", b"", QUOTA).unwrap();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                INSERT INTO state_values SELECT 'c', CAST('k' || i AS BLOB), x'' FROM n";
    connection.execute(many, ()).unwrap();

    assert_eq!(storage.keys("c", "k", None, usize::MAX).unwrap().len(), KEYS_LIMIT);
}

#[test]
fn sizes_are_limited() {
    let home = Home::new();
    let storage = home.open();
    let limit_of = |result: Result<(), Failure>| match result {
        Err(Failure::Limited { value, .. }) => value,
        other => panic!("{other:?}"),
    };

    storage.set("c", &"k".repeat(KEY_LIMIT), &vec![0; VALUE_LIMIT], QUOTA).unwrap();
    let key = storage.set("c", &"k".repeat(KEY_LIMIT + 1), b"", QUOTA);
    let value = storage.set("c", "k", &vec![0; VALUE_LIMIT + 1], QUOTA);

    assert_eq!(limit_of(key), KEY_LIMIT as u64);
    assert_eq!(limit_of(value), VALUE_LIMIT as u64);
    assert!(storage.get("c", &"k".repeat(KEY_LIMIT + 1)).is_err());
}

/// Returns how many bytes the space of a component holds, as its quota counts them.
fn size(home: &Home, component: &str) -> u64 {
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    let sql = "SELECT bytes FROM state_spaces WHERE component = ?1";
    let bytes: i64 = connection.query_row(sql, [component], |row| row.get(0)).unwrap();
    u64::try_from(bytes).unwrap()
}

#[test]
fn the_quota_counts_everything_once_and_a_full_space_can_shrink() {
    let home = Home::new();
    let storage = home.open();
    let quota = 2 * (PAIR_COST + 1 + 100);
    let full = |result: Result<(), Failure>| matches!(result, Err(Failure::Limited { .. }));

    storage.set("c", "a", &[0; 100], quota).unwrap();
    storage.set("c", "b", &[0; 100], quota).unwrap();
    assert!(full(storage.set("c", "c", b"", quota)));
    assert!(full(storage.set("c", "a", &[0; 101], quota)));
    assert_eq!(storage.get("c", "a").unwrap().unwrap().len(), 100);
    assert_eq!(size(&home, "c"), quota);

    storage.set("c", "a", &[0; 50], quota / 2).unwrap();
    storage.delete("c", "b").unwrap();
    storage.delete("c", "nobody").unwrap();
    assert_eq!(size(&home, "c"), PAIR_COST + 51);
    storage.set("d", "a", &[0; 100], quota).unwrap();
}
