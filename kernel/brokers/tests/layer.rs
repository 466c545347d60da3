//! Layers over a workspace, judged by what programs see in them and by what a commit leaves.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

use openkoi_brokers::layer::{Committed, Layer, LayerPlan, Theirs};
use openkoi_brokers::processes::{Command, Happening, ProcessSettings, Processes, SandboxMode};
use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::change_set::{ChangeSet, PathState, text_of_name};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

struct World {
    _home: tempfile::TempDir,
    base: PathBuf,
    processes: Processes,
    store: SnapshotStore,
}

/// A tree as text: for each path its kind, mode and contents.
type Tree = BTreeMap<String, String>;

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    fs::create_dir(base.join("work")).unwrap();
    fs::set_permissions(base.join("work"), fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/nonexistent"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C"),
    ];
    // Closed to others, as OpenKoi is: then files under `/proc/self` are root's.
    openkoi_brokers::secrets::close_memory().unwrap();
    let settings = ProcessSettings {
        environment: Arc::new(variables.map(|(name, value)| (name.into(), value.into())).into()),
        temporary: base.join("temporary"),
        spool: base.join("spool"),
        read: Vec::new(),
        secret: vec![base.join("secret")],
        sandbox: SandboxMode::Required,
    };
    let processes = Processes::new(settings);
    let store = SnapshotStore::open(&base.join("store")).unwrap();
    let world = World { _home: home, base, processes, store };
    for (path, text) in [
        ("one", "one\n"),
        ("two", "two\n"),
        ("tool", "#!/bin/sh\n"),
        ("src/main", "main\n"),
        ("src/deep/er/file", "deeper\n"),
        ("docs/a", "a\n"),
        ("docs/b", "b\n"),
        ("target/old", "old\n"),
    ] {
        world.write(path, text);
    }
    fs::set_permissions(world.work("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("src", world.work("link")).unwrap();
    world
}

impl World {
    fn work(&self, path: &str) -> PathBuf {
        self.base.join("work").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.work(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn layers(&self) -> PathBuf {
        self.base.join("layers")
    }

    fn layer(&self) -> Layer {
        self.processes.layer(&self.layers(), &self.work(""), Vec::new()).unwrap()
    }

    /// Runs a script in the workspace, or in a layer of it; returns its output and its exit code.
    async fn run(&self, layer: Option<&Layer>, script: &str) -> (String, Option<i32>) {
        let mut command = Command::new("sh", self.work(""));
        command.arguments = vec!["-c".to_owned(), script.to_owned()];
        command.layer = layer.map(Layer::mount);
        run(&self.processes, command).await
    }

    async fn in_layer(&self, script: &str) -> Layer {
        let layer = self.layer();
        let (out, code) = self.run(Some(&layer), script).await;
        assert_eq!(code, Some(0), "{script}: {out}");
        layer
    }

    fn plan(&self, layer: Layer) -> LayerPlan {
        layer.plan(&self.store, &|_| false).unwrap()
    }

    fn commit(&self, layer: Layer) -> Committed {
        self.plan(layer).commit().unwrap()
    }

    fn tree(&self) -> Tree {
        tree(&self.work(""))
    }
}

async fn run(processes: &Processes, mut command: Command) -> (String, Option<i32>) {
    command.deadline = Some(Duration::from_secs(60));
    let mut child = processes.spawn(command).await.unwrap();
    let mut out = Vec::new();
    loop {
        match child.next().await.expect("it ended without an exit") {
            Happening::Stdout(bytes) | Happening::Stderr(bytes) => out.extend(bytes),
            Happening::Exited(exit) => {
                return (String::from_utf8_lossy(&out).into_owned(), exit.code);
            }
        }
    }
}

fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    add(root, root, &mut tree);
    tree
}

fn add(root: &Path, at: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = meta.mode() & 0o7777;
        let closed = if meta.is_dir() { mode & 0o500 != 0o500 } else { mode & 0o400 == 0 };
        if !meta.is_symlink() && closed {
            // What is closed has to be opened to be read, by an ordinary user.
            fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o500)).unwrap();
        }
        let text = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            add(root, &path, tree);
            format!("directory {mode:o}")
        } else if meta.is_file() {
            let bytes = fs::read(&path).unwrap();
            match bytes.len() > 1000 {
                true => format!("file {mode:o} {} bytes", bytes.len()),
                false => format!("file {mode:o} {}", String::from_utf8_lossy(&bytes)),
            }
        } else {
            "other".to_owned()
        };
        if !meta.is_symlink() && closed {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        tree.insert(text_of_name(path.strip_prefix(root).unwrap().as_os_str()), text);
    }
}

