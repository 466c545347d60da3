use std::{fs, path::PathBuf};

use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::{
    change_set::{CallEffects, PathEffect, PathState},
    event::Event,
    outcome::Ending,
};
use serde_json::json;

use super::*;
use crate::testing::{MINUTE, NOW, World, append, finish, outcome};

/// A world in which a task rewrote one file, added one and removed one.
struct Pond(World);

const PATHS: [&str; 3] = ["added", "removed", "rewritten"];

impl Pond {
    fn new() -> Self {
        let pond = Self(World::new());
        let storage = pond.0.storage();
        pond.put("rewritten", "before\n");
        pond.put("removed", "it was here\n");
        let task = pond.0.begin(&storage, "42", "5e", "tidy up\nwell");
        let before = pond.states();
        pond.put("rewritten", "after\n");
        pond.put("added", "new\n");
        fs::remove_file(pond.path("removed")).unwrap();
        let effects = pond.effects(before);
        append(&storage, &task, "i1/t1/c1", NOW - 29 * MINUTE, Event::EffectsKept { effects });
        finish(&storage, &task, outcome(Ending::Accepted, "Tidy."));
        pond
    }

    /// The states of all paths.
    fn states(&self) -> Vec<PathState> {
        let context = self.0.context();
        let store = SnapshotStore::open(&context.paths().unwrap().snapshots()).unwrap();
        store.states(&self.0.workspace(), &PATHS.map(str::to_owned)).unwrap()
    }

