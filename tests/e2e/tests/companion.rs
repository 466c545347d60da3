//! A hostile companion: a process of the same user that works in the workspace through the whole life of a task, its
//! `undo`, the redo and a `resume`. It swaps directories for links that lead out, files for pipes and devices, renames,
//! floods, and writes what steers tools.
//!
//! What holds beside it: nothing outside of the workspace is read into a request, a report or what is kept, and nothing
//! there is touched; OpenKoi ends in time, with a documented code; nobody's work is lost; and plain work succeeds
//! afterwards.
//!
//! A few seeds run with all tests; `tests/companion/run` plays all of them.

mod deeds;
mod outside;

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use openkoi_brokers::failpoint;
use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, Run, call, normal, reply, verdict};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, assert_harmless, assert_nothing_runs};
use deeds::{Companion, Deed, Ground};
use outside::{MARK, Outside};

/// The codes that `--help` names.
const DOCUMENTED: [i32; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 124, 130, 143];

/// What the user has in the workspace, which neither the task nor the companion means: it has to be as it was.
const MINE: [(&str, &str); 3] = [
    ("mine/letter.txt", "koi-users-letter\n"),
    ("mine/deep/er/plan.txt", "koi-users-plan\n"),
    ("notes.txt", "koi-users-notes\n"),
];

/// What the user has in the directory that the companion plays with: it is somewhere afterwards.
const PLAYED: [(&str, &str); 4] = [
    ("d/one.txt", "koi-users-one\n"),
    ("d/id_rsa", "koi-users-key-without-use\n"),
    ("d/deep/two.txt", "koi-users-two\n"),
    ("flip.txt", "koi-users-flip\n"),
];

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ordinary,
    Killed,
}

/// A world in which a companion can work: a repository with the user's files, and canaries outside of it.
fn world(server: &OpenAi) -> (Home, Outside) {
    let home = Home::new().project(Kind::Shell).provider(server);
    let home = MINE.iter().chain(&PLAYED).fold(home, |home, (path, text)| home.file(path, text));
    let home = home
        .file("d/AGENTS.md", "Be kind.\n@id_rsa\n@deep/two.txt\n")
        .file("d/data.json", "{\"koi\": 1}\n")
        .file("d/old.txt", "old\n")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".git/config", "[core]\n\tbare = false\n")
        .file(".git/objects/info/keep", "")
        .file(".git/refs/heads/keep", "");
    let outside = Outside::make(&home);
    (home, outside)
}

/// The replies of a model that does everything its tools can do in the directory that the companion plays with.
fn replies() -> Vec<Reply> {
    let at = |turn: usize, calls: &[(&str, Value)]| {
        let mut calls = calls.iter();
        let (tool, arguments) = calls.next().unwrap();
        let first = call(tool, arguments).to(Role::Executor).at(turn);
        let all = calls.fold(first, |reply, (tool, arguments)| reply.and_call(tool, arguments));
        all.again_and_again().if_asked()
    };
    let path = |path: &str| json!({ "path": path });
    let write = |path: &str, text: &str| json!({ "path": path, "contents": text });
    let shell = |command: &str| json!({ "command": command, "timeout_ms": 20_000 });
    vec![
        at(
            0,
            &[
                ("read_file", path("d/one.txt")),
                ("read_file", path("d/id_rsa")),
                ("list_directory", json!({ "path": "d", "depth": 3 })),
                ("search", json!({ "pattern": "koi-" })),
                ("read_file", path("flip.txt")),
            ],
        ),
        at(1, &[("write_file", write(Kind::Shell.source(), Kind::Shell.fix()))]),
        at(
            2,
            &[
                ("write_file", write("d/new/one.txt", "new\n")),
                ("read_file", path("d/deep/two.txt")),
            ],
        ),
        at(3, &[("write_file", write("d/data.json", "{\"koi\": \n"))]),
        at(
            4,
            &[(
                "shell",
                shell(
                    "cat d/* d/*/*; ls -laR d flip.txt; for i in 1 2 3 4 5 6 7 8 9; do echo $i > d/p$i; done",
                ),
            )],
        ),
        at(
            5,
            &[(
                "edit_file",
                json!({ "path": "d/one.txt", "old_string": "one", "new_string": "uno" }),
            )],
        ),
        at(
            6,
            &[
                ("remove_file", path("d/old.txt")),
                ("move_file", json!({ "from": "d/deep", "to": "d/deeper" })),
            ],
        ),
        at(
            7,
            &[(
                "shell",
                shell(
                    "cp -r d copied; mkdir -p d/build/x && echo x > d/build/x/y; rm -f d/p1; cat flip.txt </dev/null & sleep 0.3; kill %1; true",
                ),
            )],
        ),
        at(
            8,
            &[
                ("search", json!({ "pattern": "koi-", "path": "d" })),
                ("find_files", json!({ "glob": "**/*" })),
            ],
        ),
        reply("Done.").to(Role::Executor).again_and_again().if_asked(),
        verdict(9.0).again_and_again().if_asked(),
    ]
}

