//! The secrets by which receivers of webhooks know that a request is from here, and the signatures made with them, as Standard
//! Webhooks has them (<https://www.standardwebhooks.com>).
//!
//! They are made here and given to receivers by the user. So they can be shown, which no credential can. They lie with the
//! credentials, in a file that only its owner can read, and are redacted like these. A secret that was replaced signs for one more
//! day beside its successor, so that receivers can be told of the new one meanwhile.

use crate::durable::{self, DurableError};
use crate::file_lock::FileLock;
use crate::random::{Random, RandomError};
use crate::secrets::{Secret, SecretError, SecretStore, read_private};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// How many random bytes a secret has. The standard wants 24 to 64.
const BYTES: usize = 32;
/// How long a secret signs that was replaced, in milliseconds.
pub const ROTATION_MS: u64 = 24 * 3_600 * 1_000;
/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    /// The file may be read by others, or cannot be read.
    #[error(transparent)]
    Read(#[from] SecretError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] DurableError),
    /// The file is not what is written here.
    #[error("`{}` is damaged; without it, new secrets are made and receivers have to be told of them", .0.display())]
    Damaged(PathBuf),
    /// The system has no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A secret in its text form: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(Zeroizing<String>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

impl WebhookSecret {
    fn new(random: &Random) -> Result<Self, RandomError> {
        let bytes = Zeroizing::new(random.bytes::<BYTES>()?);
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(*bytes)))))
    }

    /// Returns its text, for the user to give to the receiver.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    fn key(&self) -> Option<hmac::Key> {
        let bytes = Zeroizing::new(STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?);
        Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// Returns the signature of a message: `v1,` and base64.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> Option<String> {
        let mut context = hmac::Context::with_key(&self.key()?);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        Some(format!("v1,{}", STANDARD.encode(context.sign().as_ref())))
    }
}

/// The secrets of one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSecrets {
    /// The one that it is to check by.
    pub current: WebhookSecret,
    /// The one before, with when it was replaced, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<(WebhookSecret, u64)>,
}

impl ReceiverSecrets {
    /// Returns the value of `webhook-signature` for a message: one signature, or two while a secret is being replaced.
    #[must_use]
    pub fn signature(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let previous = self.previous_at(timestamp.saturating_mul(1_000));
        let both = std::iter::once(&self.current).chain(previous);
        let signatures: Vec<String> =
            both.filter_map(|secret| secret.sign(id, timestamp, body)).collect();
        signatures.join(" ")
    }

    /// Returns the secret before, if it still signs.
    #[must_use]
    pub fn previous_at(&self, now_ms: u64) -> Option<&WebhookSecret> {
        let (secret, replaced_ms) = self.previous.as_ref()?;
        (now_ms < replaced_ms.saturating_add(ROTATION_MS)).then_some(secret)
    }
}

/// The secrets of all receivers of one home.
#[derive(Clone, Debug)]
pub struct WebhookSecrets {
    path: PathBuf,
}

type Kept = BTreeMap<String, ReceiverSecrets>;

impl WebhookSecrets {
    /// Names the file of a home. It is made with the first secret.
    #[must_use]
    pub fn of(home: &Path) -> Self {
        Self { path: home.join("credentials").join("webhooks.json") }
    }

