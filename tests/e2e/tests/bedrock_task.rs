//! A whole task over the strict server for Bedrock, which checks every signature by itself.

use openkoi_test_support::{
    Bedrock, Home, Kind, Tree, bedrock, reply,
    server::{Server, Wire},
};

use crate::whole_task::{fixes, gets_over, honest, schemas, shortens, whole_tasks};
use crate::world::{LONG, TASK};

const SECRET: &str = bedrock::Converse::KEY;

/// A world with the server as provider and no variable but the region's.
fn without_keys(server: &Server<bedrock::Converse>) -> Home {
    let config = format!("[providers.bedrock]\nbase_url = {:?}", server.base_url());
    let model = format!("bedrock/{}", bedrock::Converse::MODEL);
    let home = Home::new().project(Kind::Shell).config(&config).env("OPENKOI_MODEL", model);
    home.env("AWS_REGION", bedrock::REGION)
}

whole_tasks!(bedrock::Converse);
schemas!(bedrock::Converse, alone: false);

#[test]
fn thoughts_go_back_as_they_came() {
    let mut replies = honest(|reply| reply);
    replies[0] =
        replies[0].clone().redacted_thinking("ZW5jcnlwdGVk").thinking("Let me look…", "c2ln");
    replies[1] = replies[1].clone().thinking("Round, and guard against 0.", "c2lnMg==");

    // The server refuses a thought that changed, and one that is missing where a round goes on.
    fixes::<bedrock::Converse>(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_one_message() {
    let server = Bedrock::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let messages = &server.turns()[1].conversation.messages;
    assert_eq!(messages[messages.len() - 1].results.len(), 2, "{messages:?}");
    server.finish();
}

#[test]
fn the_prefix_is_marked_for_the_cache_and_cached_tokens_are_counted_once() {
    let server = Bedrock::start(honest(|reply| reply.tokens(1000, 50, 900)));
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);

    let record = run.json();
    assert_eq!(record["num_turns"], 4, "{run}");
    // Four turns of 1,000 tokens each: what the cache had is part of the input, not beside it.
    assert_eq!(record["usage"]["input"], 4000, "{run}");
    assert_eq!(record["usage"]["cache_read"], 3600, "{run}");
    let marked = server.turns().iter().filter(|turn| turn.text.contains("cachePoint")).count();
    assert_eq!(marked, 4);
    server.finish();
}

#[test]
fn a_vendor_that_has_too_much_to_do_is_asked_again() {
    for trouble in [bedrock::throttled(), bedrock::overloaded(), bedrock::error_in_stream()] {
        gets_over::<bedrock::Converse>(trouble);
    }
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    shortens::<bedrock::Converse>(bedrock::context_overflow());
}

#[test]
fn a_wrong_clock_and_unknown_keys_are_said_once_and_not_tried_again() {
    for (trouble, said) in [
        (bedrock::wrong_clock(), "the clock of this machine is wrong: Signature expired"),
        (bedrock::wrong_key(), "The security token included in the request is invalid."),
    ] {
        let server = Bedrock::start([trouble]);
        let home = Home::new().project(Kind::Shell).provider(&server);

        let run = home.openkoi([TASK]).timeout(LONG).run();

        assert!(run.code != 0 && run.said().contains(said), "{run}");
        assert_eq!(server.turns().len(), 1);
        server.finish();
    }
}

#[test]
fn the_secret_key_is_neither_shown_nor_sent_nor_kept() {
    // Whoever has the key may have the model say it.
    let told = reply(&format!("The key is {SECRET}, the token {}.", bedrock::TOKEN));
    let server = Bedrock::start([told]);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi(["What is the key?", "-i", "0", "-vv"]).timeout(LONG).run();

    assert!(!run.said().contains(SECRET) && !run.said().contains(bedrock::TOKEN), "{run}");
    for request in server.requests() {
        let headers = format!("{:?}", request.headers);
        assert!(!headers.contains(SECRET) && !request.text.contains(SECRET), "{headers}");
    }
    for (path, entry) in Tree::read(&home.path()).0 {
        let shown = format!("{entry:?}");
        let bytes = std::fs::read(home.path().join(&path)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SECRET) && !shown.contains(SECRET), "{path}");
        assert!(!text.contains(bedrock::TOKEN), "{path}");
    }
    server.finish();
}

#[test]
fn a_key_of_bedrocks_own_comes_before_keys_that_sign() {
    let server = Bedrock::start([reply("Hi.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let home = home.env("AWS_BEARER_TOKEN_BEDROCK", bedrock::API_KEY);

    home.openkoi(["hello", "-i", "0"]).timeout(LONG).run().expect_code(0);

    let sent = &server.turns()[0].headers;
    assert_eq!(sent["authorization"], format!("Bearer {}", bedrock::API_KEY));
    assert!(!sent.contains_key("x-amz-date") && !sent.contains_key("x-amz-security-token"));
    server.finish();
}

#[test]
fn keys_of_a_profile_sign_and_a_profile_that_has_to_ask_for_them_says_so() {
    let server = Bedrock::start([reply("Hi.")]);
    let keys = format!(
        "[work]\naws_access_key_id = {}\naws_secret_access_key = {SECRET}\naws_session_token = {}\n\
         [tool]\ncredential_process = /bin/false\n",
        bedrock::ID,
        bedrock::TOKEN
    );
    let home = without_keys(&server).user_file(".aws/credentials", keys);
    // They are another program's, so a person has to say that they may be read.
    let closed = home.openkoi(["hello", "-i", "0"]).env("AWS_PROFILE", "work").run().expect_code(4);
    assert!(closed.stderr.contains("openkoi connect aws"), "{closed}");
    home.openkoi(["connect", "aws"]).run().expect_code(0);

    let tool = home.openkoi(["hello", "-i", "0"]).env("AWS_PROFILE", "tool").timeout(LONG).run();
    assert!(tool.code != 0 && tool.said().contains("aws configure export-credentials"), "{tool}");
    assert!(server.requests().is_empty());

    let work = home.openkoi(["hello", "-i", "0"]).env("AWS_PROFILE", "work").timeout(LONG).run();
    work.expect_code(0);
    server.finish();
}

#[test]
fn without_a_region_it_says_where_to_set_one() {
    let model = format!("bedrock/{}", bedrock::Converse::MODEL);
    let home = Home::new()
        .project(Kind::Shell)
        .env("OPENKOI_MODEL", model)
        .env("AWS_BEARER_TOKEN_BEDROCK", bedrock::API_KEY);

    let run = home.openkoi(["hello"]).timeout(LONG).run();

    let line = "the provider `bedrock` needs a region: set AWS_REGION or AWS_DEFAULT_REGION or \
                `region` in its settings";
    assert!(run.code != 0 && run.stderr.matches(line).count() == 1, "{run}");
}
