//! How the tasks ended that were shown a learning, and how sure that makes it.

use serde::{Deserialize, Serialize};

/// How many tasks the confidence at first counts for. A few tasks change it, and one does not turn it over.
const FIRST_WEIGHT: f64 = 4.0;

/// How a task ended that was shown a learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEnd {
    /// Its work was accepted.
    Accepted,
    /// Its work was not accepted.
    Refused,
    /// Its work was accepted, and then taken back.
    Undone,
}

impl TaskEnd {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Undone];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Undone => "undone",
        }
    }
}

/// The numbers of tasks that were shown a learning, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uses {
    /// Accepted ones.
    pub accepted: u32,
    /// Those that were not.
    pub refused: u32,
    /// Accepted ones that were taken back.
    pub undone: u32,
}

impl Uses {
    /// Returns the number of tasks that were shown it and have ended.
    #[must_use]
    pub fn shown(self) -> u32 {
        self.accepted.saturating_add(self.refused).saturating_add(self.undone)
    }

    /// Counts the end of a task, which counted as `before` until now.
    pub fn count(&mut self, before: Option<TaskEnd>, now: TaskEnd) {
        if let Some(before) = before {
            let number = self.of(before);
            *number = number.saturating_sub(1);
        }
        let number = self.of(now);
        *number = number.saturating_add(1);
    }

    fn of(&mut self, end: TaskEnd) -> &mut u32 {
        match end {
            TaskEnd::Accepted => &mut self.accepted,
            TaskEnd::Refused => &mut self.refused,
            TaskEnd::Undone => &mut self.undone,
        }
    }

    /// Returns how sure a learning is that was `first` sure at first: the mean of a beta distribution, which is that
    /// confidence without tasks, and the share of accepted tasks after many.
    #[must_use]
    pub fn posterior(self, first: f64) -> f64 {
        let accepted = f64::from(self.accepted);
        (FIRST_WEIGHT * first + accepted) / (FIRST_WEIGHT + f64::from(self.shown()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::TaskId,
        memory::{Learning, Source, State},
    };

    const DAY_MS: u64 = 24 * 3_600_000;

    /// A learning as sure as at first, and the tasks that were shown it.
    #[derive(Clone, Debug)]
    struct Life {
        first: f64,
        tasks: Vec<Shown>,
    }

    /// Whether the work of a task held, whether that is known by what the user did with it alone, and the days before it.
    #[derive(Clone, Copy, Debug)]
    struct Shown {
        held: bool,
        is_seen_later: bool,
        days: u64,
    }

    fn life() -> impl Strategy<Value = Life> {
        let truth = 0.02..0.98_f64;
        truth.prop_flat_map(|truth| {
            let first = (-0.25..0.25_f64).prop_map(move |noise| (truth + noise).clamp(0.05, 0.95));
            let task = (0.0..1.0_f64, any::<bool>(), 0..10_u64).prop_map(
                move |(luck, is_seen_later, days)| Shown {
                    held: luck < truth,
                    is_seen_later,
                    days,
                },
            );
            let tasks = prop::collection::vec(task, 1..60);
            (first, tasks).prop_map(|(first, tasks)| Life { first, tasks })
        })
    }

    fn learning(first: f64) -> Learning {
        Learning {
            id: "01k".to_owned(),
            text: "x".to_owned(),
            categories: Vec::new(),
            workspace: None,
            source: Source::Task(TaskId::new("01t")),
            confidence: first,
            confirmed_ms: 0,
            learnt_ms: 0,
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
        }
    }

    /// Returns what was said to be likely before each task of a life, and how that ended.
    fn forecasts(life: &Life) -> Vec<(f64, f64)> {
        let (mut one, mut now) = (learning(life.first), 0);
        let tasks = life.tasks.iter().map(|&Shown { held, is_seen_later, days }| {
            now += days * DAY_MS;
            let said = one.confidence_at(now);
            match (held, is_seen_later) {
                (true, _) => one.uses.count(None, TaskEnd::Accepted),
                (false, false) => one.uses.count(None, TaskEnd::Refused),
                // It was accepted, and the user took it back.
                (false, true) => {
                    one.uses.count(None, TaskEnd::Accepted);
                    one.uses.count(Some(TaskEnd::Accepted), TaskEnd::Undone);
                }
            }
            if held {
                one.confirmed_ms = now;
            }
            (said, f64::from(u8::from(held)))
        });
        tasks.collect()
    }

    fn brier(forecasts: &[(f64, f64)]) -> f64 {
        let errors: f64 = forecasts.iter().map(|(said, came)| (said - came).powi(2)).sum();
        errors / forecasts.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

        #[test]
        fn over_a_thousand_lives_confidence_says_more_than_the_share_of_all_tasks(
            lives in prop::collection::vec(life(), 1_000)
        ) {
            let all: Vec<(f64, f64)> = lives.iter().flat_map(forecasts).collect();
            let base = all.iter().map(|(_, came)| came).sum::<f64>() / all.len() as f64;
            let guessed: Vec<(f64, f64)> = all.iter().map(|(_, came)| (base, *came)).collect();
            prop_assert!(brier(&all) < 0.9 * brier(&guessed), "{} and {}", brier(&all), brier(&guessed));

            // What is said to be so likely comes about so often.
            for tenth in 2..10 {
                let within = |said: f64| (said * 10.0) as usize == tenth;
                let some: Vec<_> = all.iter().filter(|(said, _)| within(*said)).collect();
                let came = some.iter().map(|(_, came)| came).sum::<f64>() / some.len() as f64;
                let said = some.iter().map(|(said, _)| said).sum::<f64>() / some.len() as f64;
                prop_assert!((came - said).abs() < 0.12, "{said} was said, {came} came about");
            }
        }

        #[test]
        fn a_task_that_ended_anew_counts_once(ends in prop::collection::vec(0..3_usize, 1..20)) {
            let mut uses = Uses::default();
            let mut before = None;
            for end in ends {
                uses.count(before, TaskEnd::ALL[end]);
                before = Some(TaskEnd::ALL[end]);
            }
            prop_assert_eq!(uses.shown(), 1);
        }
    }

    #[test]
    fn without_tasks_it_is_as_sure_as_at_first_and_after_many_as_they_ended() {
        assert_eq!(Uses::default().posterior(0.7), 0.7);
        let many = Uses { accepted: 900, refused: 50, undone: 50 };
        assert!((many.posterior(0.1) - 0.9).abs() < 0.01);
    }
}
