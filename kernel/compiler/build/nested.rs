//! A cargo in a build script, for what is built for another target or with another profile. The build script of
//! `openkoi-components` includes this file too.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where everything is.
pub(crate) struct Nested {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Where this build script writes.
    pub(crate) out: PathBuf,
    /// The target directory of the outer cargo.
    pub(crate) target: PathBuf,
    /// Where the toolchain is.
    pub(crate) sysroot: PathBuf,
    rustc: PathBuf,
}

impl Nested {
    /// Reads what cargo tells a build script. The package lies `depth` folders below the workspace.
    pub(crate) fn find(depth: usize) -> Result<Self, String> {
        let manifest = variable("CARGO_MANIFEST_DIR")?;
        let out = variable("OUT_DIR")?;
        let rustc = variable("RUSTC")?;
        let root = manifest.ancestors().nth(depth).unwrap_or(&manifest).to_owned();
        let target = target_directory(&out);
        Ok(Self { root, target, sysroot: sysroot(&rustc)?, out, rustc })
    }

    /// Runs cargo in the workspace, with options and a target directory of its own.
    pub(crate) fn cargo(
        &self,
        arguments: &[String],
        options: &[(&str, &str)],
        directory: &Path,
    ) -> Result<(), String> {
        let cargo = variable("CARGO")?;
        let mut command = Command::new(&cargo);
        command.current_dir(&self.root).args(arguments).arg("--target-dir").arg(directory);
        for (name, value) in options {
            command.args([name, value]);
        }
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_none_or(disturbs)) {
            command.env_remove(name);
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags()).env("RUSTC", &self.rustc);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err("a part of it did not build; cargo's messages are above".to_owned()),
            Err(error) => Err(format!("cannot start {}: {error}", cargo.display())),
        }
    }

    /// Paths of this machine must not get into the bytes: the same source gives the same digest everywhere.
    /// The last prefix that fits counts; how cargo calls a registry's folder is of no interest either.
    fn rustflags(&self) -> String {
        let mut remapped = vec![(self.root.clone(), "/openkoi"), (self.sysroot.clone(), "/rust")];
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(default_cargo_home);
        if let Some(home) = cargo_home {
            let registries = directories(&home.join("registry/src"));
            remapped.push((home, "/cargo"));
            remapped.extend(registries.into_iter().map(|registry| (registry, "/registry")));
        }
        let flags = remapped
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
        flags.collect::<Vec<_>>().join("\u{1f}")
    }
}

/// Whether a variable of the outer cargo, or of the user's settings for the native build, would change how
/// something is built. `RUSTC_WORKSPACE_WRAPPER` is how clippy takes the place of the compiler.
fn disturbs(name: &str) -> bool {
    const KEPT: [&str; 6] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        // Which linker a target has.
        "CARGO_TARGET_",
        "CARGO_TERM_",
    ];
    const DROPPED: [&str; 16] = [
        "CLIPPY_ARGS",
        "DEBUG",
        "HOST",
        "MAKEFLAGS",
        "MFLAGS",
        "NUM_JOBS",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTFLAGS",
        "TARGET",
    ];
    let cargo = name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
    cargo || DROPPED.contains(&name)
}

fn variable(name: &str) -> Result<PathBuf, String> {
    let value = env::var_os(name).map(PathBuf::from);
    value.ok_or_else(|| format!("cargo did not set {name} for the build script"))
}

/// Cargo tags its target directory; `OUT_DIR` lies below it, how deep depends on the command line.
fn target_directory(out: &Path) -> PathBuf {
    let tagged = out.ancestors().find(|path| path.join("CACHEDIR.TAG").exists());
    tagged.unwrap_or(out).to_owned()
}

fn sysroot(rustc: &Path) -> Result<PathBuf, String> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", rustc.display()))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn default_cargo_home() -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"))
}

fn directories(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
