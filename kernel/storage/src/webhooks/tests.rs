use openkoi_core::{
    approval::{ApprovalRequest, Rule},
    evidence::Standing,
    id::SessionId,
    ledger::Reservation,
    message::Usage,
    port::Journal,
    queue::{Queue, Submission},
    task::{Task, TaskSettings},
    tool::Effect,
};

use super::*;

const COMPLETE: &str = "https://hooks.test/complete";
const FAILED: &str = "https://hooks.test/failed";

struct World {
    _home: tempfile::TempDir,
    storage: Storage,
}

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let storage = Storage::open(home.path()).unwrap();
    let wanted = [
        (WebhookEvent::TaskComplete, COMPLETE.to_owned()),
        (WebhookEvent::TaskFailed, FAILED.to_owned()),
        (WebhookEvent::TaskNeedsApproval, FAILED.to_owned()),
    ];
    storage.set_webhooks(&wanted, 1).unwrap();
    World { _home: home, storage }
}

fn entry(seq: u64, event: Event) -> Entry {
    Entry { seq, key: format!("k{seq}"), at_ms: 1_000 + seq, elapsed_ms: seq, event }
}

fn begun(id: &str) -> Event {
    let task = Task {
        id: TaskId::new(id),
        session: SessionId::new("s1"),
        text: "feed the fish".to_owned(),
        workspace: "/pond".to_owned(),
        history: Vec::new(),
        settings: TaskSettings::STANDARD,
        result_schema: None,
        attachments: Vec::new(),
        earlier: Vec::new(),
    };
    Event::TaskStarted {
        task: Box::new(task),
        models: Vec::new(),
        overview: String::new(),
        instructions: String::new(),
        notes: Vec::new(),
        skills: Vec::new(),
        tools: Vec::new(),
        evaluators: Vec::new(),
        rules: 0,
    }
}

fn outcome(ending: Ending, because: &str) -> Box<Outcome> {
    Box::new(Outcome {
        ending,
        text: "They are fed.".to_owned(),
        iterations: 2,
        best_iteration: 2,
        standing: Standing { score: Some(0.9), ..Standing::default() },
        claims: Vec::new(),
        differences: Vec::new(),
        changes: Vec::new(),
        taken_back: Vec::new(),
        conflicts: Vec::new(),
        beside: Vec::new(),
        uncovered: Vec::new(),
        because: because.to_owned(),
        turns: 3,
        usage: Usage::default(),
        spent: Reservation { tokens: 1_200, cost_micros: 34_000, at_most: false },
        elapsed_ms: 5_000,
        scores: Vec::new(),
        repairs: Vec::new(),
    })
}

impl World {
    /// Runs a task that ends by this event.
    fn run(&self, task: &str, last: Event) {
        let task = TaskId::new(task);
        let _lease = self.storage.claim_task(&task).unwrap();
        self.storage.append(&task, &[entry(1, begun(task.as_str()))]).unwrap();
        self.storage.append(&task, &[entry(2, last)]).unwrap();
    }

    fn waiting(&self) -> Vec<(WebhookEvent, String, Value)> {
        let waiting = self.storage.next_deliveries().unwrap().into_iter();
        waiting.map(|one| (one.event, one.url, serde_json::from_str(&one.body).unwrap())).collect()
    }

    fn attempt(&self, status: u16, fate: Fate, at_ms: u64) -> Delivery {
        let next = self.storage.next_deliveries().unwrap().remove(0);
        let attempt = Attempt { at_ms, status: Some(status), why: Some("no".to_owned()), fate };
        self.storage.attempted(&next, &attempt).unwrap();
        self.storage.delivery(&next.id).unwrap()
    }
}

fn accepted() -> Event {
    Event::TaskFinished { outcome: outcome(Ending::Accepted, "") }
}

fn paused(cause: Pause, reason: &str) -> Event {
    Event::TaskPaused { reason: reason.to_owned(), cause: Some(cause), outcome: None }
}

fn question() -> ApprovalRequest {
    let rule = Rule {
        allow: true,
        origin: "shell".to_owned(),
        action: "shell".to_owned(),
        target: "rm -r pond".to_owned(),
        prefix: false,
        workspace: None,
        session: None,
    };
    ApprovalRequest {
        origin: "shell".to_owned(),
        action: "shell".to_owned(),
        effect: Effect::Execute,
        domain: "shell".to_owned(),
        target: "rm -r pond".to_owned(),
        details: "{}".to_owned(),
        shown: String::new(),
        why: String::new(),
        hash: String::new(),
        rule,
        alike: None,
    }
}

#[test]
fn the_end_of_a_task_is_told_with_what_became_of_it() {
    let world = world();

    world.run("a1", accepted());
    world.run("b2", Event::TaskFinished { outcome: outcome(Ending::Exhausted, "a test is red") });
    let fault = Pause::Fault { message: "the disk is full".to_owned() };
    world.run("c3", paused(fault, "the disk is full"));

    let told = world.waiting();
    let events: Vec<_> = told.iter().map(|(event, url, _)| (event.word(), url.as_str())).collect();
    assert_eq!(
        events,
        [("task.complete", COMPLETE), ("task.failed", FAILED), ("task.failed", FAILED)]
    );
    assert_eq!(
        told[0].2,
        json!({
            "type": "task.complete",
            "timestamp": "1970-01-01T00:00:01.002Z",
            "data": {
                "task_id": "a1", "session_id": "s1", "description": "feed the fish", "workspace": "/pond",
                "model": "", "iterations": 2, "final_score": 0.9, "cost_usd": 0.034, "total_tokens": 1_200,
                "status": "accepted", "files_changed": 0, "duration_ms": 5_000,
            },
        })
    );
    assert_eq!(told[1].2["data"]["error"], "a test is red");
    assert_eq!(told[2].2["data"]["error"], "the disk is full");
}

