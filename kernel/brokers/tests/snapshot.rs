//! A workspace is captured, changed, shown and put back.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::snapshot::{
    IndexCache, Keeper, LARGEST_FILE, SnapshotError, SnapshotStore, TreeId,
};
use openkoi_core::change_set::{Applied, PathEffect, PathState};
use openkoi_core::frozen::View;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

struct World {
    _home: tempfile::TempDir,
    root: PathBuf,
    store: SnapshotStore,
    kept: PathBuf,
}

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let (root, kept) = (home.path().join("work"), home.path().join("kept"));
    fs::create_dir(&root).unwrap();
    let store = SnapshotStore::open(&kept).unwrap();
    World { _home: home, root, store, kept }
}

impl World {
    fn put(&self, path: &str, contents: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    /// Returns a moment, in nanoseconds, that is later than every time of a file. File times come from a clock that ticks.
    fn tick(&self) -> i128 {
        let time = || {
            let beside = self.kept.join("tick");
            fs::write(&beside, "").unwrap();
            let status = fs::metadata(&beside).unwrap();
            i128::from(status.ctime()) * 1_000_000_000 + i128::from(status.ctime_nsec())
        };
        let first = time();
        std::iter::repeat_with(time).find(|now| *now > first).unwrap()
    }

    fn capture(&self) -> TreeId {
        self.store.capture(&self.root, &mut IndexCache::default()).unwrap()
    }

    /// Brings everything that is different back to what it was.
    fn restore(&self, to: TreeId) -> Applied {
        let steps = self.store.between(self.capture(), to).unwrap();
        self.store.apply(&self.root, &steps).unwrap()
    }

    fn keeper(&self) -> Keeper {
        Keeper::new(&self.root, self.store.clone(), self.kept.join("index"))
    }

    /// Returns the paths that a program changed, and the places that are not covered.
    fn program(&self, run: impl FnOnce(&Self)) -> (Vec<String>, Vec<String>) {
        let keeper = self.keeper();
        let before = keeper.before_program("").unwrap();
        run(self);
        let effects = keeper.after_program(&before).unwrap();
        (paths(&effects.paths), effects.uncovered)
    }

    /// Everything below the workspace: mode and contents, links as what they say.
    fn everything(&self) -> BTreeMap<String, String> {
        list(&self.root)
    }
}

fn list(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                found.insert(format!("{name}/"), String::new());
                waiting.push(path);
            } else if meta.is_symlink() {
                found.insert(name, format!("-> {}", fs::read_link(path).unwrap().display()));
            } else {
                let text = fs::read_to_string(&path).unwrap_or_else(|_| "…".to_owned());
                found.insert(name, format!("{:o} {text}", meta.mode() & 0o777));
            }
        }
    }
    found
}

fn paths(effects: &[PathEffect]) -> Vec<String> {
    effects.iter().map(|effect| effect.path.clone()).collect()
}

#[test]
fn equal_workspaces_have_equal_names() {
    let world = world();
    world.put("a", "1").put("sub/b", "2");
    let first = world.capture();

    world.put("a", "other");
    let second = world.capture();
    world.put("a", "1");

    assert_ne!(first, second);
    assert_eq!(world.capture(), first);
    assert_eq!(first.to_string().parse::<TreeId>().unwrap(), first);
}

