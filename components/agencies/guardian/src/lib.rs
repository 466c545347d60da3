//! Guardian: what could not be taken back. It may stop a motion.
//!
//! What was computed of the motion decides. A small model is asked where the plan speaks of something grave and nothing was
//! computed of it: words are wider than any table of commands.

use openkoi_agency_counsel::{
    approve, ask, caveat, computed, may_be_english, parts, said, success, verdict, with_caveats,
    words,
};
use openkoi_sdk::{
    Result,
    agency::{Agency, Assessment, Effect, Motion, Verdict, Weight},
    export_agency,
    model::{Host, Models},
};

/// The name, by which observations are its own.
const NAME: &str = "guardian";

/// Words of a plan after which somebody has to look.
const GRAVE: [&str; 24] = [
    "deploy",
    "deploys",
    "production",
    "publish",
    "release",
    "migrate",
    "migration",
    "drop",
    "delete",
    "deletes",
    "erase",
    "wipe",
    "purge",
    "remove",
    "removes",
    "overwrite",
    "credential",
    "credentials",
    "password",
    "passwords",
    "token",
    "email",
    "mail",
    "payment",
];

const SIDE: &str = "You are the guardian of a chamber that looks at a plan before an agent on the user's machine carries it out. \
    You look at one thing alone: harm that could not be taken back. Files of the workspace are covered by snapshots, and \
    programs run in a sandbox without network, so changing or removing files of the workspace is no such harm. What is: \
    something that leaves the machine, data in a database or a service, secrets that get into code or logs, removing a \
    protection of users. Say `veto` only for such harm that the task does not ask for, with the step that does it in `on`; \
    `caveats` if it was asked for and has to be done with care; otherwise `approve`.";

struct Guardian;

impl Agency for Guardian {
    fn assess(motion: &Motion) -> Result<Assessment> {
        assessed(motion, &Host)
    }
}

fn assessed(motion: &Motion, models: &dyn Models) -> Result<Assessment> {
    let seen = computed(motion, NAME);
    if let Some(verdict) = verdict(&seen) {
        let caveats = seen.iter().filter(|one| one.weight != Weight::Open).take(5);
        let caveats: Vec<_> = caveats.map(|one| caveat(one)).collect();
        let reason = caveats.first().map_or("", |first| first.text.as_str()).to_owned();
        let own = with_caveats(said(motion, verdict, 0.95, &reason), caveats);
        let success = if verdict == Verdict::Veto { 0.1 } else { success(motion) };
        return Ok(Assessment { success, ..own });
    }
    let is_open = seen.iter().any(|one| one.weight == Weight::Open);
    let reaches_out = motion.powers.iter().any(|power| power.effect >= Effect::Send);
    if is_open || reaches_out || parts(motion).any(|(_, text)| is_grave(text)) {
        return ask(models, SIDE, motion, None);
    }
    Ok(approve(motion, 0.9, "everything that it does can be taken back"))
}

/// Returns whether somebody has to look at what a text says. Of another language these words say nothing.
fn is_grave(text: &str) -> bool {
    !may_be_english(text) || words(text).iter().any(|word| GRAVE.contains(&word.as_str()))
}

export_agency!(Guardian);

#[cfg(test)]
mod tests {
    use openkoi_agency_counsel::testing::motion;
    use openkoi_sdk::{
        agency::{Citation, Observation},
        model::Scripted,
    };

    use super::*;

    fn seen(weight: Weight) -> Motion {
        let observation = Observation {
            agency: NAME.to_owned(),
            weight,
            text: "the plan runs `git push`".to_owned(),
            citation: Citation::Motion("s1".to_owned()),
            lifted_by: String::new(),
        };
        Motion { observations: vec![observation], ..motion("fix it", &["fix it and delete it"]) }
    }

    #[test]
    fn what_was_computed_decides_without_a_request() {
        let model = Scripted::new::<String>([]);
        for (weight, expected) in [
            (Weight::Veto, Verdict::Veto),
            (Weight::Objection, Verdict::Objection),
            (Weight::Caveat, Verdict::ApproveWithCaveats),
        ] {
            let said = assessed(&seen(weight), &model).unwrap();
            assert_eq!(said.verdict, expected);
            assert_eq!(said.caveats[0].citations, [Citation::Motion("s1".to_owned())]);
        }
        assert_eq!(
            assessed(&motion("fix it", &["fix a.rs"]), &model).unwrap().verdict,
            Verdict::Approve
        );
        assert!(model.asked().is_empty());
    }

    #[test]
    fn a_grave_word_is_looked_at_by_a_model_once() {
        let model =
            Scripted::new([r#"{"verdict":"veto","reason":"It deletes users.","caveats":[]}"#]);
        let said = assessed(&motion("tidy", &["delete inactive users"]), &model).unwrap();
        assert_eq!((said.verdict, model.asked().len()), (Verdict::Veto, 1));
        let other =
            Scripted::new([r#"{"verdict":"approve","reason":"It is a file.","caveats":[]}"#]);
        assessed(&motion("räum auf", &["lösche jede alte Datei"]), &other).unwrap();
        assert_eq!(other.asked().len(), 1, "what cannot be read is looked at");
        let silent = Scripted::new(["I cannot say."]);
        assessed(&motion("tidy", &["delete inactive users"]), &silent).unwrap_err();
    }
}
