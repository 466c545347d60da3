//! The one reader of credentials, and the one that knows them again in other text.
//!
//! A credential comes from a variable of the environment (handed in as a value) or from a file
//! `<home>/credentials/<name>.key` that only its owner can read. It is read when it is asked for, kept in
//! memory that is wiped, and its bytes are seen by this crate alone: the egress broker puts them into a
//! request after the checks. Keys of AWS come from its own variables, or from its shared files.
//!
//! # What is recognised in text
//!
//! | form | recognised |
//! |---|---|
//! | as it is | yes |
//! | base64, standard and URL alphabet, at any offset | yes |
//! | hex, either case | yes |
//! | percent-encoded, in part or whole | yes |
//! | reversed, compressed, encrypted, split over two requests, JSON escapes | no: only the grant of the host stops those |
//!
//! Secrets shorter than eight bytes are not looked for: they would be found everywhere.

mod aws;
mod foreign;
mod patterns;
mod redactor;

pub use foreign::Foreign;
pub(crate) use patterns::{Patterns, redact_all};
pub(crate) use redactor::Redactor;

use crate::oauth::AuthFile;
use crate::sabotage::{Guard, off};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The largest key file that is read.
const LARGEST: u64 = 64 * 1024;
/// How many secrets of one name are known at a time. A process that runs for months gets a new token every few
/// minutes, and each is looked for in everything that leaves.
const GENERATIONS: usize = 32;

/// A credential's bytes. Wiped when dropped, never printed, never shown outside this crate.
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    signing: Option<Arc<Signing>>,
}

/// What goes with a secret that signs requests.
pub(crate) struct Signing {
    /// Whose secret it is; public.
    pub(crate) id: String,
    /// What a secret of a session is sent with.
    pub(crate) token: Option<Secret>,
}

impl Secret {
    /// Takes bytes that a person typed or a service issued.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)), signing: None }
    }

    /// Takes a secret that signs requests, with the id it goes by and the token of its session.
    #[must_use]
    pub fn signing(id: String, secret: Vec<u8>, token: Option<Vec<u8>>) -> Self {
        let signing = Signing { id, token: token.map(Self::new) };
        Self { signing: Some(Arc::new(signing)), ..Self::new(secret) }
    }

    /// Whether it signs requests instead of being sent with them.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.signing.is_some()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn signer(&self) -> Option<&Signing> {
        self.signing.as_deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Where a credential is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A variable of the environment.
    Variable(String),
    /// A file of this name under the credentials directory.
    File(String),
    /// A login of this name. Its token is had from [`crate::oauth::Logins`], which keeps it fresh.
    Login(String),
    /// The variables that the tools of AWS share. They may be set for anything.
    AwsVariables,
    /// The files that the tools of AWS share: the store of other programs.
    AwsProfile,
    /// A file in which another program keeps a token.
    Foreign(Box<Foreign>),
}

