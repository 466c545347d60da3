//! Tasks with what became of their work.

use std::collections::{BTreeSet, HashMap};

use openkoi_sdk::{
    Result,
    records::{self, Query, ReactionKind, Task, TaskStatus},
    view::facts::Tally,
};

/// The most records of one kind that are looked at.
pub const MOST: u32 = 10_000;

/// A task, and what became of its work.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// The task.
    pub task: Task,
    /// What the user did with it, if that is known.
    pub reaction: Option<ReactionKind>,
}

impl Work {
    /// Returns whether the work was accepted and is left so; nothing where that was not decided.
    #[must_use]
    pub fn stands(&self) -> Option<bool> {
        match self.task.status {
            TaskStatus::Accepted => Some(self.reaction != Some(ReactionKind::Undone)),
            TaskStatus::Stopped => Some(false),
            _ => None,
        }
    }

    /// Returns whether the work was right as it was: kept, and not undone, changed by hand or asked for again. Nothing where that is
    /// not known yet.
    #[must_use]
    pub fn was_right(&self) -> Option<bool> {
        match (self.task.status, self.reaction) {
            (TaskStatus::Stopped, _) => Some(false),
            (TaskStatus::Accepted, Some(reaction)) => Some(reaction == ReactionKind::Kept),
            _ => None,
        }
    }

    /// Returns what became of it, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.task.status, self.reaction) {
            (TaskStatus::Accepted, Some(ReactionKind::Undone)) => "undone",
            (TaskStatus::Accepted, Some(ReactionKind::Edited)) => "accepted, edited since",
            (TaskStatus::Accepted, Some(ReactionKind::Repeated)) => "accepted, asked again",
            (TaskStatus::Accepted, _) => "accepted",
            (TaskStatus::Stopped, _) => "not accepted",
            (TaskStatus::Running, _) => "running",
            (TaskStatus::Interrupted, _) => "interrupted",
            (TaskStatus::Paused, _) => "paused",
            (TaskStatus::Cancelled, _) => "cancelled",
            (TaskStatus::Failed, _) => "failed",
        }
    }
}

/// Returns the last tasks, the newest first. `undone` are those whose work is undone now.
///
/// # Errors
///
/// The host's failure.
pub fn all(undone: &BTreeSet<String>) -> Result<Vec<Work>> {
    let query = everything();
    let known = records::reactions(&query)?.into_iter().map(|one| (one.task, one.kind));
    let mut known: HashMap<String, ReactionKind> = known.collect();
    let work = |task: Task| {
        let seen = known.remove(&task.id);
        let reaction = match seen {
            _ if undone.contains(&task.id) => Some(ReactionKind::Undone),
            // It was brought forth again, which nobody has seen yet.
            Some(ReactionKind::Undone) => None,
            seen => seen,
        };
        Work { task, reaction }
    };
    Ok(records::tasks(&query)?.into_iter().map(work).collect())
}

/// Returns the query for as many records as are looked at.
#[must_use]
pub fn everything() -> Query {
    Query { task: None, since_ms: None, limit: MOST }
}

/// Returns how many of these works stand, of those that were decided.
pub fn standing<'a>(works: impl IntoIterator<Item = &'a Work>) -> Tally {
    tally(works.into_iter().filter_map(Work::stands))
}

/// Counts.
pub fn tally(all: impl IntoIterator<Item = bool>) -> Tally {
    let mut tally = Tally::default();
    for one in all {
        tally.of += 1;
        tally.well += u64::from(one);
    }
    tally
}

/// Returns the end of an id, as people are shown it.
#[must_use]
pub fn short(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(8);
    id.chars().skip(skipped).collect()
}

/// Returns the first line of a text, at most so many characters of it.
#[must_use]
pub fn beginning(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.chars().count() > most {
        true => line.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(status: TaskStatus, reaction: Option<ReactionKind>) -> Work {
        let task = Task {
            id: "01k9abcdef42".to_owned(),
            session: String::new(),
            workspace: String::new(),
            text: String::new(),
            status,
            started_ms: 0,
            ended_ms: None,
            iterations: 1,
            score: None,
            cost_micros: 0,
        };
        Work { task, reaction }
    }

    #[test]
    fn what_was_not_decided_or_seen_says_nothing() {
        use ReactionKind::{Edited, Kept, Undone};
        use TaskStatus::{Accepted, Paused, Stopped};
        for (status, reaction, stands, right) in [
            (Accepted, None, Some(true), None),
            (Accepted, Some(Kept), Some(true), Some(true)),
            (Accepted, Some(Edited), Some(true), Some(false)),
            (Accepted, Some(Undone), Some(false), Some(false)),
            (Stopped, None, Some(false), Some(false)),
            (Paused, None, None, None),
        ] {
            let work = work(status, reaction);
            assert_eq!((work.stands(), work.was_right()), (stands, right), "{}", work.word());
        }
        assert_eq!(standing(&[work(Accepted, None), work(Paused, None)]), Tally { well: 1, of: 1 });
    }

    #[test]
    fn a_text_and_an_id_are_shortened_as_people_are_shown_them() {
        assert_eq!(short("01k9abcdef42"), "abcdef42");
        assert_eq!(beginning("fix it\nnow", 20), "fix it");
        assert_eq!(beginning("fix it all", 5), "fix …");
    }
}
