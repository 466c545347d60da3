//! What a file keeps when its contents are replaced by another file: owner, mode, extended attributes with the access
//! control list; and what has to be said of the rest.

use cap_std::fs::{File, Metadata, MetadataExt, Permissions, PermissionsExt};
use std::fmt;
use std::io;

/// The bits that run a program as its owner. Any write takes them away, so that new contents do not inherit that power.
const SET_ID: u32 = 0o6000;
/// The access control list of Linux.
const ACCESS_LIST: &str = "system.posix_acl_access";
/// The most bytes of a list of attributes, and of one of them.
const MOST: usize = 64 << 10;
/// Attributes that say something of the old contents, and are made anew by the system where they are wanted.
const OF_CONTENTS: [&str; 4] =
    ["security.capability", "security.ima", "security.evm", "com.apple.provenance"];

/// What whoever asked for a write has to know of the file besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Its mode lets nobody write it. It was replaced all the same, and is still read-only.
    ReadOnly,
    /// It ran as its owner (a set-id bit), and does so no more.
    SetId,
    /// It had a capability of programs, and has it no more.
    Capability,
    /// Attributes that the system did not let the new contents have.
    Lost(Vec<String>),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str(
                "is marked read-only; it was changed all the same, and is read-only still",
            ),
            Self::SetId => f.write_str("ran as its owner (a set-id bit); a write takes that away"),
            Self::Capability => {
                f.write_str("had capabilities of its own (setcap); a write takes them away")
            }
            Self::Lost(names) => write!(
                f,
                "had attributes that could not be kept: {}",
                names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

fn plain(name: &str) -> String {
    if name == ACCESS_LIST { "its access control list".to_owned() } else { format!("`{name}`") }
}

/// Returns the mode of a file after its contents changed.
pub(super) fn mode(meta: &Metadata) -> u32 {
    meta.mode() & 0o7777 & !SET_ID
}

/// Returns what the mode of a file that is written makes worth saying.
pub(super) fn remarks(meta: &Metadata) -> Vec<Remark> {
    let read_only = (meta.mode() & 0o222 == 0).then_some(Remark::ReadOnly);
    let set_id = (meta.mode() & SET_ID != 0).then_some(Remark::SetId);
    read_only.into_iter().chain(set_id).collect()
}

/// Returns whether the file belongs to somebody else, to whom a new file could not be given.
pub(super) fn is_foreign(meta: &Metadata) -> bool {
    let own = rustix::process::geteuid();
    !own.is_root() && meta.uid() != own.as_raw()
}

/// Gives `file` the owner, the mode and the attributes of the file whose place it takes. `old` is that file, as far as it
/// can be opened.
pub(super) fn take_over(
    file: &File,
    meta: &Metadata,
    old: Option<&File>,
) -> io::Result<Vec<Remark>> {
    own(file, meta)?;
    file.set_permissions(Permissions::from_mode(mode(meta)))?;
    // The list comes after the mode, which would narrow it.
    Ok(old.map_or_else(Vec::new, |old| attributes(file, old)))
}

fn own(file: &File, meta: &Metadata) -> io::Result<()> {
    let fresh = file.metadata()?;
    if (fresh.uid(), fresh.gid()) == (meta.uid(), meta.gid()) {
        return Ok(());
    }
    let (uid, gid) = (rustix::fs::Uid::from_raw(meta.uid()), rustix::fs::Gid::from_raw(meta.gid()));
    Ok(rustix::fs::fchown(file, Some(uid), Some(gid))?)
}

/// Copies the attributes of `old` and returns what is to be said of those that cannot be copied.
fn attributes(file: &File, old: &File) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut lost = Vec::new();
    for name in names(old) {
        if OF_CONTENTS.contains(&name.as_str()) {
            remarks.extend((name == OF_CONTENTS[0]).then_some(Remark::Capability));
            continue;
        }
        // What the system gave the new file itself, such as a label, may be right already.
        let wanted = value(old, &name);
        if wanted.is_some() && value(file, &name) != wanted {
            let bytes = wanted.unwrap_or_default();
            let flags = rustix::fs::XattrFlags::empty();
            if rustix::fs::fsetxattr(file, &name, &bytes, flags).is_err() {
                lost.push(name);
            }
        }
    }
    remarks.extend((!lost.is_empty()).then_some(Remark::Lost(lost)));
    remarks
}

/// Returns the names of a file's attributes; none on a file system without them.
fn names(file: &File) -> Vec<String> {
    let mut list = vec![0; MOST];
    let length = rustix::fs::flistxattr(file, list.as_mut_slice()).unwrap_or(0);
    let names = list.get(..length).unwrap_or_default().split(|byte| *byte == 0);
    names
        .filter_map(|name| String::from_utf8(name.to_vec()).ok())
        .filter(|name| !name.is_empty())
        .collect()
}

fn value(file: &File, name: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; MOST];
    let length = rustix::fs::fgetxattr(file, name, bytes.as_mut_slice()).ok()?;
    bytes.truncate(length);
    Some(bytes)
}
