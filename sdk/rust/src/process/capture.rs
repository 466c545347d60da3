//! Output of which a beginning is kept.

/// The first bytes of a stream, and how many came after them.
pub(super) struct Capture {
    pub(super) bytes: Vec<u8>,
    max: usize,
    pub(super) omitted: u64,
}

impl Capture {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, omitted: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.max - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.omitted += (bytes.len() - kept) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_at_its_cap_and_the_rest_is_counted() {
        let mut capture = Capture::new(5);

        capture.push(b"abc");
        capture.push(b"defg");
        capture.push(b"h");

        assert_eq!(capture.bytes, b"abcde");
        assert_eq!(capture.omitted, 3);
    }
}
