//! Where requests may go and what may be in them (security page, groups D and E). The oracle is the server that
//! must not be reached, and every byte that the provider received or that lies on the disk.

use openkoi_test_support::{
    Canary, Home, Kind, OpenAi, Reply, Role, Run, Tree, anthropic, call, openai, plan, reply,
    server::Wire, verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK, lines};

/// Runs a task whose model fetches these pages one after the other.
fn fetches(urls: &[String]) -> Run {
    let mut replies = vec![plan().if_asked()];
    for (turn, url) in urls.iter().enumerate() {
        replies
            .push(call("fetch_page", json!({ "url": url })).to(Role::Executor).at(turn).if_asked());
    }
    replies.push(reply("I give up.").to(Role::Executor).if_asked());
    replies.push(verdict(1.0).if_asked());
    let server = OpenAi::start(replies);
    let home = Home::new()
        .project(Kind::Shell)
        .provider(&server)
        .config("[trust.domains]\nweb = \"autonomous\"");
    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();
    server.finish();
    run
}

#[test]
fn no_spelling_of_a_private_address_is_reached() {
    let canary = Canary::start();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ];
    let port = canary.port();
    let plain = hosts.iter().map(|host| format!("http://{host}:{port}/"));
    let tricks = [
        "http://example.com@127.0.0.1:{}/",
        "https://127.0.0.1:{}/",
        "http://127.0.0.1:{}/#@example.com",
    ];
    let tricks = tricks.iter().map(|url| url.replace("{}", &port.to_string()));
    let urls: Vec<String> = plain.chain(tricks).collect();

    let run = fetches(&urls);

    assert_eq!(canary.seen(), Vec::<String>::new(), "{run}");
}

#[test]
fn other_schemes_lead_nowhere() {
    let urls = [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:70/",
        "data:text/plain,x",
        "unix:/x",
    ];

    let run = fetches(&urls.map(str::to_owned));

    assert!(!run.said().contains("root:"), "{run}");
}

