//! What the user's choices show: what they value, and what is changing. Each sentence rests on a number of choices and says so,
//! and none is made of fewer than five.

use std::collections::BTreeMap;

use super::domain::kind;
use crate::{records::Reaction, skill::Tally};

/// The fewest choices that show something.
const FEWEST: u64 = 5;
/// What was chosen before this time is compared with what was chosen since, in milliseconds: two weeks.
const RECENT_MS: u64 = 14 * 24 * 3_600_000;
/// The tasks that a trait names.
const NAMED: usize = 5;
/// A trait is of choices that are certainly more than half of one kind.
const HALF: f64 = 0.5;

/// What the user did with the work of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkChoice {
    /// The task.
    pub task: String,
    /// Files that it changed.
    pub files: Vec<String>,
    /// What they did with it.
    pub reaction: Reaction,
    /// When the task ended, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What the user answered to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionAnswer {
    /// The task that asked.
    pub task: String,
    /// The domain of the question.
    pub domain: String,
    /// Whether it was a yes.
    pub allowed: bool,
}

/// What choices show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habit {
    /// One sentence.
    pub text: String,
    /// The choices that speak for it, of those that were made.
    pub choices: Tally,
    /// Some of the tasks that it rests on, the last first.
    pub tasks: Vec<String>,
    /// What work should be held to because of it, if something was not right.
    pub advice: Option<String>,
}

/// What the user values, and what is changing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// What choices show, the surest first.
    pub values: Vec<Habit>,
    /// What is changing.
    pub trajectory: Vec<Habit>,
}

impl Habits {
    /// Returns what these choices and answers show, the newest of which come first.
    #[must_use]
    pub fn of(choices: &[WorkChoice], replies: &[QuestionAnswer], now_ms: u64) -> Self {
        let mut fields: BTreeMap<&str, Vec<&WorkChoice>> = BTreeMap::new();
        for choice in choices {
            let mut kinds: Vec<&str> = choice.files.iter().filter_map(|path| kind(path)).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds.into_iter().for_each(|kind| fields.entry(kind).or_default().push(choice));
        }
        let mut domains: BTreeMap<&str, Vec<&QuestionAnswer>> = BTreeMap::new();
        replies.iter().for_each(|reply| domains.entry(&reply.domain).or_default().push(reply));
        let of_fields = fields.iter().filter_map(|(field, all)| of_field(field, all));
        let of_domains = domains.iter().filter_map(|(domain, all)| of_domain(domain, all));
        let mut values: Vec<Habit> = of_fields.chain(of_domains).collect();
        values.sort_by(|one, other| other.choices.bounds().0.total_cmp(&one.choices.bounds().0));
        let trajectory = fields.iter().filter_map(|(field, all)| change(field, all, now_ms));
        Self { values, trajectory: trajectory.collect() }
    }
}

fn tally<T>(all: &[&T], is_so: impl Fn(&T) -> bool) -> Tally {
    let mut tally = Tally::default();
    all.iter().for_each(|one| tally.add(is_so(one)));
    tally
}

/// Returns whether these are certainly more than half of all, and enough.
fn is_certain(tally: Tally) -> bool {
    tally.decided >= FEWEST && tally.bounds().0 > HALF
}

fn named<'a>(tasks: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for task in tasks {
        if named.len() < NAMED && !named.contains(task) {
            named.push(task.clone());
        }
    }
    named
}

fn of_field(field: &str, all: &[&WorkChoice]) -> Option<Habit> {
    let is_kept = |choice: &WorkChoice| choice.reaction == Reaction::Kept;
    let (kept, changed) = (tally(all, is_kept), tally(all, |choice| !is_kept(choice)));
    let of = |kept: bool| named(all.iter().filter(|one| is_kept(one) == kept).map(|one| &one.task));
    if is_certain(kept) {
        let text = format!("Keeps {field} work as it is.");
        return Some(Habit { text, choices: kept, tasks: of(true), advice: None });
    }
    let text = format!("Changes, undoes or asks again for {field} work.");
    let advice = Some(format!("Look twice at {field} work before it is called done."));
    is_certain(changed).then(|| Habit { text, choices: changed, tasks: of(false), advice })
}

