//! What git wrote into the repository of a linked working tree, brought into it.
//!
//! Other working trees share that repository, so only what belongs to this one or takes nothing from them is brought in:
//! objects that are new, references whose logs say from where they moved, and the working tree's own directory. Each file
//! is put in place as git does it, with a lock beside it, so that a person's git at the same time is heard.

use super::upper::{Node, walk};
use super::{LayerChangeKind, LayerError};
use crate::disk;
use crate::repository::LinkedRepository;
use openkoi_core::change_set::text_of_name;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The largest reference, `HEAD` or list of references that is read, in bytes.
const SMALL: u64 = 16 << 20;

/// Names that steer git in every working tree, wherever they stand.
const STEERING: [&str; 9] = [
    "config",
    "config.worktree",
    "hooks",
    "info",
    "gitdir",
    "commondir",
    "alternates",
    "http-alternates",
    "modules",
];

/// Files that git makes again by itself, which need not be brought in.
const MADE_AGAIN: [&str; 4] = ["packed-refs", "commit-graph", "commit-graphs", "multi-pack-index"];

/// Brings in what programs wrote. Returns what was changed and what was not, in words for a person.
///
/// # Errors
///
/// What programs wrote cannot be read. Running it again goes on.
pub(super) fn bring_in(linked: &LinkedRepository, upper: &Path) -> Result<Vec<String>, LayerError> {
    let mut files = Vec::new();
    list(&walk(upper)?.children, Path::new(""), &mut files);
    // A reference is nothing without its objects, and moves only when its log says from where.
    files.sort_by_key(|file| Part::of(linked, &file.path));
    let mut told = Told::default();
    for file in files {
        let part = Part::of(linked, &file.path);
        let done = match (part, file.is_removed) {
            (Part::Object, false) => bring_object(linked, upper, &file.path),
            (Part::Log, false) => bring_log(linked, upper, &file.path),
            (Part::Reference, false) => bring_reference(linked, upper, &file.path),
            (Part::Own, false) => place(&linked.repository, upper, &file.path).map(|()| true),
            (Part::Own, true) => remove(&linked.repository.join(&file.path)).map(|()| true),
            (Part::MadeAgain | Part::Object, _) => continue,
            (Part::Log | Part::Reference | Part::Shared, _) => Ok(false),
        };
        told.note(part, &file.path, done);
    }
    Ok(told.words(linked))
}

/// Returns whether programs wrote anything.
pub(super) fn is_touched(upper: &Path) -> bool {
    fs::read_dir(upper).is_ok_and(|mut entries| entries.next().is_some())
}

/// A file that a program wrote or removed.
struct Written {
    path: PathBuf,
    is_removed: bool,
}

fn list(nodes: &[Node], at: &Path, files: &mut Vec<Written>) {
    for node in nodes {
        let path = at.join(&node.name);
        match node.kind {
            LayerChangeKind::File => files.push(Written { path, is_removed: false }),
            LayerChangeKind::Removed => files.push(Written { path, is_removed: true }),
            LayerChangeKind::Made | LayerChangeKind::Entered => list(&node.children, &path, files),
            LayerChangeKind::Link | LayerChangeKind::Other => {}
        }
    }
}

/// The part of a repository that a file belongs to, in the order in which parts are brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Object,
    Log,
    Reference,
    Own,
    MadeAgain,
    /// What steers other working trees too, or is unknown.
    Shared,
}

