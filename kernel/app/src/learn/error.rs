//! Why a skill is not installed.

use std::path::PathBuf;

use openkoi_brokers::{archive::ArchiveError, durable::DurableError, egress::EgressError};
use openkoi_storage::skills::SkillProblem;

/// Why a skill is not installed, brought up to date or removed.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// What was typed is no source.
    #[error(
        "`{0}` is no source of a skill: no file or folder here has that name, and it is neither an https address nor \
         owner/repo/path"
    )]
    NoSource(String),
    /// The address is not encrypted.
    #[error("`{0}` is not encrypted, so anybody on the way could put in another skill: https is")]
    Insecure(String),
    /// The address cannot be reached.
    #[error("cannot fetch `{address}`: {error}")]
    Unreachable {
        /// The address.
        address: String,
        /// The reason.
        error: EgressError,
    },
    /// The server has no such thing, or does not give it.
    #[error("cannot fetch `{address}`: the server answered {status}")]
    Refused {
        /// The address.
        address: String,
        /// Its status.
        status: u16,
    },
    /// The address has a page for people.
    #[error("`{0}` is a page and no archive; give the address of a .zip, a .tar.gz or a SKILL.md")]
    Page(String),
    /// What is there is no archive or folder that can be read.
    #[error("cannot take a skill from `{from}`: {error}")]
    Archive {
        /// The source.
        from: String,
        /// The reason.
        error: ArchiveError,
    },
    /// There is no skill in it.
    #[error("there is no SKILL.md in `{0}`")]
    NoSkill(String),
    /// There is more than one.
    #[error("there are {} skills in `{from}`", found.len())]
    Several {
        /// The source.
        from: String,
        /// The sources of each of them, as they can be typed.
        found: Vec<String>,
    },
    /// Its `SKILL.md` is none.
    #[error("that is no skill: {}", .0.reason)]
    Skill(SkillProblem),
    /// No skill of this name is installed.
    #[error("no skill `{0}` is installed")]
    NotInstalled(String),
    /// An installed skill has no pin, so nobody knows where it came from.
    #[error("`{0}` was not installed by OpenKoi, so it is not known where it came from")]
    Unpinned(String),
    /// A proposal has no text.
    #[error("there is nothing in it to edit")]
    NothingToEdit,
    /// A file cannot be written.
    #[error(transparent)]
    Unwritable(#[from] DurableError),
    /// The skill cannot be put in its place, or taken away.
    #[error("cannot write `{}`: {error}", path.display())]
    Place {
        /// The folder.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
}
