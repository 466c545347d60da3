//! Places with a rule of their own, as data: secrets, control files, toolchains.
//!
//! The file broker refuses secret places by their names, wherever they lie, and the sandbox of programs closes them
//! below the user's home. Both read [`SECRET_PLACES`]; the names that no list of places can hold (`*.pem`, the files of
//! a browser's profile) are the file broker's alone, because a sandbox knows paths and not names.
//!
//! | function | for |
//! |---|---|
//! | [`is_secret`], [`is_closed`] | the file broker: names, compared without case |
//! | [`is_control`] | snapshots: what a person is asked about |
//! | [`secrets_below`] | what no program may read |
//! | [`toolchains`] | what every program may read |

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The part of the file system that a place covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// One file.
    File,
    /// A directory with all that is in it.
    Directory,
}

/// A place where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretPlace {
    /// The end of its path in small letters, by which it is recognised in any directory. Empty if it is recognised
    /// below the home only.
    pub name: &'static str,
    /// Its path below the user's home.
    pub home: &'static str,
    /// The part of the file system that it covers.
    pub extent: Extent,
    /// The secrets that it holds.
    pub holds: &'static str,
}

impl SecretPlace {
    const fn file(name: &'static str, holds: &'static str) -> Self {
        Self { name, home: name, extent: Extent::File, holds }
    }

    const fn directory(name: &'static str, holds: &'static str) -> Self {
        Self { name, home: name, extent: Extent::Directory, holds }
    }

    /// Makes a directory below the home, whose name means nothing elsewhere.
    const fn home(home: &'static str, holds: &'static str) -> Self {
        Self { name: "", home, extent: Extent::Directory, holds }
    }

    /// Says where below the home it is, if that is not its name.
    const fn at(self, home: &'static str) -> Self {
        Self { home, ..self }
    }

    /// Tells whether `names`, the parts of a path in small letters, lead to the place or into it.
    fn covers(&self, names: &[&str]) -> bool {
        if self.name.is_empty() {
            return false;
        }
        let own: Vec<&str> = self.name.split('/').collect();
        match self.extent {
            Extent::File => names.ends_with(&own),
            Extent::Directory => names.windows(own.len()).any(|part| part == own),
        }
    }
}

/// The places where secrets are kept.
pub const SECRET_PLACES: [SecretPlace; 35] = [
    SecretPlace::directory(".ssh", "keys of ssh"),
    SecretPlace::directory(".gnupg", "keys of gpg"),
    SecretPlace::directory(".aws", "keys and sessions of AWS"),
    SecretPlace::directory(".azure", "tokens of Azure"),
    SecretPlace::directory("gcloud", "tokens of Google Cloud").at(".config/gcloud"),
    SecretPlace::directory(".kube", "credentials of clusters"),
    SecretPlace::directory(".config/gh", "the token of GitHub's command line"),
    SecretPlace::directory("keychains", "keychains of macOS").at("Library/Keychains"),
    // Projects keep other files in a directory of this name.
    SecretPlace::home(".docker", "logins to registries of images"),
    SecretPlace::file(".docker/config.json", "logins to registries of images"),
    SecretPlace::file(".env", "variables with keys"),
    SecretPlace::file(".envrc", "variables with keys"),
    SecretPlace::file(".netrc", "passwords of curl and ftp"),
    SecretPlace::file("_netrc", "passwords of curl and ftp"),
    SecretPlace::file(".git-credentials", "passwords of git"),
    SecretPlace::file(".pgpass", "passwords of PostgreSQL"),
    SecretPlace::file(".htpasswd", "passwords of web servers"),
    SecretPlace::file(".npmrc", "the token of a package registry"),
    SecretPlace::file(".pypirc", "the token of a package registry"),
    SecretPlace::file(".cargo/credentials", "the token of a package registry"),
    SecretPlace::file(".cargo/credentials.toml", "the token of a package registry"),
    SecretPlace::file("auth.json", "tokens of package managers and agents"),
    SecretPlace::file("key3.db", "the key of Firefox's passwords"),
    SecretPlace::file("key4.db", "the key of Firefox's passwords"),
    SecretPlace::file("logins.json", "passwords of Firefox"),
    SecretPlace::file("cookies.sqlite", "sessions of Firefox"),
    SecretPlace::file("login data", "passwords of Chromium"),
    SecretPlace::file("login data for account", "passwords of Chromium"),
    SecretPlace::file("web data", "tokens and forms of Chromium"),
    // The profiles of browsers, whose files are recognised one by one elsewhere.
    SecretPlace::home(".mozilla/firefox", "passwords and sessions of Firefox"),
    SecretPlace::home("Library/Application Support/Firefox", "passwords and sessions of Firefox"),
    SecretPlace::home(".config/google-chrome", "passwords and sessions of Chrome"),
    SecretPlace::home("Library/Application Support/Google/Chrome", "those of Chrome"),
    SecretPlace::home(".config/chromium", "passwords and sessions of Chromium"),
    SecretPlace::home("Library/Application Support/Chromium", "those of Chromium"),
];

