//! What lies in the upper directory of an overlay.

use super::below::{Parent, Status};
use super::{LayerChange, LayerChangeKind, LayerError};
use rustix::fs::FileType;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// The beginning of the attributes that the overlay writes on files and directories. They mean nothing to anybody else.
pub(super) const NOTES: &str = "user.overlay.";
const ORIGIN: &str = "user.overlay.origin";
const OPAQUE: &str = "user.overlay.opaque";
const WHITEOUT: &str = "user.overlay.whiteout";

/// The deepest nesting of directories that is read: each takes a descriptor.
const DEEPEST: usize = 200;

/// The identity of the file below that a file was copied from.
pub(super) type Origin = (u8, Vec<u8>);

/// One entry of the upper directory.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: OsString,
    pub(super) kind: LayerChangeKind,
    /// As the program left it.
    pub(super) status: Status,
    /// Set if the overlay copied it up from below.
    pub(super) origin: Option<Origin>,
    /// Whether it is a directory that hides what is below it.
    pub(super) opaque: bool,
    pub(super) children: Vec<Node>,
}

/// All that lies in the upper directory.
#[derive(Debug)]
pub(super) struct Upper {
    pub(super) children: Vec<Node>,
}

impl Upper {
    pub(super) fn changes(&self) -> Vec<LayerChange> {
        let mut changes = Vec::new();
        list(&self.children, Path::new(""), &mut changes);
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        changes
    }
}

fn list(nodes: &[Node], at: &Path, changes: &mut Vec<LayerChange>) {
    for node in nodes {
        let path = at.join(&node.name);
        list(&node.children, &path, changes);
        changes.push(LayerChange { path, kind: node.kind });
    }
}

/// Reads the upper directory at `path`. What a program closed to its owner is opened, and its mode is remembered.
pub(super) fn walk(path: &Path) -> Result<Upper, LayerError> {
    let failed = |error| LayerError::io("read", path, error);
    let root = Parent::open(path).map_err(failed)?;
    Ok(Upper { children: children(&root, 0, false).map_err(failed)? })
}

/// Reads a directory. `hidden`: it is in one that is opaque, and so hides what is below it too.
fn children(directory: &Parent, depth: usize, hidden: bool) -> io::Result<Vec<Node>> {
    if depth > DEEPEST {
        return Err(io::Error::other("a program nested directories too deeply"));
    }
    let names = directory.names()?;
    names.into_iter().filter_map(|name| node(directory, name, depth, hidden).transpose()).collect()
}

fn node(
    directory: &Parent,
    name: OsString,
    depth: usize,
    hidden: bool,
) -> io::Result<Option<Node>> {
    let Some(status) = directory.status(&name)? else { return Ok(None) };
    open(directory, &name, &status)?;
    let (mut origin, mut opaque) = (None, false);
    let mut inside = Vec::new();
    let kind = match status.kind {
        FileType::CharacterDevice if status.special == 0 => LayerChangeKind::Removed,
        FileType::Symlink => LayerChangeKind::Link,
        FileType::RegularFile if is_whiteout(directory, &name, &status)? => {
            LayerChangeKind::Removed
        }
        FileType::RegularFile => {
            origin = directory.attribute(&name, ORIGIN)?.map(|value| parse_origin(&value));
            LayerChangeKind::File
        }
        FileType::Directory => {
            origin = directory.attribute(&name, ORIGIN)?.map(|value| parse_origin(&value));
            opaque = hidden || directory.attribute(&name, OPAQUE)?.is_some();
            inside = children(&directory.child(&name)?, depth + 1, opaque)?;
            match origin.is_none() || opaque {
                true => LayerChangeKind::Made,
                false => LayerChangeKind::Entered,
            }
        }
        _ => LayerChangeKind::Other,
    };
    Ok(Some(Node { name, kind, status, origin, opaque, children: inside }))
}

/// Opens to its owner what a program closed. Root needs none of that.
fn open(directory: &Parent, name: &OsStr, status: &Status) -> io::Result<()> {
    let needed = match status.kind {
        FileType::Directory => 0o500,
        FileType::RegularFile => 0o400,
        _ => return Ok(()),
    };
    if status.mode & needed == needed || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    directory.set_mode(name, status.mode | needed)
}

/// An empty file with an attribute is how an overlay without devices removes. The program cannot write that attribute:
/// the overlay gives its own another name.
fn is_whiteout(directory: &Parent, name: &OsStr, status: &Status) -> io::Result<bool> {
    Ok(status.size == 0 && directory.attribute(name, WHITEOUT)?.is_some())
}

/// Reads the overlay's note of a file's origin: version, magic, length, flags, kind, 16 bytes that name the file system,
/// and the identity. Empty where the file system below has no identities.
fn parse_origin(value: &[u8]) -> Origin {
    match (value.get(4), value.get(21..)) {
        (Some(kind), Some(identity)) => (*kind, identity.to_vec()),
        _ => (0, Vec::new()),
    }
}
