use std::sync::Arc;

use openkoi_core::{
    contract::{Contract, Effort, Finder},
    evaluation::{Change, ChangeKind, Check, CheckOutcome, Criterion, Score, TestResult},
    evidence::{Basis, Claim, Standing},
    id::TreeId,
    ledger::{Reservation, Shortage},
    message::ToolCall,
    outcome::Trip,
    tool::{Effect, ToolOutput},
};

use super::*;
use crate::testing::outcome;

/// What was written, for a test that looks at it afterwards.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn lines(&self, streams: bool) -> ProgressLines {
        ProgressLines::on(Box::new(self.clone()), Palette::PLAIN, streams, None)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn entry(key: &str, event: Event) -> Entry {
    Entry { seq: 9, key: key.to_owned(), at_ms: 7, elapsed_ms: 3, event }
}

/// Returns what these events make a pipe show.
fn told<const N: usize>(events: [Event; N]) -> String {
    let screen = Paper::default();
    let lines = screen.lines(false);
    events.into_iter().for_each(|event| lines.event(&entry("i1/e0", event)));
    screen.text()
}

fn executor() -> Role {
    Role::new(Role::EXECUTOR)
}

fn call(target: &str) -> Event {
    let (id, name) = ("c1".to_owned(), "shell".to_owned());
    Event::CallStarted {
        call: ToolCall { id, name, arguments: "{}".to_owned() },
        effect: Effect::Execute,
        origin: "shell".to_owned(),
        idempotent: false,
        target: target.to_owned(),
    }
}

fn called(result: Result<&str, Failure>) -> Event {
    let output = |summary: &str| ToolOutput { summary: summary.to_owned(), ..Default::default() };
    Event::CallFinished { tool: "shell".to_owned(), result: result.map(output), duration_ms: 9 }
}

fn check(outcome: CheckOutcome, test_count: Option<u32>, tests: &[CheckOutcome]) -> Check {
    let test = |outcome: &CheckOutcome| TestResult { name: "t".to_owned(), outcome: *outcome };
    Check {
        id: "cargo:test".to_owned(),
        category: "test".to_owned(),
        command: "cargo test".to_owned(),
        outcome,
        exit_code: None,
        tests: tests.iter().map(test).collect(),
        test_count,
        excerpt: String::new(),
        receipts: Vec::new(),
        duration_ms: 0,
        runner: String::new(),
    }
}

fn judged(result: Result<Verdict, Failure>) -> Event {
    Event::EvaluationFinished { evaluator: "rubric".to_owned(), result, tree: None }
}

fn plan(steps: &[&str]) -> Event {
    let contract = Contract {
        effort: Effort::Change,
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        ..Contract::none()
    };
    Event::PlanMade { contract, rubric: None }
}

fn repair(text: &str, resolved: Option<u32>) -> Repair {
    let resolution = |iteration| Resolution { by: "cargo:test".to_owned(), iteration };
    Repair {
        id: "r1".to_owned(),
        found_by: Finder::Kernel,
        text: text.to_owned(),
        evidence: String::new(),
        found_in: 1,
        resolved: resolved.map(resolution),
    }
}

#[test]
fn a_plan_is_one_line_and_a_plan_without_steps_is_not_shown() {
    assert_eq!(told([plan(&["read it", "fix it"])]), "[PLAN] read it; fix it\n");
    assert_eq!(told([plan(&[])]), "");
}

#[test]
fn a_call_is_shown_once_with_its_target_and_its_summary() {
    let text = told([
        call("cargo test"),
        called(Ok("exit 0")),
        // Its target belongs to the call before.
        called(Ok("exit 1")),
        call("ls"),
        called(Ok("")),
    ]);

    assert_eq!(text, "[EXEC] shell cargo test · exit 0\n[EXEC] shell · exit 1\n[EXEC] shell ls\n");
}

#[test]
fn calls_side_by_side_keep_their_targets() {
    let screen = Paper::default();
    let lines = screen.lines(false);
    for (key, event) in [
        ("c0", call("ls a")),
        ("c1", call("ls b")),
        ("c0", called(Ok("exit 0"))),
        ("c1", called(Ok("exit 1"))),
    ] {
        lines.event(&entry(key, event));
    }

    assert_eq!(screen.text(), "[EXEC] shell ls a · exit 0\n[EXEC] shell ls b · exit 1\n");
}

