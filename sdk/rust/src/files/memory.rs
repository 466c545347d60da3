//! Files in memory, for unit tests.

use std::{cell::RefCell, collections::BTreeMap};

use super::system::{Entry, FileSystem, Kind, Stat};
use crate::{Failure, Result, walk};

/// A tree of files that exists in a unit test only. Directories are there because files or other directories
/// are in them, or because they were created.
#[derive(Debug, Default)]
pub struct Memory {
    nodes: RefCell<BTreeMap<String, Node>>,
    encoding: Option<String>,
}

#[derive(Clone, Debug)]
enum Node {
    Directory,
    File { contents: Vec<u8>, modified_ms: u64 },
}

impl Memory {
    /// Makes a tree of `files`, each a path and its contents. Each is a second newer than the one before.
    pub fn new<C: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'static str, C)>) -> Self {
        let memory = Self::default();
        for (path, contents) in files {
            memory.put(&walk::normal(path), contents.as_ref());
        }
        memory
    }

    /// Sets what [`FileSystem::encoding`] returns.
    #[must_use]
    pub fn with_encoding(mut self, name: &str) -> Self {
        self.encoding = Some(name.to_owned());
        self
    }

    /// Returns the contents of a file as text, or nothing if there is none.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.nodes.borrow().get(path)? {
            Node::Directory => None,
            Node::File { contents, .. } => Some(String::from_utf8_lossy(contents).into_owned()),
        }
    }

    fn put(&self, path: &str, contents: &[u8]) {
        let mut nodes = self.nodes.borrow_mut();
        for (at, _) in path.match_indices('/') {
            nodes.entry(path[..at].to_owned()).or_insert(Node::Directory);
        }
        let modified_ms = 1000 * nodes.len() as u64;
        let contents = contents.to_vec();
        nodes.insert(path.to_owned(), Node::File { contents, modified_ms });
    }

    fn node(&self, path: &str) -> Result<Node> {
        let path = walk::normal(path);
        if path.is_empty() {
            return Ok(Node::Directory);
        }
        let node = self.nodes.borrow().get(&path).cloned();
        node.ok_or_else(|| Failure::not_found(format!("`{path}`")))
    }
}

impl Node {
    fn stat(&self) -> Stat {
        let (kind, size, modified_ms) = match self {
            Self::Directory => (Kind::Directory, 0, 0),
            Self::File { contents, modified_ms } => {
                (Kind::File, contents.len() as u64, *modified_ms)
            }
        };
        Stat { kind, size, modified_ms, executable: false }
    }
}

impl FileSystem for Memory {
    fn encoding(&self) -> Result<Option<String>> {
        Ok(self.encoding.clone())
    }

    fn stat(&self, path: &str) -> Result<Stat> {
        Ok(self.node(path)?.stat())
    }

    fn read_range(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>> {
        match self.node(path)? {
            Node::Directory => Err(Failure::conflict(format!("`{path}` is a directory"))),
            Node::File { contents, .. } => {
                let start = contents.len().min(offset as usize);
                let end = contents.len().min(start + length as usize);
                Ok(contents[start..end].to_vec())
            }
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        if let Node::File { .. } = self.node(path)? {
            return Err(Failure::conflict(format!("`{path}` is not a directory")));
        }
        let directory = walk::normal(path);
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let nodes = self.nodes.borrow();
        let inside = nodes.iter().filter_map(|(path, node)| {
            let name = path.strip_prefix(&prefix).filter(|name| !name.contains('/'))?;
            Some(Entry { name: name.to_owned(), stat: node.stat() })
        });
        Ok(inside.collect())
    }

    fn write(&self, path: &str, contents: &[u8], expected: Option<&[u8]>) -> Result<()> {
        let path = walk::normal(path);
        let present = match self.node(&path) {
            Ok(Node::File { contents, .. }) => Some(contents),
            Ok(Node::Directory) => {
                return Err(Failure::conflict(format!("`{path}` is a directory")));
            }
            Err(_) => None,
        };
        if expected.is_some() && expected != present.as_deref() {
            return Err(Failure::conflict(format!("`{path}` changed meanwhile")));
        }
        self.put(&path, contents);
        Ok(())
    }

    fn create_directory(&self, path: &str) -> Result<()> {
        let path = walk::normal(path);
        self.nodes.borrow_mut().entry(path).or_insert(Node::Directory);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (walk::normal(from), walk::normal(to));
        self.node(&from)?;
        if self.node(&to).is_ok() {
            return Err(Failure::conflict(format!("`{to}` exists")));
        }
        let mut nodes = self.nodes.borrow_mut();
        let below = format!("{from}/");
        let moved: Vec<String> = nodes
            .keys()
            .filter(|path| **path == from || path.starts_with(&below))
            .cloned()
            .collect();
        for path in moved {
            if let Some(node) = nodes.remove(&path) {
                nodes.insert(format!("{to}{}", &path[from.len()..]), node);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        if !matches!(self.node(path)?, Node::File { .. }) && !self.list(path)?.is_empty() {
            return Err(Failure::conflict(format!("`{path}` is not empty")));
        }
        self.nodes.borrow_mut().remove(&walk::normal(path));
        Ok(())
    }
}
