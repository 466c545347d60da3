//! Workspaces that hold more than a project: a home directory, or what lies above one.
//!
//! Work in them is asked for once, and what programs write until it is taken over lies outside of them.

use std::path::{Path, PathBuf};

use openkoi_brokers::{disk, durable};
use openkoi_core::gate::PlaceDoubt;

use crate::{
    app::App,
    environment::{Environment, HOME, TMPDIR},
    error::AppError,
    settings::Settings,
};

/// The directory of a user's session, which the system makes and removes.
const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// Returns what is to be asked before there is work in `workspace`; nothing in an ordinary one, or where the user has
/// named it.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn doubt(
    app: &App,
    settings: &Settings,
    workspace: &Path,
) -> Result<Option<PlaceDoubt>, AppError> {
    if settings.workspace_is_named {
        return Ok(None);
    }
    let own = app.paths()?.home();
    Ok(action(workspace, app.environment(), own).map(|action| PlaceDoubt {
        action: action.to_owned(),
        instead: format!(
            "start in the directory of a project, or name it with --workspace; \
             `--workspace {}` means all of this",
            quoted(workspace)
        ),
    }))
}

fn action(workspace: &Path, environment: &Environment, own: &Path) -> Option<&'static str> {
    let real = |path: &Path| disk::canonical(path).unwrap_or_else(|_| path.to_owned());
    let home = environment.path(&HOME).map(|home| real(&home));
    if workspace.parent().is_none() {
        return Some("work in the whole file system");
    }
    if home.as_deref() == Some(workspace) {
        return Some("work in your whole home directory");
    }
    if home.is_some_and(|home| home.starts_with(workspace)) {
        return Some("work in a directory that has your whole home directory in it");
    }
    let holds_own = real(own).starts_with(workspace);
    holds_own.then_some("work in a directory that has OpenKoi's own files in it")
}

/// Returns a path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Returns the directory for what programs write until it is taken over. It is that of OpenKoi's data, unless that lies
/// in the workspace: then a directory of the user's own outside of it, if there can be one.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn private(app: &App, workspace: &Path) -> Result<PathBuf, AppError> {
    let data = app.paths()?.data();
    let real = disk::canonical(data).unwrap_or_else(|_| data.to_owned());
    if !real.starts_with(workspace) {
        return Ok(data.to_owned());
    }
    Ok(durable::private_outside(workspace, parents(app)).unwrap_or_else(|| data.to_owned()))
}

/// Returns a directory of the user's own that lies neither in the workspace nor in OpenKoi's data, which is closed to tools.
pub(crate) fn outside_of(app: &App, workspace: &Path) -> Option<PathBuf> {
    durable::private_outside(workspace, parents(app))
}

/// Returns the directories outside of OpenKoi's data that [`private`] has made.
pub(crate) fn outside(app: &App) -> Vec<PathBuf> {
    durable::private_there(parents(app))
}

fn parents(app: &App) -> impl Iterator<Item = PathBuf> {
    let named = |name: &str| app.environment().named(name).map(PathBuf::from);
    let shared = |path: &str| Some(PathBuf::from(path));
    // Memory comes after the disk: what a build writes may be large.
    [named(TMPDIR.name), shared("/var/tmp"), named(RUNTIME), shared("/tmp")].into_iter().flatten()
}

/// Returns a warning where what programs write has no place outside of the workspace, so that there is no layer over it
/// and they see it in part.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn warning(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    private: &Path,
) -> Result<Option<String>, AppError> {
    let is_inside = settings.sandbox.on
        && private == app.paths()?.data()
        && disk::canonical(private).is_ok_and(|real| real.starts_with(workspace));
    Ok(is_inside.then(|| {
        "OpenKoi's own files lie in the workspace, and there is no place outside of it for what programs write: they can \
         neither list nor write to what holds those files; TMPDIR can name one"
            .to_owned()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_what_lies_above_it_and_what_holds_our_own_files_are_questions() {
        let environment = Environment::of([("HOME", "/home/koi")], Path::new("/"));
        let asked = |workspace: &str, own: &str| {
            action(Path::new(workspace), &environment, Path::new(own)).is_some()
        };

        for workspace in ["/", "/home", "/home/koi"] {
            assert!(asked(workspace, "/srv/koi"), "{workspace}");
        }
        assert!(asked("/srv", "/srv/koi") && asked("/srv/koi", "/srv/koi"));
        for workspace in ["/home/koi/project", "/home/koala", "/srv/koi/below", "/tmp"] {
            assert!(!asked(workspace, "/srv/koi"), "{workspace}");
        }
    }

    #[test]
    fn a_path_can_be_pasted() {
        assert_eq!(quoted(Path::new("/home/koi")), "/home/koi");
        assert_eq!(quoted(Path::new("/home/k o'i")), "'/home/k o'\\''i'");
    }
}
