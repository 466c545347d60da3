use std::fs;

use openkoi_brokers::snapshot::{IndexCache, SnapshotStore};
use openkoi_core::{event::Event, id::TreeId, outcome::Ending};

use super::*;
use crate::testing::{MINUTE, NOW, World, append, finish, narrow, outcome, text};

/// A world in which a task rewrote one file, added one and removed one.
struct Pond(World);

impl Pond {
    fn new() -> Self {
        let pond = Self(World::new());
        let storage = pond.0.storage();
        pond.put("rewritten", "before\n");
        pond.put("removed", "it was here\n");
        let task = pond.0.begin(&storage, "42", "5e", "tidy up\nwell");
        let capture = |key: &str| {
            let tree = pond.capture();
            append(&storage, &task, key, NOW - 29 * MINUTE, Event::TreeCaptured { tree });
        };
        capture("base");
        pond.put("rewritten", "after\n");
        pond.put("added", "new\n");
        fs::remove_file(pond.path("removed")).unwrap();
        capture("i1");
        finish(&storage, &task, outcome(Ending::Accepted, "Tidy."));
        pond
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.workspace().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn capture(&self) -> TreeId {
        let context = self.0.context();
        let store = SnapshotStore::open(&context.paths().unwrap().snapshots()).unwrap();
        let mut index = IndexCache::load(&self.0.home().join("index"));
        let tree = store.capture(&self.0.workspace(), &mut index).unwrap();
        TreeId::new(tree.to_string())
    }

    /// Every file of the workspace with its text, sorted.
    fn files(&self) -> Vec<(String, String)> {
        let listing = fs::read_dir(self.0.workspace()).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = listing
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn run(&self, redo: bool, yes: bool) -> Result<Reply, CommandError> {
        run(&Args { id: None, redo, yes, json: false }, &self.0.context())
    }
}

fn before() -> Vec<(String, String)> {
    [("removed", "it was here\n"), ("rewritten", "before\n")].map(owned).into()
}

fn after() -> Vec<(String, String)> {
    [("added", "new\n"), ("rewritten", "after\n")].map(owned).into()
}

fn owned((name, text): (&str, &str)) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn an_undo_brings_every_file_back_and_says_how_to_take_it_back() {
    let pond = Pond::new();
    assert_eq!(pond.files(), after());

    let printed = pond.0.printed(pond.run(false, true));

    assert_eq!(pond.files(), before());
    let text = "task 00000042 is undone: 3 files restored\n\
                to take it back: openkoi undo --redo\n";
    assert_eq!(printed, (text.to_owned(), Exit::Accepted));
}

#[test]
fn a_redo_takes_the_undo_back() {
    let pond = Pond::new();
    pond.run(false, true).unwrap();

    let printed = pond.0.printed(pond.run(true, true));

    assert_eq!(pond.files(), after());
    let text = "task 00000042 is redone: 3 files restored\n";
    assert_eq!(printed, (text.to_owned(), Exit::Accepted));
}

#[test]
fn an_undo_for_programs_names_every_path_and_the_tree_that_was_there() {
    let pond = Pond::new();
    let was = pond.capture();
    let args = Args { id: Some("00000042".to_owned()), redo: false, yes: true, json: true };

    let document = pond.0.document(run(&args, &pond.0.context()));

    assert_eq!(
        document,
        json!({
            "task_id": "01k9abcdef0000000000000042",
            "redo": false,
            "written": ["removed", "rewritten"],
            "removed": ["added"],
            "blocked": [],
            "before": was.as_str(),
            "schema_version": 1,
        })
    );
}

#[test]
fn nothing_is_restored_where_nobody_can_agree() {
    let pond = Pond::new();

    let error = pond.run(false, false).err().unwrap();

    assert_eq!(pond.files(), after());
    let message = "restore 3 files? (there is no terminal to answer on)";
    let expected = CommandError::new(Exit::NeedsApproval, message);
    assert_eq!(error, expected.hint("openkoi undo 00000042 --yes"));
}

#[test]
fn a_redo_that_nobody_agreed_to_names_its_own_flag() {
    let pond = Pond::new();
    pond.run(false, true).unwrap();

    let error = pond.run(true, false).err().unwrap();

    assert_eq!(pond.files(), before());
    assert_eq!(error.hints, ["openkoi undo 00000042 --redo --yes"]);
}

#[test]
fn a_task_is_undone_once() {
    let pond = Pond::new();
    pond.run(false, true).unwrap();

    let again = pond.run(false, true).err().unwrap();
    let by_name = Args { id: Some("00000042".to_owned()), redo: false, yes: true, json: false };
    let named = run(&by_name, &pond.0.context()).err().unwrap();

    assert_eq!(again, CommandError::failed("no task has changed anything in this directory"));
    let undone = CommandError::failed("task 00000042 is undone already");
    assert_eq!(named, undone.hint("openkoi undo --redo"));
    assert_eq!(pond.files(), before());
}

#[test]
fn without_an_undo_there_is_nothing_to_redo() {
    let pond = Pond::new();

    let error = pond.run(true, true).err().unwrap();

    assert_eq!(error.kind, Exit::NotAccepted);
    assert_eq!(pond.files(), after());
}

#[test]
fn a_task_that_runs_is_not_undone() {
    let world = World::new();
    let storage = world.storage();
    let pond = Pond(world);
    pond.put("file", "one\n");
    let task = pond.0.begin(&storage, "42", "5e", "tidy up");
    for (key, text) in [("base", "two\n"), ("i1", "three\n")] {
        append(&storage, &task, key, NOW, Event::TreeCaptured { tree: pond.capture() });
        pond.put("file", text);
    }

    let error = pond.run(false, true).err().unwrap();

    let message = "task 00000042 is running; its files cannot be restored";
    assert_eq!(error, CommandError::failed(message));
}

#[test]
fn where_nothing_was_ever_done_there_is_nothing_to_undo() {
    let world = World::new();
    let args = Args { id: None, redo: false, yes: true, json: false };

    let error = run(&args, &world.context()).err().unwrap();

    assert_eq!(error, CommandError::failed("no task has changed anything in this directory"));
}

#[test]
fn each_change_is_told_by_what_an_undo_does_about_it() {
    let kinds = [
        (PathChangeKind::Added, "  bring back a"),
        (PathChangeKind::Removed, "  remove     a"),
        (PathChangeKind::Modified, "  put back   a"),
        (PathChangeKind::Retyped, "  put back   a"),
        (PathChangeKind::Mode, "  mode       a"),
    ];

    for (kind, line) in kinds {
        assert_eq!(listed(&PathChange { path: "a".to_owned(), kind }), line);
    }
}

#[test]
fn what_stood_in_the_way_is_told_line_by_line() {
    let pond = Pond::new();
    let context = pond.0.context();
    let mut plan = UndoPlan::undo(&context.app, None, &pond.0.workspace()).unwrap();
    let mut report = plan.apply(&context.app).unwrap();
    report.blocked = vec!["a/\x1b[2Jb".to_owned()];

    let done = Restored { plan, report };

    let expected = "task 00000042 is undone: 3 files restored\n\
                    not restored, something is in the way: a/\\x1b[2Jb\n\
                    to take it back: openkoi undo --redo\n";
    assert_eq!((text(&done), narrow(&done)), (expected.to_owned(), expected.to_owned()));
}
