//! Answers as files, and the state files.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt};

use openkoi_core::{
    event::Event,
    id::{SessionId, TaskId},
    port::Listener,
};
use openkoi_storage::{
    StorageError,
    output::{History, HistoryLine, LiveState, StateFiles},
    tasks::TaskStatus,
};
use serde_json::json;

use crate::support::{
    Home, entry, event, finished, id, session_id, standing, started, task_id, turn,
};

#[test]
fn an_answer_is_written_where_the_documentation_says() {
    let home = Home::new();
    let storage = home.open();
    let (session, task) = (session_id("s"), task_id("1"));

    storage.write_output(&session, &task, "first").unwrap();
    let path = storage.write_output(&session, &task, "second\n").unwrap();

    assert_eq!(path, home.path("data/sessions").join(id("s")).join(format!("{}.md", id("1"))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777;
    assert_eq!(directory, 0o700);
    assert_eq!(storage.read_output(&session, &task).unwrap().unwrap(), "second\n");
    assert_eq!(storage.read_output(&session, &task_id("2")).unwrap(), None);
}

#[test]
fn an_id_cannot_lead_an_answer_elsewhere() {
    let home = Home::new();
    let storage = home.open();
    let (bad, good) = (TaskId::new("../x"), task_id("1"));

    let task = storage.write_output(&session_id("s"), &bad, "x");
    let session = storage.write_output(&SessionId::new(".."), &good, "x");

    assert!(matches!(task, Err(StorageError::BadId(_))), "{task:?}");
    assert!(matches!(session, Err(StorageError::BadId(_))), "{session:?}");
}

fn run(files: &StateFiles) -> Vec<Option<LiveState>> {
    let decided = json!({ "event": "iteration.decided", "number": 1, "decision": "accept",
                          "reason": "", "standing": standing(Some(0.9)) });
    let asked = |role: &str| {
        event(json!({ "event": "turn.started", "role": role, "model": "p/large", "request": "r",
                      "reserved": { "tokens": 1, "cost_micros": 1 } }))
    };
    let events = [
        started(&task_id("1"), &session_id("s"), "fix it"),
        asked("planner"),
        Event::IterationStarted { number: 1 },
        asked("executor"),
        turn("executor", "p/large", "x", 30, 500_000),
        Event::EvaluationStarted { evaluator: "rubric".to_owned() },
        event(decided),
        finished(json!({ "ending": "accepted" }), "fixed", 30, 500_000),
    ];
    let mut states = Vec::new();
    for (number, event) in events.into_iter().enumerate() {
        files.event(&entry("k", number as u64 * 10, event));
        files.catch_up();
        states.push(files.last().unwrap());
    }
    states
}

#[test]
fn the_state_file_follows_the_run() {
    let home = Home::new();
    let files = StateFiles::new(&home.path(""));
    assert_eq!(files.last().unwrap(), None);

    let states: Vec<LiveState> = run(&files).into_iter().flatten().collect();

    let phases: Vec<&str> = states.iter().map(|state| state.phase.as_str()).collect();
    assert_eq!(
        phases,
        ["plan", "plan", "execute", "execute", "execute", "evaluate", "evaluate", "done"]
    );
    let last = states.last().unwrap();
    assert_eq!((last.status, last.score), (TaskStatus::Accepted, Some(0.925)));
    assert_eq!((last.tokens, last.cost_usd, last.max_cost_usd), (30, 0.5, 5.0));
    assert_eq!((last.iteration, last.max_iterations), (2, 3));
    assert_eq!((last.started_ms, last.updated_ms, last.elapsed_ms), (0, 70, 35));
    let file = fs::read_to_string(home.path("state/last-task.json")).unwrap();
    assert!(file.contains(&format!("\"task_id\": \"{}\"", id("1"))), "{file}");
}

#[test]
fn of_several_tasks_at_once_the_state_file_is_about_the_one_that_began_last() {
    let home = Home::new();
    let [older, newer] = [(); 2].map(|()| StateFiles::new(&home.path("")));
    let shown = || newer.last().unwrap().unwrap().task_id;
    let paused = || Event::TaskPaused { reason: "x".to_owned(), cause: None, outcome: None };

    older.event(&entry("start", 0, started(&task_id("1"), &session_id("s"), "x")));
    newer.event(&entry("start", 1_000, started(&task_id("2"), &session_id("t"), "y")));
    older.event(&entry("i1/t0", 2_000, turn("executor", "p/large", "x", 30, 0)));
    assert_eq!(shown(), task_id("2"));

    newer.event(&entry("end", 3_000, paused()));
    older.event(&entry("i1/t1", 4_000, turn("executor", "p/large", "x", 30, 0)));
    assert_eq!(shown(), task_id("1"), "the newer one is at its end");

    // One that died says nothing any more.
    newer.event(&entry("start", 5_000, started(&task_id("3"), &session_id("t"), "y")));
    older.event(&entry("i1/t2", 80_000, turn("executor", "p/large", "x", 30, 0)));
    assert_eq!(shown(), task_id("1"));
}

#[test]
fn the_state_file_is_written_some_times_a_second_and_at_the_end() {
    let home = Home::new();
    let files = StateFiles::new(&home.path(""));
    let spent = || turn("executor", "p/large", "x", 30, 0);
    let tokens = || files.last().unwrap().unwrap().tokens;

    files.event(&entry("start", 0, started(&task_id("1"), &session_id("s"), "x")));
    files.event(&entry("i1/t0", 100, spent()));
    assert_eq!(tokens(), 0);
    files.catch_up();
    assert_eq!(tokens(), 30);

    // An entry's own time is half of that of the clock here.
    files.event(&entry("i1/t1", 590, spent()));
    assert_eq!(tokens(), 30);
    files.event(&entry("i1/t2", 600, spent()));
    assert_eq!(tokens(), 90);
    files.event(&entry(
        "end",
        601,
        Event::TaskPaused { reason: "x".to_owned(), cause: None, outcome: None },
    ));
    assert_eq!(files.last().unwrap().unwrap().status, TaskStatus::Paused);
}

#[test]
fn a_finished_task_is_one_line_of_the_history() {
    let home = Home::new();
    let files = StateFiles::new(&home.path(""));

    run(&files);

    let line = HistoryLine {
        task_id: task_id("1"),
        session_id: session_id("s"),
        description: "fix it".to_owned(),
        status: TaskStatus::Accepted,
        iterations: 2,
        score: Some(0.925),
        tokens: 30,
        cost_usd: 0.5,
        model: "p/large".to_owned(),
        files_changed: 1,
        started_ms: 0,
        ended_ms: 70,
        elapsed_ms: 7,
    };
    assert_eq!(files.history().last(10).unwrap(), (vec![line], 0));
    let text = fs::read_to_string(home.path("state/task-history.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn a_resumed_run_goes_on_from_its_journal() {
    let home = Home::new();
    let storage = home.open();
    let task = crate::support::begin(&storage, "1", "s", "fix it", 5);
    let spent = turn("executor", "p/large", "x", 30, 500_000);
    crate::support::append(&storage, &task, "i1/t0", 6, spent.clone());

    let files = StateFiles::new(&home.path(""));
    files.resume(LiveState::of(&storage.entries(&task).unwrap()).unwrap());
    files.event(&entry("i1/t1", 7, spent));

    let state = files.last().unwrap().unwrap();
    assert_eq!((state.tokens, state.started_ms, state.updated_ms), (60, 5, 7));
}

fn line(files: &History, number: u64) {
    let home = Home::new();
    let state = StateFiles::new(&home.path(""));
    run(&state);
    let mut line = state.history().last(1).unwrap().0.remove(0);
    line.tokens = number;
    files.append(&line).unwrap();
}

#[test]
fn a_full_history_is_put_aside_and_nothing_is_lost() {
    let home = Home::new();
    let history = History::rotating_at(&home.path(""), 400);

    for number in 0..3 {
        line(&history, number);
    }

    let tokens = |name: &str| -> Vec<u64> {
        let text = fs::read_to_string(home.path("state").join(name)).unwrap();
        let line = |line: &str| serde_json::from_str::<HistoryLine>(line).unwrap().tokens;
        text.lines().map(line).collect()
    };
    assert_eq!(tokens("task-history.jsonl.1"), [0, 1]);
    assert_eq!(tokens("task-history.jsonl"), [2]);
}

#[test]
fn a_torn_line_is_passed_over_and_counted() {
    let home = Home::new();
    let history = History::new(&home.path(""));
    line(&history, 1);
    let path = home.path("state/task-history.jsonl");
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"{\"task_id\": \"half").unwrap();

    line(&history, 2);

    let (lines, broken) = history.last(10).unwrap();
    assert_eq!(lines.iter().map(|line| line.tokens).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(broken, 1);
}

#[test]
fn a_run_goes_on_when_the_state_files_cannot_be_written() {
    let home = Home::new();
    fs::write(home.path("state"), "a file in the way").unwrap();
    let files = StateFiles::new(&home.path(""));

    files.event(&entry("k", 1, started(&task_id("1"), &session_id("s"), "x")));

    assert_eq!(fs::read_to_string(home.path("state")).unwrap(), "a file in the way");
}
