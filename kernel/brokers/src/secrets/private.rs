//! Files that only their owner can read.

use super::SecretError;
use crate::sabotage::{Guard, off};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file that belongs to this user and that only they can read. Returns nothing if there is none; a link is
/// refused.
pub(crate) fn read_private(
    path: &Path,
    largest: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    let failed = |source| SecretError::Io { path: path.to_owned(), source };
    let unfit = |reason| SecretError::Unfit { path: path.to_owned(), reason };
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(unfit("it is a symbolic link"));
        }
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(unfit("it is not a regular file"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(unfit("it belongs to another user"));
    }
    if meta.mode() & 0o077 != 0 && !off(Guard::SecretMode) {
        return Err(SecretError::Exposed { path: path.to_owned() });
    }
    if meta.len() > largest {
        return Err(unfit("it is larger than any key"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(largest as usize));
    file.take(largest).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}
