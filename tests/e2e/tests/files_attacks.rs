//! Files that a task must not reach (security page, group F and P1). The oracle is the far side: what the model
//! was told, and what lies outside the workspace afterwards.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, Run, call, plan, reply, verdict};
use serde_json::{Value, json};

use crate::world::{LONG, TASK};

/// What no model may ever read.
const CANARY: &str = "koi-canary-7f3a";

/// Runs a task whose model makes `calls` one after the other, and returns the world and what the model was told.
fn attempts(home: Home, calls: &[(&str, Value)]) -> (Home, Run, Vec<String>) {
    let mut replies = vec![plan().if_asked()];
    for (turn, (tool, arguments)) in calls.iter().enumerate() {
        replies.push(call(tool, arguments).to(Role::Executor).at(turn));
    }
    replies.push(reply("I give up.").to(Role::Executor).again_and_again());
    replies.push(verdict(1.0).if_asked().again_and_again());
    let server = OpenAi::start(replies.into_iter().map(Reply::if_asked));
    let home = home.project(Kind::Shell).provider(&server);
    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();
    let turns = server.turns();
    assert_eq!(turns.len(), calls.len() + 1, "each call was answered: {run}");
    let told: Vec<String> = turns.iter().map(|turn| turn.text.clone()).collect();
    let results = turns[calls.len()].conversation.results();
    let results = results.into_iter().map(|result| result.text.clone()).collect();
    assert!(told.iter().all(|text| !text.contains(CANARY)), "the model read a secret: {results:?}");
    server.finish();
    (home, run, results)
}

fn read(path: &str) -> (&'static str, Value) {
    ("read_file", json!({ "path": path }))
}

fn write(path: &str) -> (&'static str, Value) {
    ("write_file", json!({ "path": path, "contents": "planted" }))
}

/// A world with secrets in all the usual places.
fn guarded() -> Home {
    let home = Home::new()
        .user_file(".ssh/id_rsa", CANARY)
        .user_file(".aws/credentials", CANARY)
        .user_file(".netrc", CANARY)
        .user_file("private.txt", CANARY)
        .file(".env", CANARY)
        .file("deploy/key.pem", CANARY)
        .file(".env.production", CANARY);
    fs::create_dir_all(home.path().join("credentials")).unwrap();
    fs::write(home.path().join("credentials/other.key"), CANARY).unwrap();
    home
}

#[test]
fn secrets_in_the_workspace_are_not_read_by_file_tools() {
    let paths = [".env", ".env.production", "deploy/key.pem", "./deploy/../.env", ".ENV"];
    let calls: Vec<_> = paths.iter().map(|path| read(path)).collect();

    attempts(guarded(), &calls);
}

#[test]
fn searching_does_not_show_what_reading_refuses() {
    let calls =
        [("search", json!({ "pattern": "koi-canary" })), ("find_files", json!({ "glob": "**" }))];

    attempts(guarded(), &calls);
}

#[test]
fn paths_that_leave_the_workspace_lead_nowhere() {
    let home = guarded();
    let user = home.user().to_string_lossy().into_owned();
    let own = home.path().to_string_lossy().into_owned();
    symlink(home.user(), home.workspace().join("away")).unwrap();
    symlink("../user/private.txt", home.workspace().join("link.txt")).unwrap();
    let calls = [
        read("../user/private.txt"),
        read(&format!("{user}/.ssh/id_rsa")),
        read("~/.ssh/id_rsa"),
        read("$HOME/.ssh/id_rsa"),
        read("away/private.txt"),
        read("link.txt"),
        read("a/../../user/private.txt"),
        read(&format!("{own}/credentials/other.key")),
        read("/proc/self/environ"),
        read("/proc/self/cwd/../user/private.txt"),
        ("list_directory", json!({ "path": "away", "depth": 5 })),
        ("search", json!({ "pattern": "koi-canary", "path": ".." })),
    ];

    let (_, run, results) = attempts(home, &calls);

    assert_eq!(results.len(), calls.len(), "each was answered: {run}");
}

