//! A change that is about to be made, for whoever watches.

use std::io;
use std::path::{Path, PathBuf};

/// What is about to be done to a path.
#[derive(Debug)]
pub struct Touch<'a> {
    /// The real path of the workspace or of the granted directory.
    pub root: &'a Path,
    /// Whether that is the workspace.
    pub is_workspace: bool,
    /// The real path below it, links resolved.
    pub path: PathBuf,
    /// What the path will be.
    pub wanted: Wanted<'a>,
}

/// What a path will be.
#[derive(Debug)]
pub enum Wanted<'a> {
    /// A new directory.
    Directory,
    /// A file.
    File {
        /// Its contents.
        contents: &'a [u8],
        /// Its permission bits.
        mode: u32,
        /// Whether there is a file in the place, as whoever changes it has it open.
        is_there: bool,
    },
    /// Nothing.
    Nothing,
    /// What is at another path of the same root now, with all that is in it. That path will be nothing.
    MovedFrom(PathBuf),
    /// Something that comes from elsewhere.
    Unknown,
}

/// Is told of each path just before it is changed, and can stop the change.
pub type Watch<'a> = dyn Fn(&Touch<'_>) -> io::Result<()> + 'a;
