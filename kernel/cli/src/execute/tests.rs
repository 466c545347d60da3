use std::fs;

use std::os::unix::fs::PermissionsExt;

use openkoi_core::{
    approval::{ApprovalRequest, Rule},
    evaluation::Criterion,
    id::{SessionId, TreeId},
    ledger::Shortage,
    message::{Part, Received},
    outcome::{Ending, Trip},
    port::{JournalError, WorkspaceError},
    tool::Effect,
};

use super::*;
use crate::testing::{World, outcome};

fn end(outcome: Outcome) -> RunEnd {
    RunEnd {
        task: TaskId::new("01k9abcdef0000000000000042"),
        session: SessionId::new("01k9abcdef0000000000000051"),
        result: Ok(outcome),
        said: Learned::default(),
        looked_back: None,
        unsaved: None,
    }
}

/// Returns the record of a run, and how the program ends.
fn recorded(outcome: Outcome, structured: Option<Result<Value, String>>) -> (Value, Exit) {
    let end = end(outcome);
    let outcome = end.result.as_ref().unwrap();
    let learned = Learned::default();
    let ended = Ended { end: &end, outcome, structured, learned: &learned, futures: None };
    (ended.record(), ended.exit())
}

/// The part of a record that is the same for all runs of these tests.
fn record(ending: Value, text: &str) -> Value {
    let nothing = json!([]);
    let usage = json!({
        "input": null, "output": null, "cache_read": null, "cache_write": null, "reasoning": null,
    });
    let mut outcome = json!({
        "text": text,
        "iterations": 1,
        "best_iteration": 1,
        "standing": {
            "violations": nothing, "broken": nothing, "fixed": nothing, "red": nothing,
            "flaky": nothing, "green": nothing, "unknown": nothing, "not_evaluated": nothing,
            "score": null, "critical": 0, "held": 0, "size": [0, 0],
        },
        "claims": nothing,
        "changes": nothing,
        "turns": 3,
        "usage": usage,
        "spent": { "tokens": 1_200, "cost_micros": 34_000 },
        "elapsed_ms": 5_000,
        "scores": nothing,
        "repairs": nothing,
    });
    outcome.as_object_mut().unwrap().extend(ending.as_object().unwrap().clone());
    json!({
        "type": "result",
        "is_error": false,
        "session_id": "01k9abcdef0000000000000051",
        "task_id": "01k9abcdef0000000000000042",
        "num_turns": 3,
        "duration_ms": 5_000,
        "total_cost_usd": 0.034,
        "usage": usage,
        "result": text,
        "exit_code": 0,
        "outcome": outcome,
        "learned": { "new": [], "confirmed": [] },
        "schema_version": 1,
    })
}

#[test]
fn the_record_of_accepted_work_has_the_answer_the_cost_and_the_whole_outcome() {
    let (told, exit) = recorded(outcome(Ending::Accepted, "It is done."), None);

    assert_eq!(told, record(json!({ "ending": "accepted" }), "It is done."));
    assert_eq!(exit, Exit::Accepted);
}

#[test]
fn the_record_of_work_that_was_not_accepted_is_an_error_with_the_programs_code() {
    let trip = Trip::Budget { what: Shortage::Tokens, limit: 10, spent: 9 };

    let (told, exit) = recorded(outcome(Ending::Tripped { trip }, "Half."), None);

    let trip = json!({ "breaker": "budget", "what": "tokens", "limit": 10, "spent": 9 });
    let mut expected = record(json!({ "ending": "tripped", "trip": trip }), "Half.");
    expected["is_error"] = true.into();
    expected["exit_code"] = 6.into();
    assert_eq!(told, expected);
    assert_eq!(exit, Exit::Budget);
}

