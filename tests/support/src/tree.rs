//! A directory as a value.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Directories that toolchains fill and nobody compares.
pub const BUILT: [&str; 4] = ["target", "__pycache__", "node_modules", ".pytest_cache"];

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file with its contents and permission bits.
    File {
        /// The contents.
        bytes: Vec<u8>,
        /// The permission bits.
        mode: u32,
    },
    /// A symbolic link with its target.
    Link(String),
    /// A directory without entries.
    EmptyDirectory,
    /// A pipe, socket or device.
    Other,
}

/// All files below a directory, by path with `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Entry>);

impl Tree {
    /// Reads the directory `root`, without what toolchains build in it.
    ///
    /// # Panics
    ///
    /// When a part of it cannot be read.
    pub fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        collect(root, "", &mut tree.0).expect("the tree is readable");
        tree
    }

    /// Returns the text of `path`, if it is a file.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.0.get(path) {
            Some(Entry::File { bytes, .. }) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// Returns one line for each path that differs from `later`: `added a`, `changed b`, `removed c`.
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let paths: BTreeSet<&String> = self.0.keys().chain(later.0.keys()).collect();
        let lines =
            paths.into_iter().filter_map(|path| match (self.0.get(path), later.0.get(path)) {
                (Some(before), Some(after)) if before == after => None,
                (Some(_), Some(_)) => Some(format!("changed {path}")),
                (Some(_), None) => Some(format!("removed {path}")),
                (None, _) => Some(format!("added {path}")),
            });
        lines.collect()
    }

    /// Returns the paths of files that contain `needle`.
    pub fn holding(&self, needle: &str) -> Vec<String> {
        let files = self.0.iter().filter(|(_, entry)| match entry {
            Entry::File { bytes, .. } => contains(bytes, needle.as_bytes()),
            Entry::Link(target) => target.contains(needle),
            Entry::EmptyDirectory | Entry::Other => false,
        });
        files.map(|(path, _)| path.clone()).collect()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len().max(1)).any(|window| window == needle)
}

fn collect(directory: &Path, prefix: &str, found: &mut BTreeMap<String, Entry>) -> io::Result<()> {
    for item in fs::read_dir(directory)? {
        let item = item?;
        let name = item.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = item.file_type()?;
        if kind.is_dir() && BUILT.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() && fs::read_dir(item.path())?.next().is_some() {
            collect(&item.path(), &path, found)?;
            continue;
        }
        found.insert(path, entry(&item.path(), kind)?);
    }
    Ok(())
}

fn entry(path: &Path, kind: fs::FileType) -> io::Result<Entry> {
    if kind.is_dir() {
        return Ok(Entry::EmptyDirectory);
    }
    if kind.is_symlink() {
        return Ok(Entry::Link(fs::read_link(path)?.to_string_lossy().into_owned()));
    }
    if !kind.is_file() {
        return Ok(Entry::Other);
    }
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok(Entry::File { bytes: fs::read(path)?, mode })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn world() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::create_dir_all(dir.path().join("target")).unwrap();
        fs::write(dir.path().join("a/file"), "text").unwrap();
        fs::write(dir.path().join("target/built"), "text").unwrap();
        symlink("a/file", dir.path().join("link")).unwrap();
        dir
    }

    #[test]
    fn a_tree_has_files_links_and_empty_directories_but_nothing_built() {
        let tree = Tree::read(world().path());

        assert_eq!(tree.0.keys().collect::<Vec<_>>(), ["a/b", "a/file", "link"]);
        assert_eq!(tree.text("a/file"), Some("text".to_owned()));
        assert_eq!(tree.0["link"], Entry::Link("a/file".to_owned()));
        assert_eq!(tree.0["a/b"], Entry::EmptyDirectory);
    }

    #[test]
    fn differences_name_each_path_once_with_what_happened() {
        let dir = world();
        let before = Tree::read(dir.path());
        fs::write(dir.path().join("a/file"), "other").unwrap();
        fs::write(dir.path().join("new"), "").unwrap();
        fs::remove_file(dir.path().join("link")).unwrap();

        let after = Tree::read(dir.path());

        let lines = before.differences(&after);
        assert_eq!(lines, ["changed a/file", "removed link", "added new"]);
        assert_eq!(after.holding("othe"), ["a/file"]);
    }

    #[test]
    fn a_changed_mode_is_a_difference() {
        let dir = world();
        let before = Tree::read(dir.path());
        let path = dir.path().join("a/file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();

        assert_eq!(before.differences(&Tree::read(dir.path())), ["changed a/file"]);
    }
}
