//! Errors of credentials.

use super::KeyringTrouble;
use openkoi_core::credential::SecretSource;
use std::io;
use std::path::PathBuf;

/// Why a credential could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// None of the sources has it.
    #[error("{source_name} is not set")]
    Absent {
        /// The first of the sources.
        source_name: SecretSource,
    },
    /// The source exists and is empty.
    #[error("{source_name} is empty")]
    Empty {
        /// The source.
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
    /// The file is a link, a directory, another user's, or too large.
    #[error("`{}` is not a key file: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        reason: &'static str,
    },
    /// One half of a pair is missing.
    #[error("{there} is set and {missing} is not")]
    Half {
        /// The variable that is set.
        there: String,
        /// The variable that is not.
        missing: String,
    },
    /// A profile cannot be used.
    #[error("the profile `{profile}` of {program} {reason}")]
    Profile {
        /// The program that the profile belongs to.
        program: String,
        /// The name of the profile.
        profile: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The token of another program cannot be used.
    #[error("{source_name} {reason}")]
    Foreign {
        /// The source.
        source_name: SecretSource,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// The credential is in the key ring, which cannot be used.
    #[error("the key of `{name}` is in the key ring, which cannot be used: {trouble}")]
    Keyring {
        /// The name of the credential.
        name: String,
        /// What is wrong with the key ring.
        trouble: KeyringTrouble,
    },
    /// The credential was to be kept in the key ring only, which cannot be used.
    #[error("the key ring is not used: {trouble}; nothing was kept")]
    Unkept {
        /// What is wrong with the key ring.
        trouble: KeyringTrouble,
    },
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}
