//! Where no overlay can be mounted, as in most containers: changed tests run as they were in a copy of the workspace.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use openkoi_test_support::{
    Home, Kind, Run,
    kernel::{Missing, without},
    script::{Script, Turn, turn},
};

use serde_json::json;

use crate::world::{LONG, TASK};

const FIXED: &str = include_str!("../../fixtures/python/fixed/percent.py");
const MORE: &str = "import unittest\nfrom percent import percent\n\n\nclass More(unittest.TestCase):\n    \
                    def test_all_of_it(self):\n        self.assertEqual(percent(2, 2), 100)\n";

/// Mends the product and adds a test.
fn mends_and_adds() -> [Turn; 2] {
    let deed = turn().executor().in_round(0).write("percent.py", FIXED);
    [deed.write("test_more.py", MORE), turn().executor().say("Done.")]
}

fn home(turns: impl IntoIterator<Item = Turn>) -> Home {
    let plan = json!({
        "effort": "change", "kind": "code", "steps": ["fix it"],
        "criteria": [{ "text": "all tests pass", "check": "test" }],
    });
    let company = [turn().planner().call("submit_plan", plan), turn().evaluator().judges(9.0)];
    let script = Script::new(turns).and(company);
    Home::new().project(Kind::Python).script(&script)
}

/// Runs a task on a system without namespaces.
fn run(home: &Home) -> Run {
    openkoi_test_support::binary::openkoi();
    without(&[libc::SYS_unshare], Missing::IsSaid, || {
        home.openkoi([TASK, "-i", "1"]).timeout(LONG).run()
    })
}

/// The directory of copies, wherever the data lies.
fn copies(directory: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    let mut entries: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    entries.sort();
    let found = entries.iter().find(|path| path.file_name().is_some_and(|name| name == "copies"));
    found.cloned().or_else(|| entries.iter().find_map(|path| copies(path)))
}

#[test]
fn tests_that_a_task_adds_are_no_question_and_nothing_of_the_copy_stays() {
    let home = home(mends_and_adds());

    let run = run(&home).expect_code(0);

    assert!(run.stderr.contains("with the tests as they were"), "{run}");
    assert!(run.stderr.contains("(verified:"), "{run}");
    assert!(home.has("test_more.py") && home.read("percent.py") == FIXED);
    let copies = copies(home.root()).expect("there was one");
    assert_eq!(fs::read_dir(copies).unwrap().count(), 0);
}

#[test]
fn a_model_in_a_linked_working_tree_is_told_that_it_cannot_commit_only_where_that_is_so() {
    let told = "programs can read the repository and not write to it";
    let answers = [turn().once_said(told).say("You commit."), turn().say("I commit.")];
    let home = Home::new().script(&Script::new(answers));
    let main = home.root().join("main");
    fs::create_dir(&main).unwrap();
    let git = |arguments: &[&str]| {
        let me = ["-c", "user.name=Me", "-c", "user.email=me@example.org"];
        let mut git = Command::new("git");
        let ran = git.args(me).args(arguments).current_dir(&main).status();
        assert!(ran.unwrap().success(), "{arguments:?}");
    };
    let workspace = home.workspace();
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&["worktree", "add", "-q", "-b", "beside", &workspace.to_string_lossy()]);
    let ask = |home: &Home| home.openkoi(["who commits?", "-i", "0"]).run().expect_code(0).stdout;

    assert_eq!(ask(&home), "I commit.\n");
    let without = without(&[libc::SYS_unshare], Missing::IsSaid, || ask(&home));
    assert_eq!(without, "You commit.\n");
}

#[test]
fn a_test_that_is_told_the_answer_is_put_back_and_not_believed() {
    let told = "import unittest\n\n\nclass Percent(unittest.TestCase):\n    def test_half_is_fifty(self):\n        pass\n\n    \
                def test_nothing_of_nothing_is_nothing(self):\n        pass\n\n    \
                def test_two_thirds_are_rounded_up(self):\n        pass\n";
    let cheat = turn().executor().in_round(0).write("test_percent.py", told);
    let home = home([cheat, turn().executor().say("Done.")]);
    let before = home.read("test_percent.py");

    let run = run(&home).expect_code(1);

    assert!(!run.stderr.contains("(verified:"), "{run}");
    assert_eq!(home.read("test_percent.py"), before, "{run}");
}

#[test]
fn what_a_killed_run_left_of_a_copy_goes_with_the_next_task() {
    let home = home(mends_and_adds());
    run(&home).expect_code(0);
    let left = copies(home.root()).unwrap().join("left");
    fs::create_dir_all(left.join("work")).unwrap();

    run(&home);

    assert!(!left.exists());
}

/// Nothing would keep a program in a copy from the files as they are.
#[test]
fn without_a_sandbox_changed_tests_are_a_question_and_the_reason_is_told() {
    let home = home(mends_and_adds()).config("[sandbox]\nmode = \"off\"");

    let run = home.openkoi([TASK, "-i", "1"]).timeout(LONG).run().expect_code(8);

    assert!(run.stderr.contains("could not be run with the tests as they were"), "{run}");
    assert!(run.stderr.contains("without a sandbox"), "{run}");
    assert!(home.has("test_more.py") && home.read("percent.py") == FIXED, "the work stays");
}
