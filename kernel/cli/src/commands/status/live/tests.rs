use openkoi_core::{event::Event, id::SessionId, outcome::Ending};
use openkoi_storage::output::History;

use super::*;
use crate::{
    output::Printer,
    testing::{NOW, World, append, finish, outcome, task_id},
};

fn state() -> LiveState {
    LiveState {
        task_id: task_id("42"),
        session_id: SessionId::new("5e"),
        description: "fix the \x1b[2Jlogin\nwell".to_owned(),
        status: TaskStatus::Running,
        phase: "execute".to_owned(),
        iteration: 2,
        max_iterations: 4,
        score: Some(0.7),
        tokens: 1_200,
        cost_usd: 0.034,
        max_cost_usd: 2.0,
        model: "koi/large".to_owned(),
        workspace: "/pond".to_owned(),
        pid: std::process::id(),
        started_ms: NOW,
        updated_ms: NOW,
        elapsed_ms: 65_000,
    }
}

fn past(tail: &str, status: TaskStatus, score: Option<f64>) -> HistoryLine {
    HistoryLine {
        task_id: task_id(tail),
        session_id: SessionId::new("5e"),
        description: "an earlier one".to_owned(),
        status,
        iterations: 1,
        score,
        tokens: 10,
        cost_usd: 0.0,
        model: "koi/large".to_owned(),
        files_changed: 1,
        started_ms: NOW,
        ended_ms: NOW,
        elapsed_ms: 10,
    }
}

fn drawn(state: &LiveState, runs: bool, history: &[HistoryLine]) -> String {
    Printer::on_paper(Some(80), NOW).text(&picture(state, runs, history))
}

#[test]
fn the_picture_shows_the_task_and_those_before_it() {
    let history =
        [past("41", TaskStatus::Accepted, Some(0.95)), past("40", TaskStatus::Stopped, None)];

    let text = drawn(&state(), true, &history);

    assert_eq!(
        text,
        "task         00000042\n\
         text         fix the \\x1b[2Jlogin\n\
         model        koi/large\n\
         progress     [#####---------------] iteration 2 of 4\n\
         status       execute\n\
         score        7.0\n\
         cost         $0.0340 of $2.00\n\
         time         1 min 05 s\n\
         \n\
         Before it\n\
         00000041  accepted    9.5  an earlier one\n\
         00000040  stopped       -  an earlier one\n"
    );
}

#[test]
fn a_task_whose_process_is_gone_is_interrupted_and_one_that_ended_has_its_status() {
    let ended = LiveState { status: TaskStatus::Accepted, ..state() };

    assert_eq!(standing(&state(), true), "execute");
    assert_eq!(standing(&state(), false), "interrupted");
    assert_eq!(standing(&ended, false), "accepted");
}

#[test]
fn a_program_gets_all_of_the_state_as_its_file_has_it() {
    let nothing = LiveState { score: None, ..state() };
    for state in [state(), nothing] {
        let history = [past("41", TaskStatus::Accepted, None)];

        assert_eq!(
            json::Object::of(&picture(&state, true, &history)).value(),
            serde_json::to_value(&state).unwrap()
        );
    }
}

#[test]
fn a_pipe_gets_one_line_for_each_change() {
    assert_eq!(
        line(&state(), true),
        "00000042 [#####---------------]  iteration 2/4  execute  score 7.0  $0.0340 of $2.00  \
         1 min 05 s"
    );
}

#[test]
fn a_change_of_time_and_cost_alone_is_not_printed() {
    let later = LiveState { elapsed_ms: 99_000, updated_ms: NOW + 1, cost_usd: 0.04, ..state() };

    assert_eq!(changing(&later, true), changing(&state(), true));
    for other in [
        LiveState { phase: "evaluate".to_owned(), ..state() },
        LiveState { iteration: 3, ..state() },
        LiveState { score: None, ..state() },
        LiveState { tokens: 1_201, ..state() },
        LiveState { task_id: task_id("43"), ..state() },
    ] {
        assert_ne!(changing(&other, true), changing(&state(), true));
    }
    assert_ne!(changing(&state(), false), changing(&state(), true));
}

#[test]
fn what_was_printed_last_is_not_printed_again() {
    let world = World::new();
    let context = world.context();
    let mut screen = Screen { context: &context, json: false, drawn: 0, last: String::new() };
    let mut printed = Vec::new();

    for what in ["a", "a", "b", "a"] {
        let print = |_: &Screen<'_>| {
            printed.push(what);
            Ok(())
        };
        screen.once(what.to_owned(), print).unwrap();
    }

    assert_eq!(printed, ["a", "b", "a"]);
}

#[test]
fn watching_ends_where_no_task_has_run_and_where_the_last_one_has_ended() {
    let world = World::new();
    assert_eq!(watch(false, &world.context()).unwrap(), Exit::Accepted);

    let storage = world.storage();
    let task = world.begin(&storage, "42", "5e", "fix it");
    append(&storage, &task, "i1", NOW, Event::IterationStarted { number: 1 });
    finish(&storage, &task, outcome(Ending::Accepted, ""));
    let mut state = LiveState::of(&storage.entries(&task).unwrap()).unwrap();
    state.status = TaskStatus::Accepted;
    world.keep("state/last-task.json", &serde_json::to_string(&state).unwrap());
    History::new(&world.home()).append(&past("41", TaskStatus::Accepted, None)).unwrap();

    assert_eq!(watch(true, &world.context()).unwrap(), Exit::Accepted);
}

#[test]
fn money_is_rounded_to_millionths_and_never_below_nothing() {
    assert_eq!(micros(0.1 + 0.2), 300_000);
    assert_eq!(micros(-1.0), 0);
}

#[test]
fn the_bar_is_full_only_when_the_task_is_over() {
    assert_eq!(bar(1, 4, true), format!("[{}]", "-".repeat(20)));
    assert_eq!(bar(3, 4, true), format!("[{}{}]", "#".repeat(10), "-".repeat(10)));
    assert_eq!(bar(9, 3, true), format!("[{}]", "#".repeat(20)));
    assert_eq!(bar(1, 3, false), format!("[{}]", "#".repeat(20)));
    assert_eq!(bar(0, 0, true), format!("[{}]", "-".repeat(20)));
}

#[test]
fn this_process_is_alive_and_no_process_is_not() {
    assert!(is_alive(std::process::id()));
    assert!(!is_alive(0));
    assert!(!is_alive(u32::MAX));
}
