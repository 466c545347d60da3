//! Why there is no credential.

use super::{KeyringTrouble, SecretSource};
use std::io;
use std::path::PathBuf;

/// Why a credential could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is in none of the places.
    #[error("{source_name} is not set")]
    Absent {
        /// Where it was looked for.
        source_name: SecretSource,
    },
    /// It is there and empty.
    #[error("{source_name} is empty")]
    Empty {
        /// Where it is.
        source_name: SecretSource,
    },
    /// The name could lead out of the credentials directory.
    #[error("`{name}` is not the name of a credential: use letters, digits, `.`, `_` and `-`")]
    Name {
        /// The name.
        name: String,
    },
    /// Other users can read the file.
    #[error("`{}` can be read by others, run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file is a link, a directory, another user's or far too large.
    #[error("`{}` is not a key file: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// One half of a pair is missing.
    #[error("{there} is set and {missing} is not")]
    Half {
        /// What is there.
        there: String,
        /// What is not.
        missing: String,
    },
    /// A profile cannot be used.
    #[error("the profile `{profile}` of {program} {reason}")]
    Profile {
        /// Whose profile it is.
        program: String,
        /// The profile.
        profile: String,
        /// What is in the way, and what to do.
        reason: String,
    },
    /// What another program keeps cannot be used.
    #[error("{source_name} {reason}")]
    Foreign {
        /// Where it is.
        source_name: SecretSource,
        /// What is in the way, and what to do.
        reason: &'static str,
    },
    /// It is in the key ring, and cannot be had from there.
    #[error("the key of `{name}` is in the key ring, which cannot be used: {trouble}")]
    Keyring {
        /// The name of the credential.
        name: String,
        /// What is in the way.
        trouble: KeyringTrouble,
    },
    /// It was to be kept in the key ring and nowhere else.
    #[error("the key ring is not used: {trouble}; nothing was kept")]
    Unkept {
        /// What is in the way.
        trouble: KeyringTrouble,
    },
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
