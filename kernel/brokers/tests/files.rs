//! A component's access to files, judged by the disk.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::disk::FileKind;
use openkoi_brokers::files::{FileError, FileRules, Files, GrantedDirectory, Remark};
use openkoi_core::capability::Access;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

struct World {
    _outer: tempfile::TempDir,
    root: std::path::PathBuf,
    outside: std::path::PathBuf,
}

/// A workspace, and a directory beside it with a secret.
fn world() -> World {
    let outer = tempfile::tempdir().unwrap();
    let (root, outside) = (outer.path().join("work"), outer.path().join("outside"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("passwd"), "outside").unwrap();
    World { _outer: outer, root, outside }
}

impl World {
    fn put(&self, path: &str, contents: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    fn open(&self, rules: FileRules) -> Files {
        Files::open(&self.root, rules).unwrap()
    }

    fn files(&self) -> Files {
        self.open(FileRules::workspace())
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

fn is_denied<T>(result: Result<T, FileError>) -> bool {
    matches!(result, Err(FileError::Denied { .. }))
}

#[test]
fn a_file_is_written_read_listed_renamed_and_removed() {
    let world = world();
    let files = world.files();

    files.write("a/b/c.txt", b"hello", None).unwrap();
    files.create_directory("a/b/d/e").unwrap();

    assert_eq!(files.read("a/b/c.txt", 0, 100).unwrap(), b"hello");
    assert_eq!(files.read("a/b/c.txt", 3, 100).unwrap(), b"lo");
    assert_eq!(files.read("a/b/c.txt", 99, 100).unwrap(), b"");
    let stat = files.stat("a/b/c.txt").unwrap();
    assert_eq!((stat.kind, stat.size, stat.executable), (FileKind::File, 5, false));
    let names: Vec<_> =
        files.list("a/b").unwrap().into_iter().map(|e| (e.name, e.stat.kind)).collect();
    assert_eq!(
        names,
        [("c.txt".to_owned(), FileKind::File), ("d".to_owned(), FileKind::Directory)]
    );
    assert_eq!(files.list("").unwrap().len(), 1);

    files.rename("a/b/c.txt", "x/y.txt").unwrap();
    assert!(matches!(files.stat("a/b/c.txt"), Err(FileError::NotFound { .. })));
    files.write("z.txt", b"z", None).unwrap();
    assert!(matches!(files.rename("z.txt", "x/y.txt"), Err(FileError::Conflict { .. })));
    assert_eq!(world.text("x/y.txt"), "hello");

    assert!(matches!(files.remove("x"), Err(FileError::Conflict { .. })));
    files.remove("x/y.txt").unwrap();
    files.remove("x").unwrap();
    assert!(!world.root.join("x").exists());
}

#[test]
fn a_write_keeps_the_mode_and_leaves_nothing_beside() {
    let world = world();
    world.put("run.sh", "old");
    let path = world.root.join("run.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();

    world.files().write("run.sh", b"new", Some(b"old")).unwrap();

    assert_eq!(world.text("run.sh"), "new");
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o751);
    assert_eq!(fs::read_dir(&world.root).unwrap().count(), 1);
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 1024];
    let length = rustix::fs::getxattr(path, name, bytes.as_mut_slice()).ok()?;
    Some(bytes[..length].to_vec())
}

/// An access control list as Linux keeps it: besides the owner, the user 1000 may read and write.
#[cfg(target_os = "linux")]
fn access_list() -> Vec<u8> {
    let entries = [
        (1_u16, 6_u16, u32::MAX),
        (2, 6, 1000),
        (4, 4, u32::MAX),
        (0x10, 6, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, bits, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(bits.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

#[cfg(target_os = "linux")]
#[test]
fn a_write_keeps_attributes_and_the_access_control_list() {
    let world = world();
    world.put("a", "old");
    let path = world.root.join("a");
    let wanted = [("user.origin", b"here".to_vec()), ("system.posix_acl_access", access_list())];
    for (name, value) in &wanted {
        let flags = rustix::fs::XattrFlags::empty();
        if let Err(error) = rustix::fs::setxattr(&path, *name, value, flags) {
            openkoi_test_support::skip::skip(
                "a_write_keeps_attributes",
                &format!("{name}: {error}"),
            );
            return;
        }
    }
    let mode = path.metadata().unwrap().mode();

    let remarks = world.files().write("a", b"new", None).unwrap();

    for (name, value) in wanted {
        assert_eq!(attribute(&path, name), Some(value), "{name}");
    }
    assert_eq!((world.text("a").as_str(), path.metadata().unwrap().mode()), ("new", mode));
    assert_eq!(remarks, []);
}

#[test]
fn what_a_write_overrides_or_takes_away_is_said() {
    let world = world();
    for (name, mode) in [("locked", 0o444), ("power", 0o6755)] {
        world.put(name, "old");
        fs::set_permissions(world.root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    world.put("several", "old");
    fs::hard_link(world.root.join("several"), world.root.join("names")).unwrap();
    fs::set_permissions(world.root.join("names"), fs::Permissions::from_mode(0o4755)).unwrap();
    let files = world.files();

    assert_eq!(files.write("locked", b"new", None).unwrap(), [Remark::ReadOnly]);
    assert_eq!(files.write("power", b"new", None).unwrap(), [Remark::SetId]);
    assert_eq!(files.write("several", b"new", None).unwrap(), [Remark::SetId]);
    assert_eq!(files.write("fresh", b"new", None).unwrap(), []);

    let mode = |name: &str| world.root.join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("locked"), mode("power"), mode("names")), (0o444, 0o755, 0o755));
    assert_eq!(world.text("names"), "new");
}

#[test]
fn a_file_that_changed_is_not_replaced() {
    let world = world();
    world.put("a", "theirs");
    let files = world.files();

    for expect in ["", "their", "thairs", "theirs and more"] {
        let result = files.write("a", b"ours", Some(expect.as_bytes()));
        assert!(matches!(result, Err(FileError::Conflict { .. })), "{expect}");
    }
    assert!(matches!(files.write("b", b"ours", Some(b"")), Err(FileError::Conflict { .. })));

    assert_eq!(world.text("a"), "theirs");
    assert!(!world.root.join("b").exists());
}

#[test]
fn control_files_are_read_only() {
    let world = world();
    world
        .put(".git/config", "git")
        .put("AGENTS.md", "agents")
        .put("sub/.MCP.json", "{}")
        .put("x", "x");
    let files = world.files();

    assert_eq!(files.read(".git/config", 0, 10).unwrap(), b"git");
    assert_eq!(files.read("AGENTS.md", 0, 10).unwrap(), b"agents");
    for path in [
        ".git/config",
        ".git/hooks/pre-commit",
        ".GIT/config",
        "AGENTS.md",
        "agents.md",
        "sub/.MCP.json",
        "sub/.git/x",
        ".openkoi/settings.toml",
        "./.git//config",
    ] {
        assert!(is_denied(files.write(path, b"evil", None)), "write {path}");
        assert!(is_denied(files.remove(path)), "remove {path}");
        assert!(is_denied(files.rename("x", path)), "rename to {path}");
        assert!(is_denied(files.create_directory(path)), "create {path}");
    }
    assert!(is_denied(files.rename(".git", "y")));
    assert_eq!(world.text(".git/config"), "git");
    assert_eq!(
        fs::read_dir(world.root.join(".git")).unwrap().count(),
        1,
        "nothing was created in it"
    );
}

#[test]
fn secret_files_are_refused() {
    let world = world();
    for path in [
        ".env",
        ".env.local",
        "certs/server.pem",
        "id_rsa",
        ".aws/config",
        "a/.ssh/known",
        "k.key",
        ".netrc",
        "auth.json",
        "chrome/Default/Cookies",
        "chrome/Default/Network/Cookies-journal",
        "chrome/Default/Web Data",
        "chrome/Default/Login Data",
        "firefox/ab12.default/cookies.sqlite",
        "firefox/ab12.default/key4.db",
        "firefox/ab12.default/logins.json",
        "Library/Keychains/login.keychain-db",
        "backup/.config/gh/hosts.yml",
        ".cargo/credentials.toml",
        ".docker/config.json",
    ] {
        world.put(path, "canary");
        let files = world.files();

        assert!(is_denied(files.read(path, 0, 10)), "read {path}");
        assert!(is_denied(files.stat(path)), "stat {path}");
        assert!(is_denied(files.write(path, b"x", None)), "write {path}");
        assert!(is_denied(files.rename(path, "plain")), "rename {path}");
        assert!(is_denied(files.remove(path)), "remove {path}");
        assert_eq!(world.text(path), "canary");
    }
    assert!(is_denied(world.files().list(".aws")));
}

#[test]
fn a_named_file_is_granted_and_its_neighbours_are_not() {
    let world = world();
    world.put(".env", "A=1").put("sub/.env", "B=2").put("AGENTS.md", "old");
    let named = vec![".env".to_owned(), "AGENTS.md".to_owned()];
    let files = world.open(FileRules { named, ..FileRules::workspace() });

    assert_eq!(files.read(".env", 0, 10).unwrap(), b"A=1");
    files.write("AGENTS.md", b"new", None).unwrap();
    assert!(is_denied(files.read("sub/.env", 0, 10)));
    assert!(is_denied(files.write(".git/config", b"x", None)));
}

#[test]
fn the_own_home_stays_closed_even_if_it_is_named() {
    let world = world();
    world.put("home/state.db", "x");
    let rules = FileRules {
        named: vec!["home/state.db".to_owned()],
        private: vec![world.root.join("home")],
        ..FileRules::workspace()
    };
    let files = world.open(rules);

    assert!(is_denied(files.read("home/state.db", 0, 10)));
    assert!(is_denied(files.list("home")));
    symlink("home", world.root.join("link")).unwrap();
    assert!(is_denied(files.read("link/state.db", 0, 10)));
}

#[test]
fn a_file_with_several_names_is_changed_under_all_of_them() {
    let world = world();
    world.put("h1", "a longer text").put("deep/x", "x");
    fs::hard_link(world.root.join("h1"), world.root.join("deep/h2")).unwrap();
    let files = world.files();

    files.write("h1", b"b", Some(b"a longer text")).unwrap();

    assert_eq!((world.text("h1").as_str(), world.text("deep/h2").as_str()), ("b", "b"));
}

#[test]
fn a_name_outside_or_behind_a_rule_is_not_changed_with_the_other() {
    let world = world();
    let outside = tempfile::tempdir_in(world.root.parent().unwrap()).unwrap();
    world.put("a", "a").put(".git/hooks/x", "git");
    fs::hard_link(world.root.join("a"), outside.path().join("other")).unwrap();
    fs::hard_link(world.root.join(".git/hooks/x"), world.root.join("innocent")).unwrap();
    let files = world.files();

    let said = files.write("a", b"b", None).unwrap_err().to_string();
    assert!(said.contains("hard link"), "{said}");
    assert!(is_denied(files.write("innocent", b"evil", None)));
    assert_eq!((world.text("a").as_str(), world.text(".git/hooks/x").as_str()), ("a", "git"));
}

#[test]
fn a_name_that_is_not_utf_8_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let world = world();
    world.put("a", "a");
    fs::write(world.root.join(std::ffi::OsStr::from_bytes(b"caf\xE9")), "x").unwrap();

    let names: Vec<String> =
        world.files().list(".").unwrap().into_iter().map(|entry| entry.name).collect();

    assert_eq!(names, ["a", "caf\\xE9"]);
}

#[test]
fn a_link_does_not_lead_around_a_rule() {
    let world = world();
    world.put(".env", "canary").put(".git/hooks/x", "git").put("docs/a", "a");
    symlink("../.env", world.root.join("docs/notes.txt")).unwrap();
    symlink(".git", world.root.join("meta")).unwrap();
    fs::hard_link(world.root.join(".env"), world.root.join("docs/hard.txt")).unwrap();
    let files = world.files();

    assert!(is_denied(files.read("docs/notes.txt", 0, 10)));
    assert!(is_denied(files.stat("docs/notes.txt")));
    assert!(is_denied(files.read("docs/hard.txt", 0, 10)));
    assert!(is_denied(files.write("docs/notes.txt", b"evil", None)));
    assert!(is_denied(files.write("meta/hooks/pre-commit", b"evil", None)));
    assert!(is_denied(files.write("meta/new/deep/file", b"evil", None)));
    assert!(is_denied(files.create_directory("meta/new")));
    assert!(is_denied(files.remove("meta/hooks/x")));
    assert_eq!(files.read("meta/hooks/x", 0, 10).unwrap(), b"git");

    assert_eq!(world.text(".env"), "canary");
    assert!(!world.root.join(".git/new").exists());
    assert!(!world.root.join(".git/hooks/pre-commit").exists());
}

#[test]
fn a_link_inside_is_followed_and_one_that_leads_out_is_not() {
    let world = world();
    world.put("real/file", "inside");
    symlink("real/file", world.root.join("good")).unwrap();
    let outside = world.outside.to_str().unwrap().to_owned();
    // GHSA-hp8f: a target that ends in a slash.
    for (name, target) in [
        ("absolute", outside.clone()),
        ("slash", format!("{outside}/")),
        ("climbing", "../outside".to_owned()),
        ("climbing-slash", "../outside/".to_owned()),
        ("dot", "../outside/.".to_owned()),
        ("file", format!("{outside}/passwd")),
    ] {
        symlink(target, world.root.join(name)).unwrap();
    }
    let files = world.files();

    files.write("good", b"changed", None).unwrap();
    assert_eq!(world.text("real/file"), "changed");
    assert!(world.root.join("good").symlink_metadata().unwrap().is_symlink());
    for name in ["absolute", "slash", "climbing", "climbing-slash", "dot"] {
        for path in [format!("{name}/passwd"), format!("{name}/./passwd"), format!("{name}/new")] {
            assert!(files.read(&path, 0, 10).is_err(), "read {path}");
            assert!(files.write(&path, b"evil", None).is_err(), "write {path}");
            assert!(files.create_directory(&path).is_err(), "create {path}");
            assert!(files.remove(&path).is_err(), "remove {path}");
        }
        assert!(files.list(name).is_err(), "list {name}");
        assert!(files.list(&format!("{name}/")).is_err(), "list {name}/");
    }
    assert!(files.read("file", 0, 10).is_err());
    assert!(files.write("file", b"evil", None).is_err());
    assert_eq!(fs::read_to_string(world.outside.join("passwd")).unwrap(), "outside");
    assert_eq!(fs::read_dir(&world.outside).unwrap().count(), 1);
}

/// Runs `body` on a thread where the kernel has no `openat2`, as on macOS and old kernels.
#[cfg(target_os = "linux")]
fn without_openat2(body: impl FnOnce() + Send) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let calls = [(libc::SYS_openat2, Vec::new())].into();
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, absent, arch).unwrap();
    let program = BpfProgram::try_from(filter).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            seccompiler::apply_filter(&program).unwrap();
            body();
        });
    });
}