#[test]
fn a_result_that_follows_the_schema_is_data_in_the_record() {
    let data = json!({ "fish": 3 });

    let (told, exit) = recorded(outcome(Ending::Accepted, "{\"fish\": 3}"), Some(Ok(data.clone())));

    let mut expected = record(json!({ "ending": "accepted" }), "{\"fish\": 3}");
    expected["result"] = data;
    assert_eq!(told, expected);
    assert_eq!(exit, Exit::Accepted);
}

#[test]
fn a_result_that_does_not_follow_the_schema_is_an_error_even_if_the_work_was_accepted() {
    let (told, exit) =
        recorded(outcome(Ending::Accepted, "three"), Some(Err("it is no number".to_owned())));

    let mut expected = record(json!({ "ending": "accepted" }), "three");
    expected["is_error"] = true.into();
    expected["exit_code"] = 1.into();
    expected["schema_error"] = "it is no number".into();
    assert_eq!(told, expected);
    assert_eq!(exit, Exit::NotAccepted);
}

#[test]
fn a_run_that_stalled_keeps_its_own_code_beside_a_schema_that_was_not_followed() {
    let ending = Ending::Stalled { reason: "x".to_owned() };

    let (_, exit) = recorded(outcome(ending, "three"), Some(Err("no number".to_owned())));

    assert_eq!(exit, Exit::Stalled);
}

fn claim(holds: bool, basis: Basis) -> Claim {
    let criterion = Criterion {
        id: "c1".to_owned(),
        text: "the tests pass".to_owned(),
        check: None,
        tests: Vec::new(),
    };
    Claim { criterion, holds, basis }
}

fn verified(exit_code: Option<i32>, receipts: &[&str], tree: Option<&str>) -> Basis {
    Basis::Verified {
        check: "cargo:test".to_owned(),
        command: "cargo test".to_owned(),
        exit_code,
        tree: tree.map(TreeId::new),
        receipts: receipts.iter().map(|id| (*id).to_owned()).collect(),
        by_exit_code: false,
        changed: Vec::new(),
    }
}

#[test]
fn a_claim_says_what_it_rests_on() {
    let receipts = ["01k9abcdef0000000000000001", "01k9abcdef0000000000000002"];
    let tree = Some("0123456789abcdef");
    let judged = || Basis::Judged { by: "rubric".to_owned(), score: 0.85 };
    let cases = [
        (
            claim(true, verified(Some(0), &receipts, tree)),
            "  holds the tests pass \
             (verified: `cargo test` exit 0 on tree 01234567, receipt 00000002)",
        ),
        (
            claim(false, verified(Some(101), &receipts, tree)),
            "  open  the tests pass \
             (checked: `cargo test` exit 101 on tree 01234567, receipt 00000002)",
        ),
        (
            claim(false, verified(None, &[], None)),
            "  open  the tests pass (checked: `cargo test` a signal on tree -, receipt none)",
        ),
        (claim(true, judged()), "  holds the tests pass (judged by rubric: 8.5)"),
        (claim(false, Basis::Unverified), "  open  the tests pass (unverified)"),
    ];

    for (claim, line) in cases {
        assert_eq!(claim_line(&claim), line);
    }
}

#[test]
fn a_criterion_of_a_model_stays_on_its_line() {
    let mut claim = claim(true, Basis::Unverified);
    claim.criterion.text = "one\n  holds two\x1b[2J".to_owned();

    assert_eq!(claim_line(&claim), "  holds one   holds two\\x1b[2J (unverified)");
}

#[test]
fn a_short_id_is_an_id_as_it_is() {
    assert_eq!(short_receipt("r1"), "r1");
    assert_eq!(short_receipt("01k9abcdef0000000000000002"), "00000002");
    assert_eq!(short_tree("abc"), "abc");
}

/// Returns the error of a run that paused so, as a person or a program is told.
fn told(paused: &Paused, interrupts: &Interrupts, for_person: bool) -> CommandError {
    stopped(paused, &TaskId::new("01k9abcdef0000000000000042"), interrupts, for_person)
}