/// Beginnings of names of secret files. A name that ends in `.pub` is a public key.
const SECRET_BEGINNINGS: [&str; 5] = [".env.", "id_rsa", "id_dsa", "id_ed25519", "id_ecdsa"];
/// Ends of names of secret files.
const SECRET_ENDINGS: [&str; 8] =
    [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".keychain-db"];
/// Examples of environments, which are written to be read.
const EXAMPLES: [&str; 3] = [".env.example", ".env.sample", ".env.template"];
/// Files of a browser with an ordinary name: secret below the directory of a profile only.
const COOKIES: [&str; 2] = ["cookies", "extension cookies"];
/// The ends of files that SQLite keeps beside a database, with the same contents in them.
const BESIDE_DATABASES: [&str; 3] = ["-journal", "-wal", "-shm"];

/// The names of control files; the file says what they are.
const CONTROL: &str = include_str!("places/control.txt");

/// How a name of [`CONTROL`] begins that no component may change.
const CLOSED: &str = "closed ";

/// Directories that interpreters and their tools make beside the files that they read. Tools that tag their caches with a
/// `CACHEDIR.TAG` need no name here.
const BY_PRODUCTS: [&str; 6] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".ipynb_checkpoints",
];

/// Directories that build tools and package managers make and make anew, where a project ignores them.
const BUILT: [&str; 28] = [
    "target",
    "node_modules",
    "build",
    "dist",
    "out",
    "bin",
    "obj",
    "_build",
    "deps",
    "coverage",
    ".gradle",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".turbo",
    ".parcel-cache",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    ".dart_tool",
    ".stack-work",
    "dist-newstyle",
    ".zig-cache",
    "zig-cache",
    ".build",
    "Pods",
    "elm-stuff",
];

/// The file by which tools tag a directory as a cache that can be made anew (bford.info/cachedir).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Directories below the user's home where toolchains live.
const TOOLCHAINS: [&str; 13] = [
    ".cargo",
    ".rustup",
    ".pyenv",
    ".local/bin",
    ".local/lib",
    ".local/share/mise",
    ".asdf",
    ".nvm",
    ".volta",
    ".bun",
    ".deno",
    "go",
    ".nix-profile",
];
/// Variables that name such directories elsewhere.
const TOOLCHAIN_VARIABLES: [&str; 11] = [
    "CARGO_HOME",
    "RUSTUP_HOME",
    "PYENV_ROOT",
    "NVM_DIR",
    "VOLTA_HOME",
    "GOPATH",
    "GOROOT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "JAVA_HOME",
    "DOTNET_ROOT",
];

/// Tells whether a path leads to a secret place or a secret file, by its names, compared without case.
#[must_use]
pub fn is_secret(path: &Path) -> bool {
    let names: Vec<String> = names(path).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some((last, directories)) = names.split_last() else { return false };
    if EXAMPLES.contains(last) {
        return in_secret_place(directories);
    }
    let in_profile = directories.iter().any(|name| is_profile(name));
    let database = BESIDE_DATABASES.iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let database_names = [directories, &[database]].concat();
    in_secret_place(&names)
        || in_secret_place(&database_names)
        || [last, database].into_iter().any(is_secret_name)
        || (in_profile && COOKIES.contains(&database))
}

/// Tells whether a path leads to files that steer agents and tools, by any of its names, compared without case.
#[must_use]
pub fn is_control(path: &Path) -> bool {
    static ALL: LazyLock<ControlNames> =
        LazyLock::new(|| ControlNames::of(|line| line.split_once(' ').map(|(_, name)| name)));
    ALL.lead_to(path)
}