#[test]
fn a_question_is_told_once_and_is_no_failure() {
    let world = world();

    let question = Pause::Question { request: Box::new(question()) };
    world.run("a1", paused(question, "it waits"));

    let told = world.waiting();
    let [(event, _, body)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(event.word(), "task.needs_approval");
    assert_eq!(body["data"]["question"]["text"], "shell rm -r pond");
}

#[test]
fn a_task_of_the_queue_that_cannot_be_run_fails_and_one_that_the_daemon_interrupts_does_not() {
    let world = world();
    let submission = |task: &str| Submission {
        task: TaskId::new(task),
        session: SessionId::new("s1"),
        text: "feed the fish".to_owned(),
        workspace: "/pond".to_owned(),
        request: "{}".to_owned(),
        priority: 0,
        key: None,
    };
    let storage = &world.storage;
    for task in ["a1", "b2", "c3"] {
        storage.submit(&submission(task), 5).unwrap();
        storage.give(&TaskId::new(task), 6).unwrap();
    }

    storage.finish(&TaskId::new("a1"), Some("there is no model"), 9).unwrap();
    world.run("b2", paused(Pause::Cancelled, "cancelled"));
    storage.cancel(&TaskId::new("c3"), 9).unwrap();
    world.run("c3", paused(Pause::Cancelled, "cancelled"));
    storage.finish(&TaskId::new("c3"), Some("cancelled"), 10).unwrap();

    let told: Vec<_> = world
        .waiting()
        .into_iter()
        .map(|(_, _, body)| (body["data"]["task_id"].clone(), body["data"]["error"].clone()))
        .collect();
    assert_eq!(
        told,
        [(json!("a1"), json!("there is no model")), (json!("c3"), json!("cancelled"))]
    );
}

#[test]
fn nobody_is_told_what_nobody_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let world = World { storage: Storage::open(home.path()).unwrap(), _home: home };

    world.run("a1", accepted());
    world.storage.tell(WebhookEvent::BudgetWarning, "k", 5, &json!({})).unwrap();

    assert_eq!(world.storage.deliveries(None, 9).unwrap(), []);
}

#[test]
fn deliveries_of_a_task_keep_their_order_and_others_do_not_wait_for_them() {
    let world = world();
    let question = Pause::Question { request: Box::new(question()) };
    world.run("a1", paused(question, "it waits"));
    let task = TaskId::new("a1");
    let lease = world.storage.claim_task(&task).unwrap();
    let failed = Event::TaskFinished { outcome: outcome(Ending::Exhausted, "a test is red") };
    world.storage.append(&task, &[entry(3, failed)]).unwrap();
    drop(lease);
    world.run("b2", accepted());
    let words = || world.waiting().into_iter().map(|(event, ..)| event.word()).collect::<Vec<_>>();

    assert_eq!(words(), ["task.needs_approval", "task.complete"]);
    world.attempt(500, Fate::Again(90_000), 5_000);
    assert_eq!(words(), ["task.complete", "task.needs_approval"]);
    world.attempt(200, Fate::Delivered, 6_000);
    let given_up = world.attempt(500, Fate::GivenUp, 90_000_000);
    assert_eq!((given_up.attempts, given_up.state), (2, DeliveryState::Failed));
    assert_eq!(words(), ["task.failed"]);
}

#[test]
fn a_receiver_that_is_gone_gets_nothing_until_something_is_tried_again() {
    let world = world();
    world.run("a1", accepted());
    world.run("b2", accepted());

    let gone = world.attempt(410, Fate::Closed, 5_000);

    assert_eq!(world.waiting(), []);
    world.run("c3", accepted());
    assert_eq!(world.waiting(), []);
    assert!(world.storage.webhooks().unwrap()[0].closed_ms.is_some());
    assert!(world.storage.retry_delivery(&gone, 6_000).unwrap());
    assert!(!world.storage.retry_delivery(&gone, 6_000).unwrap());
    assert_eq!(world.waiting().len(), 1);
    assert!(world.storage.webhooks().unwrap()[0].closed_ms.is_none());
}

#[test]
fn what_waits_for_an_address_that_was_taken_out_is_given_up() {
    let world = world();
    world.run("a1", accepted());

    let moved = [(WebhookEvent::TaskComplete, "https://other.test/".to_owned())];
    world.storage.set_webhooks(&moved, 9_000).unwrap();

    assert_eq!(world.waiting(), []);
    world.run("b2", accepted());
    assert_eq!(world.waiting()[0].1, "https://other.test/");
}

#[test]
fn one_key_is_told_once_and_what_is_over_goes_after_a_month() {
    let world = world();
    let warn = [(WebhookEvent::BudgetWarning, COMPLETE.to_owned())];
    world.storage.set_webhooks(&warn, 1).unwrap();
    let tell = |key, at_ms| {
        world.storage.tell(WebhookEvent::BudgetWarning, key, at_ms, &json!({ "p": 80 })).unwrap();
    };

    tell("2026-11-30-80", 5);
    tell("2026-11-30-80", 6);
    assert_eq!(world.storage.deliveries(None, 9).unwrap().len(), 1);
    world.attempt(204, Fate::Delivered, 10);
    tell("2026-12-31-80", 31 * 86_400_000);
    world.attempt(204, Fate::Delivered, 31 * 86_400_000);

    assert_eq!(world.storage.deliveries(None, 9).unwrap().len(), 1);
}
