//! The words of tasks and skills, and how well they fit: BM25 over name, categories and description.
//!
//! A word is a run of letters and digits in any script. Scripts that write no blanks between words are cut into pairs of
//! characters, which find each other as words do.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hasher},
};

use openkoi_storage::skills::Skill;

/// Words that say nothing of what a text is about: those of English grammar, and those of every task and every skill.
const EMPTY: &str = "a about after again all already also always am an and another any are as at be because been before being \
    both but by can could did do does doing done each either else every few for from further get gets give had has have having \
    he her here hers him his how however i if in into is it its just let like likely make makes making many may me might more \
    most much must my need needs never no nor not now of off on once one only onto or other our out over own per please put \
    same shall she should since so some something still such than that the their them then there these they thing this those \
    through to too under until up upon us use used user users uses using very via want wants was we well were what when \
    whenever where whether which while who whom whose why will with within without would yes yet you your \
    agent agents ask asked asks code file files guide guides guidelines help helps includes including project provides \
    repository skill skills step steps support supports task tasks tool tools work workflow workflows works working";

/// The weights of a word by where it stands.
const IN_NAME: f64 = 3.0;
const IN_CATEGORIES: f64 = 2.0;
const IN_DESCRIPTION: f64 = 1.0;

/// How fast a word that is there again stops to count, and how much a long description is held against its words.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// So many skills without any of the words are thought of besides: of two skills, a word that both have is no common one.
const OTHERS: f64 = 50.0;

/// The most characters of a description, and the most words of a task, that count.
const DESCRIPTION: usize = 4_096;
const TASK_WORDS: usize = 96;

/// The words of several skills.
#[derive(Debug, Default)]
pub(crate) struct WordIndex {
    skills: Vec<SkillWords>,
    average: f64,
}

/// The words of one skill by their hashes, sorted.
#[derive(Debug)]
struct SkillWords {
    words: Vec<(u64, f64)>,
    length: f64,
}

/// How well the words of a task fit each skill.
#[derive(Debug, Default)]
pub(crate) struct Fits {
    /// In the order of the skills; a rare word in a description is about 1.
    pub(crate) fits: Vec<f64>,
    /// The number of words of the task that say something.
    pub(crate) asked: usize,
}

impl WordIndex {
    /// Takes in the words of these skills.
    pub(crate) fn of<'a>(skills: impl Iterator<Item = &'a Skill>) -> Self {
        let empty = empty_words();
        let skills: Vec<SkillWords> = skills.map(|skill| SkillWords::of(skill, &empty)).collect();
        let whole: f64 = skills.iter().map(|skill| skill.length).sum();
        let average = if skills.is_empty() { 0.0 } else { whole / skills.len() as f64 };
        Self { skills, average }
    }

    /// Returns how well a text fits each of them.
    pub(crate) fn fits(&self, text: &str) -> Fits {
        let asked = asked(text);
        let counts = self.counts(&asked);
        let rarest = self.rarity(1);
        let weights: HashMap<u64, f64> = asked
            .iter()
            .map(|word| {
                let count = counts.get(word).copied().unwrap_or(0);
                (*word, self.rarity(count) / rarest)
            })
            .collect();
        let fit = |skill: &SkillWords| -> f64 {
            let own = asked.iter().filter_map(|word| Some((word, skill.weight(*word)?)));
            own.map(|(word, weight)| {
                let long = K1 * (1.0 - B + B * skill.length / self.average);
                weights[word] * weight * (K1 + 1.0) / (weight + long)
            })
            .sum()
        };
        Fits { fits: self.skills.iter().map(fit).collect(), asked: asked.len() }
    }

    /// Returns in how many skills each word is.
    fn counts(&self, asked: &BTreeSet<u64>) -> HashMap<u64, usize> {
        let count =
            |word: &u64| self.skills.iter().filter(|one| one.weight(*word).is_some()).count();
        asked.iter().map(|word| (*word, count(word))).collect()
    }

    /// Returns how much a word says that is in so many skills.
    fn rarity(&self, count: usize) -> f64 {
        let (all, count) = (self.skills.len() as f64 + OTHERS, count as f64);
        (1.0 + (all - count + 0.5) / (count + 0.5)).ln()
    }
}

impl SkillWords {
    fn of(skill: &Skill, empty: &BTreeSet<&str>) -> Self {
        let mut counted: HashMap<u64, f64> = HashMap::new();
        let mut add = |text: &str, weight: f64| {
            words(text, empty, |word| *counted.entry(hash(word)).or_default() += weight);
        };
        add(&skill.name, IN_NAME);
        skill.categories.iter().for_each(|category| add(category, IN_CATEGORIES));
        let end = skill.description.floor_char_boundary(DESCRIPTION);
        add(skill.description.get(..end).unwrap_or_default(), IN_DESCRIPTION);
        let length = counted.values().sum();
        let mut words: Vec<(u64, f64)> = counted.into_iter().collect();
        words.sort_unstable_by_key(|(word, _)| *word);
        Self { words, length }
    }

    fn weight(&self, word: u64) -> Option<f64> {
        let at = self.words.binary_search_by_key(&word, |(known, _)| *known).ok()?;
        self.words.get(at).map(|(_, weight)| *weight)
    }
}

/// The words of a task in their order.
pub(crate) struct Spoken {
    words: Vec<String>,
    /// Those with a mark by which people call a skill, without it.
    called: BTreeSet<String>,
}

