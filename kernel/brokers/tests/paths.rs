//! Single paths are brought from one state to another while others are at work.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::snapshot::{LARGEST_FILE, SnapshotStore};
use openkoi_core::change_set::{Applied, ChangeSet, PathEffect, PathState, text_of_name};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

struct World {
    _home: tempfile::TempDir,
    root: PathBuf,
    store: SnapshotStore,
}

fn world() -> World {
    // Where there is a file system in memory, nothing waits for a disk.
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let home = home.unwrap();
    let root = home.path().join("work");
    fs::create_dir(&root).unwrap();
    let store = SnapshotStore::open(&home.path().join("kept")).unwrap();
    World { _home: home, root, store }
}

impl World {
    fn put(&self, path: &str, contents: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    fn state(&self, path: &str) -> PathState {
        self.store.states(&self.root, &[path.to_owned()]).unwrap().remove(0)
    }

    fn apply(&self, steps: &[PathEffect]) -> Applied {
        self.store.apply(&self.root, steps).unwrap()
    }

    /// Returns the effects of `change` on `paths`.
    fn effects(&self, paths: &[&str], change: impl FnOnce(&Self)) -> Vec<PathEffect> {
        let before: Vec<PathState> = paths.iter().map(|path| self.state(path)).collect();
        change(self);
        let effect =
            |(path, before): (&&str, PathState)| PathEffect::new(*path, before, self.state(path));
        paths.iter().zip(before).map(effect).collect()
    }

    fn everything(&self) -> BTreeMap<String, PathState> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![self.root.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.symlink_metadata().unwrap().is_dir() {
                    waiting.push(path.clone());
                }
                let name = text_of_name(path.strip_prefix(&self.root).unwrap().as_os_str());
                let state = self.state(&name);
                found.insert(name, state);
            }
        }
        found
    }
}

fn inverse(effects: &[PathEffect]) -> Vec<PathEffect> {
    ChangeSet::of(effects).effects().iter().map(PathEffect::inverse).collect()
}

fn done(paths: &[&str]) -> Applied {
    let done = paths.iter().map(|path| (*path).to_owned()).collect();
    Applied { done, conflicts: Vec::new() }
}

fn left(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn every_kind_of_change_is_taken_back_and_made_again() {
    let world = world();
    world.put("changed", "old").put("gone/deep", "here").put("mode", "x").put("retyped", "file");
    world.put("became/a", "inside");
    fs::create_dir(world.root.join("empty")).unwrap();
    let before = world.everything();
    let paths = [
        "changed",
        "gone",
        "gone/deep",
        "mode",
        "retyped",
        "became",
        "became/a",
        "new",
        "new/deep",
        "new/deep/file",
        "link",
        "empty",
    ];

    let effects = world.effects(&paths, |world| {
        world.put("changed", "new").put("new/deep/file", "n");
        fs::remove_dir_all(world.root.join("gone")).unwrap();
        fs::set_permissions(world.root.join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(world.root.join("retyped")).unwrap();
        symlink("changed", world.root.join("retyped")).unwrap();
        fs::remove_dir_all(world.root.join("became")).unwrap();
        world.put("became", "a file now");
        symlink("nowhere", world.root.join("link")).unwrap();
        fs::remove_dir(world.root.join("empty")).unwrap();
    });
    let after = world.everything();

    assert_eq!(world.apply(&inverse(&effects)).conflicts, left(&[]));
    assert_eq!(world.everything(), before);
    assert_eq!(world.apply(&ChangeSet::of(&effects).effects()).conflicts, left(&[]));
    assert_eq!(world.everything(), after);
    // Once more is done already.
    assert_eq!(world.apply(&ChangeSet::of(&effects).effects()).conflicts, left(&[]));
    assert_eq!(world.everything(), after);
}

#[test]
fn a_path_that_somebody_else_changed_stays_and_is_named() {
    let world = world();
    world.put("ours", "1").put("theirs", "1").put("gone", "1");
    let effects = world.effects(&["ours", "theirs", "gone", "new"], |world| {
        world.put("ours", "2").put("theirs", "2").put("gone", "2").put("new", "2");
    });
    world.put("theirs", "edited").put("new", "edited").put("mywork.txt", "mine");
    fs::remove_file(world.root.join("gone")).unwrap();

    let applied = world.apply(&inverse(&effects));

    assert_eq!(applied.conflicts, left(&["gone", "new", "theirs"]));
    assert_eq!(applied.done, left(&["ours"]));
    assert_eq!((world.text("theirs"), world.text("new")), ("edited".into(), "edited".into()));
    assert_eq!((world.text("ours"), world.text("mywork.txt")), ("1".into(), "mine".into()));
    assert!(!world.root.join("gone").exists());
}

#[test]
fn a_directory_with_something_of_others_stays_and_by_products_do_not_hold_it() {
    let world = world();
    let paths = ["theirs", "theirs/a", "ours", "ours/a.py"];
    let effects = world.effects(&paths, |world| {
        world.put("theirs/a", "1").put("ours/a.py", "1");
    });
    world.put("theirs/mine", "m").put("ours/__pycache__/a.cpython-314.pyc", "p");

    let applied = world.apply(&inverse(&effects));

    assert_eq!(applied.conflicts, left(&["theirs"]));
    assert_eq!(world.text("theirs/mine"), "m");
    assert!(!world.root.join("theirs/a").exists() && !world.root.join("ours").exists());
}

#[test]
fn no_link_in_a_path_is_followed() {
    let world = world();
    let outside = world.root.parent().unwrap().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "outside").unwrap();
    let effects = world.effects(&["a", "a/file"], |world| {
        world.put("a/file", "outside");
    });
    fs::remove_dir_all(world.root.join("a")).unwrap();
    symlink(&outside, world.root.join("a")).unwrap();

    assert_eq!(world.state("a/file"), PathState::Absent);
    let applied = world.apply(&inverse(&effects));

    // Nothing is at the path of the file itself, which is what was wanted.
    assert_eq!(applied.conflicts, left(&["a"]));
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "outside");
    let there = PathEffect { before: PathState::Absent, ..effects[1].clone() };
    fs::remove_file(outside.join("file")).unwrap();
    assert_eq!(world.apply(&[there]).conflicts, left(&["a/file"]));
    assert!(!outside.join("file").exists());
}

