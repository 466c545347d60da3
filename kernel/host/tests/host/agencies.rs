//! Agencies: what they are shown, what they may ask for, and that whatever they do costs their word alone.

use openkoi_core::{
    deliberation::{
        assessment::{Assessment, Citation, Vote},
        forecast::Forecast,
        motion::{Left, Motion},
        plan::PlannedStep,
    },
    failure::Failure,
    id::TaskId,
    message::{Part, StopReason, Turn, Usage},
};

use crate::guests::agency_world;

fn motion(text: &str) -> Motion {
    Motion {
        task: TaskId::new("01t"),
        text: text.to_owned(),
        kind: "code".to_owned(),
        plan: PlannedStep::of(&["one".to_owned(), "two".to_owned()]),
        criteria: Vec::new(),
        powers: Vec::new(),
        forecast: Forecast::default(),
        left: Left::default(),
        directive: String::new(),
        learnings: Vec::new(),
        observations: Vec::new(),
        attended: false,
        continues: false,
    }
}

async fn asked(text: &str) -> Result<Assessment, Failure> {
    let mut world = agency_world();
    world.write("a.txt", "one\ntwo\nthree");
    world.assess(&motion(text)).await
}

#[tokio::test]
async fn an_agency_is_shown_a_motion_and_what_it_says_arrives() {
    let said = asked("fix it").await.expect("it speaks");
    assert_eq!((said.vote, said.reason.as_str()), (Vote::Caveats, "fix it: 2 steps, 0 computed"));
}

#[tokio::test]
async fn places_that_are_not_there_are_not_cited() {
    let said = asked("fix it").await.expect("it speaks");
    let places = ["a.txt:1", "a.txt:3"].map(|place| Citation::Place(place.to_owned()));
    assert_eq!(said.caveats[0].citations, places);
}

#[tokio::test]
async fn an_agency_reads_and_changes_nothing() {
    assert_eq!(asked("read").await.expect("it is granted").reason, "13 bytes");
    assert_eq!(asked("records").await.expect("it is granted").reason, "0 assessments");
    let refused = asked("write").await;
    assert!(matches!(refused, Err(Failure::Denied { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_agency_asks_the_model_of_the_role_that_it_was_granted_and_no_other() {
    let mut world = agency_world();
    world.turn(Turn {
        parts: vec![Part::Text("Fine.".to_owned())],
        stop: StopReason::Finished,
        model: "small".to_owned(),
        usage: Usage::default(),
        route: None,
    });
    let said = world.assess(&motion("ask small")).await.expect("it is granted");
    assert_eq!(said.reason, "Fine.");
    let refused = world.assess(&motion("ask executor")).await;
    assert!(matches!(refused, Err(Failure::Denied { .. })), "{refused:?}");
}

#[tokio::test]
async fn one_that_floods_hangs_fails_or_breaks_says_nothing_and_the_next_motion_is_looked_at() {
    let mut world = agency_world();
    for (text, limit) in [("flood", "output-kib"), ("hang", "cpu-ms")] {
        let refused = world.assess(&motion(text)).await;
        let Err(Failure::Limited { name, .. }) = &refused else { panic!("{text}: {refused:?}") };
        assert_eq!(name, limit);
    }
    let failed = world.assess(&motion("fail")).await;
    assert_eq!(failed, Err(Failure::Failed("it has no opinion".to_owned())));
    let trapped = world.assess(&motion("panic")).await;
    assert!(matches!(trapped, Err(Failure::Trapped { .. })), "{trapped:?}");
    world.assess(&motion("on it goes")).await.expect("the next one is unharmed");
}
