use std::{
    collections::BTreeMap,
    future::{self, Future},
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use super::*;
use crate::{
    decision::TrialEnd,
    event::Entry,
    id::TaskId,
    message::Role,
    port::{Clock, Delta, Journal, JournalError, Listener, Pending},
    recorder::Mode,
    trust::TrustLevel,
};

/// A person who may be away, may think for ever, and may press Ctrl-C; and the rest of a run's surroundings.
#[derive(Default)]
struct Desk {
    answer: Mutex<Option<Answer>>,
    thinks: AtomicBool,
    /// How many questions were put.
    asked: AtomicU64,
    cancelled: AtomicBool,
    now_ms: AtomicU64,
    entries: Mutex<Vec<Entry>>,
}

impl Approver for Desk {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(poll_fn(|_| {
            // A minute goes by each time that somebody looks.
            self.now_ms.fetch_add(60_000, Ordering::Relaxed);
            if self.thinks.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
            Poll::Ready(*lock(&self.answer))
        }))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Cancellation for Desk {
    fn cancelled(&self) -> Pending<'static, ()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Box::pin(future::ready(()));
        }
        Box::pin(future::pending())
    }
}

impl Clock for Desk {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn monotonic_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn sleep(&self, _: Duration) -> Pending<'static, ()> {
        Box::pin(future::ready(()))
    }
}

impl Journal for Desk {
    fn append(&self, _: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
        lock(&self.entries).extend_from_slice(entries);
        Ok(())
    }

    fn load(&self, _: &TaskId) -> Result<Vec<Entry>, JournalError> {
        Ok(lock(&self.entries).clone())
    }
}

impl Listener for Desk {
    fn event(&self, _: &Entry) {}

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

fn gate(desk: &Arc<Desk>) -> Gate {
    gate_with(desk, TrustLevel::Ask, None)
}

/// A gate of a run whose journal is what the desk holds.
fn gate_with(desk: &Arc<Desk>, fallback: TrustLevel, doubt: Option<PlaceDoubt>) -> Gate {
    gate_of(
        desk,
        Policy { trust: Trust { fallback, ..Trust::default() }, doubt, ..Policy::default() },
    )
}

/// A gate with a policy of its own, for the workspace and the session of all.
fn gate_of(desk: &Arc<Desk>, policy: Policy) -> Gate {
    let entries = lock(&desk.entries).clone();
    let recorder = Recorder::new(
        TaskId::new("t"),
        Mode::Live,
        entries,
        desk.clone(),
        desk.clone(),
        desk.clone(),
    );
    let (workspace, session) = ("/pond".to_owned(), "s1".to_owned());
    let policy = Policy { workspace, session, ..policy };
    Gate::new(policy, desk.clone(), Arc::new(recorder), desk.clone())
}

/// Returns what a future comes to that waits for nobody; nothing if it waits.
fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn shell() -> Tool {
    Tool {
        name: "shell".to_owned(),
        description: String::new(),
        parameters: serde_json::json!({}).into(),
        effect: Effect::Execute,
        idempotent: false,
        domain: "shell".to_owned(),
        target: Some("/command".to_owned()),
        origin: "shell".to_owned(),
        deadline_ms: 1,
    }
}

fn call(command: &str) -> ToolCall {
    let arguments = serde_json::json!({ "command": command }).to_string();
    ToolCall { id: "c".to_owned(), name: "shell".to_owned(), arguments }
}

fn ask(gate: &Gate, key: &str, command: &str) -> Option<Result<(), Refusal>> {
    now(gate.pass_call(key, &shell(), &call(command), false))
}

#[test]
fn where_nobody_is_the_model_is_told_and_every_question_is_kept_under_its_key() {
    let desk = Arc::new(Desk::default());
    let gate = gate(&desk);

    let answers = [("k1", "ls"), ("k2", "rm x")].map(|(key, line)| ask(&gate, key, line));

    for answer in answers {
        let Some(Err(Refusal::Denied(failure))) = answer else { panic!("{answer:?}") };
        assert!(failure.to_string().contains("nobody is there to allow it"), "{failure}");
    }
    let kept: Vec<(String, String)> =
        gate.unanswered().into_iter().map(|one| (one.key, one.request.target)).collect();
    assert_eq!(kept, [("k1".into(), "ls".into()), ("k2".into(), "rm x".into())]);
    assert_eq!(lock(&desk.entries).len(), 2, "each refusal is in the journal");
}

/// Returns a gate at the level that suggests, with a call on trial under the key `k`.
fn trial(desk: &Arc<Desk>) -> Gate {
    let gate = gate_with(desk, TrustLevel::Suggest, None);
    assert_eq!(now(gate.pass_call("k", &shell(), &call("make"), true)), Some(Ok(())));
    let started = Event::CallStarted {
        call: call("make"),
        effect: Effect::Execute,
        origin: "shell".to_owned(),
        idempotent: false,
        target: "make".to_owned(),
    };
    gate.recorder().record("k", started).expect("the desk takes everything");
    gate
}

fn changes(gate: &Gate, shown: &str) -> Option<Result<TrialEnd, Refusal>> {
    now(gate.pass_changes("k", shown.to_owned()))
}

#[test]
fn a_command_is_tried_where_it_is_held_apart_and_its_level_suggests() {
    let desk = Arc::new(Desk::default());
    for (level, apart, passes, is_tried) in [
        (TrustLevel::Ask, true, false, false),
        (TrustLevel::Suggest, false, false, false),
        (TrustLevel::Suggest, true, true, true),
        (TrustLevel::Act, true, true, false),
    ] {
        let key = format!("{level}/{apart}");
        let gate = gate_with(&desk, level, None);
        let passed = now(gate.pass_call(&key, &shell(), &call("make"), apart));
        assert_eq!(passed.is_some_and(|passed| passed.is_ok()), passes, "{key}");
        assert_eq!(gate.is_on_trial(&key), is_tried, "{key}");
    }
}

#[test]
fn an_answer_about_changes_is_for_those_and_survives_a_kill() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    assert_eq!(changes(&trial(&desk), "adds a"), Some(Ok(TrialEnd::Kept)));