#[test]
fn every_kind_of_change_is_named() {
    let world = world();
    world.put("changed", "1").put("gone", "1").put("mode", "1").put("kind", "1").put("same", "1");
    let before = world.capture();

    world.put("changed", "2").put("new/file", "1");
    fs::remove_file(world.root.join("gone")).unwrap();
    fs::set_permissions(world.root.join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(world.root.join("kind")).unwrap();
    symlink("same", world.root.join("kind")).unwrap();
    let after = world.capture();

    let effects = world.store.between(before, after).unwrap();
    assert_eq!(paths(&effects), ["changed", "gone", "kind", "mode", "new", "new/file"]);
    assert!(matches!(effects[2].after, PathState::Link { .. }));
    assert_eq!((&effects[1].after, &effects[5].before), (&PathState::Absent, &PathState::Absent));
    assert_eq!(world.store.between(before, before).unwrap(), []);
}

#[test]
fn a_workspace_is_put_back_and_that_can_be_undone() {
    let world = world();
    world.put("a", "1").put("sub/deep/b", "2").put("run", "x").put("kind", "file");
    fs::set_permissions(world.root.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("a", world.root.join("link")).unwrap();
    let before = world.everything();
    let wanted = world.capture();

    world.put("a", "changed").put("added/x/y", "3");
    fs::remove_dir_all(world.root.join("sub")).unwrap();
    fs::set_permissions(world.root.join("run"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(world.root.join("link")).unwrap();
    symlink("elsewhere", world.root.join("link")).unwrap();
    fs::remove_file(world.root.join("kind")).unwrap();
    world.put("kind/inside", "now a directory");
    let changed = world.everything();

    let present = world.capture();

    let applied = world.restore(wanted);

    assert_eq!(world.everything(), before);
    assert_eq!(applied.conflicts, Vec::<String>::new());
    world.restore(present);
    assert_eq!(world.everything(), changed);
}

#[test]
fn a_restore_does_not_write_files_that_are_right_already() {
    let world = world();
    world.put("same", "1").put("other", "1");
    let wanted = world.capture();
    let inode = world.root.join("same").metadata().unwrap().ino();
    world.put("other", "2");

    let applied = world.restore(wanted);

    assert_eq!(applied.done, ["other"]);
    assert_eq!(world.root.join("same").metadata().unwrap().ino(), inode);
}

#[test]
fn ignored_files_are_never_touched() {
    let world = world();
    world.put(".gitignore", "target/\n*.log\n").put(".ignore", "private\n").put("a", "1");
    world.put("target/big", "built").put("x.log", "log").put("private", "mine");
    let wanted = world.capture();
    world.put("a", "2").put("target/big", "rebuilt").put("target/new", "n");
    // Without the ignore files everything looks added.
    fs::remove_file(world.root.join(".gitignore")).unwrap();
    fs::remove_file(world.root.join(".ignore")).unwrap();
    world.put("added", "x");

    world.restore(wanted);

    let now = world.everything();
    let names: Vec<&str> = now.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [".gitignore", ".ignore", "a", "private", "target/", "target/big", "target/new", "x.log"]
    );
    assert!(now["target/big"].ends_with("rebuilt"));
    assert!(now["a"].ends_with('1') && now["private"].ends_with("mine"));
}

#[test]
fn control_files_are_put_back() {
    let world = world();
    world.put(".gitignore", ".openkoi/\nAGENTS.md\n.mcp.json\n").put("a", "1");
    world.put(".git/HEAD", "x").put(".git/config", "mine").put(".git/hooks/old.sample", "mine");
    world.put("AGENTS.md", "be kind").put(".openkoi/config.toml", "mine");
    let before = world.everything();
    let wanted = world.capture();
    let evil = [
        ".git/config",
        ".git/hooks/more/helper",
        ".git/hooks/pre-commit",
        ".git/info/exclude",
        ".git/modules/lib/config",
        ".mcp.json",
        ".openkoi/config.toml",
        ".openkoi/deep/SKILL.md",
        "AGENTS.md",
        "sub/.git/hooks/pre-push",
        "sub/agents.MD",
    ];
    for path in evil {
        world.put(path, "evil");
    }
    world.put(".git/objects/cc/dd", "object").put(".git/HEAD", "a commit");

    let effects = world.store.between(wanted, world.capture()).unwrap();
    let applied = world.restore(wanted);

    let is_file = |effect: &&PathEffect| !matches!(effect.after, PathState::Directory { .. });
    let mut seen: Vec<String> =
        effects.iter().filter(is_file).map(|effect| effect.path.clone()).collect();
    seen.retain(|path| path != ".git/HEAD");
    assert_eq!(seen, evil);
    assert_eq!(applied.conflicts, Vec::<String>::new());
    let mut after = world.everything();
    after.retain(|path, _| !path.starts_with(".git/objects"));
    assert_eq!(after, before);
}

#[test]
fn our_own_files_in_a_workspace_are_nobodys_work() {
    let mut world = world();
    world.put(".openkoi/config.toml", "a\n").put("notes", "a\n");
    let (before, own) = (world.capture(), world.root.join(".openkoi"));
    world.store = world.store.clone().leaving_out([own]);
    let change = |world: &World| {
        world.put(".openkoi/tool-output/1.txt", "long\n").put(".openkoi/config.toml", "b\n");
        world.put("notes", "b\n").put("sub/.openkoi/rules", "b\n");
    };

    let (changed, uncovered) = world.program(change);

    assert_eq!(changed, ["notes", "sub", "sub/.openkoi", "sub/.openkoi/rules"]);
    assert_eq!(uncovered, [] as [&str; 0]);
    assert_ne!(world.capture(), before);
}

#[test]
fn a_replaced_repository_is_put_back() {
    let world = world();
    world.put("inner/.git", "gitdir: ../elsewhere\n").put("outer/.git/config", "mine");
    world.put("outer/.git/hooks/pre-commit", "mine").put("outer/.git/info/exclude", "mine");
    let before = world.everything();
    let wanted = world.capture();

    fs::remove_file(world.root.join("inner/.git")).unwrap();
    world.put("inner/.git/config", "evil").put("evil/exclude", "*");
    for (path, target) in [("hooks", "../../evil"), ("info", "../../evil"), ("modules", "/")] {
        let path = world.root.join("outer/.git").join(path);
        drop(fs::remove_dir_all(&path));
        symlink(target, path).unwrap();
    }
    let applied = world.restore(wanted);

    assert_eq!(applied.conflicts, Vec::<String>::new());
    assert_eq!(world.everything(), before);
}

/// Keeps a tree as an earlier release wrote it.
fn old_tree(world: &World, bytes: &[u8]) -> TreeId {
    use sha2::Digest;
    let name: String = sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    let object = world.kept.join("objects").join(&name[..2]).join(&name[2..]);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(object, bytes).unwrap();
    name.parse().unwrap()
}

#[test]
fn an_old_tree_tells_nothing_of_what_it_did_not_cover() {
    let world = world();
    world.put(".git/config", "mine").put(".git/HEAD", "mine").put("added/a", "x");
    let bare = old_tree(&world, br#"{"entries":[]}"#);
    let control = old_tree(&world, br#"{"entries":[],"control":true}"#);
    let now = world.capture();

    assert_eq!(paths(&world.store.between(bare, now).unwrap()), ["added/a"]);
    assert_eq!(paths(&world.store.between(control, now).unwrap()), ["added/a"]);
    // It does not say what was ignored either.
    world.put(".gitignore", "x");
    let now = world.capture();
    assert_eq!(paths(&world.store.between(control, now).unwrap()), [".gitignore"]);
}

#[test]
fn nothing_is_written_through_a_link() {
    let world = world();
    let outside = tempfile::tempdir().unwrap();
    world.put("dir/file", "1");
    let wanted = world.capture();
    fs::remove_dir_all(world.root.join("dir")).unwrap();
    symlink(outside.path(), world.root.join("dir")).unwrap();

    world.restore(wanted);

    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(world.root.join("dir/file")).unwrap(), "1");
}

#[test]
fn large_files_are_recorded_by_name_and_left_alone() {
    let world = world();
    let large = world.root.join("large");
    fs::File::create(&large).unwrap().set_len(LARGEST_FILE + 1).unwrap();
    let wanted = world.capture();
    assert_eq!(world.store.not_covered(wanted).unwrap(), ["large"]);
    let added = world.root.join("added");
    fs::File::create(&added).unwrap().set_len(LARGEST_FILE + 1).unwrap();

    world.restore(wanted);

    assert!(large.exists() && added.exists(), "what was not kept cannot be brought back");
}

#[test]
fn a_program_cannot_hide_its_work_by_ignoring_it() {
    let world = world();
    world.put("a", "1").put("build/out", "old");

    let (paths, uncovered) = world.program(|world| {
        world.put(".gitignore", "*\n").put("secret.py", "hidden").put("a", "2");
        world.put("new/.gitignore", "*\n").put("new/deep", "hidden");
        world
            .put("build/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55")
            .put("build/out", "new");
    });

    assert_eq!(
        paths,
        [
            ".gitignore",
            "a",
            "build/CACHEDIR.TAG",
            "build/out",
            "new",
            "new/.gitignore",
            "new/deep",
            "secret.py"
        ]
    );
    assert_eq!(uncovered, Vec::<String>::new());
}

#[test]
fn a_program_that_removes_the_ignore_file_did_not_make_what_was_ignored() {
    let world = world();
    world.put(".gitignore", "target/\n").put("target/big", "built");

    let (paths, uncovered) = world.program(|world| {
        fs::remove_file(world.root.join(".gitignore")).unwrap();
    });

    assert_eq!((paths, uncovered), (vec![".gitignore".to_owned()], Vec::new()));
}

#[test]
fn ignored_places_that_a_program_changed_are_named() {
    let world = world();
    world.put(".gitignore", "out/\nsame/\n*.log\n").put("out/deep/report.txt", "1");
    world.put("same/a", "1").put("old.log", "1");

    let (paths, uncovered) = world.program(|world| {
        world.put("out/deep/report.txt", "2").put("new.log", "1");
        fs::remove_file(world.root.join("old.log")).unwrap();
    });

    assert_eq!(paths, Vec::<String>::new());
    assert_eq!(uncovered, ["new.log (ignored)", "out (ignored)", "old.log (ignored, removed)"]);
}

#[test]
fn what_came_into_ignored_places_since_a_moment_is_told_by_times_that_nobody_sets() {
    let world = world();
    world.put(".gitignore", "target/\n*.o\nnode_modules/\n").put("src/a", "1");
    for path in ["target/old/kept", "target/old/again", "target/moved/a", "a.o", "node_modules/b"] {
        world.put(path, "before");
    }
    let since = world.tick();

    world
        .put("target/old/again", "now")
        .put("target/old/new", "now")
        .put("target/new/deep/x", "now");
    world.put("b.o", "now").put("node_modules/b", "now").put("src/a", "2");
    let past = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
    let file = fs::File::options().write(true).open(world.root.join("target/old/again")).unwrap();
    file.set_times(past).unwrap();

    let hidden = world.keeper().without_built(since, &BTreeMap::new()).unwrap();
    let hidden: Vec<&str> = hidden.files.keys().map(String::as_str).collect();
    assert_eq!(hidden, ["b.o", "target/new", "target/old/again", "target/old/new"]);
    let none = world.keeper().without_built(world.tick(), &BTreeMap::new()).unwrap();
    assert!(none.files.is_empty());
}

#[test]
fn what_a_tool_wrote_into_an_ignored_place_is_seen_as_long_as_it_is_so() {
    let world = world();
    world.put(".gitignore", "target/\n*.local\n");
    let since = world.tick();
    world.put("a.local", "mine").put("target/mine", "mine").put("target/both", "mine");
    let paths = ["a.local", "target/mine", "target/both"].map(str::to_owned);
    let states = world.keeper().store().states(&world.root, &paths).unwrap();
    let written: BTreeMap<String, PathState> = paths.into_iter().zip(states).collect();

    world.put("target/both", "another's").put("target/other/deep", "another's");

    let hidden = world.keeper().without_built(since, &written).unwrap();
    let hidden: Vec<&str> = hidden.files.keys().map(String::as_str).collect();
    assert_eq!(hidden, ["target/both", "target/other"]);
}

#[test]
fn who_drops_a_rule_makes_no_work_of_what_was_built() {
    let rules = [
        (".gitignore", Some("other\n")),
        (".gitignore", None),
        (".gitignore", Some("dist\n!dist\n")),
        (".ignore", Some("!dist\n")),
    ];
    for (path, text) in rules {
        let world = world();
        world.put(".gitignore", "dist\n").put("dist/old", "before").put("src/a", "1");
        let keeper = world.keeper();
        let since = world.tick();
        let before = keeper.before_program("").unwrap();
        match text {
            Some(text) => {
                world.put(path, text);
            }
            None => fs::remove_file(world.root.join(path)).unwrap(),
        }
        world.put("dist/a", "now").put("src/a", "2").put("src/b", "2");
        keeper.after_program(&before).unwrap();

        let hidden = keeper.without_built(since, &BTreeMap::new()).unwrap();

        assert_eq!(hidden.files.keys().collect::<Vec<_>>(), ["dist/a"]);
        let mut effects = [PathEffect::new("dist/a", PathState::Absent, PathState::Uncovered)];
        keeper.tell_ignored(&mut effects).unwrap();
        assert!(effects[0].leaves_ignored());
    }
}

#[test]
fn by_products_are_nobodys_change() {
    let world = world();
    world.put("a.py", "1");

    world.put("old/__pycache__/b.cpython-314.pyc", "x");

    let keeper = world.keeper();
    let before = keeper.before_program("").unwrap();
    world.put("__pycache__/a.cpython-314.pyc", "x").put(".pytest_cache/v/x", "x");
    let effects = keeper.after_program(&before).unwrap();

    assert_eq!((effects.paths, effects.uncovered), (Vec::new(), Vec::new()));
    assert_eq!(effects.by_products, [".pytest_cache", "__pycache__"]);
    let (mut places, mut view) = (BTreeSet::from_iter(effects.by_products), View::default());
    places.insert("gone/__pycache__".to_owned());
    keeper.without(&places, &mut view).unwrap();
    assert_eq!(view.files.keys().collect::<Vec<_>>(), [".pytest_cache", "__pycache__"]);
}

#[test]
fn a_cache_that_a_program_made_is_named() {
    let world = world();

    let (paths, uncovered) = world.program(|world| {
        world.put("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
        world.put("target/debug/x", "x");
    });

    assert_eq!((paths, uncovered), (Vec::new(), vec!["target (ignored)".to_owned()]));
}

#[test]
fn looking_at_a_repository_changes_nothing() {
    let world = world();
    let git = |arguments: &[&str]| {
        let set = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "gc.auto=0"];
        let run = Command::new("git").current_dir(&world.root).args(set).args(arguments).output();
        assert!(run.as_ref().unwrap().status.success(), "{run:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    world.put("a", "1").put("b", "1");
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let before = world.everything();

    // The times of a file that did not change make git write its index anew.
    let (looked, _) = world.program(|world| {
        fs::File::options()
            .write(true)
            .open(world.root.join("a"))
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        git(&["status"]);
        git(&["log", "--oneline"]);
    });
    assert_eq!(looked, Vec::<String>::new());

    let keeper = world.keeper();
    let untouched = keeper.before_program("").unwrap();
    world.put("a", "2");
    git(&["commit", "-qam", "second"]);
    let commit = keeper.after_program(&untouched).unwrap().paths;
    assert!(paths(&commit).contains(&".git/refs/heads/main".to_owned()), "{commit:?}");
    // Somebody looks at it, which writes the index anew.
    fs::File::options()
        .write(true)
        .open(world.root.join("b"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    git(&["status"]);

    let back: Vec<PathEffect> = commit.iter().map(PathEffect::inverse).collect();
    let applied = world.store.apply(&world.root, &back).unwrap();

    assert_eq!(applied.conflicts, Vec::<String>::new());
    let mut after = world.everything();
    after.retain(|path, _| before.contains_key(path));
    let same = |path: &&String| *path != ".git/index" && before[*path] != after[*path];
    assert_eq!(before.keys().filter(same).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn only_changed_files_are_read_again() {
    let world = world();
    for number in 0..20 {
        world.put(&format!("f{number}"), "x");
    }
    let path = world.kept.join("index");
    let mut index = IndexCache::default();
    world.store.capture(&world.root, &mut index).unwrap();
    assert_eq!(index.hashed(), 20);
    // Files just written are not believed until the clock has ticked.
    while index.hashed() > 0 {
        world.store.capture(&world.root, &mut index).unwrap();
    }
    index.save(&path).unwrap();

    world.put("f3", "y");
    let mut index = IndexCache::load(&path);
    let with_index = world.store.capture(&world.root, &mut index).unwrap();

    assert_eq!(index.hashed(), 1);
    assert_eq!(with_index, world.capture(), "the cache changes nothing but the time");
    fs::write(&path, "torn{").unwrap();
    let mut index = IndexCache::load(&path);
    assert_eq!(world.store.capture(&world.root, &mut index).unwrap(), with_index);
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let world = world();
    world.put("a", "1");
    let time = world.root.join("a").metadata().unwrap().modified().unwrap();
    let mut index = IndexCache::default();
    let first = world.store.capture(&world.root, &mut index).unwrap();

    world.put("a", "2");
    fs::File::options().write(true).open(world.root.join("a")).unwrap().set_modified(time).unwrap();

    assert_ne!(world.store.capture(&world.root, &mut index).unwrap(), first);
}

#[test]
fn kept_objects_are_closed_to_others() {
    let world = world();
    world.put("a", "1");
    world.capture();

    for (name, _) in list(&world.kept) {
        let mode = world.kept.join(&name).metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, if name.ends_with('/') { 0o700 } else { 0o600 }, "{name}");
    }
}

fn object_of(world: &World, contents: &str) -> PathBuf {
    let found = list(&world.kept).into_iter().find(|(_, text)| text.ends_with(contents));
    world.kept.join(found.unwrap().0)
}

#[test]
fn a_broken_object_is_not_restored() {
    let world = world();
    world.put("a", "right bytes");
    let wanted = world.capture();
    fs::write(object_of(&world, "right bytes"), "wrong bytes").unwrap();
    world.put("a", "current");

    let steps = world.store.between(world.capture(), wanted).unwrap();
    let error = world.store.apply(&world.root, &steps).expect_err("it was restored");

    assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
    assert_eq!(fs::read_to_string(world.root.join("a")).unwrap(), "current");
}

#[test]
#[ignore = "run by the test below in a process of its own"]
fn restore_as_another_process() {
    let variable = |name| std::env::var(name).unwrap();
    let store = SnapshotStore::open(Path::new(&variable("SNAPSHOT_STORE"))).unwrap();
    let root = variable("SNAPSHOT_ROOT");
    let now = store.capture(Path::new(&root), &mut IndexCache::default()).unwrap();
    let steps = store.between(now, variable("SNAPSHOT_TREE").parse().unwrap()).unwrap();
    store.apply(Path::new(&root), &steps).unwrap();
}

#[test]
fn a_restore_that_was_killed_can_be_run_again() {
    let points =
        ["snapshot-before", "snapshot-after", "restore-before", "restore-mid", "restore-mid@2"];
    for point in points {
        let world = world();
        world.put("a", "1").put("b", "1").put("c", "1");
        let before = world.everything();
        let wanted = world.capture();
        world.put("a", "2").put("b", "2").put("added", "2");
        fs::remove_file(world.root.join("c")).unwrap();
        let (name, passage) = point.split_once('@').unwrap_or((point, "1"));

        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "restore_as_another_process"])
            .env("OPENKOI_FAILPOINTS", format!("{name}=kill@{passage}"))
            .env("SNAPSHOT_STORE", &world.kept)
            .env("SNAPSHOT_ROOT", &world.root)
            .env("SNAPSHOT_TREE", wanted.to_string())
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(9), "{point}");
        world.restore(wanted);

        assert_eq!(world.everything(), before, "{point}");
    }
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// Makes all objects as old as those of yesterday.
fn age(world: &World) {
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(24 * 60 * 60);
    for (name, _) in list(&world.kept) {
        if name.starts_with("objects/") && !name.ends_with('/') {
            let file = fs::File::options().append(true).open(world.kept.join(name)).unwrap();
            file.set_modified(yesterday).unwrap();
        }
    }
}

#[test]
fn what_nobody_refers_to_is_collected_and_nothing_else() {
    let world = world();
    let keep = |names: &[String]| names.iter().cloned().collect::<std::collections::BTreeSet<_>>();
    world.put("tree", "in a kept tree").put("lone", "kept by its hash").put("gone", "nobody's");
    let lone = match world.store.states(&world.root, &["lone".to_owned()]).unwrap().remove(0) {
        PathState::File { hash, .. } => hash,
        other => panic!("{other:?}"),
    };
    world.store.states(&world.root, &["gone".to_owned()]).unwrap();
    fs::remove_file(world.root.join("lone")).unwrap();
    fs::remove_file(world.root.join("gone")).unwrap();
    let tree = world.capture();
    let kept = keep(&[lone.clone(), tree.to_string()]);
    let collect = || world.store.collect(HOUR, || Ok::<_, SnapshotError>(kept.clone())).unwrap();

    assert_eq!(collect().objects, 0, "young objects stay");
    age(&world);
    let collected = collect();

    assert_eq!((collected.objects, collected.bytes), (1, 8));
    world.put("tree", "changed");
    world.restore(tree);
    assert_eq!(fs::read_to_string(world.root.join("tree")).unwrap(), "in a kept tree");
    let step = PathEffect::new(
        "lone",
        PathState::Absent,
        PathState::File { mode: 0o644, size: 16, hash: lone },
    );
    assert_eq!(world.store.apply(&world.root, &[step]).unwrap().done, ["lone"]);
}

#[test]
fn an_object_that_is_needed_again_is_young_again() {
    let world = world();
    world.put("a", "needed again");
    let mut index = IndexCache::default();
    world.store.capture(&world.root, &mut index).unwrap();
    age(&world);
    let tree = world.store.capture(&world.root, &mut index).unwrap();

    world.store.collect(HOUR, || Ok::<_, SnapshotError>(Default::default())).unwrap();

    world.put("a", "changed");
    world.restore(tree);
    assert_eq!(fs::read_to_string(world.root.join("a")).unwrap(), "needed again");
}

#[test]
fn a_capture_reads_again_what_was_collected() {
    let world = world();
    world.put("a", "collected meanwhile");
    let mut index = IndexCache::default();
    world.store.capture(&world.root, &mut index).unwrap();
    while index.hashed() > 0 {
        world.store.capture(&world.root, &mut index).unwrap();
    }
    age(&world);
    world.store.collect(HOUR, || Ok::<_, SnapshotError>(Default::default())).unwrap();

    let tree = world.store.capture(&world.root, &mut index).unwrap();

    world.put("a", "changed");
    world.restore(tree);
    assert_eq!(fs::read_to_string(world.root.join("a")).unwrap(), "collected meanwhile");
}