#[test]
fn a_path_that_leads_out_of_the_workspace_is_no_path() {
    let world = world();
    fs::write(world.root.parent().unwrap().join("x"), "x").unwrap();
    let after = world.store.wanted(b"new", 0o644).unwrap();
    for path in ["../x", "/etc/hostname", "", "a/../../x"] {
        let step = PathEffect::new(path, PathState::Absent, after.clone());
        assert_eq!(world.apply(&[step]).conflicts, left(&[path]), "{path}");
    }
    assert_eq!(fs::read_to_string(world.root.parent().unwrap().join("x")).unwrap(), "x");
}

#[test]
fn what_is_not_covered_stays() {
    let world = world();
    let effects = world.effects(&["large"], |world| {
        let file = fs::File::create(world.root.join("large")).unwrap();
        file.set_len(LARGEST_FILE + 1).unwrap();
    });

    assert_eq!(effects[0].after, PathState::Uncovered);
    assert_eq!(world.apply(&inverse(&effects)).conflicts, left(&["large"]));
    assert!(world.root.join("large").exists());
}

#[test]
fn names_that_are_not_utf_8_are_taken_back_too() {
    let world = world();
    let name = OsStr::from_bytes(b"caf\xe9");
    let text = text_of_name(name);
    let effects = world.effects(&[text.as_str()], |world| {
        fs::write(world.root.join(name), "1").unwrap();
    });

    assert_eq!(world.apply(&inverse(&effects)), done(&[text.as_str()]));
    assert!(!world.root.join(name).exists());
}

#[test]
fn a_repository_comes_back_whole_or_not_at_all_and_keeps_its_objects() {
    let world = world();
    world.put(".git/HEAD", "ref: refs/heads/main").put(".git/refs/heads/main", "1");
    let paths = [".git/refs/heads/main", ".git/logs", ".git/logs/HEAD", ".git/objects/ab/c", "a"];
    let commit = world.effects(&paths, |world| {
        world.put(".git/refs/heads/main", "2").put(".git/logs/HEAD", "l").put("a", "a");
        world.put(".git/objects/ab/c", "o");
    });
    let back = inverse(&commit);

    // Somebody committed since.
    world.put(".git/refs/heads/main", "3");
    let applied = world.apply(&back);
    assert_eq!(applied.conflicts, left(&[".git/logs", ".git/logs/HEAD", ".git/refs/heads/main"]));
    assert_eq!(world.text(".git/logs/HEAD"), "l");
    assert!(!world.root.join("a").exists());

    // Git is at work.
    world.put(".git/refs/heads/main", "2").put(".git/index.lock", "");
    assert_eq!(world.apply(&back).conflicts.len(), 3);
    fs::remove_file(world.root.join(".git/index.lock")).unwrap();

    assert_eq!(world.apply(&back).conflicts, left(&[]));
    assert_eq!(world.text(".git/refs/heads/main"), "1");
    assert!(
        world.root.join(".git/objects/ab/c").exists() && !world.root.join(".git/logs").exists()
    );
}

