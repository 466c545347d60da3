//! The key ring of a desktop session: a Secret Service, asked through the programs that come with it.
//!
//! A D-Bus client as a library would be larger than the rest of this crate. `secret-tool` reads the secret to keep from
//! its standard input. A request that could make a locked ring ask the user for a password is not sent: `busctl` or
//! `dbus-send` say beforehand whether new keys can be put there, and a key is read by a search, which leaves locked
//! ones out.
//! <https://specifications.freedesktop.org/secret-service/latest/>

use super::variables::Variables;
use super::{Patterns, Secret, redact_all};
use crate::program::{self, DEADLINE, DIRECTORIES, Program, ProgramAnswer, ProgramFailure};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The program that puts, finds and removes keys.
const TOOL: &str = "secret-tool";
/// Programs that tell whether the collection for new keys is locked, with their arguments. The last word of the answer
/// is `true` or `false`.
const PROBES: [(&str, &[&str]); 2] = [
    (
        "busctl",
        &[
            "--user",
            "get-property",
            "org.freedesktop.secrets",
            "/org/freedesktop/secrets/aliases/default",
            "org.freedesktop.Secret.Collection",
            "Locked",
        ],
    ),
    (
        "dbus-send",
        &[
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets/aliases/default",
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        ],
    ),
];
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// Why the key ring is not used. Each sentence follows "the key ring is not used:".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringTrouble {
    /// There is no desktop session.
    #[error("there is no session bus here")]
    NoSession,
    /// A program is not installed.
    #[error("`{program}` is not installed")]
    NoProgram {
        /// The program.
        program: &'static str,
    },
    /// The session has no service that keeps keys.
    #[error("no service of this session keeps keys")]
    Unserved,
    /// The user has to unlock it first.
    #[error("it is locked")]
    Locked,
    /// It hangs, or asks a person who does not answer.
    #[error("it did not answer within {} s", DEADLINE.as_secs())]
    Late,
    /// The key was removed from it by another program.
    #[error("it has no such key any more")]
    Gone,
    /// Another error, in words.
    #[error("{0}")]
    Failed(String),
}

impl KeyringTrouble {
    /// Tells whether the system has no key ring, like a server.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NoSession | Self::NoProgram { .. } | Self::Unserved)
    }
}

impl From<ProgramFailure> for KeyringTrouble {
    fn from(failure: ProgramFailure) -> Self {
        match failure {
            ProgramFailure::Late => Self::Late,
            ProgramFailure::Broken(error) => {
                Self::Failed(format!("its program cannot be run: {error}"))
            }
        }
    }
}