#[test]
fn a_call_that_failed_shows_the_first_line_of_why() {
    let long = "x".repeat(200);

    let two_lines = Failure::Failed("no such file\nat line 3".to_owned());
    let text = told([call("cat a"), called(Err(two_lines)), called(Err(Failure::Failed(long)))]);

    let short = "x".repeat(160);
    assert_eq!(text, format!("[EXEC] shell cat a · no such file\n[EXEC] shell · {short}\n"));
}

#[test]
fn each_check_is_told_with_its_outcome_and_its_tests() {
    use CheckOutcome::{Errored, Failed, Flaky, Passed, Skipped};
    let cases = [
        (check(Passed, None, &[]), "cargo:test=passed"),
        (check(Passed, Some(12), &[Passed]), "cargo:test=passed(12 tests)"),
        (check(Failed, Some(12), &[Passed, Failed, Errored]), "cargo:test=failed(2 of 12 tests)"),
        (check(Failed, None, &[Failed, Flaky, Skipped]), "cargo:test=failed(1 test)"),
        (check(Failed, None, &[]), "cargo:test=failed"),
        (
            Check {
                excerpt: "   Compiling pond\nerror[E0425]: no `x`\n".to_owned(),
                ..check(Failed, None, &[])
            },
            "cargo:test=failed(error[E0425]: no `x`)",
        ),
        (
            Check { excerpt: "no such shim".to_owned(), ..check(Failed, None, &[]) },
            "cargo:test=failed(no such shim)",
        ),
        (check(Errored, None, &[]), "cargo:test=could-not-run"),
        (
            Check { excerpt: "no test ran\nat all".to_owned(), ..check(Errored, Some(0), &[]) },
            "cargo:test=could-not-run(no test ran)",
        ),
        (check(Skipped, None, &[]), "cargo:test=skipped"),
        (check(Flaky, None, &[]), "cargo:test=flaky"),
    ];

    for (check, shown) in cases {
        let verdict = Verdict { checks: vec![check], ..Verdict::default() };
        assert_eq!(told([judged(Ok(verdict))]), format!("[EVAL] {shown}\n"));
    }
}

#[test]
fn checks_and_scores_stand_on_one_line_in_a_colour_that_says_whether_it_is_good_news() {
    use CheckOutcome::{Failed, Flaky, Passed};
    let scores = || vec![Score { dimension: "clarity".to_owned(), value: 0.85 }];
    let verdict = |outcome| Verdict {
        checks: vec![check(Passed, None, &[]), check(outcome, None, &[])],
        scores: scores(),
        ..Verdict::default()
    };

    for (outcome, word, colour) in [(Flaky, "flaky", 32), (Failed, "failed", 33)] {
        let screen = Paper::default();
        let palette = Palette::decide(
            crate::output::ColourChoice::Always,
            &openkoi_app::environment::Environment::of([], std::path::Path::new("/")),
            false,
        );
        let lines = ProgressLines::on(Box::new(screen.clone()), palette, false, None);
        lines.event(&entry("i1/e0", judged(Ok(verdict(outcome)))));
        assert_eq!(
            screen.text(),
            format!(
                "\x1b[{colour}m[EVAL]\x1b[0m cargo:test=passed cargo:test={word} clarity=8.5\n"
            )
        );
    }
}

#[test]
fn an_evaluator_that_said_nothing_is_silent_and_one_that_failed_is_told() {
    let summary = Verdict { summary: "nothing to check".to_owned(), ..Verdict::default() };

    assert_eq!(told([judged(Ok(summary))]), "");
    assert_eq!(
        told([judged(Err(Failure::NotFound("no rubric".to_owned())))]),
        "[EVAL] rubric: not evaluated, not found: no rubric\n"
    );
}

#[test]
fn of_evaluations_that_begin_only_those_of_the_untouched_tree_are_told() {
    let screen = Paper::default();
    let lines = screen.lines(false);
    let begins = || Event::EvaluationStarted { evaluator: "checks".to_owned() };

    lines.event(&entry("base/e0", begins()));
    lines.event(&entry("i1/e0", begins()));

    assert_eq!(screen.text(), "[EVAL] checks: looking at the untouched tree\n");
}

#[test]
fn what_was_found_before_any_change_says_so() {
    let screen = Paper::default();
    let lines = screen.lines(false);
    let failed = |key: &str| {
        let result = Err(Failure::Failed("no".to_owned()));
        lines.event(&entry(
            key,
            Event::EvaluationFinished { evaluator: "checks".to_owned(), result, tree: None },
        ));
    };

    failed("base/e/checks");
    failed("i1/e/checks");

    let text = screen.text();
    let said: Vec<&str> = text.lines().collect();
    assert!(said[0].starts_with("[EVAL] before: checks: not evaluated"), "{text}");
    assert!(said[1].starts_with("[EVAL] checks: not evaluated"), "{text}");
}

