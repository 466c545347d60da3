//! The tool on the real host: a program in the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{World, component};

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_its_exit_code_is_told() {
    let mut world = World::new();
    world.load(component!());
    world.write("a.txt", "koi\n");

    let output = world.call_tool("shell", r#"{"command":"cat a.txt; exit 3"}"#).await.unwrap();

    assert!(output.text.contains("koi") && output.text.contains("exit code 3"), "{}", output.text);
    assert!(world.uses().iter().all(|one| one.starts_with("process ")), "{:?}", world.uses());
}
