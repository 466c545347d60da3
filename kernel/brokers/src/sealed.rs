//! Things that can be made again, kept on the disk and believed only if they were kept here.
//!
//! What lies in a file may have been put there by anybody who can write to it, or have changed. Each thing is kept with a
//! code that is made of its name, its bytes and a key of this home; without the key nobody makes one, and a thing is not that
//! of another name. What is damaged, foreign or gone is simply not there: whoever asks makes it again and keeps it in its
//! place. Nothing here fails a caller that can do without.

use crate::disk;
use crate::durable::{self, DurableError};
use crate::random::Random;
use crate::sabotage::{Guard, off};
use ring::hmac;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of the file with the key.
const KEY: &str = "key";
/// The length of a key, and of a code.
const LENGTH: usize = 32;
/// The largest thing that is kept, in bytes.
const LARGEST: u64 = 256 << 20;
/// How many things are kept, and how many bytes together. The oldest go first.
const MOST_THINGS: usize = 64;
const MOST_BYTES: u64 = 256 << 20;

/// A directory of things that are believed only if they were kept there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedStore {
    directory: PathBuf,
}

impl SealedStore {
    /// Names the directory. It is made when the first thing is kept.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Returns the thing of that name, if it is there and was kept here.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        if !is_name(name) || !is_own(&self.directory) {
            return None;
        }
        let key = self.key()?;
        let kept = disk::read(&self.directory.join(name), LARGEST).ok()?;
        let bytes = opened(&key, name, kept);
        if bytes.is_none() {
            tracing::warn!(
                name,
                "what lies in the cache of native code was not put there, or is damaged"
            );
        }
        bytes
    }

    /// Returns whether something has that name. Whether it was kept here is seen when it is read.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        is_name(name) && disk::exists(&self.directory.join(name))
    }

    /// Keeps a thing under a name, in place of what has it.
    ///
    /// # Errors
    ///
    /// The directory cannot be written. What was there is as it was.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), DurableError> {
        let path = self.directory.join(name);
        if !is_name(name) {
            return Err(DurableError::Missing { path });
        }
        durable::create_private_dir(&self.directory)?;
        let key = match self.key() {
            Some(key) => key,
            None => self.new_key()?,
        };
        durable::put_whole(&path, &sealed(&key, name, bytes), 0o600)?;
        self.tidy();
        Ok(())
    }

    /// Returns the key, if it is there and nobody else can know or choose it.
    fn key(&self) -> Option<hmac::Key> {
        let path = self.directory.join(KEY);
        let meta = fs::symlink_metadata(&path).ok()?;
        let is_own = meta.is_file()
            && meta.uid() == rustix::process::geteuid().as_raw()
            && (meta.mode() & 0o077 == 0 || off(Guard::SealedKey));
        let bytes = disk::read(&path, LENGTH as u64).ok()?;
        let is_whole = is_own && bytes.len() == LENGTH;
        is_whole.then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// Makes a key. Where two processes do at once one of them wins, and what the other kept has to be made again.
    fn new_key(&self) -> Result<hmac::Key, DurableError> {
        let path = self.directory.join(KEY);
        let unmade = |source| DurableError::Io { path: path.clone(), source };
        let bytes = Random::default().bytes::<LENGTH>();
        let bytes = bytes.map_err(|error| unmade(std::io::Error::other(error)))?;
        durable::put_atomic(&path, &bytes, 0o600)?;
        self.key().ok_or_else(|| unmade(std::io::ErrorKind::NotFound.into()))
    }

    /// Removes the oldest things beyond what is kept.
    fn tidy(&self) {
        let Ok(entries) = disk::list(&self.directory) else { return };
        let mut things: Vec<(i128, u64, PathBuf)> = entries
            .into_iter()
            .filter(|entry| entry.name != *KEY)
            .filter_map(|entry| {
                let path = self.directory.join(&entry.name);
                let status = disk::link_status(&path).ok()?;
                Some((status.modified_ns, status.length, path))
            })
            .collect();
        things.sort_by_key(|thing| std::cmp::Reverse(thing.0));
        let mut bytes = 0_u64;
        for (number, (_, length, path)) in things.into_iter().enumerate() {
            bytes = bytes.saturating_add(length);
            if (number >= MOST_THINGS || bytes > MOST_BYTES)
                && let Err(error) = disk::remove_file(&path)
            {
                tracing::debug!(%error, "something old stays");
            }
        }
    }
}

/// A name is one of ours: nothing else is a part of a path.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !name.is_empty() && name.len() <= 200 && name != KEY && name.chars().all(fits)
}

/// Whether a directory is this user's own and closed to others.
fn is_own(directory: &Path) -> bool {
    fs::symlink_metadata(directory).is_ok_and(|meta| {
        meta.is_dir()
            && meta.uid() == rustix::process::geteuid().as_raw()
            && meta.mode() & 0o077 == 0
    })
}

/// Returns the code, the name with its length, and the bytes.
fn sealed(key: &hmac::Key, name: &str, bytes: &[u8]) -> Vec<u8> {
    let header = header(name);
    let mut context = hmac::Context::with_key(key);
    context.update(&header);
    context.update(bytes);
    [context.sign().as_ref(), &header, bytes].concat()
}

/// Returns the bytes of what [`sealed`] made of this name.
fn opened(key: &hmac::Key, name: &str, mut kept: Vec<u8>) -> Option<Vec<u8>> {
    let (code, rest) = kept.split_at_checked(LENGTH)?;
    if hmac::verify(key, rest, code).is_err() && !off(Guard::SealedCode) {
        return None;
    }
    let header = header(name);
    if !rest.starts_with(&header) {
        return None;
    }
    kept.drain(..LENGTH + header.len());
    Some(kept)
}

fn header(name: &str) -> Vec<u8> {
    let length = (name.len() as u64).to_le_bytes();
    [b"openkoi sealed 1\n".as_slice(), &length, name.as_bytes()].concat()
}
