//! A whole task over the strict server for Ollama's own API.

use openkoi_test_support::{Home, Kind, Ollama, ollama, reply, server::Wire};
use serde_json::json;

use crate::whole_task::{fixes, fixes_in, gets_over, honest, schemas, shortens, whole_tasks};
use crate::world::{LONG, TASK};

whole_tasks!(ollama::Native);
schemas!(ollama::Native, alone: true);

#[test]
fn thoughts_go_back_with_the_calls_that_they_led_to() {
    let mut replies = honest(|reply| reply);
    replies[0] = replies[0].clone().thinking("Let me look…", "");
    replies[1] = replies[1].clone().thinking("Round, and guard against 0.", "");

    // The server refuses a thought that changed, and one that is missing.
    fixes::<ollama::Native>(replies);
}

#[test]
fn results_of_parallel_calls_come_back_in_order() {
    let server = Ollama::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let third = &server.turns()[1].conversation;
    let results: Vec<_> = third.results().iter().map(|result| result.text.clone()).collect();
    assert!(
        results[0].contains("percent()") && results[1].contains("half_is_fifty"),
        "{results:?}"
    );
    server.finish();
}

#[test]
fn the_window_stays_the_same_so_that_the_model_is_loaded_once() {
    let server = Ollama::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let windows: Vec<_> =
        server.turns().iter().map(|turn| turn.body["options"]["num_ctx"].clone()).collect();
    assert_eq!(windows, [16_384; 4].map(|size| json!(size)));
    server.finish();
}

#[test]
fn the_vendors_own_variable_says_where_the_server_is() {
    let server = Ollama::start(honest(|reply| reply));
    let address = server.base_url();
    let address = address.strip_prefix("http://127.0.0.1:").unwrap();
    let home = Home::new()
        .project(Kind::Shell)
        .env("OLLAMA_HOST", format!("0.0.0.0:{address}"))
        .env("OPENKOI_MODEL", format!("ollama/{}", ollama::Native::MODEL));

    fixes_in(&home, server, &[]);
}

#[test]
fn a_key_for_the_cloud_is_sent_where_there_is_one() {
    let server = Ollama::start(honest(|reply| reply));
    let home = Home::new().project(Kind::Shell).provider(&server);
    let home = home.env("OLLAMA_API_KEY", ollama::Native::KEY);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let sent = server.turns();
    assert!(sent.iter().all(|turn| turn.headers.contains_key("authorization")), "{sent:?}");
    server.finish();
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_and_sent_again() {
    shortens::<ollama::Native>(ollama::context_overflow());
}

#[test]
fn an_answer_to_a_conversation_that_was_cut_does_not_count() {
    let mut replies = honest(|reply| reply);
    let cut = reply("What was I to do?").tokens(16_384, 9, 0);
    replies.insert(2, cut.after("write_file"));
    let server = Ollama::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(server.turns().len(), 5, "the turn was asked for again: {run}");
    assert_eq!(home.read("percent.sh"), Kind::Shell.fix());
    server.finish();
}

#[test]
fn a_prompt_beyond_the_context_is_not_sent() {
    let server = Ollama::start([]);
    let url = server.base_url();
    let model = format!("ollama/{}", ollama::Native::MODEL);
    let config = format!("[providers.ollama]\nbase_url = {url:?}\ncontext = \"1024\"");
    let home = Home::new().project(Kind::Shell).env("OPENKOI_MODEL", model).config(&config);

    let run = home.openkoi([TASK]).timeout(LONG).run();

    assert_ne!(run.code, 0, "{run}");
    assert!(run.said().contains("1024"), "{run}");
    assert_eq!(server.turns(), []);
    server.finish();
}

#[test]
fn a_busy_server_and_one_whose_model_died_are_asked_again() {
    for trouble in [ollama::busy(), ollama::runner_gone(), ollama::error_in_stream()] {
        gets_over::<ollama::Native>(trouble);
    }
}

#[test]
fn a_model_that_is_not_there_or_calls_no_tools_ends_the_run_with_advice() {
    let model = ollama::Native::MODEL;
    let cases = [
        (ollama::unknown_model(model), 2, format!("ollama pull {model}")),
        (ollama::without_tools(model), 5, "does not support tools; it cannot work".to_owned()),
    ];
    for (answer, code, advice) in cases {
        let server = Ollama::start([answer]);
        let home = Home::new().project(Kind::Shell).provider(&server);

        let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(code);

        assert!(run.said().contains(&advice), "{run}");
        server.finish();
    }
}
