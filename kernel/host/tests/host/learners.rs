//! Learners: what they are told, what they may ask for, and the bounds of what they say.

use openkoi_core::{
    capability::Grant,
    failure::Failure,
    grant::ComponentGrant,
    id::TaskId,
    learning::{
        SeenTask,
        seen::{CheckRun, TaskEnding},
    },
    message::{Part, StopReason, Turn, Usage},
};

use crate::guests::learner_world;

fn seen(text: &str) -> SeenTask {
    let check = CheckRun {
        id: "make:test".to_owned(),
        category: "test".to_owned(),
        command: "make test".to_owned(),
        iteration: 1,
        passed: true,
        duration_ms: 5,
    };
    SeenTask {
        task: TaskId::new("01t"),
        text: text.to_owned(),
        workspace: "/work".to_owned(),
        ending: TaskEnding::Accepted,
        ended_ms: 1,
        score: None,
        iterations: 1,
        fixed: Vec::new(),
        broken: Vec::new(),
        findings: Vec::new(),
        checks: vec![check],
        commands: Vec::new(),
        tools: Vec::new(),
        changed: Vec::new(),
        skills: Vec::new(),
        notes: Vec::new(),
        outside: Vec::new(),
        reaction: None,
    }
}

#[tokio::test]
async fn a_learner_is_told_what_became_of_a_task_and_its_lesson_arrives() {
    let lesson = learner_world().observe(&seen("fix it")).await.expect("it learns");
    let [one] = lesson.learnings.as_slice() else { panic!("{lesson:?}") };
    assert_eq!(
        (one.text.as_str(), one.evidence.as_slice()),
        ("fix it: 1 checks", &["01t".to_owned()][..])
    );
}

#[tokio::test]
async fn records_and_memory_are_read_where_they_are_granted_and_refused_where_they_are_not() {
    let mut world = learner_world();
    for (asked, said) in [("records", "0 tasks"), ("recall", "0 learnings")] {
        let lesson = world.observe(&seen(asked)).await.expect("it is granted");
        assert_eq!(lesson.learnings[0].text, said);
    }

    let granted = |interface: &str| ComponentGrant {
        own: Grant { whole: [interface.to_owned()].into(), ..Grant::default() },
        ..ComponentGrant::default()
    };
    for (granted, refused) in [(granted("memory"), "records"), (granted("records"), "recall")] {
        let mut world = learner_world();
        world.grant("scholar", granted);
        let refused = world.observe(&seen(refused)).await;
        assert!(matches!(refused, Err(Failure::Denied { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_learner_asks_the_model_of_the_role_that_it_was_granted_and_no_other() {
    let mut world = learner_world();
    let turn = Turn {
        parts: vec![Part::Text("Nothing.".to_owned())],
        stop: StopReason::Finished,
        model: "small".to_owned(),
        usage: Usage::default(),
        route: None,
    };
    world.turn(turn);
    let lesson = world.observe(&seen("ask small")).await.expect("it is granted");
    assert_eq!(lesson.learnings[0].text, "Nothing.");

    let refused = world.observe(&seen("ask executor")).await;
    assert!(matches!(refused, Err(Failure::Denied { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_lesson_beyond_its_bounds_a_failure_and_a_trap_cost_the_lesson_alone() {
    let mut world = learner_world();
    let many = world.observe(&seen("many")).await;
    assert!(matches!(many, Err(Failure::Limited { .. })), "{many:?}");
    let failed = world.observe(&seen("fail")).await;
    assert_eq!(failed, Err(Failure::Failed("nothing was learnt".to_owned())));
    let trapped = world.observe(&seen("panic")).await;
    assert!(matches!(trapped, Err(Failure::Trapped { .. })), "{trapped:?}");
    world.observe(&seen("on it goes")).await.expect("the next one is unharmed");
}
