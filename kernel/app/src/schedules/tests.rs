use std::path::Path;

use openkoi_core::{
    event::{Entry, Event},
    ledger::Reservation,
    queue::Queue,
    task::{Task, TaskSettings},
};

use super::*;
use crate::environment::Environment;

const DAY: u64 = 86_400_000;
const HOUR: u64 = 3_600_000;

struct World {
    _home: tempfile::TempDir,
    app: App,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().display().to_string();
        let environment = Environment::of([("OPENKOI_HOME", path.as_str())], home.path());
        Self { app: App::new(environment), _home: home }
    }

    /// Adds a schedule for nine o'clock that was made at midnight of the first day.
    fn daily(&self, spec: impl FnOnce(&mut Spec)) -> String {
        let trigger = at_times("every day at 9", Some("UTC"), 0).unwrap();
        let mut kept =
            Spec { trigger, missed: Missed::Once, limits: Limits::default(), day_usd: None };
        spec(&mut kept);
        let new = NewSchedule {
            id: self.app.new_id().unwrap(),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            spec: serde_json::to_string(&kept).unwrap(),
        };
        self.app.storage().unwrap().add_schedule(&new, 0).unwrap();
        new.id
    }

    fn schedule(&self, id: &str) -> Schedule {
        Schedule::of(self.app.storage().unwrap().find_schedule(id).unwrap()).unwrap()
    }

    fn look(&self, id: &str, now_ms: u64) -> Option<u64> {
        look(&self.app, &self.schedule(id), now_ms).unwrap()
    }

    fn waiting(&self) -> Vec<openkoi_core::queue::QueuedTask> {
        self.app.storage().unwrap().unfinished().unwrap()
    }

    /// Brings the task that waits to an end, at this cost.
    fn finish(&self, cost_micros: u64) {
        let storage = self.app.storage().unwrap();
        let queued = self.waiting().pop().unwrap();
        storage.give(&queued.task, 1).unwrap();
        let task = Task {
            id: queued.task.clone(),
            session: queued.session,
            text: "feed the fish".to_owned(),
            workspace: queued.workspace,
            history: Vec::new(),
            settings: TaskSettings::STANDARD,
            result_schema: None,
            attachments: Vec::new(),
            earlier: Vec::new(),
        };
        let begun = Event::TaskStarted {
            task: Box::new(task),
            models: Vec::new(),
            overview: String::new(),
            instructions: String::new(),
            notes: Vec::new(),
            skills: Vec::new(),
            tools: Vec::new(),
            evaluators: Vec::new(),
            rules: 0,
        };
        let spent = Reservation { tokens: 1, cost_micros, at_most: false };
        let events = [begun, Event::TurnLost { reserved: spent }];
        let entries: Vec<Entry> = (1..)
            .zip(events)
            .map(|(seq, event)| Entry {
                seq,
                key: format!("k{seq}"),
                at_ms: 1,
                elapsed_ms: 1,
                event,
            })
            .collect();
        let lease = storage.claim_task(&queued.task).unwrap();
        storage.append_entries(&queued.task, &entries).unwrap();
        drop(lease);
        storage.finish(&queued.task, None, 2).unwrap();
    }
}

