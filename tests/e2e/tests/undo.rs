//! `openkoi undo`: everything that a task did to the workspace, and back again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use openkoi_test_support::{Home, Kind, turn};

use crate::world::{LONG, TASK, scripted};

/// A task that changes, adds and removes files, by tools and behind their back.
fn busy() -> Home {
    let kind = Kind::Shell;
    let effects = "rm notes.txt; mkdir -p deep/er; echo x > deep/er/new; chmod +x test.sh; ln -s test.sh link";
    scripted([
        turn().executor().after("shell").say("Fixed."),
        turn().executor().after("write_file").shell(effects),
        turn().executor().write(kind.source(), kind.fix()),
    ])
    .file("notes.txt", "remember")
    .file("image.bin", [0, 159, 146, 150])
}

#[test]
fn undo_brings_back_every_byte_and_every_mode() {
    let home = busy();
    let before = home.tree();
    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let after = home.tree();
    assert_eq!(
        before.differences(&after),
        [
            "added deep/er/new",
            "added link",
            "removed notes.txt",
            "changed percent.sh",
            "changed test.sh"
        ],
        "{run}"
    );

    let undone = home.openkoi(["undo", "--yes"]).run().expect_code(0);

    assert_eq!(before.differences(&home.tree()), Vec::<String>::new(), "{undone}");
}

#[test]
fn what_a_power_cut_took_of_kept_contents_comes_back() {
    let kind = Kind::Shell;
    let home = scripted([
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().write(kind.source(), kind.fix()),
    ]);
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let mut files = files_below(&home.path());
    files.retain(|path| fs::read(path).unwrap() == kind.fix().as_bytes());
    assert_eq!(files.len(), 1, "{files:?}");
    fs::write(&files[0], "").unwrap();

    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);
    assert_eq!(home.read(kind.source()), kind.fix());
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(directories.iter().flat_map(|directory| files_below(directory)));
    files
}

#[test]
fn undo_can_be_undone() {
    let home = busy();
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let after = home.tree();
    home.openkoi(["undo", "--yes"]).run().expect_code(0);

    let again = home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);

    assert_eq!(after.differences(&home.tree()), Vec::<String>::new(), "{again}");
}

#[test]
fn without_a_word_of_consent_undo_only_shows_what_it_would_do() {
    let home = busy();
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let after = home.tree();

    let run = home.openkoi(["undo"]).run();

    assert_eq!(after.differences(&home.tree()), Vec::<String>::new(), "{run}");
    for path in ["notes.txt", "percent.sh", "deep/er/new"] {
        assert!(run.said().contains(path), "{path}: {run}");
    }
    assert!(run.said().contains("--yes"), "{run}");
}

#[test]
fn what_a_person_did_after_the_task_is_not_lost() {
    let home = busy();
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let home = home.file("mine.txt", "by hand");

    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);

    assert_eq!(home.read("mine.txt"), "by hand");
}

#[test]
fn with_nothing_to_undo_it_says_so() {
    let home = scripted([]);

    let run = home.openkoi(["undo", "--yes"]).run();

    assert_ne!(run.code, 0, "{run}");
    assert_eq!(run.stdout, "", "{run}");
}

#[test]
fn a_repository_and_what_it_ignores_are_left_alone() {
    let home = busy()
        .file(".gitignore", "ignored/\n")
        .file("ignored/cache", "1")
        .file(".git/HEAD", "ref: x\n");
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let home = home.file("ignored/cache", "2").file(".git/index", "new");

    home.openkoi(["undo", "--yes"]).run().expect_code(0);

    assert_eq!(
        (home.read("ignored/cache").as_str(), home.read(".git/index").as_str()),
        ("2", "new")
    );
}

#[test]
fn of_a_repository_that_a_task_began_its_objects_stay_and_are_named() {
    let home = scripted([
        turn().executor().after("shell").say("finished"),
        turn().executor().shell(
            "git init -q . && git add -A && git -c user.name=a -c user.email=a@a commit -qm one",
        ),
    ]);
    home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);
    let whole = home.read(".git/HEAD");

    let undone = home.openkoi(["undo", "--yes"]).run().expect_code(0);

    assert!(!home.has(".git/HEAD") && home.has(".git/objects"), "{undone}");
    let said = undone.said();
    assert!(said.contains("of the repository, .git/objects stays"), "{undone}");
    home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);
    assert_eq!(home.read(".git/HEAD"), whole);
}

