//! The checks on the real host: the project's own commands, in the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{CheckOutcome, Subject, World, component};

#[tokio::test]
async fn the_projects_own_tests_are_run_and_their_results_told() {
    let mut world = World::new();
    world.load(component!());
    world.write("Makefile", "test:\n\t@test -e fixed\n");
    let subject = Subject { task: "fix it".to_owned(), iteration: 1, ..Subject::default() };

    let before = world.evaluate(&subject).await.unwrap();
    assert_eq!(before.checks[0].outcome, CheckOutcome::Failed, "{before:?}");

    world.write("fixed", "");
    let after = world.evaluate(&subject).await.unwrap();
    assert_eq!(after.checks[0].outcome, CheckOutcome::Passed, "{after:?}");
}
