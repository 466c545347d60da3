//! What is remembered: later tasks are told it, as notes; forgetting it is real.

use openkoi_test_support::{Home, Kind, OpenAi, reply};

#[test]
fn a_sentence_that_was_remembered_is_told_to_the_next_tasks_here_and_nowhere_else() {
    let server = OpenAi::start(vec![reply("Four."), reply("Four.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi(["memory", "add", "Answer in one word."]).run().expect_code(0);
    home.openkoi(["memory", "add", "--everywhere", "Never push to main."]).run().expect_code(0);
    std::fs::create_dir(home.root().join("other")).unwrap();
    let elsewhere = home.root().join("other").to_string_lossy().into_owned();

    home.openkoi(["what is 2+2?"]).run().expect_code(0);
    home.openkoi(["--workspace", &elsewhere, "what is 2+2?"]).run().expect_code(0);

    let turns = server.turns();
    let told = &turns[0].text;
    assert!(told.contains("Answer in one word. (the user)"), "{told}");
    assert!(told.contains("Never push to main. (the user)"), "{told}");
    let told = &turns[1].text;
    assert!(!told.contains("Answer in one word."), "{told}");
    assert!(told.contains("Never push to main."), "{told}");
    server.finish();
}

#[test]
fn all_working_trees_of_a_repository_have_the_same_memories() {
    let server = OpenAi::start(vec![reply("Four."), reply("Four.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.current_dir(home.workspace()).args([
            "-c",
            "user.name=K",
            "-c",
            "user.email=k@koi.example",
        ]);
        assert!(git.args(arguments).output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "one"]);
    let other = home.root().join("other").to_string_lossy().into_owned();
    git(&["worktree", "add", "-q", &other]);
    home.openkoi(["memory", "add", "Answer in one word."]).run().expect_code(0);

    home.openkoi(["--workspace", &other, "what is 2+2?"]).run().expect_code(0);
    // What a dry run is told is what the run itself would be.
    home.openkoi(["--dry-run", "what is 2+2?"]).run().expect_code(0);
    for turn in server.turns() {
        assert!(turn.text.contains("Answer in one word."), "{}", turn.text);
    }
    let listed = home.openkoi(["--workspace", &other, "memory"]).run().expect_code(0);
    assert!(listed.stdout.contains("Answer in one word."), "{listed}");
    server.finish();
}

#[test]
fn what_was_forgotten_is_told_no_more_and_the_task_that_was_told_it_can_still_be_verified() {
    let server = OpenAi::start(vec![reply("Four."), reply("Five.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi(["memory", "add", "The code name is Zanzibar."]).run().expect_code(0);
    home.openkoi(["what is 2+2?"]).run().expect_code(0);
    let listed = home.openkoi(["memory", "--json"]).run().expect_code(2);
    assert!(listed.stderr.contains("--json"), "{listed}");
    let listed = home.openkoi(["memory", "list", "--json"]).run().expect_code(0).json();
    let id = listed["memories"][0]["id"].as_str().unwrap().to_owned();

    let refused = home.openkoi(["memory", "forget", &id]).run();
    assert_ne!(refused.code, 0, "nobody was asked: {refused}");
    let forgotten = home.openkoi(["memory", "forget", &id, "--yes"]).run().expect_code(0);
    assert!(forgotten.stderr.contains("masked in 1 task"), "{forgotten}");

    let tasks = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    let task = tasks["tasks"][0]["id"].as_str().unwrap().to_owned();
    home.openkoi(["task", "verify", &task]).run().expect_code(0);
    home.openkoi(["what is 2+3?"]).run().expect_code(0);
    let turns = server.turns();
    assert!(turns[0].text.contains("Zanzibar"), "{}", turns[0].text);
    assert!(!turns[1].text.contains("Zanzibar"), "{}", turns[1].text);
    server.finish();
}

#[test]
fn what_is_remembered_goes_to_another_home_and_a_wrong_line_changes_nothing_there() {
    let home = Home::new();
    home.openkoi(["memory", "add", "--everywhere", "Never push to main."]).run().expect_code(0);
    let exported = home.openkoi(["memory", "export"]).run().expect_code(0).stdout;

    let other = Home::new();
    let wrong = format!("{exported}{{\"learning\":1}}\n");
    let refused = other.openkoi(["memory", "import", "-"]).stdin(wrong).run().expect_code(2);
    assert!(refused.stderr.contains("line 2"), "{refused}");
    assert!(!other.openkoi(["memory"]).run().stdout.contains("push"));

    other.openkoi(["memory", "import", "-"]).stdin(exported.clone()).run().expect_code(0);
    let again =
        other.openkoi(["memory", "import", "-"]).stdin(exported.clone()).run().expect_code(0);
    assert!(again.stderr.contains("1 were here already"), "{again}");
    let history = other.openkoi(["memory", "history", "--json"]).run();
    assert_eq!(history.code, 2, "{history}");
    let found = other.openkoi(["memory", "search", "pushing"]).run().expect_code(0);
    assert!(found.stdout.contains("Never push to main."), "{found}");
}

#[test]
fn what_looks_like_a_secret_is_not_remembered() {
    let home = Home::new();
    let refused =
        home.openkoi(["memory", "add", "the token is a1B2c3D4e5F6g7H8i9J0"]).run().expect_code(2);
    assert!(refused.stderr.contains("key or a password"), "{refused}");
    assert!(!refused.stderr.contains("a1B2c3D4"), "{refused}");
}
