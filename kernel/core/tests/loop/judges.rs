//! Judges: what they are shown, and what becomes of what they found.

use openkoi_core::{
    evaluation::{Finding, Severity, Subject},
    failure::Failure,
};

use crate::script::{Line, World, ending, last_decision, write};

fn critical() -> Finding {
    Finding {
        severity: Severity::Critical,
        message: "it answers one input".into(),
        evidence: "code:1".into(),
        dimension: "correctness".into(),
    }
}

fn one_model() -> World {
    let mut world = World::new();
    world.one_model = true;
    world
}

fn twice() -> World {
    one_model().settings(|s| s.max_iterations = 2).executor([
        write("code", "good"),
        Line::Say("done"),
        write("code", "good, and more"),
        Line::Say("mended"),
    ])
}

fn cases(world: &World) -> Vec<Subject> {
    world.subjects().into_iter().filter(|subject| subject.rubric.is_some()).collect()
}

#[test]
fn a_judge_is_shown_what_it_found_in_the_work_before() {
    let minor = Finding { severity: Severity::Minor, ..critical() };
    let world = twice().found([critical(), minor]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    let judged = world.subjects().into_iter().filter(|one| !one.checks.is_empty());
    let earlier: Vec<usize> = judged.map(|subject| subject.earlier.len()).collect();
    assert_eq!(earlier, [0, 1]);
    assert!(world.verify().is_ok());
}

#[test]
fn what_a_judge_found_stands_where_it_gives_no_further_verdict() {
    let world = twice()
        .found([critical()])
        .judge([Ok(0.9), Err(Failure::Failed("it is not there".into()))]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(
        outcome.because,
        "the judge found: it answers one input (code:1), and did not look again (judge: it is not there)"
    );
    assert_eq!(world.file("code").as_deref(), Some("good, and more"), "the work stays");
    assert!(world.verify().is_ok());
}

#[test]
fn a_judge_is_told_which_of_the_changed_files_are_evidence() {
    let world = one_model().executor([
        write("code", "good better"),
        write("tests", "wants:good wants:better"),
        Line::Say("done"),
    ]);

    world.run().expect("an outcome");

    assert_eq!(cases(&world).last().map(|case| case.evidence.clone()), Some(vec!["tests".into()]));
}
