//! The chamber: what each agency may do, what follows, and that a deliberation is in the journal as everything else.

use openkoi_core::{
    agencies::AgencyUse,
    deliberation::{
        assessment::{Alternative, Assessment, Caveat, Citation, UserQuestion, Vote},
        forecast::PastWork,
        plan::PlannedStep,
        ruling::{Ruling, Seat},
    },
    event::Event,
    failure::Failure,
    id::TaskId,
    model::ModelTrouble,
    outcome::{Ending, Outcome},
    run::Paused,
};
use serde_json::json;

use crate::script::{Line, Member, World, ending, write};

fn plan(steps: &[&str]) -> Line {
    let criteria = json!([{ "text": "it works", "check": "test", "tests": ["good"] }]);
    let plan = json!({ "effort": "change", "kind": "code", "steps": steps, "criteria": criteria });
    Line::Call("submit_plan", plan)
}

/// A world whose executor fixes it, and whose chamber has these members.
fn world(steps: &[&str], members: impl IntoIterator<Item = Member>) -> World {
    World::new()
        .planner([plan(steps)])
        .executor([write("code", "good"), Line::Say("done")])
        .agencies(members)
}

fn all(other: Member) -> Vec<Member> {
    let names = ["guardian", "economist", "scholar", "empath", "strategist"];
    let rest = names.into_iter().filter(|name| *name != other.name);
    rest.map(|name| Member::new(name, Vote::Approve)).chain([other.clone()]).collect()
}

fn held(world: &World) -> (Vec<Seat>, Ruling) {
    let found = world.entries().into_iter().find_map(|entry| match entry.event {
        Event::DeliberationHeld { seats, ruling, .. } => Some((seats, *ruling)),
        _ => None,
    });
    found.expect("a deliberation")
}

fn vote(world: &World, agency: &str) -> Vote {
    let (seats, _) = held(world);
    let seat = seats.iter().find(|seat| seat.agency == agency);
    seat.expect("its seat").assessment.vote
}

fn caveat(text: &str, citation: Citation) -> Caveat {
    Caveat { text: text.to_owned(), citations: vec![citation] }
}

#[track_caller]
fn verified(world: &World, outcome: &Outcome) {
    assert_eq!(&world.verify().expect("the same outcome"), outcome);
}

#[test]
fn a_motion_that_nobody_speaks_against_is_carried_out() {
    let world = world(&["do it"], all(Member::new("guardian", Vote::Approve)));
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(held(&world).1, Ruling::default());
    verified(&world, &outcome);
}

#[test]
fn a_guardian_stops_a_motion_before_anything_is_done() {
    let world = world(&["do it"], all(Member::new("guardian", Vote::Veto)));
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "vetoed");
    assert_eq!(outcome.because, "Guardian stops it: guardian says so");
    assert!(world.prompts("executor").is_empty());
    assert_eq!(world.count("evaluation.finished"), 0, "no check was run");
    verified(&world, &outcome);
}

#[test]
fn a_veto_of_others_is_an_objection_that_the_rest_outvotes() {
    for agency in ["scholar", "empath", "strategist", "stranger"] {
        let world = world(&["do it"], all(Member::new(agency, Vote::Veto)));
        assert_eq!(ending(&world.run().expect("an outcome")), "accepted", "{agency}");
        assert_eq!(vote(&world, agency), Vote::Objection);
    }
}

#[test]
fn an_economist_stops_a_motion_by_a_figure_alone() {
    let past = |number: u64| PastWork {
        task: TaskId::new(format!("t{number}")),
        text: "anything".to_owned(),
        stands: Some(true),
        tokens: 1,
        cost_micros: number,
        duration_ms: Some(1),
        iterations: 1,
    };
    let figure = |name: &str| caveat("too dear", Citation::Figure(name.to_owned()));
    for (name, expected) in [("cost", "vetoed"), ("beauty", "accepted")] {
        let economist =
            Member::new("economist", Vote::Veto).with(|says| says.caveats = vec![figure(name)]);
        let world = world(&["do it"], all(economist)).past((1..=4).map(past).collect());
        assert_eq!(ending(&world.run().expect("an outcome")), expected, "{name}");
    }
}

#[test]
fn objections_stop_a_motion_where_they_are_more_than_the_rest() {
    let members = ["economist", "scholar", "empath"].map(|name| Member::new(name, Vote::Objection));
    let world =
        world(&["do it"], members.into_iter().chain([Member::new("guardian", Vote::Approve)]));
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "vetoed");
    let Ending::Vetoed { stops } = &outcome.ending else { panic!("{outcome:?}") };
    assert_eq!(stops.len(), 3);
}

