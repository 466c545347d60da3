//! `--dry-run`: the whole loop, and nothing of it stays.

use std::{fs, path::PathBuf};

use openkoi_test_support::{Home, Kind, script::turn};
use serde_json::json;

use crate::world::{LONG, TASK, assert_untouched, scripted};

/// What is left in the places for copies.
fn copies(home: &Home) -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let base = home.temp().join(format!("openkoi-{uid}")).join("dry-runs");
    fs::read_dir(base).map(|all| all.flatten().map(|one| one.path()).collect()).unwrap_or_default()
}

#[test]
fn a_dry_run_does_everything_and_changes_nothing() {
    let kind = Kind::Shell;
    let home = scripted([
        turn().executor().in_round(0).write(kind.source(), kind.fix()),
        // What came before is seen by everything that comes after.
        turn().executor().in_round(1).shell("sh test.sh && echo built > made && rm old.txt"),
        turn().executor().in_round(2).call("read_file", json!({ "path": "made" })),
        turn().executor().say("Done."),
    ])
    .file("old.txt", "old\n");
    let before = home.tree();

    let run = home.openkoi(["--dry-run", TASK]).timeout(LONG).run().expect_code(0);

    assert_untouched(&home, &before, &run);
    for line in ["dry run: works in a copy of", "made (new)", "Dry run: nothing of this is in"] {
        assert!(run.stderr.contains(line), "{line}: {run}");
    }
    assert!(run.stderr.contains("read_file made · 1 line"), "{run}");
    assert!(run.stderr.contains("script:test=passed"), "the checks ran over it: {run}");
    assert!(!run.stderr.contains("openkoi undo"), "{run}");
    let diff = home.openkoi(["task", "diff", &home.ids()[0]]).run().expect_code(0).stdout;
    assert!(diff.contains("+built") && diff.contains("-old"), "{diff}");
    assert_eq!(copies(&home), Vec::<PathBuf>::new(), "the copy is gone");
    let undone = home.openkoi(["undo", "--yes"]).run();
    assert_untouched(&home, &before, &undone);
}

#[test]
fn a_repository_is_committed_to_in_the_copy() {
    let home = scripted([
        turn().executor().in_round(0).shell(
            "git add -A && git -c user.name=a -c user.email=a@b.c commit -qm two && git log --oneline | wc -l",
        ),
        turn().executor().say("Done."),
    ]);
    let git = "git init -q . && git add -A && git -c user.name=a -c user.email=a@b.c commit -qm one && echo x > new";
    let made =
        std::process::Command::new("sh").args(["-c", git]).current_dir(home.workspace()).status();
    assert!(made.unwrap().success());
    let before = home.tree();

    let run = home.openkoi(["--dry-run", TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);

    assert!(run.stderr.contains("exit code 0"), "{run}");
    assert_untouched(&home, &before, &run);
}

#[test]
fn what_would_outlive_the_copy_is_closed() {
    let granted = tempfile::tempdir().unwrap();
    let there = granted.path().join("there");
    let home = scripted([
        turn().executor().in_round(0).shell(&format!("echo x > '{}'; echo $?", there.display())),
        turn().executor().in_round(1).shell("curl -sS -m 5 https://docs.rs/"),
        turn().executor().say("Done."),
    ]);
    let write = granted.path().display().to_string();
    let home = home.config(&format!("[sandbox]\nwrite = [{write:?}]\nnetwork = true"));

    let run = home.openkoi(["--dry-run", TASK, "-i", "0"]).timeout(LONG).run();

    assert!(!there.exists(), "{run}");
    assert!(!run.stderr.contains("curl -sS -m 5 https://docs.rs/ · exit code 0"), "{run}");
}

#[test]
fn a_dry_run_that_stops_is_not_offered_to_be_taken_up() {
    let deed = turn().executor().in_round(0).shell("echo x > made");
    let home =
        scripted([deed, turn().executor().say("I may not.")]).config("[trust]\ndefault = \"ask\"");
    let before = home.tree();

    let run = home.openkoi(["--dry-run", TASK, "-i", "0"]).timeout(LONG).run().expect_code(8);

    assert_untouched(&home, &before, &run);
    assert!(!run.stderr.contains("openkoi resume"), "{run}");
    assert!(run.stderr.contains("its copy is gone"), "{run}");
}

#[test]
fn without_a_sandbox_there_is_no_dry_run() {
    let home = scripted([turn().executor().say("Done.")]).config("[sandbox]\nmode = \"off\"");

    let run = home.openkoi(["--dry-run", TASK]).run().expect_code(2);

    assert!(run.stderr.contains("there can be no dry run"), "{run}");
}

#[test]
fn what_a_killed_dry_run_left_goes_with_the_next() {
    let home = scripted([turn().executor().in_round(0).shell("true"), turn().executor().say("x")]);
    let killed = home
        .openkoi(["--dry-run", TASK, "-i", "0"])
        .env(openkoi_brokers::failpoint::VARIABLE, "process-spawned=kill")
        .timeout(LONG)
        .run()
        .expect_code(137);
    assert_eq!(copies(&home).len(), 1, "{killed}");

    let next = home.openkoi(["--dry-run", TASK, "-i", "0"]).timeout(LONG).run();

    assert_eq!(copies(&home), Vec::<PathBuf>::new(), "{next}");
}
