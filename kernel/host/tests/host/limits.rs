//! Time, memory and stack (security.md, A).

use std::{sync::Arc, time::Duration};

use openkoi_core::failure::Failure;
use openkoi_host::kinds::preload;

use crate::{
    guests::{failure_of, is_unharmed, limit, text_of, tool_world, tool_world_at},
    loopback::egress,
};

/// The CPU time of this thread, which does not depend on how busy the machine is.
fn worked() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("a clock does not go below zero")
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_running_time() {
    let mut world = tool_world();
    preload(&world.host(), "guests").expect("it loads");
    let begun = worked();

    let failure = failure_of(&mut world, "spin", "").await;

    let spent = worked() - begun;
    assert_eq!(limit(&failure), ("cpu-ms", 400));
    assert!(failure.to_string().contains("limits.cpu-ms"), "{failure}");
    // Promise P2: at most 100 ms past the deadline. The test runs on one thread, and so does the guest.
    assert!(spent <= Duration::from_millis(500), "{spent:?}");
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn running_time_counts_over_all_pieces() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "spin_in_pieces", "").await;

    assert_eq!(limit(&failure), ("cpu-ms", 400));
}

#[tokio::test]
async fn waiting_does_not_count_as_running_time() {
    let mut world = tool_world();

    let text = text_of(&mut world, "sleep", "900").await;

    assert_eq!(text.as_deref(), Ok("slept"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_too_long_ends_at_its_deadline() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "sleep", "600000").await;

    assert_eq!(limit(&failure), ("wall-ms", 8_000));
    is_unharmed(&mut world).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_call_comes_before_that_of_the_manifest() {
    let mut world = tool_world();
    world.deadline(Duration::from_secs(2));

    let failure = failure_of(&mut world, "sleep", "600000").await;

    assert_eq!(limit(&failure), ("wall-ms", 2_000));
}

#[tokio::test]
async fn others_go_on_while_a_guest_spins() {
    let mut world = tool_world();
    preload(&world.host(), "guests").expect("it loads");
    let mut turns = 0_u32;
    let spin = failure_of(&mut world, "spin", "");
    tokio::pin!(spin);

    // Both share one thread.
    loop {
        tokio::select! {
            biased;
            _ = &mut spin => break,
            () = tokio::task::yield_now() => turns += 1,
        }
    }

    assert!(turns > 5, "only {turns} turns");
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "grow", "").await;

    assert_eq!(limit(&failure), ("memory-mib", 64));
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn a_stack_that_is_used_up_ends_the_call() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "recurse", "").await;

    let Failure::Trapped { component, message } = failure else { panic!("{failure}") };
    assert_eq!(component, "guests");
    assert!(message.contains("stack"), "{message}");
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn a_panic_says_its_message_and_where() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "panic", "\u{1b}[2Jsecret").await;

    let Failure::Trapped { message, .. } = failure else { panic!("{failure}") };
    assert!(message.contains("the guest panics: ␛[2Jsecret"), "{message}");
    assert!(message.lines().count() <= 12, "{message}");
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn a_trap_names_at_most_eight_frames() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "trap", "").await;

    let Failure::Trapped { message, .. } = failure else { panic!("{failure}") };
    let frames = message.lines().skip(1).count();
    assert!(message.contains("unreachable"), "{message}");
    assert!((1..=8).contains(&frames), "{message}");
    assert!(
        message.contains("as openkoi_sdk::tool::Tool>::call"),
        "a name as in the source: {message}"
    );
}

#[tokio::test]
async fn the_next_call_does_not_see_what_a_guest_left_in_memory() {
    let mut world = tool_world();
    for _ in 0..3 {
        assert_eq!(text_of(&mut world, "count_calls", "").await.as_deref(), Ok("1"));
    }
}

#[tokio::test]
async fn an_exit_ends_its_call_and_no_other() {
    let mut world = tool_world();
    for code in ["0", "1"] {
        let failure = failure_of(&mut world, "exit", code).await;
        assert_eq!(
            failure.to_string(),
            format!("`guests` broke: it ended itself with exit code {code}")
        );
    }
    is_unharmed(&mut world).await;
}

#[tokio::test]
async fn the_host_is_called_from_the_bottom_of_the_stack() {
    let mut world = tool_world();

    let failure = failure_of(&mut world, "call_deep", "").await;

    assert!(failure.to_string().contains("stack"), "{failure}");
    is_unharmed(&mut world).await;
}

/// The deepest that the host does on a guest's stack: a request through the real client, up to the server's
/// refusal to speak TLS. A host that had too little stack left would not end this call but the process.
#[tokio::test]
async fn a_request_is_sent_from_the_bottom_of_the_stack() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let met = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            // A client that has gone already got its answer.
            tokio::io::AsyncWriteExt::write_all(&mut stream, refusal).await.ok();
        }
    });
    let mut world = tool_world_at(port);
    world.transport(egress());

    let failure = failure_of(&mut world, "fetch_deep", &format!("https://127.0.0.1:{port}/")).await;

    assert!(failure.to_string().contains("stack"), "{failure}");
    let met = met.load(std::sync::atomic::Ordering::SeqCst);
    assert!(met > 3, "the requests were really sent, and from ever deeper: {met}");
    is_unharmed(&mut world).await;
}