#[test]
fn ignored_files_that_a_task_removed_come_back() {
    let home = scripted([
        turn().executor().after("shell").say("finished"),
        turn().executor().shell("rm -rf .env data"),
    ])
    .file(".gitignore", ".env\ndata/\n")
    .file(".env", "K=1\n")
    .file("data/d.csv", "1\n");
    let before = home.tree();
    let run = home.openkoi([TASK]).args(["-i", "0"]).timeout(LONG).run().expect_code(0);
    assert!(!home.has(".env"), "{run}");

    let undone = home.openkoi(["undo", "--yes"]).run();

    if undone.code != 0 && undone.said().contains("no task has changed anything") {
        // Without layers what is ignored is only named.
        openkoi_test_support::skip::skip(
            "ignored_files_that_a_task_removed_come_back",
            "no layers",
        );
        return;
    }
    assert_eq!(before.differences(&home.tree()), Vec::<String>::new(), "{undone}");
}

#[test]
fn what_a_build_takes_away_of_its_own_is_no_change_and_what_it_takes_of_yours_is() {
    let home = scripted([
        turn().executor().after("shell").say("finished"),
        turn().executor().shell("sh build.sh"),
    ])
    .file(".gitignore", "target/\ndata/\n")
    .file(
        "build.sh",
        "rm target/debug/old data/old; echo new > target/debug/new; echo new > made\n",
    )
    .file("target/debug/old", "old\n")
    .file("data/old", "old\n");
    let run = home.openkoi([TASK]).args(["-i", "0"]).timeout(LONG).run().expect_code(0);

    let listed = home.openkoi(["task", "diff", "--json"]).run();
    if !listed.stdout.contains("data/old") {
        let name = "what_a_build_takes_away_of_its_own_is_no_change_and_what_it_takes_of_yours_is";
        openkoi_test_support::skip::skip(name, "no layers");
        return;
    }
    assert!(listed.stdout.contains("made") && !listed.stdout.contains("target/"), "{listed}");
    assert!(run.stderr.contains("not covered by an undo: target (ignored)"), "{run}");
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(home.has("data/old") && !home.has("made") && home.has("target/debug/new"));
}

#[test]
fn only_what_the_task_changed_is_taken_back() {
    let home = scripted([
        turn().executor().after("write_file").say("finished"),
        turn().executor().write("t.txt", "agent\n"),
    ])
    .file("t.txt", "1\n");
    home.openkoi([TASK]).args(["-i", "0"]).timeout(LONG).run().expect_code(0);
    let home = home.file("later.txt", "mine\n");

    let run = home.openkoi(["undo", "--yes"]).run().expect_code(0);

    assert_eq!((home.read("t.txt").as_str(), home.read("later.txt").as_str()), ("1\n", "mine\n"));
    assert!(!run.said().contains("later.txt"), "{run}");
}

#[test]
fn what_somebody_changed_after_the_task_stays_and_is_named() {
    let home = busy();
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let home = home.file("percent.sh", "by hand\n");

    let run = home.openkoi(["undo", "--yes"]).run().expect_code(1);

    assert!(run.said().contains("percent.sh"), "{run}");
    assert_eq!(home.read("percent.sh"), "by hand\n");
    assert_eq!(home.read("notes.txt"), "remember");
}

#[test]
fn the_difference_of_a_task_is_its_own() {
    let home = scripted([
        turn().executor().after("write_file").say("finished"),
        turn().executor().write("t.txt", "agent\n"),
    ])
    .file("t.txt", "1\n");
    home.openkoi([TASK]).args(["-i", "0"]).timeout(LONG).run().expect_code(0);
    let home = home.file("later.txt", "mine\n");
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let tasks: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let id = tasks["tasks"][0]["id"].as_str().expect("an id");

    let run = home.openkoi(["task", "diff", id]).run().expect_code(0);

    assert_eq!(run.stdout, "--- a/t.txt\n+++ b/t.txt\n@@ -1 +1 @@\n-1\n+agent\n", "{run}");
}

