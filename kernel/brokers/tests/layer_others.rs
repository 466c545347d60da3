//! Layers over a workspace in which others are at work.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, world};
use openkoi_brokers::layer::Theirs;
use openkoi_core::change_set::PathState;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// What somebody else does to the workspace while a program runs over a layer of it.
type Others = fn(&World);

/// Program, others, what is there afterwards, and the conflicts.
type Meeting = (
    &'static str,
    Others,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, Theirs)],
);

const MEETINGS: &[Meeting] = &[
    // Other paths are nobody's conflict.
    ("echo p > new", |w| w.write("theirs", "t"), &[("new", "p\n"), ("theirs", "t")], &[]),
    (
        "echo p > docs/new",
        |w| w.write("docs/theirs", "t"),
        &[("docs/new", "p\n"), ("docs/theirs", "t")],
        &[],
    ),
    ("echo p >> docs/a", |w| w.save("docs/b", "t"), &[("docs/a", "a\np\n"), ("docs/b", "t")], &[]),
    ("chmod 700 docs", |w| w.write("docs/theirs", "t"), &[("docs/theirs", "t")], &[]),
    // The same file.
    ("echo p >> one", |w| w.write("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p >> one", |w| w.save("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p > x; mv x one", |w| w.save("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("echo p > new", |w| w.write("new", "t"), &[("new", "t")], &[("new", Theirs::Changed)]),
    ("ln -s one new", |w| w.write("new", "t"), &[("new", "t")], &[("new", Theirs::Changed)]),
    ("rm one", |w| w.write("one", "t"), &[("one", "t")], &[("one", Theirs::Changed)]),
    ("rm one", |w| w.chmod("one", 0o600), &[("one", "one\n")], &[("one", Theirs::Changed)]),
    ("rm one", |w| w.remove("one"), &[("one", "-")], &[]),
    ("echo p >> one", |w| w.remove("one"), &[("one", "-")], &[("one", Theirs::Removed)]),
    (
        "echo p >> one",
        |w| w.rename("two", "one"),
        &[("one", "two\n"), ("two", "-")],
        &[("one", Theirs::Changed)],
    ),
    ("echo same > one", |w| w.write("one", "same\n"), &[("one", "same\n")], &[]),
    ("echo same > new", |w| w.write("new", "same\n"), &[("new", "same\n")], &[]),
    // A file that the program moved, in a directory where others are at work.
    (
        "mv one three",
        |w| w.write("theirs", "t"),
        &[("one", "-"), ("three", "one\n"), ("theirs", "t")],
        &[],
    ),
    (
        "mv one three",
        |w| w.save("one", "t"),
        &[("one", "t"), ("three", "one\n")],
        &[("one", Theirs::Changed)],
    ),
    ("mv one three", |w| w.remove("one"), &[("one", "-"), ("three", "one\n")], &[]),
    (
        "mv one two",
        |w| w.write("two", "t"),
        &[("one", "-"), ("two", "t")],
        &[("two", Theirs::Changed)],
    ),
    // Directories.
    (
        "rm -rf docs",
        |w| w.write("docs/theirs", "t"),
        &[("docs/a", "-"), ("docs/b", "-"), ("docs/theirs", "t")],
        &[("docs/theirs", Theirs::Changed)],
    ),
    (
        "rm -rf docs",
        |w| w.write("docs/a", "t"),
        &[("docs/a", "t"), ("docs/b", "-")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "rm -rf src",
        |w| w.write("src/deep/er/t", "t"),
        &[("src/main", "-"), ("src/deep/er/file", "-"), ("src/deep/er/t", "t")],
        &[("src/deep/er/t", Theirs::Changed)],
    ),
    // A whole old directory was moved into the one that the program removed.
    (
        "rm -rf src",
        |w| w.rename("docs", "src/docs"),
        &[("src/main", "-"), ("src/docs/a", "a\n"), ("src/docs/b", "b\n")],
        &[("src/docs", Theirs::Changed)],
    ),
    (
        "rm -rf docs; mkdir docs; echo p > docs/c",
        |w| w.write("docs/a", "t"),
        &[("docs/a", "t"), ("docs/b", "-"), ("docs/c", "p\n")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.write("new/t", "t"),
        &[("new/p", "p\n"), ("new/t", "t")],
        &[],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.rename("docs", "new"),
        &[("new/p", "p\n"), ("new/a", "a\n")],
        &[],
    ),
    (
        "mkdir new; echo p > new/p",
        |w| w.write("new", "t"),
        &[("new", "t")],
        &[("new/p", Theirs::Changed), ("new", Theirs::Changed)],
    ),
    (
        "rm -rf docs; echo p > docs",
        |w| w.write("docs/t", "t"),
        &[("docs/t", "t"), ("docs/a", "a\n")],
        &[("docs", Theirs::Filled)],
    ),
    (
        "rm one; mkdir one; echo p > one/p",
        |w| w.write("one", "t"),
        &[("one", "t")],
        &[("one/p", Theirs::Changed), ("one", Theirs::Changed)],
    ),
    (
        "echo p > docs/new; echo p >> docs/a",
        |w| w.remove_all("docs"),
        &[("docs", "-")],
        &[("docs/a", Theirs::Removed), ("docs/new", Theirs::Removed)],
    ),
    (
        "echo p >> docs/a",
        |w| {
            w.remove_all("docs");
            w.write("docs", "t")
        },
        &[("docs", "t")],
        &[("docs/a", Theirs::Changed)],
    ),
    (
        "echo p >> src/main",
        |w| {
            w.rename("src", "old");
            w.link("docs", "src")
        },
        &[("src/a", "a\n"), ("old/main", "main\n")],
        &[("src/main", Theirs::Changed)],
    ),
];

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_stays_and_is_named() {
    for (script, others, expected, conflicts) in MEETINGS {
        let world = world();
        let layer = world.in_layer(script).await;
        others(&world);

        let committed = world.commit(layer);

        for (path, text) in *expected {
            assert_eq!(world.text(path), *text, "{script}: {path}");
        }
        let named: Vec<_> =
            committed.conflicts.iter().map(|one| (one.path.as_str(), one.theirs)).collect();
        assert_eq!(named, *conflicts, "{script}");
        for conflict in &committed.conflicts {
            if let PathState::File { hash, .. } = &conflict.kept {
                let (shard, rest) = hash.split_at(2);
                let kept = world.base.join("store/objects").join(shard).join(rest);
                assert!(kept.exists(), "{script}: {conflict:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_else_changes_between_plan_and_commit_stays_too() {
    for (script, others, expected, _) in MEETINGS {
        let world = world();
        let mut plan = world.plan(world.in_layer(script).await);
        assert_eq!(plan.conflicts(), [], "{script}");
        others(&world);

        let committed = plan.commit().unwrap();

        for (path, text) in *expected {
            // Here it is known only for files and directories that are there what they were.
            let is_known = *text == "t" || committed.conflicts.is_empty();
            assert!(!is_known || world.text(path) == *text, "{script}: {path}");
        }
    }
}

/// Names that the property below plays with: few, so that both sides meet often.
const FILES: [&str; 6] = ["a", "b", "d/a", "d/b", "d/e/a", "f/a"];
const DIRECTORIES: [&str; 3] = ["d", "d/e", "f"];

/// One change of one side. Both sides have the same ones.
#[derive(Debug, Clone)]
enum Change {
    Write(usize),
    Append(usize),
    Save(usize),
    Remove(usize),
    Move(usize, usize),
    RemoveAll(usize),
    Link(usize),
    Mode(usize),
}

impl Change {
    /// Returns the change as a line for a shell. A change that is not possible does nothing.
    fn line(&self, text: &str) -> String {
        let file = |at: &usize| FILES[*at];
        let made = |at: &usize| format!("mkdir -p $(dirname {})", file(at));
        match self {
            Self::Write(at) => format!("{} && echo {text} > {}", made(at), file(at)),
            Self::Append(at) => format!("[ -f {0} ] && echo {text} >> {0}", file(at)),
            Self::Save(at) => {
                format!("{} && echo {text} > .{text} && mv -fT .{text} {}", made(at), file(at))
            }
            Self::Remove(at) => format!("rm -f {}", file(at)),
            Self::Move(from, to) => format!("{} && mv -fT {} {}", made(to), file(from), file(to)),
            Self::RemoveAll(at) => format!("rm -rf {}", DIRECTORIES[*at]),
            Self::Link(at) => format!("{} && ln -sfT {text} {}", made(at), file(at)),
            Self::Mode(at) => format!("[ -f {0} ] && chmod 600 {0}", file(at)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let file = 0..FILES.len();
    prop_oneof![
        file.clone().prop_map(Change::Write),
        file.clone().prop_map(Change::Append),
        file.clone().prop_map(Change::Save),
        file.clone().prop_map(Change::Remove),
        (file.clone(), file.clone()).prop_map(|(from, to)| Change::Move(from, to)),
        (0..DIRECTORIES.len()).prop_map(Change::RemoveAll),
        file.clone().prop_map(Change::Link),
        file.prop_map(Change::Mode),
    ]
}

/// Runs changes at the workspace's own path, as somebody else does.
fn others_do(world: &World, line: &str) {
    std::process::Command::new("sh")
        .args(["-c", line])
        .current_dir(world.work(""))
        .output()
        .unwrap();
}

/// What stands at each of the paths, with the time of its last change.
fn states(world: &World) -> BTreeMap<&'static str, Option<(String, i128)>> {
    let state = |path: &str| {
        let path = world.work(path);
        let meta = fs::symlink_metadata(&path).ok()?;
        let text = match meta.file_type() {
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().display().to_string(),
            kind if kind.is_file() => {
                format!("{:o} {}", meta.mode(), fs::read_to_string(&path).unwrap())
            }
            _ => return None,
        };
        Some((text, i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec())))
    };
    FILES.map(|path| (path, state(path))).into()
}

/// After a commit, a path that others changed is as they left it, a conflict names it if the program changed it too, and
/// every other path is as the program left it.
fn meet(program: &[Change], others: &[Change]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lines = |changes: &[Change], who: &str| {
        let lines = changes.iter().enumerate().map(|(at, one)| one.line(&format!("{who}{at}")));
        lines.map(|line| format!("{line}; ")).collect::<String>()
    };
    let (ours, theirs) = (lines(program, "p"), lines(others, "o"));
    let prepared = || {
        let world = world();
        world.remove_all("");
        fs::create_dir(world.work("")).unwrap();
        FILES.iter().for_each(|path| world.write(path, &format!("first {path}\n")));
        world
    };
    let (alone, both) = (prepared(), prepared());
    let before = states(&both);
    // What the program does when nobody else is there.
    others_do(&alone, &ours);
    let wanted = states(&alone);
    let layer = both.layer();
    runtime.block_on(both.run(Some(&layer), &ours));
    others_do(&both, &theirs);
    let left = states(&both);

    let committed = both.commit(layer);

    let text = |state: &Option<(String, i128)>| state.as_ref().map(|(text, _)| text.clone());
    for (path, after) in states(&both) {
        let is_theirs = before[path] != left[path];
        let is_ours = text(&before[path]) != text(&wanted[path]);
        let context = format!("{path}: program {ours:?}, others {theirs:?}, {committed:?}");
        if is_theirs && left[path].is_some() {
            assert_eq!(after, left[path], "it is somebody else's: {context}");
        } else if !is_theirs && committed.conflicts.is_empty() {
            assert_eq!(text(&after), text(&wanted[path]), "it is the program's: {context}");
        } else if !is_theirs && !is_ours {
            assert_eq!(text(&after), text(&left[path]), "it is nobody's: {context}");
        }
        // Nothing is lost: what the program left is there, or is kept and named.
        let is_there = text(&after) == text(&wanted[path]);
        let is_named = committed
            .conflicts
            .iter()
            .any(|one| one.path == path || path.starts_with(&format!("{}/", one.path)));
        assert!(!is_ours || is_there || is_named || wanted[path].is_none(), "lost: {context}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

    #[test]
    fn what_others_left_stays_and_the_rest_is_as_the_program_left_it(
        program in proptest::collection::vec(change(), 1..6),
        others in proptest::collection::vec(change(), 0..4),
    ) {
        meet(&program, &others);
    }
}

/// An editor saves its files all the while.
#[test]
fn an_editor_that_writes_all_the_while_keeps_its_files() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = world();
    let stop = AtomicBool::new(false);
    let script = "i=0; while [ $i -lt 60 ]; do echo $i > made-$i; echo $i >> src/main; mkdir -p x/$i; \
                  cat docs/a > copy; i=$((i+1)); done; rm -rf docs";
    let (saved, committed) = std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                count += 1;
                world.save("docs/b", &format!("edited {count}"));
                world.write("notes", &format!("noted {count}"));
            }
            count
        });
        let layer = runtime.block_on(world.in_layer(script));
        let committed = world.commit(layer);
        stop.store(true, Ordering::Relaxed);
        (editor.join().unwrap(), committed)
    });

    assert!(saved > 1);
    assert_eq!(world.text("docs/b"), format!("edited {saved}"));
    assert_eq!(world.text("notes"), format!("noted {saved}"));
    assert_eq!((world.text("docs/a"), world.text("made-59")), ("-".into(), "59\n".into()));
    let named: Vec<_> = committed.conflicts.iter().map(|one| one.path.as_str()).collect();
    assert!(named.iter().all(|path| path.starts_with("docs/")), "{named:?}");
    assert!(named.contains(&"docs/b"), "{named:?}");
    assert!(committed.effects.iter().all(|effect| effect.path != "notes"));
}

#[test]
fn all_of_this_holds_for_an_ordinary_user() {
    layers::as_an_ordinary_user("what_somebody_else_changed_meanwhile_stays_and_is_named");
}
