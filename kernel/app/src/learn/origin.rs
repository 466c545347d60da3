//! What a person types as the source of a skill.
//!
//! | typed | is |
//! |---|---|
//! | a path that is there | a folder, an archive, or a `SKILL.md` |
//! | `https://…` | an archive or a `SKILL.md`; the page of a folder in a repository is that folder |
//! | `owner/repo`, `owner/repo/path`, with `@ref` | a folder of a repository, by the archives of `skills.archives` |
//!
//! `#path` behind an archive names the folder in it.

use std::path::{Path, PathBuf};

use openkoi_brokers::disk;

use super::error::LearnError;

/// The version of a repository if none is named.
const LATEST: &str = "HEAD";

/// The source of a skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SkillOrigin {
    /// A folder, an archive or a file here.
    Here {
        path: PathBuf,
        /// The folder in the archive; empty: the only one with a skill.
        below: String,
    },
    /// An archive or a file elsewhere.
    Elsewhere { address: String, below: String },
    /// A folder of a repository.
    Repository { owner: String, repository: String, below: String, version: String },
}

impl SkillOrigin {
    /// Reads what was typed in `directory`. `archives` is the address of a repository's archive.
    pub(super) fn of(typed: &str, directory: &Path, archives: &str) -> Result<Self, LearnError> {
        let typed = typed.trim();
        let (before, below) = typed.split_once('#').unwrap_or((typed, ""));
        let below = below.trim_matches('/').to_owned();
        if before.contains("://") {
            let page = page_of_repository(before, archives).filter(|_| below.is_empty());
            return Ok(page.unwrap_or(Self::Elsewhere { address: before.to_owned(), below }));
        }
        let whole = directory.join(typed);
        if !typed.is_empty() && disk::exists(&whole) {
            return Ok(Self::here(whole, String::new()));
        }
        let path = directory.join(before);
        if !before.is_empty() && disk::exists(&path) {
            return Ok(Self::here(path, below));
        }
        repository(typed).ok_or_else(|| LearnError::NoSource(typed.to_owned()))
    }

    fn here(path: PathBuf, below: String) -> Self {
        Self::Here { path: disk::canonical(&path).unwrap_or(path), below }
    }

    /// Returns what can be typed anywhere for the folder `below` of the same source.
    pub(super) fn typed(&self, below: &str) -> String {
        let behind = |start: String, below: &str| match below {
            "" => start,
            below => format!("{start}#{below}"),
        };
        match self {
            Self::Here { path, .. } if disk::is_directory(path) => {
                path.join(below).display().to_string()
            }
            Self::Here { path, .. } => behind(path.display().to_string(), below),
            Self::Elsewhere { address, .. } => behind(address.clone(), below),
            Self::Repository { owner, repository, version, .. } => {
                let below = if below.is_empty() { String::new() } else { format!("/{below}") };
                let at = if version == LATEST { String::new() } else { format!("@{version}") };
                format!("{owner}/{repository}{below}{at}")
            }
        }
    }

    /// Returns the folder that was named.
    pub(super) fn below(&self) -> &str {
        match self {
            Self::Here { below, .. }
            | Self::Elsewhere { below, .. }
            | Self::Repository { below, .. } => below,
        }
    }

    /// Returns the address to fetch; nothing for what is here.
    pub(super) fn address(&self, archives: &str) -> Option<String> {
        match self {
            Self::Here { .. } => None,
            Self::Elsewhere { address, .. } => Some(address.clone()),
            Self::Repository { owner, repository, version, .. } => {
                let filled = archives.replace("{owner}", owner).replace("{repo}", repository);
                Some(filled.replace("{ref}", version))
            }
        }
    }
}

fn repository(typed: &str) -> Option<SkillOrigin> {
    let (path, version) = typed.split_once('@').unwrap_or((typed, LATEST));
    let mut parts = path.trim_matches('/').split('/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    let below: Vec<&str> = parts.collect();
    let all = [owner, repository].into_iter().chain(below.iter().copied());
    let is_fit = all.clone().all(is_name) && version.split('/').all(is_name);
    is_fit.then(|| SkillOrigin::Repository {
        owner: owner.to_owned(),
        repository: repository.to_owned(),
        below: below.join("/"),
        version: version.to_owned(),
    })
}

/// Returns whether this is one name of an address, which needs no escapes.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(plain) && name.chars().any(|c| c != '.')
}

/// Returns whether a name is that of something to fetch.
fn is_file(name: &str) -> bool {
    [".md", ".zip", ".tar", ".gz", ".tgz"].iter().any(|end| name.to_lowercase().ends_with(end))
}

/// Returns the folder that a page of the server with the archives shows: `…/owner/repo`, `…/owner/repo/tree/REF/path` or
/// `…/owner/repo/blob/REF/path/SKILL.md`.
fn page_of_repository(address: &str, archives: &str) -> Option<SkillOrigin> {
    let (start, _) = archives.split_once("{owner}")?;
    let rest = address.strip_prefix(start)?.trim_matches('/');
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        [owner, name] if !is_file(name) => repository(&format!("{owner}/{name}")),
        [owner, name, "blob", version, below @ .., "SKILL.md"] => {
            repository(&format!("{owner}/{name}/{}@{version}", below.join("/")))
        }
        [owner, name, "tree", version, below @ ..] => {
            repository(&format!("{owner}/{name}/{}@{version}", below.join("/")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVES: &str = "https://host.test/{owner}/{repo}/archive/{ref}.zip";

    fn origin(typed: &str) -> Result<SkillOrigin, LearnError> {
        SkillOrigin::of(typed, Path::new("/nowhere"), ARCHIVES)
    }

    #[test]
    fn a_repository_is_fetched_as_an_archive_and_can_be_typed_again() {
        for (typed, again, address) in [
            ("acme/skills", "acme/skills", "https://host.test/acme/skills/archive/HEAD.zip"),
            ("acme/s/a/b@v1.2", "acme/s/a/b@v1.2", "https://host.test/acme/s/archive/v1.2.zip"),
            (
                "https://host.test/acme/s/tree/main/.claude/pdf",
                "acme/s/.claude/pdf@main",
                "https://host.test/acme/s/archive/main.zip",
            ),
            (
                "https://host.test/acme/s/blob/v2/a/pdf/SKILL.md",
                "acme/s/a/pdf@v2",
                "https://host.test/acme/s/archive/v2.zip",
            ),
            ("https://host.test/acme/s/", "acme/s", "https://host.test/acme/s/archive/HEAD.zip"),
            (
                "https://other.test/x.zip#a/b/",
                "https://other.test/x.zip#a/b",
                "https://other.test/x.zip",
            ),
        ] {
            let found = origin(typed).unwrap();
            assert_eq!(found.typed(found.below()), again);
            assert_eq!(found.address(ARCHIVES).unwrap(), address);
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for typed in ["", "pdf", "a/..", "../a/b", "a/b/../c", "a b/c", "a/b@", "a/b@../x"] {
            assert!(matches!(origin(typed), Err(LearnError::NoSource(_))), "{typed}");
        }
    }

    #[test]
    fn what_is_here_goes_before_a_repository() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("acme/skills")).unwrap();
        let root = directory.path().canonicalize().unwrap();

        let found = SkillOrigin::of("acme/skills", &root, ARCHIVES).unwrap();

        assert_eq!(found.typed(""), format!("{}/acme/skills/", root.display()));
    }
}