#[cfg(target_os = "linux")]
#[test]
fn links_are_refused_on_the_fallback_path_too() {
    without_openat2(a_link_inside_is_followed_and_one_that_leads_out_is_not);
    without_openat2(a_link_does_not_lead_around_a_rule);
}

/// The number of tries of each way; `OPENKOI_FLIP_ROUNDS=1000000` is the whole of case 101.
#[cfg(target_os = "linux")]
fn rounds() -> usize {
    std::env::var("OPENKOI_FLIP_ROUNDS").map_or(20_000, |number| number.parse().unwrap())
}

/// Looks and writes through a name that another thread flips between a directory and a link that leads out. The
/// two change places in one step, so that the name is always there, and is always one of them.
#[cfg(target_os = "linux")]
fn flip_for(way: &str, rounds: usize) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let world = world();
    world.put("flip/passwd", "inside");
    symlink(&world.outside, world.root.join("link")).unwrap();
    let files = world.files();
    let (flip, link) = (world.root.join("flip"), world.root.join("link"));
    let done = AtomicBool::new(false);
    // Nothing is asserted while the other thread flips: it would flip for ever.
    let (mut inside, mut refused, mut written, mut escaped) = (0, 0, 0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                renameat_with(CWD, &flip, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for round in 0..rounds {
            match files.read("flip/passwd", 0, 100) {
                Ok(bytes) if bytes == b"inside" => inside += 1,
                Ok(_) => escaped += 1,
                Err(_) => refused += 1,
            }
            // A write waits for the disk, so there are fewer of them.
            if round % 20 == 0 {
                written += usize::from(files.write("flip/planted", b"x", None).is_ok());
            }
            escaped += usize::from(files.stat("flip/passwd").is_ok_and(|stat| stat.size != 6));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read_dir(&world.outside).unwrap().count(), 1, "a write escaped");
    assert_eq!(fs::read_to_string(world.outside.join("passwd")).unwrap(), "outside");
    let report = format!(
        "{way}: {rounds} rounds, {inside} inside, {refused} refused, {written} written, {escaped} escaped\n"
    );
    // Not by `eprintln!`, which is shown of failing tests only.
    std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes()).unwrap();
    assert_eq!(escaped, 0, "{report}");
    assert!(inside > 0 && refused > 0 && written > 0, "the race was run: {report}");
}