    *lock(&desk.answer) = None;
    let resumed = gate_with(&desk, TrustLevel::Suggest, None);
    assert!(resumed.is_on_trial("k"), "what it was is known from the journal");
    assert_eq!(changes(&resumed, "adds a"), Some(Ok(TrialEnd::Kept)));
    let Some(Ok(TrialEnd::Dropped(why))) = changes(&resumed, "adds b") else {
        panic!("another one")
    };
    assert!(why.contains("nobody is there"), "{why}");
    let left = resumed.unanswered();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].request.shown, "adds b");
    assert_eq!(left[0].request.rule.target, "make", "a rule is about the command");
}

#[test]
fn a_later_yes_is_for_a_command_that_changes_the_same() {
    let desk = Arc::new(Desk::default());
    let gate = trial(&desk);
    assert!(matches!(changes(&gate, "adds a"), Some(Ok(TrialEnd::Dropped(_)))));
    let left = gate.unanswered().remove(0).request;

    *lock(&desk.answer) = Some(Answer::AllowOnce);
    assert_eq!(now(gate.pass_later("q", &left)), Some(Ok(())));

    *lock(&desk.answer) = None;
    assert!(matches!(changes(&gate, "adds b"), Some(Ok(TrialEnd::Dropped(_)))));
    assert_eq!(changes(&gate, "adds a"), Some(Ok(TrialEnd::Kept)));
}

#[test]
fn what_a_layer_does_not_hold_is_asked_for_first_and_once() {
    let desk = Arc::new(Desk::default());
    let gate = trial(&desk);
    let Some(Err(Refusal::Denied(failure))) = now(gate.pass_first("k")) else { panic!() };
    assert!(failure.to_string().contains("nobody is there to allow it"), "{failure}");
    assert!(gate.is_on_trial("k"), "a no ends no trial: what ran before it is still to be shown");

    let desk = Arc::new(Desk::default());
    let gate = trial(&desk);
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    assert_eq!(now(gate.pass_first("k")), Some(Ok(())));
    *lock(&desk.answer) = None;
    assert_eq!(now(gate.pass_first("k")), Some(Ok(())));
    assert!(!gate.is_on_trial("k"), "the answer is for all of the call");
}

