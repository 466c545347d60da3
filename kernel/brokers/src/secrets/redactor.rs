//! Redaction of a stream.

use super::patterns::{Patterns, REDACTED, merge, replace};

/// Redacts bytes that arrive in pieces. A secret is found wherever the pieces are cut.
///
/// Bytes that could be the beginning of a secret are held back, and no others, so that a stream of events is not delayed
/// by the length of a key.
#[derive(Debug)]
pub(crate) struct Redactor {
    patterns: Vec<Patterns>,
    pending: Vec<u8>,
}

impl Redactor {
    pub(crate) fn new(patterns: Vec<Patterns>) -> Self {
        Self { patterns, pending: Vec::new() }
    }

    /// Takes the next piece, and returns the bytes that are certain by now.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.patterns.is_empty() {
            return piece.to_vec();
        }
        self.pending.extend_from_slice(piece);
        let unfinished = self.patterns.iter().map(|one| one.unfinished(&self.pending)).max();
        self.release(self.pending.len() - unfinished.unwrap_or(0))
    }

    /// Returns the bytes that were held back.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.release(self.pending.len())
    }

    fn release(&mut self, mut to: usize) -> Vec<u8> {
        let mut found = merge(self.patterns.iter().flat_map(|p| p.find(&self.pending)).collect());
        if let Some(across) = found.iter().find(|range| range.start < to && to < range.end) {
            to = across.end;
        }
        found.retain(|range| range.end <= to);
        let rest = self.pending.split_off(to);
        let ready = std::mem::replace(&mut self.pending, rest);
        replace(&ready, &found, REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::{Patterns, Redactor};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"tok_9f8e7d6c5b4a";

    fn stream(text: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut redactor = Redactor::new(vec![Patterns::new(SECRET)]);
        let mut clean = Vec::new();
        let mut from = 0;
        for cut in cuts {
            clean.extend(redactor.push(&text[from..*cut]));
            from = *cut;
        }
        clean.extend(redactor.push(&text[from..]));
        clean.extend(redactor.finish());
        clean
    }

    #[test]
    fn a_secret_is_found_wherever_one_cut_falls() {
        let percent: String = SECRET.iter().map(|byte| format!("%{byte:02X}")).collect();
        let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
        for form in [String::from_utf8(SECRET.to_vec()).unwrap(), percent, hex] {
            let text = format!("data: {form}\n\n");
            for cut in 0..text.len() {
                let clean = stream(text.as_bytes(), &[cut]);
                assert_eq!(clean, b"data: [redacted]\n\n", "{form} cut at {cut}");
            }
        }
        let encoded = STANDARD.encode([b"user:", SECRET].concat());
        for cut in 0..encoded.len() {
            let clean = stream(encoded.as_bytes(), &[cut]);
            assert!(clean.windows(10).any(|part| part == b"[redacted]"), "cut at {cut}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_secret_is_held_back() {
        let mut redactor = Redactor::new(vec![Patterns::new(SECRET)]);

        assert_eq!(redactor.push(b"data: hello\n\n"), b"data: hello\n\n");
        assert_eq!(redactor.push(b"data: tok_9"), b"data: ");
        assert_eq!(redactor.push(b"x\n\n"), b"tok_9x\n\n");
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_cuts(
            before in "[a-z0-9_%]{0,20}",
            after in "[a-z0-9_%]{0,20}",
            twice in any::<bool>(),
            cuts in prop::collection::vec(0..40_usize, 0..6),
        ) {
            let middle = if twice { SECRET.repeat(2) } else { SECRET.to_vec() };
            let text = [before.as_bytes(), &middle, after.as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.sort_unstable();

            prop_assert_eq!(stream(&text, &cuts), stream(&text, &[]));
        }
    }
}
