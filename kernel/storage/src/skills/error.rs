//! Why a skill was left out.

use std::path::PathBuf;

/// The largest `SKILL.md`, in bytes.
pub const FILE_LIMIT: u64 = 256 << 10;
/// The largest front matter, in bytes.
pub const FRONT_MATTER_LIMIT: usize = 64 << 10;
/// The most bytes of all skills together.
pub const TOTAL_LIMIT: usize = 64 << 20;

/// The reason why one skill, or one folder, was left out.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {reason}", path.display())]
pub struct SkillProblem {
    /// The file or folder.
    pub path: PathBuf,
    /// The reason.
    pub reason: SkillError,
}

/// A fault of a skill.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillError {
    /// It is larger than a skill may be.
    #[error("it is larger than {} KiB", FILE_LIMIT / 1024)]
    TooLarge,
    /// It is a directory, a pipe, a device or a socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// The path leads outside the folder, or cannot be opened.
    #[error("it cannot be opened: {0}")]
    Unopenable(String),
    /// It is no text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It says nothing.
    #[error("it is empty")]
    Empty,
    /// The front matter has no end within its limit.
    #[error("its front matter has no closing `---` within {} KiB", FRONT_MATTER_LIMIT / 1024)]
    Unclosed,
    /// A field is missing or has another form.
    #[error("its front matter needs `{field}` to be {wanted}")]
    Field {
        /// The field.
        field: &'static str,
        /// The form that it has to have.
        wanted: &'static str,
    },
    /// It was installed, and its files are not those that were.
    #[error("its files are not those that were installed")]
    Changed,
    /// There are more than are loaded.
    #[error("only {0} are loaded, the rest is left out")]
    TooMany(usize),
    /// All of them together are larger than is loaded.
    #[error("only {} MiB are loaded, the rest is left out", TOTAL_LIMIT >> 20)]
    TooMuch,
}
