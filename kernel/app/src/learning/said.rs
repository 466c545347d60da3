//! What the user says about how things are to be done, found in what the user typed: sentences that hold beyond their task.
//!
//! A sentence counts by how it begins, because that says whom it is about: "always …" and "we use …" speak to whoever works here,
//! while "it never returns" speaks of the code. The words are a table; the rules below it are few.

use openkoi_core::task::own_words;

/// The longest sentence that is kept, in bytes, and the shortest in words.
const LONGEST: usize = 300;
const FEWEST_WORDS: usize = 3;
/// The longest text that somebody types, in bytes.
const TYPED: usize = 2_000;
/// The most sentences of one text.
const MOST: usize = 5;

/// Words that may stand before a beginning and say nothing.
const FILLERS: [&str; 11] =
    ["please", "also", "and", "but", "note", "remember", "important", "that", "btw", "so", "ok"];
/// A sentence that begins so is an instruction for good, if a verb follows.
const STANDING: [&str; 2] = ["always", "never"];
/// A sentence that begins so is one, whatever follows.
const FROM_NOW: [&str; 8] = [
    "from now on",
    "in the future",
    "in future",
    "as a rule",
    "by default",
    "every time you",
    "whenever you",
    "don't ever",
];
/// Somebody whose habits are told.
const PEOPLE: [&str; 3] = ["we", "i", "our team"];
/// Words between somebody and a habit.
const BETWEEN: [&str; 12] = [
    "always",
    "never",
    "only",
    "usually",
    "generally",
    "don't",
    "do",
    "not",
    "no",
    "longer",
    "all",
    "also",
];
/// What somebody does who tells a habit. What "I" want or need is most often the task itself.
const HABITS: [&str; 16] = [
    "use", "prefer", "avoid", "write", "run", "format", "name", "follow", "keep", "commit",
    "deploy", "like", "hate", "dislike", "indent", "test",
];
/// Words that say that a sentence holds everywhere.
const EVERYWHERE: [&str; 8] = [
    "everywhere",
    "all projects",
    "every project",
    "any project",
    "in general",
    "answer in",
    "talk to me",
    "call me",
];
/// Beginnings of sentences that speak of one person, who is the same in all projects.
const OF_ONE: [&str; 2] = ["i", "me"];

/// A sentence that the user wants to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The sentence, as it was typed.
    pub(crate) text: String,
    /// True if it holds everywhere.
    pub(crate) everywhere: bool,
}

/// Returns the sentences of a text that hold beyond its task. What was piped in, fenced or quoted is not the user's.
pub(crate) fn found(text: &str) -> Vec<Said> {
    let own = own_words(text);
    let own = typed(&own);
    let lines = own.lines().filter(|line| !line.trim_start().starts_with('>'));
    let sentences = lines.flat_map(sentences).filter(|sentence| is_standing(sentence));
    let said = sentences.map(|sentence| Said {
        everywhere: holds_everywhere(&sentence),
        text: capitalised(bare(&sentence)),
    });
    said.take(MOST).collect()
}

/// Returns what of a text somebody is likely to have typed: all of a short one, and of a long one, most of which was put into
/// it from elsewhere, what stands before the first and after the last empty line.
fn typed(text: &str) -> String {
    let text = text.trim();
    if text.len() <= TYPED {
        return text.to_owned();
    }
    let ends = text.split_once("\n\n").zip(text.rsplit_once("\n\n"));
    let short = |part: &str| if part.len() <= TYPED { part.to_owned() } else { String::new() };
    ends.map(|((first, _), (_, last))| format!("{}\n{}", short(first), short(last)))
        .unwrap_or_default()
}

/// Cuts a line into sentences. A point within a word, as in `a.rs`, ends none.
fn sentences(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches(['-', '*', '•']).trim();
    let (mut all, mut sentence) = (Vec::new(), String::new());
    let mut rest = line.chars().peekable();
    let mut in_code = false;
    while let Some(one) = rest.next() {
        sentence.push(one);
        in_code ^= one == '`';
        let ends = matches!(one, '.' | '!' | '?' | ';') && !in_code;
        if ends && rest.peek().is_none_or(|next| next.is_whitespace()) {
            all.push(std::mem::take(&mut sentence).trim().to_owned());
        }
    }
    all.push(sentence.trim().to_owned());
    all.retain(|sentence| !sentence.is_empty());
    all
}

fn is_standing(sentence: &str) -> bool {
    if sentence.ends_with('?') || sentence.len() > LONGEST || sentence.contains(char::is_control) {
        return false;
    }
    let bare = bare(sentence).to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = words(&bare).collect();
    if words.len() < FEWEST_WORDS {
        return false;
    }
    let begins = |beginning: &&str| bare.starts_with(&format!("{beginning} "));
    FROM_NOW.iter().any(|one| begins(one) || bare.starts_with(&format!("{one}, ")))
        || (STANDING.contains(&words[0]) && is_verb(words[1]))
        || PEOPLE.iter().any(|people| begins(people) && has_habit(&words, people))
}

