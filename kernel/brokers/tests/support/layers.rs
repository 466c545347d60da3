//! A workspace with a layer over it, and what both hold.
#![allow(dead_code, reason = "each test file uses its part")]

use openkoi_brokers::layer::{Committed, Layer, LayerPlan};
use openkoi_brokers::processes::{
    Command, Happening, ProcessSettings, Processes, ProgramLimits, SandboxMode, SandboxPart,
};
use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::change_set::text_of_name;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct World {
    _home: Option<tempfile::TempDir>,
    pub(crate) base: PathBuf,
    settings: ProcessSettings,
    pub(crate) processes: Processes,
    pub(crate) store: SnapshotStore,
}

/// A tree as text: for each path its kind, mode and contents.
pub(crate) type Tree = BTreeMap<String, String>;

pub(crate) fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    fs::create_dir(base.join("work")).unwrap();
    fs::set_permissions(base.join("work"), fs::Permissions::from_mode(0o755)).unwrap();
    let world = World { _home: Some(home), ..World::at(&base) };
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
    /// The world in a directory that is there.
    pub(crate) fn at(base: &Path) -> Self {
        let variables = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/nonexistent"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C"),
        ];
        // Closed to others, as OpenKoi is: then files under `/proc/self` are root's.
        openkoi_brokers::secrets::close_memory().unwrap();
        let environment = variables.map(|(name, value)| (name.into(), value.into())).into();
        let settings = ProcessSettings {
            environment: Arc::new(environment),
            temporary: base.join("temporary"),
            spool: base.join("spool"),
            read: Vec::new(),
            secret: vec![base.join("secret")],
            caches: None,
            certificates: None,
            limits: ProgramLimits::default(),
            sandbox: SandboxMode::Required,
        };
        let processes = Processes::new(settings.clone());
        let store = SnapshotStore::open(&base.join("store")).unwrap();
        Self { _home: None, base: base.to_owned(), settings, processes, store }
    }

    pub(crate) fn work(&self, path: &str) -> PathBuf {
        self.base.join("work").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.work(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn processes_with(&self, change: impl FnOnce(&mut ProcessSettings)) -> Processes {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Processes::new(settings)
    }

    /// The broker of a system that may lack parts of the sandbox.
    pub(crate) fn processes_probing(&self, probe: fn(SandboxPart) -> io::Result<()>) -> Processes {
        Processes::with_probe(self.settings.clone(), probe)
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.base.join("layers")
    }

    pub(crate) fn layer(&self) -> Layer {
        self.processes.layer(&self.layers(), &self.work(""), Vec::new()).unwrap()
    }

    /// Runs a script in the workspace, or in a layer of it; returns its output and its exit code.
    pub(crate) async fn run(&self, layer: Option<&Layer>, script: &str) -> (String, Option<i32>) {
        let mut command = Command::new("sh", self.work(""));
        command.arguments = vec!["-c".to_owned(), script.to_owned()];
        command.layer = layer.map(Layer::mount);
        run(&self.processes, command).await
    }

    pub(crate) async fn in_layer(&self, script: &str) -> Layer {
        let layer = self.layer();
        let (out, code) = self.run(Some(&layer), script).await;
        assert_eq!(code, Some(0), "{script}: {out}");
        layer
    }

    pub(crate) fn plan(&self, layer: Layer) -> LayerPlan {
        layer.plan(&self.store, &|_| false).unwrap()
    }

    pub(crate) fn commit(&self, layer: Layer) -> Committed {
        self.plan(layer).commit().unwrap()
    }

    pub(crate) fn tree(&self) -> Tree {
        tree(&self.work(""))
    }
}

pub(crate) async fn run(processes: &Processes, mut command: Command) -> (String, Option<i32>) {
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

pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    add(root, root, &mut tree);
    tree
}

pub(crate) fn add(root: &Path, at: &Path, tree: &mut Tree) {
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

impl World {
    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.work(path)).unwrap_or_else(|_| "-".to_owned())
    }

    /// Replaces a file as editors do.
    pub(crate) fn save(&self, path: &str, text: &str) {
        self.write("editor~", text);
        self.rename("editor~", path);
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.work(from), self.work(to)).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.work(path)).unwrap();
    }

    pub(crate) fn remove_all(&self, path: &str) {
        fs::remove_dir_all(self.work(path)).unwrap();
    }

    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.work(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn link(&self, target: &str, path: &str) {
        symlink(target, self.work(path)).unwrap();
    }
}

/// As root, the tests have no user namespace. An ordinary user runs all tests of this file in one; `one` is among them.
pub(crate) fn as_an_ordinary_user(one: &str) {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let user = 1000;
    std::os::unix::fs::chown(home.path(), Some(user), Some(user)).unwrap();
    let tests = home.path().join("tests");
    // A second name: while a copy is written, another test may start a program, which has it open for a moment.
    let own = std::env::current_exe().unwrap();
    fs::hard_link(&own, &tests).or_else(|_| fs::copy(&own, &tests).map(drop)).unwrap();

    let ran = std::process::Command::new(&tests)
        .env("TMPDIR", home.path())
        .env("LAYER_AGAIN", "1")
        .current_dir(home.path())
        .gid(user)
        .uid(user)
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains(&format!("test {one} ... ok")), "{said}");
}
