//! Too much of everything across the boundary (security.md, B).

use std::sync::{
    Arc, Mutex, Once,
    atomic::{AtomicUsize, Ordering},
};

use openkoi_core::event::Event;
use openkoi_testing::Canned;

use crate::guests::{failure_of, is_unharmed, limit, text_of, tool_world};

/// Keeps the log records of components.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Records {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "openkoi::component"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                if field.name() == "message" {
                    value.clone_into(&mut self.0);
                }
            }

            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().expect("nobody panicked").push(message.0);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn log_records_beyond_their_number_and_length_are_dropped() {
    let mut world = tool_world();
    let records = Records::default();
    let listening = tracing::subscriber::set_default(records.clone());

    let text = text_of(&mut world, "log_flood", "").await;

    drop(listening);
    assert_eq!(text.as_deref(), Ok("logged"), "the call goes on");
    let records = records.0.lock().expect("nobody panicked");
    assert_eq!(records.len(), 1_000);
    assert_eq!(records[0].len(), 4 << 10, "the first has a megabyte");
    assert_eq!(records[1], "␛]52;c;eA==␇record 0␍<U+202E>");
    assert_eq!(records[999], "␛]52;c;eA==␇record 998␍<U+202E>");
}

#[tokio::test]
async fn cheap_calls_of_the_host_are_counted() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "call_flood", "").await;

    assert_eq!(limit(&failure), ("host-calls", 10_000));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn bytes_are_counted_over_all_calls_of_the_host() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "byte_flood", "").await;

    assert_eq!(limit(&failure), ("host-bytes-mib", 32));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn bytes_of_one_call_of_the_host_are_limited() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "big_string", "").await;

    assert_eq!(limit(&failure), ("host-call-bytes", 8 << 20));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn resources_held_at_once_are_limited() {
    let mut world = tool_world();
    for _ in 0..2_000 {
        world.answer(Canned::ok("x"));
    }

    let failure = failure_of(&mut world, "handle_flood", "").await;

    assert_eq!(limit(&failure), ("handles", 1_000));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn an_output_beyond_its_limit_is_refused() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "huge_output", "").await;

    assert_eq!(limit(&failure), ("output-kib", 1_024));
}

#[tokio::test]
async fn a_list_of_a_million_items_is_refused() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "many_attachments", "").await;

    assert_eq!(limit(&failure), ("host-call-bytes", 8 << 20));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn progress_is_capped_and_cannot_drive_a_terminal() {
    let mut world = tool_world();

    assert_eq!(text_of(&mut world, "progress_flood", "").await.as_deref(), Ok("reported"));

    let reports: Vec<String> = world
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::ProgressReported { message, .. } => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(reports.len(), 256);
    assert_eq!(reports[0], "␛[2Jstep 0");
}

#[tokio::test]
async fn a_forged_handle_is_a_trap() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "forge_handle", "").await;

    assert_eq!(failure.word(), "trapped");
    assert!(failure.to_string().contains("handle"), "{failure}");
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn a_dropped_handle_is_a_trap() {
    for behaviour in ["use_after_drop", "drop_twice"] {
        let mut world = tool_world();
        world.answer(Canned::ok("x"));

        let failure = failure_of(&mut world, behaviour, "").await;

        assert_eq!(failure.word(), "trapped", "{behaviour}: {failure}");
        is_unharmed(&mut world).await;
    }
}

/// Counts the panics on threads of the host, which turns each into a failure.
fn panics() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_test = std::thread::current().name().is_some_and(|name| name.contains("::"));
            COUNT.fetch_add(usize::from(!is_test), Ordering::SeqCst);
            before(panic);
        }));
    });
    COUNT.load(Ordering::SeqCst)
}

/// 300 calls of the host for each seed; `OPENKOI_FUZZ_SEEDS=5000` is the whole of case 25.
#[tokio::test]
async fn random_calls_of_the_host_neither_break_it_nor_get_out() {
    let seeds = std::env::var("OPENKOI_FUZZ_SEEDS").map_or(20, |n| n.parse().expect("a number"));
    let before = panics();
    let mut world = tool_world();
    world.write("a", "a");
    let outside = world.home().join("a");
    std::fs::write(&outside, "outside").expect("it is written");
    for seed in 0..seeds {
        let answer = text_of(&mut world, "fuzz", &seed.to_string()).await;
        let failures: u32 = answer.expect("it answers").parse().expect("a number");
        assert!(failures > 50, "{failures}");
    }
    assert_eq!(panics(), before, "the host panicked");
    assert_eq!(std::fs::read_to_string(outside).expect("it is there"), "outside");
    assert!(world.web().requests().is_empty());
    is_unharmed(&mut world).await;
}
