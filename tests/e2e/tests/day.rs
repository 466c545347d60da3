//! A day of work in a lived-in directory: a git repository with the user's own configuration, an environment, notes and
//! an edit that is not committed. Every session ends as hoped, and nothing of the user's is lost on the way.

use std::{path::Path, process::Command};

use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, Run, call, normal, reply, verdict};
use serde_json::{Value, json};

use crate::world::{LONG, lines};

const NOTES: &str = "call Ada back\n";
/// The user's configuration of git: with an include, a helper that knows passwords, and a key that signs.
const CONFIGURATION: &str = "[include]\npath = ~/.config/git/identity\n[credential]\nhelper = store\n\
                             [commit]\ngpgsign = true\n[user]\nsigningkey = 4AEE18F83AFDEB23\n";

const EDITED: &str = "# Numbers\n\nDraft of mine, not committed.\n";

struct Day {
    home: Home,
    server: OpenAi,
}

impl Day {
    fn begin(replies: Vec<Reply>) -> Self {
        let judge = verdict(9.0).again_and_again();
        let server = OpenAi::start(replies.into_iter().chain([judge]));
        let home = Home::new()
            .project(Kind::Shell)
            .provider(&server)
            .user_file(".gitconfig", CONFIGURATION)
            .user_file(".config/git/identity", "[user]\nname = Grace\nemail = g@example.org\n")
            .user_file(".config/git/ignore", "*.swp\n")
            .file(".README.md.swp", "an editor is open\n")
            .file(".gitignore", ".venv/\n")
            .file(".venv/bin/python", "#!/bin/sh\n")
            .file("README.md", "# Numbers\n");
        let day = Self { home, server };
        day.git("init -q -b main");
        day.git("add -A");
        day.git("-c commit.gpgsign=false commit -q -m begin");
        std::fs::write(day.home.workspace().join("README.md"), EDITED).unwrap();
        std::fs::write(day.home.workspace().join("notes.txt"), NOTES).unwrap();
        day
    }

