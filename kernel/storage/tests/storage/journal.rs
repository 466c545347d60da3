//! The record: what is appended comes back, in order, and only its owner appends.

use openkoi_core::{
    event::{Entry, Event},
    id::{TaskId, TreeId},
    port::Journal,
};
use openkoi_storage::{Storage, StorageError, tasks::TaskQuery};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use crate::support::{
    Home, append, begin, entry, event, finished, paused, session_id, standing, started, task_id,
    try_append, turn,
};

#[test]
fn entries_come_back_as_they_were_and_in_order() {
    let home = Home::new();
    let storage = home.open();
    let task = task_id("1");
    let entries = [
        entry("start", 10, started(&task, &session_id("s"), "line\0with\nodd 'text' \u{1f41f}")),
        entry("i1", 12, Event::IterationStarted { number: 1 }),
        // The wall clock went back.
        entry("i1/t0", 3, turn("executor", "p/large", "hi", 20, 300)),
        entry("end", 4, finished(json!({ "ending": "stalled", "reason": "x" }), "hi", 20, 300)),
    ];
    let entries: Vec<_> = (1..).zip(entries).map(|(seq, entry)| Entry { seq, ..entry }).collect();

    for entry in &entries {
        Journal::append(&storage, &task, std::slice::from_ref(entry)).unwrap();
    }

    assert_eq!(storage.load(&task).unwrap(), entries);
    drop(storage);
    assert_eq!(home.open().load(&task).unwrap(), entries);
}

