//! Components that break again and again (security.md, A1, B49).

use std::time::Duration;

use openkoi_core::failure::Failure;

use crate::guests::{failure_of, text_of, tool_world};

#[tokio::test(start_paused = true)]
async fn three_traps_in_a_minute_lead_to_quarantine() {
    let mut world = tool_world();
    for _ in 0..3 {
        assert_eq!(failure_of(&mut world, "trap", "").await.word(), "trapped");
    }

    let refused = failure_of(&mut world, "count_calls", "").await;

    let Failure::Unavailable { message, retry_after_ms, request_sent } = refused else {
        panic!("{refused}")
    };
    assert!(message.contains("is left alone until 00:01:0"), "{message}");
    assert!(retry_after_ms.is_some_and(|left| (50_000..=60_000).contains(&left)));
    assert!(!request_sent);

    tokio::time::advance(Duration::from_secs(61)).await;

    assert_eq!(text_of(&mut world, "count_calls", "").await.as_deref(), Ok("1"));
}

#[tokio::test]
async fn endless_loops_lead_to_quarantine_like_traps() {
    let mut world = tool_world();
    for _ in 0..3 {
        failure_of(&mut world, "spin", "").await;
    }
    assert_eq!(failure_of(&mut world, "count_calls", "").await.word(), "unavailable");
}

#[tokio::test]
async fn failures_do_not_lead_to_quarantine() {
    let mut world = tool_world();
    for _ in 0..5 {
        let failure = failure_of(&mut world, "fail", "not now\u{1b}[2J").await;
        assert_eq!(failure, Failure::Conflict("not now␛[2J".to_owned()));
    }
    assert_eq!(text_of(&mut world, "count_calls", "").await.as_deref(), Ok("1"));
}