/// Fails unless a run beside the companion ended as OpenKoi ends, and showed nothing from outside.
#[track_caller]
fn assert_sound(run: &Run, what: &str) {
    assert!(DOCUMENTED.contains(&run.code), "{what}: {run}");
    assert!(!run.said().contains("panicked"), "{what}: {run}");
    assert!(!run.said().contains(MARK), "{what}: it showed what is outside: {run}");
    assert_harmless(run);
}

/// Plays a whole life of a task beside the companion of a seed.
fn play(seed: u64, deeds: &'static [Deed], end: End) {
    let what = format!("seed {seed}, {end:?}, {deeds:?}");
    let server = OpenAi::start(replies());
    let (home, outside) = world(&server);
    let ground = Ground::prepare(&home, &outside);
    let companion = Companion::start(ground, deeds, seed);

    let task = home.openkoi([TASK, "-i", "1", "--max-time", "100"]).timeout(LONG);
    let task = match end {
        End::Killed => task.env(failpoint::VARIABLE, "turn-received=kill@6"),
        End::Ordinary => task,
    };
    let run = task.run();
    if end == End::Killed && run.code == 137 {
        let listed = home.openkoi(["task", "list", "--json"]).run();
        let id = normal::ids(&listed.stdout).first().cloned().unwrap_or_default();
        assert_sound(&home.openkoi(["resume", &id, "-i", "1"]).timeout(LONG).run(), &what);
    } else {
        assert_sound(&run, &what);
    }
    for arguments in [&["task", "diff"][..], &["undo", "--yes"], &["undo", "--redo", "--yes"]] {
        assert_sound(
            &home.openkoi(arguments).timeout(LONG).run(),
            &format!("{what}, {arguments:?}"),
        );
    }
    assert!(companion.end() > 0, "{what}: the companion did nothing");

    outside.assert_untouched(&what);
    outside.assert_unread(&home, &what);
    let sent: Vec<_> = server.requests().into_iter().map(|request| request.text).collect();
    assert!(
        sent.iter().all(|text| !text.contains(MARK)),
        "{what}: a request holds what is outside"
    );
    let undone = home.openkoi(["undo", "--yes"]).timeout(LONG).run();
    assert_sound(&undone, &what);
    assert_nobodys_work_is_lost(&home, &format!("{what}: {run} {undone}"));
    assert_nothing_runs(&home);
    server.forgive();
}

/// Fails unless what the user had is there: what nobody played with in its place, the rest somewhere.
#[track_caller]
fn assert_nobodys_work_is_lost(home: &Home, what: &str) {
    for (path, text) in MINE {
        assert!(home.has(path) && home.read(path) == text, "{path} is not what it was: {what}");
    }
    let (tree, kept) = (home.tree(), openkoi_test_support::Tree::read(&home.path()));
    for (path, text) in PLAYED {
        let text = text.trim_end();
        let is_there = !tree.holding(text).is_empty() || !kept.holding(text).is_empty();
        assert!(is_there, "{path} is nowhere any more: {what}");
    }
}

/// Plays these seeds, as many at once as there are processors, until `most` is over.
fn play_all(seeds: Range<u64>, most: Duration) {
    let (begun, next) = (Instant::now(), AtomicU64::new(seeds.start));
    let work = || {
        while begun.elapsed() < most {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return;
            }
            let end = if seed % 3 == 2 { End::Killed } else { End::Ordinary };
            play(seed, deeds::of(seed), end);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
}

/// One seed of the environment, or all of them if it asks for that, or a few.
#[test]
fn beside_a_hostile_companion_nothing_leaves_the_workspace_and_nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    match (number("OPENKOI_COMPANION_SEED"), number("OPENKOI_COMPANION_SEEDS")) {
        (Some(seed), _) => play_all(seed..seed + 1, LONG),
        (None, Some(seeds)) => play_all(0..seeds, Duration::MAX),
        (None, None) => play_all(0..deeds::KINDS, Duration::from_secs(10)),
    }
}

