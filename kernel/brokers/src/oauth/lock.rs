//! One process at a time renews a login, and one at a time writes the file of all of them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::LoginError;

/// How long the longest exchange takes, and a little more: nobody who is alive holds the lock longer.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// The lock beside a file. It ends when it is dropped, or with the process.
///
/// It is beside the file and not on it, because the file is replaced whenever it is written.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Waits for the lock of the whole file. It is held while the file is written and no longer.
    pub(super) async fn of_file(file: &Path) -> Result<Self, LoginError> {
        Self::take(file.with_extension("lock")).await
    }

    /// Waits for the lock of one login, which is held while its service is asked. Others are not waited for.
    pub(super) async fn of_login(file: &Path, name: &str) -> Result<Self, LoginError> {
        let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let plain = (1..=64).contains(&name.len()) && name.bytes().all(proper);
        // A name of the configuration can be anything.
        let part = if plain { name.to_owned() } else { digest(name) };
        Self::take(file.with_extension(format!("{part}.lock"))).await
    }

    /// Waits. Other threads go on meanwhile.
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
