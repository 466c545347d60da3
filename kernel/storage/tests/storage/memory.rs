//! What is remembered: found by its words and by its meaning where it holds, credited by how tasks end, and gone once it is
//! forgotten.

use openkoi_core::{
    event::Event,
    id::TaskId,
    memory::{Change, Learning, Moment, Note, Source, State, Uses},
    port::Vectors,
};
use openkoi_storage::{
    Storage, StorageError,
    chain::Chain,
    memory::{LearningQuery, Question, Undone},
};
use serde_json::json;

use crate::support::{
    Home, append, entry, event, finished, id, session_id, started, task_id, try_append, turn,
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
        state: State::Active,
        uses: Uses::default(),
        evidence: Vec::new(),
    }
}

fn remember(storage: &Storage, learning: &Learning) -> bool {
    let moment = Moment::new(10, Change::Learnt, &learning.text);
    storage.remember(learning, &[moment]).unwrap()
}

fn found(storage: &Storage, workspace: Option<&str>, words: &str) -> Vec<String> {
    let question = Question { workspace, text: words, meaning: None, most: 10 };
    let mut found = storage.recall(&question).unwrap();
    found.sort_by(|one, other| other.words.total_cmp(&one.words));
    found.into_iter().map(|found| found.learning.text).collect()
}

/// The two learnings that are nearest to a vector, of this model.
fn near(storage: &Storage, workspace: Option<&str>, model: &str, vector: [f32; 3]) -> Vec<String> {
    let made = vectors(model, &[vector]);
    let question = Question { workspace, text: "", meaning: Some(&made), most: 2 };
    let mut found = storage.recall(&question).unwrap();
    found.sort_by(|one, other| other.meaning.partial_cmp(&one.meaning).unwrap());
    found.into_iter().map(|found| found.learning.text).collect()
}

fn vectors(model: &str, vectors: &[[f32; 3]]) -> Vectors {
    let vectors = vectors.iter().map(|one| one.to_vec()).collect();
    Vectors { model: model.to_owned(), vectors }
}

/// What a text means here: how many of the letters a, b and c it has.
fn meaning(text: &str) -> [f32; 3] {
    ['a', 'b', 'c'].map(|one| text.chars().filter(|letter| *letter == one).count() as f32 + 0.1)
}

/// Embeds what has no vector of this model, so many at once, and returns how often.
fn embed(storage: &Storage, model: &str, portion: usize) -> usize {
    let mut portions = 0;
    loop {
        let some = storage.unembedded(model, portion).unwrap();
        if some.is_empty() {
            return portions;
        }
        let made: Vec<[f32; 3]> = some.iter().map(|one| meaning(&one.text)).collect();
        storage.keep_vectors(&some, &vectors(model, &made)).unwrap();
        portions += 1;
    }
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
    assert_eq!(all[2], learning("1", Some("/pond"), here), "the newest first");
}

#[test]
fn what_the_user_said_is_told_from_what_tasks_showed() {
    let home = Home::new();
    let storage = home.open();
    remember(&storage, &learning("1", None, "Use tabs."));
    let shown = Source::Task(task_id("t"));
    remember(&storage, &Learning { source: shown, ..learning("2", None, "Tabs are used.") });

    let said = LearningQuery { said: true, ..LearningQuery::default() };
    let said = storage.learnings(&said).unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].source, Source::User);
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
fn what_is_near_in_meaning_is_found_where_it_holds_and_words_add_to_it() {
    let home = Home::new();
    let storage = home.open();
    for (tail, workspace, text) in [
        ("1", Some("/pond"), "aaaa"),
        ("2", Some("/pond"), "bbbb"),
        ("3", Some("/lake"), "aaab"),
        ("4", None, "aaabb"),
    ] {
        remember(&storage, &learning(tail, workspace, text));
    }
    assert_eq!(near(&storage, Some("/pond"), "m@1", meaning("aaa")), Vec::<String>::new());
    assert_eq!(embed(&storage, "m@1", 3), 2);

    assert_eq!(near(&storage, Some("/pond"), "m@1", meaning("aaa")), ["aaaa", "aaabb"]);
    assert_eq!(near(&storage, None, "m@1", meaning("aaa")), ["aaaa", "aaab"]);
    let made = vectors("m@1", &[meaning("aaa")]);
    let asked =
        |text, most| Question { workspace: Some("/pond"), text, meaning: Some(&made), most };
    let found = storage.recall(&asked("bbbb", 1)).unwrap();
    let told: Vec<_> =
        found.iter().map(|one| (one.learning.text.as_str(), one.words > 0.0)).collect();
    assert_eq!(told, [("aaaa", false), ("bbbb", true)]);
    let near = found.iter().map(|one| one.meaning.unwrap()).collect::<Vec<_>>();
    assert!(near[0] > 0.99 && (0.0..0.2).contains(&near[1]), "{near:?}");
}

