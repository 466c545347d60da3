use std::collections::HashSet;

use openkoi_core::{
    document::Tone,
    evaluation::{Change, ChangeKind},
    event::Event,
    id::TreeId,
    outcome::{Ending, Outcome, Trip},
    tool::Receipt,
};
use openkoi_storage::tasks::TaskStatus;
use serde_json::{Value, json};

use super::{row::tone, shown::TaskDetails, *};
use crate::testing::{
    InJson, MINUTE, NOW, World, append, finish, narrow, outcome, record, task_json, text,
};

fn change(path: &str, kind: ChangeKind, control: bool) -> Change {
    Change { path: path.to_owned(), kind, control }
}

fn receipt(number: u32, exit_code: Option<i32>) -> Event {
    let receipt = Receipt {
        id: format!("01k9abcdef{number:0>16}"),
        command: format!("sh test-{number}.sh"),
        exit_code,
        duration_ms: 1_500,
    };
    Event::ProcessFinished { receipt, tree: Some(TreeId::new("aa")) }
}

fn finished(changes: Vec<Change>) -> Event {
    let outcome = Outcome { changes, ..outcome(Ending::Accepted, "It is done.") };
    Event::TaskFinished { outcome: Box::new(outcome) }
}

fn journal<const N: usize>(events: [Event; N]) -> Vec<openkoi_core::event::Entry> {
    let entry = |event| openkoi_core::event::Entry {
        seq: 0,
        key: "k".to_owned(),
        at_ms: NOW,
        elapsed_ms: 0,
        event,
    };
    events.map(entry).into()
}

fn listed(tasks: Vec<TaskRecord>) -> TaskList {
    TaskList { tasks, why: None }
}

#[test]
fn a_list_on_a_screen_says_why_money_is_an_upper_limit() {
    let why = Some("nobody\x1b[2J told".to_owned());
    let list =
        TaskList { why, ..listed(vec![TaskRecord { at_most: true, ..record("44", "guess") }]) };

    assert!(narrow(&list).ends_with("\n≤ because nobody\\x1b[2J told\n"), "{}", narrow(&list));
    assert!(!text(&list).contains("because"), "a pipe gets rows alone");
}

#[test]
fn a_list_has_a_row_for_each_task() {
    let running = TaskRecord {
        status: TaskStatus::Running,
        score: None,
        cost_micros: 0,
        started_ms: NOW,
        ..record("43", "write docs")
    };

    let estimated = TaskRecord { at_most: true, ..record("44", "guess") };
    let list = listed(vec![record("42", "fix the login"), running, estimated]);

    assert_eq!(
        text(&list),
        "ID        STATUS    SCORE       COST  STARTED     TASK\n\
         00000042  accepted    9.2    $0.0123  30 min ago  fix the login\n\
         00000043  running       -      $0.00  just now    write docs\n\
         00000044  accepted    9.2  ≤ $0.0123  30 min ago  guess\n"
    );
}

#[test]
fn a_narrow_terminal_keeps_every_column_below_the_id() {
    let list = listed(vec![record("42", "fix\tthe \u{202e}login of the form")]);

    assert_eq!(
        narrow(&list),
        "00000042\n  STATUS accepted  SCORE 9.2\n  COST $0.0123  STARTED 30 min ago\n\
         \x20 TASK fix the \\u{202e}login of the form\n"
    );
}

#[test]
fn without_tasks_the_list_says_so_and_is_empty_for_a_program() {
    let list = TaskList::default();

    assert_eq!(text(&list), "no tasks yet\n");
    assert_eq!(list.json(), json!({ "tasks": [] }));
}

#[test]
fn a_task_is_told_with_whole_ids_and_absolute_times() {
    let task = record("42", "fix\nthe login");

    assert_eq!(
        task_json(&task),
        json!({
            "id": "01k9abcdef0000000000000042",
            "session_id": "01k9abcdef000000000000005e",
            "text": "fix\nthe login",
            "status": "accepted",
            "workspace": "/pond",
            "model": "koi/large",
            "started_at": "2026-03-01T11:30:00Z",
            "ended_at": "2026-03-01T11:32:00Z",
            "iterations": 2,
            "score": 0.925,
            "tokens": 45_600,
            "cost_usd": 0.0123,
            "cost_is_at_most": false,
            "ending": { "ending": "accepted" },
        })
    );
}

#[test]
fn a_task_that_runs_has_no_end_no_score_and_no_ending() {
    let task = TaskRecord { ended_ms: None, score: None, ending: None, ..record("42", "fix it") };

    let json = task_json(&task);

    assert_eq!((&json["ended_at"], &json["score"]), (&Value::Null, &Value::Null));
    assert_eq!(json["ending"], Value::Null);
}