/// Programs that change the fixture. Each must leave the same in a layer that is committed as it leaves without one.
const PROGRAMS: &[&str] = &[
    "true",
    "cat one src/main > /dev/null",
    "echo more >> one",
    "echo new > one",
    "echo new > new; mkdir -p a/b/c; echo x > a/b/c/d",
    "mv one three",
    "mv one two",
    "mv docs papers",
    "mv src/deep .; mv deep/er/file deep/",
    "rm one",
    "rm -rf src",
    "rm -rf src; mkdir src; echo fresh > src/main",
    "rm -rf src; mkdir -p src/deep/other; echo fresh > src/deep/other/file",
    "rm -rf src; echo file > src",
    "rm -rf docs; ln -s src docs",
    "rm one; mkdir one; echo in > one/side",
    "rm link; mkdir link; echo in > link/side",
    "rm link; ln -s docs link",
    "ln -sfn /etc link",
    "ln -s nowhere dangling; ln -s /etc/passwd absolute",
    "echo via >> link/main",
    "ln one another; echo more >> another",
    "ln two another",
    "echo x > p; ln p q; ln p r; rm p",
    "chmod 600 one; chmod 755 two; chmod -x tool",
    "chmod 700 docs; chmod 1777 src/deep",
    "chmod 000 one; mkdir closed; echo in > closed/side; chmod 000 closed",
    "mkdir ro; echo in > ro/side; chmod 444 ro/side; chmod 555 ro",
    "chmod u+s tool; echo x > new; chmod 4711 new",
    "echo more >> tool; echo '#!/bin/sh' > run; chmod 755 run",
    "truncate -s 3000000 sparse; echo x | dd of=sparse bs=1 seek=2000000 conv=notrunc 2>/dev/null",
    "truncate -s 1 one",
    "printf x > 'a b'; printf x > 'a:b'; printf x > 'a,b'; printf x > 'a\\b'; printf x > \"$(printf 'a\\nb')\"",
    "printf x > \"$(printf 'caf\\351')\"; mkdir \"$(printf 'd\\377')\"; echo y > \"$(printf 'd\\377')/z\"",
    "echo 1 > f; rm f; mkdir f; rmdir f; ln -s x f; rm f",
    "mkdir a; mv a b; mv b src/b; echo x > src/b/f; mv src/b c",
    "mv docs/a docs/c; mv docs/b docs/a; mv docs/c docs/b",
    "for i in 1 2 3 4 5 6 7 8 9; do echo $i > docs/$i; done; rm docs/[1-5]",
    "touch -d '2001-02-03 04:05:06' one; mkdir -p old; touch -d '2001-02-03' old",
    "cp -a src copy; cp -a one copy-of-one; tar cf all.tar src; mkdir x; tar xf all.tar -C x",
    "find . -name file -delete; find . -type d -empty -delete",
    "sed -i s/two/three/ two; sort -o docs/a docs/a",
    "touch one two src/main",
];

#[tokio::test]
async fn a_program_leaves_in_a_layer_what_it_leaves_without() {
    for script in PROGRAMS {
        let (plain, layered, dropped) = (world(), world(), world());
        let (expected_out, expected_code) = plain.run(None, script).await;
        assert_eq!(expected_code, Some(0), "{script}: {expected_out}");
        let before = layered.tree();

        let layer = layered.in_layer(script).await;
        assert_eq!(layered.tree(), before, "{script}: nothing is there before the commit");
        let committed = layered.commit(layer);
        let layer = dropped.in_layer(script).await;
        layer.discard().unwrap();

        assert_eq!(layered.tree(), plain.tree(), "{script}");
        assert_eq!((&committed.conflicts, &committed.uncovered), (&vec![], &vec![]), "{script}");
        assert_eq!(dropped.tree(), before, "{script}");
        for world in [&layered, &dropped] {
            assert_eq!(fs::read_dir(world.layers()).unwrap().count(), 0, "{script}");
            assert_no_notes(&world.work(""));
        }
        assert_effects(&layered, &before, &committed, script);
    }
}

