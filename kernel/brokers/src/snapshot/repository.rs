//! The files of a repository, which belong together: its references, its history and its index are put back all or not at
//! all, and its objects stay.

use openkoi_core::change_set::{PathEffect, PathState};
use std::path::Path;

/// Files of a repository that name programs, or say where it is read from.
const STEERING: [&str; 4] = ["config", "config.worktree", "commondir", "gitdir"];

/// What `git init` writes of those, on Linux and on macOS: it says nothing that git would not do anyway.
const PLAIN: [&str; 3] = [
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n",
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\
     \tignorecase = true\n\tprecomposeunicode = true\n",
    "# git ls-files --others --exclude-from=.git/info/exclude\n# Lines that start with '#' are comments.\n\
     # For a project mostly in C, the following would be a good set of\n\
     # exclude patterns (uncomment them if you want to use them):\n# *.[oa]\n# *~\n",
];

/// A path inside a repository's own directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside<'a> {
    /// Path of the repository's directory, such as `sub/.git`.
    pub(super) repository: &'a str,
    /// The rest of the path.
    pub(super) rest: &'a str,
}

impl<'a> Inside<'a> {
    /// Returns where a path lies inside the outermost repository's directory; `None` if it lies in none.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let mut end = 0;
        for name in path.split('/') {
            end += name.len();
            if name.eq_ignore_ascii_case(".git") {
                let (repository, rest) = path.split_at(end);
                return Some(Self { repository, rest: rest.trim_start_matches('/') });
            }
            end += 1;
        }
        None
    }

    /// Tells whether it is in the store of objects. Nobody misses an object that nothing names, and none is changed.
    pub(super) fn is_object(&self) -> bool {
        let names: Vec<&str> = self.rest.split('/').collect();
        match names.as_slice() {
            ["objects", ..] | ["lfs", "objects", ..] => true,
            ["modules", deeper @ ..] => deeper.contains(&"objects"),
            _ => false,
        }
    }

    /// Tells whether it makes git run something, or says where git looks.
    pub(super) fn is_steering(&self) -> bool {
        let names: Vec<&str> = self.rest.split('/').collect();
        let (last, parents) = names.split_last().unwrap_or((&"", &[]));
        let in_repository = parents.is_empty() || matches!(parents[0], "modules" | "worktrees");
        match parents.last() {
            // Git runs no samples.
            _ if parents.contains(&"hooks") => !last.ends_with(".sample"),
            Some(&"info") => matches!(*last, "attributes" | "exclude"),
            _ => in_repository && STEERING.contains(last),
        }
    }

    /// Tells whether an effect on it makes git run something, or says where git looks. A new file that `git init` writes in
    /// every repository does not.
    pub(super) fn is_steered_by(&self, effect: &PathEffect) -> bool {
        let is_plain = match (&effect.before, &effect.after) {
            (PathState::Absent, PathState::File { hash, .. }) => {
                PLAIN.iter().any(|text| openkoi_core::hash::of_bytes(text.as_bytes()) == *hash)
            }
            _ => false,
        };
        self.is_steering() && !is_plain
    }

    /// Tells whether it is the index, which git writes anew whenever it looks at the times of files.
    pub(super) fn is_index(&self) -> bool {
        Path::new(self.rest).file_name().is_some_and(|name| name == "index")
            && !self.rest.starts_with("refs/")
            && !self.rest.starts_with("logs/")
    }
}

/// Tells whether two indexes name the same contents at the same paths: what they know of the times of files, and what
/// git derives from it, does not count.
pub(super) fn same_index(a: &[u8], b: &[u8]) -> bool {
    a == b || matches!((entries(a), entries(b)), (Some(a), Some(b)) if a == b)
}

/// What an entry says but for the state of the file: mode, object and flags, and the path.
type IndexEntry = (Vec<u8>, Vec<u8>);

/// Bytes of an entry before its mode: the times, the device and the inode.
const TIMES: usize = 24;
/// Bytes of an entry after its mode and before its object: owner, group and size.
const OWNER: usize = 12;

fn entries(bytes: &[u8]) -> Option<Vec<IndexEntry>> {
    let number = |at: usize| {
        let bytes: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let (version, count) = (number(4)?, number(8)?);
    if !bytes.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let mut reader = IndexReader { bytes, at: 12, version, path: Vec::new() };
    (0..count).map(|_| reader.entry()).collect()
}

struct IndexReader<'a> {
    bytes: &'a [u8],
    at: usize,
    version: usize,
    /// The path of the entry before, whose beginning version 4 does not repeat.
    path: Vec<u8>,
}