#[test]
fn a_decision_to_go_on_says_why_and_an_acceptance_says_nothing() {
    let decided = |decision: &str| Event::IterationDecided {
        number: 1,
        decision: decision.to_owned(),
        reason: format!("because of {decision}"),
        standing: Standing::default(),
    };

    let text = told([decided("accept"), decided("refine"), decided("stop")]);

    assert_eq!(text, "[REFN] because of refine\n[REFN] because of stop\n");
}

#[test]
fn what_this_iteration_resolved_is_told_and_nothing_older_or_open() {
    let long = "y".repeat(SHOWN + 1);
    let repairs = vec![
        repair("older", Some(1)),
        repair("open", None),
        repair("make it green", Some(2)),
        repair(&long, Some(2)),
    ];

    let text = told([Event::PlanRefined { number: 2, repairs }]);

    let cut = "y".repeat(SHOWN);
    assert_eq!(
        text,
        format!(
            "[REFN] resolved by cargo:test: make it green\n[REFN] resolved by cargo:test: {cut}…\n"
        )
    );
}

#[test]
fn a_refusal_is_told_with_the_way_to_allow_it_and_a_permission_is_not() {
    let decided = |decision| Event::GateDecided {
        origin: "web".to_owned(),
        action: "http".to_owned(),
        effect: Effect::Send,
        domain: "web".to_owned(),
        target: "GET https://example.com".to_owned(),
        decision,
        answer: None,
        question: None,
    };
    let deny = |hint: &str| {
        decided(Decision::Deny { what: "http on a host".to_owned(), hint: hint.to_owned() })
    };

    let text = told([
        decided(Decision::Allow { because: "rule".to_owned() }),
        deny(""),
        deny("trust.domains.web"),
        called(Err(Failure::Denied { what: "http on a host".to_owned(), hint: String::new() })),
        called(Err(Failure::Denied { what: "a file".to_owned(), hint: String::new() })),
    ]);

    assert_eq!(
        text,
        "[GATE] refused: http on a host\n[GATE] refused: http on a host (trust.domains.web)\n\
         [EXEC] shell · denied\n[EXEC] shell · denied: a file\n"
    );
}

#[test]
fn a_warning_of_the_budget_a_restored_tree_and_a_resumed_run_have_lines_of_their_own() {
    let text = told([
        Event::TaskResumed { settings: None },
        Event::BudgetWarned {
            spent: Reservation { tokens: 160_000, cost_micros: 1_600_000, at_most: false },
        },
        Event::TreeRestored {
            tree: Some(TreeId::new("aa")),
            steps: Vec::new(),
            done: Vec::new(),
            conflicts: Vec::new(),
            changes: Vec::new(),
        },
    ]);

    assert_eq!(
        text,
        "[EXEC] going on where the run stopped\n\
         [COST] four fifths of the budget are spent: 160000 tokens, $1.60\n\
         [EXEC] brought back the best state of the files\n"
    );
}

#[test]
fn events_that_only_the_journal_needs_are_not_shown() {
    let text = told([
        Event::IterationStarted { number: 1 },
        Event::TreeCaptured { tree: TreeId::new("aa") },
        Event::TurnLost { reserved: Reservation::default() },
        Event::ProgressReported { origin: "web".to_owned(), message: "looking".to_owned() },
        Event::TaskPaused { reason: "cancelled".to_owned(), cause: None, outcome: None },
        call("ls"),
    ]);

    assert_eq!(text, "");
}

#[test]
fn the_end_counts_iterations_files_and_money() {
    let change =
        |path: &str| Change { path: path.to_owned(), kind: ChangeKind::Modified, control: false };
    let accepted = Outcome {
        iterations: 2,
        changes: vec![change("a"), change("b")],
        ..outcome(Ending::Accepted, "done")
    };
    let stalled = Ending::Stalled { reason: "no \x1b[2Jprogress".to_owned() };
    let stalled = Outcome { changes: vec![change("a")], ..outcome(stalled, "") };

    let text =
        told([accepted, stalled].map(|outcome| Event::TaskFinished { outcome: Box::new(outcome) }));

    assert_eq!(
        text,
        "✓ Done. 2 iterations. 2 files changed. $0.0340.\n\
         ✗ Not accepted: no \\x1b[2Jprogress. 1 iteration. 1 file changed. $0.0340.\n"
    );
}

