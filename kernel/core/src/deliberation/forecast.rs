//! What earlier tasks let expect of one like them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{id::TaskId, skill::Tally};

/// Bounds within which most of something lies, and its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// One in ten is below.
    pub low: f64,
    /// Half are below.
    pub mid: f64,
    /// One in ten is above.
    pub high: f64,
}

/// What a forecast rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Nothing.
    #[default]
    None,
    /// Tasks of this workspace whose words are like this one's.
    Alike,
    /// The last tasks of this workspace.
    Here,
}

/// What earlier tasks let expect. What has no samples is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// How many tasks it rests on.
    pub samples: u32,
    /// What these are.
    pub ground: Ground,
    /// The nearest of them.
    pub tasks: Vec<TaskId>,
    /// Fresh tokens.
    pub tokens: Option<Span>,
    /// Money, in millionths of a US dollar.
    pub cost_micros: Option<Span>,
    /// Time from beginning to end, in milliseconds.
    pub duration_ms: Option<Span>,
    /// Iterations.
    pub iterations: Option<Span>,
    /// The share whose work was accepted and left so, 0 to 1: its bounds with 95 %, and what was seen.
    pub accepted: Option<Span>,
}

/// A task of before, as a forecast sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastWork {
    /// The task.
    pub task: TaskId,
    /// What was asked for.
    pub text: String,
    /// Whether its work was accepted and left so; absent where that was not decided.
    pub stands: Option<bool>,
    /// Fresh tokens.
    pub tokens: u64,
    /// Money, in millionths of a US dollar.
    pub cost_micros: u64,
    /// Time from beginning to end, in milliseconds; absent if it has no end.
    pub duration_ms: Option<u64>,
    /// Iterations.
    pub iterations: u32,
}

/// The fewest tasks that a forecast rests on.
pub const FEWEST: usize = 3;
/// The most tasks that it rests on.
const MOST: usize = 20;
/// Tasks that share this part of their words are alike.
const ALIKE: f64 = 0.2;
/// The most tasks that it names.
const NAMED: usize = 5;

impl Forecast {
    /// Returns what these tasks, the newest first, let expect of one with this text.
    #[must_use]
    pub fn of(text: &str, past: &[PastWork]) -> Self {
        let wanted = words(text);
        let nearness = |one: &PastWork| shared(&wanted, &words(&one.text));
        let mut alike: Vec<(f64, &PastWork)> =
            past.iter().map(|one| (nearness(one), one)).collect();
        alike.retain(|(near, _)| *near >= ALIKE);
        // The newest of those that are equally near come first.
        alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let (ground, chosen): (Ground, Vec<&PastWork>) = match alike.len() >= FEWEST {
            true => (Ground::Alike, alike.into_iter().map(|(_, one)| one).take(MOST).collect()),
            false => (Ground::Here, past.iter().take(MOST).collect()),
        };
        if chosen.len() < FEWEST {
            return Self::default();
        }
        let span = |value: &dyn Fn(&PastWork) -> Option<f64>| {
            Span::of(chosen.iter().filter_map(|one| value(one)).collect())
        };
        let mut tally = Tally::default();
        chosen.iter().filter_map(|one| one.stands).for_each(|stands| tally.add(stands));
        let (low, high) = tally.bounds();
        Self {
            samples: u32::try_from(chosen.len()).unwrap_or(u32::MAX),
            ground,
            tasks: chosen.iter().take(NAMED).map(|one| one.task.clone()).collect(),
            tokens: span(&|one| Some(one.tokens as f64)),
            cost_micros: span(&|one| Some(one.cost_micros as f64)),
            duration_ms: span(&|one| one.duration_ms.map(|lasted| lasted as f64)),
            iterations: span(&|one| Some(f64::from(one.iterations))),
            accepted: tally.share().map(|mid| Span { low, mid, high }),
        }
    }

    /// Returns the figures by which it can be cited.
    #[must_use]
    pub fn figures(&self) -> Vec<&'static str> {
        let mut figures = vec!["budget"];
        let known = [
            ("tokens", self.tokens.is_some()),
            ("cost", self.cost_micros.is_some()),
            ("time", self.duration_ms.is_some()),
            ("iterations", self.iterations.is_some()),
            ("accepted", self.accepted.is_some()),
        ];
        figures.extend(known.into_iter().filter(|(_, known)| *known).map(|(name, _)| name));
        figures
    }
}

impl Span {
    /// Returns the bounds of some values; nothing without any.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        if values.is_empty() {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| quantile(&values, share);
        Some(Self { low: at(0.1), mid: at(0.5), high: at(0.9) })
    }
}

/// Returns the value below which a share of sorted ones lies, between two of them where it falls there.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * rest
}

/// Words that say nothing of what a task is about.
const EMPTY: [&str; 24] = [
    "the", "a", "an", "to", "of", "in", "on", "and", "or", "for", "with", "is", "are", "be", "it",
    "this", "that", "please", "so", "all", "my", "make", "from", "by",
];

/// Returns the words of a text that say what it is about, in lower case.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let split = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words = split.filter(|word| word.len() > 1).map(str::to_lowercase);
    words.filter(|word| !EMPTY.contains(&word.as_str())).collect()
}

/// Returns the part of the words of two texts that both have, 0 to 1.
#[must_use]
pub fn shared(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(text: &str, cost_micros: u64, stands: Option<bool>) -> PastWork {
        PastWork {
            task: TaskId::new(format!("{text}{cost_micros}")),
            text: text.to_owned(),
            stands,
            tokens: 1_000,
            cost_micros,
            duration_ms: Some(2_000),
            iterations: 1,
        }
    }

    #[test]
    fn a_forecast_rests_on_tasks_with_the_same_words_where_there_are_enough() {
        let mut tasks: Vec<PastWork> =
            (1..=9).map(|n| past("write the docs", n * 100, Some(true))).collect();
        tasks.extend((1..=5).map(|n| past("fix the failing test of percent", n, Some(n != 5))));

        let alike = Forecast::of("fix the failing test", &tasks);
        assert_eq!((alike.samples, alike.ground), (5, Ground::Alike));
        assert_eq!(alike.cost_micros, Some(Span { low: 1.4, mid: 3.0, high: 4.6 }));
        let accepted = alike.accepted.unwrap();
        assert_eq!(accepted.mid, 0.8);
        assert!(accepted.low < 0.5 && accepted.high > 0.95, "few samples say little: {accepted:?}");

        let other = Forecast::of("translate everything", &tasks);
        assert_eq!((other.samples, other.ground), (14, Ground::Here));
    }

    #[test]
    fn two_tasks_are_no_ground_for_a_forecast() {
        let tasks = [past("x", 1, Some(true)), past("x", 2, None)];
        assert_eq!(Forecast::of("x", &tasks), Forecast::default());
        assert_eq!(Forecast::default().figures(), ["budget"]);
    }

    #[test]
    fn what_was_not_decided_says_nothing_of_success() {
        let tasks: Vec<PastWork> = (0..4).map(|n| past("same words", n, None)).collect();
        assert_eq!(Forecast::of("same words", &tasks).accepted, None);
    }
}