#[test]
fn a_temporary_file_that_was_left_over_goes_with_the_next_run() {
    let world = world();
    world.put("a", "1");
    let effects = world.effects(&["a"], |world| {
        world.put("a", "2");
    });
    // The name depends on the path alone.
    world.apply(&inverse(&effects));
    let temporary = ".openkoi-ca978112ca1bbdca.tmp";
    world.put(temporary, "torn");
    world.apply(&ChangeSet::of(&effects).effects());

    assert_eq!(world.text("a"), "2");
    assert!(!world.root.join(temporary).exists());
}

#[test]
fn a_closed_directory_is_opened_for_the_work_and_closed_again() {
    let world = world();
    world.put("d/f", "1");
    let close = |mode| {
        fs::set_permissions(world.root.join("d"), fs::Permissions::from_mode(mode)).unwrap();
    };
    let effects = world.effects(&["d", "d/f"], |world| {
        world.put("d/f", "2");
        close(0o555);
    });

    assert_eq!(world.apply(&inverse(&effects)), done(&["d", "d/f"]));
    assert_eq!(world.text("d/f"), "1");
    assert_eq!(world.root.join("d").metadata().unwrap().mode() & 0o777, 0o755);
    world.apply(&ChangeSet::of(&effects).effects());
    assert_eq!(world.root.join("d").metadata().unwrap().mode() & 0o777, 0o555);
    close(0o755);
}

#[test]
fn contents_that_are_not_kept_any_more_leave_the_file_as_it_is() {
    let world = world();
    world.put("a", "1");
    let before = PathState::File { mode: 0o644, size: 1, hash: "0".repeat(64) };
    let step = PathEffect::new("a", world.state("a"), before);

    assert_eq!(world.apply(&[step]).conflicts, left(&["a"]));
    assert_eq!(world.text("a"), "1");
}

#[test]
fn a_diff_shows_tests_first_and_names_what_it_could_not_show() {
    let world = world();
    world.put("a.rs", "one\ntwo\n");
    let long = "line\n".repeat(2_000);
    let effects = world.effects(&["a.rs", "b.bin", "tests/t.rs", "z.rs"], |world| {
        world
            .put("a.rs", "one\n2\n")
            .put("b.bin", "\0")
            .put("tests/t.rs", "t\n")
            .put("z.rs", &long);
    });

    let whole = world.store.effects_diff(&effects, 100_000).unwrap();
    let cut = world.store.effects_diff(&effects, 2_000).unwrap();

    assert!(whole.starts_with("--- /dev/null\n+++ b/tests/t.rs\n@@ -0,0 +1 @@\n+t\n"), "{whole}");
    assert!(whole.contains("--- a/a.rs\n+++ b/a.rs\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"), "{whole}");
    assert!(whole.contains("binary or large file b.bin: nothing → 1 bytes\n"), "{whole}");
    assert!(cut.len() <= 2_000 && cut.ends_with("… not shown whole: z.rs\n"), "{cut}");
}

/// A small generator, so that a failure can be repeated by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

const PATHS: [&str; 7] = ["a", "b", "d", "d/x", "d/y", "d/e", "d/e/z"];

/// Makes one random change of one path, whatever stands there; nothing if it cannot be made.
fn scribble(world: &World, random: &mut Random, who: &str) {
    let path = world.root.join(PATHS[usize::try_from(random.below(7)).unwrap()]);
    if !path.parent().unwrap().is_dir() && random.below(2) == 0 {
        return;
    }
    // What cannot be done now is not done.
    _ = match random.below(8) {
        0 => fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)),
        1 => fs::create_dir_all(&path),
        2 => symlink(who, &path),
        3 => fs::set_permissions(&path, fs::Permissions::from_mode(0o700)),
        // Both may write the same.
        4 => fs::write(&path, "same"),
        _ => fs::create_dir_all(path.parent().unwrap())
            .and_then(|()| fs::write(&path, format!("{who} {}", random.below(1_000_000)))),
    };
}