#[test]
fn a_page_of_the_open_web_needs_a_person_at_the_standard_level() {
    let server = OpenAi::start([
        call("fetch_page", json!({ "url": "https://example.com/" })).to(Role::Executor).at(0),
        reply("I may not look at it.").after("fetch_page"),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(8);

    let [error] = &lines(&run, "error: ")[..] else { panic!("one line of error: {run}") };
    assert!(error.contains("example.com") && error.contains("needs an approval"), "{run}");
    assert!(run.stderr.contains("openkoi resume"), "{run}");
    server.finish();
}

#[test]
fn documentation_and_pages_that_the_task_names_need_nobody() {
    for (url, asked) in [
        ("https://docs.rs/serde", false),
        ("https://spec.example.org/v2", false),
        ("https://spec.example.org.evil.example/v2", true),
        ("http://docs.rs/serde", true),
    ] {
        let server = OpenAi::start([
            call("fetch_page", json!({ "url": url })).to(Role::Executor).at(0),
            reply("I have looked.").after("fetch_page"),
        ]);
        let home = Home::new().project(Kind::Shell).provider(&server);
        let task = "Say what https://spec.example.org/v1 says.";

        let run = home.openkoi([task, "-i", "0"]).timeout(LONG).run();

        // There is no network here, so a page that may be read cannot be.
        assert_eq!(run.stderr.contains("needs an approval"), asked, "{url}: {run}");
        assert_eq!(run.code == 8, asked, "{url}: {run}");
        server.finish();
    }
}

#[test]
fn a_redirect_of_the_provider_carries_no_key_to_another_host() {
    let canary = Canary::start();
    let elsewhere = format!("http://127.0.0.1:{}/v1/chat/completions", canary.port());
    for status in [301, 302, 303, 307, 308] {
        let redirect = Reply::raw(status, &[("location", &elsewhere)], "");
        let server = OpenAi::start([redirect.again_and_again()]);
        let home = Home::new().provider(&server);

        let run = home.openkoi(["say hi", "-i", "0", "--max-time", "10"]).run();

        assert_eq!(run.code, 5, "{status}: {run}");
        let seen = canary.seen().concat();
        assert!(!seen.contains(openai::Chat::KEY), "{status}: {seen}");
        server.finish();
    }
    assert_eq!(canary.seen(), Vec::<String>::new(), "another port is another host");
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let canary = Canary::start();
    let proxy = format!("http://127.0.0.1:{}", canary.port());
    let server = OpenAi::start([reply("Hi.")]);
    let names =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let home =
        names.iter().fold(Home::new().provider(&server), |home, name| home.env(name, &proxy));

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    assert_eq!(canary.seen(), Vec::<String>::new());
    server.finish();
}

#[test]
fn a_key_that_a_model_or_a_server_echoes_is_not_shown_or_kept() {
    let key = openai::Chat::KEY;
    let echo = format!("Your key is {key}, isn't it?");
    let server = OpenAi::start([reply(&echo)]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    assert!(!run.said().contains(key), "{run}");
    assert_eq!(Tree::read(home.root()).holding(key), Vec::<String>::new());
    server.finish();
}

#[test]
fn a_key_in_an_error_of_the_server_is_not_shown_or_kept() {
    let key = openai::Chat::KEY;
    let body = json!({ "error": { "message": format!("bad key {key}"), "type": "invalid_request_error" } });
    let server = OpenAi::start([Reply::json(400, &body)]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    assert!(run.code != 0 && !run.said().contains(key), "{run}");
    assert_eq!(Tree::read(home.root()).holding(key), Vec::<String>::new());
    server.finish();
}

#[test]
fn one_vendors_key_never_goes_to_another() {
    let server = OpenAi::start([reply("Hi.")]);
    let other = anthropic::Messages::KEY;
    let home = Home::new().provider(&server).env(anthropic::Messages::KEY_VARIABLE, other);

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    for request in server.requests() {
        let headers: Vec<&String> = request.headers.values().collect();
        assert!(headers.iter().all(|value| !value.contains(other)), "{headers:?}");
        assert!(!request.text.contains(other));
    }
    server.finish();
}

#[test]
fn a_secret_of_the_workspace_task_is_not_sent_with_the_overview() {
    let server = OpenAi::start([reply("Hi.")]);
    let home = Home::new()
        .project(Kind::Shell)
        .file(".env", "TOKEN=koi-canary-7f3a")
        .file("server.pem", "koi-canary-7f3a")
        .provider(&server);

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    assert!(server.turns().iter().all(|turn| !turn.text.contains("koi-canary")));
    server.finish();
}

#[test]
fn a_huge_answer_in_place_of_an_error_is_capped() {
    let server = OpenAi::start([
        Reply::raw(500, &[("content-type", "text/html")], vec![b'x'; 20 << 20]),
        openai::wrong_key(),
    ]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    assert_eq!(run.code, 4, "{run}");
    assert!(run.said().len() < 20_000, "{} bytes were printed", run.said().len());
    server.finish();
}

#[test]
fn the_provider_is_told_nothing_of_the_machine() {
    let server = OpenAi::start([reply("Hi.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    let turn = &server.turns()[0];
    let user = home.user().to_string_lossy().into_owned();
    assert!(!turn.text.contains(&user), "{}", turn.text);
    assert!(!turn.headers.contains_key("cookie") && !turn.headers.contains_key("referer"));
    server.finish();
}

#[test]
fn keys_are_in_no_command_line_and_no_child() {
    let server = OpenAi::start([
        plan().if_asked(),
        call("shell", json!({ "command": "cat /proc/*/cmdline | tr '\\0' ' '; env" }))
            .to(Role::Executor)
            .at(0),
        reply("Seen.").after("shell"),
    ]);
    let home = Home::new().project(Kind::Shell).provider(&server);

    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();

    let told = server.turns().last().unwrap().text.clone();
    assert!(!told.contains(openai::Chat::KEY), "{run}");
    server.finish();
}