/// Tells whether a path leads to control files that components may not change.
#[must_use]
pub fn is_closed(path: &Path) -> bool {
    static ALL: LazyLock<ControlNames> =
        LazyLock::new(|| ControlNames::of(|line| line.strip_prefix(CLOSED)));
    ALL.lead_to(path)
}

/// Names of control files.
struct ControlNames {
    sorted: Vec<&'static str>,
    longest: usize,
}

impl ControlNames {
    /// Returns what `name` finds in the lines of the table.
    fn of(name: impl Fn(&'static str) -> Option<&'static str>) -> Self {
        let lines = CONTROL.lines().filter(|line| !line.starts_with('#'));
        let mut sorted: Vec<&str> = lines.filter_map(name).collect();
        sorted.sort_unstable();
        let longest = sorted.iter().map(|name| name.len()).max().unwrap_or(0);
        Self { sorted, longest }
    }

    /// Snapshots ask for each file that they meet, and most names are too long.
    fn lead_to(&self, path: &Path) -> bool {
        let mut short = path.iter().filter(|name| name.len() <= self.longest);
        short.any(|name| {
            let small = || name.as_encoded_bytes().iter().map(u8::to_ascii_lowercase);
            self.sorted.binary_search_by(|known| known.bytes().cmp(small())).is_ok()
        })
    }
}

/// Tells whether a path leads to what interpreters and their tools leave beside the files that they read, by any of its
/// names. It is nobody's work: it is made again when it is needed.
#[must_use]
pub fn is_by_product(path: &Path) -> bool {
    path.iter().any(|name| BY_PRODUCTS.iter().any(|one| name == *one))
        || path.extension().is_some_and(|end| end == "pyc" || end == "pyo")
}

/// Returns the topmost place of by-products on a path that leads into one; the whole path of any other.
pub(crate) fn by_product_of(path: &str) -> &str {
    let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
    ends.into_iter().find(|part| is_by_product(Path::new(part))).unwrap_or(path)
}

/// Tells whether a directory that is ignored is one that tools build in: by its name, or by the tag of caches.
#[must_use]
pub fn is_built_in(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| BUILT.iter().any(|one| name == *one))
        || directory.join(CACHE_TAG).is_file()
}

/// Returns the secret places below the user's home.
#[must_use]
pub fn secrets_below(home: &Path) -> Vec<PathBuf> {
    SECRET_PLACES.iter().map(|place| home.join(place.home)).collect()
}

/// Returns the directories where toolchains live: those that variables name, and the usual ones below the home.
#[must_use]
pub fn toolchains(home: Option<&Path>, environment: &HashMap<OsString, OsString>) -> Vec<PathBuf> {
    let named = TOOLCHAIN_VARIABLES
        .iter()
        .filter_map(|name| environment.get(OsStr::new(name)).map(PathBuf::from))
        // One that names the home, or what is above it, would open everything in it.
        .filter(|path| path.is_absolute() && home.is_none_or(|home| !home.starts_with(path)));
    let usual = home.into_iter().flat_map(|home| TOOLCHAINS.iter().map(|name| home.join(name)));
    named.chain(usual).collect()
}

fn names(path: &Path) -> impl Iterator<Item = String> {
    path.iter().map(|name| name.to_string_lossy().to_lowercase())
}

fn in_secret_place(names: &[&str]) -> bool {
    SECRET_PLACES.iter().any(|place| place.covers(names))
}

