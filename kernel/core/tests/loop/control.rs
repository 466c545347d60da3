//! Work that changes files which steer agents and tools is for a person to accept.

use openkoi_core::{
    approval::Answer, evaluation::Change, outcome::Outcome, run::Paused, tool::Effect,
    trust::TrustLevel,
};

use crate::script::{Line, World, ending, last_decision, plan, write};

const HOOK: &str = ".git/hooks/pre-commit";

/// A model that does what it should, and changes control files on the way.
fn planting() -> World {
    World::new().settings(|s| s.max_iterations = 1).planner([plan("change", None)]).executor([
        write("AGENTS.md", "obey"),
        write(HOOK, "evil"),
        write("code", "good"),
        Line::Say("done"),
    ])
}

/// The control files are as they were, and the rest of the work is there.
fn only_the_work_stays(world: &World) -> bool {
    let code = world.file("code");
    code.as_deref() == Some("good")
        && world.file(HOOK).is_none()
        && world.file("AGENTS.md").is_none()
}

fn violations(outcome: &Outcome) -> &[String] {
    &outcome.standing.violations
}

#[test]
fn good_work_that_changes_control_files_waits_for_a_person() {
    let world = planting();

    let Err(Paused::Approval(request)) = world.run() else { panic!("no question") };

    assert_eq!(request.action, "accept changed control files");
    assert_eq!(request.target, ".git/hooks/pre-commit; AGENTS.md");
    assert_eq!((request.domain.as_str(), request.effect), ("control", Effect::Send));
    assert_eq!(world.asked().len(), 1);
    assert_eq!(world.count("task.paused"), 1);

    let world = world.answers([Answer::AllowOnce]);
    let outcome = world.resume().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.file(HOOK).as_deref(), Some("evil"));
    assert_eq!(world.prompts("executor").len(), 4, "no turn was asked for twice");
    assert_eq!(world.verify().expect("a replay"), outcome);
}

#[test]
fn a_person_who_says_no_gets_the_work_without_the_control_files() {
    let world = planting().answers([Answer::RejectOnce]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert!(last_decision(&world).1.contains("accept changed control files"));
    assert!(only_the_work_stays(&world));
    assert!(violations(&outcome)[0].contains(HOOK), "{outcome:?}");
    assert_eq!(world.verify().expect("a replay"), outcome);
}

#[test]
fn a_change_that_is_taken_back_needs_no_second_question() {
    let world = planting()
        .settings(|s| s.max_iterations = 2)
        .executor([write("AGENTS.md", ""), write(HOOK, ""), Line::Say("taken back")])
        .answers([Answer::RejectOnce]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.best_iteration), ("accepted", 2));
    assert_eq!(world.asked().len(), 1);
    assert_eq!(world.file("code").as_deref(), Some("good"));
    assert_eq!(world.file(HOOK), None);
}

#[test]
fn control_files_of_work_that_is_not_accepted_are_put_back_and_the_rest_stays() {
    let world = planting().judge([Ok(0.5)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.best_iteration), ("exhausted", 1));
    assert!(world.asked().is_empty(), "nobody is asked about work that is not good enough");
    assert!(only_the_work_stays(&world));
    assert!(violations(&outcome)[0].contains("taken back"), "{outcome:?}");
}

#[test]
fn the_better_iteration_is_kept_without_its_control_files() {
    let world = World::new()
        .settings(|s| s.max_iterations = 2)
        .planner([plan("change", None)])
        .executor([write("code", "good"), Line::Say("one")])
        .executor([write("AGENTS.md", "obey"), Line::Say("two")])
        .judge([Ok(0.4), Ok(0.6)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.best_iteration), ("exhausted", 2));
    assert_eq!(world.file("code").as_deref(), Some("good"));
    assert_eq!(world.file("AGENTS.md"), None);
    assert_eq!(outcome.taken_back.len(), 1, "{outcome:?}");
}

#[test]
fn a_person_is_asked_about_control_files_even_where_nothing_is_judged() {
    let unjudged = || {
        World::new().settings(|s| s.max_iterations = 0).executor([
            write(HOOK, "evil"),
            write("code", "good"),
            Line::Say("done"),
        ])
    };

    let Err(Paused::Approval(request)) = unjudged().run() else { panic!("no question") };
    assert_eq!(request.target, HOOK);

    let world = unjudged().answers([Answer::RejectOnce]);
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "exhausted");
    assert!(only_the_work_stays(&world));

    let world = unjudged().answers([Answer::AllowOnce]);
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.file(HOOK).as_deref(), Some("evil"));
    assert_eq!(world.count("evaluation.started"), 0);
}

#[test]
fn an_always_answer_covers_exactly_these_control_files() {
    let world = planting()
        .settings(|s| s.max_iterations = 2)
        .executor([write(".git/config", "evil"), write("code", "good, still"), Line::Say("more")])
        .judge([Ok(0.5), Ok(0.9)])
        .answers([Answer::AllowAlways]);

    world.run().expect("an outcome");

    let rules: Vec<String> = world.remembered().iter().map(ToString::to_string).collect();
    let [rule] = rules.as_slice() else { panic!("{rules:?}") };
    let files = "allow the loop accept changed control files on \
                 \".git/config; .git/hooks/pre-commit; AGENTS.md (difference ";
    assert!(rule.starts_with(files), "it is for what was shown: {rule}");
}

#[test]
fn a_trusted_domain_asks_nobody() {
    let mut world = planting();
    world.policy.trust.domains.insert("control".into(), TrustLevel::Autonomous);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert!(world.asked().is_empty());
    let events = world.events();
    assert!(events.contains(&"i1/control gate.decided".to_owned()), "{events:?}");
}

#[test]
fn a_change_in_an_old_journal_does_not_count_as_a_control_file() {
    let old = r#"{"path":"AGENTS.md","kind":"added"}"#;

    let change: Change = serde_json::from_str(old).expect("a change");

    assert!(!change.control);
    assert_eq!(serde_json::to_string(&change).expect("JSON"), old);
}
