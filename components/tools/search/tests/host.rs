//! The tools on the real host, with a workspace on the disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{World, component};

#[tokio::test]
async fn what_is_ignored_is_passed_over_and_what_is_found_has_its_line() {
    let mut world = World::new();
    world.load(component!());
    world.write(".gitignore", "out/\n");
    world.write("out/a.txt", "koi\n");
    world.write("src/a.txt", "carp\nkoi\n");

    let found = world.call_tool("search", r#"{"pattern":"koi"}"#).await.unwrap();

    assert!(found.text.contains("src/a.txt\n  2: koi"), "{}", found.text);
    assert!(!found.text.contains("out/a.txt"), "{}", found.text);
}