#[test]
fn nothing_is_written_outside_the_workspace() {
    let home = guarded();
    symlink(home.user(), home.workspace().join("away")).unwrap();
    let absolute = home.user().join("planted-absolute").to_string_lossy().into_owned();
    let calls = [
        write("../planted"),
        write(&absolute),
        write("away/planted"),
        write("away/.bashrc"),
        ("move_file", json!({ "from": "percent.sh", "to": "../moved" })),
        ("move_file", json!({ "from": "../user/private.txt", "to": "mine.txt" })),
        (
            "shell",
            json!({ "command": format!("echo x > {absolute}; echo x > ../planted; echo x > away/planted") }),
        ),
        (
            "shell",
            json!({ "command": "cp percent.sh ../copied; ln percent.sh ../linked; mv test.sh .." }),
        ),
    ];

    let (home, run, _) = attempts(home, &calls);

    let mut outside: Vec<_> =
        fs::read_dir(home.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    outside.sort();
    assert_eq!(outside, ["home", "temp", "user", "work"], "{run}");
    let user = openkoi_test_support::Tree::read(&home.user());
    let names: Vec<&String> = user.0.keys().collect();
    assert_eq!(names, [".aws/credentials", ".netrc", ".ssh/id_rsa", "private.txt"], "{run}");
    assert!(home.has("percent.sh") && home.has("test.sh"), "{run}");
}

#[test]
fn a_shell_reads_no_secrets_outside_the_workspace() {
    let home = guarded();
    let user = home.user().to_string_lossy().into_owned();
    let own = home.path().to_string_lossy().into_owned();
    let calls = [
        (
            "shell",
            json!({ "command": format!("cat {user}/.ssh/id_rsa {user}/.aws/credentials {user}/.netrc") }),
        ),
        (
            "shell",
            json!({ "command": "cat ~/.ssh/id_rsa; cat ../user/private.txt; cat $HOME/.netrc" }),
        ),
        (
            "shell",
            json!({ "command": format!("cat {own}/credentials/other.key; cat {own}/config.toml") }),
        ),
        (
            "shell",
            json!({ "command": format!("ln -s {user}/.ssh x && cat x/id_rsa; tar cf - {user} | strings") }),
        ),
    ];

    attempts(home, &calls);
}

#[test]
fn files_that_steer_agents_and_tools_are_not_written() {
    let home =
        guarded().file(".git/HEAD", "ref: refs/heads/main\n").file("AGENTS.md", "Be kind.\n");
    let calls = [
        write(".git/hooks/post-commit"),
        write(".git/config"),
        write("AGENTS.md"),
        write(".mcp.json"),
        write(".openkoi/config.toml"),
        write(".GIT/hooks/post-commit"),
        ("move_file", json!({ "from": "percent.sh", "to": ".git/hooks/pre-push" })),
    ];

    let (home, run, _) = attempts(home, &calls);

    for path in [
        ".git/hooks/post-commit",
        ".git/config",
        ".mcp.json",
        ".openkoi/config.toml",
        ".git/hooks/pre-push",
    ] {
        assert!(!home.has(path), "{path}: {run}");
    }
    assert_eq!(home.read("AGENTS.md"), "Be kind.\n");
}

#[test]
fn a_hook_that_a_command_plants_is_refused_or_reported() {
    let home = guarded().file(".git/HEAD", "ref: refs/heads/main\n");
    let plant = "mkdir -p .git/hooks && echo 'echo pwned' > .git/hooks/post-commit";

    let (home, run, results) = attempts(home, &[("shell", json!({ "command": plant }))]);

    let planted = home.has(".git/hooks/post-commit");
    let reported = run.said().contains(".git/hooks") || results[0].contains("denied");
    assert!(!planted || reported, "a hook was planted and nobody was told: {run}");
}

#[test]
fn pipes_sockets_and_devices_are_refused_and_hang_nobody() {
    let home = guarded();
    let pipe = home.workspace().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.workspace().join("socket")).unwrap();
    symlink("/dev/zero", home.workspace().join("zero")).unwrap();

    // A call that hangs is ended by its own deadline, and says so.
    let (_, run, results) = attempts(
        home,
        &[read("pipe"), read("socket"), read("zero"), read("/dev/zero"), write("pipe")],
    );

    let hung = |text: &&String| text.contains("wall-ms") || text.contains("host-call-ms");
    assert_eq!(results.iter().find(hung), None, "{run}");
}

#[test]
fn a_directory_that_turns_into_a_link_while_it_is_used_leads_nowhere() {
    let home = guarded();
    fs::create_dir(home.workspace().join("turning")).unwrap();
    let flip = "i=0; while [ $i -lt 300 ]; do rm -rf turning; ln -s ../user turning; rm -f turning; mkdir turning; \
                i=$((i+1)); done & i=0; while [ $i -lt 50 ]; do cat turning/private.txt 2>/dev/null; i=$((i+1)); \
                done; wait";

    attempts(home, &[("shell", json!({ "command": flip })), read("turning/private.txt")]);
}

#[test]
fn what_openkoi_writes_belongs_to_the_user_alone() {
    let (home, run, _) = attempts(Home::new(), &[read("percent.sh")]);

    let mut open = Vec::new();
    let mut directories = vec![home.path()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap()) {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            // The test itself wrote the configuration.
            let own = path.file_name().is_some_and(|name| name == "config.toml");
            if metadata.permissions().mode() & 0o077 != 0 && !own {
                open.push(path.clone());
            }
            if metadata.is_dir() {
                directories.push(path);
            }
        }
    }
    assert_eq!(open, Vec::<std::path::PathBuf>::new(), "{run}");
}
