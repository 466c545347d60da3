//! Layers over a workspace, judged by what programs see in them and by what a commit leaves.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{Tree, World, world};
use openkoi_brokers::layer::{Committed, Layer, LayerChangeKind, LayerError};
use openkoi_brokers::places;
use openkoi_brokers::processes::{Command, Processes, SandboxMode};
use openkoi_core::change_set::{ChangeSet, PathState};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Instant;

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

/// Without mounts of its own a program sets no such bits anywhere; over a layer they are kept as any mode is.
#[tokio::test]
async fn set_id_bits_over_a_layer_are_kept() {
    let world = world();
    let before = world.tree();

    let layer = world.in_layer("chmod u+s tool; echo x > new; chmod 4711 new").await;
    let committed = world.commit(layer);

    assert_eq!(fs::metadata(world.work("new")).unwrap().mode() & 0o7777, 0o4711);
    assert_eq!(fs::metadata(world.work("tool")).unwrap().mode() & 0o4000, 0o4000);
    assert_effects(&world, &before, &committed, "set-id bits");
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

#[tokio::test]
async fn a_program_starts_where_it_is_told_and_sees_what_it_did() {
    let world = world();
    let alias = world.base.join("alias");
    symlink(world.work(""), &alias).unwrap();
    let layer = world.processes.layer(&world.layers(), &alias, Vec::new()).unwrap();
    let mut command = Command::new("sh", &alias);
    command.directory = alias.join("src/deep");
    command.arguments =
        vec!["-c".to_owned(), "pwd; echo x > here; ls; ls ../..; cat ../main".to_owned()];
    command.layer = Some(layer.mount());

    let (out, code) = layers::run(&world.processes, command).await;

    let expected = format!(
        "{}\ner\nhere\ndocs\nlink\none\nsrc\ntarget\ntool\ntwo\nmain\n",
        world.work("src/deep").display()
    );
    assert_eq!((out, code), (expected, Some(0)));
    assert_eq!(world.text("src/deep/here"), "-");
    // A second program over the same layer sees what the first one did.
    let (out, _) = world.run(Some(&layer), "cat src/deep/here; rm src/deep/here; echo y > z").await;
    assert_eq!(out, "x\n");
    let kinds: Vec<_> = layer.changes().unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [LayerChangeKind::Entered, LayerChangeKind::Entered, LayerChangeKind::File]);
    let paths: Vec<_> = world.commit(layer).effects.into_iter().map(|effect| effect.path).collect();
    assert_eq!(paths, ["z"]);
}

#[tokio::test]
async fn the_sandbox_holds_over_a_layer_too() {
    let world = world();
    fs::create_dir_all(world.work("keys")).unwrap();
    world.write("keys/secret", "canary");
    fs::create_dir(world.base.join("other")).unwrap();
    fs::write(world.base.join("other/file"), "other").unwrap();
    let processes = world.processes_with(|settings| settings.secret = vec![world.work("keys")]);
    let layer = processes.layer(&world.layers(), &world.work(""), Vec::new()).unwrap();
    let base = world.base.display();
    let script = format!(
        "exec 2>/dev/null; cat keys/secret one; ls {base}/layers; ls {base}; cat {base}/other/file; \
         echo evil > {base}/other/file; echo evil > {base}/planted; echo t > $TMPDIR/x; cat $TMPDIR/x; \
         umount $PWD; mount -t tmpfs none docs; unshare -Ur true; mknod d c 1 3; cat d; \
         echo over >> src/main; cat src/main; grep Cap /proc/self/status"
    );
    let mut command = Command::new("sh", world.work(""));
    command.arguments = vec!["-c".to_owned(), script];
    command.layer = Some(layer.mount());

    let (out, _) = layers::run(&processes, command).await;

    let said: Vec<&str> =
        out.lines().filter(|line| !line.contains(':') || line.starts_with("Cap")).collect();
    // Of what lies around the workspace below `/tmp` it sees the names of what it is given.
    let around: &[&str] = match world.base.starts_with("/tmp") {
        true => &["spool", "temporary", "work"],
        false => &[],
    };
    let expected = [&["one"], around, &["t", "main", "over"]].concat();
    let (said, rest) = said.split_at(expected.len());
    assert_eq!(said, expected, "{out}");
    let is_root = rustix::process::geteuid().is_root();
    for line in rest {
        let (set, bits) = line.split_once(":\t").unwrap();
        let bits = u64::from_str_radix(bits, 16).unwrap();
        // As root it keeps what it is given without a layer: rights over files.
        assert!(bits == 0 || (is_root && bits & !0xfb == 0), "{set} {bits:x}");
    }
    assert_eq!(fs::read_to_string(world.base.join("other/file")).unwrap(), "other");
    assert!(!world.base.join("planted").exists());
    assert_eq!(world.text("src/main"), "main\n");
}

