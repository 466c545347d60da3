//! Others at work: an editor writes and somebody commits at every phase of a run, whatever its end. Nothing of theirs
//! differs afterwards, nor after an undo and its redo.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
};

use openkoi_brokers::failpoint;
use openkoi_test_support::{Home, Kind, OpenAi, Reply, Role, Run, call, normal, reply, verdict};
use rustix::process::Signal;
use serde_json::json;

use crate::world::{LONG, TASK};

/// When the others write: as the model is asked for the first time, after it has read, while its program runs, and
/// while the work is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Asked,
    Changing,
    Program,
    Judging,
}

const PHASES: [Phase; 4] = [Phase::Asked, Phase::Changing, Phase::Program, Phase::Judging];

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Accepted,
    NotAccepted,
    /// A green test is red afterwards.
    Broken,
    Limit,
    Cancelled,
    Killed,
}

const ENDS: [End; 6] =
    [End::Accepted, End::NotAccepted, End::Broken, End::Limit, End::Cancelled, End::Killed];

/// What the others have: new files, an edit of a file that the run reads, and a commit.
#[derive(Default)]
struct Others(OnceLock<PathBuf>);

impl Others {
    const EDITED: &str = "notes\nof the editor\n";

    fn enter(&self, workspace: PathBuf) {
        self.0.set(workspace).unwrap();
    }

    fn place(&self) -> &Path {
        self.0.get().unwrap()
    }

    /// Works, once.
    fn work(&self) {
        let place = self.place();
        if place.join("theirs.txt").exists() {
            return;
        }
        std::fs::write(place.join("notes.txt"), Self::EDITED).unwrap();
        std::fs::write(place.join("committed.txt"), "committed\n").unwrap();
        git(place, &["add", "committed.txt"]);
        git(place, &["commit", "-q", "-m", "of others", "--", "committed.txt"]);
        std::fs::write(place.join("theirs.txt"), "theirs\n").unwrap();
    }

    #[track_caller]
    fn assert_kept(&self, run: &Run) {
        let read =
            |name: &str| std::fs::read_to_string(self.place().join(name)).unwrap_or_default();
        assert_eq!(read("theirs.txt"), "theirs\n", "{run}");
        assert_eq!(read("notes.txt"), Self::EDITED, "{run}");
        assert_eq!(read("committed.txt"), "committed\n", "{run}");
        assert_eq!(git(self.place(), &["log", "-1", "--format=%s"]), "of others\n", "{run}");
    }
}

#[track_caller]
fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The replies of a model that works while the others do.
fn replies(phase: Phase, end: End, others: &Arc<Others>) -> Vec<Reply> {
    let kind = Kind::Shell;
    let source = if end == End::Broken { "percent() {\n    echo 1\n}\n" } else { kind.fix() };
    let write = |path: &str, text: &str| json!({ "path": path, "contents": text });
    let said = reply("Done.").to(Role::Executor).after("shell");
    let said = if end == End::Cancelled { said.stalls_at(40) } else { said };
    let at = |mine: Phase, reply: Reply| {
        let others = Arc::clone(others);
        let work = move || {
            if mine == phase {
                others.work()
            }
        };
        reply.again_and_again().if_asked().when("while others work", move |_| {
            work();
            true
        })
    };
    let missed = json!({ "kind": "code", "steps": ["fix"], "criteria": [
        { "text": "what nobody tests holds", "check": "test", "tests": ["never_there"] },
    ]});
    let look = call("read_file", json!({ "path": "notes.txt" }));
    let look = if end == End::NotAccepted { look.and_call("plan", missed) } else { look };
    vec![
        at(Phase::Asked, look.to(Role::Executor).at(0)),
        at(
            Phase::Changing,
            call("write_file", write(kind.source(), source))
                .and_call("write_file", write("own.txt", "own\n"))
                .to(Role::Executor)
                .after("read_file"),
        ),
        call("shell", json!({ "command": "echo of a program > program.txt; sleep 0.7" }))
            .to(Role::Executor)
            .after("write_file")
            .again_and_again()
            .if_asked(),
        said.again_and_again().if_asked(),
        at(Phase::Judging, verdict(9.0)),
        reply("I leave it so.").to(Role::Executor).again_and_again().if_asked(),
    ]
}

fn home(server: &OpenAi) -> Home {
    let home = Home::new().project(Kind::Shell).provider(server).file("notes.txt", "notes\n");
    let workspace = home.workspace();
    git(&workspace, &["init", "-q"]);
    git(&workspace, &["add", "-A"]);
    git(&workspace, &["commit", "-q", "-m", "begin"]);
    home
}

/// Runs a task to this end while the others work in this phase.
fn run_to(end: End, phase: Phase, home: &Home, others: &Others, server: &OpenAi) -> Run {
    let arguments: &[&str] = match end {
        End::Limit => &[TASK, "-i", "1", "--max-tokens", "2700"],
        _ => &[TASK, "-i", "1"],
    };
    let run = home.openkoi(arguments).timeout(LONG);
    let run = match end {
        End::Killed => run.env(failpoint::VARIABLE, "turn-received=kill@4"),
        _ => run,
    };
    let running = run.start();
    // The limit comes before the program.
    if phase == Phase::Program && end != End::Limit {
        openkoi_test_support::until("the program runs", LONG, || {
            home.processes().iter().any(|line| line.contains("sleep 0.7"))
        });
        others.work();
    }
    if end == End::Cancelled {
        server.wait_for_requests(4);
        running.signal(Signal::INT);
    }
    running.wait()
}