#[test]
fn a_refusal_for_want_of_a_person_is_recalled() {
    let desk = Arc::new(Desk::default());
    let gate = gate(&desk);
    ask(&gate, "k1", "ls");
    *lock(&desk.answer) = Some(Answer::AllowOnce);

    assert!(matches!(ask(&gate, "k1", "ls"), Some(Err(Refusal::Denied(_)))));
}

#[test]
fn a_question_of_the_loop_waits_for_a_person() {
    let desk = Arc::new(Desk::default());
    let action = LoopAction {
        name: "accept",
        effect: Effect::Send,
        domain: "control",
        target: "AGENTS.md".to_owned(),
        shown: "+obey\n".to_owned(),
    };

    let answer = now(gate(&desk).pass_loop("i1/control", action));

    let Some(Err(Refusal::NeedsApproval(request))) = answer else { panic!("{answer:?}") };
    assert_eq!(request.shown, "+obey\n");
    assert!(request.rule.target.starts_with("AGENTS.md (difference "), "{:?}", request.rule);
}

#[test]
fn a_cancellation_is_heard_while_a_question_stands() {
    let desk = Arc::new(Desk::default());
    desk.thinks.store(true, Ordering::Relaxed);
    let gate = gate(&desk);
    assert_eq!(ask(&gate, "k1", "ls"), None, "the person thinks");

    desk.cancelled.store(true, Ordering::Relaxed);

    assert_eq!(ask(&gate, "k2", "ls"), Some(Err(Refusal::Cancelled)));
    assert_eq!(gate.unanswered(), [], "it is asked again when the run is resumed");
    assert!(lock(&desk.entries).is_empty());
}

/// Begins to ask the same at once in several places while the person thinks, and returns what comes of it once they have
/// answered.
fn at_once<'a, T>(
    desk: &Desk,
    answer: Answer,
    works: impl IntoIterator<Item = Pending<'a, T>>,
) -> Vec<T> {
    let mut works: Vec<_> = works.into_iter().collect();
    let mut context = Context::from_waker(Waker::noop());
    desk.thinks.store(true, Ordering::Relaxed);
    for work in &mut works {
        assert!(work.as_mut().poll(&mut context).is_pending(), "it waits for the person");
    }
    assert_eq!(desk.asked.load(Ordering::Relaxed), 1, "one question stands at a time");
    *lock(&desk.answer) = Some(answer);
    desk.thinks.store(false, Ordering::Relaxed);
    let mut done = Vec::new();
    for mut work in works {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(one) => done.push(one),
            Poll::Pending => panic!("it waits although it was answered"),
        }
    }
    done
}

fn host() -> HostQuestion {
    HostQuestion::about("crates.io", 443)
}