#[tokio::test]
async fn a_directory_that_is_bound_through_is_the_real_one() {
    let world = world();
    let through = vec!["target".into(), world.work("docs"), "absent".into(), "link".into()];
    let layer = world.processes.layer(&world.layers(), &world.work(""), through).unwrap();

    let (out, code) = world
        .run(
            Some(&layer),
            "echo x > target/x; rm docs/a; echo y > absent; mv one target/; ls target; rm -r docs",
        )
        .await;

    assert_eq!(code, Some(1), "the place where it is bound cannot be removed: {out}");
    assert!(out.starts_with("old\none\nx\n") && out.contains("docs"), "{out}");
    assert_eq!((world.text("target/x"), world.text("target/one")), ("x\n".into(), "one\n".into()));
    assert_eq!((world.text("docs/a"), world.text("docs/b")), ("-".into(), "-".into()));
    assert_eq!((world.text("one"), world.text("absent")), ("one\n".into(), "-".into()));
    let committed = world.commit(layer);
    let paths: Vec<_> = committed.effects.iter().map(|effect| effect.path.as_str()).collect();
    assert_eq!(paths, ["absent", "one"]);
    assert_eq!((world.text("one"), world.text("absent")), ("-".into(), "y\n".into()));
}

#[tokio::test]
async fn a_directory_that_passes_is_moved_and_not_listed() {
    let script = "echo x > target/x; echo more >> target/old; mkdir -p cache/deep/er; \
                  echo y > cache/deep/er/y; chmod 444 cache/deep/er/y; chmod 555 cache/deep; \
                  mv one cache/deep/../one; rm -rf docs; mkdir docs; echo z > docs/z; chmod 700 cache";
    let (plain, layered) = (world(), world());
    plain.run(None, script).await;
    let layer = layered.in_layer(script).await;
    let passes = |path: &Path| ["target", "cache", "docs"].map(Path::new).contains(&path);

    let committed = layer.plan(&layered.store, &passes).unwrap().commit().unwrap();

    assert_eq!(layered.tree(), plain.tree());
    let paths: Vec<_> = committed.effects.iter().map(|effect| effect.path.as_str()).collect();
    assert_eq!(paths, ["one"]);
    assert_eq!(committed.passed, ["cache", "docs", "target"]);
    assert!(committed.conflicts.is_empty() && committed.uncovered.is_empty());
    assert_no_notes(&layered.work(""));
}

#[tokio::test]
async fn what_cannot_be_kept_or_moved_is_named() {
    let world = world();
    let script = "mkfifo pipe; head -c 34000000 /dev/zero > large; echo x > small; \
                  mkdir in; mkfifo in/pipe; exec 9<>one";
    let layer = world.in_layer(script).await;

    let committed = world.commit(layer);

    assert_eq!(committed.left_out, ["in/pipe", "pipe"]);
    assert_eq!(committed.uncovered, ["large"]);
    let effects: Vec<_> =
        committed.effects.iter().map(|one| (one.path.as_str(), one.after.is_kept())).collect();
    assert_eq!(effects, [("in", true), ("large", false), ("small", true)]);
    assert_eq!(fs::metadata(world.work("large")).unwrap().len(), 34_000_000);
}