fn check(phase: Phase, end: End) {
    let others = Arc::new(Others::default());
    let server = OpenAi::start(replies(phase, end, &others));
    let home = home(&server);
    others.enter(home.workspace());
    let what = format!("{phase:?}, {end:?}");

    let run = run_to(end, phase, &home, &others, &server);

    assert_eq!(run.code, code_of(end), "{what}: {run}");
    let run = match end {
        End::Killed => resume(&home).expect_code(0),
        _ => run,
    };
    // A run that ended before the phase came has others who work afterwards.
    others.work();
    others.assert_kept(&run);
    let stays = end != End::Broken;
    assert_eq!(home.has("own.txt"), stays, "{what}: {run}");
    assert_eq!(home.read(Kind::Shell.source()) == Kind::Shell.fix(), stays, "{what}: {run}");

    let undone = home.openkoi(["undo", "--yes"]).run();
    others.assert_kept(&undone);
    assert!(!home.has("own.txt") && !home.has("program.txt"), "{what}: {undone}");
    assert_eq!(home.read(Kind::Shell.source()), Kind::Shell.text(Kind::Shell.source()), "{what}");

    let redone = home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);
    others.assert_kept(&redone);
    assert_eq!(home.read("own.txt"), "own\n", "{what}: {redone}");
    server.finish();
}

fn code_of(end: End) -> i32 {
    match end {
        End::Accepted => 0,
        End::NotAccepted | End::Broken => 1,
        End::Limit => 6,
        End::Cancelled => 130,
        End::Killed => 137,
    }
}

fn resume(home: &Home) -> Run {
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    home.openkoi(["resume", &normal::ids(&listed.stdout)[0]]).timeout(LONG).run()
}

#[test]
fn what_others_write_in_any_phase_of_a_run_stays_whatever_its_end() {
    for phase in PHASES {
        for end in ENDS {
            check(phase, end);
        }
    }
}

#[test]
fn a_model_hears_of_what_others_did_to_files_that_it_has_read() {
    let others = Arc::new(Others::default());
    let editor = Arc::clone(&others);
    let read = |path: &str| call("read_file", json!({ "path": path }));
    let server = OpenAi::start([
        read("notes.txt").to(Role::Executor).at(0),
        read("percent.sh").at(1).when("the editor has saved", move |_| {
            std::fs::write(editor.place().join("notes.txt"), Others::EDITED).unwrap();
            true
        }),
        reply("They are notes.").at(2),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server).file("notes.txt", "notes\n");
    others.enter(home.workspace().to_owned());

    home.openkoi(["what is in the notes?"]).timeout(LONG).run().expect_code(0);

    let told = server.turns().pop().unwrap().text;
    let words = "changed or removed by somebody else since you read it: `notes.txt`";
    assert!(told.contains(words), "{told}");
    server.finish();
}

#[test]
fn what_others_do_while_a_task_stands_still_is_noticed_when_it_goes_on() {
    let notes = json!({ "path": "notes.txt" });
    let mine = json!({ "path": "notes.txt", "contents": "all mine\n" });
    let server = OpenAi::start([
        call("read_file", notes).to(Role::Executor).at(0),
        reply("Let me think").at(1).stalls_at(40),
        call("write_file", mine).at(1),
        reply("Somebody else was there.").at(2),
        verdict(9.0).again_and_again().if_asked(),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server).file("notes.txt", "notes\n");
    let running = home.openkoi(["make the notes mine"]).timeout(LONG).start();
    server.wait_for_requests(2);
    running.signal(Signal::INT);
    running.wait().expect_code(130);
    std::fs::write(home.workspace().join("notes.txt"), Others::EDITED).unwrap();

    let id = normal::ids(&home.openkoi(["task", "list", "--json"]).run().stdout).remove(0);
    let run = home.openkoi(["resume", &id, "-i", "1"]).timeout(LONG).run();

    assert_eq!(home.read("notes.txt"), Others::EDITED, "{run}");
    let told =
        server.turns().into_iter().find(|turn| turn.text.contains("read it again, and keep"));
    assert!(told.is_some(), "{run}");
}

#[test]
fn a_model_hears_nothing_of_what_it_did_itself() {
    let read = |path: &str| call("read_file", json!({ "path": path }));
    let server = OpenAi::start([
        read("notes.txt").to(Role::Executor).at(0),
        read("percent.sh").at(1),
        call("remove_file", json!({ "path": "notes.txt" })).at(2),
        call("move_file", json!({ "from": "percent.sh", "to": "per.sh" })).at(3),
        call("shell", json!({ "command": "echo more >> per.sh; rm -f test.sh" })).at(4),
        read("per.sh").at(5),
        reply("Done.").at(6),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server).file("notes.txt", "notes\n");

    home.openkoi(["tidy up", "-i", "0"]).timeout(LONG).run().expect_code(0);

    let told = server.turns().pop().unwrap().text;
    assert!(!home.has("notes.txt") && home.has("per.sh"));
    assert!(!told.contains("by somebody else"), "{told}");
    server.finish();
}