/// The effects are the difference between both trees, no more and no less.
fn assert_effects(world: &World, before: &Tree, committed: &Committed, script: &str) {
    let after = world.tree();
    let mut changed: Vec<&String> = before
        .keys()
        .chain(after.keys().filter(|path| !before.contains_key(*path)))
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    changed.sort();
    let effects = ChangeSet::of(&committed.effects).effects();
    let listed: Vec<&String> = effects.iter().map(|effect| &effect.path).collect();
    assert_eq!(listed, changed, "{script}");
    for effect in &effects {
        for (state, tree) in [(&effect.before, before), (&effect.after, &after)] {
            let there = tree.get(&effect.path).map(String::as_str);
            let expected = match state {
                PathState::Absent => None,
                PathState::File { .. } => Some("file"),
                PathState::Link { .. } => Some("->"),
                PathState::Directory { .. } => Some("directory"),
                PathState::Uncovered => panic!("{script}: {effect:?}"),
            };
            assert_eq!(there.and_then(|text| text.split(' ').next()), expected, "{script}");
        }
    }
}

/// The overlay's own attributes do not come along.
fn assert_no_notes(at: &Path) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_symlink() {
            continue;
        }
        let mut names = [0; 1024];
        let length = rustix::fs::llistxattr(&path, &mut names[..]).unwrap();
        let names = String::from_utf8_lossy(&names[..length]).into_owned();
        assert!(!names.contains("overlay"), "{}: {names}", path.display());
        if meta.is_dir() && fs::read_dir(&path).is_ok() {
            assert_no_notes(&path);
        }
    }
}

/// As root, the tests have no user namespace. An ordinary user runs all of them in one.
#[test]
fn all_of_this_holds_for_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::process::CommandExt;
    let home = tempfile::tempdir().unwrap();
    let user = 1000;
    std::os::unix::fs::chown(home.path(), Some(user), Some(user)).unwrap();
    let tests = home.path().join("tests");
    // A second name: while a copy is written, another test may start a program, which has it open for a moment.
    let own = std::env::current_exe().unwrap();
    fs::hard_link(&own, &tests).or_else(|_| fs::copy(&own, &tests).map(drop)).unwrap();

    let ran = std::process::Command::new(&tests)
        .env("TMPDIR", home.path())
        .current_dir(home.path())
        .gid(user)
        .uid(user)
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("test a_program_leaves_in_a_layer_what_it_leaves_without ... ok"));
}

/// What somebody else does to the workspace while a program runs over a layer of it.
type Others = fn(&World);

/// Program, others, what is there afterwards, and the conflicts.
type Meeting = (
    &'static str,
    Others,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, Theirs)],
);