#[tokio::test]
async fn a_file_that_was_only_touched_has_its_time_and_is_no_effect() {
    let world = world();
    let inode = |path: &str| fs::metadata(world.work(path)).unwrap().ino();
    let before = inode("one");
    let layer =
        world.in_layer("touch -d @1000000000 one; echo one > one; touch -d @1000000000 one").await;

    let committed = world.commit(layer);

    assert_eq!(committed.effects, []);
    assert_eq!(fs::metadata(world.work("one")).unwrap().mtime(), 1_000_000_000);
    assert_eq!(inode("one"), before);
}

#[tokio::test]
async fn git_and_sqlite_work_over_a_layer() {
    let world = world();
    let git = "git -c user.name=a -c user.email=a@b -c init.defaultBranch=main";
    let first = format!("{git} init -q . && {git} add -A && {git} commit -qm first");
    let layer = world.in_layer(&first).await;
    world.commit(layer);
    let second =
        format!("echo more >> one; {git} mv two 2; {git} commit -qam second && {git} gc -q");
    let layer = world.in_layer(&second).await;
    let committed = world.commit(layer);
    assert_eq!((committed.conflicts, committed.uncovered), (vec![], vec![]));
    let (out, code) = world
        .run(None, &format!("{git} fsck && {git} status --short && {git} log --format=%s"))
        .await;
    assert_eq!((out.as_str(), code), ("second\nfirst\n", Some(0)));

    // Moving a directory that was there before needs a copy, which git does not make.
    let layer = world.layer();
    let (out, code) = world
        .run(Some(&layer), &format!("{git} mv docs papers; mv docs papers && ls papers"))
        .await;
    assert_eq!(code, Some(0));
    assert!(out.contains("renaming 'docs' failed") && out.ends_with("a\nb\n"), "{out}");

    if !Path::new("/usr/bin/sqlite3").exists() {
        return;
    }
    for script in [
        "sqlite3 db 'pragma journal_mode=wal; create table t(x); insert into t values(1)'",
        "sqlite3 db 'insert into t values(2); update t set x = x + 1'",
    ] {
        let layer = world.in_layer(script).await;
        assert_eq!(world.commit(layer).conflicts, []);
    }
    let (out, _) =
        world.run(None, "sqlite3 db 'select sum(x) from t; pragma integrity_check'").await;
    assert_eq!(out, "5\nok\n");
}

#[tokio::test]
async fn a_second_name_of_a_file_is_a_file_of_its_own() {
    let world = world();
    fs::hard_link(world.work("one"), world.work("same")).unwrap();

    let layer = world.in_layer("echo more >> one; cat same; rm two; ln docs/a two").await;
    let committed = world.commit(layer);

    assert_eq!((world.text("one"), world.text("same")), ("one\nmore\n".into(), "one\n".into()));
    assert_eq!(world.text("two"), "a\n");
    assert_eq!(committed.conflicts, []);
    // Both names are removed: the first step changes the time of the second one's file.
    fs::remove_file(world.work("same")).unwrap();
    fs::hard_link(world.work("one"), world.work("same")).unwrap();
    let layer = world.in_layer("rm one same").await;
    assert_eq!(world.commit(layer).conflicts, []);
    assert_eq!((world.text("one"), world.text("same")), ("-".into(), "-".into()));
}

