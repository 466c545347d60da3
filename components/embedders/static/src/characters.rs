//! Kinds of characters.

/// True if all characters are among those of the vocabulary.
pub(crate) fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// True if a character is in one of the ranges.
pub(crate) fn is_in(ranges: &[(u32, u32)], one: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(one)))
}
