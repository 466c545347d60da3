//! The files of a workspace that are captured.
//!
//! The walk goes through descriptors and follows no link, since a program may write the tree meanwhile. It knows which
//! directories are ignored by which rules, so that a later walk can be made under the rules of an earlier one: a
//! `.gitignore` that was written between them hides nothing.

use super::SnapshotError;
use super::beneath::{Beneath, kind_of};
use super::repository::Inside;
use crate::ignored::parsed;
use crate::places::{is_by_product, is_control};
use crate::sabotage::{Guard, off};
use ignore::Match;
use ignore::gitignore::Gitignore;
use openkoi_core::change_set::{name_of_text, text_of_name};
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most paths that are captured. Directories that would lead beyond it are not covered.
pub(super) const MOST_PATHS: usize = 200_000;
/// The largest file of ignore rules.
const LARGEST_RULES: u64 = 1 << 20;
/// The name and the beginning of the file by which a directory says that it is a cache.
const CACHE_TAG: (&str, &[u8]) = ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// What a walk found.
#[derive(Default)]
pub(super) struct Walked {
    /// Files, links and directories.
    pub(super) found: Vec<(String, Stat)>,
    /// Directories whose contents were left out because there are too many.
    pub(super) uncovered: Vec<String>,
    /// Files and directories that are ignored, and directories that say they are caches.
    pub(super) ignored: Vec<String>,
    /// What interpreters left beside the files that they read.
    pub(super) by_products: Vec<String>,
    pub(super) rules: Rules,
}

/// The rules by which each directory ignored something when it was walked.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules(BTreeMap<String, Arc<Own>>);

/// The rules of one directory.
#[derive(Debug, Default)]
struct Own {
    ignore: Option<Gitignore>,
    git_ignore: Option<Gitignore>,
    exclude: Option<Gitignore>,
    is_repository: bool,
    is_cache: bool,
}

/// Walks the workspace: all that is not ignored, control files even so, and of repositories everything but objects. With
/// `before`, directories that were there already ignore what they ignored then, and new ones ignore nothing. The user's own
/// ignore file does not count: one workspace has one snapshot.
pub(super) fn walk(
    root: &Path,
    left_out: &[PathBuf],
    before: Option<&Rules>,
) -> Result<Walked, SnapshotError> {
    let failed = |error| SnapshotError::io("walk", root, error);
    let beneath = Beneath::open(root).map_err(failed)?;
    // OpenKoi's own data may lie in the workspace.
    let inside = left_out.iter().filter_map(|path| path.strip_prefix(root).ok());
    let left_out = inside.map(|path| text_of_name(path.as_os_str())).collect();
    let mut walk = Walk { beneath, left_out, before, walked: Walked::default() };
    let mut waiting = VecDeque::from([(String::new(), Way::Rules)]);
    while let Some((directory, way)) = waiting.pop_front() {
        let entries = match walk.entries(&directory) {
            Ok(entries) => entries,
            Err(error) if directory.is_empty() => return Err(failed(error)),
            Err(error) => {
                tracing::debug!(%error, "a directory is not covered");
                walk.walked.uncovered.push(directory);
                continue;
            }
        };
        walk.enter(&directory, way, entries, &mut waiting);
    }
    let mut walked = walk.walked;
    walked.found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(walked)
}

/// How the entries of a directory are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What is not ignored.
    Rules,
    /// All: it is in a control directory.
    All,
}

struct Entry {
    name: String,
    path: String,
    stat: Stat,
}

struct Walk<'a> {
    beneath: Beneath,
    left_out: Vec<String>,
    before: Option<&'a Rules>,
    walked: Walked,
}

type Waiting = VecDeque<(String, Way)>;

