//! A whole task over the strict server for Messages.

use openkoi_test_support::{
    Anthropic, Home, Kind, Reply, Role, anthropic, call, plan, reply, verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK};

/// The replies of a model that looks, mends and says so; each travels as `way` has it.
fn honest(way: impl Fn(Reply) -> Reply) -> Vec<Reply> {
    let kind = Kind::Shell;
    let look = call("read_file", json!({ "path": "percent.sh" }))
        .and_call("read_file", json!({ "path": "test.sh" }))
        .to(Role::Executor)
        .at(0);
    let fix = call("write_file", json!({ "path": kind.source(), "contents": kind.fix() }));
    let done = reply("`percent` rounds now, and nothing of nothing is nothing – „fertig“.");
    let replies = [plan(), look, fix.after("read_file"), done.after("write_file"), verdict(9.0)];
    replies.into_iter().map(way).collect()
}

/// Runs the task and checks what both sides saw.
fn mends(replies: Vec<Reply>) {
    let server = Anthropic::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK]).timeout(LONG).run();

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("nothing of nothing is nothing – „fertig“."), "{run}");
    assert_eq!(home.read("percent.sh"), Kind::Shell.fix());
    use Role::{Evaluator, Executor, Planner};
    assert_eq!(server.roles(), [Planner, Executor, Executor, Executor, Evaluator]);
    server.finish();
}

#[test]
fn a_task_is_planned_done_and_judged() {
    mends(honest(|reply| reply));
}

#[test]
fn a_task_survives_streams_of_single_bytes() {
    mends(honest(Reply::byte_by_byte));
}

#[test]
fn a_task_survives_streams_cut_anywhere() {
    for seed in 1..=4 {
        mends(honest(|reply| reply.cut_by(seed)));
    }
}

#[test]
fn thoughts_go_back_as_they_came() {
    let mut replies = honest(|reply| reply);
    replies[1] =
        replies[1].clone().redacted_thinking("ZW5jcnlwdGVk").thinking("Let me look…", "c2ln");
    replies[2] = replies[2].clone().thinking("Round, and guard against 0.", "c2lnMg==");

    // The server refuses a thought that changed, and one that is missing where thinking goes on.
    mends(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_one_message() {
    let server = Anthropic::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let messages = &server.turns()[2].conversation.messages;
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
    assert_eq!(record["num_turns"], 5, "{run}");
    // Five turns of 1,000 tokens each: what the cache had is part of the input, not beside it.
    assert_eq!(record["usage"]["input"], 5000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 4500, "{run}");
    let marked = server.turns().iter().filter(|turn| turn.text.contains("cache_control")).count();
    assert_eq!(marked, 5);
    server.finish();
}

#[test]
fn an_overloaded_vendor_is_asked_again() {
    for trouble in [anthropic::overloaded(), anthropic::rate_limited(Some("1"))] {
        let server = Anthropic::start([vec![trouble], honest(|reply| reply)].concat());
        let home = Home::new().project(Kind::Shell).provider(&server);

        home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

        assert_eq!(server.turns().len(), 6);
        server.finish();
    }
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    let mut replies = honest(|reply| reply);
    replies.insert(3, anthropic::context_overflow().after("write_file"));
    let server = Anthropic::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(server.turns().len(), 6);
    server.finish();
}

#[test]
fn an_error_inside_a_stream_is_tried_again() {
    let server =
        Anthropic::start([vec![anthropic::error_in_stream()], honest(|reply| reply)].concat());
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    server.finish();
}
