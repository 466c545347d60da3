//! Locks between processes: one for each login while it is renewed, one for the file while it is written.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::LoginError;

/// The longest wait: a little more than the longest exchange, so that a live process has released the lock by then.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// A lock beside the file of logins. It is released when it is dropped, or with the process.
///
/// It is not a lock of the file itself, because each write replaces that file.
#[derive(Debug)]
pub(super) struct FileLock(#[expect(dead_code, reason = "held, not read")] File);

impl FileLock {
    /// Waits for the lock of the whole file, which is held while the file is written.
    pub(super) async fn of_file(file: &Path) -> Result<Self, LoginError> {
        Self::take(file.with_extension("lock")).await
    }

    /// Waits for the lock of one login, which is held while its service is asked. Logins do not wait for one another.
    pub(super) async fn of_login(file: &Path, name: &str) -> Result<Self, LoginError> {
        let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let plain = (1..=64).contains(&name.len()) && name.bytes().all(proper);
        // The configuration allows any name, also those that a file cannot have.
        let part = if plain { name.to_owned() } else { digest(name) };
        Self::take(file.with_extension(format!("{part}.lock"))).await
    }

    /// Waits without blocking the thread.
    async fn take(path: PathBuf) -> Result<Self, LoginError> {
        let failed = |source| LoginError::Io { path: path.clone(), source };
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(&path)
            .map_err(failed)?;
        let waiting = async {
            loop {
                match open.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
                    Err(TryLockError::Error(error)) => return Err(failed(error)),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(locked) => locked.map(|()| Self(open)),
            Err(_) => Err(LoginError::Busy { path: path.clone() }),
        }
    }
}

fn digest(name: &str) -> String {
    Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect()
}
