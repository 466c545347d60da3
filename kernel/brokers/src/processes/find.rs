//! The file of a program, found by its name.

use super::ProcessSettings;
use openkoi_core::pattern::CommandRule;
use std::env::{join_paths, split_paths};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The path if the environment has none.
const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the file of `program`: the first of that name on the path that can be executed.
pub(super) fn find(program: &str, settings: &ProcessSettings, workspace: &Path) -> Option<PathBuf> {
    let any: CommandRule = "*".parse().ok()?;
    if !any.matches(program) {
        return None;
    }
    places(settings, workspace).map(|place| place.join(program)).find(|file| is_program(file))
}

/// Returns the variable `PATH` of a program.
pub(super) fn path(settings: &ProcessSettings, workspace: &Path) -> OsString {
    join_paths(places(settings, workspace)).unwrap_or_else(|_| USUAL.into())
}

/// Variables that name an environment which the user activated.
const ACTIVATED: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];

/// Returns the variable `PATH` of a program in the sandbox: with an environment of the workspace that the user activated,
/// so that the `python` of the project runs there as in the user's own shell. The program itself is found without it.
pub(super) fn activated_path(settings: &ProcessSettings, workspace: &Path) -> OsString {
    let named = |name: &&str| settings.environment.get(OsStr::new(name)).map(PathBuf::from);
    let activated: Vec<PathBuf> = ACTIVATED.iter().filter_map(named).collect();
    let activated = activated.iter().filter(|place| place.is_absolute() && *place != workspace);
    let activated: Vec<&PathBuf> = activated.collect();
    let path = given(settings);
    let is_kept = |place: &PathBuf| {
        let is_activated = activated.iter().any(|one| place.starts_with(one));
        place.is_absolute() && (!place.starts_with(workspace) || is_activated)
    };
    join_paths(split_paths(&path).filter(is_kept)).unwrap_or_else(|_| USUAL.into())
}

fn given(settings: &ProcessSettings) -> OsString {
    settings.environment.get(OsStr::new("PATH")).cloned().unwrap_or_else(|| USUAL.into())
}

/// Returns the directories of the path. Relative ones and those of the workspace are left out: a repository must not
/// choose the program that is run as `git`.
fn places(settings: &ProcessSettings, workspace: &Path) -> impl Iterator<Item = PathBuf> {
    let path = given(settings);
    let workspace = workspace.to_owned();
    split_paths(&path)
        .filter(move |place| place.is_absolute() && !place.starts_with(&workspace))
        .collect::<Vec<_>>()
        .into_iter()
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}
