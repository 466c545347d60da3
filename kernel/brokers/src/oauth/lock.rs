//! Locks between processes: one for each login while it is renewed, one for the file while it is written.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::LoginError;
use crate::file_lock::FileLock;

/// The longest wait: a little more than the longest exchange, so that a live process has released the lock by then.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the lock of the file of logins, which is held while the file is written.
pub(super) async fn of_file(file: &Path) -> Result<FileLock, LoginError> {
    // Not the file itself is locked, because each write replaces it.
    take(file.with_extension("lock")).await
}

/// Waits for the lock of one login, which is held while its service is asked. Logins do not wait for one another.
pub(super) async fn of_login(file: &Path, name: &str) -> Result<FileLock, LoginError> {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let plain = (1..=64).contains(&name.len()) && name.bytes().all(proper);
    // The configuration allows any name, also those that a file cannot have.
    let part = if plain { name.to_owned() } else { digest(name) };
    take(file.with_extension(format!("{part}.lock"))).await
}

/// Waits without blocking the thread.
async fn take(path: PathBuf) -> Result<FileLock, LoginError> {
    let waiting = async {
        loop {
            match FileLock::try_exclusive(open(&path)?) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(locked) => locked.map_err(|source| LoginError::Io { path: path.clone(), source }),
        Err(_) => Err(LoginError::Busy { path }),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

fn digest(name: &str) -> String {
    Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect()
}
