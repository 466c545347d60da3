//! What each agency may do. A component says what it likes; here it is held to its powers and to its evidence.

use std::collections::BTreeSet;

use super::{
    assessment::{Assessment, Caveat, Citation, UserQuestion, Vote},
    motion::Motion,
    names,
};
use crate::failure::Failure;

/// The longest text of an assessment that is taken, in bytes.
const LONGEST: usize = 600;
/// The most caveats of one agency.
pub const MOST_CAVEATS: usize = 5;
/// The most citations of one caveat.
const MOST_CITATIONS: usize = 8;
/// The most choices of a question.
const MOST_CHOICES: usize = 6;
/// The most steps of another plan.
const MOST_STEPS: usize = 12;

/// Returns what an agency said, if that is an assessment at all. Anything else is not worth a place in the journal, and may not be
/// written down: a share that is no number has no form there.
///
/// # Errors
///
/// What is wrong with it.
pub fn readable(said: Assessment) -> Result<Assessment, Failure> {
    match oddity(&said) {
        Some(oddity) => Err(Failure::Failed(format!("it said nothing that counts: {oddity}"))),
        None => Ok(said),
    }
}

/// Returns what counts of a [`readable`] assessment. Whoever failed abstains.
#[must_use]
pub fn held(agency: &str, said: &Result<Assessment, Failure>, motion: &Motion) -> Assessment {
    let said = match said {
        Ok(said) => said,
        Err(failure) => return Assessment::silent(format!("it could not be heard: {failure}")),
    };
    let mut held = said.clone();
    let known = Known::of(motion);
    for caveat in &mut held.caveats {
        caveat.citations.retain(|citation| known.has(citation));
    }
    held.alternative = held.alternative.filter(|_| agency == names::STRATEGIST);
    held.question = held.question.filter(|_| agency == names::EMPATH);
    held.vote = vote(agency, &held);
    if held.vote == Vote::Abstain && said.vote != Vote::Abstain {
        held.reason = "it asks for an answer, and puts no question".to_owned();
    }
    held
}

/// Returns the vote that an agency has the power for.
fn vote(agency: &str, said: &Assessment) -> Vote {
    match said.vote {
        Vote::Veto if agency == names::GUARDIAN => Vote::Veto,
        // Money stops work by a figure that everybody can look up.
        Vote::Veto if agency == names::ECONOMIST && cites_a_figure(&said.caveats) => Vote::Veto,
        Vote::Veto => Vote::Objection,
        Vote::Ask if said.question.is_some() => Vote::Ask,
        Vote::Ask if agency == names::EMPATH => Vote::Abstain,
        Vote::Ask => Vote::Objection,
        Vote::Approve if !said.caveats.is_empty() => Vote::Caveats,
        Vote::Caveats if said.caveats.is_empty() => Vote::Approve,
        vote => vote,
    }
}

fn cites_a_figure(caveats: &[Caveat]) -> bool {
    let is_figure = |citation: &Citation| matches!(citation, Citation::Figure(_));
    caveats.iter().any(|caveat| caveat.citations.iter().any(is_figure))
}

/// Returns what is wrong with an assessment that cannot be taken for one.
fn oddity(said: &Assessment) -> Option<&'static str> {
    let is_share = |value: f64| (0.0..=1.0).contains(&value);
    let is_text = |text: &str| {
        !text.trim().is_empty()
            && text.len() <= LONGEST
            && !text.contains(['\n', '\r', '\0', '\u{1b}'])
    };
    let caveats =
        said.caveats.iter().all(|one| is_text(&one.text) && one.citations.len() <= MOST_CITATIONS);
    let asked = |one: &UserQuestion| {
        let texts = [&one.text, &one.assumed];
        texts.into_iter().chain(&one.choices).all(|text| is_text(text))
            && one.choices.len() <= MOST_CHOICES
    };
    match said {
        said if !is_share(said.confidence) || !is_share(said.success) => {
            Some("its figures are no shares")
        }
        said if !is_text(&said.reason) => Some("its reason is not one sentence"),
        said if said.caveats.len() > MOST_CAVEATS || !caveats => {
            Some("its caveats are not a few sentences")
        }
        said if !said.question.iter().all(asked) => Some("its question is not one sentence"),
        said if said.alternative.iter().any(|one| {
            let steps = one.plan.iter().all(|step| is_text(&step.text));
            one.plan.is_empty() || one.plan.len() > MOST_STEPS || !steps || !is_text(&one.why)
        }) =>
        {
            Some("its other plan is not a few steps")
        }
        _ => None,
    }
}

/// What can be cited of a motion.
struct Known {
    parts: BTreeSet<String>,
    learnings: BTreeSet<String>,
    tasks: BTreeSet<String>,
    figures: Vec<&'static str>,
}

impl Known {
    fn of(motion: &Motion) -> Self {
        let steps = motion.plan.iter().map(|step| step.id.clone());
        let criteria = motion.criteria.iter().map(|one| one.id.clone());
        let tools = motion.powers.iter().map(|power| power.tool.clone());
        Self {
            parts: steps.chain(criteria).chain(tools).chain(["task".to_owned()]).collect(),
            learnings: motion.learnings.iter().map(|note| note.id.clone()).collect(),
            tasks: motion.forecast.tasks.iter().map(ToString::to_string).collect(),
            figures: motion.forecast.figures(),
        }
    }

    /// Returns whether there is what a citation names. Of places the host has looked.
    fn has(&self, citation: &Citation) -> bool {
        match citation {
            Citation::Place(_) => true,
            Citation::Motion(part) => self.parts.contains(part),
            Citation::Learning(id) => self.learnings.contains(id),
            Citation::Task(id) => self.tasks.contains(id),
            Citation::Figure(name) => self.figures.contains(&name.as_str()),
        }
    }
}
