use openkoi_core::outcome::Pause;
use openkoi_core::{event::Event, ledger::Reservation};
use openkoi_storage::webhooks::DeliveryState;
use openkoi_test_support::receiver::{Attempted, Behaviour, Receiver};

use super::*;
use crate::testing::{HOUR, World, eventually};

fn settings(receiver: &Receiver) -> String {
    format!(
        "[api.webhooks]\non_task_failed = \"{}\"\non_budget_warning = \"{}\"\n[daemon]\nday_usd = 10.0\n",
        receiver.url("/failed"),
        receiver.url("/budget"),
    )
}

/// A home whose failures are told to this receiver.
fn world(receiver: &Receiver) -> World {
    let world = World::with_settings(&settings(receiver));
    webhooks::sync(&world.app(), &super::settings(&world.app()).unwrap()).unwrap();
    world
}

fn start(world: &World) -> tokio::task::JoinHandle<()> {
    tokio::spawn(run(world.app(), world.clock(), world.changed()))
}

fn fault(message: &str) -> Event {
    let cause = Some(Pause::Fault { message: message.to_owned() });
    Event::TaskPaused { reason: message.to_owned(), cause, outcome: None }
}

fn states(world: &World) -> Vec<&'static str> {
    world.storage().deliveries(None, 99).unwrap().iter().map(|one| one.state.word()).collect()
}

async fn attempts(receiver: &Receiver, count: usize) -> Vec<Attempted> {
    eventually(|| receiver.count() >= count).await;
    receiver.attempts(count)
}

#[tokio::test]
async fn an_event_is_told_by_a_signature_that_the_receiver_can_check() {
    let receiver = Receiver::start([]);
    let world = world(&receiver);
    let running = start(&world);

    world.run("a1", "feed the fish", vec![fault("the disk is full")]);
    world.tell();

    let [attempt] = attempts(&receiver, 1).await.try_into().unwrap();
    let settings = super::settings(&world.app()).unwrap();
    let secrets = webhooks::secrets(&world.app(), &settings, &receiver.url("/failed")).unwrap();
    assert!(attempt.is_signed_by(secrets.current.text()));
    assert_eq!((attempt.event().as_str(), attempt.path.as_str()), ("task.failed", "/failed"));
    assert_eq!(attempt.timestamp, world.now_ms() / 1_000);
    assert_eq!(attempt.json()["data"]["error"], "the disk is full");
    eventually(|| states(&world) == ["delivered"]).await;
    running.abort();
    receiver.finish();
}

#[tokio::test]
async fn a_receiver_that_fails_redirects_or_hangs_up_is_tried_again_with_the_same_id() {
    let receiver =
        Receiver::start([Behaviour::Status(500), Behaviour::Redirects, Behaviour::HangsUp]);
    let world = world(&receiver);
    let running = start(&world);
    world.run("a1", "feed the fish", vec![fault("no")]);
    world.tell();

    for tried in 1..=3 {
        attempts(&receiver, tried).await;
        eventually(|| world.storage().deliveries(None, 1).unwrap()[0].attempts == tried as u32)
            .await;
        let next = world.storage().deliveries(None, 1).unwrap()[0].next_ms;
        assert!(next > world.now_ms());
        world.awaits(next).await;
        world.set(next);
    }

    let all = attempts(&receiver, 4).await;
    assert!(all.iter().all(|one| one.id == all[0].id && one.bytes == all[0].bytes));
    eventually(|| states(&world) == ["delivered"]).await;
    running.abort();
    assert_eq!(receiver.finish().len(), 4);
}

