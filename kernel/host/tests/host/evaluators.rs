//! Evaluators: the files that they may read, and the checks on their verdicts (security.md, I177).

use openkoi_core::evaluation::{Change, ChangeKind, Check, Subject, Tier, Verdict};
use openkoi_core::evaluators::Evaluators;
use openkoi_host::kinds::evaluator::CatalogEvaluators;

use crate::guests::evaluator_world;

fn subject(task: &str) -> Subject {
    Subject { task: task.to_owned(), iteration: 2, diff: "+a\n".to_owned(), ..Subject::default() }
}

#[tokio::test]
async fn a_verdict_arrives_with_nothing_in_it_that_drives_a_terminal() {
    let verdict = evaluator_world().evaluate(&subject("judge")).await.expect("it judges");

    assert_eq!((verdict.scores[0].value, verdict.summary.as_str()), (0.5, "iteration 2"));
    assert_eq!(verdict.findings[0].message, "3 bytes of diff␛[2J");
    assert!(verdict.receipts.is_empty());
}

#[tokio::test]
async fn a_verdict_with_an_impossible_score_is_not_evaluated() {
    let mut world = evaluator_world();
    for task in ["nan", "infinite", "eleven", "negative"] {
        let failure = world.evaluate(&subject(task)).await.expect_err(task);
        assert!(failure.to_string().starts_with("not evaluated"), "{task}: {failure}");
    }
    let failure = world.evaluate(&subject("fail")).await.expect_err("it fails");
    assert_eq!(failure.to_string(), "it cannot be judged");
}

#[tokio::test]
async fn an_evaluator_reads_what_it_was_granted() {
    let mut world = evaluator_world();
    world.write("score.txt", [255]);
    let verdict = world.evaluate(&subject("look")).await.expect("it judges");
    assert_eq!(verdict.scores[0].value, 1.0);
}

#[tokio::test]
async fn an_evaluator_is_not_asked_about_an_answer_without_its_words() {
    let mut world = evaluator_world();
    // Whenever it is woken for this task, it fails.
    let answered = |text: &str| Subject {
        answer: Some(text.to_owned()),
        diff: String::new(),
        ..subject("fail")
    };

    let verdict = world.evaluate(&answered("It is Tuesday.")).await.expect("it slept");
    let summary = verdict.summary.clone();
    assert_eq!(verdict, Verdict { summary, ..Verdict::default() });

    let changed = Change { path: "a".to_owned(), kind: ChangeKind::Added, control: false };
    let checked: Check = serde_json::from_value(serde_json::json!({
        "id": "make:test", "category": "test", "command": "make test", "outcome": "passed",
        "exit_code": 0, "tests": [], "test_count": null, "excerpt": "", "receipts": [], "duration_ms": 1
    }))
    .expect("a check");
    for woken in [
        answered("It is MAGIC."),
        Subject { changes: vec![changed], ..answered("It is Tuesday.") },
        Subject { baseline: vec![checked], ..answered("It is Tuesday.") },
        subject("fail"),
    ] {
        world.evaluate(&woken).await.expect_err("it was woken");
    }
}

#[tokio::test]
async fn cards_come_from_the_manifest() {
    let mut world = evaluator_world();
    let judges = CatalogEvaluators::new(&world.host(), world.workdir(), &[]).expect("it loads");
    let cards = judges.cards();
    assert_eq!((cards[0].name.as_str(), cards[0].tier), ("judge", Tier::Rubric));
    assert_eq!(judges.rubric("code"), None);
}