    /// The differences of now from `before`.
    fn effects(&self, before: Vec<PathState>) -> CallEffects {
        let states = before.into_iter().zip(self.states());
        let effect = |(path, (before, after)): (&&str, (PathState, PathState))| {
            PathEffect::new(*path, before, after)
        };
        {
            let changed = |effect: &PathEffect| effect.before != effect.after;
            let paths = PATHS.iter().zip(states).map(effect).filter(changed).collect();
            CallEffects { paths, ..CallEffects::default() }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.workspace().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
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
                to take it back: openkoi undo 00000042 --redo\n";
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
fn an_undo_for_programs_names_every_path() {
    let pond = Pond::new();
    let args = Args { id: Some("00000042".to_owned()), redo: false, yes: true, json: true };

    let document = pond.0.document(run(&args, &pond.0.context()));

    assert_eq!(
        document,
        json!({
            "task_id": "01k9abcdef0000000000000042",
            "redo": false,
            "written": ["removed", "rewritten"],
            "removed": ["added"],
            "conflicts": [],
            "objects_left": [],
            "session": null,
            "schema_version": 1,
        })
    );
}

#[test]
fn what_somebody_else_changed_stays_and_the_exit_code_says_so() {
    let pond = Pond::new();
    pond.put("rewritten", "by hand\n");
    pond.put("mywork", "mine\n");

    let printed = pond.0.printed(pond.run(false, true));

    let text = "task 00000042 is undone: 2 files restored\n\
                not restored, it was changed since: rewritten\n\
                to take it back: openkoi undo 00000042 --redo\n";
    assert_eq!(printed, (text.to_owned(), Exit::NotAccepted));
    let files = [("mywork", "mine\n"), ("removed", "it was here\n"), ("rewritten", "by hand\n")];
    assert_eq!(pond.files(), files.map(owned));
    // A redo brings back what the undo took, and nothing else.
    pond.put("mywork", "more\n");
    let (_, exit) = pond.0.printed(pond.run(true, true));
    assert_eq!(exit, Exit::Accepted);
    let files = [("added", "new\n"), ("mywork", "more\n"), ("rewritten", "by hand\n")];
    assert_eq!(pond.files(), files.map(owned));
}

#[test]
fn where_everything_was_changed_since_nothing_is_asked() {
    let pond = Pond::new();
    pond.put("rewritten", "by hand\n");
    pond.put("added", "by hand\n");
    pond.put("removed", "by hand\n");

    let error = pond.run(false, false).err().unwrap();

    let message = "nothing was restored: whatever the task changed was changed again since";
    let expected = CommandError::new(Exit::NotAccepted, message);
    assert_eq!(error, expected.hint("openkoi task diff 00000042"));
}

#[test]
fn work_that_the_loop_took_back_is_one_redo_away() {
    let pond = Pond(World::new());
    let storage = pond.0.storage();
    let task = pond.0.begin(&storage, "42", "5e", "tidy up");
    let before = pond.states();
    pond.put("added", "new\n");
    let effects = pond.effects(before);
    let steps: Vec<PathEffect> = effects.paths.iter().map(PathEffect::inverse).collect();
    let done = steps.iter().map(|step| step.path.clone()).collect();
    append(&storage, &task, "i1/t1/c1", NOW, Event::EffectsKept { effects });
    fs::remove_file(pond.path("added")).unwrap();
    let restored =
        Event::TreeRestored { tree: None, steps, done, conflicts: Vec::new(), changes: Vec::new() };
    append(&storage, &task, "end", NOW, restored);
    finish(&storage, &task, outcome(Ending::Exhausted, "No."));
    drop(storage);

    assert!(pond.run(false, true).is_err(), "nothing of it is there");
    pond.run(true, true).unwrap();
    assert_eq!(pond.files(), [("added", "new\n")].map(owned));
    pond.run(false, true).unwrap();
    assert!(pond.files().is_empty());
    pond.run(true, true).unwrap();
    assert_eq!(pond.files(), [("added", "new\n")].map(owned));
}

#[test]
fn an_undo_that_was_cut_is_known_to_the_next_one() {
    let pond = Pond::new();
    pond.run(false, true).unwrap();
    // The line that says what was done is lost, and one file was not reached.
    let log = pond.0.context().paths().unwrap().data().join("undo.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{}\n", text.lines().next().unwrap())).unwrap();
    pond.put("rewritten", "after\n");

    pond.run(false, true).unwrap();
    assert_eq!(pond.files(), before());
    pond.run(true, true).unwrap();
    assert_eq!(pond.files(), after());
}

#[test]
fn a_rewind_goes_to_a_step_and_an_undo_from_there_to_the_beginning() {
    let pond = Pond(World::new());
    let storage = pond.0.storage();
    let task = pond.0.begin(&storage, "42", "5e", "tidy up");
    for (number, text) in ["one\n", "two\n", "three\n"].iter().enumerate() {
        let before = pond.states();
        pond.put("added", text);
        let effects = pond.effects(before);
        let key = format!("i1/t{number}/c1");
        append(&storage, &task, &key, NOW, Event::EffectsKept { effects });
    }
    finish(&storage, &task, outcome(Ending::Accepted, "Done."));
    drop(storage);
    let rewind = |step: Option<u32>| {
        let id = Some("00000042".to_owned());
        let args = crate::commands::rewind::Args { id, step, yes: true, json: false };
        crate::commands::rewind::run(args, &pond.0.context())
    };

    let (listed, _) = pond.0.printed(rewind(None));
    assert!(listed.contains("  2  the task: 1 file: added\n"), "{listed}");
    rewind(Some(1)).unwrap();
    assert_eq!(pond.files(), [("added", "one\n")].map(owned));
    rewind(Some(3)).unwrap();
    assert_eq!(pond.files(), [("added", "three\n")].map(owned));
    rewind(Some(2)).unwrap();
    pond.run(false, true).unwrap();
    assert!(pond.files().is_empty());
    let error = rewind(Some(4)).err().unwrap();
    let expected = CommandError::failed("task 00000042 has no step 4");
    assert_eq!(error, expected.hint("openkoi rewind 00000042"));
}

#[test]
fn a_task_from_before_calls_kept_their_effects_is_undone_by_its_trees() {
    use openkoi_brokers::snapshot::IndexCache;
    use openkoi_core::{id::TreeId, message::ToolCall, tool::Effect};
    let pond = Pond(World::new());
    let storage = pond.0.storage();
    let task = pond.0.begin(&storage, "42", "5e", "tidy up");
    let capture = |key: &str| {
        let store = SnapshotStore::open(&pond.0.context().paths().unwrap().snapshots()).unwrap();
        let tree = store.capture(&pond.0.workspace(), &mut IndexCache::default()).unwrap();
        let tree = TreeId::new(tree.to_string());
        append(&storage, &task, key, NOW, Event::TreeCaptured { tree });
    };
    capture("i1/t1/c1");
    let call =
        ToolCall { id: String::new(), name: "write_file".to_owned(), arguments: String::new() };
    let started = Event::CallStarted {
        call,
        effect: Effect::Write,
        origin: String::new(),
        idempotent: false,
        target: String::new(),
    };
    append(&storage, &task, "i1/t1/c1", NOW, started);
    pond.put("added", "new\n");
    capture("i1");
    finish(&storage, &task, outcome(Ending::Accepted, "Done."));
    drop(storage);

    pond.run(false, true).unwrap();

    assert!(pond.files().is_empty());
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
    assert_eq!(named, undone.hint("openkoi undo 00000042 --redo"));
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
    let task = pond.0.begin(&storage, "42", "5e", "tidy up");
    let before = pond.states();
    pond.put("added", "new\n");
    let effects = pond.effects(before);
    append(&storage, &task, "i1/t1/c1", NOW, Event::EffectsKept { effects });

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
        (ChangeKind::Added, "  bring back a"),
        (ChangeKind::Removed, "  remove     a"),
        (ChangeKind::Modified, "  put back   a"),
    ];

    for (kind, line) in kinds {
        assert_eq!(listed(&Change { path: "a".to_owned(), kind, control: false }), line);
    }
}
