//! Which learnings a task is told: those that fit best, by words and by meaning, and then what the user said.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{Learning, Note, Source};

/// What the best words of a question count for beside its meaning: measured, see `tests/benches`.
const WORDS: f64 = 0.3;
/// Texts that mean nothing alike are below this, but for one pair in ten.
const RELEVANT: f64 = 0.2;

/// How much less what holds everywhere counts than what holds in this workspace.
const EVERYWHERE: f64 = 0.9;
/// The part of its weight that the age of a learning may take.
const BY_AGE: f64 = 0.1;
/// The age at which half of that is taken, in milliseconds: 90 days.
const AGING_MS: f64 = 90.0 * 24.0 * 3_600_000.0;
/// The part of its weight by which use raises a learning, and failure lowers it.
const BY_USE: f64 = 0.1;

/// Two texts that share this part of their words say the same.
const SAME_WORDS: f64 = 0.85;
/// Two texts whose meanings are this near may say the same.
const SAME_MEANING: f64 = 0.92;
/// Words that turn a meaning over, and that a vector hardly shows.
const TURNING: [&str; 15] = [
    "no", "not", "never", "none", "without", "don", "doesn", "isn", "cannot", "can", "except",
    "only", "unless", "avoid", "stop",
];

/// Bytes of notes for each token of the model's window: four bytes are about a token, so they are a 64th of it.
const TOKENS_FOR_A_BYTE: u64 = 16;
/// The least and the most bytes of notes, however large the window.
const BYTES: (u64, u64) = (1_024, 4_096);
/// The most notes of one task.
const MOST_NOTES: usize = 24;

/// A learning that may be told, and how it fits what is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The learning.
    pub learning: Learning,
    /// How well its words fit: more is better. 0 where it shares none.
    pub words: f64,
    /// The cosine of its meaning and of what is asked, if both are known.
    pub meaning: Option<f64>,
    /// What it means, as bytes whose cosines can be compared; empty if that is not known.
    pub vector: Vec<i8>,
}

/// Returns those that fit, the best first.
#[must_use]
pub fn ranked(candidates: Vec<Candidate>, now_ms: u64) -> Vec<Candidate> {
    let best = candidates.iter().map(|one| one.words).fold(0.0, f64::max);
    let fit = |one: &Candidate| {
        let words = if best > 0.0 { WORDS * one.words / best } else { 0.0 };
        one.meaning.unwrap_or_default().max(0.0) + words
    };
    let fits = candidates
        .into_iter()
        .filter(|one| one.words > 0.0 || one.meaning.is_some_and(|near| near >= RELEVANT));
    let mut weighed: Vec<(f64, Candidate)> =
        fits.map(|one| (fit(&one) * weight(&one.learning, now_ms), one)).collect();
    weighed.sort_by(|(one, _), (other, _)| other.partial_cmp(one).unwrap_or(Ordering::Equal));
    weighed.into_iter().map(|(_, one)| one).collect()
}

/// Returns how much a learning counts: by how sure it is, where it holds, how old it is, and what became of its tasks.
fn weight(learning: &Learning, now_ms: u64) -> f64 {
    let scope = if learning.workspace.is_some() { 1.0 } else { EVERYWHERE };
    let age = now_ms.saturating_sub(learning.confirmed_ms) as f64;
    let recency = 1.0 - BY_AGE * (1.0 - 0.5_f64.powf(age / AGING_MS));
    let used = 1.0 + BY_USE * (2.0 * learning.uses.posterior(0.5) - 1.0);
    // What the user said is not of less worth because tasks failed.
    let used = if learning.source == Source::User { used.max(1.0) } else { used };
    learning.confidence_at(now_ms) * scope * recency * used
}

/// The room that notes have in what a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    notes: usize,
    bytes: usize,
}

impl Room {
    /// Returns the share of a model whose window has so many tokens.
    #[must_use]
    pub fn of_window(tokens: u64) -> Self {
        let (least, most) = BYTES;
        let bytes = (tokens / TOKENS_FOR_A_BYTE).clamp(least, most);
        Self { notes: MOST_NOTES, bytes: usize::try_from(bytes).unwrap_or(usize::MAX) }
    }

    /// Returns half of it.
    fn half(self) -> Self {
        Self { notes: self.notes / 2, bytes: self.bytes / 2 }
    }

    /// Takes the room for a text out of it, if there is so much.
    fn take(&mut self, text: &str) -> bool {
        let fits = self.notes > 0 && self.bytes >= text.len();
        if fits {
            self.notes -= 1;
            self.bytes -= text.len();
        }
        fits
    }

    fn with(self, other: Self) -> Self {
        Self { notes: self.notes + other.notes, bytes: self.bytes + other.bytes }
    }