#[cfg(target_os = "linux")]
#[test]
fn flipping_a_directory_and_a_link_lets_nothing_out() {
    flip_for("openat2", rounds());
}

#[cfg(target_os = "linux")]
#[test]
fn flipping_lets_nothing_out_on_the_fallback_path() {
    without_openat2(|| flip_for("without openat2", rounds()));
}

#[test]
fn only_regular_files_are_read() {
    let world = world();
    world.put("dir/file", "x");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        world.root.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.root.join("socket")).unwrap();
    let files = world.files();

    for path in ["pipe", "socket", "dir"] {
        let result = files.read(path, 0, 10);
        assert!(matches!(result, Err(FileError::NotAFile { .. })), "{path}: {result:?}");
        let result = files.write(path, b"x", None);
        assert!(matches!(result, Err(FileError::NotAFile { .. })), "{path}: {result:?}");
    }
    assert!(matches!(files.read("dir/file/x", 0, 1), Err(FileError::NotAFile { .. })));
    let kinds: Vec<FileKind> =
        files.list("").unwrap().into_iter().map(|entry| entry.stat.kind).collect();
    assert_eq!(kinds, [FileKind::Directory, FileKind::Other, FileKind::Other]);
}

#[test]
fn devices_and_kernel_files_are_not_read_through_a_granted_directory() {
    let world = world();
    let directories =
        ["/dev", "/proc"].map(|path| GrantedDirectory { path: path.into(), access: Access::Read });
    let files =
        world.open(FileRules { directories: directories.to_vec(), ..FileRules::workspace() });

    assert!(matches!(files.read("/dev/zero", 0, 10), Err(FileError::NotAFile { .. })));
    assert!(files.write("/dev/null", b"x", None).is_err());
    assert_eq!(
        files.read("/proc/self/environ", 0, 10).unwrap(),
        b"",
        "its size is said to be nothing"
    );
}