#[test]
fn what_a_model_wrote_stays_on_one_line_and_is_cut_and_cannot_drive_the_terminal() {
    let long = format!("one\ntwo\x1b[2J{}", "z".repeat(LONGEST_LINE));

    let text = told([plan(&[&long])]);

    let rest = "z".repeat(LONGEST_LINE - "one\ntwo\x1b[2J".chars().count());
    assert_eq!(text, format!("[PLAN] one two\\x1b[2J{rest}…\n"));
}

#[test]
fn the_answer_streams_where_somebody_looks_and_a_line_after_it_begins_anew() {
    let screen = Paper::default();
    let lines = screen.lines(true);

    assert!(lines.delta(&executor(), Delta::Text("It is")));
    assert!(lines.delta(&executor(), Delta::Text(" done\x1b[2J.")));
    lines.event(&entry("i1/e0", Event::TaskResumed { settings: None }));
    assert!(lines.delta(&executor(), Delta::Text("whole line\n")));
    lines.event(&entry("i1/e0", Event::TaskResumed { settings: None }));

    assert_eq!(
        screen.text(),
        "It is done\\x1b[2J.\n[EXEC] going on where the run stopped\n\
         whole line\n[EXEC] going on where the run stopped\n"
    );
}

#[test]
fn thoughts_other_roles_and_streams_into_a_pipe_are_not_shown() {
    let (seen, piped) = (Paper::default(), Paper::default());
    let (terminal, pipe) = (seen.lines(true), piped.lines(false));

    assert!(!terminal.delta(&executor(), Delta::Thought("hm")));
    assert!(!terminal.delta(&Role::new(Role::PLANNER), Delta::Text("{}")));
    assert!(!pipe.delta(&executor(), Delta::Text("It is done.")));

    assert_eq!((seen.text(), piped.text()), (String::new(), String::new()));
}

#[test]
fn a_text_has_been_shown_if_it_is_what_streamed_in_the_present_turn() {
    let lines = Paper::default().lines(true);
    let begins = Event::TurnStarted {
        role: Role::EXECUTOR.to_owned(),
        model: "koi/large".to_owned(),
        request: String::new(),
        reserved: Reservation::default(),
    };

    lines.delta(&executor(), Delta::Text("It is "));
    lines.delta(&executor(), Delta::Text("done.\n"));
    assert!(lines.has_shown("It is done."));
    assert!(!lines.has_shown("It is"));

    lines.event(&entry("i2/t0", begins));
    assert!(!lines.has_shown("It is done."));
    assert!(!lines.has_shown(""));
}

#[test]
fn waiting_is_told_and_what_had_streamed_is_asked_for_again() {
    let screen = Paper::default();
    let lines = screen.lines(true);

    lines.delta(&executor(), Delta::Text("half"));
    let shown = lines.delta(&executor(), Delta::Waiting("the service is busy; again in 5 s"));
    lines.delta(&executor(), Delta::Text("whole"));

    assert!(!shown);
    assert!(lines.has_shown("whole"));
    assert_eq!(
        screen.text(),
        "half\n[WAIT] the service is busy; again in 5 s · Ctrl-C stops\nwhole"
    );
}

#[test]
fn the_end_of_a_wait_is_no_line() {
    let screen = Paper::default();
    let lines = screen.lines(false);

    lines.delta(&executor(), Delta::Waiting("the service is busy; again in 5 s"));
    lines.delta(&executor(), Delta::Waiting(""));

    assert_eq!(screen.text(), "[WAIT] the service is busy; again in 5 s\n");
}

#[test]
fn an_event_is_a_document_with_its_number_its_key_its_times_and_what_happened() {
    let trip = Trip::Budget { what: Shortage::Cost, limit: 2_000_000, spent: 1_999_000 };

    let line = event_line(&entry("i1/t2", Event::BreakerTripped { trip }));

    assert_eq!(
        line,
        json!({
            "type": "event",
            "seq": 9,
            "key": "i1/t2",
            "at_ms": 7,
            "elapsed_ms": 3,
            "data": {
                "event": "breaker.tripped",
                "trip": {
                    "breaker": "budget", "what": "cost", "limit": 2_000_000, "spent": 1_999_000,
                },
            },
            "schema_version": 1,
        })
    );
}

