//! Which source files depend on one another, and where they do so in a circle.
//!
//! A file depends on another one when a name that it uses, in a `use` or in a path, is defined there. Re-exports are
//! seen through: what counts is where the name is defined. A parent and its children are files like any other, but
//! `mod child;` alone makes no dependency, and neither does what is compiled for tests only.
//!
//! What is read is the text, so three things are taken as what they most likely are: a name that no file defines
//! belongs to the module in which it is looked up (macros define such names); a path in the arguments of a macro or of
//! an attribute is a path; and all branches of a `cfg` are there at once, except those for tests.

mod graph;
mod mention;
mod module;
mod read;
mod resolve;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

pub use graph::{Circle, Graph, Tie};

/// The folders with production code.
const FOLDERS: [&str; 3] = ["kernel", "components", "sdk"];

/// The files of a package that a crate may begin with. A build script elsewhere is named in the manifest.
const ROOTS: [&str; 3] = ["src/lib.rs", "src/main.rs", "build.rs"];

/// Reads the production code of the repository at `root`.
///
/// # Errors
///
/// A file cannot be read or is not Rust.
pub fn read(root: &Path) -> io::Result<Graph> {
    let root = root.canonicalize()?;
    let mut graph = Graph::default();
    for folder in FOLDERS {
        for package in packages(&root.join(folder))? {
            read_package(&root, &package, &mut graph)?;
        }
    }
    Ok(graph)
}

/// Reads one package: its library, its program and its build script.
fn read_package(root: &Path, package: &Path, graph: &mut Graph) -> io::Result<()> {
    let manifest = fs::read_to_string(package.join("Cargo.toml"))?;
    let build =
        manifest.lines().find_map(|line| line.strip_prefix("build = \"")?.strip_suffix('"'));
    let roots: BTreeSet<&str> = ROOTS.into_iter().chain(build).collect();
    for file in roots.into_iter().map(|file| package.join(file)).filter(|file| file.is_file()) {
        resolve::add(&read::read(root, &file)?, graph);
    }
    Ok(())
}

/// Returns the folders below `folder` that hold a manifest, itself included. What lies below `tests` and what a
/// program keeps as data is not production code.
fn packages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        if folder.join("src").is_dir() && folder.join("Cargo.toml").is_file() {
            found.push(folder.clone());
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let skipped =
                ["src", "tests", "demo", "target"].iter().any(|name| entry.file_name() == **name);
            if entry.file_type()?.is_dir() && !skipped {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
