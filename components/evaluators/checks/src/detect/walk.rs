//! The directories in which checks are looked for: from the root downwards, the nearest first and so many, and from each
//! changed file upwards.

use std::collections::{BTreeSet, VecDeque};

use openkoi_sdk::evaluator::{Change, ChangeKind};

use super::project::{Project, below, parent};
use crate::world::World;

/// The most directories that are listed on the way down.
const DIRECTORIES: usize = 400;

/// The most levels below the root.
const DEPTH: usize = 6;

/// The most directories that are looked at on the way up from the changed files.
const UPWARDS: usize = 60;

/// Folders that hold nothing of the user.
const FOREIGN: [&str; 16] = [
    "node_modules",
    "bower_components",
    "target",
    "vendor",
    "dist",
    "build",
    "_build",
    "deps",
    "venv",
    "env",
    "third_party",
    "out",
    "obj",
    "Pods",
    "__pycache__",
    "site-packages",
];

/// Folders whose projects are data of tests.
const DATA: [&str; 8] = [
    "fixtures",
    "__fixtures__",
    "fixture",
    "testdata",
    "test-data",
    "test_data",
    "__snapshots__",
    "__mocks__",
];

/// Folders whose projects are shown and not run, unless one of them is worked on.
const SHOWN: [&str; 5] = ["examples", "example", "samples", "templates", "template"];

/// Returns the directories, those above others first and else in the order of their names.
pub(super) fn projects<'a>(world: &'a dyn World, changes: &[Change]) -> Vec<Project<'a>> {
    let mut projects = downwards(world, &made(changes));
    let mut known: BTreeSet<String> =
        projects.iter().map(|project| project.directory.clone()).collect();
    for directory in upwards(changes) {
        if known.insert(directory.clone()) {
            projects.push(Project::at(world, &directory));
        }
    }
    projects.sort_by(|a, b| {
        let depth = |project: &Project<'_>| project.directory.matches('/').count();
        let rank = |project: &Project<'_>| (!project.is_root(), depth(project));
        rank(a).cmp(&rank(b)).then_with(|| a.directory.cmp(&b.directory))
    });
    projects
}

/// Breadth first. Directories that the change made do not count, so that they never push another out of the walk.
fn downwards<'a>(world: &'a dyn World, made: &BTreeSet<&str>) -> Vec<Project<'a>> {
    let mut projects = Vec::new();
    let mut queue = VecDeque::from([(String::new(), 0)]);
    let mut left = DIRECTORIES;
    while let Some((directory, depth)) = queue.pop_front() {
        let project = Project::at(world, &directory);
        let new = project.files().next().is_some()
            && project.files().all(|file| made.contains(below(&directory, file).as_str()));
        if !new {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        if depth < DEPTH {
            let own = project.folders().filter(|name| is_own(name) && !SHOWN.contains(name));
            queue.extend(own.map(|name| (below(&directory, name), depth + 1)));
        }
        projects.push(project);
    }
    projects
}

fn made(changes: &[Change]) -> BTreeSet<&str> {
    let added = changes.iter().filter(|change| change.kind == ChangeKind::Added);
    added.map(|change| change.path.as_str()).collect()
}

/// The directories of the changed files and all above them, but for those inside of what is not the user's.
fn upwards(changes: &[Change]) -> BTreeSet<String> {
    let mut directories = BTreeSet::new();
    for change in changes {
        let mut directory = parent(&change.path);
        while !directory.is_empty() && directories.len() < UPWARDS {
            if directory.split('/').all(is_own) {
                directories.insert(directory.to_owned());
            }
            directory = parent(directory);
        }
    }
    directories
}

/// Returns whether a folder of that name may hold the user's projects.
pub(crate) fn is_own(name: &str) -> bool {
    !name.starts_with('.') && !FOREIGN.contains(&name) && !DATA.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::Fake;

    fn looked_at(world: &Fake, changed: &[&str]) -> Vec<String> {
        let change = |path: &&str| Change { path: (*path).to_owned(), kind: ChangeKind::Modified };
        let changes: Vec<Change> = changed.iter().map(change).collect();
        projects(world, &changes).into_iter().map(|project| project.directory).collect()
    }

    #[test]
    fn the_walk_goes_down_by_levels_and_leaves_out_what_is_not_the_users() {
        let world = Fake::default()
            .file("a/b/c/x", "")
            .file("d/x", "")
            .file("node_modules/m/x", "")
            .file(".git/x", "")
            .file("d/tests/fixtures/p/x", "")
            .file("examples/e/x", "");

        assert_eq!(looked_at(&world, &[]), ["", "a", "d", "a/b", "d/tests", "a/b/c"]);
    }

    #[test]
    fn a_changed_file_leads_upwards_from_any_depth() {
        let world = Fake::default()
            .file("1/2/3/4/5/6/7/8/x", "")
            .file("examples/e/x", "")
            .file("vendor/m/x", "");

        let looked = looked_at(
            &world,
            &["1/2/3/4/5/6/7/8/x", "examples/e/x", "vendor/m/x", "tests/fixtures/p/x"],
        );

        assert!(looked.contains(&"1/2/3/4/5/6/7/8".to_owned()), "{looked:?}");
        assert!(looked.contains(&"examples/e".to_owned()), "{looked:?}");
        assert!(!looked.iter().any(|path| path.contains("vendor") || path.contains("fixtures")));
    }

    #[test]
    fn what_a_change_makes_pushes_nothing_out_of_the_walk() {
        let mut world = Fake::default();
        for number in 0..DIRECTORIES + 50 {
            world = world.file(&format!("p{number:03}/x"), "");
        }
        let before = projects(&world, &[]).len();
        let added = |number: usize| format!("a{number:03}/x");
        for number in 0..20 {
            world = world.file(&added(number), "");
        }
        let changes: Vec<Change> =
            (0..20).map(|number| Change { path: added(number), kind: ChangeKind::Added }).collect();

        assert_eq!(before, DIRECTORIES);
        assert_eq!(projects(&world, &changes).len(), DIRECTORIES + 20);
    }
}