#[test]
fn a_host_that_is_wanted_many_times_at_once_is_one_question() {
    for (answer, allowed) in [(Answer::AllowOnce, true), (Answer::RejectOnce, false)] {
        let desk = Arc::new(Desk::default());
        let gate = gate(&desk);
        let question = host();

        let works = ["k1", "k2", "k3"]
            .map(|key| -> Pending<'_, _> { Box::pin(gate.pass_host(key, "shell", &question)) });
        let passed = at_once(&desk, answer, works);

        assert!(passed.iter().all(|one| one.is_ok() == allowed), "{passed:?}");
        assert_eq!(desk.asked.load(Ordering::Relaxed), 1, "{answer:?}");
    }
}

#[test]
fn the_same_call_at_once_is_one_question_after_a_no_and_one_each_after_a_yes_for_once() {
    for (answer, asked) in [
        (Answer::RejectOnce, 1),
        (Answer::RejectAlways, 1),
        (Answer::AllowAlways, 1),
        (Answer::AllowSession, 1),
        (Answer::AllowOnce, 3),
    ] {
        let desk = Arc::new(Desk::default());
        let (gate, shell, call) = (gate(&desk), shell(), call("git push"));

        let works = ["k1", "k2", "k3"]
            .map(|key| -> Pending<'_, _> { Box::pin(gate.pass_call(key, &shell, &call, false)) });
        let passed = at_once(&desk, answer, works);

        assert!(passed.iter().all(|one| one.is_ok() == answer.allows()), "{passed:?}");
        assert_eq!(desk.asked.load(Ordering::Relaxed), asked, "{answer:?}");
    }
}

#[test]
fn who_waits_for_another_question_hears_a_cancellation() {
    let desk = Arc::new(Desk::default());
    desk.thinks.store(true, Ordering::Relaxed);
    let (gate, shell, call) = (gate(&desk), shell(), call("git push"));
    let mut first = Box::pin(gate.pass_call("k1", &shell, &call, false));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    desk.cancelled.store(true, Ordering::Relaxed);
    assert_eq!(ask(&gate, "k2", "ls"), Some(Err(Refusal::Cancelled)));

    desk.cancelled.store(false, Ordering::Relaxed);
    desk.thinks.store(false, Ordering::Relaxed);
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    drop(first);
    assert_eq!(ask(&gate, "k3", "ls"), Some(Ok(())), "a question that was given up keeps no turn");
}

#[test]
fn what_was_answered_before_an_interruption_is_not_asked_again() {
    let desk = Arc::new(Desk::default());
    let before = gate(&desk);
    *lock(&desk.answer) = Some(Answer::RejectOnce);
    assert!(matches!(ask(&before, "k1", "git push"), Some(Err(Refusal::Denied(_)))));
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    assert_eq!(now(before.pass_host("k2", "shell", &host())), Some(Ok(())));
    assert_eq!(ask(&before, "k3", "make"), Some(Ok(())));
    assert_eq!(desk.asked.load(Ordering::Relaxed), 3);

    let resumed = gate(&desk);

    let again = ask(&resumed, "k4", "git push");
    let Some(Err(Refusal::Denied(failure))) = again else { panic!("{again:?}") };
    assert!(failure.to_string().contains("you said no to this already"), "{failure}");
    assert_eq!(now(resumed.pass_host("k5", "shell", &host())), Some(Ok(())));
    assert_eq!(desk.asked.load(Ordering::Relaxed), 3, "neither was put");
    assert_eq!(ask(&resumed, "k6", "make"), Some(Ok(())));
    assert_eq!(desk.asked.load(Ordering::Relaxed), 4, "a yes for once was for once");
}

#[test]
fn questions_that_several_calls_left_are_put_once() {
    let desk = Arc::new(Desk::default());
    for (shown, answer) in
        [("", Answer::AllowOnce), ("+x\n", Answer::AllowOnce), ("", Answer::RejectOnce)]
    {
        let gate = gate(&desk);
        let action = GatedAction {
            origin: "shell",
            name: "shell",
            effect: Effect::Execute,
            domain: "shell",
            target: "make".to_owned(),
            details: "{}".to_owned(),
            shown: shown.to_owned(),
            is_command: true,
        };
        let left = gate.request(&action);
        *lock(&desk.answer) = Some(answer);
        let before = desk.asked.load(Ordering::Relaxed);

        for key in [0, 1, 2].map(|index| format!("{shown}{answer:?}{index}")) {
            let passed = now(gate.pass_later(&key, &left)).unwrap();
            assert_eq!(passed.is_ok(), answer.allows(), "{passed:?}");
        }

        assert_eq!(desk.asked.load(Ordering::Relaxed), before + 1, "{shown:?} {answer:?}");
        lock(&desk.entries).clear();
    }
}

#[test]
fn the_runs_clock_stands_still_while_a_person_thinks() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    let gate = gate(&desk);

    assert_eq!(ask(&gate, "k1", "ls"), Some(Ok(())));

    assert!(desk.now_ms() >= 60_000);
    assert_eq!(gate.recorder().elapsed_ms(), 0);
}

#[test]
fn a_yes_to_commands_that_begin_alike_holds_for_them_and_no_others() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowAlike);
    let gate = gate(&desk);
    assert_eq!(ask(&gate, "k1", "git push origin"), Some(Ok(())));
    *lock(&desk.answer) = None;

    assert_eq!(ask(&gate, "k2", "git  push --tags"), Some(Ok(())));
    for (key, line) in [("k3", "git pull"), ("k4", "git push; rm x"), ("k5", "git push > x")] {
        assert!(matches!(ask(&gate, key, line), Some(Err(Refusal::Denied(_)))), "{line}");
    }
}

#[test]
fn a_no_for_always_holds_wherever_the_command_stands_in_a_line() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::RejectAlways);
    let gate = gate(&desk);
    ask(&gate, "k1", "rm x");
    *lock(&desk.answer) = Some(Answer::AllowOnce);

    assert!(matches!(ask(&gate, "k2", "cd y &&  rm   x"), Some(Err(Refusal::Denied(_)))));
    assert_eq!(ask(&gate, "k3", "rm y"), Some(Ok(())));
}

