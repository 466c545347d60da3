//! A component that is rarely used comes as WebAssembly, and is compiled where it is used for the first time.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use openkoi_test_support::{Bedrock, Home, Kind, Run, bedrock, reply, server::Server};

use crate::world::LONG;

/// A world whose provider is one that few people use, and which answers so many questions.
fn world(questions: usize) -> (Server<bedrock::Converse>, Home) {
    let server = Bedrock::start((0..questions).map(|_| reply("Hi.")));
    let home = Home::new().project(Kind::Shell).provider(&server);
    (server, home)
}

fn ask(home: &Home) -> Run {
    home.openkoi(["hello", "-i", "0"]).timeout(LONG).run().expect_code(0)
}

/// Where its code is kept.
fn place(home: &Home) -> PathBuf {
    home.path().join("data/code")
}

/// The files with code.
fn kept(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(place(home)).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| !path.ends_with("key")).collect()
}

fn written(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|meta| meta.modified()).unwrap()
}

#[test]
fn a_rare_provider_is_compiled_at_its_first_use_and_not_again() {
    let (server, home) = world(2);
    assert_eq!(kept(&home), Vec::<PathBuf>::new());

    ask(&home);
    let [path] = &kept(&home)[..] else { panic!("{:?}", kept(&home)) };
    let first = written(path);
    ask(&home);

    assert_eq!(written(path), first);
    assert_eq!(kept(&home).len(), 1);
    server.finish();
}

#[test]
fn kept_code_that_was_damaged_is_made_again() {
    let (server, home) = world(2);
    ask(&home);
    let path = kept(&home).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0xff;
    fs::write(&path, &damaged).unwrap();

    ask(&home);

    assert!(fs::read(&path).unwrap() == whole, "it is as it was");
    server.finish();
}

#[test]
fn a_rare_provider_works_where_nothing_can_be_kept() {
    let (server, home) = world(2);
    fs::create_dir_all(home.path().join("data")).unwrap();
    fs::write(place(&home), "not a directory").unwrap();

    ask(&home);
    let run = ask(&home);

    assert!(!run.said().contains("code"), "{run}");
    assert_eq!(fs::read_to_string(place(&home)).unwrap(), "not a directory");
    server.finish();
}

#[test]
fn two_first_uses_at_once_both_work() {
    let (server, home) = world(2);

    let both = [(); 2].map(|()| home.openkoi(["hello", "-i", "0"]).timeout(LONG).start());
    for one in both {
        one.wait().expect_code(0);
    }

    assert_eq!(kept(&home).len(), 1);
    server.finish();
}
