//! Finds the component packages and builds them in one nested cargo.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{BuildError, at};

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

/// Where everything is.
pub(crate) struct Layout {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Where this build script writes.
    pub(crate) out: PathBuf,
    /// The nested cargo's target directory, shared by all profiles.
    pub(crate) guests: PathBuf,
    rustc: PathBuf,
    sysroot: PathBuf,
}

/// One package that was built.
pub(crate) struct Guest {
    /// The package's name.
    pub(crate) package: String,
    /// The component.
    pub(crate) wasm: Vec<u8>,
}

/// One package that is to be built.
struct Package {
    name: String,
}

impl Layout {
    /// Reads what cargo tells a build script.
    pub(crate) fn find() -> Result<Self, BuildError> {
        let manifest = variable("CARGO_MANIFEST_DIR")?;
        let out = variable("OUT_DIR")?;
        let rustc = variable("RUSTC")?;
        let root = manifest.parent().unwrap_or(&manifest).to_owned();
        Ok(Self {
            guests: target_directory(&out).join("guests"),
            sysroot: sysroot(&rustc)?,
            root,
            out,
            rustc,
        })
    }

    /// Tells cargo what the components are made of. The kernel is not part of it, but for the file that says
    /// how code is compiled.
    pub(crate) fn watch(&self) {
        let watched = [
            "Cargo.lock",
            "Cargo.toml",
            "components/build",
            "components/models.json",
            "sdk/rust",
            "skills",
            "wit",
        ];
        for path in watched.iter().filter(|path| self.root.join(path).exists()) {
            println!("cargo::rerun-if-changed={}", self.root.join(path).display());
        }
        let config = self.root.join("kernel/host/src/engine/config.rs");
        println!("cargo::rerun-if-changed={}", config.display());
        for kind in directories(&self.root.join("components")) {
            println!("cargo::rerun-if-changed={}", kind.display());
        }
    }

    /// A folder with a `component.toml` is a component; one without is not one yet.
    fn packages(&self) -> Result<Vec<Package>, BuildError> {
        let mut packages = Vec::new();
        for folder in
            directories(&self.root.join("components")).iter().flat_map(|kind| directories(kind))
        {
            let cargo = folder.join("Cargo.toml");
            if cargo.exists() && folder.join("component.toml").exists() {
                packages.push(Package { name: package_name(&cargo)? });
            }
        }
        Ok(packages)
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

/// Builds all component packages and returns their bytes.
pub(crate) fn build(layout: &Layout) -> Result<Vec<Guest>, BuildError> {
    if !layout.sysroot.join("lib/rustlib").join(TARGET).exists() {
        return Err(BuildError::NoTarget);
    }
    let packages = layout.packages()?;
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    run_cargo(layout, &packages)?;
    let built = layout.guests.join(TARGET).join(PROFILE);
    packages
        .into_iter()
        .map(|package| {
            let path = built.join(format!("{}.wasm", package.name.replace('-', "_")));
            let wasm = at(&path, fs::read(&path))?;
            Ok(Guest { package: package.name, wasm })
        })
        .collect()
}

fn run_cargo(layout: &Layout, packages: &[Package]) -> Result<(), BuildError> {
    let cargo = variable("CARGO")?;
    let mut command = Command::new(&cargo);
    command
        .current_dir(&layout.root)
        .args(["build", "--locked", "--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(&layout.guests);
    for package in packages {
        command.args(["--package", &package.name]);
    }
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_none_or(disturbs)) {
        command.env_remove(name);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", layout.rustflags()).env("RUSTC", &layout.rustc);
    let status = at(&cargo, command.status())?;
    if status.success() { Ok(()) } else { Err(BuildError::Guests) }
}

/// Whether a variable of the outer cargo, or of the user's settings for the native build, would change how
/// the components are built. `RUSTC_WORKSPACE_WRAPPER` is how clippy takes the place of the compiler.
fn disturbs(name: &str) -> bool {
    const KEPT: [&str; 5] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_TERM_"];
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

fn variable(name: &'static str) -> Result<PathBuf, BuildError> {
    env::var_os(name).map(PathBuf::from).ok_or(BuildError::Environment(name))
}

/// Cargo tags its target directory; `OUT_DIR` lies below it, how deep depends on the command line.
fn target_directory(out: &Path) -> PathBuf {
    let tagged = out.ancestors().find(|path| path.join("CACHEDIR.TAG").exists());
    tagged.unwrap_or(out).to_owned()
}

fn sysroot(rustc: &Path) -> Result<PathBuf, BuildError> {
    let output = at(rustc, Command::new(rustc).args(["--print", "sysroot"]).output())?;
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
    let mut found: Vec<PathBuf> = paths
        .filter(|path| {
            path.is_dir()
                && !path.ends_with("build")
                && !path.ends_with("src")
                && !path.ends_with("tests")
        })
        .collect();
    found.sort();
    found
}

fn package_name(cargo: &Path) -> Result<String, BuildError> {
    let text = at(cargo, fs::read_to_string(cargo))?;
    let document: toml::Table =
        text.parse().map_err(|error| bad_package(cargo, &format!("{error}")))?;
    let name = document.get("package").and_then(|package| package.get("name")?.as_str());
    name.map(str::to_owned).ok_or_else(|| bad_package(cargo, "the package has no name"))
}

fn bad_package(cargo: &Path, problem: &str) -> BuildError {
    BuildError::Manifest { package: cargo.display().to_string(), problem: problem.to_owned() }
}