impl SecretSource {
    /// Whether it is the store of other programs, which is read only if the user says so.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.external().is_some()
    }

    /// Returns the name under which the user lets the store of another program be read, and where it is.
    #[must_use]
    pub fn external(&self) -> Option<(&str, &str)> {
        match self {
            Self::AwsProfile => Some(("aws", "~/.aws")),
            Self::Foreign(foreign) => Some((&foreign.name, &foreign.path)),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(name) => write!(f, "the credential `{name}`"),
            Self::Login(name) => write!(f, "the login `{name}`"),
            Self::AwsVariables => {
                write!(f, "the pair of variables {} and {}", aws::ID, aws::SECRET)
            }
            Self::AwsProfile => f.write_str("the profile of AWS"),
            Self::Foreign(foreign) => {
                write!(f, "the token of {} in {}", foreign.program, foreign.path)
            }
        }
    }
}

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
        there: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// A profile of AWS cannot be used.
    #[error("the profile `{profile}` of AWS {reason}")]
    Profile {
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
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Closes the memory of this process to others of the same user, and keeps it out of core files. To be called
/// once, before the first secret is read.
///
/// # Errors
///
/// The system refused; the process is as open as any other.
#[cfg(target_os = "linux")]
pub fn close_memory() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Keeps the memory of this process out of core files. To be called once, before the first secret is read.
///
/// # Errors
///
/// The system refused.
#[cfg(not(target_os = "linux"))]
pub fn close_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// A secret that was handed out, with the hosts it may go to.
#[derive(Debug)]
struct Known {
    name: String,
    secret: Secret,
    patterns: Patterns,
    hosts: Vec<String>,
}

/// Where credentials come from. Clones share what they know.
#[derive(Clone)]
pub struct SecretStore {
    directory: PathBuf,
    logins: AuthFile,
    environment: Arc<HashMap<OsString, OsString>>,
    known: Arc<Mutex<Vec<Known>>>,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretStore").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl SecretStore {
    /// Makes a store over `<home>/credentials` and a snapshot of the environment. Reads nothing.
    #[must_use]
    pub fn new(home: &Path, environment: Arc<HashMap<OsString, OsString>>) -> Self {
        let (directory, logins) = (home.join("credentials"), AuthFile::of(home));
        Self { directory, logins, environment, known: Arc::default() }
    }

    /// Reads the first of `sources` that is there. Surrounding white space does not count.
    ///
    /// From then on the secret is known: it leaves for no host until [`SecretStore::bind`] names one, and it
    /// is redacted.
    ///
    /// # Errors
    ///
    /// A source that is there but unfit is an error, not passed over.
    pub fn read(&self, sources: &[SecretSource]) -> Result<Secret, SecretError> {
        let mut absent = None;
        for source in sources {
            match self.read_one(source) {
                Err(error @ SecretError::Absent { .. }) => absent = absent.or(Some(error)),
                found => return found,
            }
        }
        let nowhere = || SecretError::Absent { source_name: SecretSource::File(String::new()) };
        Err(absent.unwrap_or_else(nowhere))
    }

    /// Whether one of `sources` is there, without reading a file's contents.
    #[must_use]
    pub fn has(&self, sources: &[SecretSource]) -> bool {
        sources.iter().any(|source| match source {
            SecretSource::Variable(name) => {
                self.environment.get(&OsString::from(name)).is_some_and(|value| !value.is_empty())
            }
            SecretSource::File(name) => self.path(name).is_ok_and(|path| path.exists()),
            SecretSource::Login(name) => self.logins.has(name),
            SecretSource::AwsVariables => aws::has_variables(&self.environment),
            SecretSource::AwsProfile => aws::Shared::of(&self.environment).exists(),
            SecretSource::Foreign(foreign) => foreign.exists(&self.environment),
        })
    }

    /// Returns a variable of the environment that is no secret, if it is set and not empty.
    #[must_use]
    pub fn setting(&self, variable: &str) -> Option<String> {
        aws::variable(&self.environment, variable)
    }

    /// Returns the region of the user's profile of AWS. It is read from the store of other programs, so only where
    /// the user lets [`SecretSource::AwsProfile`] be read.
    #[must_use]
    pub fn aws_region(&self) -> Option<String> {
        aws::Shared::of(&self.environment).region()
    }

    /// Keeps `secret` as the credential `name`, in a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// The former credential is still there.
    pub fn store(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        let path = self.path(name)?;
        let kept = crate::durable::create_private_dir(&self.directory)
            .and_then(|()| crate::durable::put_atomic(&path, secret.expose(), 0o600));
        kept.map_err(|error| SecretError::Io { path, source: io::Error::other(error) })
    }

    /// Removes the credential `name`; removing one that is not there is no failure.
    ///
    /// # Errors
    ///
    /// The file could not be removed.
    pub fn forget(&self, name: &str) -> Result<(), SecretError> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(SecretError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Lets `secret` leave for `host` (`name` or `name:port`), and knows it again everywhere else.
    pub fn bind(&self, name: &str, secret: &Secret, host: &str) {
        self.learn(name, secret, Some(host));
    }

    /// Knows `secret` again from now on, without letting it go anywhere.
    pub(crate) fn know(&self, name: &str, secret: &Secret) {
        self.learn(name, secret, None);
    }

    /// Replaces every known secret in `text`, in any of the recognised forms, by `[redacted]`.
    #[must_use]
    pub fn redact(&self, text: &[u8]) -> Vec<u8> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        redact_all(text, known.iter().map(|known| &known.patterns))
    }

    /// As [`SecretStore::redact`], for text.
    #[must_use]
    pub fn redact_str(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// Returns the name of a known secret that is in one of `texts` and may not go to `host` and `port`.
    pub(crate) fn stray<'a>(
        &self,
        texts: impl Iterator<Item = &'a [u8]> + Clone,
        host: &str,
        port: u16,
    ) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|known| !known.hosts.iter().any(|bound| is_bound(bound, host, port)))
            .find(|known| texts.clone().any(|text| known.patterns.is_in(text)))
            .map(|known| known.name.clone())
    }

    pub(crate) fn learn(&self, name: &str, secret: &Secret, host: Option<&str>) {
        if let Some(token) = secret.signer().and_then(|signer| signer.token.as_ref()) {
            self.learn(name, token, None);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter_mut().find(|k| k.secret.expose() == secret.expose());
        if let Some(found) = found {
            if let Some(host) = host
                && !found.hosts.iter().any(|bound| bound == host)
            {
                found.hosts.push(host.to_owned());
            }
            return;
        }
        let older = |known: &Known| known.name == name;
        if known.iter().filter(|one| older(one)).count() >= GENERATIONS
            && let Some(oldest) = known.iter().position(older)
        {
            known.remove(oldest);
        }
        known.push(Known {
            name: name.to_owned(),
            secret: secret.clone(),
            patterns: Patterns::new(secret.expose()),
            hosts: host.map(str::to_owned).into_iter().collect(),
        });
    }

    fn read_one(&self, source: &SecretSource) -> Result<Secret, SecretError> {
        let (name, bytes) = match source {
            SecretSource::Variable(name) => (name, self.read_variable(name)),
            SecretSource::File(name) => (name, self.read_file(name)?),
            // Not here: a token that is not kept fresh is a riddle an hour later.
            SecretSource::Login(name) => (name, None),
            SecretSource::AwsVariables => {
                return self.known_keys(source, aws::from_variables(&self.environment)?);
            }
            SecretSource::AwsProfile => {
                return self.known_keys(source, aws::Shared::of(&self.environment).keys()?);
            }
            SecretSource::Foreign(foreign) => {
                let absent = || SecretError::Absent { source_name: source.clone() };
                let secret = foreign.read(&self.environment)?.ok_or_else(absent)?;
                self.learn(&foreign.name, &secret, None);
                return Ok(secret);
            }
        };
        let bytes = bytes.ok_or_else(|| SecretError::Absent { source_name: source.clone() })?;
        let trimmed = bytes.trim_ascii();
        if trimmed.is_empty() {
            return Err(SecretError::Empty { source_name: source.clone() });
        }
        let secret = Secret::new(trimmed.to_vec());
        self.learn(name, &secret, None);
        Ok(secret)
    }

    fn known_keys(
        &self,
        source: &SecretSource,
        keys: Option<Secret>,
    ) -> Result<Secret, SecretError> {
        let secret = keys.ok_or_else(|| SecretError::Absent { source_name: source.clone() })?;
        self.learn(aws::SECRET, &secret, None);
        Ok(secret)
    }

    fn read_variable(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let value = self.environment.get(&OsString::from(name))?;
        Some(Zeroizing::new(value.as_encoded_bytes().to_vec()))
    }

    fn read_file(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        read_private(&self.path(name)?, LARGEST)
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretError> {
        let proper = (1..=64).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !proper {
            return Err(SecretError::Name { name: name.to_owned() });
        }
        Ok(self.directory.join(format!("{name}.key")))
    }
}

/// Reads a file that only its owner can read; nothing if there is none.
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
        return Err(unfit("it is no regular file"));
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

/// Returns whether a binding (`host` or `host:port`) means this host and port. Without a port it means the
/// ports of the two schemes.
pub(crate) fn is_bound(binding: &str, host: &str, port: u16) -> bool {
    let after_address = binding.rfind(']').map_or(0, |at| at + 1);
    let (bound, bound_port) = match binding[after_address..].rfind(':') {
        Some(colon) => {
            let (bound, rest) = binding.split_at(after_address + colon);
            (bound, rest[1..].parse::<u16>().ok())
        }
        None => (binding, None),
    };
    let port_fits = match bound_port {
        Some(bound_port) => port == bound_port,
        None => bound.len() == binding.len() && matches!(port, 443 | 80),
    };
    port_fits && !bound.is_empty() && bound.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::is_bound;

    #[test]
    fn a_binding_is_one_host_and_one_port() {
        assert!(is_bound("api.example.com", "api.example.com", 443));
        assert!(is_bound("API.example.com", "api.example.com", 443));
        assert!(is_bound("127.0.0.1:8080", "127.0.0.1", 8080));
        assert!(is_bound("[::1]:8080", "[::1]", 8080));
        assert!(is_bound("[::1]", "[::1]", 443));
        for (binding, host, port) in [
            ("api.example.com", "api.example.com", 8443),
            ("api.example.com:8443", "api.example.com", 443),
            ("api.example.com", "api.example.com.evil.com", 443),
            ("*.example.com", "api.example.com", 443),
            ("example.com:x", "example.com", 443),
            ("", "", 443),
        ] {
            assert!(!is_bound(binding, host, port), "{binding} {host}:{port}");
        }
    }
}
