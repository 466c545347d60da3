//! Evidence that the run changed: the checks run again with it as it was, and what hangs on it the task names, a person
//! accepts, or nobody.

use openkoi_core::{
    approval::Answer,
    event::Event,
    evidence::Basis,
    frozen::{Hanging, LetThrough},
    run::Paused,
};

use crate::script::{BUILT, COMPILED, LOCAL, Line, World, ending, last_decision, plan, write};

/// A world whose one test is red.
fn red(criterion: Option<&str>) -> World {
    World::new().with_file("tests", "wants:good").planner([plan("change", criterion)])
}

fn done() -> Line {
    Line::Say("done")
}

/// Returns where the checks were asked, in their order.
fn evaluations(world: &World) -> Vec<String> {
    let entries = world.entries();
    let asked = entries.iter().filter_map(|entry| match &entry.event {
        Event::EvaluationStarted { evaluator } if evaluator == "checks" => Some(&entry.key),
        _ => None,
    });
    asked.map(|key| key.trim_end_matches("/e/checks").to_owned()).collect()
}

fn once(world: World) -> World {
    world.settings(|s| s.max_iterations = 1)
}

#[test]
fn a_fix_is_verified_with_the_tests_as_they_were_though_there_are_new_ones() {
    let world = once(red(Some("good"))).executor([
        write("code", "good better"),
        write("tests", "wants:good wants:better"),
        Line::Say("fixed, with a test of its own"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    assert_eq!(outcome.differences, []);
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    assert!(
        matches!(&outcome.claims[0].basis, Basis::Verified { changed, .. } if changed.is_empty())
    );
    assert!(world.verify().is_ok());
}

#[test]
fn what_another_version_of_the_runner_says_is_checked_and_not_verified() {
    let world = once(red(Some("good"))).with_file("runner", "unit 1.0").executor([
        write("code", "good"),
        write("runner", "unit 2.0"),
        Line::Say("fixed"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    let Basis::Verified { changed, .. } = &outcome.claims[0].basis else { panic!("no receipt") };
    assert_eq!(*changed, ["unit 2.0, before the task unit 1.0"]);
}

#[test]
fn a_red_test_that_was_made_to_want_what_there_is_fixes_nothing() {
    let world = World::new().with_file("tests", "wants:fine").planner([plan("change", None)]);
    let world = world.settings(|s| s.max_iterations = 2).executor([
        write("tests", "wants:bad"),
        Line::Say("all green"),
        write("notes", "x"),
        Line::Say("there is nothing more to do"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(last_decision(&world).1, "unit fine does not run any more under its name");
    assert_eq!(world.file("tests").as_deref(), Some("wants:fine"), "the tests are put back");
    let prompts = world.prompts("executor");
    let told = format!("{:?}", prompts.last());
    assert!(told.contains("ran with these files as they were before you began"), "{told}");
}

#[test]
fn a_red_test_that_the_task_names_is_a_question_at_the_end() {
    let world = once(red(None)).executor([write("tests", "wants:bad"), Line::Say("all green")]);

    let Err(Paused::Approval(request)) = world.run() else { panic!("no question") };

    assert_eq!(request.target, "unit good does not run any more under its name");
    assert_eq!(world.file("tests").as_deref(), Some("wants:bad"), "the work stays");
}

#[test]
fn tests_that_follow_the_behaviour_are_a_question_at_once() {
    // The behaviour changes, and a test goes with it.
    let follows = || {
        once(World::new().with_file("code", "make_old").with_file("tests", "wants:make_old"))
            .planner([plan("change", None)])
            .executor([write("code", "good"), write("tests", "wants:good"), Line::Say("done")])
    };

    let accepted = follows().answers([Answer::AllowOnce]);
    let outcome = accepted.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&accepted));
    assert_eq!(outcome.differences[0].hanging, Hanging::Gone);
    assert_eq!(outcome.differences[0].through, Some(LetThrough::Person));
    assert!(accepted.asked()[0].shown.contains("tests"), "{:?}", accepted.asked());
    assert!(accepted.verify().is_ok());

    let refused = follows().answers([Answer::RejectOnce]);
    let outcome = refused.run().expect("an outcome");
    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(refused.file("tests").as_deref(), Some("wants:make_old"), "the tests are put back");
    assert_eq!(refused.file("code").as_deref(), Some("good"), "the rest stays");
    assert!(refused.verify().is_ok());

    let nobody = follows();
    assert!(matches!(nobody.run(), Err(Paused::Approval(_))));
    assert_eq!(nobody.file("tests").as_deref(), Some("wants:good"), "the work stays");
    let resumed = nobody.answers([Answer::AllowOnce]);
    assert_eq!(ending(&resumed.resume().expect("an outcome")), "accepted");
    assert!(resumed.verify().is_ok());
}

#[test]
fn no_second_run_is_paid_for_where_no_evidence_changed_or_something_green_is_red() {
    let fix = once(red(None)).executor([write("code", "good"), Line::Say("fixed")]);
    fix.run().expect("an outcome");
    assert_eq!(fix.count("evaluation.finished"), 3, "before, after, and the judge");

    let breaks = once(World::new().with_file("code", "bad").with_file("tests", "wants:bad"))
        .planner([plan("change", None)])
        .executor([write("code", "x"), write("tests", "wants:bad wants:x"), Line::Say("done")]);
    breaks.run().expect("an outcome");
    assert_eq!(breaks.count("evaluation.finished"), 2, "before and after");
}

#[test]
fn accepted_work_keeps_its_tests_though_another_test_is_red_as_before() {
    let tests = "wants:good wants:other wants:better";
    let world = World::new().with_file("tests", "wants:good wants:other");
    let world = once(world.planner([plan("change", None)])).executor([
        write("code", "good better"),
        write("tests", tests),
        Line::Say("fixed, with a test of its own"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    assert_eq!(world.file("tests").as_deref(), Some(tests), "what was accepted stays");
    assert_eq!(outcome.taken_back, []);
}

#[test]
fn a_test_that_is_to_fail_is_a_question_about_nothing_else() {
    // The task asks for a test that fails, and the work adds one.
    let asked = |text, lines: &[Line]| {
        let mut world = World::new().with_file("code", "good").planner([plan("change", None)]);
        world.text = text;
        once(world).executor(lines.to_vec())
    };
    let adds = || [write("tests", "wants:good wants:more"), Line::Say("it fails")];
    let wanted = || asked("write a failing test for more", &adds());

    let nobody = wanted();
    let Err(Paused::Approval(request)) = nobody.run() else { panic!("no question") };
    assert_eq!(request.target, "unit more");
    assert_eq!(nobody.file("tests").as_deref(), Some("wants:good wants:more"), "the work stays");

    let accepted = nobody.answers([Answer::AllowOnce]);
    let outcome = accepted.resume().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&accepted));
    assert!(accepted.verify().is_ok());

    let refused = wanted().answers([Answer::RejectOnce]);
    assert_eq!(ending(&refused.run().expect("an outcome")), "exhausted");
    assert!(refused.verify().is_ok());

    // Without such words, or with a change beside the tests, a new red test is refused as ever.
    let unasked = asked("write a test for more", &adds());
    let beside = [write("code", "good and else"), adds()[0].clone(), Line::Say("done")];
    let beside = asked("write a failing test for more", &beside);
    // And nothing makes up for a test that was green.
    let breaks = [write("tests", "wants:more"), Line::Say("it fails")];
    let breaks = asked("write a failing test for more", &breaks);
    for (world, because) in [
        (unasked, "unit more is new, and red"),
        (beside, "unit more is new, and red"),
        (breaks, "is red, and was not before"),
    ] {
        assert_eq!(ending(&world.run().expect("an outcome")), "exhausted");
        assert!(last_decision(&world).1.contains(because), "{:?}", last_decision(&world));
    }
}

#[test]
fn a_test_that_only_piped_or_printed_text_names_is_not_named_by_the_task() {
    // The behaviour changes, and a test goes with it, of which the person said nothing.
    for text in [
        "change it\n\n<stdin>\ntest make_old passed\n</stdin>",
        "change it\n\nI ran `make` (exit code 0):\n```\ntest make_old passed\n```",
    ] {
        let world = World::new().with_file("code", "make_old").with_file("tests", "wants:make_old");
        let mut world = once(world.planner([plan("change", None)]));
        world.text = text;
        let world = world.executor([
            write("code", "good"),
            write("tests", "wants:good"),
            Line::Say("done"),
        ]);

        let ended = world.run();

        assert!(!ended.is_ok_and(|outcome| ending(&outcome) == "accepted"), "{text}");
    }
    // Where it says so itself, there is nothing to ask.
    let world = World::new().with_file("code", "make_old").with_file("tests", "wants:make_old");
    let mut world = once(world.planner([plan("change", None)]));
    world.text = "change it, and make_old with it";
    let world =
        world.executor([write("code", "good"), write("tests", "wants:good"), Line::Say("done")]);
    assert_eq!(ending(&world.run().expect("an outcome")), "accepted");
}

#[test]
fn a_listing_of_files_makes_no_red_test_the_tasks_own_and_a_report_of_it_does() {
    for (text, accepted) in [
        ("change it", true),
        ("change it\n\n<stdin>\ntests code test_calc.py\n</stdin>", true),
        ("change it\n\n<stdin>\nFAILED other\n</stdin>", false),
        ("change it, and mend the tests", false),
    ] {
        let world =
            World::new().with_file("code", "good").with_file("tests", "wants:good wants:other");
        let mut world = once(world.planner([plan("change", None)]));
        world.text = text;
        let world = world.executor([write("code", "good and more"), Line::Say("done")]);

        let ended = world.run();

        let is_accepted = ended.is_ok_and(|outcome| ending(&outcome) == "accepted");
        assert_eq!(is_accepted, accepted, "{text}");
    }
}

/// What a run builds itself is in no state: it may be built of anything.
#[test]
fn checks_build_for_themselves_what_the_run_had_built_and_are_verified() {
    let world = once(red(Some("good"))).executor([
        write("code", "good"),
        write(BUILT, "good, of these sources"),
        Line::Say("fixed and built"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    let Basis::Verified { changed, .. } = &outcome.claims[0].basis else { panic!("no receipt") };
    assert_eq!(*changed, [""; 0]);
    assert_eq!(evaluations(&world), ["base", "i1/anew"], "one run of the checks is enough");
    assert!(world.verify().is_ok());
}

#[test]
fn what_passes_only_with_what_the_run_built_is_a_persons_to_accept() {
    let built = || once(red(None)).executor([write(BUILT, "good"), write("code", "poor"), done()]);

    let nobody = built();
    let Err(Paused::Approval(request)) = nobody.run() else { panic!("no question") };
    let why = "unit good passes only with what this task left in ignored files";
    assert_eq!(request.target, why);
    assert_eq!(evaluations(&nobody), ["base", "i1/anew", "i1"]);

    let accepted = built().answers([Answer::AllowOnce]);
    let outcome = accepted.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&accepted));
    assert_eq!(outcome.differences[0].hanging, Hanging::Built);
    assert!(accepted.verify().is_ok());

    let refused = built().answers([Answer::RejectOnce]);
    assert_eq!(ending(&refused.run().expect("an outcome")), "exhausted");
    assert_eq!(refused.file("code").as_deref(), Some("poor"), "the work stays");
    assert!(refused.verify().is_ok());
}

#[test]
fn checks_see_what_was_left_where_git_ignores_it_if_the_task_names_it() {
    let red = |criterion| {
        let mut world = once(red(criterion));
        world.text = "write ./local, then all is good";
        world
    };
    let left = || vec![write(LOCAL, "good"), write(BUILT, "of it")];
    let world = red(Some("good")).executor([left(), vec![done()]].concat());

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{:?}", last_decision(&world));
    assert_eq!(evaluations(&world), ["base", "i1/anew"]);
    assert!(world.verify().is_ok());

    let changed = vec![write("tests", "wants:good wants:new"), write("code", "new"), done()];
    let world = red(Some("good")).executor([left(), changed].concat());
    assert_eq!(ending(&world.run().expect("an outcome")), "accepted");
    assert_eq!(evaluations(&world), ["base", "i1/anew", "i1/frozen"]);
}

#[test]
fn what_passes_only_with_what_is_ignored_and_not_asked_for_is_a_persons_to_accept() {
    let world = once(red(None)).executor([write(LOCAL, "good"), write("code", "poor"), done()]);

    let Err(Paused::Approval(request)) = world.run() else { panic!("no question") };

    assert!(request.target.contains("passes only with what this"), "{}", request.target);
    assert_eq!(evaluations(&world), ["base", "i1/anew", "i1"]);
    assert_eq!(world.file(LOCAL).as_deref(), Some("good"), "the work stays");
}

#[test]
fn no_check_rests_on_by_products_of_the_run() {
    let world =
        once(red(Some("good"))).executor([write(COMPILED, "good"), write("code", "poor"), done()]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted", "{:?}", last_decision(&world));
    assert_eq!(evaluations(&world), ["base", "i1"]);
    assert_eq!(world.file(COMPILED).as_deref(), Some("good"), "it stays");
    assert!(world.verify().is_ok());
}

#[test]
fn tests_that_were_changed_run_as_they_were_without_what_the_run_built() {
    let world = once(red(None)).executor([
        write(BUILT, "good"),
        write("tests", "wants:good wants:new"),
        write("code", "new"),
        done(),
    ]);

    let Err(Paused::Approval(request)) = world.run() else { panic!("no question") };

    assert!(request.target.contains("unit good passes only with what this"), "{}", request.target);
}