const MEETINGS: &[Meeting] = &[
    // Other paths are nobody's conflict.
    ("echo p > new", |w| w.write("theirs", "t"), &[("new", "p\n"), ("theirs", "t")], &[]),
    (
        "echo p > docs/new",
        |w| w.write("docs/theirs", "t"),
        &[("docs/new", "p\n"), ("docs/theirs", "t")],
        &[],
    ),
    ("echo p >> docs/a", |w| w.save("docs/b", "t"), &[("docs/a", "a\np\n"), ("docs/b", "t")], &[]),
    ("chmod 700 docs", |w| w.write("docs/theirs", "t"), &[("docs/theirs", "t")], &[]),
    // The same file.
    ("echo p >> one", |w| w.write("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p >> one", |w| w.save("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p > x; mv x one", |w| w.save("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p > new", |w| w.write("new", "t"), &[("new", "t")], &[("new", Theirs::Changed)]),
    ("ln -s one new", |w| w.write("new", "t"), &[("new", "t")], &[("new", Theirs::Changed)]),
    ("rm one", |w| w.write("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("rm one", |w| w.chmod("one", 0o600), &[("one", "one\n")], &[("one", Theirs::Changed)]),
    ("rm one", |w| w.remove("one"), &[("one", "-")], &[]),
    ("echo p >> one", |w| w.remove("one"), &[("one", "-")], &[("one", Theirs::Removed)]),
    (
        "echo p >> one",
        |w| w.rename("two", "one"),
        &[("one", "two\n"), ("two", "-")],
        &[("one", Theirs::Changed)],
    ),
    ("echo same > one", |w| w.write("one", "same\n"), &[("one", "same\n")], &[]),
    ("echo same > new", |w| w.write("new", "same\n"), &[("new", "same\n")], &[]),
    // A file that the program moved, in a directory where others are at work.
    (
        "mv one three",
        |w| w.write("theirs", "t"),
        &[("one", "-"), ("three", "one\n"), ("theirs", "t")],
        &[],
    ),
    (
        "mv one three",
        |w| w.save("one", "t"),
        &[("one", "t"), ("three", "one\n")],
        &[("one", Theirs::Changed)],
    ),
    ("mv one three", |w| w.remove("one"), &[("one", "-"), ("three", "one\n")], &[]),
    (
        "mv one two",
        |w| w.write("two", "t"),
        &[("one", "-"), ("two", "t")],
        &[("two", Theirs::Changed)],
    ),
    // Directories.
    (
        "rm -rf docs",
        |w| w.write("docs/theirs", "t"),
        &[("docs/a", "-"), ("docs/b", "-"), ("docs/theirs", "t")],
        &[("docs/theirs", Theirs::Changed)],
    ),
    (
        "rm -rf docs",
        |w| w.write("docs/a", "t"),
        &[("docs/a", "t"), ("docs/b", "-")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "rm -rf src",
        |w| w.write("src/deep/er/t", "t"),
        &[("src/main", "-"), ("src/deep/er/file", "-"), ("src/deep/er/t", "t")],
        &[("src/deep/er/t", Theirs::Changed)],
    ),
    // A whole old directory was moved into the one that the program removed.
    (
        "rm -rf src",
        |w| w.rename("docs", "src/docs"),
        &[("src/main", "-"), ("src/docs/a", "a\n"), ("src/docs/b", "b\n")],
        &[("src/docs", Theirs::Changed)],
    ),
    (
        "rm -rf docs; mkdir docs; echo p > docs/c",
        |w| w.write("docs/a", "t"),
        &[("docs/a", "t"), ("docs/b", "-"), ("docs/c", "p\n")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.write("new/t", "t"),
        &[("new/p", "p\n"), ("new/t", "t")],
        &[],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.rename("docs", "new"),
        &[("new/p", "p\n"), ("new/a", "a\n")],
        &[],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.write("new", "t"),
        &[("new", "t")],
        &[("new/p", Theirs::Changed), ("new", Theirs::Changed)],
    ),
    (
        "rm -rf docs; echo p > docs",
        |w| w.write("docs/t", "t"),
        &[("docs/t", "t"), ("docs/a", "a\n")],
        &[("docs", Theirs::Filled)],
    ),
    (
        "rm one; mkdir one; echo p > one/p",
        |w| w.write("one", "t"),
        &[("one", "t")],
        &[("one/p", Theirs::Changed), ("one", Theirs::Changed)],
    ),
    (
        "echo p > docs/new; echo p >> docs/a",
        |w| w.remove_all("docs"),
        &[("docs", "-")],
        &[("docs/a", Theirs::Removed), ("docs/new", Theirs::Removed)],
    ),
    (
        "echo p >> docs/a",
        |w| {
            w.remove_all("docs");
            w.write("docs", "t")
        },
        &[("docs", "t")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "echo p >> src/main",
        |w| {
            w.rename("src", "old");
            w.link("docs", "src")
        },
        &[("src/a", "a\n"), ("old/main", "main\n")],
        &[("src/main", Theirs::Changed)],
    ),
];

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_stays_and_is_named() {
    for (script, others, expected, conflicts) in MEETINGS {
        let world = world();
        let layer = world.in_layer(script).await;
        others(&world);

        let committed = world.commit(layer);

        for (path, text) in *expected {
            assert_eq!(world.text(path), *text, "{script}: {path}");
        }
        let named: Vec<_> =
            committed.conflicts.iter().map(|one| (one.path.as_str(), one.theirs)).collect();
        assert_eq!(named, *conflicts, "{script}");
        for conflict in &committed.conflicts {
            if let PathState::File { hash, .. } = &conflict.kept {
                let (shard, rest) = hash.split_at(2);
                let kept = world.base.join("store/objects").join(shard).join(rest);
                assert!(kept.exists(), "{script}: {conflict:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_else_changes_between_plan_and_commit_stays_too() {
    for (script, others, expected, _) in MEETINGS {
        let world = world();
        let mut plan = world.plan(world.in_layer(script).await);
        assert_eq!(plan.conflicts(), [], "{script}");
        others(&world);

        let committed = plan.commit().unwrap();

        for (path, text) in *expected {
            // Here it is known only for files and directories that are there what they were.
            let is_known = *text == "t" || committed.conflicts.is_empty();
            assert!(!is_known || world.text(path) == *text, "{script}: {path}");
        }
    }
}

impl World {
    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.work(path)).unwrap_or_else(|_| "-".to_owned())
    }

    /// Replaces a file as editors do.
    fn save(&self, path: &str, text: &str) {
        self.write("editor~", text);
        self.rename("editor~", path);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.work(from), self.work(to)).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.work(path)).unwrap();
    }

    fn remove_all(&self, path: &str) {
        fs::remove_dir_all(self.work(path)).unwrap();
    }

    fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.work(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn link(&self, target: &str, path: &str) {
        symlink(target, self.work(path)).unwrap();
    }
}
