//! Things that are kept and believed only if they were kept here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test needs is there, or the test fails"
)]

use openkoi_brokers::sealed::SealedStore;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn store(home: &Path) -> SealedStore {
    SealedStore::new(home.join("code"))
}

#[test]
fn what_was_kept_is_there_for_every_process_of_the_home_and_for_no_other() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(store(home.path()).get("one"), None);

    store(home.path()).put("one", b"code").unwrap();

    assert_eq!(store(home.path()).get("one").unwrap(), b"code");
    assert_eq!(store(home.path()).get("two"), None);
    store(other.path()).put("one", b"other").unwrap();
    fs::copy(other.path().join("code/one"), home.path().join("code/one")).unwrap();
    assert_eq!(store(home.path()).get("one"), None, "it was kept in another home");
    store(home.path()).put("one", b"code again").unwrap();
    assert_eq!(store(home.path()).get("one").unwrap(), b"code again");
    let mode = |path: &str| fs::metadata(home.path().join(path)).unwrap().permissions().mode();
    assert_eq!(
        [mode("code") & 0o777, mode("code/key") & 0o777, mode("code/one") & 0o777],
        [0o700, 0o600, 0o600]
    );
}

#[test]
fn what_was_not_kept_here_or_was_changed_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("code/one");
    store(home.path()).put("one", b"the code").unwrap();
    store(home.path()).put("two", b"other code").unwrap();
    let whole = fs::read(&path).unwrap();

    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(store(home.path()).get("one"), None, "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(store(home.path()).get("one"), None, "cut at {at}");
    }
    fs::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(store(home.path()).get("one"), None);
    fs::copy(home.path().join("code/two"), &path).unwrap();
    assert_eq!(store(home.path()).get("one"), None, "it is that of another name");
    fs::write(&path, &whole).unwrap();
    assert_eq!(store(home.path()).get("one").unwrap(), b"the code");
}

#[test]
fn a_key_that_others_can_read_is_none() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("code/key");
    store(home.path()).put("one", b"code").unwrap();

    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();

    assert_eq!(store(home.path()).get("one"), None);
    let known = fs::read(&key).unwrap();
    store(home.path()).put("one", b"code").unwrap();
    assert_ne!(fs::read(&key).unwrap(), known, "another key is made");
    assert_eq!(store(home.path()).get("one").unwrap(), b"code");
}

#[test]
fn a_key_or_a_directory_that_is_no_such_thing_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    store(home.path()).put("one", b"code").unwrap();
    let (key, away) = (home.path().join("code/key"), home.path().join("away"));

    fs::rename(&key, &away).unwrap();
    assert_eq!(store(home.path()).get("one"), None);
    std::os::unix::fs::symlink(&away, &key).unwrap();
    assert_eq!(store(home.path()).get("one"), None, "a link is not a key");
    fs::remove_file(&key).unwrap();
    fs::rename(&away, &key).unwrap();
    assert_eq!(store(home.path()).get("one").unwrap(), b"code");

    fs::set_permissions(home.path().join("code"), Permissions::from_mode(0o777)).unwrap();
    assert_eq!(store(home.path()).get("one"), None, "others can write there");
}

#[test]
fn a_name_is_not_a_path() {
    let home = tempfile::tempdir().unwrap();
    for name in ["", "..", "a/b", "../key", "key", "a.b", "a\0b"] {
        assert!(store(home.path()).put(name, b"x").is_err(), "{name:?}");
        assert_eq!(store(home.path()).get(name), None, "{name:?}");
    }
}

#[test]
fn where_nothing_can_be_kept_it_is_said_and_nothing_breaks() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("code"), "a file").unwrap();

    assert!(store(home.path()).put("one", b"code").is_err());
    assert_eq!(store(home.path()).get("one"), None);
}

#[test]
fn only_so_many_things_are_kept_and_the_oldest_go() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    for number in 0..70 {
        store.put(&format!("n{number}"), b"code").unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000 + number);
        let file =
            fs::File::options().write(true).open(home.path().join(format!("code/n{number}")));
        file.unwrap().set_modified(time).unwrap();
    }

    let kept = (0..70).filter(|number| store.get(&format!("n{number}")).is_some());
    let kept: Vec<u64> = kept.collect();
    assert_eq!(kept.len(), 64, "{kept:?}");
    assert!(kept.contains(&69) && !kept.contains(&0), "{kept:?}");
}
