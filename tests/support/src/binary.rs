//! Where the built `openkoi` is, building it first if it is missing or older than its sources.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

/// A variable that names a binary to test in place of the one built here.
pub const VARIABLE: &str = "OPENKOI_E2E_BINARY";

/// The directory that cargo builds this test's profile in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Build {
    /// `<target>`, or `<target>/<triple>` when cargo was told the target.
    directory: PathBuf,
    /// The profile's directory: `debug`, `release`, or the name of another profile.
    profile: String,
}

impl Build {
    /// Returns the build that `test`, an executable in `<directory>/<profile>/deps`, belongs to.
    fn of(test: &Path) -> Option<Self> {
        let profile = test.parent()?.parent()?;
        let name = profile.file_name()?.to_str()?.to_owned();
        Some(Self { directory: profile.parent()?.to_owned(), profile: name })
    }

    fn binary(&self) -> PathBuf {
        self.directory.join(&self.profile).join("openkoi")
    }

    /// Returns the arguments for cargo that build the binary where [`Build::binary`] looks for it.
    fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["build", "--package", "openkoi", "--bin", "openkoi"].map(str::to_owned).into();
        // Cargo calls the profile of the directory `debug` `dev`.
        let profile = if self.profile == "debug" { "dev" } else { &self.profile };
        arguments.extend(["--profile".to_owned(), profile.to_owned()]);
        let (target, triple) = self.target();
        arguments.extend(["--target-dir".to_owned(), target.to_string_lossy().into_owned()]);
        if let Some(triple) = triple {
            arguments.extend(["--target".to_owned(), triple]);
        }
        arguments
    }

    /// Splits the directory into the target directory and the triple below it, if there is one.
    fn target(&self) -> (PathBuf, Option<String>) {
        let name = self.directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parent = self.directory.parent().filter(|_| name.matches('-').count() >= 2);
        match parent {
            Some(parent) => (parent.to_owned(), Some(name.to_owned())),
            None => (self.directory.clone(), None),
        }
    }
}

fn this_build() -> Build {
    let test = env::current_exe().expect("a test knows its own path");
    Build::of(&test).expect("a test is built by cargo")
}

/// Returns cargo's target directory.
pub fn target_directory() -> PathBuf {
    this_build().target().0
}

/// Returns the path of the binary under test.
///
/// # Panics
///
/// When it cannot be built.
pub fn openkoi() -> &'static Path {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(find) {
        Ok(path) => path,
        Err(message) => panic!("there is no openkoi to test: {message}"),
    }
}

fn find() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os(VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    let build = this_build();
    let binary = build.binary();
    if is_stale(&binary) {
        compile(&build)?;
    }
    Ok(binary)
}

/// Runs cargo, which waits for other builds by its own lock.
fn compile(build: &Build) -> Result<(), String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told this test about itself must not reach the other packages' build scripts.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.args(build.arguments()).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().map_err(|error| format!("cargo does not run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    Err(format!("cargo build failed:\n{}", lines[lines.len().saturating_sub(40)..].join("\n")))
}

/// Returns whether `binary` is missing or older than one of the files that cargo lists as its sources.
fn is_stale(binary: &Path) -> bool {
    let listed = fs::read_to_string(binary.with_extension("d")).map(|text| sources(&text));
    let (Ok(sources), Ok(built)) = (listed, changed(binary)) else {
        return true;
    };
    sources.iter().any(|source| changed(source).map_or(true, |changed| changed > built))
}

fn changed(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// Returns the sources in a dependency file of cargo: one rule, its paths separated by spaces.
fn sources(rule: &str) -> Vec<PathBuf> {
    let Some((_, listed)) = rule.split_once(": ") else {
        return Vec::new();
    };
    // A space that belongs to a path is written with a backslash before it.
    let listed = listed.trim_end().replace("\\ ", "\0");
    let paths = listed.split(' ').filter(|path| !path.is_empty());
    paths.map(|path| PathBuf::from(path.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_the_test_is_the_profile_of_the_binary() {
        let build = Build::of(Path::new("/w/target/release/deps/openkoi-1a2b")).unwrap();

        assert_eq!(build.binary(), Path::new("/w/target/release/openkoi"));
        let tail = ["--profile", "release", "--target-dir", "/w/target"];
        assert_eq!(build.arguments()[5..], tail);
    }

    #[test]
    fn a_directory_named_like_a_triple_is_one() {
        let test = Path::new("/w/target/x86_64-unknown-linux-musl/debug/deps/openkoi-1a2b");
        let arguments = Build::of(test).unwrap().arguments();

        let tail = ["dev", "--target-dir", "/w/target", "--target", "x86_64-unknown-linux-musl"];
        assert_eq!(arguments[arguments.len() - 5..], tail);
    }

    #[test]
    fn a_dependency_file_lists_paths_with_spaces_too() {
        let listed = sources("/t/openkoi: /w/src/main.rs /w/a\\ b/lib.rs\n");

        assert_eq!(listed, [PathBuf::from("/w/src/main.rs"), PathBuf::from("/w/a b/lib.rs")]);
    }

    #[test]
    fn a_binary_is_stale_when_missing_or_older_than_a_source_or_when_a_source_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (binary, source) = (dir.path().join("openkoi"), dir.path().join("main.rs"));
        let rule = format!("{}: {}\n", binary.display(), source.display());
        fs::write(dir.path().join("openkoi.d"), rule).unwrap();
        assert!(is_stale(&binary), "missing");

        fs::write(&source, "").unwrap();
        fs::write(&binary, "").unwrap();
        assert!(!is_stale(&binary), "fresh");

        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(&source).unwrap().set_modified(later).unwrap();
        assert!(is_stale(&binary), "older");

        fs::remove_file(&source).unwrap();
        assert!(is_stale(&binary), "gone");
    }
}
