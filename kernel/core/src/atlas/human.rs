//! The user: what they said for good, and what they do with the work, each with the number of times that it rests on.

use crate::{
    memory::{Learning, Source},
    records::{PastReaction, Reaction},
};

/// Something that the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The learning's id.
    pub id: String,
    /// The sentence.
    pub text: String,
    /// Whether it holds everywhere.
    pub everywhere: bool,
    /// When it was said last, in milliseconds since 1970.
    pub said_ms: u64,
}

/// What is known of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HumanAtlas {
    /// What they said for good, the last first.
    pub words: Vec<Word>,
    /// The number of accepted works that they kept as they were.
    pub kept: u64,
    /// The number of those that they changed by hand.
    pub edited: u64,
    /// The number of those that they undid.
    pub undone: u64,
    /// The number of those that they asked for again.
    pub repeated: u64,
}

impl HumanAtlas {
    /// Returns the atlas of these learnings, of which those that the user said count, and reactions.
    #[must_use]
    pub fn of(learnings: &[Learning], reactions: &[PastReaction]) -> Self {
        let said = learnings.iter().filter(|one| one.source == Source::User);
        let mut words: Vec<Word> = said.map(Word::of).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.said_ms));
        let count =
            |wanted: Reaction| reactions.iter().filter(|one| one.reaction == wanted).count() as u64;
        Self {
            words,
            kept: count(Reaction::Kept),
            edited: count(Reaction::Edited),
            undone: count(Reaction::Undone),
            repeated: count(Reaction::Repeated),
        }
    }
}

impl Word {
    fn of(learning: &Learning) -> Self {
        Self {
            id: learning.id.clone(),
            text: learning.text.clone(),
            everywhere: learning.workspace.is_none(),
            said_ms: learning.confirmed_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::TaskId,
        memory::{State, Uses},
    };

    #[test]
    fn the_users_words_are_theirs_alone_and_habits_are_counted() {
        let learning = |id: &str, source: Source, confirmed_ms: u64| Learning {
            id: id.to_owned(),
            text: format!("sentence {id}"),
            categories: Vec::new(),
            workspace: None,
            source,
            confidence: 1.0,
            confirmed_ms,
            learnt_ms: 0,
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
        };
        let learnings = [
            learning("1", Source::User, 1),
            learning("2", Source::Task(TaskId::new("t")), 3),
            learning("3", Source::User, 2),
        ];
        let reaction = |reaction| PastReaction { task: TaskId::new("t"), reaction, at_ms: 1 };
        let reactions =
            [reaction(Reaction::Kept), reaction(Reaction::Undone), reaction(Reaction::Kept)];

        let atlas = HumanAtlas::of(&learnings, &reactions);

        let ids: Vec<&str> = atlas.words.iter().map(|word| word.id.as_str()).collect();
        assert_eq!(ids, ["3", "1"]);
        assert_eq!((atlas.kept, atlas.edited, atlas.undone, atlas.repeated), (2, 0, 1, 0));
    }
}
