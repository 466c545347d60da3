//! The judge on the real host, with a model that is scripted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use openkoi_testing::{Dimension, Rubric, Subject, World, calling, component};

#[tokio::test]
async fn a_finding_counts_where_its_place_exists() {
    let mut world = World::new();
    world.load(component!());
    world.write("src/a.txt", "one\ntwo\n");
    let ruling = r#"{"scores":[{"dimension":"correctness","score":4}],"findings":[{"severity":"major",
        "dimension":"correctness","evidence":"src/a.txt:2","message":"it should be three"}]}"#;
    world.turn(calling("submit_verdict", ruling));

    let dimension = Dimension { name: "correctness".to_owned(), weight: 1.0 };
    let verdict = world
        .evaluate(&Subject {
            task: "count".to_owned(),
            iteration: 1,
            diff: "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,1 +1,2 @@\n one\n+two\n".to_owned(),
            rubric: Some(Rubric {
                name: "code".to_owned(),
                dimensions: vec![dimension],
                text: "Count right.".to_owned(),
                ..Rubric::default()
            }),
            ..Subject::default()
        })
        .await
        .unwrap();

    assert_eq!(verdict.scores[0].value, 0.4);
    assert_eq!(verdict.findings[0].evidence, "src/a.txt:2");
}
