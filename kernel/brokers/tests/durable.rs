//! Durable files, also with a kill at every step.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::durable::{
    DurableError, append_line, create_private_dir, private_outside, put_atomic, retain_lines,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_is_replaced_with_its_mode() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("settings");

    put_atomic(&path, b"first", 0o644).unwrap();
    put_atomic(&path, b"second", 0o600).unwrap();

    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_private_directory_is_closed_even_if_it_was_open() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a/b");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();

    create_private_dir(&path).unwrap();
    create_private_dir(&home.path().join("c/d")).unwrap();

    assert_eq!(
        (mode(&path), mode(&home.path().join("c")), mode(&home.path().join("c/d"))),
        (0o700, 0o700, 0o700)
    );
}

#[test]
fn a_torn_line_is_ended_before_the_next() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");
    append_line(&path, b"one", 0o600).unwrap();
    let torn = [std::fs::read(&path).unwrap(), b"tor".to_vec()].concat();
    std::fs::write(&path, torn).unwrap();

    append_line(&path, b"two", 0o600).unwrap();

    assert_eq!(std::fs::read(&path).unwrap(), b"one\ntor\ntwo\n");
    assert!(matches!(append_line(&path, b"a\nb", 0o600), Err(DurableError::Line { .. })));
}

#[test]
fn lines_of_many_writers_do_not_mix() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");

    std::thread::scope(|scope| {
        for writer in 0..4_u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..25 {
                    append_line(path, &[b'a' + writer; 200], 0o600).unwrap();
                }
            });
        }
    });

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 100);
    assert!(
        text.lines().all(|line| line.len() == 200 && line.bytes().all(|b| b == line.as_bytes()[0]))
    );
}

#[test]
fn a_missing_directory_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("no/file");

    let error = put_atomic(&path, b"x", 0o600).unwrap_err();

    assert_eq!(
        error.to_string(),
        format!("cannot write `{}`: its directory does not exist", path.display())
    );
}

/// Runs the ignored test `replace_a_file_and_say_so` in a process of its own, with fail points.
fn replaced_by_another_process(path: &Path, failpoints: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "replace_a_file_and_say_so", "--nocapture"])
        .env("OPENKOI_FAILPOINTS", failpoints)
        .env("DURABLE_PATH", path)
        .output()
        .unwrap()
        .status
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn replace_a_file_and_say_so() {
    let path = std::env::var_os("DURABLE_PATH").unwrap();
    put_atomic(Path::new(&path), b"new", 0o600).unwrap();
}

#[test]
fn a_kill_leaves_the_old_file_or_the_new_one() {
    for (point, expected) in [("durable-temp-written", &b"old"[..]), ("durable-renamed", b"new")] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, "old").unwrap();

        let status = replaced_by_another_process(&path, &format!("{point}=kill"));

        assert_eq!(status.signal(), Some(9), "{point}");
        assert_eq!(std::fs::read(&path).unwrap(), expected, "{point}");
    }
}

#[test]
fn an_error_leaves_no_temporary_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    std::fs::write(&path, "old").unwrap();

    let status = replaced_by_another_process(&path, "durable-temp-written=error");

    assert!(!status.success());
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn an_unknown_fail_point_is_not_passed_over() {
    let home = tempfile::tempdir().unwrap();

    let status = replaced_by_another_process(&home.path().join("file"), "no-such-point=kill");

    assert!(!status.success());
}

#[test]
fn lines_that_are_appended_while_others_are_removed_are_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("log");
    std::thread::scope(|scope| {
        for writer in 0..4_u8 {
            scope.spawn(move || {
                for number in 0..50 {
                    append_line(path, format!("stays {writer} {number}").as_bytes(), 0o600)
                        .unwrap();
                    append_line(path, b"goes", 0o600).unwrap();
                }
            });
        }
        for _ in 0..40 {
            if path.exists() {
                retain_lines(path, 0o600, |line| line.starts_with(b"stays")).unwrap();
            }
        }
    });
    retain_lines(path, 0o600, |line| line.starts_with(b"stays")).unwrap();

    let text = std::fs::read_to_string(path).unwrap();
    let lines: std::collections::BTreeSet<&str> = text.lines().collect();
    assert_eq!((lines.len(), text.lines().count()), (200, 200));
    assert!(!text.contains("goes"));
}

#[test]
fn a_private_directory_lies_outside_and_is_the_users_own() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().canonicalize().unwrap();
    let (workspace, other) = (base.join("work"), base.join("other"));
    for path in [&workspace, &other] {
        fs::create_dir(path).unwrap();
    }
    let place = |parents: &[&PathBuf]| {
        private_outside(&workspace, parents.iter().map(|path| (*path).clone()))
    };

    let made = place(&[&workspace, &base.join("gone"), &other]).unwrap();

    assert_eq!(made.parent(), Some(other.as_path()));
    assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(place(&[&other]), Some(made), "it is found again");
    assert_eq!(place(&[&workspace]), None);
    assert_eq!(fs::read_dir(&workspace).unwrap().count(), 0, "nothing is made inside");
}

#[test]
fn a_directory_that_others_may_have_made_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().canonicalize().unwrap();
    let found = || private_outside(Path::new("/nowhere"), [base.clone()]);
    let made = found().unwrap();

    fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
    let open = found();
    fs::remove_dir(&made).unwrap();
    std::os::unix::fs::symlink("/", &made).unwrap();
    let linked = found();

    assert_eq!((open, linked), (None, None));
}
