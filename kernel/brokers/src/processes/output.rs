//! The output of a program: its head and its tail are delivered, and if there is more, all of it is kept in a file.

use super::Happening;
use super::output_room::{Limit, OutputRoom};
use crate::durable::create_private_dir;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The largest piece that is delivered.
pub(super) const PIECE: usize = 64 * 1024;

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
    /// What is kept in the file at most.
    room: OutputRoom,
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
        /// Bytes that are kept.
        kept: u64,
        /// Bytes that came after a limit, and which it was.
        unkept: Option<(u64, Limit)>,
    },
    /// It could not be written, for this reason. The program goes on.
    Lost(String),
}

/// The end of an output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutputEnd {
    /// The newest bytes that were not delivered yet.
    pub(super) tail: Vec<Happening>,
    /// The file with the whole.
    pub(super) saved: Option<PathBuf>,
    /// Number of bytes that were not delivered.
    pub(super) omitted: u64,
    /// What is said of bytes that are nowhere.
    pub(super) note: Option<String>,
}

impl OutputLog {
    pub(super) fn new(keep: u64, room: OutputRoom, path: PathBuf) -> Self {
        Self {
            keep,
            path,
            head: Vec::new(),
            delivered: 0,
            total: 0,
            room,
            spool: Spool::Unneeded,
            tail: VecDeque::new(),
            tail_bytes: 0,
            is_whole: false,
        }
    }

    /// The output of a program that nobody waits for: all of it is delivered, and kept in the file as it comes.
    pub(super) fn whole(room: OutputRoom, path: PathBuf) -> Self {
        Self { is_whole: true, ..Self::new(0, room, path) }
    }

    /// Adds a piece; returns the part of it that is delivered now.
    pub(super) fn push(&mut self, pipe: Pipe, piece: &[u8]) -> Option<Happening> {
        self.total += piece.len() as u64;
        if self.is_whole {
            self.open_spool();
            self.spool.write(piece, &self.room);
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
        self.spool.write(bytes, &self.room);
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
                .map(|file| Spool::Open { file, kept: 0, unkept: None })
                .unwrap_or_else(lost);
            self.spool.write(&head, &self.room);
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

    /// Ends the output.
    pub(super) fn finish(self) -> OutputEnd {
        let omitted = self.total - self.delivered - self.tail_bytes;
        let tail = self.tail.into_iter().map(|(pipe, bytes)| pipe.happening(bytes)).collect();
        let kept = matches!(self.spool, Spool::Open { .. });
        if let (Spool::Open { kept, .. }, 0, false) = (&self.spool, omitted, self.is_whole) {
            // All of it was delivered.
            self.room.give_back(*kept);
            std::fs::remove_file(&self.path).unwrap_or_else(|error| {
                tracing::debug!(%error, "a spool file stays");
            });
        }
        let is_saved = kept && (omitted > 0 || self.is_whole);
        let note = match &self.spool {
            _ if omitted == 0 && !self.is_whole => None,
            Spool::Open { unkept: Some((unkept, limit)), .. } => Some(format!(
                "\n[openkoi: the last {unkept} bytes are not in the file: {}]\n",
                self.room.words(*limit)
            )),
            Spool::Lost(why) => {
                Some(format!("\n[openkoi: the whole output could not be kept in a file: {why}]\n"))
            }
            Spool::Open { .. } | Spool::Unneeded => None,
        };
        OutputEnd { tail, saved: is_saved.then_some(self.path), omitted, note }
    }
}

impl Spool {
    fn write(&mut self, bytes: &[u8], room: &OutputRoom) {
        let Self::Open { file, kept, unkept } = self else { return };
        // After a gap nothing is kept any more.
        let (now, limit) = match unkept {
            Some((_, limit)) => (0, *limit),
            None => room.take(*kept, bytes.len()),
        };
        let over = (bytes.len() - now) as u64;
        let is_first = over > 0 && unkept.is_none();
        *kept += now as u64;
        if over > 0 {
            let before = unkept.map_or(0, |(unkept, _)| unkept);
            *unkept = Some((before + over, limit));
        }
        let written = file.write_all(&bytes[..now]).and_then(|()| match is_first {
            // Who reads the file learns that it ends early.
            true => write!(file, "\n[openkoi: the rest is not kept: {}]\n", room.words(limit)),
            false => Ok(()),
        });
        if let Err(error) = written {
            *self = lost(error);
        }
    }
}

fn lost(error: io::Error) -> Spool {
    tracing::debug!(%error, "the output of a program cannot be kept");
    Spool::Lost(error.to_string())
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        create_private_dir(directory).map_err(io::Error::other)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::{Happening, OutputEnd, OutputLog, Pipe};
    use crate::processes::output_room::OutputRoom;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn head_and_tail_are_delivered_and_the_whole_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool/1.out");
        let mut output = OutputLog::new(10, OutputRoom::of(1 << 20, u64::MAX), path.clone());

        let head = output.push(Pipe::Out, b"0123456").into_iter();
        let head: Vec<_> = head.chain(output.push(Pipe::Err, b"789abcdef")).collect();
        assert_eq!(output.push(Pipe::Out, b"ghijklmnop"), None);
        let OutputEnd { tail, saved, omitted, note } = output.finish();
        assert_eq!(note, None);

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
        let mut output = OutputLog::whole(OutputRoom::of(1 << 20, u64::MAX), path.clone());

        assert_eq!(output.push(Pipe::Out, b"one"), Some(Happening::Stdout(b"one".to_vec())));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        output.push(Pipe::Err, b"two");

        let end = OutputEnd { tail: Vec::new(), saved: Some(path.clone()), omitted: 0, note: None };
        assert_eq!(output.finish(), end);
        assert_eq!(std::fs::read(&path).unwrap(), b"onetwo");
    }

    #[test]
    fn output_that_is_delivered_whole_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.out");
        let mut output = OutputLog::new(10, OutputRoom::of(1 << 20, u64::MAX), path.clone());

        output.push(Pipe::Out, b"0123456789");
        output.push(Pipe::Err, b"abc");
        let OutputEnd { tail, saved, omitted, note } = output.finish();
        assert_eq!(note, None);

        assert_eq!(tail, [Happening::Stderr(b"abc".to_vec())]);
        assert_eq!((saved, omitted), (None, 0));
        assert!(!path.exists());
    }

