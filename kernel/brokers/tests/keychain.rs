//! Tokens of other programs in the keychain, read with a stand-in for the program of macOS.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::secrets::SecretStore;
use openkoi_core::credential::{ForeignToken, SecretSource};
use openkoi_test_support::Keyring;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

const TOKEN: &str = "pond-keychain-token-5c1e";
const FILED: &str = "pond-file-token-9d2a";

struct World {
    home: tempfile::TempDir,
    chain: Keyring,
}

impl World {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), chain: Keyring::new() }
    }

    fn item(self, text: &str) -> Self {
        fs::write(self.chain.programs().join("item"), text).unwrap();
        self
    }

    fn store(&self) -> SecretStore {
        let home = ("HOME".into(), self.home.path().as_os_str().to_owned());
        let store = SecretStore::new(self.home.path(), Arc::new(HashMap::from([home])));
        store.with_keychain_program(self.chain.programs().join("security"))
    }

    fn read(&self, source: &SecretSource) -> String {
        let store = self.store();
        match store.read(std::slice::from_ref(source)) {
            Ok(_) => [TOKEN, FILED]
                .into_iter()
                .find(|token| store.redact_str(token) == "[redacted]")
                .unwrap_or("another token")
                .to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

fn source(keychain: &str) -> SecretSource {
    SecretSource::Foreign(Box::new(ForeignToken {
        name: "pond-cli".to_owned(),
        program: "the Pond CLI".to_owned(),
        path: "~/.pond.json".to_owned(),
        token: "/login/token".to_owned(),
        expires: "/login/ends".to_owned(),
        keychain: keychain.to_owned(),
    }))
}

fn pond() -> SecretSource {
    source("Pond Code-credentials")
}

fn kept(token: &str) -> String {
    format!("{{\"login\":{{\"token\":\"{token}\",\"ends\":4000000000000}}}}\n")
}

const PLACE: &str =
    "the token of the Pond CLI in ~/.pond.json or the keychain item `Pond Code-credentials`";

#[test]
fn a_token_is_read_from_the_keychain_where_there_is_no_file() {
    let world = World::new().item(&kept(TOKEN));

    assert!(world.store().finds(&pond()));
    assert_eq!(world.read(&pond()), TOKEN);
    let file = world.home.path().join(".pond.json");
    fs::write(&file, kept(FILED)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.read(&pond()), FILED);
}

#[test]
fn no_program_is_started_to_look_for_a_token_unasked() {
    let world = World::new().item(&kept(TOKEN));

    assert!(!world.store().has(&[pond()]) && pond().may_be_in_keychain());
    assert!(!world.store().finds(&source("")) && !source("").may_be_in_keychain());
    assert_eq!(world.read(&source("")), "the token of the Pond CLI in ~/.pond.json is not set");

    assert_eq!(world.chain.calls(), "");
}

#[test]
fn a_keychain_that_gives_no_token_says_why() {
    let empty = World::new();
    assert!(!empty.store().finds(&pond()));
    assert_eq!(empty.read(&pond()), format!("{PLACE} is not set"));

    let locked = World::new().item(&kept(TOKEN));
    locked.chain.is("locked");
    assert!(locked.store().finds(&pond()));
    let says = format!("{PLACE} is not given out by the keychain; unlock that, or allow it there");
    assert_eq!(locked.read(&pond()), says);

    let odd = World::new().item("no json");
    assert_eq!(odd.read(&pond()), format!("{PLACE} is not of the shape that is known"));
    let ended = World::new().item(&kept(TOKEN).replace("4000000000000", "1000"));
    assert!(ended.read(&pond()).contains("has expired"), "{}", ended.read(&pond()));
}

#[test]
fn consent_for_the_file_does_not_cover_the_keychain() {
    let (file, both) = (source(""), pond());

    assert_eq!(file.external().unwrap(), ("pond-cli", "~/.pond.json".into()));
    let place = "~/.pond.json or the keychain item `Pond Code-credentials`";
    assert_eq!(both.external().unwrap(), ("pond-cli", place.into()));
}
