//! Empath: what only the user knows. It may ask one question.
//!
//! What the user has said before is cited. Whether a task is open to several readings is computed from its words; only then is
//! a small model asked for the one question that matters.

use openkoi_agency_counsel::{
    approve, ask, files, may_be_english, said, shared, with_caveats, words,
};
use openkoi_sdk::{
    Result,
    agency::{Agency, Assessment, Caveat, Citation, Motion, Verdict},
    export_agency,
    model::{Host, Models},
};

/// Words that leave open what is wanted.
const OPEN: [&str; 18] = [
    "better",
    "nicer",
    "improve",
    "clean",
    "cleanup",
    "faster",
    "modern",
    "modernise",
    "modernize",
    "somehow",
    "something",
    "stuff",
    "etc",
    "maybe",
    "perhaps",
    "simplify",
    "polish",
    "redesign",
];
/// The fewest words of a task that stands alone.
const FEWEST: usize = 4;
/// The words that something said before shares with the task if it is about it.
const ABOUT: usize = 1;
const MOST_SAID: usize = 2;

const SIDE: &str = "You are the empath of a chamber that looks at a task before an agent carries it out. You look at one thing \
    alone: whether the task can be read in two ways that lead to different work, so that only its user can say which is meant. \
    If so, say `ask` and add \"question\":{\"text\":\"one short question\",\"why\":\"what depends on it\",\
    \"choices\":[\"…\",\"…\"],\"assumed\":\"what is sensible to assume if nobody answers, one sentence\"}. Do not ask for \
    what can be found out by reading the project, nor for a yes to what was asked for. Otherwise `approve`.";

struct Empath;

impl Agency for Empath {
    fn assess(motion: &Motion) -> Result<Assessment> {
        assessed(motion, &Host)
    }
}

fn assessed(motion: &Motion, models: &dyn Models) -> Result<Assessment> {
    let caveats: Vec<Caveat> = said_before(motion).collect();
    let own = match is_open(motion) {
        true => {
            let asked = ask(models, SIDE, motion, None)?;
            Assessment { caveats: Vec::new(), ..asked }
        }
        false if caveats.is_empty() => approve(motion, 0.7, "it says what is wanted"),
        false => said(
            motion,
            Verdict::ApproveWithCaveats,
            0.8,
            "the user has said before how it should be",
        ),
    };
    Ok(with_caveats(own, caveats))
}

/// Returns what the user said before that is about this task.
fn said_before(motion: &Motion) -> impl Iterator<Item = Caveat> + '_ {
    let own = motion.learnings.iter().filter(|one| one.source == "the user");
    let about = own.filter(|one| shared(&one.text, &motion.text) >= ABOUT).take(MOST_SAID);
    about.map(|one| Caveat {
        text: one.text.clone(),
        citations: vec![Citation::Learning(one.id.clone())],
    })
}

/// Returns whether the words of a task leave open what is wanted.
fn is_open(motion: &Motion) -> bool {
    if motion.continues || !files(&motion.text).is_empty() {
        return false;
    }
    let words = words(&motion.text);
    let has_open_word =
        !may_be_english(&motion.text) || words.iter().any(|word| OPEN.contains(&word.as_str()));
    // The longer a task, the more it says besides.
    words.len() < FEWEST || (has_open_word && words.len() < 20)
}

export_agency!(Empath);

#[cfg(test)]
mod tests {
    use openkoi_agency_counsel::testing::motion;
    use openkoi_sdk::{agency::Learning, model::Scripted};

    use super::*;

    #[test]
    fn a_task_that_says_what_is_wanted_takes_no_request() {
        let model = Scripted::new::<String>([]);
        for clear in [
            "make the failing test of percent pass",
            "improve src/a.rs",
            "add a flag that prints the version",
        ] {
            assert_eq!(
                assessed(&motion(clear, &[]), &model).unwrap().verdict,
                Verdict::Approve,
                "{clear}"
            );
        }
        let continued = Motion { continues: true, ..motion("do it", &[]) };
        assert_eq!(assessed(&continued, &model).unwrap().verdict, Verdict::Approve);
        assert!(model.asked().is_empty());
    }

    #[test]
    fn one_that_leaves_it_open_may_be_asked_about() {
        let answer = r#"{"verdict":"ask","confidence":0.8,"success":0.5,"reason":"Faster can mean two things.",
            "question":{"text":"Start or throughput?","why":"They need different work.","choices":["start","throughput"],
            "assumed":"The start is meant."}}"#;
        let model = Scripted::new([answer]);
        let said = assessed(&motion("make it faster", &[]), &model).unwrap();
        assert_eq!(said.verdict, Verdict::Ask);
        assert_eq!(said.question.unwrap().assumed, "The start is meant.");
    }

    #[test]
    fn what_the_user_said_before_is_cited() {
        let learning = Learning {
            id: "7".to_owned(),
            text: "Always write tests with tables.".to_owned(),
            source: "the user".to_owned(),
        };
        let motion =
            Motion { learnings: vec![learning], ..motion("write the tests of the parser", &[]) };
        let said = assessed(&motion, &Scripted::new::<String>([])).unwrap();
        assert_eq!(said.caveats[0].citations, [Citation::Learning("7".to_owned())]);
    }
}
