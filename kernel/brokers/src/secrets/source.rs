//! The places where a credential can be.

use super::{Foreign, ProfileStore, VariablePair};
use std::borrow::Cow;
use std::fmt;

/// Where a credential is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A variable of the environment.
    Variable(String),
    /// A key of this name that `openkoi connect` keeps: in a file under the credentials directory, or in the key ring.
    Saved(String),
    /// A login of this name. Its token is had from [`crate::oauth::Logins`], which keeps it fresh.
    Login(String),
    /// A pair of variables with keys that sign. They may be set for anything.
    Pair(Box<VariablePair>),
    /// Files of profiles with keys that sign: the store of other programs.
    Profile(Box<ProfileStore>),
    /// A file in which another program keeps a token, or an item of the keychain.
    Foreign(Box<Foreign>),
}

impl SecretSource {
    /// Whether it is the store of other programs, which is read only if the user says so.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.external().is_some()
    }

    /// Whether the keychain may have it, which is not looked for unless somebody wants it: that starts a program.
    #[must_use]
    pub fn may_be_in_keychain(&self) -> bool {
        matches!(self, Self::Foreign(foreign) if !foreign.keychain.is_empty())
    }

    /// Returns the name under which the user lets the store of another program be read, and where it is.
    #[must_use]
    pub fn external(&self) -> Option<(&str, Cow<'_, str>)> {
        match self {
            Self::Profile(store) => Some((&store.name, Cow::Borrowed(&store.path))),
            Self::Foreign(foreign) => Some((&foreign.name, foreign.place())),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Saved(name) => write!(f, "the credential `{name}`"),
            Self::Login(name) => write!(f, "the login `{name}`"),
            Self::Pair(pair) => {
                write!(f, "the pair of variables {} and {}", pair.id, pair.secret)
            }
            Self::Profile(store) => write!(f, "the profile of {}", store.program),
            Self::Foreign(foreign) => {
                write!(f, "the token of {} in {}", foreign.program, foreign.place())
            }
        }
    }
}
