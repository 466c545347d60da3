//! The places where a credential can be.

use super::{Foreign, aws};
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
            Self::Saved(name) => write!(f, "the credential `{name}`"),
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