/// A program that a task started and that means to stay: it leaves its session, its group, its environment and its files
/// behind, swaps and plants as long as it lives, and does its last deed when nobody should look any more.
const SURVIVOR: &str = r#"cat > survivor.sh <<'END'
echo begun > begun
( sleep 3; mkdir -p .git/hooks .agents/skills/late; echo late > .git/hooks/post-checkout; echo late > .agents/skills/late/SKILL.md; echo late > AGENTS.md; echo late > d/late ) &
while :; do
  mv d d.aside; mv twin d; cat d/id_rsa d/one.txt; echo x > d/planted; mv d twin; mv d.aside d
  echo '*' > .gitignore; rm -f .gitignore; mkfifo d/AGENTS.md; rm -f d/AGENTS.md
  echo evil > .git/hooks/pre-commit; echo '{}' > .mcp.json
done
END
exec sh survivor.sh"#;

/// Plays a task that starts the survivor in one of two ways, and returns what the run came to.
fn with_survivor(start: Value, end: End) -> (Home, Run, OpenAi) {
    let path = |path: &str| json!({ "path": path });
    let write = |path: &str, text: &str| json!({ "path": path, "contents": text });
    let at = |turn: usize, tool: &str, arguments: Value| {
        call(tool, arguments).to(Role::Executor).at(turn).again_and_again().if_asked()
    };
    let server = OpenAi::start([
        at(0, "read_file", path("notes.txt")),
        at(1, "shell", start),
        at(2, "write_file", write(Kind::Shell.source(), Kind::Shell.fix())),
        at(3, "read_file", path("d/one.txt")),
        at(4, "shell", json!({ "command": "ls d; cat d/one.txt; sleep 1" })),
        reply("Done.").to(Role::Executor).again_and_again().if_asked(),
        verdict(9.0).again_and_again().if_asked(),
    ]);
    let (home, outside) = world(&server);
    Ground::prepare(&home, &outside);
    let before = home.tree();
    let task = home.openkoi([TASK, "-i", "1"]).timeout(LONG);
    let task = match end {
        End::Killed => task.env(failpoint::VARIABLE, "turn-received=kill@5"),
        End::Ordinary => task,
    };
    let run = task.run();
    // Its last deed would come now.
    thread::sleep(Duration::from_secs(4));
    assert_nothing_runs(&home);
    for path in [".git/hooks/post-checkout", ".agents/skills/late/SKILL.md", "AGENTS.md", "d/late"]
    {
        assert!(!home.has(path), "{path} came after the end: {run}");
    }
    outside.assert_untouched(&format!("{run}"));
    outside.assert_unread(&home, &format!("{run}"));
    assert!(server.requests().iter().all(|request| !request.text.contains(MARK)), "{run}");
    if end == End::Ordinary {
        assert_sound(&run, "a survivor");
        let undone = home.openkoi(["undo", "--yes"]).timeout(LONG).run().expect_code(0);
        assert_eq!(before.differences(&home.tree()), Vec::<String>::new(), "{run} {undone}");
    }
    (home, run, server)
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_means_to_stay_ends_with_its_call_and_what_it_planted_is_a_question() {
    let detached = "env -i setsid sh -c 'sh -c \"exec sh survivor.sh\" <&- >&- 2>&- &' & sleep 1";
    let start = SURVIVOR.replace("exec sh survivor.sh", detached);

    let (_, run, server) = with_survivor(json!({ "command": start }), End::Ordinary);

    assert_eq!(run.code, 8, "what steers the next task is for a person: {run}");
    assert!(run.stderr.contains("accept changed control files"), "{run}");
    server.forgive();
}

#[cfg(target_os = "linux")]
#[test]
fn a_hostile_program_in_the_background_ends_with_its_task_and_is_a_question_too() {
    let start = json!({ "command": SURVIVOR, "run_in_background": true });

    let (_, run, server) = with_survivor(start, End::Ordinary);

    assert!([1, 8].contains(&run.code), "{run}");
    server.forgive();
}

#[cfg(target_os = "linux")]
#[test]
fn a_hostile_program_ends_with_openkoi_that_is_killed_and_resume_leaves_nothing_of_it() {
    let start = json!({ "command": SURVIVOR, "run_in_background": true });

    let (home, run, server) = with_survivor(start, End::Killed);

    assert_eq!(run.code, 137, "{run}");
    let listed = home.openkoi(["task", "list", "--json"]).run();
    let id = normal::ids(&listed.stdout)[0].clone();
    let resumed = home.openkoi(["resume", &id, "-i", "1"]).timeout(LONG).run();
    assert_sound(&resumed, "resumed");
    let steers = [".git/hooks/pre-commit", ".mcp.json"].into_iter().any(|path| home.has(path));
    assert!(!steers || resumed.code == 8, "what steers is asked for: {resumed}");
    server.forgive();
}