#[tokio::test]
async fn one_that_hangs_holds_up_no_other_and_is_tried_until_a_day_is_over() {
    let (hanging, other) = (Receiver::start([Behaviour::Hangs; 40]), Receiver::start([]));
    let world = World::with_settings(&format!(
        "[api.webhooks]\non_task_failed = \"{}\"\non_task_needs_approval = \"{}\"\n",
        hanging.url("/"),
        other.url("/")
    ));
    webhooks::sync(&world.app(), &super::settings(&world.app()).unwrap()).unwrap();
    let running = start(&world);
    for task in 0..20 {
        world.run(&format!("a{task}"), "feed the fish", vec![fault("no")]);
    }
    let question = openkoi_core::deliberation::assessment::UserQuestion {
        text: "which fish?".to_owned(),
        why: String::new(),
        choices: Vec::new(),
        assumed: String::new(),
    };
    let asked = openkoi_storage::questions::Asked::Question(question);
    let task = openkoi_core::id::TaskId::new("a0");
    world.storage().ask("q1", &task, &asked, world.now_ms()).unwrap();
    world.tell();

    let [attempt] = attempts(&other, 1).await.try_into().unwrap();
    assert_eq!(attempt.json()["data"]["question"]["text"], "which fish?");
    assert!(hanging.count() <= 4);
    running.abort();
}

#[tokio::test]
async fn what_was_not_marked_when_the_daemon_died_is_sent_again_with_the_same_id() {
    let receiver = Receiver::start([Behaviour::Hangs]);
    let world = world(&receiver);
    world.run("a1", "feed the fish", vec![fault("no")]);

    let first = start(&world);
    attempts(&receiver, 1).await;
    first.abort();
    let second = start(&world);

    let all = attempts(&receiver, 2).await;
    assert_eq!(all[0].id, all[1].id);
    eventually(|| states(&world) == ["delivered"]).await;
    second.abort();
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_taken_out_is_sent_nothing_more() {
    let receiver = Receiver::start([Behaviour::Status(410); 2]);
    let world = world(&receiver);
    let running = start(&world);
    for task in ["a1", "b2"] {
        world.run(task, "feed the fish", vec![fault("no")]);
    }
    world.tell();
    eventually(|| states(&world) == ["failed", "failed"]).await;
    let told = receiver.count();

    world.configure("");
    world
        .storage()
        .retry_delivery(&world.storage().deliveries(None, 1).unwrap()[0], world.now_ms())
        .unwrap();
    world.tell();

    eventually(|| states(&world) == ["failed", "failed"]).await;
    assert_eq!(receiver.count(), told);
    running.abort();
}

#[tokio::test]
async fn a_secret_that_openkoi_knows_is_not_told() {
    let receiver = Receiver::start([]);
    let world = world(&receiver);
    let settings = super::settings(&world.app()).unwrap();
    let secret = webhooks::secrets(&world.app(), &settings, &receiver.url("/failed")).unwrap();
    let text = format!("say {}", secret.current.text());
    let running = start(&world);

    world.run("a1", &text, vec![fault("no")]);
    world.tell();

    let [attempt] = attempts(&receiver, 1).await.try_into().unwrap();
    assert_eq!(attempt.json()["data"]["description"], "say [redacted]");
    assert!(attempt.is_signed_by(secret.current.text()));
    running.abort();
}

#[tokio::test]
async fn the_budget_of_a_day_is_told_of_at_most_of_it_and_at_all_of_it_once() {
    let receiver = Receiver::start([]);
    let world = world(&receiver);
    let running = start(&world);
    let spend = |task: &str, dollars: u64| {
        let reserved = Reservation { tokens: 1, cost_micros: dollars * 1_000_000, at_most: false };
        world.run(task, "feed the fish", vec![Event::TurnLost { reserved }]);
        world.tell();
    };

    spend("a1", 7);
    spend("a2", 1);
    let [first] = attempts(&receiver, 1).await.try_into().unwrap();
    assert_eq!(first.json()["data"]["percentage_used"], 80);
    spend("a3", 1);
    spend("a4", 2);

    let all = attempts(&receiver, 2).await;
    assert_eq!(all[1].json()["data"]["threshold"], 100);
    assert_eq!(all[1].json()["data"]["current_cost"], 11.0);
    spend("a5", 1);
    world.set(world.now_ms() + HOUR);
    eventually(|| {
        world
            .storage()
            .deliveries(None, 9)
            .unwrap()
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    })
    .await;
    running.abort();
    assert_eq!(receiver.finish().len(), 2);
}