    /// Returns the secrets of the receiver at `url`, which `known` recognises in text from then on. The first call makes one.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub fn get(
        &self,
        url: &str,
        known: &SecretStore,
    ) -> Result<ReceiverSecrets, WebhookSecretError> {
        let secrets = match self.read()?.remove(url) {
            Some(secrets) => secrets,
            None => self.change(|kept| {
                let new = ReceiverSecrets {
                    current: WebhookSecret::new(&Random::default())?,
                    previous: None,
                };
                Ok(kept.entry(url.to_owned()).or_insert(new).clone())
            })?,
        };
        let previous = secrets.previous.iter().map(|(secret, _)| secret);
        for secret in std::iter::once(&secrets.current).chain(previous) {
            known.know("webhooks", &Secret::new(secret.text().as_bytes().to_vec()));
        }
        Ok(secrets)
    }

    /// Replaces the secret of the receiver at `url`, and returns the new one with the one before.
    ///
    /// # Errors
    ///
    /// When the file cannot be used. The former secret holds.
    pub fn rotate(&self, url: &str, now_ms: u64) -> Result<ReceiverSecrets, WebhookSecretError> {
        self.change(|kept| {
            let current = WebhookSecret::new(&Random::default())?;
            let previous = kept.remove(url).map(|before| (before.current, now_ms));
            let secrets = ReceiverSecrets { current, previous };
            kept.insert(url.to_owned(), secrets.clone());
            Ok(secrets)
        })
    }

    fn read(&self) -> Result<Kept, WebhookSecretError> {
        match read_private(&self.path, LARGEST)? {
            None => Ok(Kept::new()),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| WebhookSecretError::Damaged(self.path.clone())),
        }
    }

    /// Changes the file, one process at a time.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Kept) -> Result<T, WebhookSecretError>,
    ) -> Result<T, WebhookSecretError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        durable::create_private_dir(directory)?;
        let failed = |source| DurableError::Io { path: self.path.clone(), source };
        let _lock = std::fs::File::open(directory).and_then(FileLock::exclusive).map_err(failed)?;
        let mut kept = self.read()?;
        let done = change(&mut kept)?;
        let text = serde_json::to_vec_pretty(&kept).map(Zeroizing::new);
        let text = text.map_err(|error| failed(std::io::Error::other(error)))?;
        durable::put_atomic(&self.path, &text, 0o600)?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, os::unix::fs::PermissionsExt, sync::Arc};

    use super::*;

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret(Zeroizing::new(text.to_owned()))
    }

    fn home() -> (tempfile::TempDir, WebhookSecrets, SecretStore) {
        let home = tempfile::tempdir().unwrap();
        let store = SecretStore::new(home.path(), Arc::new(HashMap::new()));
        let secrets = WebhookSecrets::of(home.path());
        (home, secrets, store)
    }

    /// The vectors of the specification and of its libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        for (key, id, timestamp, body, expected) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_plJ3nmyCDGBKInavdOK15jsl",
                "msg_loFOjxBNrRLzqYUf",
                1_731_705_121,
                r#"{"event_type":"ping","data":{"success":true}}"#,
                "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            ),
        ] {
            let signature = secret(key).sign(id, timestamp, body.as_bytes());
            assert_eq!(signature.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_secret_is_made_once_and_kept_where_only_its_owner_reads_it() {
        let (home, secrets, store) = home();

        let first = secrets.get("https://hooks.test/a", &store).unwrap();

        assert_eq!(secrets.get("https://hooks.test/a", &store).unwrap(), first);
        assert_ne!(secrets.get("https://hooks.test/b", &store).unwrap(), first);
        let bytes = STANDARD.decode(first.current.text().strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        let file = std::fs::metadata(home.path().join("credentials/webhooks.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert!(!store.redact_str(first.current.text()).contains("whsec_"));
        assert!(!format!("{first:?}").contains("whsec_"));
    }

    #[test]
    fn a_secret_that_was_replaced_signs_for_one_more_day() {
        let (_home, secrets, store) = home();
        let before = secrets.get("https://hooks.test/a", &store).unwrap();

        let after = secrets.rotate("https://hooks.test/a", 5_000).unwrap();

        let sign = |secret: &WebhookSecret, at| secret.sign("msg_1", at, b"{}").unwrap();
        let both = format!("{} {}", sign(&after.current, 6), sign(&before.current, 6));
        assert_eq!(after.signature("msg_1", 6, b"{}"), both);
        let later = 6 + ROTATION_MS / 1_000;
        assert_eq!(after.signature("msg_1", later, b"{}"), sign(&after.current, later));
        assert_eq!(secrets.get("https://hooks.test/a", &store).unwrap(), after);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_damaged_is_refused() {
        let (home, secrets, store) = home();
        secrets.get("https://hooks.test/a", &store).unwrap();
        let path = home.path().join("credentials/webhooks.json");

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = secrets.get("https://hooks.test/a", &store);
        assert!(matches!(exposed, Err(WebhookSecretError::Read(SecretError::Exposed { .. }))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "{").unwrap();
        let damaged = secrets.get("https://hooks.test/b", &store);
        assert!(matches!(damaged, Err(WebhookSecretError::Damaged(_))));
    }
}
