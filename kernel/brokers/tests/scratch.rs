//! Copies of a workspace, judged by what is in them and by what programs see from there.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::processes::{
    Command, Happening, ProcessSettings, Processes, ProgramLimits, SandboxMode,
};
use openkoi_brokers::scratch::{Scratch, ScratchError, ScratchLimits};
use openkoi_brokers::snapshot::{SnapshotStore, Stamps};
use openkoi_core::change_set::PathState;
use openkoi_core::frozen::{Shown, View};
use openkoi_test_support::Tree;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

struct World {
    _home: tempfile::TempDir,
    base: PathBuf,
    settings: ProcessSettings,
}

/// A workspace with one of each. What is OpenKoi's own is a secret place, as it is in earnest.
fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    let environment =
        [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent"), ("LC_ALL", "C")];
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let settings = ProcessSettings {
        environment: Arc::new(environment.into()),
        temporary: base.join("own/tmp"),
        spool: base.join("own/spool"),
        read: Vec::new(),
        secret: vec![base.join("own"), base.join("work/closed")],
        caches: None,
        certificates: None,
        limits: ProgramLimits::default(),
        sandbox: SandboxMode::Required,
    };
    let world = World { _home: home, base, settings };
    for (path, text) in [
        ("one", "one\n"),
        ("src/main", "main\n"),
        ("target/built", "built\n"),
        ("tool", "#!/bin/sh\n"),
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

    fn copies(&self) -> PathBuf {
        self.base.join("own/copies")
    }

    fn copied(&self, limits: ScratchLimits) -> Result<Scratch, ScratchError> {
        Processes::new(self.settings.clone()).copy(&self.copies(), &self.work(""), limits)
    }

    fn copy(&self) -> Scratch {
        self.copied(ScratchLimits::default()).unwrap()
    }

    async fn sh(&self, copy: &Scratch, script: &str) -> String {
        let mut command = Command::new("sh", self.work(""));
        command.arguments = vec!["-c".to_owned(), script.to_owned()];
        command.deadline = Some(Duration::from_secs(30));
        command.one_stream = true;
        command.move_into(copy.copy()).unwrap();
        let mut child = Processes::new(self.settings.clone()).spawn(command).await.unwrap();
        let mut out = Vec::new();
        while let Some(happening) = child.next().await {
            if let Happening::Stdout(bytes) = happening {
                out.extend(bytes);
            }
        }
        String::from_utf8(out).unwrap()
    }
}

fn age(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
    File::open(path).unwrap().set_modified(time).unwrap();
}

fn modified(path: &Path) -> SystemTime {
    fs::symlink_metadata(path).unwrap().modified().unwrap()
}

#[test]
fn a_copy_holds_what_is_there_with_modes_links_and_times() {
    let world = world();
    fs::set_permissions(world.work("src"), fs::Permissions::from_mode(0o555)).unwrap();
    for path in ["one", "src/main", "target/built", "src", "target"] {
        age(&world.work(path), 1_000_000);
    }

    let copy = world.copy();

    assert_eq!(Tree::read(&world.work("")).differences(&Tree::read(copy.root())), [""; 0]);
    assert_eq!(copy.root().file_name().unwrap(), "work");
    for path in ["one", "src/main", "target/built", "src", "target", "link"] {
        assert_eq!(modified(&copy.root().join(path)), modified(&world.work(path)), "{path}");
    }
    let root = copy.root().to_owned();
    drop(copy);
    assert!(!root.exists() && fs::read_dir(world.copies()).unwrap().next().is_none());
    assert!(world.work("src/main").exists());
}

#[test]
fn what_must_not_be_read_or_is_no_file_is_left_out() {
    let world = world();
    world.write("closed/key", "canary");
    let _socket = UnixListener::bind(world.work("socket")).unwrap();
    symlink(world.base.join("own"), world.work("out")).unwrap();
    world.write("build/CMakeCache.txt", "CMAKE_HOME_DIRECTORY\n");

    let copy = world.copy();

    for path in ["closed", "socket", "build"] {
        assert!(fs::symlink_metadata(copy.root().join(path)).is_err(), "{path}");
    }
    assert!(fs::symlink_metadata(copy.root().join("out")).unwrap().is_symlink(), "not followed");
}

#[test]
fn what_names_the_workspace_names_the_copy() {
    let world = world();
    let here = world.work("");
    let here = here.to_str().unwrap().trim_end_matches('/');
    symlink(world.work("src/main"), world.work("absolute")).unwrap();
    world.write(".venv/pyvenv.cfg", "home = /usr/bin\n");
    world.write(".venv/bin/pytest", &format!("#!{here}/.venv/bin/python\n"));
    world.write(".venv/lib/site-packages/own.pth", &format!("{here}/src\n"));
    world.write("notes", here);

    let copy = world.copy();

    let read = |path: &str| fs::read_to_string(copy.root().join(path)).unwrap();
    let there = copy.root().to_str().unwrap();
    assert_eq!(read(".venv/bin/pytest"), format!("#!{there}/.venv/bin/python\n"));
    assert_eq!(read(".venv/lib/site-packages/own.pth"), format!("{there}/src\n"));
    assert_eq!(read("notes"), here, "the work itself is as it is");
    assert_eq!(fs::read_link(copy.root().join("absolute")).unwrap(), copy.root().join("src/main"));
}

#[test]
fn a_copy_that_costs_too_much_is_not_made_and_leaves_nothing() {
    let world = world();
    world.write("large", &"x".repeat(3 << 20));
    let usual = ScratchLimits::default();
    let few = ScratchLimits { files: 3, ..usual };
    let small = ScratchLimits { bytes: 2 << 20, ..usual };
    let quick = ScratchLimits { time: Duration::ZERO, ..usual };

    for (limits, words) in
        [(few, "more than 3 files"), (small, "more than 2 MiB"), (quick, "longer than 0 s")]
    {
        let error = world.copied(limits).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(fs::read_dir(world.copies()).unwrap().next().is_none());
}

#[test]
fn a_copy_whose_process_is_gone_is_removed_by_the_next_and_no_other() {
    let world = world();
    let kept = world.copy();
    let left = world.copies().join("left");
    fs::create_dir_all(left.join("work/deep")).unwrap();
    fs::set_permissions(left.join("work/deep"), fs::Permissions::from_mode(0o000)).unwrap();

    let next = world.copy();

    assert!(!left.exists());
    assert!(kept.root().join("one").exists() && next.root().join("one").exists());
}

#[tokio::test]
async fn in_a_copy_the_workspace_itself_is_not_seen() {
    let mut world = world();
    // As in a place that programs may read anyway: below `GOPATH`, or one that `sandbox.read` names.
    world.settings.read = vec![world.work("")];
    let copy = world.copy();
    let here = world.work("");

    let said = world
        .sh(
            &copy,
            &format!(
                "cat one; cat '{0}/one'; echo x > '{0}/one'; ls '{0}'; echo new > new",
                here.display()
            ),
        )
        .await;

    assert_eq!(said.matches("one\n").count(), 1, "{said}");
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(fs::read_to_string(world.work("one")).unwrap(), "one\n");
    assert!(copy.root().join("new").exists() && !world.work("new").exists(), "{said}");
}

#[tokio::test]
async fn git_finds_the_objects_that_are_not_copied() {
    let world = world();
    let made = std::process::Command::new("sh")
        .args([
            "-c",
            "git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm first",
        ])
        .current_dir(world.work(""))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");

    let copy = world.copy();
    let said = world.sh(&copy, "git -c safe.directory='*' log --format=%s -p -- one; echo two > one; git add one && git status --porcelain").await;

    assert!(said.contains("first") && said.contains("+one") && said.contains("M  one"), "{said}");
    let packed = fs::read_dir(copy.root().join(".git/objects")).unwrap().count();
    assert!(packed <= 3, "{packed} entries: its own object, and the names of the others");
}

#[test]
fn files_are_shown_as_they_were_and_what_writes_them_is_told() {
    let world = world();
    let store = SnapshotStore::open(&world.base.join("own/store")).unwrap();
    let before = || Shown::State(store.wanted(b"before\n", 0o600).unwrap());
    let files = BTreeMap::from([
        ("one".to_owned(), before()),
        ("gone/again".to_owned(), before()),
        ("tool".to_owned(), Shown::State(PathState::Absent)),
        ("nowhere/at/all".to_owned(), Shown::State(PathState::Absent)),
        ("target".to_owned(), Shown::State(PathState::Absent)),
        ("src/main".to_owned(), Shown::Text { mode: 0o644, text: "text\n".to_owned() }),
    ]);
    let view = View { files, ..View::default() };

    let copy = world.copy();
    copy.show(&view, &store).unwrap();

    let read = |path: &str| fs::read_to_string(copy.root().join(path)).ok();
    assert_eq!(read("one").unwrap(), "before\n");
    assert_eq!(read("gone/again").unwrap(), "before\n");
    assert_eq!(read("src/main").unwrap(), "text\n");
    assert!(["tool", "nowhere", "target"].iter().all(|path| !copy.root().join(path).exists()));
    assert_eq!(fs::read_to_string(world.work("one")).unwrap(), "one\n", "it is a copy");
    let stamps = Stamps::of(copy.root()).unwrap();
    assert_eq!(stamps.written().unwrap(), [""; 0]);
    // It is put back, and was written all the same.
    fs::write(copy.root().join("one"), "other\n").unwrap();
    fs::write(copy.root().join("one"), "before\n").unwrap();
    fs::remove_file(copy.root().join("gone/again")).unwrap();
    fs::write(copy.root().join("tool"), "back\n").unwrap();
    assert_eq!(stamps.written().unwrap(), ["gone/again", "one"]);
    assert!(stamps.is_there("tool") && !stamps.is_there("target"));
}

#[test]
fn without_a_sandbox_there_is_no_copy() {
    let world = world();
    let settings = ProcessSettings { sandbox: SandboxMode::Off, ..world.settings.clone() };

    let made =
        Processes::new(settings).copy(&world.copies(), &world.work(""), ScratchLimits::default());

    assert!(made.expect_err("there is none").to_string().contains("without a sandbox"));
}
