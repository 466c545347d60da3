//! A workspace is captured, changed, shown and put back.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::snapshot::{
    IndexCache, LARGEST_FILE, PathChange, PathChangeKind, SnapshotError, SnapshotStore,
};
use std::collections::BTreeMap;
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

    fn capture(&self) -> openkoi_brokers::snapshot::TreeId {
        self.store.capture(&self.root, &mut IndexCache::default()).unwrap()
    }

    fn restore(
        &self,
        to: openkoi_brokers::snapshot::TreeId,
    ) -> openkoi_brokers::snapshot::RestoreReport {
        self.store.restore(&self.root, to, &mut IndexCache::default()).unwrap()
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

fn change(path: &str, kind: PathChangeKind) -> PathChange {
    PathChange { path: path.to_owned(), kind }
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
    assert_eq!(first.to_string().parse::<openkoi_brokers::snapshot::TreeId>().unwrap(), first);
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

    assert_eq!(
        world.store.diff(before, after).unwrap(),
        [
            change("changed", PathChangeKind::Modified),
            change("gone", PathChangeKind::Removed),
            change("kind", PathChangeKind::Retyped),
            change("mode", PathChangeKind::Mode),
            change("new/file", PathChangeKind::Added),
        ]
    );
    assert_eq!(world.store.diff(before, before).unwrap(), []);
}

#[test]
fn a_difference_reads_as_text() {
    let world = world();
    world.put("a.txt", "one\ntwo\nthree\n").put("b.bin", "\0\x01").put("run", "x");
    fs::set_permissions(world.root.join("run"), fs::Permissions::from_mode(0o644)).unwrap();
    let before = world.capture();
    world.put("a.txt", "one\n2\nthree\n").put("b.bin", "\0\x01\x02").put("c.txt", "new\n");
    fs::set_permissions(world.root.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let after = world.capture();

    let text = world.store.unified_diff(before, after, 10_000).unwrap();

    assert_eq!(
        text,
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
         binary or large file b.bin: 2 → 3 bytes\n\
         --- /dev/null\n+++ b/c.txt\n@@ -0,0 +1 @@\n+new\n\
         mode of run: 644 → 755\n"
    );
    let short = world.store.unified_diff(before, after, 30).unwrap();
    assert!(short.ends_with("… 3 more changed files\n"), "{short}");
    assert!(short.len() < 120, "{short}");
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

    let report = world.restore(wanted);

    assert_eq!(world.everything(), before);
    assert_eq!(report.written, ["a", "kind", "link", "run", "sub/deep/b"]);
    assert_eq!(report.removed, ["added/x/y", "kind/inside"]);
    assert_eq!(report.blocked, Vec::<String>::new());
    world.restore(report.before);
    assert_eq!(world.everything(), changed);
}

#[test]
fn a_restore_does_not_write_files_that_are_right_already() {
    let world = world();
    world.put("same", "1").put("other", "1");
    let wanted = world.capture();
    let inode = world.root.join("same").metadata().unwrap().ino();
    world.put("other", "2");

    let report = world.restore(wanted);

    assert_eq!(report.written, ["other"]);
    assert_eq!(world.root.join("same").metadata().unwrap().ino(), inode);
}

#[test]
fn ignored_files_are_never_touched() {
    let world = world();
    world.put(".gitignore", "target/\n*.log\n").put(".ignore", "private\n").put("a", "1");
    world
        .put("target/big", "built")
        .put("x.log", "log")
        .put("private", "mine")
        .put(".git/HEAD", "ref");
    let wanted = world.capture();
    world
        .put("a", "2")
        .put("target/big", "rebuilt")
        .put("target/new", "n")
        .put(".git/HEAD", "other");
    // Without the ignore files everything looks added.
    fs::remove_file(world.root.join(".gitignore")).unwrap();
    fs::remove_file(world.root.join(".ignore")).unwrap();
    world.put("added", "x").put("sub/.gitignore", "hidden\n").put("sub/hidden", "h");

    let report = world.restore(wanted);

    assert_eq!(report.removed, ["added", "sub/.gitignore"]);
    let now = world.everything();
    let names: Vec<&str> = now.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            ".git/",
            ".git/HEAD",
            ".gitignore",
            ".ignore",
            "a",
            "private",
            "sub/",
            "sub/hidden",
            "target/",
            "target/big",
            "target/new",
            "x.log"
        ]
    );
    assert!(now["target/big"].ends_with("rebuilt") && now[".git/HEAD"].ends_with("other"));
    assert!(now["a"].ends_with('1') && now["private"].ends_with("mine"));
}

/// A repository with a submodule and a second working tree, as far as git would look.
fn repository(world: &World) {
    for path in ["HEAD", "index", "objects/aa/bb", "refs/heads/main", "logs/HEAD"] {
        world.put(&format!(".git/{path}"), "work");
        world.put(&format!(".git/modules/lib/deep/{path}"), "work");
    }
    for directory in [".git", ".git/modules/lib/deep"] {
        for path in ["config", "hooks/pre-commit.sample", "info/attributes", "info/exclude"] {
            world.put(&format!("{directory}/{path}"), "# steering\n");
        }
    }
    for path in ["HEAD", "config.worktree", "commondir", "gitdir"] {
        world.put(&format!(".git/worktrees/tree/{path}"), "steering");
    }
    world.put("lib/deep/.git", "gitdir: ../../.git/modules/lib/deep");
}

