//! Standard input: the task itself, or further input beside it.
//!
//! A program may be started with a pipe that nobody ever writes to or closes, so a pipe is only read to its end if
//! something comes soon, or if `-` asks for it. A person who gave a time limit never waits longer than that, and leaves most of it to the work.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use openkoi_app::{
    monotonic_ms,
    text::{Decoded, decoded},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read},
};

use crate::{
    error::CommandError,
    exit::Exit,
    output::{Printer, duration, plural},
};

/// The most bytes of standard input that are read.
pub const LARGEST_INPUT: usize = 64 << 20;
/// The time without input after which a pipe beside a task is left alone, and after which the person is told that a
/// pipe is waited for. Where there is a time limit, it is a quarter of that at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// Standard input of this process.
pub struct Stdin<'a> {
    printer: &'a Printer,
    started_ms: u64,
    limit: Option<Duration>,
}

impl<'a> Stdin<'a> {
    /// Returns standard input. Notices go to `printer`.
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer, started_ms: monotonic_ms(), limit: None }
    }

    /// Returns standard input that is waited for so long at most.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        Self { limit, ..self }
    }

    /// Returns the time since this was made.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(monotonic_ms().saturating_sub(self.started_ms))
    }

    /// Reads standard input to its end. Bytes that are not UTF-8 are replaced, which the person is told.
    ///
    /// # Errors
    ///
    /// When it is too long, cannot be read, or does not end within the limit.
    pub fn read(&self) -> Result<String, CommandError> {
        if !self.comes_within(self.patience())? {
            self.printer.notice("reading standard input until it ends (`< /dev/null` for none)");
        }
        self.rest()
    }

    /// Reads standard input to its end if something comes soon; then the text is not empty. A terminal is not read, and
    /// a pipe that gives nothing for a while is left alone, which the person is told.
    ///
    /// # Errors
    ///
    /// As [`Stdin::read`].
    pub fn beside(&self) -> Result<String, CommandError> {
        if io::stdin().is_terminal() {
            return Ok(String::new());
        }
        if self.comes_within(self.patience())? {
            return self.rest();
        }
        let waited = u64::try_from(self.patience().as_millis()).unwrap_or(u64::MAX);
        self.printer.warning(&format!(
            "nothing came on standard input for {}, so it is left alone; a further `-` waits for it: \
             openkoi \"TASK\" -",
            duration(waited)
        ));
        Ok(String::new())
    }

    fn patience(&self) -> Duration {
        self.limit.map_or(PATIENCE, |limit| PATIENCE.min(limit / 4))
    }

    /// Returns whether there is something to read, or the end, within `time`.
    fn comes_within(&self, time: Duration) -> Result<bool, CommandError> {
        let time = self.left()?.map_or(time, |left| left.min(time));
        let stdin = io::stdin();
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        let time = Timespec::try_from(time).ok();
        // What cannot be waited for can be read, or says then why not.
        Ok(!matches!(poll(&mut waiting, time.as_ref()), Ok(0)))
    }

    /// Returns the time that is left, if there is a limit.
    ///
    /// # Errors
    ///
    /// When there is none left.
    pub fn left(&self) -> Result<Option<Duration>, CommandError> {
        let Some(limit) = self.limit else { return Ok(None) };
        let over = || {
            let message = format!(
                "standard input did not end within the time limit of {} s",
                limit.as_secs()
            );
            CommandError::new(Exit::Time, message).hint("openkoi \"TASK\" < /dev/null")
        };
        limit.checked_sub(self.waited()).filter(|left| !left.is_zero()).ok_or_else(over).map(Some)
    }

    fn rest(&self) -> Result<String, CommandError> {
        let bytes = to_end(|buffer| {
            while !self.comes_within(self.left()?.unwrap_or(PATIENCE))? {}
            loop {
                match read(io::stdin(), &mut *buffer) {
                    Ok(count) => return Ok(count),
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    // A closed descriptor counts as empty input.
                    Err(Errno::BADF) => return Ok(0),
                    Err(error) => return Err(unreadable(&error.into())),
                }
            }
        })?;
        let Decoded { text, odd: replaced } = decoded(bytes);
        if replaced > 0 {
            let bytes = plural(replaced, "byte");
            let warning = format!("standard input is not UTF-8: {bytes} replaced by U+FFFD");
            self.printer.warning(&warning);
        }
        Ok(text)
    }
}

/// Reads to the end with `next`, which fills a buffer as far as it can.
fn to_end(
    mut next: impl FnMut(&mut [u8]) -> Result<usize, CommandError>,
) -> Result<Vec<u8>, CommandError> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let count = next(&mut buffer)?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if bytes.len() > LARGEST_INPUT {
            let message = format!("standard input is longer than {} MiB", LARGEST_INPUT >> 20);
            return Err(CommandError::usage(message).hint("write it to a file and name the file"));
        }
    }
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> CommandError {
    CommandError::failed(format!("cannot read standard input: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn text_of(bytes: Vec<u8>) -> (String, usize) {
        let Decoded { text, odd } = decoded(bytes);
        (text, odd)
    }

    fn whole(mut input: impl Read) -> Result<Vec<u8>, CommandError> {
        to_end(|buffer| input.read(buffer).map_err(|error| unreadable(&error)))
    }

    #[test]
    fn text_is_read_whole_and_more_than_the_limit_is_refused() {
        assert_eq!(whole(&b"fix it\n"[..]).unwrap(), b"fix it\n");
        let most = io::repeat(b'x').take(LARGEST_INPUT as u64);
        assert_eq!(whole(most).unwrap().len(), LARGEST_INPUT);

        let error = whole(io::repeat(b'x')).unwrap_err();
        assert_eq!(error.message, "standard input is longer than 64 MiB");
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_and_counted_and_the_others_stay() {
        let odd = whole(&b"caf\xe9 \xff ok\n"[..]).unwrap();
        assert_eq!(text_of(odd), ("caf\u{fffd} \u{fffd} ok\n".to_owned(), 2));
        // A character that two reads divide is whole, and one that was typed is no replacement.
        let divided = (&b"\xc3"[..]).chain(&b"\xa4\xef\xbf\xbd"[..]);
        assert_eq!(text_of(whole(divided).unwrap()), ("ä\u{fffd}".to_owned(), 0));
        // What a console of Windows writes.
        assert_eq!(text_of(b"\xff\xfea\0\xe4\0".to_vec()), ("aä".to_owned(), 0));
    }

    #[test]
    fn a_wait_for_a_pipe_leaves_most_of_the_time_to_the_work() {
        let printer = Printer::on_paper(None, 0);
        let patience = |limit| Stdin::new(&printer).within(limit).patience();

        assert_eq!(patience(None), PATIENCE);
        assert_eq!(patience(Some(Duration::from_secs(60))), PATIENCE);
        assert_eq!(patience(Some(Duration::from_secs(2))), Duration::from_millis(500));
    }

    #[test]
    fn an_input_that_fails_says_why() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line is dead"))
            }
        }

        let error = whole(Broken).unwrap_err();

        assert_eq!(error, CommandError::failed("cannot read standard input: the line is dead"));
    }

    #[test]
    fn a_time_limit_holds_for_standard_input_too() {
        let printer = Printer::on_paper(None, 0);
        let stdin = Stdin::new(&printer).within(Some(Duration::ZERO));

        let error = stdin.left().unwrap_err();

        assert_eq!(error.kind, Exit::Time);
        assert!(Stdin::new(&printer).left().unwrap().is_none());
    }
}