#[test]
fn a_schedule_begins_its_task_once_and_says_when_it_is_due_next() {
    let world = World::new();
    let id = world.daily(|spec| {
        spec.limits = Limits {
            iterations: Some(2),
            model: Some("koi/large".to_owned()),
            cost_usd: Some(0.5),
            ..Limits::default()
        };
    });

    assert_eq!(world.look(&id, HOUR), Some(9 * HOUR));
    assert_eq!(world.waiting(), []);
    assert_eq!(world.look(&id, 9 * HOUR), Some(9 * HOUR + DAY));
    assert_eq!(world.look(&id, 9 * HOUR + 5), Some(9 * HOUR + DAY));

    let [run] = world.waiting().try_into().unwrap();
    assert_eq!(run.workspace, "/pond");
    assert_eq!(run.request, r#"{"limits":{"iterations":2,"model":"koi/large","cost_usd":0.5}}"#);
    assert_eq!(world.schedule(&id).record.last, Some((run.task, 9 * HOUR)));
}

#[test]
fn a_crash_between_the_queue_and_the_note_does_nothing_twice() {
    let world = World::new();
    let id = world.daily(|_| {});
    let before = world.schedule(&id);

    look(&world.app, &before, 9 * HOUR).unwrap();
    // What a process that died would do again: it knows of no run.
    look(&world.app, &before, 9 * HOUR + 1_000).unwrap();

    assert_eq!(world.waiting().len(), 1);
    let storage = world.app.storage().unwrap();
    assert_eq!(storage.schedule_runs(&id, 9).unwrap().len(), 1);
}

#[test]
fn a_run_that_still_goes_on_lets_the_next_one_be_left_out_and_said() {
    let world = World::new();
    let id = world.daily(|_| {});

    world.look(&id, 9 * HOUR);
    world.look(&id, 9 * HOUR + DAY);

    assert_eq!(world.waiting().len(), 1);
    let (note, at_ms) = world.schedule(&id).record.note.unwrap();
    assert!(
        note.starts_with("it was left out: its run ") && note.ends_with("still goes on"),
        "{note}"
    );
    assert_eq!(at_ms, 9 * HOUR + DAY);
    world.finish(0);
    world.look(&id, 9 * HOUR + 2 * DAY);
    assert_eq!((world.waiting().len(), world.schedule(&id).record.note), (1, None));
}

#[test]
fn missed_runs_are_made_up_for_once_or_left_out() {
    let world = World::new();
    let (once, skip) = (world.daily(|_| {}), world.daily(|spec| spec.missed = Missed::Skip));

    for id in [&once, &skip] {
        assert_eq!(world.look(id, 9 * HOUR + 3 * DAY + HOUR), Some(9 * HOUR + 4 * DAY));
    }

    assert_eq!(world.waiting().len(), 1);
    assert_eq!(world.schedule(&once).record.last.unwrap().1, 9 * HOUR + 3 * DAY);
    let (note, _) = world.schedule(&skip).record.note.unwrap();
    assert!(note.contains("missed"), "{note}");
}

#[test]
fn the_money_of_a_day_limits_its_runs() {
    let world = World::new();
    let id = world.daily(|spec| {
        spec.day_usd = Some(1.0);
        spec.limits.cost_usd = Some(0.75);
        spec.trigger = at_times("hourly", Some("UTC"), 0).unwrap();
    });

    let cost = |at| {
        world.look(&id, at);
        let run = world.waiting().pop()?;
        serde_json::from_str::<serde_json::Value>(&run.request).unwrap()["limits"]["cost_usd"]
            .as_f64()
    };
    assert_eq!(cost(HOUR), Some(0.75));
    world.finish(600_000);
    assert_eq!(cost(2 * HOUR), Some(0.4));
    world.finish(400_000);
    assert_eq!(cost(3 * HOUR), None);
    let (note, _) = world.schedule(&id).record.note.unwrap();
    assert_eq!(
        note,
        "it was left out: its runs of today cost $1.00, and $1.00 is the most of a day"
    );
    assert_eq!(cost(DAY + HOUR), Some(0.75));
}

#[test]
fn a_paused_schedule_begins_nothing_and_makes_up_for_nothing_when_it_goes_on() {
    let world = World::new();
    let id = world.daily(|_| {});
    let storage = world.app.storage().unwrap();
    storage.pause_schedule(&id, true, HOUR).unwrap();

    assert_eq!(world.look(&id, 10 * HOUR), None);
    storage.pause_schedule(&id, false, 11 * HOUR).unwrap();

    assert_eq!(world.look(&id, 12 * HOUR), Some(9 * HOUR + DAY));
    assert_eq!(world.waiting(), []);
}

#[tokio::test]
async fn changes_of_files_are_told_but_for_those_that_the_repository_leaves_out() {
    let home = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(home.path()).unwrap();
    std::fs::create_dir(root.join("target")).unwrap();
    std::fs::write(root.join(".gitignore"), "target\n").unwrap();
    let watch = FileWatch::of(&root, &root).unwrap();

    std::fs::write(root.join("target/out"), "x").unwrap();
    std::fs::write(root.join("fish.rs"), "x").unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), watch.next()).await.unwrap();

    assert_eq!(watch.take().into_iter().collect::<Vec<_>>(), [root.join("fish.rs")]);
    assert!(FileWatch::of(Path::new("/nowhere/at/all"), &root).is_err());
}
