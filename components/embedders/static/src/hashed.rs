//! What stands for words outside of the vocabulary's letters: themselves and their parts, each a row of signs.

use crate::characters::{is_in, is_plain};

/// Characters of which two say as much as three letters.
const DENSE: [(u32, u32); 6] = [
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2FA1F),
];

/// Returns the texts that stand for a word in lower case: the word, and its parts of two or three characters. A plain word
/// is here for its length and stands for itself.
pub(crate) fn items(word: &str) -> Vec<String> {
    let mut items = vec![word.to_owned()];
    if is_plain(word) {
        return items;
    }
    let characters: Vec<char> = word.chars().collect();
    let is_dense = characters.iter().any(|one| is_in(&DENSE, *one));
    let length = if is_dense { 2 } else { 3 };
    if characters.len() > length {
        items.extend(characters.windows(length).map(|window| window.iter().collect::<String>()));
    }
    items
}

/// Adds what stands for a word to a sum.
pub(crate) fn add(items: &[String], length: f32, sum: &mut [f32]) {
    let dimension = sum.len();
    let mut own = vec![0.0_f32; dimension];
    for item in items {
        let mut state = fnv1a(item.as_bytes());
        for numbers in own.chunks_mut(64) {
            let mut signs = next(&mut state);
            for one in numbers {
                *one += if signs & 1 == 1 { 1.0 } else { -1.0 };
                signs >>= 1;
            }
        }
    }
    let scale = length / ((dimension * items.len()) as f32).sqrt();
    for (one, own) in sum.iter_mut().zip(own) {
        *one += own * scale;
    }
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

/// The next number of splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