#[test]
fn vectors_of_another_model_are_not_compared_and_are_made_anew_in_portions() {
    let home = Home::new();
    let storage = home.open();
    for number in 0..700 {
        remember(&storage, &learning(&number.to_string(), None, &format!("a {number}")));
    }
    assert_eq!(embed(&storage, "old@1", 300), 3);

    assert_eq!(near(&storage, None, "new@1", meaning("a")), Vec::<String>::new());
    let portions = embed(&storage, "new@1", 300);
    assert!((3..=4).contains(&portions), "{portions}");
    assert_eq!(near(&storage, None, "new@1", meaning("a")).len(), 2);
    assert_eq!(near(&storage, None, "old@1", meaning("a")), Vec::<String>::new());
    assert_eq!(embed(&storage, "new@1", 300), 0);
}

#[test]
fn a_vector_goes_with_the_text_that_it_was_made_of() {
    let home = Home::new();
    let storage = home.open();
    remember(&storage, &learning("1", None, "aaa"));
    let before = storage.unembedded("m@1", 9).unwrap();
    storage.reword(&id("1"), "bbb", 20).unwrap();
    storage.keep_vectors(&before, &vectors("m@1", &[meaning("aaa")])).unwrap();
    assert_eq!(storage.unembedded("m@1", 9).unwrap().len(), 1, "of the old text nothing is kept");

    embed(&storage, "m@1", 9);
    storage.reword(&id("1"), "ccc", 30).unwrap();
    assert_eq!(near(&storage, None, "m@1", meaning("bbb")), Vec::<String>::new());
    embed(&storage, "m@1", 9);
    assert_eq!(near(&storage, None, "m@1", meaning("ccc")), ["ccc"]);
}

#[test]
fn what_holds_no_more_is_kept_and_found_by_nobody() {
    let home = Home::new();
    let storage = home.open();
    remember(&storage, &learning("1", None, "aaa"));
    embed(&storage, "m@1", 9);
    for state in [State::Superseded, State::Retired] {
        storage.set_state(&id("1"), state, 20).unwrap();
        storage.set_state(&id("1"), state, 21).unwrap();

        assert_eq!(found(&storage, None, "aaa"), Vec::<String>::new());
        assert_eq!(near(&storage, None, "m@1", meaning("aaa")), Vec::<String>::new());
        assert_eq!(storage.unembedded("m@1", 9).unwrap(), []);
        assert!(!storage.remembers().unwrap());
        assert_eq!(storage.learnings(&LearningQuery::default()).unwrap(), []);
        let past = LearningQuery { past: true, ..LearningQuery::default() };
        assert_eq!(storage.learnings(&past).unwrap()[0].state, state);
    }
    storage.set_state(&id("1"), State::Active, 30).unwrap();
    embed(&storage, "m@1", 9);

    assert_eq!(found(&storage, None, "aaa"), ["aaa"]);
    assert_eq!(near(&storage, None, "m@1", meaning("aaa")), ["aaa"]);
    let history = storage.learning_history(&id("1")).unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.change, one.at_ms)).collect();
    let expected = [
        (Change::Learnt, 10),
        (Change::Superseded, 20),
        (Change::Retired, 20),
        (Change::Restored, 30),
    ];
    assert_eq!(told, expected);
}

/// Runs a task that is shown a learning, up to this end.
fn shown(storage: &Storage, task: &TaskId, learning: &Learning, ending: &str) {
    let mut begun = started(task, &session_id("s"), "hello");
    if let Event::TaskStarted { notes, .. } = &mut begun {
        *notes = vec![learning.note()];
    }
    try_append(storage, task, &entry("start", 1, begun)).unwrap();
    end(storage, task, ending);
}

fn end(storage: &Storage, task: &TaskId, ending: &str) {
    if !ending.is_empty() {
        append(storage, task, "end", 50, finished(json!({ "ending": ending }), "done", 1, 1));
    }
}

fn undone(task: &TaskId, is_undone: bool) -> Undone {
    Undone { task: task.clone(), is_undone, at_ms: 60 }
}

