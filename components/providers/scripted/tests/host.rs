//! A script on the real host: no network, and a turn that the conversation decides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{ProviderSettings, World, asking, component};

#[tokio::test]
async fn a_script_of_ones_own_is_played_without_a_network() {
    let script = r#"{"when":{"contains":"hello"},"say":"hello to you"}"#;
    let settings = ProviderSettings {
        options: vec![("script".to_owned(), script.to_owned())],
        ..ProviderSettings::default()
    };
    let mut world = World::new();
    world.load(component!());

    let turn = world.complete(settings, "file", &asking("say hello")).await.unwrap();

    assert_eq!(turn.text(), "hello to you");
    assert!(world.web().requests().is_empty());
}
