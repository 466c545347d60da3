//! A past: tasks that were done on earlier days. Each has the journal of a release, with another id, time and end.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use openkoi_core::{event::Entry, id::TaskId, records::Reaction};
use openkoi_storage::Storage;
use openkoi_test_support::Home;
use serde_json::{Value, json};

const DAY_MS: u64 = 86_400_000;

/// How a task ended, and what became of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was accepted and kept.
    Kept,
    /// It was accepted in its second iteration, and kept.
    Mended,
    /// It was accepted and changed by hand.
    Edited,
    /// It was accepted and undone.
    Undone,
    /// Its tests were red to the last.
    Refused,
}

/// A task of the past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// How many days ago.
    pub(crate) days: u64,
    /// How it ended.
    pub(crate) end: End,
    /// The trust with which it did what it did.
    pub(crate) trust: &'static str,
}

/// Returns the time now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Returns a time of the day that was so many days ago: its first, so that the age in days is the same at all hours; of today, one
/// that is over.
fn at_ms(days: u64) -> u64 {
    let now = now_ms();
    let today = now - now % DAY_MS;
    match days {
        0 => today + (now - today) / 2,
        days => today - days * DAY_MS,
    }
}

fn id(number: usize) -> String {
    format!("01m8views{number:017}")
}

/// Puts a past into a home.
pub(crate) fn lived(home: &Home, past: &[Past]) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/0.1.0-fix.jsonl");
    let golden = fs::read_to_string(golden).unwrap();
    let lines: Vec<Value> =
        golden.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let data = home.path().join("data");
    let storage = Storage::open(&data).unwrap();
    let mut undone = String::new();
    for (number, one) in past.iter().enumerate() {
        let begin = at_ms(one.days);
        let entries: Vec<Entry> = lines
            .iter()
            .map(|line| serde_json::from_value(told(line, number, begin, one, home)).unwrap())
            .collect();
        let task = TaskId::new(id(number));
        storage.append_entries(&task, &entries).unwrap();
        let reaction = match one.end {
            End::Refused => continue,
            End::Kept | End::Mended => Reaction::Kept,
            End::Edited => Reaction::Edited,
            End::Undone => {
                let line =
                    json!({ "task": id(number), "workspace": home.workspace(), "at_ms": begin });
                writeln!(undone, "{line}").unwrap();
                continue;
            }
        };
        storage.react(&task, reaction, begin + 1_000).unwrap();
    }
    fs::write(data.join("undo.jsonl"), undone).unwrap();
}

/// Returns a line of the journal as the one of this task has it.
fn told(line: &Value, number: usize, begin: u64, past: &Past, home: &Home) -> Value {
    let mut line = line.clone();
    let since = line["at_ms"].as_u64().unwrap() - 1_767_225_600_000;
    line["at_ms"] = json!(begin + since);
    let is_first = line["key"] == "i1";
    let is_check = line["key"] == "i1/e/checks";
    let event = &mut line["event"];
    match event["event"].as_str().unwrap() {
        "task.started" => {
            event["task"]["id"] = json!(id(number));
            event["task"]["session"] = json!(id(1_000 + number));
            event["task"]["text"] = json!(format!("Mend percent, part {number}"));
            event["task"]["workspace"] = json!(home.workspace());
        }
        "gate.decided" if event["action"] == "write_file" => {
            event["decision"]["because"] = json!(past.trust);
        }
        "turn.finished" => event["spent"]["cost_micros"] = json!(10_000 + 1_000 * number),
        "task.finished" => {
            event["outcome"]["spent"]["cost_micros"] = json!(4 * (10_000 + 1_000 * number));
            if past.end == End::Refused {
                event["outcome"]["ending"] = json!("exhausted");
            }
            event["outcome"]["iterations"] = json!(if past.end == End::Mended { 2 } else { 1 });
        }
        "evaluation.finished" if is_check && past.end == End::Refused => {
            event["result"]["Ok"]["checks"][0]["outcome"] = json!("failed");
        }
        "iteration.decided" if is_first => match past.end {
            End::Refused => event["decision"] = json!("stop"),
            End::Mended => event["decision"] = json!("refine"),
            _ => {}
        },
        _ => {}
    }
    line
}