#[tokio::test]
async fn a_commit_to_another_file_system_copies() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    if fs::metadata(elsewhere.path()).unwrap().dev() == fs::metadata("/tmp").unwrap().dev() {
        return;
    }
    for script in [
        "echo more >> one; chmod 700 tool; ln -s x y; mkdir -p a/b; echo z > a/b/z; chmod 555 a/b; rm -rf docs",
        "mv src s; mkdir cache; echo x > cache/x; chmod 444 cache/x; ln -s x cache/y; touch -d @1000000000 cache/x cache two",
    ] {
        let (plain, layered) = (world(), world());
        plain.run(None, script).await;
        let layer = layered.processes.layer(elsewhere.path(), &layered.work(""), Vec::new());
        // A kernel whose memory file system has no attributes of this kind.
        let Ok(layer) = layer else { return };
        layered.run(Some(&layer), script).await;

        let passes = |path: &Path| path == Path::new("cache");
        let committed = layer.plan(&layered.store, &passes).unwrap().commit().unwrap();

        assert_eq!(committed.conflicts, []);
        assert_eq!(layered.tree(), plain.tree());
        assert_no_notes(&layered.work(""));
        for path in ["cache/x", "cache", "two"].iter().filter(|path| layered.work(path).exists()) {
            let time = |world: &World| fs::metadata(world.work(path)).unwrap().mtime();
            assert!(
                *path == "two" && !script.contains("two") || time(&layered) == time(&plain),
                "{path}"
            );
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn where_there_can_be_no_layer_the_reason_is_said() {
    let world = world();
    let reason = |made: Result<Layer, LayerError>| match made {
        Err(LayerError::Unavailable { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let inside = world.processes.layer(&world.work("data"), &world.work(""), Vec::new());
    assert!(reason(inside).contains("inside of the workspace"));
    let around = world.processes.layer(&world.base, &world.work(""), Vec::new());
    assert!(reason(around).contains("inside of OpenKoi's own"));
    let off = world.processes_with(|settings| settings.sandbox = SandboxMode::Off);
    assert!(reason(off.layer(&world.layers(), &world.work(""), Vec::new())).contains("sandbox"));
    let foreign = world.processes.layer(&world.layers(), Path::new("/proc/self"), Vec::new());
    assert!(!reason(foreign).is_empty());
    assert_eq!(fs::read_dir(world.layers()).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn a_layer_that_its_process_left_is_swept_and_never_committed() {
    let world = world();
    let left = world.layers().join("left");
    for part in ["upper/closed", "work/work", "stage"] {
        fs::create_dir_all(left.join(part)).unwrap();
    }
    fs::write(left.join("upper/one"), "left").unwrap();
    for part in ["upper/closed", "work/work"] {
        fs::set_permissions(left.join(part), fs::Permissions::from_mode(0o000)).unwrap();
    }

    let (own, other) = (world.layer(), world.layer());

    assert!(!left.exists());
    assert_eq!(fs::read_dir(world.layers()).unwrap().count(), 2, "those in use stay");
    drop((own, other));
    assert_eq!(fs::read_dir(world.layers()).unwrap().count(), 0);
    assert_eq!(world.text("one"), "one\n");
}

#[tokio::test]
async fn many_files_are_committed() {
    // Once is enough for what takes so long.
    if !rustix::process::geteuid().is_root() && std::env::var("LAYER_AGAIN").is_ok() {
        return;
    }
    let world = world();
    let script = "i=0; while [ $i -lt 50 ]; do mkdir -p many/$i; j=0; while [ $j -lt 100 ]; do \
                  echo $i $j > many/$i/$j; j=$((j+1)); done; i=$((i+1)); done";
    let layer = world.in_layer(script).await;
    let begun = Instant::now();
    let plan = world.plan(layer);
    let planned = begun.elapsed();
    let committed = { plan }.commit().unwrap();
    println!("5000 files: planned in {planned:?}, committed in {:?}", begun.elapsed() - planned);
    assert_eq!((committed.effects.len(), committed.conflicts), (5051, vec![]));
    assert_eq!(world.text("many/49/99"), "49 99\n");
    let layer = world.in_layer("rm -rf many").await;
    assert_eq!(world.commit(layer).effects.len(), 5051);
    assert!(!world.work("many").exists());
}

#[test]
fn all_of_this_holds_for_an_ordinary_user() {
    layers::as_an_ordinary_user("a_program_leaves_in_a_layer_what_it_leaves_without");
}

#[tokio::test]
async fn a_program_has_shared_places_of_its_own() {
    let world = world();
    let layer = world.layer();
    let script = "echo mine > /dev/shm/openkoi-test && ls /dev/shm /var/tmp; \
                  python3 -c 'import multiprocessing as m; print(sum(m.Pool(2).map(abs, [-1, -2])))'; \
                  echo mine > /tmp/openkoi-test";

    let (out, code) = world.run(Some(&layer), script).await;

    assert_eq!(
        out.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>()[..4],
        ["/dev/shm:", "openkoi-test", "/var/tmp:", "3"],
        "{out}"
    );
    assert_eq!(code, Some(0), "{out}");
    assert!(
        !Path::new("/dev/shm/openkoi-test").exists() && !Path::new("/tmp/openkoi-test").exists()
    );
    let (again, _) = world.run(Some(&layer), "ls /dev/shm").await;
    assert_eq!(again, "", "they are gone with the program");
}

#[tokio::test]
async fn over_a_layer_nothing_outside_changes_its_mode_owner_or_time() {
    let world = world();
    let outside = world.base.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "theirs\n").unwrap();
    fs::create_dir(world.base.join("granted")).unwrap();
    let look = || {
        let meta = |path: &Path| {
            let meta = fs::metadata(path).unwrap();
            (meta.mode(), meta.uid(), meta.mtime(), meta.nlink(), meta.ctime_nsec())
        };
        (meta(&outside), meta(&outside.join("file")))
    };
    let before = look();
    let script = "chmod 777 $O $O/file; chown 1 $O/file; touch -d 2001-01-01 $O $O/file; ln $O/file hard; \
                  setfattr -n user.x -v y $O/file; chmod u+s $O/file; \
                  echo a > one && chmod 600 one && touch -d 2001-01-01 two && echo t > $TMPDIR/t && chmod 600 $TMPDIR/t \
                  && echo g > $G/g && chmod 600 $G/g && echo x > target/new && echo s > /dev/shm/s && echo n > /dev/null \
                  && echo written";
    let script = script.replace("$O", outside.to_str().unwrap());
    let script = script.replace("$G", world.base.join("granted").to_str().unwrap());
    let layer =
        world.processes.layer(&world.layers(), &world.work(""), vec!["target".into()]).unwrap();
    let mut command = Command::new("sh", world.work(""));
    command.arguments = vec!["-c".to_owned(), script];
    command.layer = Some(layer.mount());
    command.write = vec![world.base.join("granted"), world.base.join("not there")];
    command.read = vec![outside.clone()];
    command.one_stream = true;

    let (out, code) = layers::run(&world.processes, command).await;

    assert_eq!(look(), before, "{out}");
    assert!(code == Some(0) && out.ends_with("written\n"), "{out}");
    assert_eq!(fs::read_to_string(world.base.join("granted/g")).unwrap(), "g\n");
    assert_eq!(fs::read_to_string(world.work("target/new")).unwrap(), "x\n");
}

/// A world whose workspace is a home: OpenKoi's own files and secrets lie in it.
fn home_world() -> (World, Processes) {
    let world = world();
    for (path, text) in [
        (".koi/token", "SECRET\n"),
        (".koi/outputs/1", "earlier\n"),
        (".ssh/id", "SECRET\n"),
        (".netrc", "SECRET\n"),
        (".config/tool/auth", "SECRET\n"),
        (".config/other", "other\n"),
    ] {
        world.write(path, text);
    }
    let closed = [".koi", ".koi/data", ".ssh", ".netrc", ".config/tool", ".aws", ".pgpass"];
    let secret = closed.map(|path| world.work(path)).to_vec();
    let processes = world.processes_with(|settings| {
        settings.secret = secret;
        settings.spool = world.work(".koi/outputs");
    });
    (world, processes)
}

#[tokio::test]
async fn over_a_layer_of_a_home_its_secrets_are_closed_and_the_rest_is_open() {
    let (world, processes) = home_world();
    let layer = processes.layer(&world.layers(), &world.work(""), Vec::new()).unwrap();
    let mut command = Command::new("sh", world.work(""));
    let script = "ls -A . .koi .ssh .config; cat .netrc .ssh/id .config/tool/auth .koi/token; \
                  cat .koi/outputs/1 .config/other; echo x > .ssh/new; echo x > .koi/outputs/2; rm -rf .koi .netrc; \
                  mv .ssh .moved; mkdir .aws; echo x > .aws/credentials; echo x > .pgpass; \
                  echo made > made; echo made > .config/made";
    command.arguments = vec!["-c".to_owned(), script.to_owned()];
    command.layer = Some(layer.mount());

    let (out, code) = layers::run(&processes, command).await;
    let committed = world.commit(layer);

    assert_eq!(code, Some(0), "{out}");
    assert!(!out.contains("SECRET"), "{out}");
    assert!(out.contains("earlier\nother\n"), "{out}");
    assert_eq!(
        (world.text("made"), world.text(".config/made")),
        ("made\n".into(), "made\n".into())
    );
    let changed: Vec<&str> = committed.effects.iter().map(|effect| effect.path.as_str()).collect();
    assert_eq!(changed, [".config/made", "made"], "{out}");
    assert_eq!(committed.closed, [".aws", ".pgpass"]);
    for (path, text) in
        [(".netrc", "SECRET\n"), (".ssh/id", "SECRET\n"), (".koi/token", "SECRET\n")]
    {
        assert_eq!(world.text(path), text, "{path}");
    }
    for path in [".ssh/new", ".koi/outputs/2", ".aws", ".pgpass", ".moved"] {
        assert!(!world.work(path).exists(), "{path}");
    }
}

#[test]
fn there_is_no_layer_over_a_place_that_is_closed_itself() {
    let world = world();
    let processes = world.processes_with(|settings| settings.secret = vec![world.work("")]);

    let made = processes.layer(&world.layers(), &world.work(""), Vec::new());

    let reason = made.unwrap_err().to_string();
    assert!(reason.contains("closed to programs"), "{reason}");
}

/// Python, npm and Cargo at work on directories that were there before, which an overlay does not rename.
#[tokio::test]
async fn tools_that_move_directories_work_over_a_layer_and_a_bare_rename_is_told_why_not() {
    let world = world();
    let processes = world.processes_with(|settings| {
        let mut environment = (*settings.environment).clone();
        environment.extend(openkoi_test_support::home::host_environment());
        settings.read = places::toolchains(None, &environment);
        settings.environment = environment.into();
    });
    for (path, text) in [
        ("package.json", r#"{"name": "top", "version": "1.0.0"}"#),
        ("part/package.json", r#"{"name": "part", "version": "1.0.0"}"#),
        (
            "Cargo.toml",
            "[package]\nname = \"moved\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n",
        ),
        ("lib.rs", "pub fn one() -> u8 { 1 }\n"),
    ] {
        world.write(path, text);
    }
    let npm = "export npm_config_cache=$TMPDIR/npm; npm pack --silent --offline ./part > /dev/null && npm install --silent --offline --no-audit ./part-*.tgz && rm part-*.tgz";
    let again = format!(
        "sed -i s/1.0.0/2.0.0/ part/package.json && {npm} && grep -q 2.0.0 node_modules/part/package.json"
    );
    let bare = "import os; os.mkdir('n'); os.rename('n', 'm')\n\
                try: os.rename('src', 'source')\n\
                except OSError as error: print(error.errno)";
    let cargo = "cargo build -q --offline && echo 'pub fn two() -> u8 { 2 }' >> lib.rs";
    let scripts = [
        ("python3", "python3 -c \"import shutil; shutil.move('docs', 'papers')\"".to_owned(), ""),
        ("python3", format!("python3 -c \"{bare}\""), "18\n"),
        ("npm", npm.to_owned(), ""),
        ("npm", again, ""),
        ("cargo", cargo.to_owned(), ""),
        ("cargo", cargo.to_owned(), ""),
    ];
    for (program, script, expected) in scripts {
        if !processes.exists(program, &world.work("")) {
            continue;
        }
        let layer = processes.layer(&world.layers(), &world.work(""), Vec::new()).unwrap();
        let mut command = Command::new("sh", world.work(""));
        command.arguments = vec!["-c".to_owned(), script.clone()];
        command.layer = Some(layer.mount());

        let (out, code) = layers::run(&processes, command).await;

        assert_eq!((out.as_str(), code), (expected, Some(0)), "{script}");
        assert_eq!(world.commit(layer).conflicts, [], "{script}");
    }
}
