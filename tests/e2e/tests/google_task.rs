//! A whole task over the strict server for the Gemini API.

use openkoi_test_support::{Google, Home, Kind, Reply, google, server::Wire};

use crate::whole_task::{fixes, fixes_in, gets_over, honest, schemas, shortens, whole_tasks};
use crate::world::{LONG, TASK};

whole_tasks!(google::Gemini);
schemas!(google::Gemini, alone: false);

#[test]
fn a_task_is_done_by_a_model_whose_calls_have_no_ids() {
    // The server refuses answers that are not in the order of the calls, and ids that it never gave.
    let server = Google::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);
    fixes_in(&home, server, &["-m", &format!("google/{}", google::OLDER_MODEL)]);
}

#[test]
fn signatures_of_thoughts_go_back_on_the_parts_that_they_came_on() {
    let mut replies = honest(|reply| reply);
    let said =
        |reply: Reply| reply.redacted_thinking("ZW5jcnlwdGVk").thinking("Let me look…", "c2ln");
    replies[0] = said(replies[0].clone());
    replies[1] = said(replies[1].clone()).text("Now I write.");

    // The server refuses a signature that changed or moved, and one that is missing where the round goes on.
    fixes::<google::Gemini>(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_one_content() {
    let server = Google::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let third = &server.turns()[1].conversation;
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
    assert_eq!(record["num_turns"], 4, "{run}");
    // Four turns of 1,000 tokens each, of which the cache had 900, and answers of 50 tokens with their thoughts.
    assert_eq!(record["usage"]["input"], 4000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 3600, "{run}");
    assert_eq!(record["usage"]["output"], 200, "{run}");
    server.finish();
}

#[test]
fn an_overloaded_vendor_is_asked_again() {
    for trouble in [google::overloaded(), google::server_error(), google::rate_limited("1s")] {
        gets_over::<google::Gemini>(trouble);
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
    shortens::<google::Gemini>(google::context_overflow());
}

#[test]
fn an_error_inside_a_stream_is_tried_again() {
    gets_over::<google::Gemini>(google::error_in_stream());
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
