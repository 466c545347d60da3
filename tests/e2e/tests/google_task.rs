//! A whole task over the strict server for the Gemini API.

use openkoi_test_support::{
    Google, Home, Kind, Reply, Role, call, google, plan, reply, server::Wire, verdict,
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

/// Runs the task with a model and checks what both sides saw.
fn mends_with(model: &str, replies: Vec<Reply>) {
    let server = Google::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let model = format!("google/{model}");
    let run = home.openkoi([TASK, "-m", &model]).timeout(LONG).run();

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("nothing of nothing is nothing – „fertig“."), "{run}");
    assert_eq!(home.read("percent.sh"), Kind::Shell.fix());
    use Role::{Evaluator, Executor, Planner};
    assert_eq!(server.roles(), [Planner, Executor, Executor, Executor, Evaluator]);
    server.finish();
}

fn mends(replies: Vec<Reply>) {
    mends_with(google::Gemini::MODEL, replies);
}

#[test]
fn a_task_is_planned_done_and_judged() {
    mends(honest(|reply| reply));
}

#[test]
fn a_task_is_done_by_a_model_whose_calls_have_no_ids() {
    // The server refuses answers that are not in the order of the calls, and ids that it never gave.
    mends_with(google::OLDER_MODEL, honest(|reply| reply));
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
fn signatures_of_thoughts_go_back_on_the_parts_that_they_came_on() {
    let mut replies = honest(|reply| reply);
    let said =
        |reply: Reply| reply.redacted_thinking("ZW5jcnlwdGVk").thinking("Let me look…", "c2ln");
    replies[1] = said(replies[1].clone());
    replies[2] = said(replies[2].clone()).text("Now I write.");

    // The server refuses a signature that changed or moved, and one that is missing where the round goes on.
    mends(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_one_content() {
    let server = Google::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let third = &server.turns()[2].conversation;
    let counts: Vec<usize> = third.messages.iter().map(|said| said.results.len()).collect();
    assert!(counts.contains(&2), "{counts:?}");
    let results = third.results();
    assert!(
        results[0].text.contains("percent()") && results[1].text.contains("half_is_fifty"),
        "{results:?}"
    );
    server.finish();
}

#[test]
fn cached_tokens_are_counted_once_and_thoughts_with_the_answer() {
    let cached = honest(|reply| reply.thinking("Hm.", "c2ln").tokens(1000, 50, 900));
    let server = Google::start(cached);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);

    let record = run.json();
    assert_eq!(record["num_turns"], 5, "{run}");
    // Five turns of 1,000 tokens each, of which the cache had 900, and answers of 50 tokens with their thoughts.
    assert_eq!(record["usage"]["input"], 5000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 4500, "{run}");
    assert_eq!(record["usage"]["output"], 250, "{run}");
    server.finish();
}

#[test]
fn an_overloaded_vendor_is_asked_again() {
    for trouble in [google::overloaded(), google::server_error(), google::rate_limited("1s")] {
        let server = Google::start([vec![trouble], honest(|reply| reply)].concat());
        let home = Home::new().project(Kind::Shell).provider(&server);

        home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

        assert_eq!(server.turns().len(), 6);
        server.finish();
    }
}

#[test]
fn a_quota_of_the_day_is_not_waited_for() {
    let server = Google::start([google::quota_used_up()]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hello", "-i", "0"]).run();

    assert_ne!(run.code, 0, "{run}");
    assert!(run.stderr.contains("exceeded your current quota"), "{run}");
    server.finish();
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    let mut replies = honest(|reply| reply);
    replies.insert(3, google::context_overflow().after("write_file"));
    let server = Google::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(server.turns().len(), 6);
    server.finish();
}

#[test]
fn an_error_inside_a_stream_is_tried_again() {
    let server = Google::start([vec![google::error_in_stream()], honest(|reply| reply)].concat());
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    server.finish();
}

#[test]
fn the_key_leaves_in_its_header_and_nowhere_else() {
    let server = Google::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--verbose"]).timeout(LONG).run().expect_code(0);

    let key = google::Gemini::KEY;
    assert!(server.turns().iter().all(|turn| !turn.text.contains(key)));
    assert!(!run.said().contains(key), "{run}");
    server.finish();
}
