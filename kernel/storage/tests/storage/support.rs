//! A home of its own for each test, and events as a run would record them.

use std::path::PathBuf;

use openkoi_core::{
    event::{Entry, Event},
    evidence::Standing,
    id::{SessionId, TaskId},
    message::Message,
    task::{Task, TaskSettings},
};
use openkoi_storage::{Storage, StorageError, tasks::TaskRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A home that goes away with the test.
pub(crate) struct Home {
    pub(crate) directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn try_open(&self) -> Result<Storage, StorageError> {
        Storage::open(&self.path("data"))
    }

    pub(crate) fn open(&self) -> Storage {
        self.try_open().unwrap()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("data/openkoi.db")
    }
}

/// An id in the form of a ULID: the same beginning for all, as for ids of one day.
pub(crate) fn id(tail: &str) -> String {
    format!("01k9abcdef{tail:0>16}")
}

pub(crate) fn task_id(tail: &str) -> TaskId {
    TaskId::new(id(tail))
}

pub(crate) fn session_id(tail: &str) -> SessionId {
    SessionId::new(id(tail))
}

pub(crate) fn entry(key: &str, at_ms: u64, event: Event) -> Entry {
    Entry { seq: 0, key: key.to_owned(), at_ms, elapsed_ms: at_ms / 2, event }
}

/// Builds an event from the JSON of the journal, so that fields which do not matter here need no mention.
pub(crate) fn event(value: Value) -> Event {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn task(task: &TaskId, session: &SessionId, text: &str) -> Task {
    Task {
        id: task.clone(),
        session: session.clone(),
        text: text.to_owned(),
        workspace: "/work".to_owned(),
        history: vec![Message::user("before")],
        settings: TaskSettings::STANDARD,
        result_schema: None,
        attachments: Vec::new(),
        earlier: Vec::new(),
    }
}

pub(crate) fn started(id: &TaskId, session: &SessionId, text: &str) -> Event {
    let card = |name: &str| json!({ "name": name, "context": 1000, "output": 100, "price": null });
    event(json!({
        "event": "task.started",
        "task": serde_json::to_value(task(id, session, text)).unwrap(),
        "models": [["planner", card("p/small")], ["executor", card("p/large")]],
        "overview": "", "instructions": "", "tools": [], "evaluators": [],
    }))
}

pub(crate) fn turn(role: &str, model: &str, text: &str, tokens: u64, cost_micros: u64) -> Event {
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

pub(crate) fn standing(score: Option<f64>) -> Value {
    serde_json::to_value(Standing { score, size: (1, 20), ..Standing::default() }).unwrap()
}

pub(crate) fn finished(ending: Value, text: &str, tokens: u64, cost_micros: u64) -> Event {
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

pub(crate) fn paused(reason: &str) -> Event {
    Event::TaskPaused { reason: reason.to_owned(), cause: None, outcome: None }
}

/// Records the beginning of a task in a session.
pub(crate) fn begin(
    storage: &Storage,
    task: &str,
    session: &str,
    text: &str,
    at_ms: u64,
) -> TaskId {
    let id = task_id(task);
    let begun = entry("start", at_ms, started(&id, &session_id(session), text));
    try_append(storage, &id, &begun).unwrap();
    id
}

/// Records one entry, if it may be.
pub(crate) fn try_append(
    storage: &Storage,
    task: &TaskId,
    entry: &Entry,
) -> Result<(), StorageError> {
    storage.append_entries(task, std::slice::from_ref(entry))
}

/// Records something of a task.
pub(crate) fn append(storage: &Storage, task: &TaskId, key: &str, at_ms: u64, event: Event) {
    try_append(storage, task, &entry(key, at_ms, event)).unwrap();
}

/// Returns the row of a task, if there is one.
pub(crate) fn record(storage: &Storage, task: &TaskId) -> Option<TaskRecord> {
    match storage.find_task(task.as_str()) {
        Err(StorageError::NoSuch { .. }) => None,
        found => Some(found.unwrap()),
    }
}
