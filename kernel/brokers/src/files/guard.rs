//! What may be done with which path.

use super::path::Place;
use super::{Access, FileError, Files};
use crate::sabotage::{Guard, off};
use cap_std::fs::{Dir, File, MetadataExt};
use std::path::Path;

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Change,
}

/// What a path is, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Control,
    Secret,
}

/// Names that steer agents and tools, in lower case: directories or files, wherever they lie.
const CONTROL: [&str; 4] = [".git", ".openkoi", "agents.md", ".mcp.json"];

/// Names that hold secrets, whatever their directory.
const SECRET_NAMES: [&str; 19] = [
    ".env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    "auth.json",
    "key3.db",
    "key4.db",
    "logins.json",
    "login data",
    "login data for account",
    "web data",
    "cookies.sqlite",
    ".htpasswd",
    "id_ed25519",
    "id_ecdsa",
];
const SECRET_BEGINNINGS: [&str; 5] = [".env.", "id_rsa", "id_dsa", "id_ed25519", "id_ecdsa"];
const SECRET_ENDINGS: [&str; 8] =
    [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".keychain-db"];
const SECRET_DIRECTORIES: [&str; 7] =
    [".ssh", ".aws", ".gnupg", ".kube", ".azure", "gcloud", "keychains"];
/// A browser's file whose name is a usual word elsewhere: a secret below a profile's directory only.
const COOKIES: [&str; 2] = ["cookies", "extension cookies"];
/// What SQLite keeps beside a database, with the same contents in it.
const BESIDE_DATABASES: [&str; 3] = ["-journal", "-wal", "-shm"];
/// How many entries of a directory are compared with a hard link.
const MOST_COMPARED: usize = 2000;

fn classify(path: &Path) -> Class {
    match (is_secret(path), is_control(path)) {
        (true, _) => Class::Secret,
        (false, true) => Class::Control,
        (false, false) => Class::Plain,
    }
}

/// Returns whether a path of a workspace steers agents and tools, by any of its names, compared without case.
#[must_use]
pub fn is_control(path: &Path) -> bool {
    names(path).any(|name| CONTROL.contains(&name.as_str()))
}

fn is_secret(path: &Path) -> bool {
    let mut in_profile = false;
    let mut names = names(path).peekable();
    while let Some(name) = names.next() {
        let is_last = names.peek().is_none();
        if is_secret_directory(&name) || (is_last && is_secret_file(&name, in_profile)) {
            return true;
        }
        in_profile |= is_profile(&name);
    }
    false
}

fn names(path: &Path) -> impl Iterator<Item = String> {
    path.iter().map(|name| name.to_string_lossy().to_lowercase())
}

fn is_secret_directory(name: &str) -> bool {
    SECRET_DIRECTORIES.contains(&name)
}

/// Whether a directory is called as Chromium and its kin call the profile of a user.
fn is_profile(name: &str) -> bool {
    let number = name.strip_prefix("profile ").map(|rest| rest.parse::<u32>());
    matches!(name, "default" | "guest profile" | "system profile") || matches!(number, Some(Ok(_)))
}

/// Whether a file of this name, in lower case, holds secrets.
fn is_secret_file(name: &str, in_profile: bool) -> bool {
    let database = BESIDE_DATABASES.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    is_secret_name(name) || is_secret_name(database) || (in_profile && COOKIES.contains(&database))
}

/// Whether a name, in lower case, is one that secrets are kept under.
fn is_secret_name(name: &str) -> bool {
    // Examples are written to be read.
    if matches!(name, ".env.example" | ".env.sample" | ".env.template") {
        return false;
    }
    SECRET_NAMES.contains(&name)
        || SECRET_BEGINNINGS.iter().any(|start| name.starts_with(start) && !name.ends_with(".pub"))
        || SECRET_ENDINGS.iter().any(|end| name.ends_with(end))
}

impl Files {
    /// Holds a place against the rules, by its names alone.
    pub(super) fn check(&self, place: &Place<'_>, act: Act) -> Result<(), FileError> {
        self.check_rules(place, act)?;
        // A directory that was granted by itself is open even where it lies in a place that is closed.
        let granted = !place.root.is_workspace && self.is_private(&place.root.path);
        if !granted && self.is_private(&place.root.path.join(&place.path)) {
            return Err(refused(act, place, "it is closed to every component"));
        }
        let guard = match classify(&place.path) {
            Class::Secret => Guard::FileSecret,
            Class::Control if act == Act::Change => Guard::FileControl,
            Class::Control | Class::Plain => return Ok(()),
        };
        if self.is_named(place) || off(guard) {
            return Ok(());
        }
        Err(refused(act, place, "name it exactly in the grant to allow it"))
    }