impl Spoken {
    pub(crate) fn of(text: &str) -> Self {
        let called = text.split_whitespace().filter_map(|word| word.strip_prefix(['$', '/']));
        let called = called.map(|word| word.trim_end_matches(['.', ',', ':', ';', '!', '?']));
        Self { words: all_words(text), called: called.map(str::to_lowercase).collect() }
    }

    /// Returns whether a skill is called by its name: with a mark, beside the word `skill`, or by a name of several words.
    pub(crate) fn names(&self, name: &str) -> bool {
        if self.called.contains(&name.to_lowercase()) {
            return true;
        }
        let name = all_words(name);
        let is_skill = |at: usize| self.words.get(at).is_some_and(|word| word == "skill");
        let mut runs = self.words.windows(name.len().max(1)).enumerate();
        runs.any(|(at, run)| {
            let beside = is_skill(at + name.len()) || at.checked_sub(1).is_some_and(is_skill);
            run == name && (name.len() > 1 || beside)
        })
    }
}

fn all_words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    words(text, &BTreeSet::new(), |word| found.push(word.to_owned()));
    found
}

fn asked(text: &str) -> BTreeSet<u64> {
    let (empty, mut asked) = (empty_words(), BTreeSet::new());
    words(text, &empty, |word| {
        if asked.len() < TASK_WORDS {
            asked.insert(hash(word));
        }
    });
    asked
}

fn empty_words() -> BTreeSet<&'static str> {
    EMPTY.split_whitespace().collect()
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(word.as_bytes());
    hasher.finish()
}

/// Calls `take` for each word of a text, in small letters and without the endings of English.
fn words(text: &str, empty: &BTreeSet<&str>, mut take: impl FnMut(&str)) {
    let text = text.to_lowercase();
    for run in text.split(|c: char| !is_of_word(c)).filter(|run| !run.is_empty()) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let dense = is_dense(first);
            let end = rest.find(|c| is_dense(c) != dense).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            rest = after;
            match dense {
                true => pairs(part, &mut take),
                false if part.len() > 1 && !empty.contains(part) => take(stem(part)),
                false => {}
            }
        }
    }
}

fn is_of_word(c: char) -> bool {
    // Marks that belong to the letter before, and joiners.
    c.is_alphanumeric()
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{200c}' | '\u{200d}')
        || is_dense(c)
}

/// Returns whether a character is of a script that writes no blanks between words.
fn is_dense(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{2fa1f}'
    )
}

fn pairs(run: &str, take: &mut impl FnMut(&str)) {
    let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
    if let [start, end] = starts[..] {
        take(run.get(start..end).unwrap_or_default());
    }
    for ends in starts.windows(3) {
        take(run.get(ends[0]..ends[2]).unwrap_or_default());
    }
}

/// Returns an English word without the ending of a plural or a tense. Other words stay as they are.
fn stem(word: &str) -> &str {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word;
    }
    let long = |stem: &&str| stem.len() >= 3;
    let cut = |ending| word.strip_suffix(ending).filter(long);
    let cut = match word {
        _ if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") => None,
        _ if word.ends_with("sses") || word.ends_with("ches") || word.ends_with("shes") => {
            cut("es")
        }
        _ => cut("ies").or_else(|| cut("ing")).or_else(|| cut("ed")).or_else(|| cut("s")),
    };
    let stem = cut.unwrap_or(word);
    // `testing` and `tests`, `writing` and `write`, `queries` and `query`, `running` and `run`.
    let stem = stem.strip_suffix(['e', 'y']).filter(long).unwrap_or(stem);
    let twice =
        stem.len() > 3 && stem.as_bytes().windows(2).last().is_some_and(|two| two[0] == two[1]);
    let twice = twice && !stem.ends_with(['l', 's', 'z']);
    if twice { stem.get(..stem.len() - 1).unwrap_or(stem) } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, &empty_words(), |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn forms_of_a_word_are_one_and_words_without_meaning_are_none() {
        for (one, other) in [
            ("testing", "tests"),
            ("query", "queries"),
            ("write", "writing"),
            ("run", "running"),
            ("deploy", "deployed"),
            ("class", "classes"),
            ("file API", "api"),
        ] {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        assert_eq!(of("Use this skill when the user asks for a tool"), [""; 0]);
    }

    #[test]
    fn words_are_found_in_every_script() {
        assert_eq!(of("Größe der Übersicht"), ["größe", "der", "übersicht"]);
        assert_eq!(of("отчёт за июль"), ["отчёт", "за", "июль"]);
        assert_eq!(of("数据库迁移"), ["数据", "据库", "库迁", "迁移"]);
        assert_eq!(of("PDFファイル"), ["pdf", "ファ", "ァイ", "イル"]);
        assert_eq!(of("표 작성"), ["표", "작성"]);
    }

    #[test]
    fn a_skill_is_called_by_a_name_of_several_words_by_a_mark_or_as_a_skill() {
        for (text, name, is_named) in [
            ("use api-style here", "api-style", true),
            ("Apply the API Style.", "api-style", true),
            ("styles of an API", "api-style", false),
            ("restyle it", "style", false),
            ("fix the tests", "tests", false),
            ("fix it with $tests, please", "tests", true),
            ("/tests now", "tests", true),
            ("with the tests skill", "tests", true),
            ("use skill Tests", "tests", true),
        ] {
            assert_eq!(Spoken::of(text).names(name), is_named, "{text} {name}");
        }
    }
}
