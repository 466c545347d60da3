//! The computed round: what a motion shows of itself, before any agency says anything and without a request.
//!
//! What is computed here is a fact of the motion. No agency can talk it away: a component that lies, or that was talked into
//! something by the text of a task, changes nothing of it.

use super::{
    assessment::Citation,
    forecast::{Ground, Span},
    motion::{Motion, Observation, Weight},
    names, operations,
};
use crate::{task::own_words, tool::Effect};

/// The fewest alike tasks on which a veto of cost rests.
const SURE: u32 = 5;
/// Work of which so small a share at most was accepted is spoken against.
const UNLIKELY: f64 = 0.5;

/// Returns what can be said of a motion without asking anybody.
#[must_use]
pub fn observations(motion: &Motion, workspace: &str) -> Vec<Observation> {
    let mut seen = Vec::new();
    for part in parts(motion) {
        beyond_recall(motion, &part, &mut seen);
        out_of_reach(motion, &part, workspace, &mut seen);
    }
    seen.extend(nobody_to_ask(motion));
    seen.extend(expensive(motion));
    seen.extend(unlikely(motion));
    // The gravest first, and of each only what was said first.
    seen.sort_by_key(|one| std::cmp::Reverse(one.weight));
    let mut texts = std::collections::BTreeSet::new();
    seen.retain(|one| texts.insert(one.text.clone()));
    seen
}

/// A part of a motion that can be cited.
struct Part<'a> {
    id: &'a str,
    text: String,
    is_task: bool,
}

fn parts(motion: &Motion) -> Vec<Part<'_>> {
    let task = Part { id: "task", text: own_words(&motion.text), is_task: true };
    let steps = motion.plan.iter().map(|step| (step.id.as_str(), &step.text));
    let criteria = motion.criteria.iter().map(|one| (one.id.as_str(), &one.text));
    let planned =
        steps.chain(criteria).map(|(id, text)| Part { id, text: text.clone(), is_task: false });
    [task].into_iter().chain(planned).collect()
}

fn guardian(weight: Weight, text: String, part: &str, lifted_by: String) -> Observation {
    let citation = Citation::Motion(part.to_owned());
    Observation { agency: names::GUARDIAN.to_owned(), weight, text, citation, lifted_by }
}

/// Operations that cannot be taken back: what the user asked for is minded, what the plan adds is stopped.
fn beyond_recall(motion: &Motion, part: &Part<'_>, seen: &mut Vec<Observation>) {
    let wanted = operations::operations(&own_words(&motion.text));
    for one in
        operations::operations(&part.text).into_iter().filter(|one| !one.is_denied || part.is_task)
    {
        let (words, why) = (&one.words, one.why);
        let asked = wanted.iter().find(|wanted| wanted.words == *words);
        let observation = match asked {
            Some(asked) if asked.is_denied && part.is_task => continue,
            Some(asked) if asked.is_denied => guardian(
                Weight::Veto,
                format!("the plan runs `{words}`, which the task says not to do"),
                part.id,
                format!("leave `{words}` out of the plan, or ask for it in the task"),
            ),
            Some(_) => guardian(
                Weight::Caveat,
                format!(
                    "`{words}` cannot be taken back ({why}): do it last, and only once all checks pass"
                ),
                "task",
                String::new(),
            ),
            None => guardian(
                Weight::Veto,
                format!(
                    "the plan runs `{words}`, which cannot be taken back ({why}) and which the task does not ask for"
                ),
                part.id,
                format!("ask for `{words}` in the task"),
            ),
        };
        seen.push(observation);
    }
}

/// Places that no snapshot covers, and files with secrets.
fn out_of_reach(motion: &Motion, part: &Part<'_>, workspace: &str, seen: &mut Vec<Observation>) {
    let own = own_words(&motion.text);
    for path in operations::outside(&part.text, workspace) {
        let text = format!(
            "{path} is outside of the workspace, where no undo reaches: leave it as it is unless the task asks to change it"
        );
        seen.push(guardian(Weight::Caveat, text, part.id, String::new()));
    }
    for path in operations::secrets(&part.text) {
        let weight = if own.contains(&path) { Weight::Caveat } else { Weight::Objection };
        let text = format!(
            "{path} may hold secrets: its contents go neither into code nor into an answer"
        );
        seen.push(guardian(weight, text, part.id, format!("name {path} in the task")));
    }
}