#[test]
fn every_event_of_a_stream_is_named_in_its_data() {
    for event in [
        Event::TaskResumed { settings: None },
        plan(&["one"]),
        Event::TreeCaptured { tree: TreeId::new("aa") },
        Event::TreeCompared { changes: Vec::new(), diff: String::new(), foreign: Vec::new() },
        Event::TreeRestored {
            tree: Some(TreeId::new("aa")),
            steps: Vec::new(),
            done: Vec::new(),
            conflicts: Vec::new(),
            changes: Vec::new(),
        },
        Event::IterationStarted { number: 1 },
        Event::TurnLost { reserved: Reservation::default() },
        call("ls"),
        called(Ok("")),
        Event::EvaluationStarted { evaluator: "checks".to_owned() },
        judged(Ok(Verdict::default())),
        Event::PlanRefined { number: 1, repairs: Vec::new() },
        Event::ProgressReported { origin: "web".to_owned(), message: "looking".to_owned() },
        Event::BudgetWarned { spent: Reservation::default() },
        Event::TaskPaused { reason: "cancelled".to_owned(), cause: None, outcome: None },
        Event::TaskFinished { outcome: Box::new(outcome(Ending::Accepted, "")) },
    ] {
        let name = event.name();
        assert_eq!(event_line(&entry("k", event))["data"]["event"], name);
    }
}

#[test]
fn a_delta_is_a_document_with_its_role_and_its_text_alone() {
    assert_eq!(
        delta_line(&executor(), "It \x1b is"),
        json!({ "type": "delta", "role": "executor", "text": "It \x1b is", "schema_version": 1 })
    );
    let stream = EventStream(Printer::on_paper(None, 0));
    assert!(!stream.delta(&executor(), Delta::Thought("hm")));
    assert!(!stream.delta(&executor(), Delta::Waiting("busy")));
}

#[test]
fn each_ending_says_why_the_work_was_not_accepted() {
    let stalled = Ending::Stalled { reason: "the same check failed twice".to_owned() };
    let tripped = |trip| Ending::Tripped { trip };
    let time = Trip::Time { limit_ms: 300_000 };
    let tokens = Trip::Budget { what: Shortage::Tokens, limit: 10, spent: 9 };
    let repeated = Trip::Repetition { tool: "read_file".to_owned(), count: 5 };
    let worse = Trip::Regression { detail: "cargo:test".to_owned() };
    let cases = [
        (Ending::Accepted, ""),
        (stalled, "the same check failed twice"),
        (tripped(time), "the time limit of 300 s is over; --max-time raises it"),
        (
            tripped(tokens),
            "the limit of 10 tokens does not cover the next turn (9 spent); --max-tokens raises it",
        ),
        (tripped(repeated), "`read_file` was called 5 times with the same arguments"),
        (tripped(worse), "the work became worse twice: cargo:test"),
        (Ending::Exhausted, "all iterations are used"),
    ];

    for (ending, why) in cases {
        assert_eq!(reason(&ending, &outcome(ending.clone(), "")), why);
    }
}

#[test]
fn used_up_iterations_name_the_gravest_thing_that_is_left() {
    let claim = |text: &str, holds| Claim {
        criterion: Criterion {
            id: "c1".to_owned(),
            text: text.to_owned(),
            check: None,
            tests: Vec::new(),
        },
        holds,
        basis: Basis::Unverified,
    };
    let mut left = outcome(Ending::Exhausted, "");
    let mut why = |change: &dyn Fn(&mut Outcome)| {
        change(&mut left);
        reason(&Ending::Exhausted, &left)
    };

    let unmet =
        why(&|left| left.claims = vec![claim("it compiles", true), claim("it works", false)]);
    let broken = why(&|left| left.standing.broken = vec!["cargo:test a".to_owned()]);
    let violated = why(&|left| left.standing.violations = vec!["a test was deleted".to_owned()]);

    assert_eq!(unmet, "all iterations are used; open: it works");
    assert_eq!(broken, "all iterations are used; cargo:test a");
    assert_eq!(violated, "all iterations are used; a test was deleted");
}

#[test]
fn a_text_is_cut_between_characters_and_only_where_there_is_more() {
    assert_eq!(cut("naïve", 5), "naïve");
    assert_eq!(cut("naïve", 3), "naï…");
    assert_eq!(cut("鯉鯉", 1), "鯉…");
    assert_eq!(cut("", 0), "");
}

