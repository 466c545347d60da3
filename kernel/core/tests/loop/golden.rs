//! Journals that releases wrote stay readable and verify to the same end. How they are made stands in
//! `tests/README.md`.

use std::path::Path;

use openkoi_core::{
    event::{Entry, Event, RULES},
    id::TaskId,
    outcome::{Ending, Outcome, Pause},
    run::{self, Paused, Verified},
};
use serde_json::Value;

/// A journal that some release wrote.
struct Golden {
    name: String,
    lines: Vec<Value>,
}

/// Returns the journals of all releases.
#[expect(
    clippy::disallowed_methods,
    reason = "each journal that is there has to hold, none is named here"
)]
fn all() -> Vec<Golden> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let files = std::fs::read_dir(directory).expect("the golden journals");
    let golden = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("a file").path();
        let text = std::fs::read_to_string(&file).expect("a text");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Golden { name, lines: lines.collect() }
    };
    files.map(golden).collect()
}

impl Golden {
    fn entries(&self) -> Vec<Entry> {
        let entry = |line: &Value| match serde_json::from_value(line.clone()) {
            Ok(entry) => entry,
            Err(error) => panic!("{}: {error}: {line}", self.name),
        };
        self.lines.iter().map(entry).collect()
    }

    fn verify(&self) -> Result<Verified, Paused> {
        let entries = self.entries();
        let Some(Event::TaskStarted { task, .. }) = entries.first().map(|entry| &entry.event)
        else {
            panic!("{} does not begin with its start", self.name);
        };
        replay(&task.id.clone(), entries)
    }

    /// Returns the journal without these fields, as a release wrote it that did not know them yet.
    fn without(mut self, fields: &[Field]) -> Self {
        for line in &mut self.lines {
            for Field(event, path) in fields {
                if line["event"]["event"] == *event || *event == ANY {
                    remove(line, path);
                }
            }
        }
        self
    }
}

fn replay(task: &TaskId, entries: Vec<Entry>) -> Result<Verified, Paused> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(run::verify(task, entries))
}

