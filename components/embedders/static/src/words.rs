//! From text to tokens: words, their parts, and pieces of these that the vocabulary has.
//!
//! Each rule is part of what the embedder's name stands for: vectors that were stored can be compared only with vectors of
//! the same rules.

use crate::{
    characters::{is_in, is_plain},
    hashed,
    table::Table,
};

/// Words with more characters are hashed.
const LONGEST: usize = 32;

/// What a text is cut into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A row of the table.
    Row(usize),
    /// The texts that stand for a word outside of the vocabulary's letters.
    Hashed(Vec<String>),
}

/// Cuts a text.
pub(crate) fn tokens<'a>(table: &'a Table<'_>, text: &'a str) -> impl Iterator<Item = Token> + 'a {
    let words = text.split(|one| !is_of_word(one)).map(without_accents);
    words.filter(|word| !word.is_empty()).flat_map(|word| cut(table, &word))
}

fn cut(table: &Table<'_>, word: &str) -> Vec<Token> {
    let low = word.to_lowercase();
    if !is_plain(&low) || low.chars().count() > LONGEST {
        return vec![Token::Hashed(hashed::items(&low))];
    }
    if let Some(row) = table.row(low.as_bytes()) {
        return vec![Token::Row(row)];
    }
    let parts = if low == word { vec![low] } else { parts(word) };
    parts.iter().flat_map(|part| pieces(table, part.as_bytes())).map(Token::Row).collect()
}

/// Cuts a word where its letters change: `fooBar`, `HTTPServer`, `utf8Text`. Lower case.
fn parts(word: &str) -> Vec<String> {
    let bytes = word.as_bytes();
    let run = |from: usize, is: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| is(byte)).count()
    };
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let capitals = run(at, u8::is_ascii_uppercase);
        let end = match capitals - at {
            0 if bytes[at].is_ascii_digit() => run(at, u8::is_ascii_digit),
            0 | 1 => run(capitals, u8::is_ascii_lowercase),
            // The last of several capitals begins the next part, if a small letter follows.
            _ if bytes.get(capitals).is_some_and(u8::is_ascii_lowercase) => capitals - 1,
            _ => capitals,
        };
        // A character that begins no part stands alone in none.
        let end = end.max(at + 1);
        parts.push(word[at..end].to_lowercase());
        at = end;
    }
    parts
}

/// Cuts a part into the longest entries of the vocabulary, from the left. All letters and digits are entries.
fn pieces(table: &Table<'_>, part: &[u8]) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut rest = part;
    let mut name = Vec::with_capacity(LONGEST + 2);
    while !rest.is_empty() {
        let mark: &[u8] = if rows.is_empty() { b"" } else { b"##" };
        let found = (1..=rest.len()).rev().find_map(|length| {
            name.clear();
            name.extend_from_slice(mark);
            name.extend_from_slice(&rest[..length]);
            Some((table.row(&name)?, length))
        });
        let Some((row, length)) = found else { return Vec::new() };
        rows.push(row);
        rest = &rest[length..];
    }
    rows
}

/// What separates words beyond ASCII: spaces, punctuation, symbols and emoji.
const SEPARATORS: [(u32, u32); 16] = [
    (0x80, 0xBF),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x2000, 0x206F),
    (0x20A0, 0x2BFF),
    (0x2E00, 0x2E7F),
    (0x3000, 0x303F),
    (0xE000, 0xF8FF),
    (0xFE00, 0xFE6F),
    (0xFF00, 0xFF0F),
    (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65),
    (0xFFE0, 0xFFFF),
    (0x1F000, 0x1FAFF),
    (0xE0000, 0x10FFFF),
];

fn is_of_word(one: char) -> bool {
    one.is_ascii_alphanumeric() || !one.is_ascii() && !is_in(&SEPARATORS, one)
}

/// What stands for the letters from U+00C0 to U+017F; `.` for those that stay.
const PLAIN: &str = "a a a a a a ae c e e e e i i i i d n o o o o o . o u u u u y th ss \
    a a a a a a ae c e e e e i i i i d n o o o o o . o u u u u y th y \
    a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g g g g g h h h h \
    i i i i i i i i i i ij ij j j k k k l l l l l l l l l l n n n n n n n n n o o o o o o oe oe \
    r r r r r r s s s s s s s s t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s";

/// Takes accents off. A capital stays one if one letter stands for it, because capitals are where words are cut.
fn without_accents(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut plain = String::with_capacity(word.len());
    for one in word.chars() {
        let at = (u32::from(one)).checked_sub(0xC0).filter(|at| *at < 0xC0);
        let letters = at.and_then(|at| PLAIN.split_whitespace().nth(at as usize));
        match letters.filter(|letters| *letters != ".") {
            _ if ('\u{300}'..='\u{36F}').contains(&one) => {}
            Some(letter) if letter.len() == 1 && one.is_uppercase() => {
                plain.push_str(&letter.to_ascii_uppercase());
            }
            Some(letters) => plain.push_str(letters),
            None => plain.push(one),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_their_letters_change() {
        let cases = [
            ("fooBar", "foo bar"),
            ("HTTPServer", "http server"),
            ("utf8Text", "utf 8 text"),
            ("ABC", "abc"),
            ("XMLHttpRequest2", "xml http request 2"),
            ("aBC1d", "a bc 1 d"),
            ("A", "a"),
        ];
        for (word, expected) in cases {
            assert_eq!(parts(word).join(" "), expected, "{word}");
        }
    }

    #[test]
    fn accents_go_and_capitals_stay_where_one_letter_stands_for_them() {
        assert_eq!(PLAIN.split_whitespace().count(), 0xC0);
        let cases = [
            ("naïve", "naive"),
            ("Œuvre", "oeuvre"),
            ("Ärger", "Arger"),
            ("ŝ÷", "s÷"),
            ("e\u{301}", "e"),
        ];
        for (word, expected) in cases {
            assert_eq!(without_accents(word), expected, "{word}");
        }
    }
}