#[test]
fn an_edit_is_shown_with_its_call_and_each_file_at_the_end() {
    let edit = |path: &str| Event::CallStarted {
        call: ToolCall {
            id: "c1".to_owned(),
            name: "edit_file".to_owned(),
            arguments: json!({ "path": path, "old_string": "-", "new_string": "+" }).to_string(),
        },
        effect: Effect::Write,
        origin: "files".to_owned(),
        idempotent: false,
        target: path.to_owned(),
    };
    let finished = |result: Result<&str, Failure>| match called(result) {
        Event::CallFinished { result, duration_ms, .. } => {
            Event::CallFinished { tool: "edit_file".to_owned(), result, duration_ms }
        }
        other => other,
    };
    let changed = |path: &str, kind| Change { path: path.to_owned(), kind, control: false };
    let done = Outcome {
        changes: vec![changed("a", ChangeKind::Modified), changed("b", ChangeKind::Added)],
        ..outcome(Ending::Accepted, "")
    };
    // Of `b`, which is too long to be compared, there is the header alone.
    let diff = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n--\n++\n--- /dev/null\n+++ b/b\n".to_owned();

    let text = told([
        edit("a"),
        finished(Ok("+1 -1 lines")),
        edit("c"),
        finished(Err(Failure::Failed("it is not there".to_owned()))),
        Event::TreeCompared { changes: Vec::new(), diff, foreign: Vec::new() },
        Event::TaskFinished { outcome: Box::new(done) },
    ]);

    assert_eq!(
        text,
        "[EXEC] edit_file a · +1 -1 lines\n  @@ -1 +1 @@\n  --\n  ++\n\
         [EXEC] edit_file c · it is not there\n\
         \x20 a  +1 −1\n  b (new)\n\
         ✓ Done. 1 iteration. 2 files changed. $0.0340.\n"
    );
}

#[test]
fn a_run_begins_with_its_model_its_directory_and_its_limits() {
    let task = openkoi_core::task::Task {
        id: openkoi_core::id::TaskId::new("t"),
        session: openkoi_core::id::SessionId::new("s"),
        text: "fix it".to_owned(),
        workspace: "/nowhere/pond".to_owned(),
        history: Vec::new(),
        settings: openkoi_core::task::TaskSettings::STANDARD,
        result_schema: None,
        attachments: Vec::new(),
        earlier: Vec::new(),
    };
    let started = || Event::TaskStarted {
        task: Box::new(task.clone()),
        models: Vec::new(),
        overview: String::new(),
        instructions: String::new(),
        notes: Vec::new(),
        skills: Vec::new(),
        tools: Vec::new(),
        evaluators: Vec::new(),
        rules: 1,
    };

    assert!(
        told([started()]).starts_with("Model unknown · /nowhere/pond"),
        "{}",
        told([started()])
    );

    let paper = Paper::default();
    paper.lines(false).introduced().event(&entry("start", started()));
    assert_eq!(paper.text(), "", "somebody has been told already");

    let paper = Paper::default();
    let lines = paper.lines(false);
    lines.resumes(task, Vec::new());
    let more = openkoi_core::task::TaskSettings {
        max_time_ms: Some(90_000),
        ..openkoi_core::task::TaskSettings::STANDARD
    };
    lines.event(&entry("resume", Event::TaskResumed { settings: Some(Box::new(more)) }));
    let text = paper.text();
    let (first, second) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with("Model unknown · /nowhere/pond") && first.contains("1 min 30 s"),
        "{first}"
    );
    assert_eq!(second, "[EXEC] going on where the run stopped\n");
}

#[test]
fn on_a_terminal_a_status_line_moves_and_stands_still_for_a_question() {
    let paper = Paper::default();
    let lines = ProgressLines::on(Box::new(paper.clone()), Palette::PLAIN, true, Some(60));
    lines.event(&entry("i1/t0/c0", call("cargo test")));

    lines.tick(2_007);
    lines.event(&entry("i1/t0/c0", called(Ok("exit 0"))));
    let still = lines.hold_still();
    lines.tick(9_000);
    drop(still);
    let done = Outcome { elapsed_ms: 30_000, ..outcome(Ending::Accepted, "") };
    lines.event(&entry("end", Event::TaskFinished { outcome: Box::new(done) }));
    lines.tick(10_000);

    assert_eq!(
        paper.text(),
        "\r\x1b[K⠋ shell cargo test · 2 s · Ctrl-C stops\r\r\x1b[K\
         [EXEC] shell cargo test · exit 0\n\
         ✓ Done. 1 iteration. 0 files changed. $0.0340.\n"
    );
}
