//! What was said, and what became of it.

use std::collections::HashMap;

use openkoi_figures::work::Work;
use openkoi_sdk::records::{Assessment, TaskStatus};

/// What was said, and what became of it.
pub(crate) struct Known {
    pub(crate) works: Vec<Work>,
    /// The newest first.
    pub(crate) assessments: Vec<Assessment>,
    /// The places of works, by task.
    places: HashMap<String, usize>,
}

impl Known {
    pub(crate) fn new(works: Vec<Work>, assessments: Vec<Assessment>) -> Self {
        let place = |(place, work): (usize, &Work)| (work.task.id.clone(), place);
        let places = works.iter().enumerate().map(place).collect();
        Self { works, assessments, places }
    }

    /// Returns the work that somebody said something to.
    pub(crate) fn work(&self, one: &Assessment) -> Option<&Work> {
        self.works.get(*self.places.get(&one.task)?)
    }

    /// Returns the work that was carried out. What was stopped before it was begun, or simulated, proves nobody right.
    pub(crate) fn carried_out(&self, one: &Assessment) -> Option<&Work> {
        self.work(one).filter(|work| one.passed && work.task.iterations > 0)
    }

    /// Returns what became of the work, in a word.
    pub(crate) fn became(&self, one: &Assessment) -> Option<&'static str> {
        let work = self.work(one)?;
        let is_over = work.task.status == TaskStatus::Stopped;
        let is_left = is_over && self.carried_out(one).is_none();
        Some(if is_left { "not carried out" } else { work.word() })
    }
}