    fn check_rules(&self, place: &Place<'_>, act: Act) -> Result<(), FileError> {
        if act == Act::Change && place.root.access == Access::Read {
            return Err(refused(act, place, "grant write access to its directory"));
        }
        if !place.root.is_workspace || off(Guard::FileRule) {
            return Ok(());
        }
        let globs = if act == Act::Read { &self.rules.read } else { &self.rules.write };
        let path = place.path.to_string_lossy();
        if globs.iter().any(|glob| glob.matches(&path)) {
            return Ok(());
        }
        Err(refused(act, place, "grant the path to the component"))
    }

    fn is_private(&self, path: &Path) -> bool {
        let path = path.to_string_lossy().to_lowercase();
        let path = Path::new(&path);
        self.private.iter().any(|closed| path.starts_with(closed.to_string_lossy().to_lowercase()))
    }

    fn is_named(&self, place: &Place<'_>) -> bool {
        self.rules.named.iter().any(|named| {
            self.place(named)
                .is_ok_and(|named| named.path == place.path && named.root.path == place.root.path)
        })
    }

    /// Holds what was really opened against the rules: a link has another name than what it leads to.
    pub(super) fn check_real(&self, real: &Place<'_>, act: Act) -> Result<(), FileError> {
        if off(Guard::FileLink) { Ok(()) } else { self.check(real, act) }
    }

    /// Refuses a file that is also a secret under another name close by.
    pub(super) fn check_hard_links(&self, real: &Place<'_>, file: &File) -> Result<(), FileError> {
        let meta = file.metadata().map_err(|error| real.failed(error))?;
        if meta.nlink() < 2 || off(Guard::FileLink) {
            return Ok(());
        }
        let id = (meta.dev(), meta.ino());
        let mut directory = Some(real.path.as_path());
        while let Some(parent) = directory.and_then(Path::parent) {
            let open = real.at(parent.to_owned()).open_dir();
            if open.is_ok_and(|dir| holds_as_secret(&dir, parent, id)) {
                return Err(refused(Act::Read, real, "it is a secret file under another name"));
            }
            directory = Some(parent);
        }
        Ok(())
    }
}

fn holds_as_secret(dir: &Dir, path: &Path, id: (u64, u64)) -> bool {
    let Ok(entries) = dir.entries() else { return false };
    entries
        .take(MOST_COMPARED)
        .filter_map(Result::ok)
        .filter(|entry| is_secret(&path.join(entry.file_name())))
        .filter_map(|entry| entry.metadata().ok())
        .any(|meta| (meta.dev(), meta.ino()) == id)
}

fn refused(act: Act, place: &Place<'_>, hint: &str) -> FileError {
    let verb = match act {
        Act::Read => "read",
        Act::Change => "change",
    };
    let path = place.path.display().to_string();
    let through = if place.given.trim_end_matches('/') == path || place.given.starts_with('/') {
        String::new()
    } else {
        format!(" (through {})", place.given)
    };
    FileError::Denied { what: format!("{verb} of {path}{through}"), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Class, classify};
    use std::path::Path;

    #[test]
    fn names_are_classified_without_case() {
        for path in [
            ".env",
            "a/.ENV",
            ".env.local",
            "certs/server.PEM",
            "id_rsa",
            "a/Id_Rsa_backup",
            "x.key",
            ".netrc",
            ".aws/config",
            "home/.ssh/known_hosts",
            "auth.json",
            ".SSH",
            "google-chrome/Default/Cookies",
            "chromium/Profile 12/Network/Cookies",
            "Google/Chrome/Guest Profile/Extension Cookies",
            "Default/Cookies-journal",
            "Default/Web Data",
            "chromium/Default/Login Data",
            "Default/Login Data For Account",
            ".mozilla/firefox/ab12.default-release/cookies.sqlite",
            "ab12.default/cookies.sqlite-wal",
            "ab12.default/logins.json",
            "ab12.default/key4.db",
        ] {
            assert_eq!(classify(Path::new(path)), Class::Secret, "{path}");
        }
        for path in
            [".git/config", "sub/.GIT/hooks/x", "AGENTS.md", "a/agents.MD", ".mcp.json", ".openkoi"]
        {
            assert_eq!(classify(Path::new(path)), Class::Control, "{path}");
        }
        for path in [
            "",
            "src/main.rs",
            "environment",
            ".environment",
            "id_rsa.pub",
            ".env.example",
            ".gitignore",
            "keys.rs",
            "agents.md.txt",
            "monkey",
            "src/net/cookies",
            "Default/cookies/mod.rs",
            "profile view/cookies",
            "docs/default/web data.md",
            "notes-wal",
        ] {
            assert_eq!(classify(Path::new(path)), Class::Plain, "{path}");
        }
    }

    #[test]
    fn a_secret_inside_a_control_directory_stays_a_secret() {
        assert_eq!(classify(Path::new(".git/.env")), Class::Secret);
    }
}
