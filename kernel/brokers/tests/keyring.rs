//! Keys in the key ring of a session: put, found again and removed, without a question to the user.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::secrets::{
    KeepIn, Kept, KeySlot, KeyringTrouble, Secret, SecretError, SecretStore,
};
use openkoi_core::credential::SecretSource;
use openkoi_test_support::Keyring;
use std::collections::HashMap;
use std::sync::Arc;

const KEY: &str = "koi-ring-key-4f1d7b9e";
const NEXT: &str = "koi-next-key-8a2c6e0f";

struct World {
    home: tempfile::TempDir,
    ring: Keyring,
}

impl World {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), ring: Keyring::new() }
    }

    /// A process of its own: it remembers nothing of the others.
    fn store(&self) -> SecretStore {
        let (name, value) = self.ring.session();
        self.store_with(&[(name, &value)])
    }

    fn store_with(&self, variables: &[(&str, &str)]) -> SecretStore {
        let environment: HashMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let store = SecretStore::new(self.home.path(), Arc::new(environment));
        store.with_keyring_programs(vec![self.ring.programs()])
    }

    fn file(&self) -> std::path::PathBuf {
        self.home.path().join("credentials/pond.key")
    }

    fn read(&self) -> String {
        shown(&self.store())
    }
}

/// Reads the key by what is redacted after it was read: its bytes are not for tests.
fn shown(store: &SecretStore) -> String {
    match store.read(&[saved()]) {
        Ok(_) => [KEY, NEXT]
            .into_iter()
            .find(|key| store.redact_str(key) == "[redacted]")
            .unwrap_or("another key")
            .to_owned(),
        Err(error) => error.to_string(),
    }
}

fn saved() -> SecretSource {
    SecretSource::Saved("pond".to_owned())
}

fn put(store: &SecretStore, key: &str, wish: KeepIn) -> Result<Kept, SecretError> {
    store.store("pond", &Secret::new(key.as_bytes().to_vec()), wish)
}

#[test]
fn a_key_is_kept_in_the_ring_and_read_from_there_once() {
    let world = World::new();

    let kept = put(&world.store(), KEY, KeepIn::Auto).unwrap();

    assert_eq!(kept, Kept { slot: KeySlot::Keyring, trouble: None });
    assert!(!world.file().exists());
    assert_eq!(world.ring.secrets(), [KEY]);
    let store = world.store();
    assert!(store.has(&[saved()]) && store.slot("pond") == Some(KeySlot::Keyring));
    let before = world.ring.calls().lines().count();
    assert_eq!((shown(&store), shown(&store)), (KEY.to_owned(), KEY.to_owned()));
    assert_eq!(world.ring.calls().lines().count(), before + 1);
    // Everybody on the machine can see it.
    assert!(!world.ring.calls().contains(KEY), "{}", world.ring.calls());
}

#[test]
fn no_program_is_started_without_a_key_in_the_ring() {
    let world = World::new();
    let store = world.store();
    assert!(store.read(&[saved()]).is_err() && !store.has(&[saved()]));

    put(&store, KEY, KeepIn::File).unwrap();
    assert_eq!(world.read(), KEY);
    store.forget("pond").unwrap();

    assert_eq!(world.ring.calls(), "");
}

#[test]
fn the_key_that_was_kept_last_is_the_one_that_is_used() {
    let world = World::new();
    let running = world.store();

    put(&world.store(), KEY, KeepIn::Auto).unwrap();
    assert_eq!(shown(&running), KEY);
    put(&world.store(), NEXT, KeepIn::Auto).unwrap();
    assert_eq!((world.read(), world.ring.secrets()), (NEXT.to_owned(), vec![NEXT.to_owned()]));
    put(&world.store(), KEY, KeepIn::File).unwrap();
    assert_eq!((world.read(), world.ring.secrets()), (KEY.to_owned(), Vec::new()));
    put(&world.store(), NEXT, KeepIn::Keyring).unwrap();
    assert!(!world.file().exists());
    assert_eq!(world.read(), NEXT);
}

