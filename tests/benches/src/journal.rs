//! Entries of the journal, each durable before the next, against the least that SQLite can do for that: one row
//! into one table, one transaction, the same settings. Rounds of both take turns, so that a disk which is busy
//! is busy for both.

use std::{path::Path, time::Instant};

use openkoi_core::{
    event::{Entry, Event},
    id::TaskId,
    port::Journal,
};
use openkoi_storage::Storage;
use openkoi_testing::target_directory;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    process,
    table::{self, Spread},
};

const ROUNDS: usize = 15;
const COMMITS: usize = 100;

/// What a round took for each commit, in microseconds.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

/// Prints how fast entries become durable.
pub(crate) fn print() {
    // Not in /tmp, which may be in memory.
    let home = tempfile::tempdir_in(target_directory()).expect("a directory can be made");
    let payload = serde_json::to_string(&heavy()).expect("an event is JSON");
    let (storage, task) = storage(home.path());
    let bare = bare(&home.path().join("bare.db"));
    let mut insert = writer(&bare, &payload);
    let appended = [
        ("iteration.started: one table", entries([light()])),
        ("turn.finished: three tables", entries([heavy()])),
        ("three entries together", entries([light(), heavy(), light()])),
    ];

    let mut base = Vec::new();
    let mut own = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        base.push(round(&mut insert));
        for (took, (_, entries)) in own.iter_mut().zip(&appended) {
            took.push(round(|| append(&storage, &task, entries)));
        }
    }
    let mut rows = vec![row("bare SQLite: one row", &base, &base)];
    rows.extend(appended.iter().zip(&own).map(|((name, _), took)| row(name, took, &base)));
    let head = ["a commit", "a second", "median", "ratio", "CPU µs", "median", "ratio"];
    table::print(&format!("Journal: {ROUNDS} rounds of {COMMITS} commits, WAL, FULL"), head, &rows);
    println!(
        "\nA second: in the best round, and in the median one. Ratio: medians, to bare SQLite."
    );
}

fn row(name: &str, own: &[Took], base: &[Took]) -> [String; 7] {
    let wall = |rounds: &[Took]| Spread::of(rounds.iter().map(|took| took.wall));
    let cpu = |rounds: &[Took]| Spread::of(rounds.iter().map(|took| took.cpu));
    let [best, median] =
        [wall(own).least, wall(own).median].map(|each| format!("{:.0}", 1e6 / each));
    let [least, usual] = cpu(own).cells(0);
    let slower = format!("{:.2}", wall(base).median / wall(own).median);
    let dearer = format!("{:.2}", cpu(own).median / cpu(base).median);
    [name.to_owned(), best, median, slower, least, usual, dearer]
}

fn round(mut commit: impl FnMut()) -> Took {
    let (begun, spent) = (Instant::now(), process::cpu_micros());
    (0..COMMITS).for_each(|_| commit());
    let each = |micros: f64| micros / COMMITS as f64;
    Took {
        wall: each(begun.elapsed().as_secs_f64() * 1e6),
        cpu: each(process::cpu_micros() - spent),
    }
}

/// The settings of `kernel/storage/src/opener.rs`.
fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;
             CREATE TABLE entries (row INTEGER PRIMARY KEY, payload TEXT NOT NULL) STRICT;",
        )
        .expect("the table is made");
    connection
}

/// Returns what writes `payload` with statements that are prepared once.
fn writer<'a>(connection: &'a Connection, payload: &'a str) -> impl FnMut() + 'a {
    let prepare = |sql| connection.prepare(sql).expect("it is SQL");
    let mut begin = prepare("BEGIN IMMEDIATE");
    let mut insert = prepare("INSERT INTO entries (payload) VALUES (?1)");
    let mut commit = prepare("COMMIT");
    move || {
        begin.execute(()).expect("it begins");
        insert.execute([payload]).expect("it is written");
        commit.execute(()).expect("it is durable");
    }
}

/// Opens a storage in which a task has begun.
fn storage(home: &Path) -> (Storage, TaskId) {
    let storage = Storage::open(&home.join("data")).expect("it opens");
    let task = TaskId::new("01k9abcdef0000000000000001");
    append(&storage, &task, &entries([started(&task)]));
    (storage, task)
}

fn append(storage: &Storage, task: &TaskId, entries: &[Entry]) {
    Journal::append(storage, task, entries).expect("they are durable");
}

fn entries<const N: usize>(events: [Event; N]) -> Vec<Entry> {
    let key = || "i1/t0".to_owned();
    let entry =
        |event| Entry { seq: 0, key: key(), at_ms: 1_767_225_600_000, elapsed_ms: 1, event };
    events.map(entry).into()
}

fn event(value: Value) -> Event {
    serde_json::from_value(value).expect("it is an event")
}

fn started(task: &TaskId) -> Event {
    let settings = openkoi_core::task::TaskSettings::STANDARD;
    let card = json!({ "name": "p/m", "context": 1000, "output": 100, "price": null });
    event(json!({
        "event": "task.started",
        "task": { "id": task, "session": "01k9abcdef0000000000000002", "text": "say done",
                  "workspace": "/work", "history": [], "settings": settings },
        "models": [["executor", card]],
        "overview": "", "instructions": "", "tools": [], "evaluators": [],
    }))
}

/// An entry that is only itself.
fn light() -> Event {
    Event::IterationStarted { number: 1 }
}

/// An entry that also changes the task and adds a row to the usage.
fn heavy() -> Event {
    event(json!({
        "event": "turn.finished", "role": "executor", "model": "p/m",
        "result": { "Ok": {
            "parts": [{ "text": "Done." }], "stop": "finished", "model": "p/m",
            "usage": { "input": 100, "output": 20, "cache_read": null, "cache_write": null,
                       "reasoning": null },
        }},
        "spent": { "tokens": 120, "cost_micros": 360 },
    }))
}