const RESUME: &str = "openkoi resume 00000042";

#[test]
fn a_cancelled_run_ends_as_the_signal_that_cancelled_it_and_can_be_resumed() {
    for (asked, kind) in [
        (Asked::Interrupt, Exit::Interrupted),
        (Asked::Terminate, Exit::Terminated),
        (Asked::No, Exit::Interrupted),
    ] {
        let interrupts = Interrupts::deaf();
        interrupts.ask(asked);

        let error = told(&Paused::Cancelled, &interrupts, true);

        let expected = CommandError::new(kind, "the task was cancelled; nothing is lost");
        assert_eq!(error, expected.hint(RESUME));
    }
}

#[test]
fn an_approval_that_nobody_can_give_says_where_to_give_it() {
    let request = ApprovalRequest {
        origin: "web".to_owned(),
        action: "http".to_owned(),
        effect: Effect::Send,
        domain: "web".to_owned(),
        target: "GET https://example.com".to_owned(),
        details: String::new(),
        shown: String::new(),
        why: String::new(),
        alike: None,
        hash: String::new(),
        rule: Rule {
            allow: true,
            origin: "web".to_owned(),
            action: "http".to_owned(),
            target: "GET https://example.com".to_owned(),
            prefix: false,
            workspace: None,
            session: None,
        },
    };

    let error = told(&Paused::Approval(Box::new(request)), &Interrupts::deaf(), true);

    let message =
        "`http` on \"GET https://example.com\" needs an approval, and there is nobody to ask";
    let expected = CommandError::new(Exit::NeedsApproval, message);
    assert_eq!(error, expected.hint("openkoi resume 00000042   (on a terminal, to answer)"));
}

fn trouble(kind: ModelTrouble, hint: &str, received: Option<(&str, bool)>) -> Paused {
    let received = received.map(|(text, shown)| {
        Box::new(Received { parts: vec![Part::Text(text.to_owned())], shown, ..Default::default() })
    });
    let (message, hint) = ("the service is busy".to_owned(), hint.to_owned());
    Paused::Model(ModelError { kind, message, hint, received })
}

#[test]
fn each_trouble_of_a_model_has_the_code_that_tells_a_script_what_to_do() {
    use ModelTrouble::{
        Credentials, Denied, Invalid, Overflow, Quota, RateLimited, Refused, UnknownModel,
        Unreachable,
    };
    for (kind, exit) in [
        (Credentials, Exit::Credentials),
        (UnknownModel, Exit::Usage),
        (Denied, Exit::Denied),
        (Quota, Exit::Provider),
        (RateLimited, Exit::Provider),
        (Unreachable, Exit::Provider),
        (Overflow, Exit::Provider),
        (Invalid, Exit::Provider),
        (Refused, Exit::Provider),
    ] {
        let error = told(&trouble(kind, "", None), &Interrupts::deaf(), true);

        assert_eq!(error, CommandError::new(exit, "the service is busy").hint(RESUME), "{kind:?}");
    }
}

#[test]
fn the_hint_of_a_provider_comes_before_the_way_to_resume() {
    let paused = trouble(ModelTrouble::Quota, "buy more at example.com", None);

    let error = told(&paused, &Interrupts::deaf(), true);

    assert_eq!(error.hints, ["buy more at example.com", RESUME]);
}

#[test]
fn an_answer_that_broke_off_is_shown_to_a_person_once_and_to_a_program_whole() {
    let long = "w".repeat(RECEIVED + 1);
    let received = |shown, for_person| {
        let paused = trouble(ModelTrouble::Unreachable, "", Some((&long, shown)));
        told(&paused, &Interrupts::deaf(), for_person)
    };

    assert_eq!(received(true, true).received, "");
    assert_eq!(received(false, true).received, format!("{}…", "w".repeat(RECEIVED)));
    assert_eq!(received(true, false).received, long);
    assert_eq!(
        received(true, true).message,
        "the service is busy; the answer that had begun is kept as far as it came"
    );
}