fn of_domain(domain: &str, all: &[&QuestionAnswer]) -> Option<Habit> {
    let (yes, no) = (tally(all, |reply| reply.allowed), tally(all, |reply| !reply.allowed));
    let of = |yes: bool| named(all.iter().filter(|one| one.allowed == yes).map(|one| &one.task));
    if is_certain(yes) {
        let text = format!("Says yes to what is asked in `{domain}`.");
        return Some(Habit { text, choices: yes, tasks: of(true), advice: None });
    }
    let text = format!("Says no to what is asked in `{domain}`.");
    let advice = Some(format!("Look for another way before something is asked in `{domain}`."));
    is_certain(no).then(|| Habit { text, choices: no, tasks: of(false), advice })
}

/// Returns what is changing in a field: the shares of work that was right before and since certainly differ.
fn change(field: &str, all: &[&WorkChoice], now_ms: u64) -> Option<Habit> {
    let since = now_ms.saturating_sub(RECENT_MS);
    let (recent, before): (Vec<&WorkChoice>, Vec<&WorkChoice>) =
        all.iter().copied().partition(|choice| choice.at_ms >= since);
    let kept =
        |all: &[&WorkChoice]| tally(all, |choice: &WorkChoice| choice.reaction == Reaction::Kept);
    let (now, earlier) = (kept(&recent), kept(&before));
    if now.decided < FEWEST || earlier.decided < FEWEST {
        return None;
    }
    let ((low, high), (low_before, high_before)) = (now.bounds(), earlier.bounds());
    let word = match () {
        () if low > high_before => "more",
        () if high < low_before => "less",
        () => return None,
    };
    let counts = |tally: Tally| format!("{} of {}", tally.accepted, tally.decided);
    Some(Habit {
        text: format!(
            "Keeps {field} work {word} often than before: {} in two weeks, {} earlier.",
            counts(now),
            counts(earlier)
        ),
        choices: now,
        tasks: named(recent.iter().map(|choice| &choice.task)),
        advice: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 3_600_000;
    const NOW: u64 = 1_000 * DAY_MS;

    fn choices(reaction: Reaction, count: usize, days: u64) -> Vec<WorkChoice> {
        let choice = |number| WorkChoice {
            task: format!("t{days}-{number}"),
            files: vec!["a.rs".to_owned(), "b.rs".to_owned()],
            reaction,
            at_ms: NOW - days * DAY_MS,
        };
        (0..count).map(choice).collect()
    }

    fn texts(traits: &[Habit]) -> Vec<&str> {
        traits.iter().map(|one| one.text.as_str()).collect()
    }

    #[test]
    fn a_value_is_what_the_user_certainly_does_and_rests_on_its_tasks() {
        let kept = Habits::of(&choices(Reaction::Kept, 6, 1), &[], NOW);
        assert_eq!(texts(&kept.values), ["Keeps rust work as it is."]);
        assert_eq!(kept.values[0].choices, Tally { accepted: 6, decided: 6 });
        assert_eq!(kept.values[0].tasks.len(), NAMED);

        let undone = Habits::of(&choices(Reaction::Undone, 6, 1), &[], NOW);
        assert_eq!(texts(&undone.values), ["Changes, undoes or asks again for rust work."]);
        assert_eq!(
            undone.values[0].advice.as_deref(),
            Some("Look twice at rust work before it is called done.")
        );

        let few = Habits::of(&choices(Reaction::Kept, 4, 1), &[], NOW);
        assert_eq!(few, Habits::default());
        let torn = [choices(Reaction::Kept, 5, 1), choices(Reaction::Edited, 5, 1)].concat();
        assert_eq!(Habits::of(&torn, &[], NOW).values, []);
    }

    #[test]
    fn answers_show_what_is_refused() {
        let reply = |number: usize| QuestionAnswer {
            task: format!("t{number}"),
            domain: "shell".to_owned(),
            allowed: false,
        };
        let replies: Vec<QuestionAnswer> = (0..6).map(reply).collect();
        let refusing = Habits::of(&[], &replies, NOW);
        assert_eq!(texts(&refusing.values), ["Says no to what is asked in `shell`."]);
    }

    #[test]
    fn something_is_changing_if_the_weeks_certainly_differ() {
        let turned = [choices(Reaction::Kept, 8, 1), choices(Reaction::Undone, 8, 30)].concat();
        let changing = Habits::of(&turned, &[], NOW);
        let said = "Keeps rust work more often than before: 8 of 8 in two weeks, 0 of 8 earlier.";
        assert_eq!(texts(&changing.trajectory), [said]);
        let same = [choices(Reaction::Kept, 8, 1), choices(Reaction::Kept, 8, 30)].concat();
        assert_eq!(Habits::of(&same, &[], NOW).trajectory, []);
    }
}