#[test]
fn the_silence_of_a_guardian_is_a_veto_and_that_of_others_is_silence() {
    let failure = || Err(Failure::Failed("it broke".to_owned()));
    let lies: [fn(&mut Assessment); 6] = [
        |says| says.confidence = f64::NAN,
        |says| says.success = 1.5,
        |says| says.reason = String::new(),
        |says| says.reason = "a\nb".to_owned(),
        |says| says.reason = "x".repeat(10_000),
        |says| says.caveats = vec![caveat("y", Citation::Motion("s1".to_owned())); 6],
    ];
    let mut silent: Vec<Result<Assessment, Failure>> =
        lies.iter().map(|lie| Member::new("x", Vote::Approve).with(lie).says).collect();
    silent.push(failure());
    for says in silent {
        for (agency, expected) in [("guardian", "vetoed"), ("scholar", "accepted")] {
            let member = Member { says: says.clone(), ..Member::new(agency, Vote::Approve) };
            let world = world(&["do it"], all(member));
            let outcome = world.run().expect("an outcome");
            assert_eq!(ending(&outcome), expected, "{agency} {says:?}");
            assert_eq!(vote(&world, agency), Vote::Abstain);
            verified(&world, &outcome);
        }
    }
}

#[test]
fn a_chamber_without_a_guardian_lets_nothing_pass() {
    let world = world(&["do it"], [Member::new("scholar", Vote::Approve)]);
    assert_eq!(ending(&world.run().expect("an outcome")), "vetoed");
}

#[test]
fn an_agency_that_stalls_is_given_up_and_the_others_are_heard() {
    let slow = Member { slow_ms: 90_000, ..Member::new("scholar", Vote::Objection) };
    let world = world(&["do it"], all(slow));
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(vote(&world, "scholar"), Vote::Abstain);
    verified(&world, &outcome);
}

#[test]
fn what_was_computed_stands_whatever_an_agency_says() {
    let world = world(&["do it", "git push"], all(Member::new("guardian", Vote::Approve)));
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "vetoed");
    assert!(outcome.because.contains("the plan runs `git push`"), "{}", outcome.because);
}

#[test]
fn a_caveat_that_rests_on_something_becomes_a_criterion_and_any_other_is_shown_alone() {
    let scholar = Member::new("scholar", Vote::Caveats).with(|says| {
        says.caveats = vec![
            caveat("keep the order", Citation::Motion("s1".to_owned())),
            caveat("mind the gap", Citation::Motion("s9".to_owned())),
            caveat("remember", Citation::Learning("unknown".to_owned())),
        ];
    });
    let world = world(&["do it"], all(scholar)).judge([Ok(0.9)]);
    let outcome = world.run().expect("an outcome");
    let told: Vec<&str> =
        outcome.claims.iter().map(|claim| claim.criterion.text.as_str()).collect();
    assert_eq!(told, ["it works", "keep the order"]);
    let opening = format!("{:?}", world.prompts("executor")[0].messages);
    assert!(opening.contains("keep the order (scholar, on s1)"), "{opening}");
    assert!(!opening.contains("mind the gap"), "{opening}");
    verified(&world, &outcome);
}

fn asks(agency: &'static str) -> Member {
    Member::new(agency, Vote::Ask).with(|says| {
        says.question = Some(UserQuestion {
            text: "Which?".to_owned(),
            why: "It matters.".to_owned(),
            choices: vec!["a".to_owned()],
            assumed: "a is meant.".to_owned(),
        });
    })
}

#[test]
fn one_question_is_put_to_a_person_and_only_by_the_empath() {
    let world = world(&["do it"], all(asks("empath"))).replies("the blue one");
    let outcome = world.run().expect("an outcome");
    let opening = format!("{:?}", world.prompts("executor")[0].messages);
    assert!(opening.contains("The user says: the blue one"), "{opening}");
    assert_eq!(world.questions().len(), 1);
    verified(&world, &outcome);

    let world = self::world(&["do it"], all(asks("scholar"))).replies("the blue one");
    world.run().expect("an outcome");
    assert!(world.questions().is_empty());
    assert_eq!(vote(&world, "scholar"), Vote::Objection);
}

#[test]
fn a_question_without_a_person_is_assumed() {
    let world = world(&["do it"], all(asks("empath")));
    let outcome = world.run().expect("an outcome");
    let opening = format!("{:?}", world.prompts("executor")[0].messages);
    assert!(opening.contains("Assume: a is meant."), "{opening}");
    assert!(world.questions().is_empty(), "nobody is there");
    verified(&world, &outcome);
}

fn other(step: &str, vote: Vote) -> Member {
    let plan = PlannedStep::of(&[step.to_owned()]);
    let other = Alternative { plan, why: "It is shorter.".to_owned() };
    Member::new("strategist", vote).with(|says| says.alternative = Some(other))
}

#[test]
fn another_plan_is_taken_where_it_is_preferred_or_the_first_is_stopped_and_it_is_not_itself() {
    for (first, second, vote, expected) in [
        ("do it", "use the helper", Vote::Objection, Some("use the helper")),
        ("do it", "use the helper", Vote::Caveats, None),
        ("git push", "use the helper", Vote::Caveats, Some("use the helper")),
        ("do it", "git push", Vote::Objection, None),
    ] {
        let world = world(&[first], all(other(second, vote)));
        let outcome = world.run().expect("an outcome");
        assert_eq!(ending(&outcome), "accepted", "{first} {second}");
        let taken = held(&world).1.taken.map(|other| other.plan[0].text.clone());
        assert_eq!(taken.as_deref(), expected, "{first} {second}");
        verified(&world, &outcome);
    }
}

