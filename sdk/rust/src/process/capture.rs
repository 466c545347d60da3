//! Output of which a beginning is kept.

use crate::{
    Result,
    bindings::host::openkoi::host::process::{Exit, Happening},
};

/// A program that ran to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What it wrote to its standard output, cut.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error, cut.
    pub stderr: Vec<u8>,
    /// How many bytes of both were left out.
    pub omitted: u64,
    /// How it ended.
    pub exit: Exit,
}

impl Finished {
    /// Whether it ended by itself with code 0.
    pub fn success(&self) -> bool {
        self.exit.code == Some(0)
    }
}

/// Keeps up to `max` bytes of each stream of what `run` tells, and counts the rest.
pub(super) fn collected(
    max: usize,
    run: impl FnOnce(&mut dyn FnMut(Happening)) -> Result<Exit>,
) -> Result<Finished> {
    let (mut stdout, mut stderr) = (Capture::new(max), Capture::new(max));
    let exit = run(&mut |happening| match happening {
        Happening::Stdout(bytes) => stdout.push(&bytes),
        Happening::Stderr(bytes) => stderr.push(&bytes),
        Happening::Exited(_) => {}
    })?;
    let omitted = exit.omitted + stdout.omitted + stderr.omitted;
    Ok(Finished { stdout: stdout.bytes, stderr: stderr.bytes, omitted, exit })
}

/// The first bytes of a stream, and how many came after them.
struct Capture {
    bytes: Vec<u8>,
    max: usize,
    omitted: u64,
}

impl Capture {
    fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, omitted: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
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
