//! Which files of a repository are none of its work: what `.gitignore` leaves out, and the directory of git.

use crate::disk;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The largest file of rules that is read.
const LARGEST: u64 = 1 << 20;
const RULES: [&str; 3] = [".ignore", ".gitignore", ".git/info/exclude"];
/// Directories whose contents are of programs.
const NEVER: [&str; 3] = [".git", ".openkoi", ".jj"];

/// The rules below one directory. They are read when they are first asked for.
#[derive(Debug)]
pub struct Ignored {
    root: PathBuf,
    rules: HashMap<PathBuf, Vec<Gitignore>>,
}

impl Ignored {
    /// Returns the rules of the directories from `root` down.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), rules: HashMap::new() }
    }

    /// Tells whether a path is left out. A path that is not below the root is. A file of rules changes what follows.
    pub fn has(&mut self, path: &Path) -> bool {
        if path.file_name().is_some_and(|name| name == ".gitignore" || name == ".ignore") {
            self.rules.clear();
        }
        let Ok(below) = path.strip_prefix(&self.root) else { return true };
        if below.iter().any(|part| NEVER.iter().any(|never| part == *never)) {
            return true;
        }
        let mut directory = self.root.clone();
        let mut inside: Vec<PathBuf> = Vec::new();
        for part in below.iter() {
            inside.push(directory.clone());
            let one = directory.join(part);
            let is_directory = one != path || disk::is_directory(&one);
            if self.leaves_out(&inside, &one, is_directory) {
                return true;
            }
            directory = one;
        }
        false
    }

    /// Tells whether the rules of these directories, the nearest last, leave out a path in the last of them.
    fn leaves_out(&mut self, directories: &[PathBuf], path: &Path, is_directory: bool) -> bool {
        for directory in directories.iter().rev() {
            let rules = self.rules.entry(directory.clone()).or_insert_with(|| read(directory));
            for rules in rules.iter() {
                match rules.matched(path, is_directory) {
                    Match::None => {}
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                }
            }
        }
        false
    }
}

fn read(directory: &Path) -> Vec<Gitignore> {
    let texts = RULES.iter().filter_map(|name| disk::read(&directory.join(name), LARGEST).ok());
    texts.map(|text| parsed(directory, &String::from_utf8_lossy(&text))).collect()
}

/// Returns the rules of a file of rules that lies in `directory`. A line that cannot be read is passed over.
pub(crate) fn parsed(directory: &Path, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(directory);
    for line in text.lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(%error, "a line of an ignore file is passed over");
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_rules_leave_out_is_no_work_and_a_changed_rule_holds_at_once() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        fs::create_dir_all(root.join("pond/deep")).unwrap();
        fs::create_dir_all(root.join(".git/info")).unwrap();
        fs::write(root.join(".gitignore"), "target/\n*.log\n").unwrap();
        fs::write(root.join("pond/.gitignore"), "!keep.log\n/dry\n").unwrap();
        fs::write(root.join(".git/info/exclude"), "mine\n").unwrap();
        let mut ignored = Ignored::below(root);

        for (path, expected) in [
            ("fish.rs", false),
            ("pond/deep/fish.rs", false),
            ("target/debug/fish", true),
            ("pond/target/fish", true),
            ("a.log", true),
            ("pond/keep.log", false),
            ("pond/deep/keep.log", false),
            ("pond/dry/x", true),
            ("dry/x", false),
            ("mine", true),
            (".git/index", true),
            (".openkoi/config.toml", true),
        ] {
            assert_eq!(ignored.has(&root.join(path)), expected, "{path}");
        }
        assert!(ignored.has(Path::new("/elsewhere")));
        fs::write(root.join(".gitignore"), "").unwrap();
        assert!(!ignored.has(&root.join(".gitignore")));
        assert!(!ignored.has(&root.join("a.log")));
    }
}