/// A field of an event: its path through the entry, where `*` is everything in a list or a record.
struct Field(&'static str, &'static [&'static str]);

const ANY: &str = "any event";

/// Fields that journals did not always have, and from which nothing follows in a replay.
const SILENT: [Field; 4] = [
    Field(ANY, &["seq"]),
    Field("task.started", &["event", "models", "*", "1", "price_source"]),
    Field("task.started", &["event", "task", "settings", "checks_seconds"]),
    Field("turn.started", &["event", "request"]),
];

/// Further fields that journals did not always have. A replay comes to them by itself and misses them.
const MISSED: [Field; 8] = [
    Field("task.started", &["event", "task", "settings", "*"]),
    Field("plan.made", &["event", "contract", "criteria", "*", "tests"]),
    Field("turn.finished", &["event", "result", "Ok", "route"]),
    Field("iteration.decided", &["event", "standing", "held"]),
    Field("task.finished", &["event", "outcome", "standing", "held"]),
    Field("task.finished", &["event", "outcome", "repairs"]),
    Field("task.paused", &["event", "cause"]),
    Field("task.paused", &["event", "outcome"]),
];

/// Removes what is at `path`. Returns whether anything was there.
fn remove(value: &mut Value, path: &[&str]) -> bool {
    match (path, value) {
        (["*"], Value::Object(fields)) => {
            let had = !fields.is_empty();
            fields.clear();
            had
        }
        ([last], Value::Object(fields)) => fields.remove(*last).is_some(),
        (["*", rest @ ..], Value::Array(values)) => {
            values.iter_mut().filter_map(|value| remove(value, rest).then_some(())).count() > 0
        }
        ([first, rest @ ..], Value::Object(fields)) => {
            fields.get_mut(*first).is_some_and(|value| remove(value, rest))
        }
        ([first, rest @ ..], Value::Array(values)) => {
            let place = first.parse().ok().and_then(|place: usize| values.get_mut(place));
            place.is_some_and(|value| remove(value, rest))
        }
        _ => false,
    }
}

/// Returns the outcome with which a journal ends, or the reason for which it paused without one.
fn recorded(entries: &[Entry]) -> Result<&Outcome, &str> {
    match entries.last().map(|entry| &entry.event) {
        Some(Event::TaskFinished { outcome }) => Ok(outcome),
        Some(Event::TaskPaused { outcome: Some(outcome), .. }) => Ok(outcome),
        Some(Event::TaskPaused { reason, .. }) => Err(reason),
        other => panic!("it does not end: {other:?}"),
    }
}

/// Fails unless a journal verifies to the end that is recorded in it.
#[track_caller]
fn assert_verified(golden: &Golden) {
    let entries = golden.entries();
    match (golden.verify(), recorded(&entries)) {
        (Ok(Verified::Outcome(outcome)), Ok(recorded)) => {
            assert_eq!(*outcome, *recorded, "{}", golden.name);
        }
        (Ok(Verified::Open { reason }), Err(recorded)) => {
            assert_eq!(reason, recorded, "{}", golden.name);
        }
        (replayed, _) => panic!("{}: {replayed:?}", golden.name),
    }
}

#[test]
fn the_journals_of_every_release_verify_to_the_end_that_they_record() {
    let all = all();
    all.iter().for_each(assert_verified);

    let ends = |name: &str, holds: fn(&Event) -> bool| {
        let of_name = all.iter().filter(|golden| golden.name.ends_with(name));
        let ends = of_name.filter_map(|golden| golden.entries().pop());
        let ends: Vec<bool> = ends.map(|entry| holds(&entry.event)).collect();
        assert!(!ends.is_empty() && !ends.contains(&false), "{name}: {ends:?}");
    };
    let accepted = |event: &Event| matches!(event, Event::TaskFinished { outcome } if outcome.ending == Ending::Accepted);
    ends("-fix", accepted);
    ends("-question", accepted);
    ends("-limit", |event| {
        matches!(event, Event::TaskPaused { cause: Some(Pause::Limit { .. }), .. })
    });
    ends("-approval", |event| {
        matches!(event, Event::TaskPaused { cause: Some(Pause::Question { .. }), .. })
    });
}

#[test]
fn what_earlier_releases_did_not_write_may_be_missing_in_a_journal_that_verifies() {
    for golden in all() {
        assert_verified(&golden.without(&SILENT));
    }
}

#[test]
fn a_journal_is_read_without_anything_that_earlier_releases_did_not_write() {
    for golden in all() {
        let names = |golden: &Golden| {
            golden.entries().iter().map(|entry| entry.event.name()).collect::<Vec<_>>()
        };
        let now = names(&golden);

        let older = golden.without(&SILENT).without(&MISSED);

        assert_eq!(names(&older), now, "{}", older.name);
    }
}

#[test]
fn every_field_that_earlier_releases_did_not_write_is_in_some_journal() {
    // `request` is in none: it is of that machine and that day.
    for Field(event, path) in
        SILENT.iter().chain(&MISSED).filter(|field| !field.1.ends_with(&["request"]))
    {
        let mut lines = all().into_iter().flat_map(|golden| golden.lines);
        let found = lines.any(|mut line| {
            (line["event"]["event"] == *event || *event == ANY) && remove(&mut line, path)
        });

        assert!(found, "{event} {path:?}");
    }
}

#[test]
fn a_journal_that_is_decided_otherwise_now_is_of_other_rules_and_not_damaged() {
    let mut golden = all().into_iter().find(|golden| golden.name.ends_with("-fix")).expect("one");
    for line in &mut golden.lines {
        if line["event"]["event"] == "iteration.decided" {
            line["event"]["reason"] = "as it was decided then".into();
        }
    }
    assert_eq!(golden.verify(), Ok(Verified::OtherRules { rules: 0 }));

    // Of the present rules it is damaged.
    golden.lines[0]["event"]["rules"] = RULES.into();
    assert!(matches!(golden.verify(), Err(Paused::Record(_))));
}
