//! The journal as rows.

use openkoi_core::{id::TaskId, message::Usage};
use openkoi_storage::records::{
    CallRecord, IterationRecord, RecordQuery, SpendingRecord, VerdictRecord,
};
use serde_json::json;

use crate::support::{Home, append, begin, event, standing, turn};

fn query(task: Option<&TaskId>, since_ms: Option<u64>, limit: u32) -> RecordQuery {
    RecordQuery { task: task.cloned(), since_ms, limit }
}

#[test]
fn rows_are_what_the_events_say_newest_first() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "x", 1);
    let call = |result| {
        event(
            json!({ "event": "call.finished", "tool": "read", "result": result, "duration_ms": 4 }),
        )
    };
    let output = json!({ "Ok": { "text": "", "structured": null, "images": [], "summary": "",
                                 "saved": null, "receipts": [] } });
    append(&storage, &task, "i1/t0/c0", 10, call(output));
    let denied = json!({ "Err": { "denied": { "what": "a", "hint": "" } } });
    append(&storage, &task, "i1/t0/c1", 20, call(denied));
    let verdict = json!({ "checks": [], "findings": [{ "severity": "minor", "message": "m",
        "evidence": "", "dimension": "" }], "summary": "", "receipts": [],
        "scores": [{ "dimension": "a", "value": 0.5 }, { "dimension": "b", "value": 1.0 }] });
    append(
        &storage,
        &task,
        "i1/e/rubric",
        30,
        event(json!({ "event": "evaluation.finished",
        "evaluator": "rubric", "result": { "Ok": verdict }, "tree": null })),
    );
    append(
        &storage,
        &task,
        "i1/e/sql",
        30,
        event(json!({ "event": "evaluation.finished",
        "evaluator": "sql", "result": { "Err": "cancelled" }, "tree": null })),
    );
    append(
        &storage,
        &task,
        "i1/d",
        40,
        event(json!({ "event": "iteration.decided", "number": 1,
        "decision": "refine", "reason": "", "standing": standing(Some(0.75)) })),
    );
    append(&storage, &task, "i1/t0", 50, turn("executor", "p/large", "x", 10, 100));

    let all = query(Some(&task), None, 100);
    let called = |outcome: &str, at_ms| CallRecord {
        task: task.clone(),
        tool: "read".to_owned(),
        outcome: outcome.to_owned(),
        at_ms,
        duration_ms: 4,
    };
    assert_eq!(storage.calls(&all).unwrap(), [called("denied", 20), called("ok", 10)]);
    let verdict = VerdictRecord {
        task: task.clone(),
        iteration: 1,
        evaluator: "rubric".to_owned(),
        score: Some(0.75),
        findings: 1,
    };
    assert_eq!(storage.verdicts(&all).unwrap(), [verdict]);
    let decision = "refine".to_owned();
    let iteration = IterationRecord { task: task.clone(), number: 1, score: Some(0.75), decision };
    assert_eq!(storage.iterations(&all).unwrap(), [iteration]);
    let spending = SpendingRecord {
        task: Some(task.clone()),
        model: "p/large".to_owned(),
        role: "executor".to_owned(),
        usage: Usage { input: Some(9), output: Some(1), ..Usage::default() },
        cost_micros: 100,
    };
    assert_eq!(storage.spendings(&all).unwrap(), [spending]);
}

#[test]
fn rows_can_be_narrowed_by_task_time_and_number() {
    let home = Home::new();
    let storage = home.open();
    let (first, second) = (begin(&storage, "1", "s", "x", 1), begin(&storage, "2", "s", "y", 1));
    for (task, at) in [(&first, 10), (&second, 20), (&first, 30)] {
        let decided = json!({ "event": "iteration.decided", "number": at, "decision": "refine",
                              "reason": "", "standing": standing(None) });
        append(&storage, task, "d", at, event(decided));
    }
    let numbers = |query: &RecordQuery| -> Vec<u32> {
        storage.iterations(query).unwrap().iter().map(|record| record.number).collect()
    };

    assert_eq!(numbers(&query(None, None, 2)), [30, 20]);
    assert_eq!(numbers(&query(Some(&first), None, 9)), [30, 10]);
    assert_eq!(numbers(&query(None, Some(20), 9)), [30, 20]);
}