#[test]
fn a_yes_for_the_session_leaves_a_rule_that_is_tied_to_it() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowSession);
    let gate = gate(&desk);

    assert_eq!(ask(&gate, "k1", "ls"), Some(Ok(())));
    *lock(&desk.answer) = None;

    assert_eq!(ask(&gate, "k2", "ls"), Some(Ok(())), "the same again");
    assert_eq!(lock(&gate.rules)[0].session.as_deref(), Some("s1"));
}

/// A gate that asks for nothing but the place, in a workspace that is in doubt.
fn doubtful(desk: &Arc<Desk>) -> Gate {
    let (action, instead) = ("work in the whole pond".to_owned(), "name a corner".to_owned());
    gate_with(desk, TrustLevel::Autonomous, Some(PlaceDoubt { action, instead }))
}

#[test]
fn a_place_in_doubt_is_asked_about_once_whatever_the_trust_and_looking_needs_no_answer() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    let gate = doubtful(&desk);

    let read = Tool { effect: Effect::Read, ..shell() };
    assert_eq!(now(gate.pass_call("k0", &read, &call("ls"), true)), Some(Ok(())));
    assert_eq!(desk.now_ms.load(Ordering::Relaxed), 0, "nobody was asked");
    assert_eq!(ask(&gate, "k1", "rm x"), Some(Ok(())));
    *lock(&desk.answer) = None;
    assert_eq!(ask(&gate, "k2", "rm y"), Some(Ok(())), "the answer holds for the run");
    assert_eq!(ask(&doubtful(&desk), "k3", "rm z"), Some(Ok(())), "and when it is resumed");
}

#[test]
fn where_nobody_is_there_is_no_work_in_a_place_in_doubt_and_the_way_out_is_named() {
    let desk = Arc::new(Desk::default());
    let gate = doubtful(&desk);

    let answer = ask(&gate, "k1", "rm x");

    let Some(Err(Refusal::Denied(failure))) = answer else { panic!("{answer:?}") };
    assert!(failure.to_string().contains("work in the whole pond"), "{failure}");
    let left = gate.unanswered();
    assert_eq!((left.len(), left[0].key.as_str()), (1, "k1"));
    assert!(left[0].request.details.contains("name a corner"), "{left:?}");
    // Trust is no answer when the run is resumed; a person is, and so is the name of the directory.
    let request = &left[0].request;
    let later = now(doubtful(&desk).pass_later("q0", request));
    assert!(matches!(later, Some(Err(Refusal::NeedsApproval(_)))), "{later:?}");
    let named = gate_with(&desk, TrustLevel::Autonomous, None);
    assert_eq!(now(named.pass_later("q0", request)), Some(Ok(())));
}

#[test]
fn a_no_to_a_place_in_doubt_is_one_for_the_whole_run() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::RejectOnce);
    let gate = doubtful(&desk);

    assert!(matches!(ask(&gate, "k1", "rm x"), Some(Err(Refusal::Denied(_)))));
    *lock(&desk.answer) = Some(Answer::AllowOnce);
    assert!(matches!(ask(&gate, "k2", "rm y"), Some(Err(Refusal::Denied(_)))));
}

#[test]
fn always_for_a_place_in_doubt_is_a_rule_of_this_workspace() {
    let desk = Arc::new(Desk::default());
    *lock(&desk.answer) = Some(Answer::AllowAlways);
    let gate = doubtful(&desk);
    assert_eq!(ask(&gate, "k1", "rm x"), Some(Ok(())));

    let rules = lock(&gate.rules).clone();

    assert_eq!(rules.len(), 1);
    let rule = &rules[0];
    assert_eq!((rule.action.as_str(), rule.target.as_str()), ("work in the whole pond", "/pond"));
    assert_eq!(rule.workspace.as_deref(), Some("/pond"));
}

fn mail() -> Tool {
    Tool {
        name: "send_mail".to_owned(),
        effect: Effect::Send,
        domain: "mail".to_owned(),
        target: Some("/to".to_owned()),
        origin: "mail".to_owned(),
        ..shell()
    }
}