#[test]
fn a_task_counts_once_for_what_it_was_shown_however_often_it_is_counted() {
    let home = Home::new();
    let storage = home.open();
    let source = Source::Task(task_id("0"));
    let one = Learning { source, confidence: 0.5, ..learning("1", None, "aaa") };
    remember(&storage, &one);
    let uses = |undone: &[Undone]| {
        storage.credit_tasks(undone).unwrap();
        storage.credit_tasks(undone).unwrap();
        let now = storage.find_learning(&one.id).unwrap();
        (now.uses.accepted, now.uses.refused, now.uses.undone)
    };
    shown(&storage, &task_id("a"), &one, "accepted");
    shown(&storage, &task_id("b"), &one, "exhausted");
    shown(&storage, &task_id("c"), &one, "");
    let other = learning("2", None, "bbb");
    shown(&storage, &task_id("d"), &other, "accepted");

    assert_eq!(uses(&[]), (1, 1, 0));
    let now = storage.find_learning(&one.id).unwrap();
    assert_eq!((now.confirmed_ms, now.confidence), (50, 0.5));
    end(&storage, &task_id("c"), "accepted");
    assert_eq!(uses(&[]), (2, 1, 0));
    assert_eq!(uses(&[undone(&task_id("a"), true)]), (1, 1, 1));
    // What was undone stays so while nobody says otherwise.
    assert_eq!(uses(&[]), (1, 1, 1));
    let again = [undone(&task_id("a"), true), undone(&task_id("a"), false)];
    assert_eq!(uses(&again), (2, 1, 0));
    // A task that goes on after it was not accepted counts as it ends then.
    end(&storage, &task_id("b"), "accepted");
    assert_eq!(uses(&again), (3, 0, 0));
    let history = storage.learning_history(&one.id).unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.change.word(), one.times)).collect();
    let expected = [
        ("learnt", 1),
        ("confirmed", 1),
        ("contradicted", 1),
        ("confirmed", 1),
        ("contradicted", 1),
        ("confirmed", 2),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_history_is_bounded_and_loses_no_count() {
    let home = Home::new();
    let storage = home.open();
    let one = learning("1", None, "aaa");
    remember(&storage, &one);
    for number in 0..200 {
        // Neither always in turn nor always alike.
        let ending = if number * number % 7 < 3 { "accepted" } else { "exhausted" };
        shown(&storage, &task_id(&format!("t{number}")), &one, ending);
        storage.credit_tasks(&[]).unwrap();
    }

    let now = storage.find_learning(&one.id).unwrap();
    let history = storage.learning_history(&one.id).unwrap();
    assert_eq!(now.uses.shown(), 200);
    assert!(history.len() <= 33, "{}", history.len());
    let told = |change| -> u32 {
        history.iter().filter(|one| one.change == change).map(|one| one.times).sum()
    };
    assert_eq!(
        (told(Change::Confirmed), told(Change::Contradicted)),
        (now.uses.accepted, now.uses.refused)
    );
    assert_eq!(now.confidence_at(1_000), 0.9, "the user's word stays as it is");
}

/// A vector whose bytes can be recognised: the text that is forgotten.
const SECRET: [f32; 48] = {
    let mut numbers = [0.0; 48];
    let text = b"koi-koi-zanzibar-koi-the-code-name-of-the-pond-\x7f";
    let mut at = 0;
    while at < 48 {
        numbers[at] = text[at] as f32;
        at += 1;
    }
    numbers
};

#[test]
fn what_is_forgotten_is_nowhere_in_the_files_and_the_journal_that_quoted_it_is_whole() {
    let home = Home::new();
    let storage = home.open();
    let secret = learning("1", None, "Zanzibar is the code name.");
    let other = learning("2", None, "Use tabs.");
    remember(&storage, &secret);
    remember(&storage, &other);
    let all = storage.unembedded("m@1", 9).unwrap();
    let of = |text: &str| if text == secret.text { SECRET.to_vec() } else { vec![0.5; 48] };
    let made = all.iter().map(|one| of(&one.text)).collect();
    storage.keep_vectors(&all, &Vectors { model: "m@1".to_owned(), vectors: made }).unwrap();
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
            let bytes = SECRET.map(|number| number as i8 as u8);
            let vector = std::fs::read(&path).unwrap().windows(16).any(|some| some == &bytes[..16]);
            assert!(!vector, "{path:?}");
        }
    }
}
