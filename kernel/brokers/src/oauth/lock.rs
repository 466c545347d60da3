//! One process at a time works on the file of logins.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

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
    /// Waits for the lock. Other threads go on meanwhile.
    pub(super) async fn take(file: &Path) -> Result<Self, LoginError> {
        let path = file.with_extension("lock");
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
