//! Walks a tree of files: depth first, sorted by name, ignore files respected.
//!
//! `.git` is always left out. Links are listed and not followed, so that no walk runs in circles.

use std::rc::Rc;

use crate::{
    Failure, Result,
    files::{FileSystem, Kind, Stat},
    ignore::{FILES, Rules, Scope},
};

/// The most that is read of a file of ignore rules, in bytes.
const MAX_RULES: u64 = 256 * 1024;
/// The most entries of one directory that the host lists.
const MAX_LISTED: usize = 10_000;

/// A file or directory that a walk comes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The path, as it can be opened.
    pub path: String,
    /// The path relative to where the walk began.
    pub relative: String,
    /// The number of directories that lie between it and where the walk began.
    pub depth: usize,
    /// What it is.
    pub stat: Stat,
}

/// A walk that is under way: an iterator over what it finds, directories before what is in them.
pub struct Walk<'a, F> {
    files: &'a F,
    root: String,
    ignore_files: bool,
    max_depth: usize,
    open: Vec<(Found, Rc<Scope>)>,
    unreadable: Vec<String>,
    ignored: Vec<Found>,
    cut: Vec<String>,
    deep: Vec<String>,
    git: Vec<String>,
    started: bool,
}

impl<'a, F: FileSystem> Walk<'a, F> {
    /// Begins at the directory `root`; `.` or nothing is the workspace.
    pub fn new(files: &'a F, root: &str) -> Self {
        Self {
            files,
            root: normal(root),
            ignore_files: true,
            max_depth: 64,
            open: Vec::new(),
            unreadable: Vec::new(),
            ignored: Vec::new(),
            cut: Vec::new(),
            deep: Vec::new(),
            git: Vec::new(),
            started: false,
        }
    }

    /// Sets whether ignore files are respected.
    #[must_use]
    pub fn ignore_files(mut self, respect: bool) -> Self {
        self.ignore_files = respect;
        self
    }

    /// Sets how deep the walk goes; 1 is the directory itself.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }

    /// Returns the directories that could not be read so far.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Returns what ignore files left out so far: files, and directories as a whole.
    pub fn ignored(&self) -> &[Found] {
        &self.ignored
    }

    /// Returns the directories with so many entries that the host did not list them all.
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Returns the directories that lie too deep to be looked into.
    pub fn deep(&self) -> &[String] {
        &self.deep
    }

    /// Returns the places of `.git` that were left out so far.
    pub fn git(&self) -> &[String] {
        &self.git
    }

    /// The rules of the directories between the workspace and the root hold too.
    fn start(&mut self) -> Result<()> {
        let mut scope = Scope::default();
        let mut relative = String::new();
        if self.ignore_files && !self.root.starts_with('/') {
            for part in self.root.clone().split('/').filter(|part| !part.is_empty()) {
                scope = self.scope_of(scope, &relative);
                relative = join(&relative, part);
            }
        }
        let root = self.root.clone();
        self.enter(&root, "", 0, &Rc::new(scope))
    }

    fn enter(&mut self, path: &str, relative: &str, depth: usize, outer: &Rc<Scope>) -> Result<()> {
        let entries = self.files.list(if path.is_empty() { "." } else { path })?;
        if entries.len() >= MAX_LISTED {
            self.cut.push(path.to_owned());
        }
        let has_rules = entries.iter().any(|entry| FILES.contains(&entry.name.as_str()));
        let scope = if self.ignore_files && has_rules {
            Rc::new(self.scope_of(Scope::clone(outer), path))
        } else {
            Rc::clone(outer)
        };
        for entry in entries.into_iter().rev() {
            let found = Found {
                path: join(path, &entry.name),
                relative: join(relative, &entry.name),
                depth,
                stat: entry.stat,
            };
            if entry.name == ".git" {
                self.git.push(found.path);
                continue;
            }
            if scope.ignores(&found.path, found.stat.is_directory()) {
                self.ignored.push(found);
            } else {
                self.open.push((found, Rc::clone(&scope)));
            }
        }
        Ok(())
    }

    fn scope_of(&self, outer: Scope, directory: &str) -> Scope {
        outer.with(directory, FILES.map(|name| self.rules(&join(directory, name))))
    }

    /// Rules that cannot be read hold nothing back: a walk shows too much rather than nothing.
    fn rules(&self, path: &str) -> Rules {
        let text = self.files.read_to_end(path, MAX_RULES);
        text.map_or_else(
            |_| Rules::default(),
            |bytes| Rules::parse(&String::from_utf8_lossy(&bytes)),
        )
    }
}

