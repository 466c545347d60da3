//! The output of a program: its head and its tail are delivered, and if there is more, all of it is kept in a file.

use super::Happening;
use crate::durable::create_private_dir;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The largest piece that is delivered.
pub(super) const PIECE: usize = 64 * 1024;
/// The most bytes of one program that are kept in a file.
const MOST_SPOOLED: u64 = 1 << 30;

/// One of the two pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pipe {
    Out,
    Err,
}

impl Pipe {
    fn happening(self, bytes: Vec<u8>) -> Happening {
        match self {
            Self::Out => Happening::Stdout(bytes),
            Self::Err => Happening::Stderr(bytes),
        }
    }
}

/// The output of one program so far.
pub(super) struct OutputLog {
    keep: u64,
    path: PathBuf,
    /// The delivered bytes, until they are in the file.
    head: Vec<u8>,
    delivered: u64,
    total: u64,
    spool: Spool,
    tail: VecDeque<(Pipe, Vec<u8>)>,
    tail_bytes: u64,
    /// Whether all of it is delivered and kept in the file.
    is_whole: bool,
}

enum Spool {
    Unneeded,
    Open {
        file: File,
        left: u64,
    },
    /// It could not be written. The program goes on.
    Lost,
}

impl OutputLog {
    pub(super) fn new(keep: u64, path: PathBuf) -> Self {
        Self {
            keep,
            path,
            head: Vec::new(),
            delivered: 0,
            total: 0,
            spool: Spool::Unneeded,
            tail: VecDeque::new(),
            tail_bytes: 0,
            is_whole: false,
        }
    }

    /// The output of a program that nobody waits for: all of it is delivered, and kept in the file as it comes.
    pub(super) fn whole(path: PathBuf) -> Self {
        Self { is_whole: true, ..Self::new(0, path) }
    }

    /// Adds a piece; returns the part of it that is delivered now.
    pub(super) fn push(&mut self, pipe: Pipe, piece: &[u8]) -> Option<Happening> {
        self.total += piece.len() as u64;
        if self.is_whole {
            self.open_spool();
            self.spool.write(piece);
            self.delivered += piece.len() as u64;
            return Some(pipe.happening(piece.to_vec()));
        }
        let room = usize::try_from(self.keep - self.delivered).unwrap_or(usize::MAX);
        let (now, later) = piece.split_at(room.min(piece.len()));
        if !now.is_empty() {
            self.head.extend_from_slice(now);
            self.delivered += now.len() as u64;
        }
        if !later.is_empty() {
            self.set_aside(pipe, later);
        }
        (!now.is_empty()).then(|| pipe.happening(now.to_vec()))
    }

    fn set_aside(&mut self, pipe: Pipe, bytes: &[u8]) {
        self.open_spool();
        self.spool.write(bytes);
        self.tail.push_back((pipe, bytes.to_vec()));
        self.tail_bytes += bytes.len() as u64;
        while let Some(surplus) = self.tail_bytes.checked_sub(self.keep).filter(|n| *n > 0) {
            self.drop_oldest(surplus);
        }
    }

    fn open_spool(&mut self) {
        if matches!(self.spool, Spool::Unneeded) {
            let head = std::mem::take(&mut self.head);
            self.spool = open(&self.path)
                .map(|file| Spool::Open { file, left: MOST_SPOOLED })
                .unwrap_or_else(lost);
            self.spool.write(&head);
        }
    }

    fn drop_oldest(&mut self, surplus: u64) {
        let Some((_, oldest)) = self.tail.front_mut() else { return };
        let gone = usize::try_from(surplus).unwrap_or(usize::MAX).min(oldest.len());
        oldest.drain(..gone);
        self.tail_bytes -= gone as u64;
        if oldest.is_empty() {
            self.tail.pop_front();
        }
    }

    /// Ends the output: returns the tail, the file with the whole, and the number of bytes that were not delivered.
    pub(super) fn finish(self) -> (Vec<Happening>, Option<PathBuf>, u64) {
        let omitted = self.total - self.delivered - self.tail_bytes;
        let tail = self.tail.into_iter().map(|(pipe, bytes)| pipe.happening(bytes)).collect();
        let kept = matches!(self.spool, Spool::Open { .. });
        if kept && omitted == 0 && !self.is_whole {
            // All of it was delivered.
            std::fs::remove_file(&self.path).unwrap_or_else(|error| {
                tracing::debug!(%error, "a spool file stays");
            });
        }
        let is_saved = kept && (omitted > 0 || self.is_whole);
        (tail, is_saved.then_some(self.path), omitted)
    }
}

impl Spool {
    fn write(&mut self, bytes: &[u8]) {
        let Self::Open { file, left } = self else { return };
        let room = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= room as u64;
        if let Err(error) = file.write_all(&bytes[..room]) {
            *self = lost(error);
        }
    }
}

fn lost(error: io::Error) -> Spool {
    tracing::warn!(%error, "the output of a program cannot be kept");
    Spool::Lost
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        create_private_dir(directory).map_err(io::Error::other)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::{Happening, OutputLog, Pipe};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn head_and_tail_are_delivered_and_the_whole_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool/1.out");
        let mut output = OutputLog::new(10, path.clone());

        let head = output.push(Pipe::Out, b"0123456").into_iter();
        let head: Vec<_> = head.chain(output.push(Pipe::Err, b"789abcdef")).collect();
        assert_eq!(output.push(Pipe::Out, b"ghijklmnop"), None);
        let (tail, saved, omitted) = output.finish();

        let text = |bytes: &[u8]| bytes.to_vec();
        assert_eq!(head, [Happening::Stdout(text(b"0123456")), Happening::Stderr(text(b"789"))]);
        assert_eq!(tail, [Happening::Stdout(text(b"ghijklmnop"))]);
        assert_eq!((saved.as_deref(), omitted), (Some(path.as_path()), 6));
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456789abcdefghijklmnop");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn all_of_a_program_in_the_background_is_delivered_and_kept_as_it_comes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.out");
        let mut output = OutputLog::whole(path.clone());

        assert_eq!(output.push(Pipe::Out, b"one"), Some(Happening::Stdout(b"one".to_vec())));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        output.push(Pipe::Err, b"two");

        assert_eq!(output.finish(), (Vec::new(), Some(path.clone()), 0));
        assert_eq!(std::fs::read(&path).unwrap(), b"onetwo");
    }

    #[test]
    fn output_that_is_delivered_whole_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.out");
        let mut output = OutputLog::new(10, path.clone());

        output.push(Pipe::Out, b"0123456789");
        output.push(Pipe::Err, b"abc");
        let (tail, saved, omitted) = output.finish();

        assert_eq!(tail, [Happening::Stderr(b"abc".to_vec())]);
        assert_eq!((saved, omitted), (None, 0));
        assert!(!path.exists());
    }
}
