//! The tools on the real host, with a workspace on the disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Failure, World, component};

#[tokio::test]
async fn an_edit_changes_what_it_names_and_a_secret_is_not_read() {
    let mut world = World::new();
    world.load(component!());
    world.write("src/a.txt", "one\r\ntwo\r\nthree");
    world.write(".env", "KEY=canary");

    let edit = r#"{"path":"src/a.txt","old_string":"two","new_string":"2"}"#;
    world.call_tool("edit_file", edit).await.unwrap();
    assert_eq!(world.read("src/a.txt").unwrap(), "one\r\n2\r\nthree");

    let refused = world.call_tool("read_file", r#"{"path":".env"}"#).await.unwrap_err();
    assert!(matches!(refused, Failure::Denied { .. }), "{refused}");
}