/// The key ring of this session, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Keyring {
    directories: Vec<PathBuf>,
    /// An attribute of each key, so that the keys of several homes are told apart.
    home: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Keyring {
    /// Takes the variables that the programs need. Starts nothing.
    pub(super) fn new(home: &Path, environment: &Variables) -> Self {
        let wanted = [BUS, RUNTIME, "HOME"].into_iter().filter_map(|name| {
            let value = environment.get(OsStr::new(name)).filter(|value| !value.is_empty())?;
            Some((OsString::from(name), value.clone()))
        });
        // The answers are parsed, so they must not be translated.
        let language = (OsString::from("LC_ALL"), OsString::from("C"));
        Self {
            directories: DIRECTORIES.map(PathBuf::from).to_vec(),
            home: home.to_owned(),
            environment: wanted.chain([language]).collect(),
        }
    }

    /// Uses the programs in these directories instead of the usual ones.
    pub(super) fn among(self, directories: Vec<PathBuf>) -> Self {
        Self { directories, ..self }
    }

    /// Checks whether a key can be put there now without a question to the user.
    pub(super) fn ready(&self) -> Result<(), KeyringTrouble> {
        self.tool()?;
        let found =
            PROBES.into_iter().find_map(|(name, arguments)| Some((self.program(name)?, arguments)));
        let (probe, arguments) = found.ok_or(KeyringTrouble::NoProgram { program: PROBES[0].0 })?;
        let answer = probe.run(arguments, &[])?;
        match answer.out.trim_ascii().rsplit(|byte| *byte == b' ').next() {
            Some(b"false") if answer.status.success() => Ok(()),
            Some(b"true") if answer.status.success() => Err(KeyringTrouble::Locked),
            _ => Err(KeyringTrouble::Unserved),
        }
    }

    /// Puts a key there in place of the former one, and checks that it is found again.
    pub(super) fn put(&self, name: &str, secret: &Secret) -> Result<(), KeyringTrouble> {
        self.ready()?;
        let mut arguments = vec!["store".into(), "--label".into(), label(name).into()];
        arguments.extend(self.attributes(name));
        let answer = self.tool()?.run(&arguments, secret.expose())?;
        if !answer.status.success() {
            return Err(complaint(&answer, Some(secret)));
        }
        if self.find(name)?.as_slice() != secret.expose() {
            return Err(KeyringTrouble::Failed("it gives back another key than it got".to_owned()));
        }
        Ok(())
    }

    /// Reads a key.
    pub(super) fn find(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyringTrouble> {
        let mut arguments = vec![OsString::from("search")];
        arguments.extend(self.attributes(name));
        let answer = self.tool()?.run(&arguments, &[])?;
        if !answer.status.success() {
            return Err(complaint(&answer, None));
        }
        let mut lines = answer.out.split(|byte| *byte == b'\n');
        match lines.find_map(|line| line.strip_prefix(b"secret = ")) {
            Some(secret) => Ok(Zeroizing::new(secret.to_vec())),
            None if answer.out.trim_ascii().is_empty() => Err(KeyringTrouble::Gone),
            None => Err(KeyringTrouble::Locked),
        }
    }

    /// Removes a key.
    pub(super) fn remove(&self, name: &str) -> Result<(), KeyringTrouble> {
        self.ready()?;
        let mut arguments = vec![OsString::from("clear")];
        arguments.extend(self.attributes(name));
        let answer = self.tool()?.run(&arguments, &[])?;
        // It fails without a message if there is nothing to remove.
        if answer.status.success() || answer.complaint.is_empty() {
            return Ok(());
        }
        Err(complaint(&answer, None))
    }

    /// Returns the attributes of a key, by which it is found. They are not secret.
    fn attributes(&self, name: &str) -> [OsString; 6] {
        [
            "application".into(),
            "openkoi".into(),
            "home".into(),
            self.home.clone().into_os_string(),
            "provider".into(),
            name.into(),
        ]
    }

    fn tool(&self) -> Result<Program, KeyringTrouble> {
        if !self.has_session() {
            return Err(KeyringTrouble::NoSession);
        }
        self.program(TOOL).ok_or(KeyringTrouble::NoProgram { program: TOOL })
    }

    fn program(&self, name: &str) -> Option<Program> {
        let path = program::found(&self.directories, name)?;
        Some(Program { path, environment: self.environment.clone() })
    }

    fn has_session(&self) -> bool {
        self.environment.iter().any(|(name, value)| match name.to_str() {
            Some(BUS) => true,
            Some(RUNTIME) => Path::new(value).join("bus").exists(),
            _ => false,
        })
    }
}

/// Returns the label of a key, which the user sees in programs that show the ring.
#[must_use]
pub fn label(name: &str) -> String {
    format!("OpenKoi: {name}")
}

fn complaint(answer: &ProgramAnswer, secret: Option<&Secret>) -> KeyringTrouble {
    let patterns = secret.map(|secret| Patterns::new(secret.expose()));
    let text = redact_all(answer.complaint.as_bytes(), patterns.iter());
    let text = String::from_utf8_lossy(&text).into_owned();
    let text = if text.is_empty() { answer.status.to_string() } else { text };
    KeyringTrouble::Failed(format!("`{TOOL}` says: {text}"))
}