#[test]
fn control_files_are_put_back() {
    let world = world();
    repository(&world);
    world.put("AGENTS.md", "be kind").put(".openkoi/config.toml", "[limits]\n").put("a", "1");
    let before = world.everything();
    let wanted = world.capture();

    let evil = [
        ".git/config",
        ".git/config.worktree",
        ".git/commondir",
        ".git/hooks/pre-commit",
        ".git/hooks/more/helper",
        ".git/info/attributes",
        ".git/info/exclude",
        ".git/modules/lib/deep/config",
        ".git/modules/lib/deep/hooks/post-checkout",
        ".git/modules/new/HEAD",
        ".git/modules/new/config",
        ".git/worktrees/tree/commondir",
        "lib/deep/.git",
        "sub/.git/config",
        "sub/.git/hooks/pre-push",
        "AGENTS.md",
        "sub/agents.MD",
        ".mcp.json",
        ".openkoi/config.toml",
        ".openkoi/skills/evil/SKILL.md",
    ];
    for path in evil {
        world.put(path, "evil");
    }
    fs::remove_file(world.root.join(".git/hooks/pre-commit.sample")).unwrap();
    world.put(".git/HEAD", "a commit").put(".git/objects/cc/dd", "a commit");
    let changes = world.store.diff(wanted, world.capture()).unwrap();
    let report = world.restore(wanted);

    let mut seen: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    seen.retain(|path| *path != ".git/hooks/pre-commit.sample");
    // What makes a directory a repository is work, not steering.
    let mut steering: Vec<&str> = evil.to_vec();
    steering.retain(|path| !path.ends_with("/HEAD"));
    steering.sort_unstable();
    assert_eq!(seen, steering);
    assert_eq!(report.blocked, Vec::<String>::new());
    let mut after = world.everything();
    for path in
        [".git/objects/cc/dd", ".git/objects/cc/", ".git/modules/new/", ".git/modules/new/HEAD"]
    {
        assert!(after.remove(path).is_some(), "work is left alone: {path}");
    }
    assert!(
        after
            .insert(".git/HEAD".to_owned(), before[".git/HEAD"].clone())
            .unwrap()
            .ends_with("a commit")
    );
    assert_eq!(after, before);
    world.restore(report.before);
    assert_eq!(fs::read_to_string(world.root.join(".git/hooks/pre-commit")).unwrap(), "evil");
}

#[test]
fn control_files_are_covered_even_if_they_are_ignored() {
    let world = world();
    world.put(".gitignore", ".git\n.openkoi/\nAGENTS.md\n.mcp.json\n").put("sub/a", "1");
    world.put(".openkoi/config.toml", "mine").put(".git/config", "mine").put(".git/HEAD", "x");
    let before = world.everything();
    let wanted = world.capture();

    for path in
        [".openkoi/config.toml", ".openkoi/deep/x", "AGENTS.md", "sub/AGENTS.md", ".git/config"]
    {
        world.put(path, "evil");
    }
    // Ignored as a whole, directories are not looked into; but whatever hides them is put back first.
    world.put(".git/info/exclude", "sub\n");
    let changed = world.everything();
    let report = world.restore(wanted);

    assert_eq!(world.everything(), before);
    world.restore(report.before);
    assert_eq!(world.everything(), changed);
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
    let report = world.restore(wanted);

    assert_eq!(report.blocked, Vec::<String>::new());
    assert_eq!(world.everything(), before);
}

#[test]
fn a_control_file_that_cannot_be_kept_does_not_stay_either() {
    let world = world();
    world.put(".git/config", "mine");
    let before = world.everything();
    let wanted = world.capture();
    let hook = world.put(".git/hooks/pre-commit", "").root.join(".git/hooks/pre-commit");
    fs::File::create(&hook).unwrap().set_len(LARGEST_FILE + 1).unwrap();

    world.restore(wanted);

    assert_eq!(world.everything(), before);
}

#[test]
fn an_old_tree_without_control_files_removes_none() {
    use sha2::Digest;
    let world = world();
    world.put(".git/config", "mine").put(".git/hooks/pre-commit", "mine").put("added", "x");
    let bytes = br#"{"entries":[]}"#;
    let name: String = sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    let object = world.kept.join("objects").join(&name[..2]).join(&name[2..]);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(object, bytes).unwrap();
    let old = name.parse().unwrap();

    let changes = world.store.diff(old, world.capture()).unwrap();
    let report = world.restore(old);

    assert_eq!(changes, [change("added", PathChangeKind::Added)]);
    assert_eq!(report.removed, ["added"]);
    assert!(world.root.join(".git/hooks/pre-commit").exists());
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

    let error = world
        .store
        .restore(&world.root, wanted, &mut IndexCache::default())
        .expect_err("it was restored");

    assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
    assert_eq!(fs::read_to_string(world.root.join("a")).unwrap(), "current");
}

#[test]
#[ignore = "run by the test below in a process of its own"]
fn restore_as_another_process() {
    let variable = |name| std::env::var(name).unwrap();
    let store = SnapshotStore::open(Path::new(&variable("SNAPSHOT_STORE"))).unwrap();
    let wanted = variable("SNAPSHOT_TREE").parse().unwrap();
    store
        .restore(Path::new(&variable("SNAPSHOT_ROOT")), wanted, &mut IndexCache::default())
        .unwrap();
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