/// Returns whether a word can be what somebody is told to do: "always run", and not "always runs", "never ending".
fn is_verb(word: &str) -> bool {
    let is_third = word.ends_with('s') && !word.ends_with("ss");
    let is_form = (word.ends_with("ing") && word.len() > 5) || word.ends_with("ed");
    !is_third && !is_form && word.chars().all(|one| one.is_alphabetic() || one == '\'')
}

fn has_habit(words: &[&str], people: &str) -> bool {
    let after = words.iter().skip(people.split(' ').count());
    let mut after = after.skip_while(|word| BETWEEN.contains(word));
    after.next().is_some_and(|word| HABITS.contains(word))
}

/// Returns a sentence without the words before it that say nothing.
fn bare(sentence: &str) -> &str {
    let mut rest = sentence;
    while let Some((first, after)) = rest.split_once([' ', ':', ',']) {
        let word = first.trim_matches([':', ',']).to_lowercase();
        if !FILLERS.contains(&word.as_str()) && !word.is_empty() {
            break;
        }
        rest = after;
    }
    rest
}

fn holds_everywhere(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let bare = bare(&lower);
    let is_of_one = OF_ONE.iter().any(|one| bare.starts_with(&format!("{one} ")));
    is_of_one || EVERYWHERE.iter().any(|words| lower.contains(words))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts =
        text.split(|one: char| one.is_whitespace() || matches!(one, ',' | ';' | ':' | '.' | '!'));
    parts.filter(|word| !word.is_empty())
}

fn capitalised(sentence: &str) -> String {
    let mut rest = sentence.chars();
    let first = rest.next().map(|one| one.to_uppercase().collect::<String>());
    first.unwrap_or_default() + rest.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        found(text).into_iter().map(|one| one.text).collect()
    }

    #[test]
    fn what_is_to_hold_from_now_on_is_found_in_the_words_of_the_user() {
        for (text, said) in [
            ("Always use tabs here.", "Always use tabs here."),
            ("fix the parser. please never commit to main!", "Never commit to main!"),
            ("We use pnpm, not npm. Add a dev script.", "We use pnpm, not npm."),
            ("we don't use semicolons in a.ts; fix it", "We don't use semicolons in a.ts;"),
            ("I prefer short answers.", "I prefer short answers."),
            ("From now on, answer in French.", "From now on, answer in French."),
            ("Note: always run `make check. all` first", "Always run `make check. all` first"),
            ("- Never touch vendor/ by hand", "Never touch vendor/ by hand"),
            ("Don\u{2019}t ever push tags.", "Don\u{2019}t ever push tags."),
        ] {
            assert_eq!(texts(text), [said], "{text}");
        }
    }

    #[test]
    fn what_is_said_of_the_code_or_asked_for_once_is_not() {
        for text in [
            "parse() should never return null",
            "Always returns 0: fix that.",
            "Never ending loop in parse.rs, fix it",
            "It never works. Why?",
            "Do we always use tabs?",
            "Always use tabs?",
            "I want the function to return 3.",
            "We have to fix the parser.",
            "I use it, and it fails: why?",
            "Never mind.",
            "fix it\n```\nAlways use tabs here.\n```",
            "what does this say\n<stdin>\nAlways use tabs here.",
            "> Always use tabs here.\nis that so",
            "The README says \"always run the tests\".",
        ] {
            assert_eq!(texts(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_about_one_person_holds_everywhere_and_what_is_about_work_holds_here() {
        let everywhere = |text: &str| found(text)[0].everywhere;
        assert!(everywhere("I prefer short answers."));
        assert!(everywhere("Always answer in French."));
        assert!(everywhere("Never use emoji in any project."));
        assert!(!everywhere("We use pnpm, not npm."));
        assert!(!everywhere("Always run the tests first."));
    }

    #[test]
    fn what_was_put_into_a_long_text_is_not_the_users_and_what_stands_around_it_is() {
        let page = "Always run the installer as root.\nMore of it.\n".repeat(60);
        assert_eq!(texts(&page), [""; 0]);
        let asked =
            format!("We use pnpm here. Sum this up:\n\n{page}\n\nNever use more than ten words.");
        assert_eq!(texts(&asked), ["We use pnpm here.", "Never use more than ten words."]);
    }

    #[test]
    fn a_text_has_a_bounded_number_of_them() {
        let many = "Always use tabs here.\n".repeat(20);
        assert_eq!(texts(&many).len(), MOST);
        assert_eq!(texts(&format!("Always use {}.", "x ".repeat(LONGEST))), [""; 0]);
    }
}
