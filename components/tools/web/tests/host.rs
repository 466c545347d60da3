//! The tool on the real host: a page of a host that everybody may read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Canned, World, component};

#[tokio::test]
async fn a_page_comes_back_as_text_and_nothing_secret_is_sent() {
    let page = "<html><body><h1>Ponds</h1><p>Koi live in <b>ponds</b>.</p></body></html>";
    let mut world = World::new();
    world.load(component!()).answer(Canned::ok(page).header("content-type", "text/html"));

    let read = r#"{"url":"https://docs.rs/ponds"}"#;
    let output = world.call_tool("fetch_page", read).await.unwrap();

    assert!(output.text.contains("Koi live in"), "{}", output.text);
    assert!(!output.text.contains("<p>"), "{}", output.text);
    assert!(world.web().requests()[0].credentials.is_empty());
}
