//! Credentials: their sources, and their redaction in text.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::secrets::{KeepIn, Secret, SecretError, SecretStore};
use openkoi_core::credential::SecretSource;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

fn store(home: &tempfile::TempDir, variables: &[(&str, &str)]) -> SecretStore {
    let environment: HashMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    SecretStore::new(home.path(), Arc::new(environment))
}

fn variable(name: &str) -> SecretSource {
    SecretSource::Variable(name.to_owned())
}

fn file(name: &str) -> SecretSource {
    SecretSource::Saved(name.to_owned())
}

fn write_key(home: &tempfile::TempDir, name: &str, mode: u32) {
    let directory = home.path().join("credentials");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{name}.key"));
    std::fs::write(&path, "secret-from-file\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_source_that_is_there_is_read() {
    let home = tempfile::tempdir().unwrap();
    write_key(&home, "service", 0o600);
    let store = store(&home, &[("SERVICE_KEY", "secret-from-variable")]);

    let sources = [variable("SERVICE_KEY"), file("service")];
    store.read(&sources).unwrap();
    assert_eq!(
        store.redact_str("secret-from-variable secret-from-file"),
        "[redacted] secret-from-file"
    );

    store.read(&[variable("OTHER_KEY"), file("service")]).unwrap();
    assert_eq!(store.redact_str("secret-from-variable secret-from-file"), "[redacted] [redacted]");
    assert!(store.has(&sources));
    assert!(!store.has(&[variable("OTHER_KEY"), file("other")]));
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660] {
        let home = tempfile::tempdir().unwrap();
        write_key(&home, "service", mode);

        let error = store(&home, &[]).read(&[file("service")]).expect_err("it was read");

        let path = home.path().join("credentials/service.key");
        let path = path.display();
        assert_eq!(
            error.to_string(),
            format!("`{path}` can be read by others, run `chmod 600 {path}`")
        );
    }
}

#[test]
fn a_key_file_is_a_file_of_a_plain_name() {
    let home = tempfile::tempdir().unwrap();
    write_key(&home, "real", 0o600);
    let directory = home.path().join("credentials");
    std::os::unix::fs::symlink(directory.join("real.key"), directory.join("link.key")).unwrap();
    std::fs::create_dir(directory.join("directory.key")).unwrap();
    std::fs::write(directory.join("empty.key"), " \n").unwrap();
    std::fs::set_permissions(directory.join("empty.key"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    let store = store(&home, &[]);

    assert!(matches!(store.read(&[file("link")]), Err(SecretError::Unfit { .. })));
    assert!(matches!(store.read(&[file("directory")]), Err(SecretError::Unfit { .. })));
    assert!(matches!(store.read(&[file("empty")]), Err(SecretError::Empty { .. })));
    assert!(matches!(store.read(&[file("absent")]), Err(SecretError::Absent { .. })));
    for name in ["", "../real", "a/b", ".real", "real\0", "real key"] {
        assert!(matches!(store.read(&[file(name)]), Err(SecretError::Name { .. })), "{name:?}");
    }
}

#[test]
fn a_stored_secret_is_closed_and_can_be_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let store = store(&home, &[]);

    store.store("service", &Secret::new(b"kept-secret-1".to_vec()), KeepIn::File).unwrap();
    let path = home.path().join("credentials/service.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = std::fs::metadata(home.path().join("credentials")).unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    store.read(&[file("service")]).unwrap();

    store.forget("service").unwrap();
    store.forget("service").unwrap();
    assert!(!path.exists());
}

#[test]
fn the_debug_text_of_a_secret_does_not_show_it() {
    let home = tempfile::tempdir().unwrap();
    let store = store(&home, &[("KEY", "secret-from-variable")]);
    let secret = store.read(&[variable("KEY")]).unwrap();

    assert_eq!(format!("{secret:?}"), "Secret([redacted])");
    assert!(!format!("{store:?}").contains("secret-from-variable"));
}

#[test]
fn redacting_twice_changes_nothing_more() {
    let home = tempfile::tempdir().unwrap();
    let store = store(&home, &[("A", "secret-number-one"), ("B", "secret-number-one-longer")]);
    store.read(&[variable("A")]).unwrap();
    store.read(&[variable("B")]).unwrap();

    let once = store.redact_str("a secret-number-one-longer b secret-number-one c");

    assert_eq!(once, "a [redacted] b [redacted] c");
    assert_eq!(store.redact_str(&once), once);
}

mod any_text {
    use super::store;
    use openkoi_brokers::secrets::Secret;
    use proptest::prelude::*;

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    proptest! {
        /// With any text around it, and in any form.
        #[test]
        fn a_secret_is_found_in_any_text(
            secret in "[!-~]{8,40}", before in "[ -~]{0,20}", after in "[ -~]{0,20}", form in 0..4,
        ) {
            let home = tempfile::tempdir().unwrap();
            let store = store(&home, &[]);
            store.bind("service", &Secret::new(secret.clone().into_bytes()), "api.example.com");
            let written = match form {
                0 => secret.clone(),
                1 => hex(&secret),
                2 => hex(&secret).to_uppercase(),
                _ => percent(&secret),
            };

            let clean = store.redact_str(&format!("{before}{written}{after}"));

            prop_assert!(!clean.contains(&written), "{clean}");
            prop_assert!(clean.contains("[redacted]"), "{clean}");
        }
    }
}