#[test]
fn a_key_that_was_replaced_is_read_anew() {
    let world = World::new();
    let running = world.store();
    put(&world.store(), KEY, KeepIn::Auto).unwrap();
    running.read(&[saved()]).unwrap();

    put(&world.store(), NEXT, KeepIn::Auto).unwrap();
    running.read(&[saved()]).unwrap();

    assert_eq!(running.redact_str(NEXT), "[redacted]");
}

#[test]
fn a_ring_that_cannot_be_used_leaves_the_key_in_a_file_and_says_so() {
    for (state, trouble) in [
        ("locked", Some(KeyringTrouble::Locked)),
        ("unserved", None),
        (
            "chatty",
            Some(KeyringTrouble::Failed(
                "`secret-tool` says: secret-tool: cannot keep [redacted]".to_owned(),
            )),
        ),
    ] {
        let world = World::new();
        world.ring.is(state);

        let kept = put(&world.store(), KEY, KeepIn::Auto).unwrap();

        assert_eq!(kept, Kept { slot: KeySlot::File, trouble }, "{state}");
        assert_eq!(world.read(), KEY);
    }
}

#[test]
fn a_key_for_the_ring_alone_is_not_put_into_a_file() {
    let world = World::new();
    world.ring.is("locked");

    let error = put(&world.store(), KEY, KeepIn::Keyring).unwrap_err();

    assert_eq!(error.to_string(), "the key ring is not used: it is locked; nothing was kept");
    assert!(!world.file().exists());
}

#[test]
fn without_a_session_no_program_is_started() {
    let world = World::new();
    let store = world.store_with(&[]);

    assert_eq!(store.keyring(), Err(KeyringTrouble::NoSession));
    assert_eq!(put(&store, KEY, KeepIn::Auto).unwrap().slot, KeySlot::File);
    assert_eq!(world.ring.calls(), "");
}

#[test]
fn a_bus_in_the_runtime_directory_is_a_session() {
    let world = World::new();
    let runtime = tempfile::tempdir().unwrap();
    let store = world.store_with(&[("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap())]);
    assert_eq!(store.keyring(), Err(KeyringTrouble::NoSession));

    std::fs::write(runtime.path().join("bus"), "").unwrap();

    assert_eq!(store.keyring(), Ok(()));
}

#[test]
fn a_key_that_cannot_be_read_says_why() {
    let world = World::new();
    put(&world.store(), KEY, KeepIn::Auto).unwrap();
    let says =
        |why: &str| format!("the key of `pond` is in the key ring, which cannot be used: {why}");

    world.ring.is("locked");
    assert_eq!(world.read(), says("it is locked"));
    world.ring.is_not("locked");
    assert_eq!(shown(&world.store_with(&[])), says("there is no session bus here"));
    for item in std::fs::read_dir(world.ring.programs()).unwrap().flatten() {
        if item.file_name().to_string_lossy().starts_with("item-") {
            std::fs::remove_file(item.path()).unwrap();
        }
    }
    assert_eq!(world.read(), says("it has no such key any more"));
}

#[test]
fn a_key_is_removed_from_both_places() {
    let world = World::new();
    put(&world.store(), KEY, KeepIn::Auto).unwrap();
    std::fs::write(world.file(), NEXT).unwrap();

    assert_eq!(world.store().forget("pond").unwrap(), None);

    assert_eq!((world.ring.secrets(), world.file().exists()), (Vec::new(), false));
    assert_eq!(world.store().slot("pond"), None);
    assert_eq!(world.store().forget("pond").unwrap(), None);
}

#[test]
fn a_key_that_stays_in_a_locked_ring_is_not_used_any_more() {
    let world = World::new();
    put(&world.store(), KEY, KeepIn::Auto).unwrap();
    world.ring.is("locked");

    assert_eq!(world.store().forget("pond").unwrap(), Some(KeyringTrouble::Locked));

    assert_eq!(world.store().slot("pond"), None);
    world.ring.is_not("locked");
    assert!(world.store().read(&[saved()]).is_err());
}
