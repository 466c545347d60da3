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

/// Returns the directories of the path. Relative ones and those of the workspace are left out: a repository must not
/// choose the program that is run as `git`.
fn places(settings: &ProcessSettings, workspace: &Path) -> impl Iterator<Item = PathBuf> {
    let given = settings.environment.get(OsStr::new("PATH"));
    let path = given.cloned().unwrap_or_else(|| USUAL.into());
    let workspace = workspace.to_owned();
    split_paths(&path)
        .filter(move |place| place.is_absolute() && !place.starts_with(&workspace))
        .collect::<Vec<_>>()
        .into_iter()
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}
