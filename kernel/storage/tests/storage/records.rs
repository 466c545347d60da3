//! Records: few columns of each fact of earlier tasks, without their journals; and what becomes of what tasks taught.

use openkoi_core::{
    deliberation::assessment::Vote,
    event::Event,
    id::TaskId,
    memory::{Change, Learning, Moment, Source, State, Uses},
    port::Records,
    records::{CallEnd, Reaction, RecordQuery, TaskStage},
};
use openkoi_storage::{Storage, memory::CAP, records::Course};
use serde_json::{Value, json};

use crate::support::{Home, append, begin, entry, event, finished, standing, task_id};

const HOUR: u64 = 3_600_000;

fn query(task: Option<&TaskId>, limit: u32) -> RecordQuery {
    RecordQuery { task: task.map(|task| task.as_str().to_owned()), since_ms: None, limit }
}

fn call(tool: &str, result: Value) -> Event {
    event(json!({ "event": "call.finished", "tool": tool, "result": result, "duration_ms": 12 }))
}

fn output() -> Value {
    json!({ "Ok": { "text": "", "structured": null, "attachments": [], "summary": "", "saved": null, "receipts": [] } })
}

fn program(command: &str, exit_code: i32) -> Event {
    event(json!({
        "event": "process.finished", "tree": null,
        "receipt": { "id": "r1", "command": command, "exit_code": exit_code, "duration_ms": 900 },
    }))
}

fn verdict() -> Event {
    let check = |outcome: &str| {
        json!({
            "id": "cargo:test", "category": "test", "command": "cargo test", "outcome": outcome, "exit_code": 0,
            "tests": [], "test_count": 3, "excerpt": "", "receipts": [], "duration_ms": 4_000,
        })
    };
    event(json!({
        "event": "evaluation.finished", "evaluator": "checks", "tree": null,
        "result": { "Ok": {
            "checks": [check("passed"), check("failed"), check("errored")],
            "scores": [{ "dimension": "a", "value": 0.5 }, { "dimension": "b", "value": 1.0 }],
            "findings": [{ "severity": "note", "message": "m", "evidence": "e", "dimension": "" }],
            "summary": "", "receipts": [],
        }},
    }))
}

/// A task that did a little of everything, and has ended.
fn worked(storage: &Storage, tail: &str, at_ms: u64) -> TaskId {
    let task = begin(storage, tail, tail, "do it", at_ms);
    let decided = event(json!({
        "event": "iteration.decided", "number": 1, "decision": "accept", "reason": "", "standing": standing(Some(0.8)),
    }));
    let denied = json!({ "Err": { "denied": { "what": "x", "hint": "" } } });
    let entries = [
        entry("i1/t0/c0", at_ms + 1, call("shell", output())),
        entry("i1/t1/c0", at_ms + 2, call("shell", json!({ "Err": { "failed": "it broke" } }))),
        entry("i1/t2/c0", at_ms + 3, call("fetch_page", denied)),
        entry("i1/t0/c0", at_ms + 4, program(&format!("make {}", "x".repeat(900)), 2)),
        entry("i1/e/checks", at_ms + 5, verdict()),
        entry("i1", at_ms + 6, decided),
        entry("end", at_ms + 7, finished(json!({ "ending": "accepted" }), "done", 10, 5)),
    ];
    storage.append_entries(&task, &entries).unwrap();
    task
}