fn is_secret_name(name: &str) -> bool {
    SECRET_BEGINNINGS.iter().any(|start| name.starts_with(start) && !name.ends_with(".pub"))
        || SECRET_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Tells whether a directory has the name of a user's profile in Chromium and its kin.
fn is_profile(name: &str) -> bool {
    let number = name.strip_prefix("profile ").map(|rest| rest.parse::<u32>());
    matches!(name, "default" | "guest profile" | "system profile") || matches!(number, Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised_by_name_in_any_directory_and_without_case() {
        for path in [
            ".env",
            "a/.ENV",
            ".env.local",
            "certs/server.PEM",
            "id_rsa",
            "id_ed25519",
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
            ".git/.env",
            "Library/Keychains/login.keychain-db",
            "x/gcloud/credentials.db",
            ".ssh/.env.example",
        ] {
            assert!(is_secret(Path::new(path)), "{path}");
        }
        for path in [
            "",
            "src/main.rs",
            "environment",
            ".environment",
            ".env/bin/python",
            "id_rsa.pub",
            ".env.example",
            ".gitignore",
            "keys.rs",
            "monkey",
            "src/net/cookies",
            "Default/cookies/mod.rs",
            "profile view/cookies",
            "docs/default/web data.md",
            "notes-wal",
            ".docker/Dockerfile",
            ".config/ghost.toml",
            "credentials.toml",
        ] {
            assert!(!is_secret(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_place_that_the_sandbox_closes_is_recognised_by_name_too() {
        for path in [
            "backup/.config/gh/hosts.yml",
            ".cargo/credentials",
            "x/.Cargo/Credentials.toml",
            "x/.docker/config.json",
        ] {
            assert!(is_secret(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_place_that_is_recognised_by_name_is_closed_below_the_home_too() {
        let closed = secrets_below(Path::new("/home/me"));

        for place in [
            ".ssh",
            ".aws",
            ".gnupg",
            ".netrc",
            ".docker",
            ".kube",
            ".config/gh",
            ".config/gcloud",
            ".azure",
            ".npmrc",
            ".cargo/credentials.toml",
            ".cargo/credentials",
            ".pgpass",
            ".pypirc",
            ".git-credentials",
            ".env",
            "Library/Keychains",
            ".mozilla/firefox",
        ] {
            assert!(closed.contains(&Path::new("/home/me").join(place)), "{place}");
        }
    }

    #[test]
    fn control_files_are_recognised_by_name_in_any_directory_and_without_case() {
        let closed = [
            ".git/config",
            "sub/.GIT/hooks/x",
            "AGENTS.md",
            "a/agents.MD",
            ".mcp.json",
            ".openkoi",
        ];
        let asked = [
            ".github/workflows/ci.yml",
            "x/.VSCode/tasks.json",
            ".cursorrules",
            ".husky/pre-commit",
            "Jenkinsfile",
        ];
        for path in closed {
            assert!(is_control(Path::new(path)) && is_closed(Path::new(path)), "{path}");
        }
        for path in asked {
            assert!(is_control(Path::new(path)) && !is_closed(Path::new(path)), "{path}");
        }
        for path in [".gitignore", "agents.md.txt", "src/git", "", "#", "asked", "# Hooks of git"] {
            assert!(!is_control(Path::new(path)) && !is_closed(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn each_line_of_the_table_names_one_control_file() {
        for line in CONTROL.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, name) = line.split_once(' ').unwrap_or_default();
            assert!(["closed", "asked"].contains(&word), "{line}");
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(is_control(Path::new(name)), "{line}");
            assert_eq!(CONTROL.matches(&format!(" {name}\n")).count(), 1, "{line}");
        }
    }

    #[test]
    fn what_interpreters_leave_is_nobodys_work() {
        for path in ["a/__pycache__/b.cpython-314.pyc", "b.pyc", ".pytest_cache", "x/.ruff_cache/y"]
        {
            assert!(is_by_product(Path::new(path)), "{path}");
        }
        assert_eq!(by_product_of("a/__pycache__/b.pyc"), "a/__pycache__");
        assert_eq!(by_product_of("a/b.pyc"), "a/b.pyc");
        for path in ["pycache/a", "a.py", "target/debug/a", ""] {
            assert!(!is_by_product(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn toolchains_are_where_absolute_variables_say_and_below_the_home() {
        let environment = HashMap::from([
            ("CARGO_HOME".into(), "/opt/cargo".into()),
            ("GOPATH".into(), "relative".into()),
            ("JAVA_HOME".into(), "/home".into()),
        ]);

        let found = toolchains(Some(Path::new("/home/me")), &environment);

        assert_eq!(found.first(), Some(&PathBuf::from("/opt/cargo")));
        assert!(found.contains(&PathBuf::from("/home/me/.cargo")));
        assert_eq!(found.len(), 1 + TOOLCHAINS.len());
        assert_eq!(toolchains(Some(Path::new("/home/me")), &environment).first(), found.first());
    }
}
