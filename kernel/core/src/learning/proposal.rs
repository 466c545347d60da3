//! Proposals: which are about the same, and which rest on something new.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// As many tasks that no decided proposal rests on are new evidence: as many as make a pattern.
pub const NEW_EVIDENCE: usize = 3;

/// Something that a person decides about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "proposal", rename_all = "snake_case")]
pub enum Proposal {
    /// A skill that could be written.
    Skill {
        /// Its name.
        name: String,
        /// What it is for, and when it applies.
        description: String,
        /// The text of SKILL.md after the front matter.
        text: String,
        /// Words for what it is about.
        categories: Vec<String>,
        /// Ids of the tasks that show the pattern.
        tasks: Vec<String>,
        /// How sure the learner is, 0 to 1.
        confidence: f64,
    },
    /// A change of the user's SOUL.md.
    Soul {
        /// What stands there, or empty for an addition.
        before: String,
        /// What should stand there, or empty for a removal.
        after: String,
        /// Why.
        reason: String,
        /// Ids of the tasks that it rests on.
        tasks: Vec<String>,
    },
    /// A learning that no longer holds.
    Retire {
        /// Its id.
        learning: String,
        /// What speaks against it.
        reason: String,
    },
}

impl Proposal {
    /// Returns what it is called in a list.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Skill { name, .. } => name,
            Self::Soul { reason, .. } => reason,
            Self::Retire { learning, .. } => learning,
        }
    }

    /// Returns the ids of the tasks that it rests on.
    #[must_use]
    pub fn tasks(&self) -> &[String] {
        match self {
            Self::Skill { tasks, .. } | Self::Soul { tasks, .. } => tasks,
            Self::Retire { .. } => &[],
        }
    }

    /// Returns whether two are about the same: they say the same, or rest on some of the same tasks.
    #[must_use]
    pub fn is_about(&self, other: &Self) -> bool {
        let is_of_a_kind = std::mem::discriminant(self) == std::mem::discriminant(other);
        let shares = self.tasks().iter().any(|task| other.tasks().contains(task));
        is_of_a_kind && (self.title() == other.title() || shares)
    }

    /// Returns this one as a new version of an earlier one.
    #[must_use]
    pub fn as_version_of(mut self, earlier: &Self) -> Self {
        if let (Self::Skill { name, .. }, Self::Skill { name: known, .. }) = (&mut self, earlier) {
            known.clone_into(name);
        }
        self
    }

    /// Returns this one, resting on the tasks of an earlier one, too.
    #[must_use]
    pub fn resting_on_both(mut self, earlier: &Self) -> Self {
        if let Self::Skill { tasks, .. } | Self::Soul { tasks, .. } = &mut self {
            let new = earlier.tasks().iter().filter(|task| !tasks.contains(task));
            let new: Vec<String> = new.cloned().collect();
            tasks.extend(new);
        }
        self
    }
}

/// Returns whether a proposal says something that was not decided yet: it is about nothing that was, or rests on as many new
/// tasks as make a pattern.
pub fn is_news<'a>(new: &Proposal, decided: impl Iterator<Item = &'a Proposal>) -> bool {
    let alike: Vec<&Proposal> = decided.filter(|one| one.is_about(new)).collect();
    let seen: BTreeSet<&String> = alike.iter().flat_map(|one| one.tasks()).collect();
    let fresh = new.tasks().iter().filter(|task| !seen.contains(task)).count();
    alike.is_empty() || fresh >= NEW_EVIDENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skill(name: &str, tasks: &[&str]) -> Proposal {
        Proposal::Skill {
            name: name.to_owned(),
            description: String::new(),
            text: String::new(),
            categories: Vec::new(),
            tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
            confidence: 0.8,
        }
    }

    #[test]
    fn what_was_decided_comes_back_with_new_evidence_alone() {
        let decided = [skill("release-notes", &["1", "2", "3"])];
        for (new, is_new) in [
            (skill("release-notes", &["1", "2", "3", "4"]), false),
            // Another name does not make it another pattern.
            (skill("write-notes", &["2", "3", "4", "5"]), false),
            (skill("release-notes", &["4", "5"]), false),
            (skill("release-notes", &["3", "4", "5", "6"]), true),
            (skill("db-moves", &["7", "8", "9"]), true),
        ] {
            assert_eq!(is_news(&new, decided.iter()), is_new, "{new:?}");
        }
        let retire = |id: &str| Proposal::Retire { learning: id.to_owned(), reason: String::new() };
        assert!(!is_news(&retire("a"), [retire("a")].iter()));
        assert!(is_news(&retire("b"), [retire("a")].iter()));
    }

    #[test]
    fn a_renewed_proposal_rests_on_all_of_its_tasks() {
        let renewed = skill("a", &["2", "3"]).resting_on_both(&skill("a", &["1", "2"]));
        assert_eq!(renewed.tasks(), ["2", "3", "1"]);
    }
}
