//! Finds the component packages and builds them in one nested cargo.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{BuildError, at},
    nested::Nested,
};

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

/// Where everything is.
pub(crate) struct Layout {
    nested: Nested,
    /// The workspace.
    pub(crate) root: PathBuf,
    /// Where this build script writes.
    pub(crate) out: PathBuf,
    /// The nested cargo's target directory, shared by all profiles.
    pub(crate) guests: PathBuf,
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
        let nested = Nested::find(1).map_err(BuildError::Nested)?;
        let guests = nested.target.join("guests");
        Ok(Self { root: nested.root.clone(), out: nested.out.clone(), guests, nested })
    }

    /// Tells cargo what the components are made of. The kernel is not part of it, but for the compiler.
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
        let nested = self.root.join("kernel/compiler/build/nested.rs");
        println!("cargo::rerun-if-changed={}", nested.display());
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
}

/// Builds all component packages and returns their bytes.
pub(crate) fn build(layout: &Layout) -> Result<Vec<Guest>, BuildError> {
    if !layout.nested.sysroot.join("lib/rustlib").join(TARGET).exists() {
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
    let mut arguments = ["build", "--locked"].map(str::to_owned).to_vec();
    for package in packages {
        arguments.extend(["--package".to_owned(), package.name.clone()]);
    }
    let options = [("--target", TARGET), ("--profile", PROFILE)];
    layout.nested.cargo(&arguments, &options, &layout.guests).map_err(BuildError::Nested)
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