#[test]
fn the_user_overrules_a_stop_and_only_with_a_reason_of_their_own() {
    let world = world(&["do it"], all(Member::new("guardian", Vote::Veto)));
    let stopped = world.run().expect("an outcome");
    assert_eq!(world.resume().expect("as before"), stopped);

    let done = world.resume_with(|settings| openkoi_core::task::TaskSettings {
        overruled: Some("I know better.".to_owned()),
        ..settings
    });

    let done = done.expect("an outcome");
    assert_eq!(ending(&done), "accepted");
    assert_eq!(world.count("ruling.overruled"), 1);
    verified(&world, &done);
}

#[test]
fn a_simulation_ends_before_anything_is_done_and_names_what_it_would_take() {
    let world = world(&["do it"], all(Member::new("guardian", Vote::Approve)))
        .settings(|settings| settings.simulate = true);
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "simulated");
    assert!(world.prompts("executor").is_empty());
    let drawn = world.entries().into_iter().find_map(|entry| match entry.event {
        Event::FuturesDrawn { futures } => Some(futures),
        _ => None,
    });
    let drawn = drawn.expect("the ways");
    let names: Vec<&str> = drawn.prospects.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((names, drawn.chosen.as_str()), (vec!["the plan", "nothing"], "the plan"));
    verified(&world, &outcome);
    assert_eq!(world.resume().expect("it is over"), outcome);
}

/// A chamber in which three ask.
fn asking() -> World {
    let asks = |name| Member { asks: true, ..Member::new(name, Vote::Approve) };
    let members = ["guardian", "scholar", "strategist"].map(asks);
    world(&["do it"], members).small([Line::Say("one"), Line::Say("two"), Line::Say("three")])
}

#[test]
fn agencies_ask_side_by_side_and_what_each_took_is_told() {
    let world = asking();
    let outcome = world.run().expect("an outcome");
    let (seats, _) = held(&world);
    assert!(seats.iter().all(|seat| seat.requests == 1 && seat.spent.tokens > 0), "{seats:?}");
    verified(&world, &outcome);
}

#[test]
fn a_chamber_that_dies_anywhere_asks_nobody_twice() {
    let whole = asking();
    let outcome = whole.run().expect("an outcome");
    let over = whole.entries().iter().position(|entry| entry.event.name() == "iteration.started");
    for at in 1..over.expect("an iteration") {
        let world =
            asking().planner([plan(&["do it"])]).small([Line::Say("four"), Line::Say("five")]);
        world.die_at(Some(at));
        world.run().expect_err("it died");
        world.die_at(None);
        if world.entries().is_empty() {
            continue;
        }
        let resumed = world.resume().expect("an outcome");
        assert_eq!(ending(&resumed), ending(&outcome), "{at}");
        // A turn whose answer was not recorded is asked for again, and no other.
        let asked = world.prompts("small").len();
        let paid = world.entries();
        let paid = paid
            .iter()
            .filter(|entry| entry.event.name() == "turn.finished" && entry.key.contains("/a/"));
        assert!(asked <= paid.count() + 1, "{at}: {asked}");
        let heard = world.count("agency.heard");
        assert_eq!(heard, 3, "{at}");
        verified(&world, &resumed);
    }
}

#[test]
fn a_provider_that_is_not_there_silences_others_and_lets_the_guardian_be_asked_again() {
    let asks = |name| Member { asks: true, ..Member::new(name, Vote::Approve) };
    let fails = || [Line::Fail(ModelTrouble::Unreachable)];
    let world = world(&["do it"], all(asks("scholar"))).small(fails());
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(vote(&world, "scholar"), Vote::Abstain);
    verified(&world, &outcome);

    let world = self::world(&["do it"], all(asks("guardian")))
        .small(fails().into_iter().chain([Line::Say("fine")]));
    let paused = world.run().expect_err("it pauses");
    assert!(matches!(paused, Paused::Model(_)), "{paused:?}");
    let outcome = world.resume().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    verified(&world, &outcome);
}

#[test]
fn whoever_is_spared_is_not_asked() {
    let used = |agency: &str, changed| AgencyUse {
        agency: agency.to_owned(),
        asked: 9,
        changed,
        cost_micros: 1,
        requests: 9,
    };
    let world = world(&["do it"], all(Member::new("guardian", Vote::Approve)))
        .uses(vec![used("guardian", 0), used("scholar", 0), used("empath", 1)])
        .settings(|settings| settings.spares = true);
    world.run().expect("an outcome");
    let names: Vec<String> = held(&world).0.into_iter().map(|seat| seat.agency).collect();
    assert_eq!(names, ["guardian", "economist", "empath", "strategist"]);
}

#[test]
fn a_plain_run_is_told_what_speaks_against_it_and_goes_on() {
    let plan = json!({ "steps": ["git push"], "criteria": [] });
    let mut world = World::new();
    world.one_model = true;
    let world =
        world.executor([Line::Call("plan", plan), write("code", "good"), Line::Say("done")]);
    let outcome = world.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.count("objections.computed"), 1);
    assert_eq!(world.count("motion.put"), 0);
    verified(&world, &outcome);
}