#[test]
fn a_difference_and_a_step_to_go_back_to_are_of_the_last_task_here_that_changed_something() {
    let home = scripted([
        turn().executor().once_said("what is it").say("A percentage."),
        turn().executor().after_result("second.txt").say("Done."),
        turn().executor().after_result("first.txt").write("second.txt", "second\n"),
        turn().executor().write("first.txt", "first\n"),
    ]);
    home.openkoi(["write two files", "-i", "0"]).run().expect_code(0);
    home.openkoi(["what is it?", "-i", "0"]).run().expect_code(0);

    let diff = home.openkoi(["task", "diff"]).run().expect_code(0);
    let steps = home.openkoi(["rewind"]).run().expect_code(0);
    let elsewhere = home.openkoi(["task", "diff"]).in_dir(home.user()).run().expect_code(1);

    assert!(diff.stdout.contains("+first") && diff.stdout.contains("+second"), "{diff}");
    assert_eq!(steps.stdout.lines().count(), 3, "{steps}");
    for line in ["1  write_file first.txt: 1 file", "2  write_file second.txt: 1 file"] {
        assert!(steps.stdout.contains(line), "{steps}");
    }
    assert!(elsewhere.stderr.contains("no task has changed anything"), "{elsewhere}");
    let id = steps.stdout.lines().last().and_then(|line| line.split(' ').nth_back(1));
    home.openkoi(["rewind", id.unwrap_or_default(), "1", "--yes"]).run().expect_code(0);
    assert!(home.has("first.txt") && !home.has("second.txt"));
}

#[test]
fn whoever_goes_on_with_a_conversation_hears_what_was_taken_back() {
    let home = scripted([
        turn().executor().once_said("is not there any more: the user took it back").say("I see."),
        turn().executor().once_said("go on").say("All is there."),
        turn().executor().after("write_file").say("Done."),
        turn().executor().write("first.txt", "first\n"),
    ]);
    home.openkoi(["write a file", "-i", "0"]).run().expect_code(0);
    let goes_on = || home.openkoi(["-c", "go on", "-i", "0"]).run().expect_code(0).stdout;
    assert_eq!(goes_on(), "All is there.\n");

    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert_eq!(goes_on(), "I see.\n");

    home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);
    assert_eq!(goes_on(), "All is there.\n");
}

#[test]
fn a_conversation_goes_on_from_the_step_that_the_files_went_back_to() {
    let home = scripted([
        turn().executor().once_said("Then the user went back to here").say("From there."),
        turn().executor().once_said("Both are written.").say("All is there."),
        turn().executor().after_result("second.txt").say("Both are written."),
        turn().executor().after_result("first.txt").write("second.txt", "second\n"),
        turn().executor().write("first.txt", "first\n"),
    ]);
    home.openkoi(["write two files", "-i", "0"]).run().expect_code(0);
    let goes_on =
        |extra: &[&str]| home.openkoi(extra).args(["go on", "-i", "0"]).run().expect_code(0).stdout;

    let rewound = home.openkoi(["rewind", "--yes"]).run().expect_code(0);
    let id = rewound.stdout.lines().last().and_then(|line| line.split(' ').nth_back(1)).unwrap();
    let rewound = home.openkoi(["rewind", id, "1", "--yes"]).run().expect_code(0);
    let hint = rewound.stdout.lines().find(|line| line.contains("openkoi -r ")).unwrap();
    let session = hint.split("openkoi -r ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(home.has("first.txt") && !home.has("second.txt"));

    assert_eq!(goes_on(&["-r", session, "--fork"]), "From there.\n");
    home.openkoi(["undo", id, "--redo", "--yes"]).run().expect_code(0);
    assert!(home.has("second.txt"));
    assert_eq!(goes_on(&["-r", session, "--fork"]), "All is there.\n");

    home.openkoi(["rewind", id, "1", "--yes"]).run().expect_code(0);
    assert_eq!(goes_on(&["-r", session]), "From there.\n");
    // What was said from there on is the conversation now.
    assert_eq!(goes_on(&["-r", session]), "From there.\n");
}