#[test]
fn each_status_has_a_colour_and_good_ones_do_not_look_bad() {
    let styles = TaskStatus::ALL.map(|status| (status.word(), tone(status)));

    assert_eq!(
        styles,
        [
            ("queued", Tone::Neutral),
            ("running", Tone::Neutral),
            ("interrupted", Tone::Warning),
            ("accepted", Tone::Good),
            ("stopped", Tone::Warning),
            ("cancelled", Tone::Warning),
            ("paused", Tone::Warning),
            ("failed", Tone::Bad),
        ]
    );
}

#[test]
fn the_first_line_is_the_first_that_says_something() {
    assert_eq!(first_line("\n  \n  fix it  \nnow"), "fix it");
    assert_eq!(first_line(" \n\t"), "");
}

#[test]
fn a_task_is_shown_with_its_files_its_programs_and_its_output() {
    let journal = journal([
        receipt(1, Some(1)),
        receipt(2, None),
        finished(vec![
            change("new.rs", ChangeKind::Added, false),
            change("src/lib.rs", ChangeKind::Modified, false),
            change(".git/hooks/pre-commit", ChangeKind::Removed, true),
        ]),
    ]);

    let shown =
        TaskDetails::of(record("42", "fix the login\n"), Some("It is done.\n".into()), journal);

    assert_eq!(
        text(&shown),
        "task         00000042\n\
         session      0000005e\n\
         status       accepted\n\
         ending       accepted\n\
         workspace    /pond\n\
         model        koi/large\n\
         started      30 min ago\n\
         took         2 min 00 s\n\
         iterations   2\n\
         score        9.2\n\
         cost         $0.0123 (45.6k tokens)\n\
         \n\
         Task\n\
         fix the login\n\
         \n\
         Changed files\n\
         added     new.rs\n\
         modified  src/lib.rs\n\
         removed   .git/hooks/pre-commit   (steers agents or tools)\n\
         \n\
         Programs\n\
         exit 1  sh test-1.sh   (1.5 s, receipt 00000001)\n\
         signal  sh test-2.sh   (1.5 s, receipt 00000002)\n\
         \n\
         Output\n\
         It is done.\n"
    );
}

#[test]
fn a_task_for_programs_has_its_output_its_changes_and_every_receipt() {
    let journal =
        journal([receipt(1, Some(0)), finished(vec![change("a", ChangeKind::Added, true)])]);

    let shown = TaskDetails::of(record("42", "fix it"), Some("It is done.".to_owned()), journal);

    let mut expected = task_json(&record("42", "fix it"));
    expected["output"] = "It is done.".into();
    expected["changes"] = json!([{ "path": "a", "kind": "added", "control": true }]);
    expected["receipts"] = json!([{
        "id": "01k9abcdef0000000000000001",
        "command": "sh test-1.sh",
        "exit_code": 0,
        "duration_ms": 1_500,
    }]);
    expected["cost_is_at_most_because"] = Value::Null;
    assert_eq!(shown.json(), expected);
}