impl Walk<'_> {
    fn open(&self, directory: &str) -> io::Result<OwnedFd> {
        if directory.is_empty() {
            return self.beneath.root().try_clone();
        }
        let name = self.beneath.find(Path::new(&name_of_text(directory)))?;
        name.ok_or(io::ErrorKind::NotFound)?.open_directory()
    }

    fn entries(&self, directory: &str) -> io::Result<Vec<Entry>> {
        let opened = self.open(directory)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&opened)? {
            let name = entry?.file_name().to_owned();
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            // What is gone by now is not there.
            let Ok(stat) = statat(&opened, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let name = text_of_name(OsStr::from_bytes(name.as_bytes()));
            let path = joined(directory, &name);
            entries.push(Entry { name, path, stat });
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn enter(&mut self, directory: &str, way: Way, entries: Vec<Entry>, waiting: &mut Waiting) {
        let own = self.own(directory, &entries);
        let is_cache = own.is_cache && way == Way::Rules && !directory.is_empty();
        self.walked.rules.0.insert(directory.to_owned(), own);
        if is_cache {
            self.walked.found.retain(|(path, _)| path != directory);
            self.walked.ignored.push(directory.to_owned());
        } else if self.walked.found.len() + entries.len() > MOST_PATHS {
            self.walked.uncovered.push(directory.to_owned());
        } else {
            let rules = self.walked.rules.inside(directory);
            entries.into_iter().for_each(|entry| self.take(entry, way, &rules, waiting));
        }
    }

    fn take(&mut self, entry: Entry, way: Way, rules: &Inherited, waiting: &mut Waiting) {
        let Entry { name, path, stat } = entry;
        let is_directory = kind_of(&stat) == FileType::Directory;
        let is_object = || Inside::of(&path).is_some_and(|inside| inside.is_object());
        if self.left_out.contains(&path) || (is_directory && is_object()) {
            return;
        }
        let is_control = is_control(Path::new(&name)) && !off(Guard::SnapshotControl);
        let way = if is_control { Way::All } else { way };
        if way == Way::Rules {
            if is_by_product(Path::new(&name)) {
                self.walked.by_products.push(path);
                return;
            }
            if rules.ignore(&path, is_directory) {
                self.walked.ignored.push(path);
                return;
            }
        }
        match kind_of(&stat) {
            FileType::Directory => waiting.push_back((path.clone(), way)),
            FileType::RegularFile | FileType::Symlink => {}
            _ => return,
        }
        self.walked.found.push((path, stat));
    }

    fn own(&self, directory: &str, entries: &[Entry]) -> Arc<Own> {
        if let Some(own) = self.before.and_then(|before| before.0.get(directory)) {
            return Arc::clone(own);
        }
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        let tag = |name| read(&self.beneath, directory, name, 64);
        let is_cache =
            has(CACHE_TAG.0) && tag(CACHE_TAG.0).is_some_and(|t| t.starts_with(CACHE_TAG.1));
        if self.before.is_some() {
            return Arc::new(Own { is_cache, ..Own::default() });
        }
        let rules = |name: &str| {
            let text = read(&self.beneath, directory, name, LARGEST_RULES)?;
            Some(parsed(Path::new(&name_of_text(directory)), &String::from_utf8_lossy(&text)))
        };
        let is_repository = has(".git");
        Arc::new(Own {
            ignore: has(".ignore").then(|| rules(".ignore")).flatten(),
            git_ignore: has(".gitignore").then(|| rules(".gitignore")).flatten(),
            exclude: is_repository.then(|| rules(".git/info/exclude")).flatten(),
            is_repository,
            is_cache,
        })
    }
}

/// Returns whether a path is that of a file of rules.
pub(super) fn is_rules(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [".ignore", ".gitignore"].contains(&name) || path.ends_with(".git/info/exclude")
}

impl Rules {
    /// Returns the rules that hold for what is in a directory.
    fn inside(&self, directory: &str) -> Inherited {
        let parents = parents(directory).filter(|_| !directory.is_empty());
        let above = std::iter::once(directory).chain(parents);
        let above: Vec<&Arc<Own>> = above.filter_map(|directory| self.0.get(directory)).collect();
        // The rules of git end at the repository.
        let repository = above.iter().position(|own| own.is_repository);
        let in_repository = &above[..repository.map_or(above.len(), |at| at + 1)];
        let those = |own: &[&Arc<Own>], has: fn(&Own) -> bool| {
            own.iter().filter(|own| has(own)).map(|own| Arc::clone(own)).collect()
        };
        Inherited {
            ignore: those(&above, |own| own.ignore.is_some()),
            git_ignore: those(in_repository, |own| own.git_ignore.is_some()),
            exclude: those(in_repository, |own| own.exclude.is_some()),
        }
    }
}

/// The rules that hold for what is in a directory, of each kind the nearest first.
struct Inherited {
    ignore: Vec<Arc<Own>>,
    git_ignore: Vec<Arc<Own>>,
    exclude: Vec<Arc<Own>>,
}

impl Inherited {
    /// Tells whether a path in the directory is ignored; those above it were not. `.ignore` comes before `.gitignore`, and the
    /// deeper directory before the one above.
    fn ignore(&self, path: &str, is_directory: bool) -> bool {
        let all = self.ignore.iter().filter_map(|own| own.ignore.as_ref());
        let all = all.chain(self.git_ignore.iter().filter_map(|own| own.git_ignore.as_ref()));
        let mut all =
            all.chain(self.exclude.iter().filter_map(|own| own.exclude.as_ref())).peekable();
        if all.peek().is_none() {
            return false;
        }
        let name = name_of_text(path);
        let found = all.find_map(|rules| match rules.matched(Path::new(&name), is_directory) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        });
        found.unwrap_or(false)
    }
}