#[test]
fn a_path_that_no_rule_names_is_refused() {
    let world = world();
    world.put("a/b", "b").put("a/b.d/c", "c").put("other", "o");
    let read = vec!["a/*".parse().unwrap()];
    let files = world.open(FileRules { read, ..FileRules::default() });

    assert_eq!(files.read("a/b", 0, 10).unwrap(), b"b");
    for path in [
        "a/b.d/c",
        "other",
        "a/../other",
        "a/../../outside/passwd",
        "../outside/passwd",
        "/etc/passwd",
    ] {
        assert!(is_denied(files.read(path, 0, 10)), "{path}");
    }
    assert!(is_denied(files.write("a/b", b"x", None)));
    assert!(is_denied(files.read("a\0b", 0, 10)));
    assert!(is_denied(files.read(&"a/".repeat(4096), 0, 10)));
}

#[test]
fn a_granted_directory_is_reached_by_its_absolute_path_only() {
    let world = world();
    let passwd = world.outside.join("passwd");
    let passwd = passwd.to_str().unwrap();
    let grant = |access| FileRules {
        directories: vec![GrantedDirectory { path: world.outside.clone(), access }],
        ..FileRules::workspace()
    };

    let reading = world.open(grant(Access::Read));
    assert_eq!(reading.read(passwd, 0, 10).unwrap(), b"outside");
    assert!(is_denied(reading.write(passwd, b"x", None)));
    assert!(is_denied(reading.read("../outside/passwd", 0, 10)));

    let writing = world.open(grant(Access::Write));
    writing.write(passwd, b"changed", None).unwrap();
    assert_eq!(fs::read_to_string(Path::new(passwd)).unwrap(), "changed");
    let env = world.outside.join(".env");
    fs::write(&env, "canary").unwrap();
    assert!(is_denied(writing.read(env.to_str().unwrap(), 0, 10)));
}

#[test]
fn the_workspace_itself_is_not_changed() {
    let world = world();
    let files = world.files();

    for path in ["", ".", "/"] {
        assert!(is_denied(files.remove(path)), "{path:?}");
        assert!(is_denied(files.write(path, b"x", None)), "{path:?}");
    }
    assert!(world.root.is_dir());
}
