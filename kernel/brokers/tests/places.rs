//! A workspace below `/tmp`: its programs have a `/tmp` of their own all the same, with what they are given in it.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::World;
use openkoi_brokers::processes::{Command, Processes};
use std::fs;
use std::path::Path;

/// A world below `/tmp`, whatever the variable for temporary files says.
fn below_tmp() -> (tempfile::TempDir, World) {
    let place = tempfile::Builder::new().prefix("koi-places-").tempdir_in("/tmp").unwrap();
    let base = place.path().canonicalize().unwrap();
    for directory in ["work", "read", "write"] {
        fs::create_dir(base.join(directory)).unwrap();
    }
    fs::write(base.join("read/theirs"), "theirs\n").unwrap();
    let world = World::at(&base);
    world.write("one", "one\n");
    (place, world)
}

async fn run(world: &World, processes: &Processes, script: &str) -> String {
    let layer = world.layer();
    let command = Command {
        arguments: vec!["-c".to_owned(), script.to_owned()],
        layer: Some(layer.mount()),
        write: vec![world.base.join("write")],
        one_stream: true,
        ..Command::new("sh", world.work(""))
    };
    let (said, _) = layers::run(processes, command).await;
    world.commit(layer);
    said
}

#[tokio::test]
async fn a_workspace_below_tmp_has_a_tmp_of_its_own_around_it() {
    let (place, world) = below_tmp();
    fs::create_dir(world.base.join("home")).unwrap();
    let processes = world.processes_with(|settings| {
        settings.read.push(world.base.join("read"));
        let mut environment = (*settings.environment).clone();
        environment.insert("HOME".into(), world.base.join("home").into());
        settings.environment = environment.into();
    });
    let name = place.path().file_name().unwrap().to_string_lossy().into_owned();
    let own = format!("own-{name}");

    let script = format!(
        "echo x > /tmp/{own} && cat /tmp/{own} && mkdir /tmp/more && ls -A /tmp | sort | tr '\\n' ' '; echo; \
         cat one ../read/theirs; echo two > two; echo three > ../write/three; mv /tmp/{own} moved && cat moved; \
         (echo no > ../beside) 2>/dev/null || echo closed beside; \
         (echo no > ../read/theirs) 2>/dev/null || echo closed to read; \
         chmod 777 ../read/theirs 2>/dev/null || echo closed mode; \
         mkdir /tmp/{name}/made 2>/dev/null || echo closed way; test -d $HOME && echo home; (echo no > $HOME/made) 2>/dev/null || echo closed home; \
         echo $TMPDIR > $TMPDIR/t && echo temporary"
    );
    let said = run(&world, &processes, &script).await;

    let expected = format!(
        "x\n{name} more {own} \none\ntheirs\nx\nclosed beside\nclosed to read\nclosed mode\nclosed way\nhome\nclosed home\ntemporary\n"
    );
    assert_eq!(said, expected);
    let read = |path: &str| fs::read_to_string(world.base.join(path)).unwrap_or_default();
    assert_eq!(
        [read("work/two"), read("work/moved"), read("write/three")],
        ["two\n", "x\n", "three\n"]
    );
    assert_eq!(read("read/theirs"), "theirs\n");
    assert!(!world.base.join("beside").exists() && !world.base.join("made").exists());
    assert!(!Path::new("/tmp").join(&own).exists(), "nothing of it is in the machine's");
    let next = run(&world, &processes, &format!("ls -A /tmp; cat two; ls {own} 2>&1 >&-")).await;
    assert!(next.starts_with(&format!("{name}\ntwo\n")), "nor in the next program's: {next}");
}

#[tokio::test]
async fn where_a_part_of_what_is_given_in_tmp_is_closed_tmp_stays_as_it_is() {
    let (_place, world) = below_tmp();
    fs::create_dir(world.base.join("read/closed")).unwrap();
    fs::write(world.base.join("read/closed/key"), "s3cr3t\n").unwrap();
    let processes = world.processes_with(|settings| {
        settings.read.push(world.base.join("read"));
        settings.secret.push(world.base.join("read/closed"));
    });

    let script = "(echo x > /tmp/own-of-none) 2>/dev/null || echo closed; cat ../read/theirs; \
                  cat ../read/closed/key 2>/dev/null || echo secret; echo two > two";
    let said = run(&world, &processes, script).await;

    assert_eq!(said, "closed\ntheirs\nsecret\n");
    assert_eq!(fs::read_to_string(world.work("two")).unwrap(), "two\n");
}