/// The rules of the workspace as it is now, read where they are asked for.
#[derive(Debug)]
pub struct LiveRules {
    beneath: Beneath,
    known: RefCell<Rules>,
}

impl LiveRules {
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { beneath: Beneath::open(root)?, known: RefCell::default() })
    }

    /// Returns them with those that are known already.
    pub(super) fn with(self, known: Rules) -> Self {
        Self { known: RefCell::new(known), ..self }
    }

    /// Tells whether a path is nobody's work: it is ignored, a by-product of an interpreter, or in a directory that is, or
    /// that says it is a cache. Control files never are.
    pub fn is_passed_over(&self, path: &str, is_directory: bool) -> bool {
        if is_control(Path::new(path)) {
            return false;
        }
        let mut ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        ends.push(path.len());
        ends.iter().any(|end| {
            let part = &path[..*end];
            let parent = parents(part).next().unwrap_or_default();
            self.learn(parent);
            let is_directory = is_directory || *end < path.len();
            let is_cache = is_directory && {
                self.learn(part);
                self.known.borrow().0.get(part).is_some_and(|own| own.is_cache)
            };
            is_cache
                || is_by_product(Path::new(part))
                || self.known.borrow().inside(parent).ignore(part, is_directory)
        })
    }

    /// Returns whether there are rules in a directory that has none among `others`.
    pub(super) fn has_more_than(&self, others: &Rules) -> bool {
        let known = self.known.borrow();
        known.0.iter().any(|(directory, own)| {
            let other = others.0.get(directory);
            let has = |rules: fn(&Own) -> &Option<Gitignore>| {
                rules(own).is_some() && other.is_none_or(|other| rules(other).is_none())
            };
            has(|own| &own.ignore) || has(|own| &own.git_ignore) || has(|own| &own.exclude)
        })
    }

    fn learn(&self, directory: &str) {
        if !self.known.borrow().0.contains_key(directory) {
            let own = Arc::new(self.own(directory));
            self.known.borrow_mut().0.insert(directory.to_owned(), own);
        }
    }

    fn own(&self, directory: &str) -> Own {
        let read = |name| read(&self.beneath, directory, name, LARGEST_RULES);
        let rules = |name| {
            Some(parsed(
                Path::new(&name_of_text(directory)),
                &String::from_utf8_lossy(&read(name)?),
            ))
        };
        let git = joined(directory, ".git");
        let git = self.beneath.find(Path::new(&name_of_text(&git))).ok().flatten();
        let tag = read(CACHE_TAG.0);
        Own {
            ignore: rules(".ignore"),
            git_ignore: rules(".gitignore"),
            exclude: rules(".git/info/exclude"),
            is_repository: git.is_some_and(|git| git.stat().ok().flatten().is_some()),
            is_cache: !directory.is_empty() && tag.is_some_and(|tag| tag.starts_with(CACHE_TAG.1)),
        }
    }
}

fn read(beneath: &Beneath, directory: &str, name: &str, most: u64) -> Option<Vec<u8>> {
    let path = joined(directory, name);
    let name = beneath.find(Path::new(&name_of_text(&path))).ok()??;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(name.open().ok()?, most), &mut bytes).ok()?;
    Some(bytes)
}

/// Returns the directories above a path, the nearest first, the workspace last.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let path = rest?;
        let parent = path.rfind('/').map_or("", |at| &path[..at]);
        rest = (!path.is_empty()).then_some(parent);
        rest
    })
}

pub(super) fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_above_a_path_end_with_the_workspace() {
        let above = |path| parents(path).collect::<Vec<_>>();

        assert_eq!(above("a/b/c"), ["a/b", "a", ""]);
        assert_eq!(above("a"), [""]);
    }
}