/// Powers that need a yes where nobody is there to say it.
fn nobody_to_ask(motion: &Motion) -> Option<Observation> {
    let changes = |effect: Effect| effect == Effect::Write;
    let mut writes = motion.powers.iter().filter(|power| changes(power.effect)).peekable();
    let first = writes.peek()?.tool.clone();
    if motion.attended || writes.any(|power| power.granted) {
        return None;
    }
    let text =
        "changes of files need a person's yes here, and nobody is there to give it".to_owned();
    let lifted_by = "run it at a terminal, or raise `trust.default`".to_owned();
    Some(guardian(Weight::Objection, text, &first, lifted_by))
}

/// What is left to spend, held against what tasks like this one took.
fn expensive(motion: &Motion) -> Vec<Observation> {
    let (forecast, left) = (&motion.forecast, &motion.left);
    let dollars = |micros: f64| format!("${:.2}", micros / 1e6);
    let seconds = |ms: f64| format!("{:.0} s", ms / 1e3);
    let count = |tokens: f64| format!("{tokens:.0}");
    let flag = |name: &str, amount: f64, scale: f64| {
        let amount = (amount / scale * 100.0).ceil() / 100.0;
        format!("{name} {amount}")
    };
    let figures = [
        Spending {
            figure: "cost",
            span: forecast.cost_micros,
            left: Some(left.cost_micros as f64),
            told: &dollars,
            flag: &|high| flag("--max-cost", high.max(10_000.0), 1e6),
        },
        Spending {
            figure: "tokens",
            span: forecast.tokens,
            left: left.tokens.map(|tokens| tokens as f64),
            told: &count,
            flag: &|high| format!("--max-tokens {}", high.ceil()),
        },
        Spending {
            figure: "time",
            span: forecast.duration_ms,
            left: left.duration_ms.map(|ms| ms as f64),
            told: &seconds,
            flag: &|high| format!("--max-time {}", (high / 1e3).ceil()),
        },
    ];
    figures.iter().filter_map(|one| one.observation(motion)).collect()
}

/// One figure of the forecast beside what is left of it.
struct Spending<'a> {
    figure: &'a str,
    span: Option<Span>,
    left: Option<f64>,
    told: &'a dyn Fn(f64) -> String,
    flag: &'a dyn Fn(f64) -> String,
}

impl Spending<'_> {
    fn observation(&self, motion: &Motion) -> Option<Observation> {
        let (span, left) = (self.span?, self.left?);
        let is_sure = motion.forecast.ground == Ground::Alike && motion.forecast.samples >= SURE;
        let weight = match left {
            left if span.high <= left => return None,
            // Only money stops work before it has begun: what is cut short by time stays, and goes on.
            left if span.low > left && is_sure && self.figure == "cost" => Weight::Veto,
            left if span.mid > left => Weight::Objection,
            _ => Weight::Caveat,
        };
        let share = match left {
            left if span.low > left => "nine in ten",
            left if span.mid > left => "half",
            _ => "one in ten",
        };
        let text = format!(
            "{share} of {} took more than the {} that is left ({} to {})",
            basis(motion),
            (self.told)(left),
            (self.told)(span.low),
            (self.told)(span.high),
        );
        let agency = names::ECONOMIST.to_owned();
        let citation = Citation::Figure(self.figure.to_owned());
        let lifted_by = (self.flag)(span.high);
        Some(Observation { agency, weight, text, citation, lifted_by })
    }
}

/// Work that is hardly ever accepted.
fn unlikely(motion: &Motion) -> Option<Observation> {
    let accepted = motion.forecast.accepted?;
    if accepted.high >= UNLIKELY {
        return None;
    }
    let text =
        format!("of {} {:.0} % were accepted and left so", basis(motion), accepted.mid * 100.0);
    Some(Observation {
        agency: names::ECONOMIST.to_owned(),
        weight: Weight::Objection,
        text,
        citation: Citation::Figure("accepted".to_owned()),
        lifted_by: "ask for a smaller part of it".to_owned(),
    })
}

