//! Strategist: another way to the same end. It may put forward a second plan.
//!
//! A short plan that nothing speaks against is not worth a second one. Otherwise a small model is asked once.

use openkoi_agency_counsel::{approve, ask};
use openkoi_sdk::{
    Result,
    agency::{Agency, Assessment, Motion, Verdict, Weight},
    export_agency,
    model::{Host, Models},
};

/// The fewest steps of a plan that is worth a second one.
const STEPS: usize = 4;
/// Work of which earlier tasks let so little success expect is worth a second plan.
const UNLIKELY: f64 = 0.6;

const SIDE: &str = "You are the strategist of a chamber that looks at a plan before an agent carries it out. You look at one \
    thing alone: whether there is a cheaper or safer way to what the task asks for: fewer steps, smaller changes, what is there \
    already, or a way around what speaks against the plan under `computed`. If there is, add \"plan\":[\"step\",\"step\"] \
    and \"why\":\"what is better about it and what is worse\"; say `objection` if your plan should be taken in place of the \
    first, and `caveats` if the first is fine too. The other plan has to reach everything that the task asks for. Otherwise \
    `approve`, without a plan.";

struct Strategist;

impl Agency for Strategist {
    fn assess(motion: &Motion) -> Result<Assessment> {
        assessed(motion, &Host)
    }
}

fn assessed(motion: &Motion, models: &dyn Models) -> Result<Assessment> {
    let grave = |weight| matches!(weight, Weight::Objection | Weight::Veto);
    let is_opposed = motion.observations.iter().any(|one| grave(one.weight));
    let is_unlikely = motion.forecast.accepted.is_some_and(|span| span.high < UNLIKELY);
    if !(is_opposed || is_unlikely || motion.plan.len() >= STEPS) {
        return Ok(approve(motion, 0.6, "it is short, and nothing speaks against it"));
    }
    let asked = ask(models, SIDE, motion, None)?;
    // An objection of a strategist is another plan.
    let has_nothing = asked.verdict == Verdict::Objection && asked.alternative.is_none();
    let verdict = if has_nothing { Verdict::Abstain } else { asked.verdict };
    Ok(Assessment { verdict, ..asked })
}

export_agency!(Strategist);

#[cfg(test)]
mod tests {
    use openkoi_agency_counsel::testing::motion;
    use openkoi_sdk::model::Scripted;

    use super::*;

    #[test]
    fn a_short_plan_that_nothing_speaks_against_takes_no_request() {
        let model = Scripted::new::<String>([]);
        let said = assessed(&motion("fix it", &["fix it", "test it"]), &model).unwrap();
        assert_eq!(said.verdict, Verdict::Approve);
        assert!(model.asked().is_empty());
    }

    #[test]
    fn a_long_plan_may_get_a_shorter_one_and_an_objection_without_one_says_nothing() {
        let long = motion("fix it", &["a b", "c d", "e f", "g h"]);
        let answer = r#"{"verdict":"objection","confidence":0.8,"success":0.9,"reason":"There is a helper.",
            "plan":["use the helper"],"why":"One step in place of four."}"#;
        let said = assessed(&long, &Scripted::new([answer])).unwrap();
        assert_eq!(said.verdict, Verdict::Objection);
        assert_eq!(said.alternative.unwrap().plan[0].text, "use the helper");

        let empty = r#"{"verdict":"objection","reason":"I would not."}"#;
        assert_eq!(assessed(&long, &Scripted::new([empty])).unwrap().verdict, Verdict::Abstain);
    }
}