#[test]
fn what_a_task_did_is_known_without_its_journal_the_newest_first() {
    let home = Home::new();
    let storage = home.open();
    let (first, second) = (worked(&storage, "1", HOUR), worked(&storage, "2", 2 * HOUR));

    let calls = storage.calls(&query(Some(&first), 10)).unwrap();
    let ends: Vec<_> =
        calls.iter().map(|one| (one.tool.as_str(), one.end, one.failure.as_str())).collect();
    assert_eq!(
        ends,
        [
            ("fetch_page", CallEnd::Denied, "denied"),
            ("shell", CallEnd::Failed, "failed"),
            ("shell", CallEnd::Ok, ""),
        ]
    );
    let commands = storage.commands(&query(None, 10)).unwrap();
    assert_eq!((commands.len(), &commands[0].task, commands[0].exit_code), (2, &second, Some(2)));
    assert_eq!(commands[0].command.len(), 500, "its beginning");
    let checks = storage.checks(&query(Some(&first), 10)).unwrap();
    let passed: Vec<bool> = checks.iter().map(|one| one.passed).collect();
    assert_eq!(passed, [false, true], "what could not be run says nothing");
    let verdicts = storage.verdicts(&query(Some(&first), 10)).unwrap();
    assert_eq!(
        (verdicts[0].iteration, verdicts[0].score, verdicts[0].findings),
        (1, Some(0.75), 1)
    );
    let iterations = storage.iterations(&query(Some(&first), 10)).unwrap();
    assert_eq!((iterations[0].number, iterations[0].decision.as_str()), (1, "accept"));
    let files = storage.changed_files(&query(None, 10)).unwrap();
    assert_eq!(files.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["a", "a"]);
    let tasks = Records::tasks(&storage, &query(None, 1)).unwrap();
    assert_eq!((&tasks[0].id, tasks[0].stage), (&second, TaskStage::Accepted));

    assert!(storage.shown_learnings(&query(Some(&first), 10)).unwrap().is_empty());
    let since = RecordQuery { since_ms: Some(2 * HOUR), ..query(None, 10) };
    assert_eq!(storage.changed_files(&since).unwrap().len(), 1);
    assert_eq!(Records::tasks(&storage, &since).unwrap().len(), 1);
    assert_eq!(storage.calls(&since).unwrap().len(), 3);
    let workspace = tasks[0].workspace.clone();
    let course = storage.course_in(&workspace, 1).unwrap();
    assert_eq!((course.calls.len(), course.commands.len(), course.checks.len()), (3, 1, 2));
    assert_eq!(storage.course_in("/elsewhere", 1).unwrap(), Course::default());
    assert!(storage.used_tools(&first).unwrap());
}

#[test]
fn the_records_of_a_run_go_when_its_course_does_and_all_of_them_with_its_session() {
    let home = Home::new();
    let storage = home.open();
    let task = worked(&storage, "1", HOUR);

    let old = storage.finished_before(2 * HOUR).unwrap();
    storage.forget_runs(&old).unwrap();

    assert!(storage.calls(&query(None, 10)).unwrap().is_empty());
    assert!(storage.commands(&query(None, 10)).unwrap().is_empty());
    assert_eq!(storage.changed_files(&query(None, 10)).unwrap().len(), 1);
    storage.react(&task, Reaction::Kept, HOUR).unwrap();
    storage.delete_session(&crate::support::session_id("1")).unwrap();
    assert!(storage.reactions(&query(None, 10)).unwrap().is_empty());
    assert!(storage.changed_files(&query(None, 10)).unwrap().is_empty());
}

fn learning(tail: &str, text: &str, task: &TaskId) -> Learning {
    Learning {
        id: crate::support::id(tail),
        text: text.to_owned(),
        categories: Vec::new(),
        workspace: Some("/w".to_owned()),
        source: Source::Task(task.clone()),
        confidence: 0.6,
        confirmed_ms: HOUR,
        learnt_ms: HOUR,
        state: State::Active,
        uses: Uses::default(),
        evidence: vec!["cargo:test".to_owned()],
    }
}

fn remember(storage: &Storage, one: &Learning) {
    let learnt = Moment::new(one.learnt_ms, Change::Learnt, &one.text);
    assert!(storage.remember(one, &[learnt]).unwrap());
}

#[test]
fn what_the_user_did_with_work_counts_once_for_what_it_taught_as_it_was_left_last() {
    let home = Home::new();
    let storage = home.open();
    let task = worked(&storage, "1", HOUR);
    let one = learning("7", "Run cargo test.", &task);
    remember(&storage, &one);
    let uses = || storage.find_learning(&one.id).unwrap().uses;

    assert!(storage.react(&task, Reaction::Kept, 1).unwrap());
    assert!(!storage.react(&task, Reaction::Kept, 2).unwrap(), "it is known");
    storage.count_reaction(&task, Reaction::Kept, 1).unwrap();
    storage.count_reaction(&task, Reaction::Kept, 2).unwrap();
    assert_eq!(uses(), Uses { accepted: 1, refused: 0, undone: 0 });
    storage.react(&task, Reaction::Undone, 3).unwrap();
    storage.count_reaction(&task, Reaction::Undone, 3).unwrap();
    assert_eq!(uses(), Uses { accepted: 0, refused: 0, undone: 1 });

    let reactions = storage.reactions(&query(Some(&task), 10)).unwrap();
    assert_eq!((reactions.len(), reactions[0].reaction), (1, Reaction::Undone));
    let found = storage.find_learning(&one.id).unwrap();
    assert_eq!(found.evidence, ["cargo:test"]);
    let history = storage.learning_history(&one.id).unwrap();
    let changes: Vec<Change> = history.iter().map(|moment| moment.change).collect();
    assert_eq!(changes, [Change::Learnt, Change::Confirmed, Change::Contradicted]);
}

