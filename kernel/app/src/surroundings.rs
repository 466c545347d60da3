//! What a model has to know of the machine and of what it may do there. Each line saves a request in which it would
//! have found out.

use std::path::{Path, PathBuf};

use openkoi_brokers::{clock, disk};
use openkoi_core::network::NetworkRules;

use crate::{environment::Environment, settings::Settings};

/// The largest file of a repository's directory that is read, in bytes.
const SMALL: u64 = 4_096;

/// Returns the root of the repository that `directory` lies in, as git finds it. A home directory is none for what
/// lies below it: its owner keeps settings in it, not all projects.
pub(crate) fn repository(directory: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let home = home.and_then(|home| disk::canonical(home).ok());
    let is_root = |place: &&Path| disk::exists(&place.join(".git"));
    let below_home = |place: &&Path| home.as_deref() != Some(*place) || *place == directory;
    directory.ancestors().take_while(below_home).find(is_root).map(Path::to_owned)
}

/// Returns the surroundings of a task in `workspace`, in lines. `has_layers` finds out whether programs run over a layer.
pub(crate) fn surroundings(
    settings: &Settings,
    environment: &Environment,
    workspace: &Path,
    has_layers: impl FnOnce() -> bool,
    now_ms: u64,
) -> String {
    let mut lines = vec![
        format!("system: {}, {}", std::env::consts::OS, std::env::consts::ARCH),
        format!("date: {}", clock::date(now_ms)),
        format!("workspace: {}", workspace.display()),
    ];
    lines.extend(standing(environment.directory(), workspace));
    lines.extend(branch(workspace));
    // What programs write into a repository that lies elsewhere is brought there out of a layer.
    if settings.sandbox.on && disk::is_file(&workspace.join(".git")) && !has_layers() {
        lines.push(
            "programs can read the repository and not write to it: the user commits".to_owned(),
        );
    }
    lines.extend(programs(settings));
    lines.push("long outputs are cut, with a note on where all of it is".to_owned());
    if let Some(seconds) = settings.limits.seconds {
        lines.push(format!("time limit: {seconds} s"));
    }
    lines.join("\n")
}

/// Returns where the user stands, if not at the root.
fn standing(directory: &Path, workspace: &Path) -> Option<String> {
    let directory = disk::canonical(directory).ok()?;
    let below =
        directory.strip_prefix(workspace).ok().filter(|path| !path.as_os_str().is_empty())?;
    Some(format!("the user stands in {0}/, so paths in the task may begin there", below.display()))
}

/// Returns the branch of git that is checked out, in words for a model.
fn branch(workspace: &Path) -> Option<String> {
    Some(match head(workspace)? {
        Head::Branch(name) => format!("git: on branch {name}"),
        Head::Commit(name) => format!("git: detached at {}", name.get(..12).unwrap_or(&name)),
    })
}

/// What git has checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch of this name.
    Branch(String),
    /// A commit that is no branch, by its hash.
    Commit(String),
}

/// Returns what git has checked out in a directory or above it, in a linked working tree too.
pub fn head(directory: &Path) -> Option<Head> {
    let mut heads =
        directory.ancestors().filter_map(|place| Some(git_directory(place)?.join("HEAD")));
    let head = heads.find_map(|head| disk::read_text(&head, SMALL).ok())?;
    let head = head.trim();
    match head.strip_prefix("ref: refs/heads/") {
        Some(branch) => Some(Head::Branch(branch.to_owned())),
        // It may be a link to something else, whose text is nobody's business.
        None if !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some(Head::Commit(head.to_owned()))
        }
        None => None,
    }
}

fn git_directory(workspace: &Path) -> Option<PathBuf> {
    let git = workspace.join(".git");
    if disk::is_directory(&git) {
        return Some(git);
    }
    // A linked working tree or a submodule: a file that names the directory.
    let text = disk::read_text(&git, SMALL).ok()?;
    Some(workspace.join(text.trim().strip_prefix("gitdir: ")?))
}

fn programs(settings: &Settings) -> Vec<String> {
    if !settings.sandbox.on {
        return vec!["programs run without a sandbox, as the user would run them".to_owned()];
    }
    let network = match &settings.sandbox.network {
        NetworkRules::Open => "they reach the network",
        NetworkRules::Closed => "they reach 127.0.0.1 and no network, so nothing can be downloaded",
        NetworkRules::Ask => {
            "they reach 127.0.0.1, and other hosts over http, https and SOCKS where the user allows it when they are first \
             reached (package managers work)"
        }
        NetworkRules::Named(_) => {
            "they reach 127.0.0.1, hosts that the user named over http, https and SOCKS, and others where the user allows it \
             when they are first reached"
        }
    };
    let mut write = vec!["the workspace".to_owned(), "$TMPDIR".to_owned()];
    write.extend(settings.sandbox.write.iter().map(|path| path.display().to_string()));
    vec![
        format!("programs run in a sandbox: they write to {}; {network}", write.join(", ")),
        "a program ends with its call, but for those with `run_in_background`".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_repository_is_found_from_below_and_a_home_is_none() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let project = home.join("project");
        std::fs::create_dir_all(project.join("deep/er")).unwrap();
        std::fs::create_dir_all(project.join(".git")).unwrap();
        std::fs::create_dir_all(home.join(".git")).unwrap();
        std::fs::create_dir_all(home.join("other")).unwrap();

        let found = |path: PathBuf| repository(&path, Some(&home));

        assert_eq!(found(project.join("deep/er")), Some(project.clone()));
        assert_eq!(found(project.clone()), Some(project));
        assert_eq!(found(home.join("other")), None);
        assert_eq!(found(home.clone()), Some(home.clone()));
    }

    #[test]
    fn a_branch_is_read_from_a_working_tree_and_from_a_linked_one() {
        let place = tempfile::tempdir().unwrap();
        let (main, linked) = (place.path().join("main"), place.path().join("linked"));
        let data = main.join(".git/worktrees/linked");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::create_dir_all(&linked).unwrap();
        std::fs::write(main.join(".git/HEAD"), "ref: refs/heads/trunk\n").unwrap();
        std::fs::write(data.join("HEAD"), "0123456789abcdef0123\n").unwrap();
        std::fs::write(linked.join(".git"), format!("gitdir: {}\n", data.display())).unwrap();

        assert_eq!(branch(&main).as_deref(), Some("git: on branch trunk"));
        assert_eq!(branch(&linked).as_deref(), Some("git: detached at 0123456789ab"));
        assert_eq!(branch(place.path()), None);
    }
}
