//! Names by content: SHA-256 in hexadecimal.

use sha2::{Digest, Sha256};

/// Returns `bytes` in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Returns the bytes that `text` spells in hexadecimal, or nothing.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns the SHA-256 of `parts` in their order. Each counts with its length, so that no other parts have the same.
pub fn of_parts(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Returns the SHA-256 of the JSON form of `value`. Maps are sorted by key, so equal values have equal hashes.
pub fn of_json<T: serde::Serialize>(value: &T) -> String {
    // `Value` sorts its maps; a struct serialised directly keeps the order of its fields, which is as stable.
    match serde_json::to_vec(value) {
        Ok(bytes) => of_bytes(&bytes),
        Err(error) => of_bytes(error.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
        assert_eq!(unhex("000fff"), Some(vec![0, 15, 255]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }

    #[test]
    fn parts_that_are_cut_elsewhere_have_another_hash() {
        assert_ne!(of_parts(&[b"ab", b"c"]), of_parts(&[b"a", b"bc"]));
        assert_ne!(of_parts(&[b"abc"]), of_parts(&[b"abc", b""]));
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert!(of_bytes(b"abc").starts_with("ba7816bf8f01cfea"));
    }
}
