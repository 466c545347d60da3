//! A whole task over the strict server for Responses.

use openkoi_test_support::{Home, Kind, OpenAiResponses, openai, responses, server::Wire};
use serde_json::Value;

use crate::whole_task::{fixes, gets_over, honest, schemas, shortens, whole_tasks};
use crate::world::{LONG, TASK};

/// Returns the types of a request's items, in order.
fn types(body: &Value) -> Vec<&str> {
    let items = body["input"].as_array().unwrap().iter();
    items.map(|item| item["type"].as_str().unwrap_or("message")).collect()
}

whole_tasks!(responses::Responses);
schemas!(responses::Responses, alone: true);

#[test]
fn reasoning_goes_back_as_it_came_and_before_the_calls_it_led_to() {
    let mut replies = honest(|reply| reply);
    replies[0] = replies[0]
        .clone()
        .redacted_thinking("ZW5jcnlwdGVk")
        .thinking("Let me look…\n\nAt both.", "c2ln");
    replies[1] = replies[1].clone().thinking("Round, and guard against 0.", "c2lnMg==");

    // The server refuses an item that changed or moved, and one that is missing where the round goes on.
    let turns = fixes::<responses::Responses>(replies);

    let last = types(&turns[2].body);
    let begin = last.iter().position(|kind| *kind == "reasoning").unwrap();
    let looks = ["reasoning", "reasoning", "function_call", "function_call"];
    let answers = ["function_call_output", "function_call_output"];
    let fixes = ["reasoning", "function_call", "function_call_output"];
    assert_eq!(last[begin..begin + 9], [&looks[..], &answers, &fixes].concat());
    assert_eq!(turns[2].body["input"][begin]["encrypted_content"], "c2ln");
}

#[test]
fn results_of_parallel_calls_come_back_together() {
    let server = OpenAiResponses::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let messages = &server.turns()[1].conversation.messages;
    assert_eq!(messages[messages.len() - 1].results.len(), 2, "{messages:?}");
    server.finish();
}

#[test]
fn the_beginning_stays_the_same_for_the_cache_and_cached_tokens_are_counted_once() {
    let server = OpenAiResponses::start(honest(|reply| reply.tokens(1000, 50, 900)));
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);

    let record = run.json();
    assert_eq!(record["num_turns"], 4, "{run}");
    // Four turns of 1,000 tokens each: what the cache had is part of the input, not beside it.
    assert_eq!(record["usage"]["input"], 4000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 3600, "{run}");
    let turns = server.turns();
    for pair in turns[0..3].windows(2) {
        let (before, after) = (&pair[0].body, &pair[1].body);
        let items = before["input"].as_array().unwrap();
        assert_eq!(&after["input"].as_array().unwrap()[..items.len()], items);
        assert_eq!(
            (&before["tools"], &before["instructions"]),
            (&after["tools"], &after["instructions"])
        );
    }
    server.finish();
}

#[test]
fn nothing_is_stored_and_the_key_leaves_in_its_header_alone() {
    let server = OpenAiResponses::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--verbose"]).timeout(LONG).run().expect_code(0);

    let turns = server.turns();
    assert!(turns.iter().all(|turn| turn.body["store"] == false));
    let key = responses::Responses::KEY;
    assert!(turns.iter().all(|turn| !turn.text.contains(key)));
    assert!(!run.said().contains(key), "{run}");
    server.finish();
}

#[test]
fn an_overloaded_vendor_is_asked_again() {
    for trouble in [responses::overloaded(), openai::rate_limited(Some("1"))] {
        gets_over::<responses::Responses>(trouble);
    }
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    // A stream that has begun says it in an event, a request that is refused at once by its status.
    for trouble in [responses::context_overflow(), openai::context_overflow()] {
        shortens::<responses::Responses>(trouble);
    }
}

#[test]
fn an_error_inside_a_stream_is_tried_again() {
    let failed = responses::failed_in_stream("server_error", "The model failed. Sorry!");
    for trouble in [responses::error_in_stream(), failed] {
        gets_over::<responses::Responses>(trouble);
    }
}
