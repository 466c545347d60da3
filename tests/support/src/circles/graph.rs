//! Files, what ties them, and the circles in that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The files that were read and what they depend on.
#[derive(Debug, Default)]
pub struct Graph {
    /// For each file the files it depends on, with the names it uses of them.
    files: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// Files of which each depends on each other one, directly or through others of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    /// The files, by name.
    pub files: Vec<String>,
    /// What ties them.
    pub ties: Vec<Tie>,
}

/// One file depends on another one.
#[derive(Debug, PartialEq, Eq)]
pub struct Tie {
    /// The file that uses the names.
    pub from: String,
    /// The file that defines them.
    pub to: String,
    /// The names.
    pub names: Vec<String>,
}

impl Graph {
    /// Adds a file.
    pub(super) fn file(&mut self, file: &str) {
        self.files.entry(file.to_owned()).or_default();
    }

    /// Notes that `from` uses a name that `to` defines. A file does not depend on itself.
    pub(super) fn tie(&mut self, from: &str, to: &str, name: String) {
        if from != to {
            let ties = self.files.entry(from.to_owned()).or_default();
            ties.entry(to.to_owned()).or_default().insert(name);
        }
    }

    /// Returns how many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether no file was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the names that `from` uses of `to`.
    #[must_use]
    pub fn names(&self, from: &str, to: &str) -> Vec<&str> {
        let names = self.files.get(from).and_then(|ties| ties.get(to));
        names.into_iter().flatten().map(String::as_str).collect()
    }

    /// Returns the circles, the largest first.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            self.files.keys().map(|file| (file.as_str(), self.reach(file))).collect();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (file, others) in &reach {
            if seen.contains(file) || !others.contains(file) {
                continue;
            }
            let files = others.iter().filter(|other| reach[**other].contains(file));
            let files: BTreeSet<&str> = files.copied().collect();
            seen.extend(files.iter().copied());
            found.push(self.circle(&files));
        }
        found.sort_by_key(|circle: &Circle| std::cmp::Reverse(circle.files.len()));
        found
    }

    /// Returns the files that `file` depends on, also through others. It is one of them only if it is in a circle.
    fn reach<'a>(&'a self, file: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![file];
        while let Some(file) = waiting.pop() {
            let ties = self.files.get(file).into_iter().flat_map(BTreeMap::keys);
            waiting.extend(ties.map(String::as_str).filter(|to| found.insert(*to)));
        }
        found
    }

    fn circle(&self, files: &BTreeSet<&str>) -> Circle {
        let mut ties = Vec::new();
        for from in files {
            for (to, names) in self.files.get(*from).into_iter().flatten() {
                if files.contains(to.as_str()) {
                    let names = names.iter().cloned().collect();
                    ties.push(Tie { from: (*from).to_owned(), to: to.clone(), names });
                }
            }
        }
        Circle { files: files.iter().map(|file| (*file).to_owned()).collect(), ties }
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} files depend on one another:", self.files.len())?;
        for Tie { from, to, names } in &self.ties {
            writeln!(f, "  {from} -> {to}: {}", names.join(", "))?;
        }
        Ok(())
    }
}
