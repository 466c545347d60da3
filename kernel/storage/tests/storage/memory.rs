//! What is remembered: found by its words where it holds, and gone once it is forgotten.

use openkoi_core::{
    event::Event,
    memory::{Change, Learning, Moment, Note, Source},
};
use openkoi_storage::{Storage, StorageError, chain::Chain, memory::LearningQuery};
use serde_json::json;

use crate::support::{
    Home, append, entry, event, id, session_id, started, task_id, try_append, turn,
};

fn learning(tail: &str, workspace: Option<&str>, text: &str) -> Learning {
    Learning {
        id: id(tail),
        text: text.to_owned(),
        categories: vec!["tests".to_owned()],
        workspace: workspace.map(str::to_owned),
        source: Source::User,
        confidence: 0.9,
        confirmed_ms: 10,
        learnt_ms: 10,
    }
}

fn remember(storage: &Storage, learning: &Learning) -> bool {
    let moment = Moment { at_ms: 10, change: Change::Learnt, text: learning.text.clone() };
    storage.remember(learning, &[moment]).unwrap()
}

fn found(storage: &Storage, workspace: Option<&str>, words: &str) -> Vec<String> {
    let query = LearningQuery { workspace, words: Some(words), said: false, limit: Some(10) };
    storage.learnings(&query).unwrap().into_iter().map(|found| found.learning.text).collect()
}

#[test]
fn what_is_remembered_is_found_by_its_words_where_it_holds() {
    let home = Home::new();
    let storage = home.open();
    let here = "The tests need a running Redis.";
    for (tail, workspace, text) in [
        ("1", Some("/pond"), here),
        ("2", Some("/lake"), "The tests need nothing."),
        ("3", None, "Never push to main."),
    ] {
        let mut one = learning(tail, workspace, text);
        one.categories.retain(|_| workspace.is_some());
        assert!(remember(&storage, &one));
    }

    assert_eq!(found(&storage, Some("/pond"), "why do the Redis tests fail?"), [here]);
    assert_eq!(found(&storage, Some("/pond"), "TESTED"), [here], "its category says so too");
    assert_eq!(found(&storage, Some("/pond"), "pushing to MAIN"), ["Never push to main."]);
    assert_eq!(found(&storage, None, "testing").len(), 2);
    assert_eq!(found(&storage, Some("/pond"), "the of what"), Vec::<String>::new());
    let all = storage.learnings(&LearningQuery::default()).unwrap();
    assert_eq!(all[2].learning, learning("1", Some("/pond"), here), "the newest first");
}

#[test]
fn what_the_user_said_is_told_from_what_tasks_showed() {
    let home = Home::new();
    let storage = home.open();
    remember(&storage, &learning("1", None, "Use tabs."));
    let shown = Source::Task(task_id("t"));
    remember(&storage, &Learning { source: shown, ..learning("2", None, "Tabs are used.") });

    for words in [None, Some("tabs")] {
        let said = LearningQuery { said: true, words, ..LearningQuery::default() };
        let said = storage.learnings(&said).unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].learning.source, Source::User);
    }
}

#[test]
fn a_learning_is_kept_once_and_its_words_before_are_in_its_history() {
    let home = Home::new();
    let storage = home.open();
    let before = learning("1", None, "Use tabs.");
    assert!(remember(&storage, &before));
    assert!(!remember(&storage, &learning("1", None, "Another text.")));

    storage.reword(&id("1"), "Use spaces.", 20).unwrap();

    let now = storage.find_learning(&id("1")[18..]).unwrap();
    assert_eq!((now.text.as_str(), now.confirmed_ms), ("Use spaces.", 20));
    let history = storage.learning_history(&id("1")).unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.change, one.text.as_str())).collect();
    assert_eq!(told, [(Change::Learnt, "Use tabs."), (Change::Edited, "Use spaces.")]);
    assert_eq!(found(&storage, None, "tabs"), Vec::<String>::new());
    let unknown = storage.reword(&id("9"), "x", 20);
    assert!(matches!(unknown, Err(StorageError::NoSuch { .. })), "{unknown:?}");
}

#[test]
fn what_is_forgotten_is_nowhere_in_the_files_and_the_journal_that_quoted_it_is_whole() {
    let home = Home::new();
    let storage = home.open();
    let secret = learning("1", None, "Zanzibar is the code name.");
    let other = learning("2", None, "Use tabs.");
    remember(&storage, &secret);
    remember(&storage, &other);
    let task = task_id("t");
    let mut begun = started(&task, &session_id("s"), "hello");
    let Event::TaskStarted { notes, .. } = &mut begun else { panic!("another event") };
    *notes = vec![secret.note(), other.note()];
    try_append(&storage, &task, &entry("start", 1, begun)).unwrap();
    let asked = event(json!({
        "event": "turn.started", "role": "executor", "model": "p/large", "request": "abc",
        "reserved": { "tokens": 1, "cost_micros": 0 },
    }));
    append(&storage, &task, "i1/t0", 2, asked);
    append(&storage, &task, "i1/t0", 3, turn("executor", "p/large", "hi", 20, 300));

    let forgotten = storage.forget_learning(&secret.id).unwrap();

    assert_eq!(forgotten.tasks, 1);
    let entries = storage.entries(&task).unwrap();
    let Event::TaskStarted { notes, .. } = &entries[0].event else { panic!("another event") };
    assert_eq!(notes[0], Note { text: String::new(), ..secret.note() });
    assert_eq!(notes[1], other.note());
    assert!(matches!(&entries[1].event, Event::TurnStarted { request, .. } if request.is_empty()));
    assert_eq!(storage.check_chain(&task).unwrap(), Chain::Whole { from: 1 });
    let gone = storage.find_learning(&secret.id);
    assert!(matches!(gone, Err(StorageError::NoSuch { .. })), "{gone:?}");
    assert_eq!(found(&storage, None, "zanzibar"), Vec::<String>::new());
    drop(storage);
    for file in std::fs::read_dir(home.path("data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_lowercase();
            assert!(!text.contains("zanzibar"), "{path:?}");
        }
    }
}