    #[test]
    fn what_is_over_the_limit_of_the_file_is_said_there_and_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.out");
        let most = 1 << 20;
        for is_whole in [false, true] {
            let mut output = match is_whole {
                true => OutputLog::whole(OutputRoom::of(most, u64::MAX), path.clone()),
                false => OutputLog::new(10, OutputRoom::of(most, u64::MAX), path.clone()),
            };

            for _ in 0..17 {
                output.push(Pipe::Out, &[b'x'; 1 << 16]);
            }
            let end = output.finish();

            let text = std::fs::read_to_string(&path).unwrap();
            let (kept, rest) = text.split_at(most as usize);
            assert!(kept.bytes().all(|byte| byte == b'x'));
            let said = "it holds the first 1 MiB, as `output_mib` under [sandbox] says]\n";
            assert_eq!(rest, format!("\n[openkoi: the rest is not kept: {said}"));
            let note = format!("\n[openkoi: the last 65536 bytes are not in the file: {said}");
            assert_eq!(end.note, Some(note));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn that_the_whole_cannot_be_kept_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.out");
        std::fs::write(&path, "somebody else's").unwrap();
        let mut output = OutputLog::new(10, OutputRoom::of(1 << 20, u64::MAX), path);

        output.push(Pipe::Out, &[b'x'; 100]);
        let end = output.finish();

        assert_eq!((end.saved, end.omitted), (None, 80));
        assert!(end.note.unwrap().contains("could not be kept in a file"));
    }

    #[test]
    fn what_programs_print_together_has_a_limit_and_what_was_delivered_whole_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let room = OutputRoom::of(2 << 20, 3 << 20);
        let print = |name: &str, bytes: usize| {
            let path = directory.path().join(name);
            let mut output = OutputLog::new(1 << 16, room.clone(), path);
            for _ in 0..bytes >> 16 {
                output.push(Pipe::Out, &[b'x'; 1 << 16]);
            }
            output.finish()
        };

        // It went past what is delivered at once, and was delivered as its tail.
        assert_eq!(print("delivered", 2 << 16).saved, None);
        let whole = print("whole", 2 << 20);
        let cut = print("cut", 2 << 20);

        assert_eq!((whole.note, whole.saved.is_some()), (None, true));
        let note = cut.note.unwrap();
        assert!(
            note.contains("the last 1048576 bytes") && note.contains("`outputs_mib`"),
            "{note}"
        );
        let length = cut.saved.unwrap().metadata().unwrap().len();
        assert!((1 << 20..(1 << 20) + 200).contains(&length), "{length}");
    }
}
