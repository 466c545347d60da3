//! Images and documents that a tool reads reach models that look, and are described to those that do not.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_test_support::{
    Anthropic, Home, Kind, OpenAi, Received, Reply, Role, call, openai, reply, server::Wire,
    verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK};

/// A carp of one pixel: a header and an end, which is what is looked at before a model is shown it.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0crc.\0\0\0\0IENDcrc.";
const DOCUMENT: &[u8] = b"%PDF-1.7 of ponds";

fn home() -> Home {
    Home::new().project(Kind::Shell).file("carp.png", PICTURE).file("ponds.pdf", DOCUMENT)
}

fn replies() -> [Reply; 4] {
    let look = call("read_file", json!({ "path": "carp.png" }))
        .and_call("read_file", json!({ "path": "ponds.pdf" }))
        .to(Role::Executor)
        .at(0);
    let fix =
        call("write_file", json!({ "path": Kind::Shell.source(), "contents": Kind::Shell.fix() }));
    let done = reply("Done.").after("write_file");
    [look, fix.after("read_file"), done, verdict(9.0)]
}

/// What the executor was sent after both files were read.
fn sent(turns: &[Received]) -> &str {
    &turns[1].text
}

#[test]
fn what_is_read_is_shown_to_a_model_that_looks_and_the_run_can_be_verified() {
    let server = Anthropic::start(replies());
    let home = home().provider(&server);

    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);

    let turns = server.turns();
    for bytes in [PICTURE, DOCUMENT] {
        assert!(sent(&turns).contains(&STANDARD.encode(bytes)), "{}", sent(&turns));
    }
    server.finish();
    let task = run.json()["task_id"].as_str().unwrap().to_owned();
    home.openkoi(["task", "verify", &task]).run().expect_code(0);
}

#[test]
fn a_model_that_reads_text_alone_is_told_what_is_there() {
    let server = OpenAi::start(replies());
    let url = server.base_url();
    let home = home()
        .config(&format!("[providers.groq]\nbase_url = {url:?}\n"))
        .env("GROQ_API_KEY", openai::Chat::KEY)
        .env("OPENKOI_MODEL", "groq/llama-3.3-70b-versatile");

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    let turns = server.turns();
    let described = format!("[image/png, {} bytes: this model reads text alone]", PICTURE.len());
    assert!(sent(&turns).contains(&described), "{}", sent(&turns));
    for bytes in [PICTURE, DOCUMENT] {
        assert!(!sent(&turns).contains(&STANDARD.encode(bytes)), "{}", sent(&turns));
    }
    server.finish();
}