impl IndexReader<'_> {
    fn entry(&mut self) -> Option<IndexEntry> {
        let begun = self.at;
        self.take(TIMES)?;
        let mut said = self.take(4)?.to_vec();
        self.take(OWNER)?;
        // Objects are named by SHA-1 almost everywhere; an index of SHA-256 does not parse, and is compared by bytes.
        said.extend_from_slice(self.take(20)?);
        let flags = self.take(2)?.to_vec();
        // The lowest twelve bits are the length of the path.
        said.push(flags[0] & 0xf0);
        if self.version > 2 && flags[0] & 0x40 != 0 {
            said.extend_from_slice(self.take(2)?);
        }
        if self.version == 4 {
            let dropped = self.varint()?;
            self.path.truncate(self.path.len().checked_sub(dropped)?);
        } else {
            self.path.clear();
        }
        let length = self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0)?;
        let name = self.take(length)?.to_vec();
        self.path.extend_from_slice(&name);
        self.take(1)?;
        if self.version < 4 {
            let padding = (8 - (self.at - begun) % 8) % 8;
            self.take(padding)?;
        }
        Some((said, self.path.clone()))
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// Reads a number as git writes offsets: seven bits a byte, highest first, each further byte adding one.
    fn varint(&mut self) -> Option<usize> {
        let mut byte = self.take(1)?[0];
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            value =
                value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_inside_the_outermost_repository() {
        let inside = |path| Inside::of(path).map(|one| (one.repository, one.rest));

        assert_eq!(inside("a/.git/refs/heads/main"), Some(("a/.git", "refs/heads/main")));
        assert_eq!(inside(".GIT"), Some((".GIT", "")));
        assert_eq!(inside("src/.gitignore"), None);
        assert_eq!(inside("git/x"), None);
    }

    #[test]
    fn objects_hooks_and_the_index_are_told_from_the_rest() {
        let of = |path| Inside::of(path).unwrap();

        assert!(of(".git/objects/ab/cd").is_object());
        assert!(of(".git/modules/x/objects/ab/cd").is_object());
        assert!(!of(".git/refs/heads/objects").is_object());
        assert!(of(".git/hooks/pre-commit").is_steering());
        assert!(!of(".git/hooks/pre-commit.sample").is_steering());
        assert!(of(".git/config").is_steering());
        assert!(of(".git/modules/x/config").is_steering());
        assert!(of(".git/info/exclude").is_steering());
        assert!(!of(".git/refs/heads/config").is_steering());
        assert!(!of(".git/HEAD").is_steering());
        assert!(of(".git/index").is_index() && of(".git/worktrees/w/index").is_index());
        assert!(!of(".git/refs/heads/index").is_index());
    }

    /// An index with one entry per path, all with the time `seen`.
    fn index(version: u32, seen: u8, paths: &[(&str, u8)]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend(u32::try_from(paths.len()).unwrap().to_be_bytes());
        for (path, object) in paths {
            let begun = bytes.len();
            bytes.extend([seen; TIMES]);
            bytes.extend([0, 0, 0x81, 0xa4]);
            bytes.extend([seen; OWNER]);
            bytes.extend([*object; 20]);
            bytes.extend(u16::try_from(path.len()).unwrap().to_be_bytes());
            if version == 4 {
                bytes.push(0);
            }
            bytes.extend(path.as_bytes());
            bytes.push(0);
            while version < 4 && !(bytes.len() - begun).is_multiple_of(8) {
                bytes.push(0);
            }
        }
        bytes
    }

    #[test]
    fn an_index_that_only_saw_other_times_is_the_same() {
        for version in [2, 3] {
            let seen = index(version, 1, &[("a", 1), ("b/c", 2)]);
            assert!(same_index(&seen, &index(version, 2, &[("a", 1), ("b/c", 2)])));
            assert!(!same_index(&seen, &index(version, 1, &[("a", 1), ("b/c", 3)])));
            assert!(!same_index(&seen, &index(version, 1, &[("a", 1)])));
        }
        // Version 4 repeats no beginning of a path: here nothing is dropped, and the paths add up.
        assert!(same_index(
            &index(4, 1, &[("a", 1), ("b", 2)]),
            &index(4, 2, &[("a", 1), ("b", 2)])
        ));
        assert!(!same_index(b"DIRC damaged", b"DIRC broken!"));
    }
}