#[test]
fn an_answer_that_had_not_begun_is_not_mentioned() {
    let paused = trouble(ModelTrouble::Unreachable, "", Some(("", false)));

    let error = told(&paused, &Interrupts::deaf(), false);

    assert_eq!((error.message.as_str(), error.received.as_str()), ("the service is busy", ""));
}

#[test]
fn a_workspace_or_a_journal_that_fails_is_a_fault_of_the_machine_and_can_be_resumed() {
    let journal = RecordError::Journal(JournalError("the disk is full".to_owned()));
    let cases = [
        (Paused::Workspace(WorkspaceError("it is gone".to_owned())), "the workspace: it is gone"),
        (Paused::Record(journal), "the journal cannot be written: the disk is full"),
    ];

    for (paused, message) in cases {
        let error = told(&paused, &Interrupts::deaf(), true);
        assert_eq!((error.kind, error.hints), (Exit::Configuration, vec![RESUME.to_owned()]));
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}

#[test]
fn a_replay_that_differs_cannot_be_resumed() {
    let diverged = RecordError::Diverged { key: "i1/t0".to_owned(), event: "turn.finished" };

    let error = told(&Paused::Record(diverged), &Interrupts::deaf(), true);

    let message = "the replay differs from the journal at i1/t0 (turn.finished)";
    assert_eq!(error, CommandError::failed(message));
}

#[test]
fn a_result_is_written_over_a_file_that_keeps_its_mode() {
    let world = World::new();
    let path = world.workspace().join("result.txt");
    fs::write(&path, "before").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

    write(&path, "after", "42").unwrap();

    assert_eq!(fs::read_to_string(&path).unwrap(), "after");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_result_that_cannot_be_written_names_the_file() {
    let world = World::new();
    let path = world.workspace().join("missing").join("result.txt");

    let error = write(&path, "text", "42").unwrap_err();

    assert_eq!(error.kind, Exit::NotAccepted);
    assert!(
        world.placed(&error.message).starts_with("cannot write `/world/work/missing/result.txt`: "),
        "{error}"
    );
}

#[test]
fn the_flags_say_what_is_printed_and_a_file_is_seen_from_the_directory_of_the_start() {
    let world = World::new();
    let flags = ShowFlags {
        quiet: true,
        output_format: RunFormat::StreamJson,
        output: Some(PathBuf::from("out.txt")),
    };

    let show = Show::of(flags, &world.context()).unwrap();

    assert_eq!((show.format, show.quiet), (RunFormat::StreamJson, true));
    assert_eq!(show.output, Some(world.workspace().join("out.txt")));
    assert!(show.schema.is_none());
}

#[test]
fn a_place_that_the_result_cannot_be_written_to_is_told_before_the_run() {
    let world = World::new();
    let to = |name: &str| {
        let flags = ShowFlags { output: Some(PathBuf::from(name)), ..ShowFlags::default() };
        Show::of(flags, &world.context())
    };
    std::fs::write(world.workspace().join("old.txt"), "old").unwrap();

    for good in ["old.txt", "new.txt", "../new.txt"] {
        assert!(to(good).unwrap().output.is_some(), "{good}");
    }
    assert_eq!(to("-").unwrap().output, None, "stdout gets the result anyway");
    for (bad, why) in [
        (".", "it is a directory"),
        ("gone/out.txt", "there is no directory `/world/work/gone`"),
        ("old.txt/out.txt", "there is no directory `/world/work/old.txt`"),
        ("/dev/null", "it is not a regular file"),
    ] {
        let error = to(bad).unwrap_err();
        assert_eq!(error.kind, Exit::Usage);
        assert!(world.placed(&error.message).ends_with(why), "{error}");
    }
    assert_eq!(std::fs::read_to_string(world.workspace().join("old.txt")).unwrap(), "old");
}
