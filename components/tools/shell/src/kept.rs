//! The beginning and the end of an output of any length.

use std::collections::VecDeque;

const HEAD: usize = 10 * 1024;
const TAIL: usize = 20 * 1024;

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Kept {
    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = bytes.len().min(HEAD - self.head.len());
        self.head.extend_from_slice(&bytes[..room]);
        let mut rest = &bytes[room..];
        if rest.len() > TAIL {
            self.dropped += (rest.len() - TAIL) as u64;
            rest = &rest[rest.len() - TAIL..];
        }
        let over = (self.tail.len() + rest.len()).saturating_sub(TAIL);
        self.tail.drain(..over);
        self.dropped += over as u64;
        self.tail.extend(rest);
    }

    /// Returns the beginning, how many bytes were dropped after it, and the end. Where something was dropped,
    /// both are cut at a line's end if there is one.
    pub(crate) fn parts(&self) -> (Vec<u8>, u64, Vec<u8>) {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.dropped == 0 {
            return ([self.head.as_slice(), &tail].concat(), 0, Vec::new());
        }
        let head_end = self.head.iter().rposition(|&byte| byte == b'\n').map_or(HEAD, |at| at + 1);
        let tail_start = tail.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let cut = (self.head.len() - head_end + tail_start) as u64;
        (self.head[..head_end].to_vec(), self.dropped + cut, tail[tail_start..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_cut_the_same_is_kept() {
        let output: Vec<u8> = (0..20_000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let parts = |chunk: usize| {
            let mut kept = Kept::default();
            output.chunks(chunk).for_each(|bytes| kept.push(bytes));
            kept.parts()
        };

        let (head, dropped, tail) = parts(1);

        assert_eq!(head.len() as u64 + dropped + tail.len() as u64, output.len() as u64);
        assert!(head.ends_with(b"\n") && output.starts_with(&head) && output.ends_with(&tail));
        for chunk in [7, 4096, 50_000, 1_000_000] {
            assert_eq!(parts(chunk), (head.clone(), dropped, tail.clone()), "{chunk}");
        }
    }

    #[test]
    fn a_short_output_is_whole() {
        let mut kept = Kept::default();

        kept.push(&[b'a'; HEAD]);
        kept.push(&[b'b'; TAIL]);

        assert_eq!(kept.parts().1, 0);
        assert_eq!(kept.parts().0.len(), HEAD + TAIL);
    }
}