    /// Runs git as the user does, with the user's own configuration.
    #[track_caller]
    fn git(&self, arguments: &str) -> String {
        let output = Command::new("git")
            .args(arguments.split(' '))
            .current_dir(self.home.workspace())
            .env("HOME", self.home.user())
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Does a task that is hoped to end well, in as many requests as these.
    #[track_caller]
    fn works(&self, arguments: &[&str], requests: usize) -> Run {
        let before = self.server.turns().len();
        let run = self.home.openkoi(arguments).timeout(LONG).run().expect_code(0);
        assert_eq!(self.server.turns().len() - before, requests, "{run}");
        self.assert_kept();
        run
    }

    /// Fails unless what is the user's own is as it was.
    #[track_caller]
    fn assert_kept(&self) {
        assert_eq!(self.home.read("notes.txt"), NOTES);
        assert_eq!(self.home.read(".venv/bin/python"), "#!/bin/sh\n");
        assert!(self.home.read("README.md").contains("Draft of mine, not committed."));
    }
}

fn file(path: &str, contents: &str) -> Value {
    json!({ "path": path, "contents": contents })
}

fn shell(command: &str) -> Value {
    json!({ "command": command })
}

/// A session of the model: calls one after the other, and then an answer.
fn session(about: &str, calls: Vec<(&str, Value)>, answer: &str) -> Vec<Reply> {
    let mut replies = Vec::new();
    let mut last: Option<&str> = None;
    for (tool, arguments) in calls {
        let next = call(tool, arguments).to(Role::Executor).on(about);
        replies.push(last.map_or(next.clone(), |tool| next.after(tool)));
        last = Some(tool);
    }
    let said = reply(answer).to(Role::Executor).on(about);
    replies.push(last.map_or(said.clone(), |tool| said.after(tool)));
    replies
}

fn median_test() -> String {
    let test = "if [ \"$(sh median.sh 3 1 2)\" = 2 ]; then\n    echo ok median_of_three\nelse\n    \
                echo not ok median_of_three\n    failed=1\nfi\n";
    Kind::Shell.text("test.sh").replace("exit $failed", &format!("{test}exit $failed"))
}

fn replies() -> Vec<Reply> {
    let fix = Kind::Shell.fix();
    let plan = json!({ "kind": "code", "steps": ["write median.sh", "test it"], "criteria": [
        { "text": "there is a median", "check": "test", "tests": ["median_of_three"] },
    ]});
    let divided = fix.replace("percent() {", ". ./share.sh\npercent() {");
    let readme = json!({
        "path": "README.md", "old_string": "# Numbers\n",
        "new_string": "# Numbers\n\n`median.sh` prints the median.\n",
    });
    [
        session(
            "percent is wrong",
            vec![
                ("read_file", json!({ "path": "percent.sh" })),
                ("write_file", file("percent.sh", fix)),
                ("shell", shell("sh test.sh")),
            ],
            "It rounds now.",
        ),
        session(
            "add a median",
            vec![
                ("plan", plan),
                ("write_file", file("median.sh", "printf '%s\\n' \"$@\" | sort -n | sed -n 2p\n")),
                ("read_file", json!({ "path": "test.sh" })),
                ("write_file", file("test.sh", &median_test())),
                ("shell", shell("sh test.sh")),
            ],
            "There is a median.",
        ),
        session(
            "what does percent do with nothing",
            vec![("read_file", json!({ "path": "percent.sh" }))],
            "It says 0.",
        ),
        session("and with a half", vec![], "It rounds up."),
        session(
            "move what is shared out of percent",
            vec![
                ("write_file", file("share.sh", "# Shared by percent and median.\n")),
                ("write_file", file("percent.sh", &divided)),
                ("shell", shell("sh test.sh && git diff --stat")),
            ],
            "Moved.",
        ),
        session(
            "describe the median in the readme",
            vec![("read_file", json!({ "path": "README.md" })), ("edit_file", readme)],
            "Described.",
        ),
        session("review this change", vec![], "It is fine, but name the unit."),
        session(
            "commit my changes",
            vec![(
                "shell",
                shell("git add -A && git commit -q -m 'percent rounds; a median' && git log -1"),
            )],
            "Committed.",
        ),
        session(
            "write a changelog",
            vec![
                ("shell", shell("git log --format=%s")),
                ("write_file", file("CHANGES", "percent rounds\n")),
            ],
            "Written.",
        ),
        session("and now in one sentence", vec![], "percent rounds, and there is a median."),
        session(
            "in the first terminal",
            vec![("shell", shell("sleep 1; echo first > first.txt"))],
            "First.",
        ),
        session(
            "in the second terminal",
            vec![("write_file", file("second.txt", "second\n"))],
            "Second.",
        ),
    ]
    .concat()
}

#[test]
fn a_day_of_work_ends_as_hoped_and_nothing_of_the_users_is_lost() {
    let day = Day::begin(replies());

    day.works(&["percent is wrong, fix it"], 5);
    let feature = day.works(&["add a median, with a test"], 7);
    assert!(feature.stderr.contains("Checks: 4 of 4 pass."), "{feature}");
    day.works(&["what does percent do with nothing?"], 2);
    day.works(&["-c", "and with a half?"], 1);
    let asked = day.server.turns().pop().unwrap().text;
    assert!(asked.contains("<results-of-the-task-before>"), "what was read is known: {asked}");
    day.works(&["move what is shared out of percent"], 5);
    day.works(&["describe the median in the readme"], 4);
    reviews(&day);
    commits(&day);
    pauses_at_a_budget(&day);
    day.works(&["-c", "and now in one sentence"], 1);
    let last = day.server.turns().pop().unwrap();
    assert!(last.text.contains("write a changelog"), "it knows what was said: {}", last.text);
    works_in_two_terminals(&day);

    let listed = day.home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let tasks = listed.json()["tasks"].as_array().unwrap().clone();
    assert_eq!(tasks.len(), 12, "{listed}");
    assert!(tasks.iter().all(|task| task["status"] == "accepted"), "{listed}");
    day.assert_kept();
    day.server.finish();
}

/// A change is piped in, and looked at in one request.
fn reviews(day: &Day) {
    let change = day.git("diff");
    let run = day.home.openkoi(["review this change"]).stdin(change).timeout(LONG).run();

    assert_eq!((run.code, run.stdout.as_str()), (0, "It is fine, but name the unit.\n"), "{run}");
    day.assert_kept();
}

/// A commit is work, and it is the user's.
fn commits(day: &Day) {
    day.works(&["commit my changes"], 3);

    assert_eq!(day.git("log -1 --format=%an:%s"), "Grace:percent rounds; a median\n");
    assert_eq!(day.git("status --porcelain"), "");
    assert!(!day.git("ls-files").contains(".swp"));
}

/// A script with a budget gets its record, and the task goes on with more.
fn pauses_at_a_budget(day: &Day) {
    let flags = ["write a changelog", "--output-format", "json", "--max-tokens", "2500"];
    let paused = day.home.openkoi(flags).timeout(LONG).run().expect_code(6);
    let id = paused.json()["task_id"].as_str().unwrap_or_default().to_owned();
    assert!(day.home.has("CHANGES"), "what was done before the limit stays: {paused}");
    // The same limit would stop it again at once.
    let status = day.home.openkoi(["status"]).run().expect_code(0);
    assert!(status.stdout.contains(" --max-tokens 5000)"), "{status}");

    let flags = ["resume", &id, "--output-format", "json", "--max-tokens", "100000"];
    let run = day.home.openkoi(flags).timeout(LONG).run().expect_code(0);

    assert_eq!(run.json()["result"], "Written.", "{run}");
    let first = run.stderr.lines().next().unwrap_or_default();
    assert!(first.starts_with("Model "), "{run}");
    assert_eq!(day.home.read("CHANGES"), "percent rounds\n");
}

/// Two tasks at once in one directory: one waits for the other, and `undo` of one leaves the other's work.
fn works_in_two_terminals(day: &Day) {
    let first = day.home.openkoi(["write this in the first terminal"]).timeout(LONG).start();
    let second = day.home.openkoi(["write this in the second terminal"]).timeout(LONG).start();
    let (first, second) = (first.wait().expect_code(0), second.wait().expect_code(0));

    assert_eq!(lines(&first, "  first.txt").len(), 1, "{first}");
    assert_eq!(lines(&second, "  second.txt").len(), 1, "{second}");
    let listed = day.home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let tasks = listed.json()["tasks"].as_array().unwrap().clone();
    let of_first = |task: &&Value| task["text"].to_string().contains("first terminal");
    let id = tasks.iter().find(of_first).map(|task| task["id"].as_str().unwrap().to_owned());
    day.home.openkoi(["undo", &id.unwrap_or_default(), "--yes"]).run().expect_code(0);
    assert!(!day.home.has("first.txt"));
    assert_eq!(day.home.read("second.txt"), "second\n");
    assert!(!normal::ids(&listed.stdout).is_empty());
}

#[test]
fn a_task_in_a_worktree_of_its_own_knows_the_history_and_touches_nothing_beside_it() {
    let replies = session(
        "try the other way",
        vec![
            ("shell", shell("git log --format=%an:%s && git status --short --branch")),
            ("write_file", file("other.sh", "echo another way\n")),
            ("shell", shell("git add other.sh && git commit -qm 'the other way'")),
        ],
        "Tried.",
    );
    let day = Day::begin(replies);
    let head = day.git("rev-parse HEAD");

    let run = day.works(&["--worktree", "try the other way"], 5);

    let listed = day.git("worktree list --porcelain");
    let beside = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).nth(1).unwrap();
    let written = std::fs::read_to_string(Path::new(beside).join("other.sh")).unwrap();
    assert_eq!(written, "echo another way\n", "{run}");
    assert!(!day.home.has("other.sh"));
    assert_eq!(day.git("rev-parse HEAD"), head);
    assert!(run.stderr.contains("refs/heads/openkoi/"), "the report names the repository: {run}");
    let branch = day.git("branch --list openkoi/*");
    let seen = &day.server.turns()[1].text;
    let branch = branch.trim_start_matches(['+', ' ']).trim_end();
    assert!(seen.contains("Grace:begin") && seen.contains(&format!("## {branch}")), "{seen}");
    assert_eq!(day.git(&format!("log -1 --format=%an:%s {branch}")), "Grace:the other way\n");
    day.git(&format!("worktree remove --force {beside}"));
    day.server.finish();
}

#[test]
fn a_worktree_needs_a_commit_to_begin_from() {
    let server = OpenAi::start([]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let begun = Command::new("git").args(["init", "-q"]).current_dir(home.workspace()).status();
    assert!(begun.unwrap().success());

    let run = home.openkoi(["--worktree", "try it"]).run().expect_code(2);

    assert!(run.stderr.contains("it has no commit yet"), "{run}");
    server.finish();
}