/// Sends a letter, and returns whether that is let through.
fn sends(gate: &Gate, key: &str, to: &str) -> bool {
    let arguments = serde_json::json!({ "to": to }).to_string();
    let call = ToolCall { id: "c".to_owned(), name: "send_mail".to_owned(), arguments };
    now(gate.pass_call(key, &mail(), &call, false)).unwrap().is_ok()
}

/// Everything is trusted, and the grant of mail names one letter.
fn autonomous() -> Policy {
    let named = BTreeMap::from([("mail".to_owned(), vec!["send_mail=anna@*".parse().unwrap()])]);
    let trust = Trust { fallback: TrustLevel::Autonomous, named, ..Trust::default() };
    Policy { trust, ..Policy::default() }
}

#[test]
fn a_run_that_has_read_what_others_wrote_sends_nothing_unasked_that_no_grant_names() {
    let desk = Arc::new(Desk::default());
    let gate = gate_of(&desk, autonomous());
    assert!(sends(&gate, "k1", "bob@pond"), "nothing was read yet");

    now(gate.pass_host("k2", "shell", &host())).unwrap().unwrap();

    assert!(!sends(&gate, "k3", "bob@pond"));
    assert!(sends(&gate, "k4", "anna@pond"), "its grant names it");
    let left = gate.unanswered();
    let [one] = left.as_slice() else { panic!("{left:?}") };
    assert!(one.request.why.contains("crates.io"), "{}", one.request.why);
    // What was reached goes on being reached, and changes of files need no answer.
    now(gate.pass_host("k5", "shell", &host())).unwrap().unwrap();
    assert!(ask(&gate, "k6", "make").unwrap().is_ok());
    let other = HostQuestion::about("npmjs.org", 443);
    now(gate.pass_host("k7", "shell", &other)).unwrap().unwrap_err();
}

#[test]
fn what_a_run_has_read_is_known_when_it_goes_on_and_to_the_next_of_its_conversation() {
    let desk = Arc::new(Desk::default());
    now(gate_of(&desk, autonomous()).pass_host("k1", "shell", &host())).unwrap().unwrap();

    let resumed = gate_of(&desk, autonomous());
    assert!(!sends(&resumed, "k2", "bob@pond"));

    let next = Arc::new(Desk::default());
    let after = gate_of(&next, Policy { read: Some("a page".to_owned()), ..autonomous() });
    assert!(!sends(&after, "k1", "bob@pond"));
    assert!(after.unanswered()[0].request.why.contains("a page"));
}

#[test]
fn a_grant_that_ends_while_a_run_goes_on_ends_for_it_too() {
    let desk = Arc::new(Desk::default());
    let mut policy = autonomous();
    policy.trust.until_ms.insert("mail".to_owned(), (5_000, TrustLevel::Act));
    let gate = gate_of(&desk, policy);
    assert!(sends(&gate, "k1", "bob@pond"));

    desk.now_ms.store(5_000, Ordering::Relaxed);

    assert!(!sends(&gate, "k2", "bob@pond"));
}

#[test]
fn a_file_from_elsewhere_is_what_others_may_have_written_and_stays_so_when_a_run_goes_on() {
    let reads = |gate: &Gate, key: &str, path: &str| {
        let tool = Tool {
            name: "read_file".to_owned(),
            effect: Effect::Read,
            domain: "files".to_owned(),
            target: Some("/path".to_owned()),
            ..shell()
        };
        let arguments = serde_json::json!({ "path": path }).to_string();
        let call = ToolCall { id: "c".to_owned(), name: "read_file".to_owned(), arguments };
        now(gate.pass_call(key, &tool, &call, false)).unwrap().unwrap();
    };
    let desk = Arc::new(Desk::default());
    let gate = gate_of(&desk, autonomous());
    reads(&gate, "k1", "/pond/own.txt");
    assert!(sends(&gate, "k2", "bob@pond"));
    reads(&gate, "k3", "/home/me/Downloads/other.txt");
    assert!(!sends(&gate, "k4", "bob@pond"));

    let resumed = gate_of(&desk, autonomous());
    reads(&resumed, "k3", "/home/me/Downloads/other.txt");
    assert!(!sends(&resumed, "k5", "bob@pond"));
}
