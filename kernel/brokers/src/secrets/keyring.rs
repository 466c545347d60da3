//! The key ring of a desktop session: a Secret Service, asked through the programs that come with it.
//!
//! Linking a client of D-Bus would cost more than everything else here together. `secret-tool` reads what it is to
//! keep from its standard input. It is never let near a locked ring with a request that could ask a person for a
//! password: `busctl` or `dbus-send` say beforehand whether new keys can be put there, and a key is read by a search,
//! which leaves locked ones out.
//! <https://specifications.freedesktop.org/secret-service/latest/>

use super::program::{DEADLINE, Program, Said, Silence};
use super::{Patterns, Secret, redact_all};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the programs are. The search path of the user is not used: it may lead through a workspace.
const DIRECTORIES: [&str; 2] = ["/usr/bin", "/usr/local/bin"];
/// The program that puts, finds and removes.
const TOOL: &str = "secret-tool";
/// Programs that tell whether the collection for new keys is locked, with what they are asked. The last word of the
/// answer is `true` or `false`.
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

/// Why the key ring is not used. Each follows "the key ring is not used:".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringTrouble {
    /// There is no session of a desktop.
    #[error("there is no session bus here")]
    NoSession,
    /// A program is not installed.
    #[error("`{program}` is not installed")]
    NoProgram {
        /// The program.
        program: &'static str,
    },
    /// Nothing in the session keeps keys.
    #[error("no service of this session keeps keys")]
    Unserved,
    /// A person has to unlock it first.
    #[error("it is locked")]
    Locked,
    /// It hangs, or asks somebody who does not answer.
    #[error("it did not answer within {} s", DEADLINE.as_secs())]
    Late,
    /// The key was removed there.
    #[error("it has no such key any more")]
    Gone,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

impl KeyringTrouble {
    /// Whether there is simply none here, as on a server.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NoSession | Self::NoProgram { .. } | Self::Unserved)
    }
}

impl From<Silence> for KeyringTrouble {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Late => Self::Late,
            Silence::Broken(error) => Self::Failed(format!("its program cannot be run: {error}")),
        }
    }
}

/// The key ring of this session, as far as there is one.
#[derive(Clone, Debug)]
pub(super) struct Keyring {
    directories: Vec<PathBuf>,
    /// Tells the keys of one home from those of another.
    home: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Keyring {
    /// Takes what it needs of the environment. Looks for nothing yet.
    pub(super) fn new(home: &Path, environment: &HashMap<OsString, OsString>) -> Self {
        let wanted = [BUS, RUNTIME, "HOME"].into_iter().filter_map(|name| {
            let value = environment.get(OsStr::new(name)).filter(|value| !value.is_empty())?;
            Some((OsString::from(name), value.clone()))
        });
        // Answers are read, so they are wanted in the language that is known.
        let language = (OsString::from("LC_ALL"), OsString::from("C"));
        Self {
            directories: DIRECTORIES.map(PathBuf::from).to_vec(),
            home: home.to_owned(),
            environment: wanted.chain([language]).collect(),
        }
    }

    /// Looks for the programs in these directories instead of the usual ones.
    pub(super) fn among(self, directories: Vec<PathBuf>) -> Self {
        Self { directories, ..self }
    }

    /// Whether a key can be put there now, without anybody being asked for anything.
    pub(super) fn ready(&self) -> Result<(), KeyringTrouble> {
        self.tool()?;
        let found =
            PROBES.into_iter().find_map(|(name, arguments)| Some((self.program(name)?, arguments)));
        let (probe, arguments) = found.ok_or(KeyringTrouble::NoProgram { program: PROBES[0].0 })?;
        let said = probe.run(arguments, &[])?;
        match said.out.trim_ascii().rsplit(|byte| *byte == b' ').next() {
            Some(b"false") if said.status.success() => Ok(()),
            Some(b"true") if said.status.success() => Err(KeyringTrouble::Locked),
            _ => Err(KeyringTrouble::Unserved),
        }
    }

    /// Puts a key there in place of the former one, and sees whether it is found again.
    pub(super) fn put(&self, name: &str, secret: &Secret) -> Result<(), KeyringTrouble> {
        self.ready()?;
        let mut arguments = vec!["store".into(), "--label".into(), label(name).into()];
        arguments.extend(self.attributes(name));
        let said = self.tool()?.run(&arguments, secret.expose())?;
        if !said.status.success() {
            return Err(complaint(&said, Some(secret)));
        }
        if self.find(name)?.as_slice() != secret.expose() {
            return Err(KeyringTrouble::Failed("it gives back another key than it got".to_owned()));
        }
        Ok(())
    }

    /// Finds a key.
    pub(super) fn find(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyringTrouble> {
        let mut arguments = vec![OsString::from("search")];
        arguments.extend(self.attributes(name));
        let said = self.tool()?.run(&arguments, &[])?;
        if !said.status.success() {
            return Err(complaint(&said, None));
        }
        let mut lines = said.out.split(|byte| *byte == b'\n');
        match lines.find_map(|line| line.strip_prefix(b"secret = ")) {
            Some(secret) => Ok(Zeroizing::new(secret.to_vec())),
            None if said.out.trim_ascii().is_empty() => Err(KeyringTrouble::Gone),
            None => Err(KeyringTrouble::Locked),
        }
    }

    /// Removes a key.
    pub(super) fn remove(&self, name: &str) -> Result<(), KeyringTrouble> {
        self.ready()?;
        let mut arguments = vec![OsString::from("clear")];
        arguments.extend(self.attributes(name));
        let said = self.tool()?.run(&arguments, &[])?;
        // It says no by itself where there is nothing to remove, and then nothing is said about it.
        if said.status.success() || said.complaint.is_empty() {
            return Ok(());
        }
        Err(complaint(&said, None))
    }

    /// What a key is found by. Anybody may know it.
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
        let path = self.directories.iter().map(|directory| directory.join(name));
        let path = path.filter(|path| path.is_absolute()).find(|path| path.is_file())?;
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

/// What a person sees of a key in the programs that show the ring.
#[must_use]
pub fn label(name: &str) -> String {
    format!("OpenKoi: {name}")
}

fn complaint(said: &Said, secret: Option<&Secret>) -> KeyringTrouble {
    let patterns = secret.map(|secret| Patterns::new(secret.expose()));
    let text = redact_all(said.complaint.as_bytes(), patterns.iter());
    let text = String::from_utf8_lossy(&text).into_owned();
    let text = if text.is_empty() { said.status.to_string() } else { text };
    KeyringTrouble::Failed(format!("`{TOOL}` says: {text}"))
}