#[test]
fn a_task_that_has_not_ended_has_no_section_of_files_and_null_for_them() {
    let task = TaskRecord {
        status: TaskStatus::Running,
        ended_ms: None,
        ending: None,
        score: None,
        ..record("42", "fix it")
    };

    let shown = TaskDetails::of(task, None, Vec::new());

    assert_eq!(
        text(&shown),
        "task         00000042\n\
         session      0000005e\n\
         status       running\n\
         workspace    /pond\n\
         model        koi/large\n\
         started      30 min ago\n\
         iterations   2\n\
         score        -\n\
         cost         $0.0123 (45.6k tokens)\n\
         \n\
         Task\n\
         fix it\n"
    );
    let json = shown.json();
    assert_eq!((&json["changes"], &json["output"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_task_that_changed_nothing_says_so() {
    let shown = TaskDetails::of(record("42", "look"), None, journal([finished(Vec::new())]));

    assert!(text(&shown).ends_with("\nTask\nlook\n\nChanged files\nnone\n"), "{}", text(&shown));
    assert_eq!(shown.json()["changes"], json!([]));
}

#[test]
fn of_many_files_and_lines_some_are_shown_and_a_command_shows_the_rest() {
    let changes = (1..=53).map(|n| change(&format!("f{n}"), ChangeKind::Added, false));
    let output: String = (1..=22).map(|n| format!("line {n}\n")).collect();

    let shown =
        TaskDetails::of(record("42", "look"), Some(output), journal([finished(changes.collect())]));

    let text = text(&shown);
    let files: Vec<&str> = text.lines().filter(|line| line.starts_with("added")).collect();
    assert_eq!((files.len(), files[49]), (50, "added     f50"));
    assert!(
        text.contains("added     f50\n… 3 more: openkoi task show 00000042 --json\n"),
        "{text}"
    );
    assert!(text.ends_with("line 20\n… 2 more lines: openkoi task replay 00000042\n"), "{text}");
    assert_eq!(shown.json()["changes"].as_array().unwrap().len(), 53);
}

#[test]
fn a_shell_around_a_program_is_not_shown() {
    let line = |command: &str| {
        let mut program = receipt(1, Some(0));
        if let Event::ProcessFinished { receipt, .. } = &mut program {
            receipt.command = command.to_owned();
        }
        let shown = TaskDetails::of(record("42", "look"), None, journal([program]));
        let text = text(&shown);
        let line = text.lines().last().unwrap_or_default();
        line.trim_start_matches("exit 0  ").split("   (").next().unwrap_or_default().to_owned()
    };

    assert_eq!(line("sh -c 'exec \"$@\" 2>&1' sh python3 -m pytest"), "python3 -m pytest");
    let quoted = "sh -c 'trap '\\''rm -f x'\\'' EXIT; \"$@\" 2>&1' sh cargo test";
    assert_eq!(line(quoted), "cargo test");
    for whole in ["sh -c 'make test'", "sh -c 'echo $1' sh x", "make 'a' sh b"] {
        assert_eq!(line(whole), whole);
    }
}

#[test]
fn what_files_programs_and_outputs_say_cannot_drive_the_terminal() {
    let mut program = receipt(1, Some(0));
    if let Event::ProcessFinished { receipt, .. } = &mut program {
        receipt.command = "printf '\x1b[2J'\nrm x".to_owned();
    }
    let journal =
        journal([program, finished(vec![change("a\nadded     b\x1b", ChangeKind::Added, false)])]);

    let shown =
        TaskDetails::of(record("42", "clear \x1b[2J"), Some("\x1b]0;x\x07".into()), journal);

    let text = text(&shown);
    assert!(!text.contains('\x1b'), "{text}");
    assert!(
        text.ends_with(
            "\nTask\nclear \\x1b[2J\n\nChanged files\nadded     a added     b\\x1b\n\nPrograms\n\
             exit 0  printf '\\x1b[2J' rm x   (1.5 s, receipt 00000001)\n\nOutput\n\\x1b]0;x\\x07\n"
        ),
        "{text}"
    );
}

#[test]
fn each_ending_is_one_sentence() {
    let stalled = Ending::Stalled { reason: "the same check failed twice".to_owned() };
    let late = Ending::Tripped { trip: Trip::Time { limit_ms: 60_000 } };
    let cases = [
        (Ending::Accepted, "accepted"),
        (Ending::Exhausted, "all iterations are used and the work was not accepted"),
        (stalled, "stalled: the same check failed twice"),
        (late, "the time limit of 60 s is over; --max-time raises it"),
    ];

    for (ending, words) in cases {
        assert_eq!(shown::ending_in_words(&ending), words);
    }
}

#[test]
fn looking_at_tasks_before_the_first_creates_nothing() {
    let world = World::new();

    let listed = world.printed(list_of(None, 20, false, &world.context()));
    let shown = show(None, false, &world.context()).err().unwrap();

    assert_eq!(listed, ("no tasks yet\n".to_owned(), Exit::Accepted));
    assert_eq!(shown, CommandError::usage("there is no task yet").hint("openkoi \"TASK\""));
    assert!(!world.home().join("data").exists());
}

#[test]
fn the_newest_task_comes_first_and_session_and_limit_narrow_the_list() {
    let world = World::new();
    let storage = world.storage();
    for (tail, session) in [("1", "5e51"), ("2", "5e52"), ("3", "5e51")] {
        world.ended(&storage, tail, session, "fix it");
    }

    let ids = |session: Option<&str>, limit| {
        let session = session.map(str::to_owned);
        let document = world.document(list_of(session, limit, true, &world.context()));
        let tasks = document["tasks"].as_array().unwrap().clone();
        let last = |task: &Value| task["id"].as_str().unwrap().chars().last().unwrap();
        tasks.iter().map(last).collect::<String>()
    };

    assert_eq!(ids(None, 20), "321");
    assert_eq!(ids(None, 2), "32");
    assert_eq!(ids(Some("00005e51"), 20), "31");
    let unknown = list_of(Some("zz".to_owned()), 20, true, &world.context()).err().unwrap();
    assert_eq!(unknown.hints, ["openkoi session list"]);
}

#[test]
fn a_task_of_the_storage_is_shown_with_what_its_journal_and_its_output_have() {
    let world = World::new();
    let storage = world.storage();
    let task = world.begin(&storage, "42", "5e", "fix it");
    append(&storage, &task, "i1/p0", NOW - 29 * MINUTE, receipt(1, Some(0)));
    finish(&storage, &task, outcome(Ending::Exhausted, "Half of it."));
    storage.write_output(&crate::testing::session_id("5e"), &task, "Half of it.").unwrap();

    let (text, exit) = world.printed(show(Some("00000042".to_owned()), false, &world.context()));

    assert_eq!(exit, Exit::Accepted);
    assert_eq!(
        text,
        "task         00000042\n\
         session      0000005e\n\
         status       stopped\n\
         ending       all iterations are used and the work was not accepted\n\
         workspace    /world/work\n\
         model        koi/large\n\
         started      30 min ago\n\
         took         2 min 00 s\n\
         iterations   1\n\
         score        -\n\
         cost         $0.0340 (1200 tokens)\n\
         \n\
         Task\n\
         fix it\n\
         \n\
         Changed files\n\
         none\n\
         \n\
         Programs\n\
         exit 0  sh test-1.sh   (1.5 s, receipt 00000001)\n\
         \n\
         Output\n\
         Half of it.\n"
    );
}

#[test]
fn where_nobody_can_pick_the_tasks_are_named_as_lines_to_paste() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "42", "5e", "\nfix it\nwell");

    let error =
        ids::chosen::<TaskRecord>(None, "openkoi task replay", &world.context()).err().unwrap();

    let expected = CommandError::usage("which task? there is no terminal to pick on");
    assert_eq!(error, expected.hint("openkoi task replay 00000042   (accepted, fix it)"));
}

#[test]
fn a_task_without_an_output_cannot_be_replayed_and_says_how_it_stands() {
    let world = World::new();
    let storage = world.storage();
    let id = world.begin(&storage, "42", "5e", "fix it");
    append(
        &storage,
        &id,
        "end",
        NOW,
        Event::TaskPaused { reason: "waits".to_owned(), cause: None, outcome: None },
    );
    let (_, task) =
        ids::chosen::<TaskRecord>(Some("00000042".to_owned()), "", &world.context()).unwrap();

    let error = replay(&storage, &task, &world.context()).unwrap_err();

    assert_eq!(error, CommandError::failed("task 00000042 has no output, it is paused"));
}

#[test]
fn a_task_that_was_interrupted_cannot_be_verified_but_resumed() {
    let world = World::new();
    let storage = world.storage();
    world.begin(&storage, "42", "5e", "fix it");
    let (_, task) =
        ids::chosen::<TaskRecord>(Some("00000042".to_owned()), "", &world.context()).unwrap();

    let error = verify::run(&storage, task, false).err().unwrap();

    let expected = CommandError::usage("task 00000042 has not ended, it is running");
    assert_eq!(error, expected.hint("openkoi resume 00000042"));
}

#[test]
fn of_a_task_that_paused_all_that_is_recorded_is_verified() {
    let world = World::new();
    let storage = world.storage();
    let id = world.begin(&storage, "42", "5e", "fix it");
    let reason = "cancelled".to_owned();
    let paused = Event::TaskPaused {
        reason,
        cause: Some(openkoi_core::outcome::Pause::Cancelled),
        outcome: None,
    };
    append(&storage, &id, "end", NOW, paused);
    let (_, task) =
        ids::chosen::<TaskRecord>(Some("00000042".to_owned()), "", &world.context()).unwrap();

    assert!(verify::run(&storage, task, false).is_ok());
}

#[test]
fn a_journal_that_does_not_lead_to_its_end_is_not_verified() {
    let world = World::new();
    let storage = world.storage();
    // It ended without any of the turns that its settings ask for.
    world.ended(&storage, "42", "5e", "fix it");
    let (_, task) =
        ids::chosen::<TaskRecord>(Some("00000042".to_owned()), "", &world.context()).unwrap();

    let error = verify::run(&storage, task, false).err().unwrap();

    assert_eq!(error.kind, Exit::NotAccepted);
    assert!(error.message.starts_with("task 00000042 is not verified: "), "{error}");
}

#[test]
fn every_subcommand_is_told_apart_when_no_id_is_typed() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "42", "5e", "fix it");
    let commands = [
        TaskCommand::Show { id: None, json: false },
        TaskCommand::Replay { id: None },
        TaskCommand::Verify { id: None, json: false },
    ];

    let hints = commands.map(|command| {
        run(Args { command: Some(command) }, &world.context()).unwrap_err().hints.concat()
    });

    let lines = ["show", "replay", "verify"]
        .map(|word| format!("openkoi task {word} 00000042   (accepted, fix it)"));
    assert_eq!(HashSet::from(hints), HashSet::from(lines));
}