impl<F: FileSystem> Iterator for Walk<'_, F> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        if !std::mem::replace(&mut self.started, true)
            && let Err(failure) = self.start()
        {
            return Some(Err(failure));
        }
        let (found, scope) = self.open.pop()?;
        if found.stat.kind == Kind::Directory && found.depth + 1 >= self.max_depth {
            self.deep.push(found.path.clone());
        } else if found.stat.kind == Kind::Directory {
            match self.enter(&found.path, &found.relative, found.depth + 1, &scope) {
                Ok(()) => {}
                Err(failure @ (Failure::Limited(_) | Failure::Cancelled)) => {
                    return Some(Err(failure));
                }
                Err(_) => self.unreadable.push(found.path.clone()),
            }
        }
        Some(Ok(found))
    }
}

/// Joins two parts of a path.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Takes back `..` where the directory before it is no link, so that `a/../b` is `b`. Where it is a link, or leads out of
/// the workspace, the path stays as it is, for the host to refuse.
pub fn without_parents(files: &impl FileSystem, path: &str) -> String {
    if !path.split('/').any(|part| part == "..") {
        return path.to_owned();
    }
    let normal = normal(path);
    let root = if normal.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in normal.split('/').filter(|part| !part.is_empty()) {
        if part != ".." {
            parts.push(part);
            continue;
        }
        let Some(name) = parts.pop() else { return path.to_owned() };
        let parent = format!("{root}{}", parts.join("/"));
        let listed = files.list(if parent.is_empty() { "." } else { &parent }).unwrap_or_default();
        if !listed.iter().any(|entry| entry.name == name && entry.stat.is_directory()) {
            return path.to_owned();
        }
    }
    let path = format!("{root}{}", parts.join("/"));
    if path.is_empty() { ".".to_owned() } else { path }
}

/// Drops `.` and empty parts; a slash at the beginning stays.
pub fn normal(path: &str) -> String {
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    fn paths(walk: Walk<'_, Memory>) -> Vec<String> {
        walk.map(|found| found.unwrap().relative).collect()
    }

    fn tree() -> Memory {
        Memory::new([
            (".git/config", ""),
            (".gitignore", "target/\n*.log\n"),
            ("README.md", ""),
            ("a.log", ""),
            ("src/.gitignore", "!keep.log\n/gen\n"),
            ("src/gen/x.rs", ""),
            ("src/keep.log", ""),
            ("src/lib.rs", ""),
            ("src/sub/gen/y.rs", ""),
            ("target/debug/x", ""),
        ])
    }

    #[test]
    fn a_walk_is_sorted_and_leaves_out_what_is_ignored() {
        assert_eq!(
            paths(Walk::new(&tree(), ".")),
            [
                ".gitignore",
                "README.md",
                "src",
                "src/.gitignore",
                "src/keep.log",
                "src/lib.rs",
                "src/sub",
                "src/sub/gen",
                "src/sub/gen/y.rs",
            ]
        );
    }

    #[test]
    fn a_walk_that_begins_below_knows_the_rules_above() {
        let files = Memory::new([
            (".gitignore", "/src/gen\n*.log"),
            ("src/gen/a", ""),
            ("src/b.log", ""),
            ("src/c", ""),
        ]);

        assert_eq!(paths(Walk::new(&files, "./src/")), ["c"]);
    }

    #[test]
    fn everything_but_git_is_there_without_ignore_files() {
        let files = tree();
        let walk = Walk::new(&files, "").ignore_files(false).max_depth(1);

        assert_eq!(paths(walk), [".gitignore", "README.md", "a.log", "src", "target"]);
    }

    #[test]
    fn what_a_walk_does_not_look_into_is_known() {
        let files = tree();
        let mut walk = Walk::new(&files, "").max_depth(1);
        walk.by_ref().for_each(drop);

        assert_eq!(
            (walk.git(), walk.deep()),
            ([".git".to_owned()].as_slice(), ["src".to_owned()].as_slice())
        );
    }

    #[test]
    fn what_is_ignored_is_known() {
        let files = tree();
        let mut walk = Walk::new(&files, ".");
        walk.by_ref().for_each(drop);

        let mut ignored: Vec<&str> =
            walk.ignored().iter().map(|found| found.relative.as_str()).collect();
        ignored.sort_unstable();
        assert_eq!(ignored, ["a.log", "src/gen", "target"]);
    }

    #[test]
    fn a_step_up_is_taken_back_inside_of_the_tree_alone() {
        let files = tree();
        let cases = [
            ("src/../a.log", "a.log"),
            ("src/sub/../../README.md", "README.md"),
            ("src/..", "."),
            ("../x", "../x"),
            ("src/../../x", "src/../../x"),
            ("nowhere/../a.log", "nowhere/../a.log"),
            ("a.log/../b", "a.log/../b"),
            ("./a..b", "./a..b"),
        ];
        for (path, wanted) in cases {
            assert_eq!(without_parents(&files, path), wanted, "{path}");
        }
    }

    #[test]
    fn a_root_that_is_not_there_is_a_failure() {
        let files = tree();
        let mut walk = Walk::new(&files, "nowhere");

        assert!(matches!(walk.next(), Some(Err(Failure::NotFound(_)))));
        assert_eq!(walk.next(), None);
    }
}
