//! Retries, in virtual time (security.md, H149-H153).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use openkoi_brokers::egress::{EgressErrorKind, Phase};
use openkoi_core::{
    credential::SecretSource,
    message::{Part, Reasoning, Role},
    model::{ModelError, ModelTrouble},
    port::{Delta, Model},
};
use openkoi_host::kinds::provider::{CatalogModels, ModelSettings, ProviderSettings, Route};
use openkoi_testing::Canned;
use serde_json::Value;
use tokio::time::Instant;

use crate::providers::{ask, prompt, world};

fn good() -> Canned {
    Canned::ok("text b\nend\n")
}

#[tokio::test(start_paused = true)]
async fn temporary_problems_are_retried_after_doubling_waits() {
    let mut world = world();
    world
        .answer(Canned::status(429))
        .answer(Canned::status(529))
        .answer(Canned::refused(EgressErrorKind::Connect))
        .answer(Canned::refused(EgressErrorKind::Timeout { phase: Phase::FirstByte }))
        .answer(good());
    let begun = Instant::now();

    let turn = ask(&mut world, "hi").await.expect("it answers at last");

    assert_eq!(turn.text(), "b");
    assert_eq!(begun.elapsed().as_secs(), 2 + 4 + 8 + 16);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_repeatable_is_sent_again_only_if_it_did_not_arrive() {
    let broken = EgressErrorKind::Timeout { phase: Phase::FirstByte };
    for (first, again) in [
        (Canned::refused(EgressErrorKind::Connect), true),
        (Canned::status(429), true),
        (Canned::refused(broken), false),
        (Canned::status(529), false),
        (Canned::ok("usage 10 2\n").broken(), false),
    ] {
        let mut world = world();
        world.answer(first.clone()).answer(good());

        let turn = ask(&mut world, "once more").await;

        assert_eq!(turn.is_ok(), again, "{first:?}: {turn:?}");
        assert_eq!(world.web().requests().len(), if again { 2 } else { 1 }, "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_provider_says_how_long_to_wait() {
    let table =
        [("7", 7 + 2), ("0", 2), ("-1", 2), ("soon", 2), ("Thu, 01 Jan 2026 00:00:30 GMT", 30 + 2)];
    for (value, seconds) in table {
        let mut world = world();
        world.answer(Canned::status(429).header("Retry-After", value)).answer(good());
        let begun = Instant::now();
        ask(&mut world, "hi").await.expect("it answers");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_limit_ends_the_turn_at_once() {
    let mut world = world();
    world.answer(Canned::status(429).header("Retry-After", "1000000000"));
    let begun = Instant::now();

    let error = ask(&mut world, "hi").await.expect_err("it gives up");

    assert_eq!(error.kind, ModelTrouble::RateLimited);
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_fails_after_eight_retries() {
    let mut world = world();
    for _ in 0..20 {
        world.answer(Canned::status(429));
    }

    let error = ask(&mut world, "hi").await.expect_err("it gives up");

    assert_eq!(error.kind, ModelTrouble::RateLimited);
    assert_eq!(world.web().requests().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_its_text_was_shown_is_retried_and_counted() {
    let mut world = world();
    world
        .answer(Canned::ok("usage 10 2\ntext a\n").broken())
        .answer(Canned::ok("usage 10 1\ntext abcdefghi\nreport 429 wait 1\n"))
        .answer(Canned::ok("usage 10 4\ntext b\nend\n"));

    let turn = ask(&mut world, "hi").await.expect("it answers");

    assert_eq!(turn.text(), "b", "nothing of the other streams is left in it");
    // Of the second, nine bytes are more than the one token that it counted.
    assert_eq!((turn.usage.input, turn.usage.output), (Some(30), Some(2 + 3 + 4)));
}

/// Asks while somebody watches the text, and returns the error and the messages about waiting.
async fn watched(models: &CatalogModels) -> (ModelError, Vec<String>) {
    let waits = Mutex::new(Vec::new());
    let shown = |delta: Delta<'_>| {
        if let Delta::Waiting(why) = delta {
            waits.lock().expect("nobody panicked").push(why.to_owned());
        }
        matches!(delta, Delta::Text(_))
    };
    let role = Role::new(Role::EXECUTOR);
    let turn = models.complete(&role, &prompt("hi"), &shown).await;
    let mut waits = waits.into_inner().expect("nobody panicked");
    // The end of a wait is told too.
    waits.retain(|why| !why.is_empty());
    (turn.expect_err("it breaks off"), waits)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_after_its_text_was_shown_ends_the_turn_and_keeps_the_text() {
    let begun = "reasoning s\ntext a\ncall 0 id write_file\nargs 0 {\n";
    let breaks = [
        (Canned::ok(begun).broken(), ModelTrouble::Unreachable),
        (Canned::ok(begun), ModelTrouble::Unreachable),
        (Canned::ok(format!("{begun}fail overloaded\n")), ModelTrouble::Unreachable),
        (Canned::ok(format!("{begun}report 503 busy\n")), ModelTrouble::Unreachable),
        (Canned::ok(format!("{begun}report 429 wait 1\n")), ModelTrouble::RateLimited),
        (Canned::ok(format!("{begun}report 402 no credit\n")), ModelTrouble::Quota),
        (Canned::ok(format!("{begun}args 7 {{}}\n")), ModelTrouble::Invalid),
    ];
    for (canned, kind) in breaks {
        let mut world = world();
        world.answer(canned).answer(good()).answer(good());
        let models = pair(&mut world);

        let (error, waits) = watched(&models).await;

        assert_eq!((error.kind, world.web().left()), (kind, 2), "{error}");
        assert_eq!(waits, Vec::<String>::new());
        let received = error.received.expect("it is kept");
        let reasoning = Reasoning { text: String::new(), state: "s".to_owned() };
        assert_eq!(received.parts, [Part::Reasoning(reasoning), Part::Text("a".to_owned())]);
        assert!(received.shown && received.usage.input > Some(0), "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_after_thoughts_were_shown_is_retried() {
    let mut world = world();
    world.answer(Canned::ok("thought hm\n").broken()).answer(good().chunk("report 400 no\n"));
    let models = pair(&mut world);

    let (error, waits) = watched(&models).await;

    assert_eq!((waits.len(), world.web().left()), (1, 0), "{waits:?}");
    assert_eq!(error.received.expect("it is kept").text(), "b");
}

#[tokio::test(start_paused = true)]
async fn the_part_that_arrived_is_kept_when_all_attempts_fail() {
    let mut world = world();
    world.answer(Canned::ok("usage 10 2\ntext a\n").broken());
    for _ in 0..8 {
        world.answer(Canned::status(429));
    }

    let error = ask(&mut world, "hi").await.expect_err("it gives up");

    assert_eq!(error.kind, ModelTrouble::RateLimited);
    let received = error.received.expect("it is kept");
    assert_eq!((received.text().as_str(), received.shown), ("a", false));
    assert_eq!((received.usage.input, received.usage.output), (Some(10), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_answer_is_not_retried() {
    let mut world = world();
    world.answer(Canned::ok("text a\nargs 0 {}\n")).answer(good());

    let error = ask(&mut world, "hi").await.expect_err("it makes no sense");

    assert_eq!(error.kind, ModelTrouble::Invalid);
    assert_eq!(world.web().left(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_any_text_is_retried() {
    let mut world = world();
    world
        .answer(Canned::ok("usage 1 0\n").broken())
        .answer(Canned::ok("usage 1 0\nte"))
        .answer(Canned::ok("fail overloaded\n"))
        .answer(good());

    assert_eq!(ask(&mut world, "hi").await.expect("it answers").text(), "b");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_events_times_out_despite_keep_alives() {
    let mut stalled = world();
    stalled.answer(Canned::ok("text a\n").wait(Duration::from_secs(3_600)).chunk("end\n"));
    stalled.answer(good());
    let begun = Instant::now();
    assert_eq!(ask(&mut stalled, "hi").await.expect("the second answers").text(), "b");
    assert_eq!(begun.elapsed().as_secs(), 120 + 2);

    let mut pinging = world();
    let pings = (0..100).fold(Canned::ok("text a\n"), |canned, _| {
        canned.wait(Duration::from_secs(15)).chunk(": ping\n")
    });
    pinging.answer(pings).answer(good());
    let begun = Instant::now();
    assert_eq!(ask(&mut pinging, "hi").await.expect("the second answers").text(), "b");
    assert_eq!(begun.elapsed().as_secs(), 315 + 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_good_answer_is_treated_like_an_error_response() {
    for status in [400, 401, 402, 404, 413, 429, 451, 500] {
        let mut outcomes = Vec::new();
        let body = format!("report {status} wait 7\n");
        for trouble in [Canned::status(status).chunk("wait 7"), Canned::ok(body)] {
            let mut world = world();
            world.answer(trouble).answer(good());
            let begun = Instant::now();
            let turn = ask(&mut world, "hi").await;
            outcomes.push((turn, begun.elapsed(), world.web().left()));
        }
        assert_eq!(outcomes[0], outcomes[1], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_inside_a_good_answer_may_name_the_wait() {
    let limit = "report 429 wait 7\n";
    let by_head = Canned::ok("report 429 later\n").header("Retry-After", "7");
    for canned in [Canned::ok(limit), by_head] {
        let mut world = world();
        world.answer(canned).answer(good());
        let begun = Instant::now();
        ask(&mut world, "hi").await.expect("it answers");
        assert_eq!(begun.elapsed().as_secs(), 7 + 2);
    }
}

/// Two providers over one web: the first is asked before the second.
fn pair(world: &mut openkoi_testing::World) -> CatalogModels {
    let host = world.host();
    let provider = |name: &str| ProviderSettings {
        name: name.to_owned(),
        component: "codec".to_owned(),
        ..ProviderSettings::default()
    };
    let route = |name: &str| Route { provider: name.to_owned(), model: name.to_owned() };
    let settings = ModelSettings {
        providers: vec![provider("first"), provider("second")],
        roles: [(Role::EXECUTOR.to_owned(), vec![route("first"), route("second")])].into(),
        catalogue: Value::Null,
        output: None,
        chance: Arc::new(|| 1.0),
    };
    CatalogModels::new(&host, settings).expect("they are set up rightly")
}

async fn asked(models: &CatalogModels) -> String {
    let role = Role::new(Role::EXECUTOR);
    models.complete(&role, &prompt("hi"), &|_| false).await.expect("one of them answers").model
}

#[tokio::test(start_paused = true)]
async fn the_next_provider_is_asked_if_the_first_has_no_credit_and_the_turn_says_who_answered() {
    let mut world = world();
    world.answer(Canned::status(402)).answer(good());
    let models = pair(&mut world);
    let role = Role::new(Role::EXECUTOR);

    let turn = models.complete(&role, &prompt("hi"), &|_| false).await.expect("it answers");

    assert_eq!(turn.route.as_deref(), Some("second/second"));
    let chain: Vec<String> = models.chain(&role).into_iter().map(|card| card.name).collect();
    assert_eq!(chain, ["first/first", "second/second"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_this_machine_that_is_not_there_is_given_up_after_five_seconds() {
    use EgressErrorKind::{Connect, Interrupted};
    let table = [
        ("http://127.0.0.1:9/v1", Connect, 5),
        // Whatever listens there does not speak HTTP.
        ("http://127.0.0.1:9/v1", Interrupted, 5),
        ("https://mine.example.org/v1", Connect, 150),
        ("https://mine.example.org/v1", Interrupted, 150),
    ];
    for (url, kind, seconds) in table {
        let mut world = world();
        for _ in 0..9 {
            world.answer(Canned::refused(kind));
        }
        let own = ProviderSettings {
            base_url: Some(url.to_owned()),
            credential: vec![SecretSource::Variable("CODEC_API_KEY".to_owned())],
            ..ProviderSettings::default()
        };
        let models = world.models(own, "large");
        let begun = Instant::now();

        let (error, waits) = watched(&models).await;

        assert_eq!(error.kind, ModelTrouble::Unreachable);
        assert_eq!(begun.elapsed().as_secs(), seconds, "{url}: {waits:?}");
        assert!(waits[1].contains("(2 of "), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_provider_ordered_is_told_from_its_beginning_to_its_end() {
    let mut world = world();
    let ordered = Canned::status(429).header("Retry-After", "2");
    world.answer(ordered).answer(Canned::status(503)).answer(good());
    let models = world.models(ProviderSettings::default(), "large");
    let seen = Mutex::new(Vec::new());
    let deltas = |delta: Delta<'_>| {
        let Delta::Resting(rests) = delta else { return false };
        seen.lock().expect("nobody panicked").push((rests, Instant::now()));
        false
    };

    let turn = models.complete(&Role::new(Role::EXECUTOR), &prompt("hi"), &deltas).await;

    assert!(turn.is_ok());
    let seen = seen.into_inner().expect("nobody panicked");
    let [(true, from), (false, to)] = seen.as_slice() else { panic!("{seen:?}") };
    let rested = to.duration_since(*from);
    assert!((2..=4).contains(&rested.as_secs()), "{rested:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_counts_is_estimated_and_says_so() {
    let mut world = world();
    world.answer(good()).answer(Canned::ok("usage 10 4\ntext b\nend\n"));

    let untold = ask(&mut world, "hi").await.expect("it answers").usage;
    let told = ask(&mut world, "hi").await.expect("it answers").usage;

    assert!(untold.estimated && untold.input > Some(0) && untold.output.is_some());
    assert!(!told.estimated && told.input == Some(10));
}

#[tokio::test(start_paused = true)]
async fn the_next_provider_is_asked_if_the_first_reports_missing_credit_in_its_stream() {
    let mut world = world();
    world.answer(Canned::ok("usage 1 0\nreport 402 no credit\n")).answer(good());
    let models = pair(&mut world);
    assert_eq!(asked(&models).await, "second");
}

#[tokio::test(start_paused = true)]
async fn an_invalid_request_is_not_sent_to_the_next_provider() {
    let mut world = world();
    world.answer(Canned::status(413)).answer(good());
    let models = pair(&mut world);
    let role = Role::new(Role::EXECUTOR);
    let error =
        models.complete(&role, &prompt("hi"), &|_| false).await.expect_err("it is too long");
    assert_eq!(error.kind, ModelTrouble::Overflow);
    assert_eq!(world.web().left(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_five_times_in_a_row_rests_for_a_minute() {
    let mut world = world();
    for _ in 0..5 {
        world.answer(Canned::status(503));
    }
    world.answer(good()).answer(good()).answer(good());
    let models = pair(&mut world);

    assert_eq!(asked(&models).await, "second", "after five failures the next is asked");
    assert_eq!(asked(&models).await, "second", "the first is left alone");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(asked(&models).await, "first", "and asked again after its rest");
}
