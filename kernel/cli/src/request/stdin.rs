//! Standard input: the task itself, or further input beside it.

use std::io::{self, IsTerminal, Read};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{error::CommandError, output::Printer};

/// The most bytes of standard input that are read.
pub const LARGEST_INPUT: u64 = 10 << 20;
/// The time without input after which the user is told what the program waits for.
const PATIENCE: Timespec = Timespec { tv_sec: 3, tv_nsec: 0 };

/// Standard input of this process.
pub struct Stdin<'a> {
    printer: &'a Printer,
}

impl<'a> Stdin<'a> {
    /// Returns standard input. Notices go to `printer`.
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer }
    }

    /// Reads standard input to its end.
    ///
    /// # Errors
    ///
    /// When it is not text, or too long.
    pub fn read(&self) -> Result<String, CommandError> {
        self.tell_if_nothing_comes();
        limited(io::stdin().lock())
    }

    /// Reads standard input, unless it is a terminal or closed; then the text is empty.
    ///
    /// # Errors
    ///
    /// As [`Stdin::read`].
    pub fn beside(&self) -> Result<String, CommandError> {
        if io::stdin().is_terminal() { Ok(String::new()) } else { self.read() }
    }

    /// Prints a notice if no input comes for a while, because a pipe that is never closed would
    /// hang without a word.
    fn tell_if_nothing_comes(&self) {
        let stdin = io::stdin();
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        if matches!(poll(&mut waiting, Some(&PATIENCE)), Ok(0)) {
            self.printer.notice("reading standard input until it ends (`< /dev/null` for none)");
        }
    }
}

fn limited(input: impl Read) -> Result<String, CommandError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => CommandError::usage("standard input is not UTF-8 text"),
        _ => CommandError::failed(format!("cannot read standard input: {error}")),
    };
    let mut bytes = Vec::new();
    match input.take(LARGEST_INPUT + 1).read_to_end(&mut bytes) {
        // A closed descriptor counts as empty input.
        Err(error) if matches!(error.raw_os_error(), Some(BAD_DESCRIPTOR)) => {
            return Ok(String::new());
        }
        read => read.map_err(unreadable)?,
    };
    if bytes.len() as u64 > LARGEST_INPUT {
        let message = format!("standard input is longer than {} MiB", LARGEST_INPUT >> 20);
        return Err(CommandError::usage(message));
    }
    String::from_utf8(bytes).map_err(|_| CommandError::usage("standard input is not UTF-8 text"))
}

const BAD_DESCRIPTOR: i32 = rustix::io::Errno::BADF.raw_os_error();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_whole_and_more_than_the_limit_is_refused() {
        assert_eq!(limited(&b"fix it\n"[..]).unwrap(), "fix it\n");
        assert!(limited(io::repeat(b'x')).unwrap_err().message.contains("longer than 10 MiB"));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(
            limited(&b"\xff\xfe"[..]).unwrap_err().message,
            "standard input is not UTF-8 text"
        );
    }

    /// An input that fails as the system says.
    struct Broken(io::Error);

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(self
                .0
                .raw_os_error()
                .map_or_else(|| io::Error::other(self.0.to_string()), io::Error::from_raw_os_error))
        }
    }

    #[test]
    fn exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let most = io::repeat(b'x').take(LARGEST_INPUT);
        assert_eq!(limited(most).unwrap().len() as u64, LARGEST_INPUT);

        let more = limited(io::repeat(b'x').take(LARGEST_INPUT + 1)).unwrap_err();
        assert_eq!(more, CommandError::usage("standard input is longer than 10 MiB"));
    }

    #[test]
    fn a_closed_descriptor_counts_as_empty_input() {
        let closed = Broken(io::Error::from_raw_os_error(BAD_DESCRIPTOR));

        assert_eq!(limited(closed).unwrap(), "");
    }

    #[test]
    fn an_input_that_fails_says_why() {
        let error = limited(Broken(io::Error::other("the line is dead"))).unwrap_err();

        assert_eq!(error, CommandError::failed("cannot read standard input: the line is dead"));
    }
}