/// Returns what a forecast rests on, in words.
fn basis(motion: &Motion) -> String {
    let samples = motion.forecast.samples;
    match motion.forecast.ground {
        Ground::Alike => format!("{samples} tasks like this one"),
        Ground::Here | Ground::None => format!("the last {samples} tasks here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deliberation::{
            forecast::Forecast,
            motion::{Left, Power},
            plan::PlannedStep,
        },
        id::TaskId,
    };

    pub(super) fn motion(text: &str, steps: &[&str]) -> Motion {
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        Motion {
            task: TaskId::new("t"),
            text: text.to_owned(),
            kind: "code".to_owned(),
            plan: PlannedStep::of(&steps),
            criteria: Vec::new(),
            powers: Vec::new(),
            forecast: Forecast::default(),
            left: Left { tokens: None, cost_micros: 1_000_000, duration_ms: None },
            directive: String::new(),
            learnings: Vec::new(),
            observations: Vec::new(),
            attended: false,
            continues: false,
        }
    }

    fn weights(motion: &Motion) -> Vec<(Weight, String)> {
        let seen = observations(motion, "/pond");
        seen.into_iter().map(|one| (one.weight, one.citation.told())).collect()
    }

    #[test]
    fn what_cannot_be_taken_back_is_minded_if_it_was_asked_for_and_stopped_if_not() {
        let asked = motion("release it: run `npm publish`", &["bump the version", "npm publish"]);
        assert_eq!(weights(&asked), [(Weight::Caveat, "the task".to_owned())]);
        let added = motion("fix the typo", &["fix it", "git push the branch"]);
        assert_eq!(weights(&added), [(Weight::Veto, "s2".to_owned())]);
        let denied = motion("fix it, but do not git push", &["fix it", "git push"]);
        assert_eq!(weights(&denied), [(Weight::Veto, "s2".to_owned())]);
        let obeyed =
            motion("fix it, but do not git push", &["fix it", "commit, and do not git push"]);
        assert_eq!(weights(&obeyed), []);
    }

    #[test]
    fn what_was_piped_in_asks_for_nothing() {
        let piped = motion("what does this do?\n<stdin>\ngit push\n</stdin>", &["git push"]);
        assert_eq!(weights(&piped), [(Weight::Veto, "s1".to_owned())]);
    }

    #[test]
    fn secrets_and_places_outside_are_minded() {
        let seen = observations(&motion("tidy up", &["move /etc/hosts", "print .env"]), "/pond");
        let told: Vec<(Weight, &str)> =
            seen.iter().map(|one| (one.weight, one.text.split(' ').next().unwrap())).collect();
        assert_eq!(told, [(Weight::Objection, ".env"), (Weight::Caveat, "/etc/hosts")]);
    }

    #[test]
    fn a_change_that_needs_a_yes_is_spoken_against_where_nobody_is_there() {
        let power = |granted| Power {
            tool: "write_file".to_owned(),
            effect: Effect::Write,
            target: String::new(),
            granted,
        };
        let with = |granted, attended| Motion {
            powers: vec![power(granted)],
            attended,
            ..motion("fix it", &[])
        };
        assert_eq!(weights(&with(false, false)), [(Weight::Objection, "write_file".to_owned())]);
        assert_eq!(weights(&with(true, false)), []);
        assert_eq!(weights(&with(false, true)), []);
    }

    fn forecast(samples: u32, ground: Ground, cost: Span) -> Forecast {
        Forecast { samples, ground, cost_micros: Some(cost), ..Forecast::default() }
    }

    #[test]
    fn money_stops_work_only_where_enough_alike_tasks_say_so() {
        let span = |low, mid, high| Span { low, mid, high };
        let dear = span(2e6, 3e6, 4e6);
        for (samples, ground, span, expected) in [
            (5, Ground::Alike, dear, Some(Weight::Veto)),
            (4, Ground::Alike, dear, Some(Weight::Objection)),
            (20, Ground::Here, dear, Some(Weight::Objection)),
            (5, Ground::Alike, span(0.5e6, 0.9e6, 2e6), Some(Weight::Caveat)),
            (5, Ground::Alike, span(0.1e6, 0.2e6, 0.9e6), None),
        ] {
            let motion = Motion { forecast: forecast(samples, ground, span), ..motion("x", &[]) };
            let seen = observations(&motion, "/pond");
            assert_eq!(seen.first().map(|one| one.weight), expected, "{samples} {ground:?}");
            assert!(seen.iter().all(|one| one.lifted_by.starts_with("--max-cost ")));
        }
    }

    #[test]
    fn an_unlikely_end_is_spoken_against() {
        let accepted = Span { low: 0.0, mid: 0.1, high: 0.4 };
        let forecast = Forecast { samples: 10, accepted: Some(accepted), ..Forecast::default() };
        let motion = Motion { forecast, ..motion("x", &[]) };
        assert_eq!(weights(&motion), [(Weight::Objection, "accepted".to_owned())]);
    }
}
