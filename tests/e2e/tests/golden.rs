//! Makes the golden journals of a release, which later releases have to read and verify. The tests that hold them to
//! that are in core.
//!
//! `cargo test -p openkoi-e2e golden -- --ignored` writes those that are missing. A journal that is there is never
//! written again: it is what a release has written into people's homes.

use std::{fs::File, io::Write as _, path::Path};

use openkoi_storage::{Storage, tasks::TaskQuery};
use openkoi_test_support::{Home, Kind, turn};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, scripted};

/// The time at which every journal begins: the beginning of 2026.
const BEGIN_MS: u64 = 1_767_225_600_000;

#[test]
#[ignore = "writes into tests/golden; for a release"]
fn the_journals_of_this_release_are_made() {
    let kind = Kind::Shell;
    let fixing = [
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().write(kind.source(), kind.fix()),
    ];
    made("fix", &scripted(fixing.clone()), &[TASK], 0);
    let answering = scripted([turn().executor().say("Forty-two.")]);
    made("question", &answering, &["what is it?", "-i", "0"], 0);
    made("limit", &scripted(fixing), &[TASK, "--max-tokens", "5000"], 6);
    let asking = scripted([turn().executor().write("new.txt", "x")]);
    made("approval", &asking.config("[trust]\ndefault = \"ask\""), &[TASK], 8);
}

/// Runs a task and keeps its journal, unless that was done before.
#[track_caller]
fn made(name: &str, home: &Home, arguments: &[&str], code: i32) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden");
    let file = directory.join(format!("{}-{name}.jsonl", env!("CARGO_PKG_VERSION")));
    if file.exists() {
        return;
    }
    home.openkoi(arguments).timeout(LONG).run().expect_code(code);
    let mut file = File::create_new(file).unwrap();
    file.write_all(journal(home).as_bytes()).unwrap();
}

/// Returns the only journal of a home as lines of JSON, without what was of this machine and this day alone.
fn journal(home: &Home) -> String {
    let storage = Storage::open(&home.path().join("data")).unwrap();
    let [task] = &storage.tasks(&TaskQuery::default()).unwrap()[..] else {
        panic!("one task is expected")
    };
    let entries = storage.entries(&task.id).unwrap();
    let begin_ms = entries[0].at_ms;
    let lines = entries.iter().map(|entry| {
        let mut line = serde_json::to_value(entry).unwrap();
        line["at_ms"] = json!(BEGIN_MS + entry.at_ms.saturating_sub(begin_ms));
        forget_request(&mut line);
        format!("{line}\n")
    });
    lines.collect::<String>().replace(&*home.root().to_string_lossy(), "/koi")
}

/// Removes the hash of a request. It is of all that was said, paths and prompts: another release says it differently,
/// which is a difference of version and not damage.
fn forget_request(line: &mut Value) {
    if line["event"]["event"] == "turn.started"
        && let Some(event) = line["event"].as_object_mut()
    {
        event.remove("request");
    }
}