#[test]
fn what_is_taught_again_is_confirmed_and_what_somebody_dropped_stays_away() {
    let home = Home::new();
    let storage = home.open();
    let task = task_id("1");
    let one = learning("7", "Run cargo test.", &task);
    remember(&storage, &one);

    storage.confirm(&one.id, 9 * HOUR).unwrap();
    let found = storage.find_learning(&one.id).unwrap();
    assert_eq!((found.uses.accepted, found.confirmed_ms), (1, 9 * HOUR));
    assert!(!storage.was_dropped("/w", &one.text).unwrap());
    storage.set_state(&one.id, State::Retired, 9 * HOUR).unwrap();
    assert!(storage.was_dropped("/w", &one.text).unwrap());
    assert!(!storage.was_dropped("/other", &one.text).unwrap());
}

#[test]
fn a_workspace_has_a_bounded_number_of_what_tasks_taught_and_keeps_all_that_the_user_said() {
    let home = Home::new();
    let storage = home.open();
    let task = task_id("1");
    let many: Vec<_> = (0..2 * CAP + 30)
        .map(|number| {
            let one = learning(&number.to_string(), &format!("Fact number {number}."), &task);
            (one, Vec::new())
        })
        .collect();
    storage.remember_all(&many).unwrap();
    let said = Learning { source: Source::User, ..learning("999999", "Use tabs.", &task) };
    remember(&storage, &said);

    let lost = storage.tend("/w", HOUR).unwrap();

    assert_eq!((lost.retired, lost.removed), (CAP + 30, 30));
    let all = openkoi_storage::memory::LearningQuery { past: true, ..Default::default() };
    let all = storage.learnings(&all).unwrap();
    let active = all.iter().filter(|one| one.state == State::Active).count();
    assert_eq!((active, all.len()), (CAP + 1, 2 * CAP + 1));
    assert_eq!(storage.tend("/w", HOUR).unwrap(), Default::default());
}

fn held(vote: &str, changed: bool, stops: Value) -> Event {
    let assessment =
        json!({ "vote": vote, "confidence": 0.9, "success": 0.4, "reason": "It is so." });
    let spent = json!({ "tokens": 10, "cost_micros": 70 });
    let seat = json!({
        "agency": "guardian", "assessment": assessment, "requests": 1, "spent": spent, "changed": changed,
    });
    event(
        json!({ "event": "deliberation.held", "kind": "code", "seats": [seat], "ruling": { "stops": stops } }),
    )
}

#[test]
fn what_agencies_said_is_known_with_what_it_was_worth_and_whether_the_work_passed() {
    let home = Home::new();
    let storage = home.open();
    let first = begin(&storage, "1", "1", "do it", 1_000);
    let second = begin(&storage, "2", "2", "do it", 2_000);
    let stop = json!([{ "agency": "guardian", "reason": "no" }]);
    append(&storage, &first, "chamber", 1_100, held("approve", false, json!([])));
    append(&storage, &second, "chamber", 2_100, held("veto", true, stop.clone()));

    let said = storage.assessments(&query(None, 10)).unwrap();
    let votes: Vec<(Vote, bool, bool)> =
        said.iter().map(|one| (one.vote, one.changed, one.passed)).collect();
    assert_eq!(votes, [(Vote::Veto, true, false), (Vote::Approve, false, true)]);
    let uses = storage.agency_uses("code").unwrap();
    let [used] = uses.as_slice() else { panic!("{uses:?}") };
    assert_eq!((used.asked, used.changed, used.requests, used.cost_micros), (2, 1, 2, 140));
    assert!(storage.agency_uses("prose").unwrap().is_empty());

    let overruled = json!({ "event": "ruling.overruled", "reason": "I say so.", "stops": stop });
    append(&storage, &second, "chamber", 2_200, event(overruled));
    assert!(storage.assessments(&query(Some(&second), 10)).unwrap()[0].passed);
}
