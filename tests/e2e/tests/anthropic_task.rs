//! A whole task over the strict server for Messages.

use openkoi_test_support::{Anthropic, Home, Kind, anthropic};

use crate::whole_task::{fixes, gets_over, honest, schemas, shortens, whole_tasks};
use crate::world::{LONG, TASK};

whole_tasks!(anthropic::Messages);
schemas!(anthropic::Messages, alone: false);

#[test]
fn thoughts_go_back_as_they_came() {
    let mut replies = honest(|reply| reply);
    replies[0] =
        replies[0].clone().redacted_thinking("ZW5jcnlwdGVk").thinking("Let me look…", "c2ln");
    replies[1] = replies[1].clone().thinking("Round, and guard against 0.", "c2lnMg==");

    // The server refuses a thought that changed, and one that is missing where thinking goes on.
    fixes::<anthropic::Messages>(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_one_message() {
    let server = Anthropic::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let messages = &server.turns()[1].conversation.messages;
    assert_eq!(messages[messages.len() - 1].results.len(), 2, "{messages:?}");
    server.finish();
}

#[test]
fn the_prefix_is_marked_for_the_cache_and_cached_tokens_are_counted_once() {
    let cached = honest(|reply| reply.tokens(1000, 50, 900));
    let server = Anthropic::start(cached);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);

    let record = run.json();
    assert_eq!(record["num_turns"], 4, "{run}");
    // Four turns of 1,000 tokens each: what the cache had is part of the input, not beside it.
    assert_eq!(record["usage"]["input"], 4000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 3600, "{run}");
    let marked = server.turns().iter().filter(|turn| turn.text.contains("cache_control")).count();
    assert_eq!(marked, 4);
    server.finish();
}

#[test]
fn an_overloaded_vendor_is_asked_again() {
    for trouble in [anthropic::overloaded(), anthropic::rate_limited(Some("1"))] {
        gets_over::<anthropic::Messages>(trouble);
    }
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    shortens::<anthropic::Messages>(anthropic::context_overflow());
}

#[test]
fn an_error_inside_a_stream_is_tried_again() {
    gets_over::<anthropic::Messages>(anthropic::error_in_stream());
}