    fn without(self, other: Self) -> Self {
        Self {
            notes: self.notes.saturating_sub(other.notes),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// What a task is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The notes, the most important first.
    pub notes: Vec<Note>,
    /// The number of those that there was no room for.
    pub left: usize,
}

/// Chooses what a task is told: of `fitting`, the best first, and of what the user `said` besides, in its order. Half of the
/// room is kept for what the user said, because a preference shares neither words nor meaning with most tasks. Nothing is
/// said twice.
#[must_use]
pub fn told(fitting: Vec<Candidate>, said: Vec<Learning>, room: Room) -> Told {
    let known: BTreeSet<&str> = fitting.iter().map(|one| one.learning.id.as_str()).collect();
    let is_new = |one: &Learning| !known.contains(one.id.as_str());
    let besides: Vec<Learning> = said.into_iter().filter(is_new).collect();
    let mut kept = room.half();
    for one in &besides {
        kept.take(&one.text);
    }
    let used = room.half().without(kept);

    let mut choice = Choice { room: room.without(used), chosen: Vec::new(), left: 0 };
    fitting.into_iter().for_each(|one| choice.offer(one));
    choice.room = choice.room.with(used);
    besides.into_iter().for_each(|one| choice.offer(Candidate::said(one)));
    let notes = choice.chosen.into_iter().map(|(_, one)| one.learning.note());
    Told { notes: notes.collect(), left: choice.left }
}

impl Candidate {
    fn said(learning: Learning) -> Self {
        Self { learning, words: 0.0, meaning: None, vector: Vec::new() }
    }
}

/// Returns whether a sentence says what is known already: it has nearly the same words, or is near in meaning, and has the same
/// negations and numbers.
#[must_use]
pub fn says_the_same(text: &str, known: &Candidate) -> bool {
    let (words, others) = (Words::of(text), Words::of(&known.learning.text));
    let is_near = known.meaning.is_some_and(|near| near >= SAME_MEANING);
    words.telling == others.telling && (words.are_alike(&others) || is_near)
}

/// Returns whether two texts have nearly the same words, and the same negations and numbers.
#[must_use]
pub fn are_alike(one: &str, other: &str) -> bool {
    let (one, other) = (Words::of(one), Words::of(other));
    one.telling == other.telling && one.are_alike(&other)
}

/// What was chosen so far.
struct Choice {
    room: Room,
    chosen: Vec<(Words, Candidate)>,
    left: usize,
}

impl Choice {
    /// Takes a candidate, if there is room for it and nothing says the same.
    fn offer(&mut self, one: Candidate) {
        let words = Words::of(&one.learning.text);
        let says = |(others, other): &(Words, Candidate)| {
            words.telling == others.telling
                && (words.are_alike(others) || means_the_same(&one.vector, &other.vector))
        };
        if self.chosen.iter().any(says) {
            return;
        }
        match self.room.take(&one.learning.text) {
            true => self.chosen.push((words, one)),
            false => self.left += 1,
        }
    }
}

/// The words of a text.
struct Words {
    all: BTreeSet<String>,
    /// Those that decide what it says, however alike all others are: "use port 80" and "do not use port 81" are near in
    /// meaning.
    telling: Vec<String>,
}

impl Words {
    fn of(text: &str) -> Self {
        let words = text.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty());
        let all: BTreeSet<String> = words.map(str::to_lowercase).collect();
        let tells = |word: &&String| {
            TURNING.contains(&word.as_str()) || word.bytes().any(|byte| byte.is_ascii_digit())
        };
        let telling = all.iter().filter(tells).cloned().collect();
        Self { all, telling }
    }

    fn are_alike(&self, other: &Self) -> bool {
        let (few, many) =
            (self.all.len().min(other.all.len()), self.all.len().max(other.all.len()));
        if (few as f64) < SAME_WORDS * many as f64 {
            return false;
        }
        let both = self.all.intersection(&other.all).count();
        let all = few + many - both;
        both as f64 >= SAME_WORDS * all as f64
    }
}

fn means_the_same(one: &[i8], other: &[i8]) -> bool {
    cosine(one, other).is_some_and(|near| near >= SAME_MEANING)
}

fn cosine(one: &[i8], other: &[i8]) -> Option<f64> {
    if one.is_empty() || one.len() != other.len() {
        return None;
    }
    let product = |one: &[i8], other: &[i8]| -> f64 {
        one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
    };
    let lengths = (product(one, one) * product(other, other)).sqrt();
    (lengths > 0.0).then(|| product(one, other) / lengths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::TaskId,
        memory::{State, Uses},
    };

    fn learning(id: &str, text: &str) -> Learning {
        Learning {
            id: id.to_owned(),
            text: text.to_owned(),
            categories: Vec::new(),
            workspace: Some("/pond".to_owned()),
            source: Source::Task(TaskId::new("01t")),
            confidence: 0.8,
            confirmed_ms: 0,
            learnt_ms: 0,
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
        }
    }

    fn candidate(id: &str, words: f64, meaning: f64) -> Candidate {
        let learning = learning(id, &format!("Sentence {id}."));
        Candidate { learning, words, meaning: Some(meaning), vector: Vec::new() }
    }

    fn ids(candidates: &[Candidate]) -> Vec<&str> {
        candidates.iter().map(|one| one.learning.id.as_str()).collect()
    }

    #[test]
    fn meaning_and_words_count_together_and_what_has_neither_is_left_out() {
        let all = [("a", 0.0, 0.1), ("b", 4.0, 0.1), ("c", 0.0, 0.5), ("d", 8.0, 0.4)];
        let all = all.map(|(id, words, meaning)| candidate(id, words, meaning));
        assert_eq!(ids(&ranked(all.to_vec(), 0)), ["d", "c", "b"]);
        // Where no meaning is known, words alone decide.
        let words = all.map(|one| Candidate { meaning: None, ..one });
        assert_eq!(ids(&ranked(words.to_vec(), 0)), ["d", "b"]);
    }

    #[test]
    fn among_equals_the_surer_the_nearer_the_newer_and_the_more_useful_comes_first() {
        let plain = || candidate("plain", 1.0, 0.5);
        let day = 24 * 3_600_000;
        type Turn = fn(&mut Learning);
        let worse: [(&str, Turn); 4] = [
            ("less sure", |one| one.confidence = 0.5),
            ("from everywhere", |one| one.workspace = None),
            ("older", |one| one.confirmed_ms = 0),
            ("of no use", |one| one.uses.refused = 3),
        ];
        for (what, turn) in worse {
            let (mut good, mut other) = (plain(), candidate("other", 1.0, 0.5));
            good.learning.confirmed_ms = 30 * day;
            other.learning.confirmed_ms = 30 * day;
            turn(&mut other.learning);
            let order = ranked(vec![other, good], 60 * day);
            assert_eq!(ids(&order), ["plain", "other"], "{what}");
        }
        let mut user = plain();
        user.learning.source = Source::User;
        let mut failed = user.clone();
        failed.learning.uses.refused = 9;
        assert_eq!(weight(&user.learning, 7), weight(&failed.learning, 7));
    }

    fn room(notes: usize, bytes: usize) -> Room {
        Room { notes, bytes }
    }

    fn texts(told: &Told) -> Vec<&str> {
        told.notes.iter().map(|note| note.text.as_str()).collect()
    }

    #[test]
    fn what_says_the_same_is_told_once_and_what_says_the_opposite_is_told() {
        let one = |id: &str, text: &str, vector: &[i8]| Candidate {
            learning: learning(id, text),
            vector: vector.to_vec(),
            ..candidate(id, 1.0, 0.5)
        };
        let same = [
            one("a", "Use tabs in Go.", &[10, 20]),
            one("b", "use tabs, in go", &[-10, 20]),
            one("c", "Go code is indented with tabs.", &[10, 21]),
            one("d", "Do not use tabs in Go.", &[10, 20]),
            one("e", "The server listens on port 80.", &[50, 1]),
            one("f", "The server listens on port 81.", &[50, 1]),
        ];
        let told = told(same.to_vec(), Vec::new(), room(10, 1_000));
        let expected = [0, 3, 4, 5].map(|at| same[at].learning.text.as_str());
        assert_eq!(texts(&told), expected);
        assert_eq!(told.left, 0);
    }

    #[test]
    fn half_of_the_room_is_kept_for_what_the_user_said_and_no_more_of_it_than_that_needs() {
        let fitting: Vec<Candidate> =
            (0..9).map(|n| candidate(&n.to_string(), 9.0 - f64::from(n), 0.5)).collect();
        let said: Vec<Learning> =
            (0..9).map(|n| learning(&format!("s{n}"), &format!("Said {n}."))).collect();

        let both = told(fitting.clone(), said.clone(), room(6, 1_000));
        let expected =
            ["Sentence 0.", "Sentence 1.", "Sentence 2.", "Said 0.", "Said 1.", "Said 2."];
        assert_eq!(texts(&both), expected);
        assert_eq!(both.left, 12);
        let few = told(fitting.clone(), said[..1].to_vec(), room(6, 1_000));
        assert_eq!((few.notes.len(), few.notes[5].text.as_str()), (6, "Said 0."));
        let none = told(Vec::new(), said, room(6, 1_000));
        assert_eq!((none.notes.len(), none.left), (6, 3));
        let small = told(fitting, Vec::new(), room(6, 23));
        assert_eq!((small.notes.len(), small.left), (2, 7));
    }

    #[test]
    fn room_grows_with_the_window_within_bounds() {
        let bytes = |tokens| Room::of_window(tokens).bytes;
        assert_eq!([0, 8_192, 32_768, 200_000].map(bytes), [1_024, 1_024, 2_048, 4_096]);
    }
}