impl Part {
    fn of(linked: &LinkedRepository, path: &Path) -> Self {
        let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
        if names.iter().any(|name| name.ends_with(".lock")) {
            return Self::MadeAgain;
        }
        let is_steering = names.iter().any(|name| STEERING.contains(&name.as_ref()));
        let is_object = names.first().is_some_and(|name| name == "objects");
        if !is_object && is_steering {
            return Self::Shared;
        }
        let own = linked.own.strip_prefix(&linked.repository).unwrap_or(Path::new(""));
        match names.iter().map(AsRef::as_ref).collect::<Vec<_>>().as_slice() {
            ["objects", directory, _] if is_hexadecimal(directory, 2) => Self::Object,
            ["objects", "pack", name] if name.starts_with("pack-") => Self::Object,
            ["objects", ..] => Self::MadeAgain,
            ["logs", "refs", ..] => Self::Log,
            ["refs", _, ..] => Self::Reference,
            [.., name] if MADE_AGAIN.contains(name) => Self::MadeAgain,
            [_, ..] if linked.is_own() || path.starts_with(own) => Self::Own,
            _ => Self::Shared,
        }
    }
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An object has the name of its contents, so one that is there is the same and stays.
fn bring_object(linked: &LinkedRepository, upper: &Path, path: &Path) -> io::Result<bool> {
    if !disk::exists(&linked.repository.join(path)) {
        place(&linked.repository, upper, path)?;
    }
    Ok(true)
}

/// A log says where a reference was. It grows, or it stays as it is.
fn bring_log(linked: &LinkedRepository, upper: &Path, path: &Path) -> io::Result<bool> {
    let there = read(&linked.repository.join(path))?.unwrap_or_default();
    let written = read(&upper.join(path))?.unwrap_or_default();
    let grows = written.starts_with(&there);
    if grows {
        place(&linked.repository, upper, path)?;
    }
    Ok(grows)
}

/// A reference moves if it is new, or if its log says from where and no other working tree stands on it.
fn bring_reference(linked: &LinkedRepository, upper: &Path, path: &Path) -> io::Result<bool> {
    let name = path.to_string_lossy();
    let Some(wanted) = read(&upper.join(path))?.and_then(|bytes| commit(&bytes)) else {
        return Ok(false);
    };
    let there = present(linked, path, &name)?;
    if there.as_ref() == Some(&wanted) {
        return Ok(true);
    }
    if let Some(there) = there {
        let log = read(&linked.repository.join("logs").join(path))?.unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let step = format!("{there} {wanted} ");
        let is_kept = log.lines().rev().any(|line| line.starts_with(&step));
        if !is_kept || (!linked.is_own() && is_elsewhere(linked, &name)?) {
            return Ok(false);
        }
    }
    place(&linked.repository, upper, path)?;
    Ok(true)
}

/// Returns the commit that a reference names now.
fn present(linked: &LinkedRepository, path: &Path, name: &str) -> io::Result<Option<String>> {
    if let Some(bytes) = read(&linked.repository.join(path))? {
        return Ok(commit(&bytes));
    }
    let packed = read(&linked.repository.join("packed-refs"))?.unwrap_or_default();
    let packed = String::from_utf8_lossy(&packed).into_owned();
    let of_name = packed.lines().filter_map(|line| line.split_once(' '));
    Ok(of_name.filter(|(_, one)| *one == name).find_map(|(hash, _)| commit(hash.as_bytes())))
}

/// Returns the hash that a reference consists of.
fn commit(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\n');
    (is_hexadecimal(text, 40) || is_hexadecimal(text, 64)).then(|| text.to_owned())
}

/// Returns whether another working tree has the branch checked out.
fn is_elsewhere(linked: &LinkedRepository, name: &str) -> io::Result<bool> {
    let worktrees = linked.repository.join("worktrees");
    let others = disk::list(&worktrees).unwrap_or_default().into_iter();
    let others = others.map(|entry| worktrees.join(&entry.name)).filter(|path| *path != linked.own);
    for place in others.chain([linked.repository.clone()]) {
        let head = read(&place.join("HEAD"))?.unwrap_or_default();
        if String::from_utf8_lossy(&head).trim_end() == format!("ref: {name}") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match disk::read(path, SMALL) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file in its place, with a lock beside it that says no to git, or takes one.
fn place(repository: &Path, upper: &Path, path: &Path) -> io::Result<()> {
    let target = repository.join(path);
    let Some(parent) = target.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    fs::create_dir_all(parent)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let lock = target.with_file_name(name);
    let bytes = fs::read(upper.join(path))?;
    let mode = fs::symlink_metadata(upper.join(path))?.permissions().mode() & 0o777;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&lock)?;
    let written = file
        .write_all(&bytes)
        .and_then(|()| fs::set_permissions(&lock, fs::Permissions::from_mode(mode)))
        .and_then(|()| file.sync_data())
        .and_then(|()| fs::rename(&lock, &target));
    written.inspect_err(|_| drop(fs::remove_file(&lock)))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What is told of the repository.
#[derive(Default)]
struct Told {
    references: Vec<String>,
    is_changed: bool,
    left: Vec<String>,
}

impl Told {
    fn note(&mut self, part: Part, path: &Path, done: io::Result<bool>) {
        let path = text_of_name(path.as_os_str());
        match done {
            Ok(true) => {
                self.is_changed = true;
                self.references.extend((part == Part::Reference).then_some(path));
            }
            Ok(false) => self.left.push(path),
            Err(error) => {
                tracing::warn!(%error, path, "a file of the repository is left as it is");
                self.left.push(path);
            }
        }
    }

    fn words(self, linked: &LinkedRepository) -> Vec<String> {
        let place = linked.repository.display();
        let what = match self.references.is_empty() {
            true => String::new(),
            false => format!(": {}", self.references.join(", ")),
        };
        let changed = self.is_changed.then(|| format!("the repository {place}{what}"));
        let left = self.left.into_iter().map(|path| {
            format!("{path} of the repository {place} (left as it is: it is not this working tree's alone)")
        });
        changed.into_iter().chain(left).collect()
    }
}