#[test]
fn entries_are_numbered_by_the_journal_whatever_numbers_they_come_with() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "hello", 1);
    let wrong =
        [7, 7, 0].map(|seq| Entry { seq, ..entry("k", 2, Event::IterationStarted { number: 1 }) });

    storage.append_entries(&task, &wrong).unwrap();

    let numbers: Vec<u64> = storage.entries(&task).unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn every_score_comes_back_bit_for_bit() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "s", "scores", 1);

    TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(&any::<f64>().prop_filter("finite", |score| score.is_finite()), |score| {
        let decided = event(json!({
            "event": "iteration.decided", "number": 1, "decision": "refine", "reason": "",
            "standing": standing(Some(score)),
        }));
        append(&storage, &task, "i1", 1, decided.clone());
        let read = storage.entries(&task).unwrap();
        prop_assert_eq!(&read.last().unwrap().event, &decided);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_could_not_be_read_back_is_not_recorded() {
    let home = Home::new();
    let storage = home.open();
    let task = task_id("1");
    let mut begun = started(&task, &session_id("s"), "nan");
    let Event::TaskStarted { task: inner, .. } = &mut begun else { panic!("another event") };
    inner.settings.quality = f64::NAN;

    let refused = try_append(&storage, &task, &entry("start", 1, begun));

    assert!(matches!(refused, Err(StorageError::Unwritable { .. })), "{refused:?}");
    assert!(storage.entries(&task).unwrap().is_empty());
}

#[test]
fn a_task_begins_with_its_start_and_only_once() {
    let home = Home::new();
    let storage = home.open();

    let early = try_append(&storage, &task_id("1"), &entry("k", 1, paused("x")));
    let task = begin(&storage, "1", "s", "hello", 1);
    let again = entry("start", 2, started(&task, &session_id("other"), "again"));
    let again = try_append(&storage, &task, &again);

    assert!(matches!(early, Err(StorageError::NoSuch { .. })), "{early:?}");
    assert!(matches!(again, Err(StorageError::Exists { .. })), "{again:?}");
    assert_eq!(storage.entries(&task).unwrap().len(), 1);
    assert_eq!(storage.session(&session_id("other")).unwrap(), None);
}

#[test]
fn an_id_that_leads_out_of_the_directory_is_refused() {
    let home = Home::new();
    let storage = home.open();
    let task = TaskId::new("../../evil");

    let refused =
        try_append(&storage, &task, &entry("start", 1, started(&task, &session_id("s"), "x")));

    assert!(matches!(refused, Err(StorageError::BadId(_))), "{refused:?}");
}

#[test]
fn another_storage_cannot_append_to_a_task_until_it_is_let_go() {
    let home = Home::new();
    // Locks are of the open file, so a second storage is as strange as a second process.
    let (first, second) = (home.open(), home.open());
    let task = begin(&first, "1", "s", "hello", 1);
    let note = entry("k", 2, Event::IterationStarted { number: 1 });

    let refused = try_append(&second, &task, &note).unwrap_err();
    begin(&second, "2", "t", "another task", 1);
    append(&first, &task, "end", 3, paused("waits"));
    try_append(&second, &task, &note).unwrap();
    let turned = try_append(&first, &task, &note);

    assert_eq!(refused.to_string(), "another openkoi works on task 00000001");
    assert!(matches!(turned, Err(StorageError::Owned { .. })), "{turned:?}");
}

#[test]
fn a_claim_keeps_everybody_else_out_and_is_let_go_with_its_guard() {
    let home = Home::new();
    let (first, second) = (home.open(), home.open());
    let (task, session) = (task_id("1"), session_id("s"));

    let lease = first.claim_task(&task).unwrap();
    let chat = first.claim_session(&session).unwrap();

    assert!(matches!(first.claim_task(&task), Err(StorageError::Owned { .. })));
    assert!(matches!(second.claim_task(&task), Err(StorageError::Owned { .. })));
    assert!(matches!(second.claim_session(&session), Err(StorageError::Owned { .. })));
    assert!(second.is_owned(&task).unwrap());
    drop((lease, chat));
    assert!(!second.is_owned(&task).unwrap());
    drop((second.claim_task(&task).unwrap(), second.claim_session(&session).unwrap()));
    let left = std::fs::read_dir(home.path("data/locks")).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["database.lock", "database.made"], "only what is of the database stays");
}

#[test]
fn a_claimed_task_stays_claimed_when_its_run_ends() {
    let home = Home::new();
    let (first, second) = (home.open(), home.open());
    let lease = first.claim_task(&task_id("1")).unwrap();
    let task = begin(&first, "1", "s", "hello", 1);

    append(&first, &task, "end", 2, paused("waits"));

    assert!(second.is_owned(&task).unwrap());
    drop(lease);
    assert!(!second.is_owned(&task).unwrap());
}

#[test]
fn many_threads_append_to_tasks_of_their_own() {
    let home = Home::new();
    let storage = home.open();
    let work = |storage: Storage, name: String| {
        let task = begin(&storage, &name, "s", "hello", 1);
        for number in 0..20 {
            append(&storage, &task, "k", number, Event::IterationStarted { number: 1 });
        }
        task
    };

    let threads: Vec<_> = (0..4)
        .map(|n| (storage.clone(), n.to_string()))
        .map(|(storage, name)| std::thread::spawn(move || work(storage, name)))
        .collect();
    let tasks: Vec<TaskId> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

    for task in tasks {
        let times: Vec<u64> =
            storage.entries(&task).unwrap().iter().skip(1).map(|entry| entry.at_ms).collect();
        assert_eq!(times, (0..20).collect::<Vec<u64>>());
    }
}

#[test]
fn an_unknown_task_has_no_entries() {
    let home = Home::new();

    assert!(home.open().entries(&task_id("nobody")).unwrap().is_empty());
}

#[test]
fn tasks_of_one_process_run_while_others_are_listed_and_read() {
    let home = Home::new();
    let storage = home.open();
    let tasks = ["0", "1", "2", "3"].map(|name| begin(&storage, name, "s", "hello", 1));
    let is_done = |storage: &Storage| {
        let listed = storage.tasks(&TaskQuery::default()).unwrap();
        assert_eq!(listed.len(), tasks.len());
        let ended: Vec<_> = listed.iter().filter(|task| task.ended_ms.is_some()).collect();
        for task in &ended {
            assert_eq!(storage.entries(&task.id).unwrap().len(), 22, "what ended is all there");
        }
        ended.len() == tasks.len()
    };

    std::thread::scope(|scope| {
        for task in &tasks {
            scope.spawn(|| {
                for number in 0..20 {
                    append(&storage, task, "k", number, Event::IterationStarted { number: 1 });
                }
                append(&storage, task, "end", 20, paused("waits"));
            });
        }
        for _ in 0..2 {
            scope.spawn(|| while !is_done(&storage) {});
        }
    });

    assert!(is_done(&storage));
}

#[test]
fn a_verdict_on_a_tree_is_found_again_in_its_session_while_it_is_fresh() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "5", "fix it", 10);
    begin(&storage, "2", "6", "elsewhere", 11);
    let verdict = |tree: &str, summary: &str| {
        event(json!({
            "event": "evaluation.finished", "evaluator": "checks", "tree": tree,
            "result": { "Ok": { "scores": [], "findings": [], "checks": [], "summary": summary, "receipts": [] } },
        }))
    };
    append(&storage, &task, "base/e/checks", 12, verdict("t0", "red"));
    append(&storage, &task, "i1/e/checks", 20, verdict("t1", "green"));

    let known = |session: &str, evaluator: &str, tree: &str, since| {
        let (session, tree) = (session_id(session), TreeId::new(tree));
        let verdict = storage.verdict_on(&session, evaluator, &tree, since).unwrap();
        verdict.map(|verdict| verdict.summary)
    };

    assert_eq!(known("5", "checks", "t1", 0).as_deref(), Some("green"));
    assert_eq!(known("5", "checks", "t0", 12).as_deref(), Some("red"));
    for (session, evaluator, tree, since) in [
        ("5", "checks", "t0", 13),
        ("5", "checks", "t2", 0),
        ("5", "judge", "t1", 0),
        ("6", "checks", "t1", 0),
    ] {
        assert_eq!(known(session, evaluator, tree, since), None, "{session} {evaluator} {tree}");
    }
}