/// Runs one interleaving of the run's effects and others' edits, and takes the run's back and forth.
fn interleave(world: &World, seed: u64) {
    fs::remove_dir_all(&world.root).unwrap();
    fs::create_dir(&world.root).unwrap();
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    world.put("a", "first").put("d/x", "first");
    let mut set = ChangeSet::default();
    for _ in 0..2 + random.below(6) {
        if random.below(3) == 0 {
            scribble(world, &mut random, "they");
        } else {
            set.absorb(&world.effects(&PATHS, |world| scribble(world, &mut random, "run")));
        }
    }
    let work = set.effects();
    let present = world.everything();
    // What is as wanted already is nobody's undo, and no redo changes it.
    let back: Vec<PathEffect> = work.iter().map(PathEffect::inverse).collect();
    let plan = world.store.plan(&world.root, &back).unwrap();
    let back = [plan.ready, plan.conflicts].concat();

    let undone = world.apply(&back);
    let between = world.everything();
    // What came back below a file of the run took its place.
    let is_clear = undone.conflicts.iter().all(|path| present.get(path) == between.get(path));
    check(world, seed, &present, &back, &undone);
    assert_eq!(world.apply(&back).conflicts, undone.conflicts, "{seed}: undone twice");

    // A redo brings forth what the undo took away, and nothing else.
    let forth: Vec<PathEffect> = back
        .iter()
        .filter(|step| undone.done.contains(&step.path))
        .map(PathEffect::inverse)
        .collect();
    if random.below(2) == 0 || !is_clear {
        scribble(world, &mut random, "they");
        let edited = world.everything();
        let redone = world.apply(&forth);
        check(world, seed, &edited, &forth, &redone);
    } else {
        let redone = world.apply(&forth);
        // A directory that others have something in, or that had to be made for what came back.
        let is_held = |path: &String| world.root.join(path).is_dir();
        assert!(redone.conflicts.iter().all(is_held), "{seed}: {redone:?}");
        let mut again = world.everything();
        // A directory that somebody removed is there again, if something came back into it.
        again.retain(|path, state| {
            present.contains_key(path) || !matches!(state, PathState::Directory { .. })
        });
        assert_eq!(again, present, "{seed}: a redo takes an undo back");
    }
}

/// Checks that only steps changed something, each only from the state it begins with to the one it ends with.
fn check(
    world: &World,
    seed: u64,
    before: &BTreeMap<String, PathState>,
    steps: &[PathEffect],
    applied: &Applied,
) {
    let after = world.everything();
    let at = |map: &BTreeMap<String, PathState>, path: &str| {
        map.get(path).cloned().unwrap_or(PathState::Absent)
    };
    let same = |a: &PathState, b: &PathState| match (a, b) {
        (PathState::Directory { mode: a }, PathState::Directory { mode: b }) => {
            a | 0o700 == b | 0o700
        }
        (a, b) => a == b,
    };
    for path in before.keys().chain(after.keys()) {
        let (was, is) = (at(before, path), at(&after, path));
        let below = |step: &PathEffect| step.path.starts_with(&format!("{path}/"));
        let was_ours = steps.iter().any(|step| step.path == *path && step.before == was);
        let is_made =
            (was == PathState::Absent || was_ours) && matches!(is, PathState::Directory { .. });
        let for_contents =
            steps.iter().any(|step| below(step) && applied.done.contains(&step.path));
        if is_made && for_contents {
            // What comes back needs its directory, which somebody removed.
            continue;
        }
        let Some(step) = steps.iter().find(|step| step.path == *path) else {
            assert_eq!(was, is, "{seed}: `{path}` is not the run's");
            continue;
        };
        if applied.conflicts.contains(path) {
            assert_eq!(was, is, "{seed}: `{path}` was left");
            let is_held = matches!(was, PathState::Directory { .. });
            let blocked = was == PathState::Absent && step.before == PathState::Absent;
            assert!(!same(&was, &step.before) || is_held || blocked, "{seed}: `{path}` is ours");
        } else {
            assert!(same(&is, &step.after), "{seed}: `{path}` is {is:?}, not {:?}", step.after);
            let was_ours = same(&was, &step.before) || same(&was, &step.after);
            let is_exchange = was == PathState::Absent;
            assert!(was_ours || is_exchange, "{seed}: `{path}` was theirs: {was:?}");
        }
    }
}

#[test]
fn whatever_others_do_meanwhile_nothing_of_theirs_differs_and_ours_comes_back() {
    let world = world();
    let many = std::env::var("OPENKOI_INTERLEAVINGS").ok().and_then(|text| text.parse().ok());
    for seed in 1..=many.unwrap_or(1_500) {
        interleave(&world, seed);
    }
}
