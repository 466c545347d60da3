//! A home of its own for each test, and events as a run would record them.

use std::path::PathBuf;

use openkoi_core::{
    event::{Entry, Event},
    evidence::Standing,
    id::{SessionId, TaskId},
    message::Message,
    task::{Task, TaskSettings},
};
use openkoi_storage::{Places, Storage};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A home that goes away with the test.
pub struct Home {
    pub directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn places(&self) -> Places {
        Places { home: self.path(""), data: self.path("data") }
    }

    pub fn open(&self) -> Storage {
        Storage::open(self.places()).unwrap()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub fn database(&self) -> PathBuf {
        self.path("data/openkoi.db")
    }
}

/// An id in the form of a ULID: the same beginning for all, as for ids of one day.
pub fn id(tail: &str) -> String {
    format!("01k9abcdef{tail:0>16}")
}

pub fn task_id(tail: &str) -> TaskId {
    TaskId::new(id(tail))
}

pub fn session_id(tail: &str) -> SessionId {
    SessionId::new(id(tail))
}

pub fn entry(key: &str, at_ms: u64, event: Event) -> Entry {
    Entry { key: key.to_owned(), at_ms, elapsed_ms: at_ms / 2, event }
}

/// Builds an event from the JSON of the journal, so that fields which do not matter here need no mention.
pub fn event(value: Value) -> Event {
    serde_json::from_value(value).unwrap()
}

pub fn task(task: &TaskId, session: &SessionId, text: &str) -> Task {
    Task {
        id: task.clone(),
        session: session.clone(),
        text: text.to_owned(),
        workspace: "/work".to_owned(),
        history: vec![Message::user("before")],
        settings: TaskSettings::STANDARD,
    }
}

pub fn started(id: &TaskId, session: &SessionId, text: &str) -> Event {
    let card = |name: &str| json!({ "name": name, "context": 1000, "output": 100, "price": null });
    event(json!({
        "event": "task.started",
        "task": serde_json::to_value(task(id, session, text)).unwrap(),
        "models": [["planner", card("p/small")], ["executor", card("p/large")]],
        "overview": "", "instructions": "", "tools": [], "evaluators": [],
    }))
}

pub fn turn(role: &str, model: &str, text: &str, tokens: u64, cost_micros: u64) -> Event {
    event(json!({
        "event": "turn.finished", "role": role, "model": model,
        "result": { "Ok": {
            "parts": [{ "text": text }], "stop": "finished", "model": model,
            "usage": { "input": tokens - 1, "output": 1, "cache_read": null,
                       "cache_write": null, "reasoning": null },
        }},
        "spent": { "tokens": tokens, "cost_micros": cost_micros },
    }))
}

pub fn standing(score: Option<f64>) -> Value {
    serde_json::to_value(Standing { score, size: (1, 20), ..Standing::default() }).unwrap()
}

pub fn finished(ending: Value, text: &str, tokens: u64, cost_micros: u64) -> Event {
    let mut outcome = json!({
        "text": text, "iterations": 2, "best_iteration": 2, "standing": standing(Some(0.925)),
        "claims": [], "changes": [{ "path": "a", "kind": "added" }], "turns": 1,
        "usage": { "input": 1, "output": 1, "cache_read": null, "cache_write": null,
                   "reasoning": null },
        "spent": { "tokens": tokens, "cost_micros": cost_micros }, "elapsed_ms": 7, "scores": [],
    });
    outcome.as_object_mut().unwrap().extend(ending.as_object().unwrap().clone());
    event(json!({ "event": "task.finished", "outcome": outcome }))
}

pub fn paused(reason: &str) -> Event {
    Event::TaskPaused { reason: reason.to_owned() }
}

/// Records the beginning of a task in a session.
pub fn begin(storage: &Storage, task: &str, session: &str, text: &str, at_ms: u64) -> TaskId {
    let id = task_id(task);
    let begun = entry("start", at_ms, started(&id, &session_id(session), text));
    storage.append_entry(&id, &begun).unwrap();
    id
}

/// Records something of a task.
pub fn append(storage: &Storage, task: &TaskId, key: &str, at_ms: u64, event: Event) {
    storage.append_entry(task, &entry(key, at_ms, event)).unwrap();
}
