//! Learns from how a task went.
//!
//! [`facts`] are what the host saw: which commands check this project and how long they take, which program was not there and
//! which one did its work, which command failed and what worked instead. A model is asked once, and only where something was
//! broken and mended: [`mended`] shows it what, and takes sentences that name what they rest on.

mod facts;
mod mended;

use openkoi_sdk::{
    Result, export_learner,
    learner::{Ending, Learner, Lesson, Outcome, Reaction},
    log, memory,
    model::{Host, Models},
};

/// The most learnings of one task.
const MOST: usize = 6;
/// How many known ones are looked at for each sentence.
const LOOKED_AT: u32 = 5;

/// The component.
struct Lessons;

impl Learner for Lessons {
    fn observe(outcome: &Outcome) -> Result<Lesson> {
        Ok(observed(outcome, &Host, &|text| known(text)))
    }
}

/// Returns what an outcome taught. A reaction that is known later teaches no sentence: the host counts it for those that are
/// there.
fn observed(outcome: &Outcome, models: &dyn Models, known: &dyn Fn(&str) -> bool) -> Lesson {
    let mut lesson = Lesson { learnings: Vec::new(), proposals: Vec::new() };
    if outcome.ending != Ending::Accepted || outcome.reaction != Reaction::Unknown {
        return lesson;
    }
    lesson.learnings = facts::of(outcome);
    match mended::sentences(outcome, models) {
        // What is known is said again, which confirms it; what is new has to be worth a line.
        Ok(sentences) => lesson.learnings.extend(sentences),
        Err(failure) => log::debug(&format!("nothing was learnt with a model: {failure}")),
    }
    // New ones first, if there are too many.
    lesson.learnings.sort_by_key(|one| known(&one.text));
    lesson.learnings.truncate(MOST);
    lesson
}

/// Returns whether something of nearly the same words is remembered.
fn known(text: &str) -> bool {
    let found = memory::recall(text, LOOKED_AT).unwrap_or_default();
    found.iter().any(|one| one.text == text)
}

export_learner!(Lessons);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{outcome, run};
    use openkoi_sdk::model::Scripted;

    #[test]
    fn nothing_is_learnt_from_work_that_was_not_accepted_or_that_somebody_took_back() {
        let model = Scripted::new::<String>([]);
        let accepted = outcome();
        for other in [
            Outcome { ending: Ending::Stopped, ..accepted.clone() },
            Outcome { reaction: Reaction::Undone, ..accepted.clone() },
        ] {
            assert!(observed(&other, &model, &|_| false).learnings.is_empty());
        }
        assert!(!observed(&accepted, &model, &|_| false).learnings.is_empty());
        assert!(model.asked().is_empty(), "nothing was mended");
    }

    #[test]
    fn what_is_known_gives_way_to_what_is_new() {
        let model = Scripted::new::<String>([]);
        let mut many = outcome();
        for number in 0..9 {
            many.commands.push(run(&format!("tool{number} x"), 127));
            many.commands.push(run(&format!("tool{number}3 x"), 0));
            many.commands.push(run(&format!("make part{number} fast"), 2));
            many.commands.push(run(&format!("make part{number} well"), 0));
        }
        let lesson = observed(&many, &model, &|text| text.contains("checked"));
        assert_eq!(lesson.learnings.len(), MOST);
        assert!(lesson.learnings.iter().all(|one| !one.text.contains("checked")));
    }
}
