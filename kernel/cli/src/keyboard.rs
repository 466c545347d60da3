//! The keys that are pressed while a turn of a conversation runs: Esc stops it, and lines wait for the next message.

use std::{
    collections::VecDeque,
    io::{self, Read},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    interrupt::Interrupts,
    terminal_modes::{begin, restore},
};

/// How long a look at the keys waits for one.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// What a person typed meanwhile.
#[derive(Debug, Default)]
struct Typed {
    /// The bytes of the line that is being typed.
    line: Vec<u8>,
    /// Whole lines.
    lines: VecDeque<String>,
    /// Lines that nobody has been told of yet.
    news: Vec<String>,
}

impl Typed {
    /// Takes what was read at once. Returns true for Esc: alone, because other keys send more behind it.
    fn take(&mut self, bytes: &[u8]) -> bool {
        if bytes == [0x1b] {
            return true;
        }
        let mut rest = bytes.iter();
        while let Some(&byte) = rest.next() {
            match byte {
                // A key such as an arrow: everything up to its letter belongs to it.
                0x1b => drop(
                    rest.by_ref().skip(1).find(|byte| byte.is_ascii_alphabetic() || **byte == b'~'),
                ),
                b'\r' | b'\n' => self.end_line(),
                8 | 0x7f => self.back(),
                0x15 => self.line.clear(),
                0..0x20 => {}
                byte => self.line.push(byte),
            }
        }
        false
    }

    fn back(&mut self) {
        // The bytes of one character go together.
        while self.line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    fn end_line(&mut self) {
        let line = text(&mem::take(&mut self.line));
        if !line.trim().is_empty() {
            self.news.push(line.clone());
            self.lines.push_back(line);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The keys of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    typed: Typed,
    watched: bool,
    /// Number of those who read the terminal themselves, such as a question.
    held: u32,
}

/// Keys are watched until this is dropped.
pub(crate) struct Watch(Arc<Keys>);

/// Somebody else reads the keys until this is dropped.
pub(crate) struct Hold<'a>(&'a Keys);

impl Keys {
    /// Watches the keys while a turn runs. Esc stops it.
    pub(crate) fn watch(self: &Arc<Self>, interrupts: &Interrupts) -> Watch {
        self.state().watched = true;
        begin();
        let (keys, interrupts) = (Arc::clone(self), interrupts.clone());
        // Reading blocks for moments.
        tokio::task::spawn_blocking(move || while keys.look(&interrupts) {});
        Watch(Arc::clone(self))
    }

    /// Leaves the keys to somebody else.
    pub(crate) fn hold(&self) -> Hold<'_> {
        let mut state = self.state();
        state.held += 1;
        restore();
        Hold(self)
    }

    /// Returns the line that is being typed.
    pub(crate) fn typing(&self) -> String {
        text(&self.state().typed.line)
    }

    /// Returns the lines since the last call, to tell of them.
    pub(crate) fn news(&self) -> Vec<String> {
        mem::take(&mut self.state().typed.news)
    }

    /// Takes the oldest line that waits.
    pub(crate) fn next_line(&self) -> Option<String> {
        self.state().typed.lines.pop_front()
    }

    /// Takes the oldest line that waits if `take` makes something of it, and returns that.
    pub(crate) fn next_line_if<T>(&self, take: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        let taken = take(state.typed.lines.front()?)?;
        state.typed.lines.pop_front();
        Some(taken)
    }

    /// Types a line, as a person would.
    #[cfg(test)]
    pub(crate) fn type_line(&self, line: &str) {
        self.state().typed.take(format!("{line}\n").as_bytes());
    }

    /// Takes everything that was typed and not sent, to go on typing at its end.
    pub(crate) fn unsent(&self) -> String {
        let typed = mem::take(&mut self.state().typed);
        let last = Some(text(&typed.line)).filter(|line| !line.is_empty());
        typed.lines.into_iter().chain(last).collect::<Vec<_>>().join("\n")
    }

    /// Looks for keys once. Returns false when nobody wants to know any more.
    fn look(&self, interrupts: &Interrupts) -> bool {
        let stdin = io::stdin();
        let held = self.state().held > 0;
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        // Where somebody else reads, only time passes here.
        let watched = if held { &mut waiting[..0] } else { &mut waiting[..] };
        let ready = matches!(poll(watched, Some(&GLANCE)), Ok(1..));
        let mut state = self.state();
        if ready && state.watched && state.held == 0 {
            // As much as the buffer of standard input holds, so that nothing stays in there.
            let mut bytes = [0; 8_192];
            let count = stdin.lock().read(&mut bytes).unwrap_or(0);
            if state.typed.take(bytes.get(..count).unwrap_or_default()) {
                interrupts.stop();
            }
        }
        state.watched
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.watched = false;
        restore();
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held = state.held.saturating_sub(1);
        if state.watched && state.held == 0 {
            begin();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make what was typed untrue.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_in_order_and_the_last_one_can_be_gone_on_with() {
        type Case<'a> = (&'a [&'a [u8]], &'a [&'a str], &'a str);
        let table: [Case<'_>; 9] = [
            (&[b"one\r", b"two\n", b"thr"], &["one", "two"], "thr"),
            (&[b"o", b"n", b"e"], &[], "one"),
            (&[b"onf\x7fe\n"], &["one"], ""),
            (&["é\u{9bc9}\x7f\x7f".as_bytes(), b"\xc3", b"\xa9x\n"], &["éx"], ""),
            (&[b"gone\x15one\n"], &["one"], ""),
            (&[b"\n", b"  \n"], &[], ""),
            (&[b"a\x1b[Ab\x1b[3~c\x1bOPd\n"], &["abcd"], ""),
            (&[b"a\x04\x01b\n"], &["ab"], ""),
            (&[b"\x7f\x7f"], &[], ""),
        ];
        for (reads, lines, rest) in table {
            let mut typed = Typed::default();
            for bytes in reads {
                assert!(!typed.take(bytes), "{reads:?}");
            }
            assert_eq!(typed.lines, lines, "{reads:?}");
            assert_eq!(typed.news, lines, "{reads:?}");
            assert_eq!(text(&typed.line), rest, "{reads:?}");
        }
    }

    #[test]
    fn esc_alone_stops_and_leaves_what_was_typed() {
        let mut typed = Typed::default();
        typed.take(b"half");

        assert!(typed.take(b"\x1b"));

        assert_eq!(typed.line, b"half");
    }

    #[test]
    fn what_is_not_sent_can_be_edited() {
        let keys = Keys::default();
        keys.state().typed.take(b"one\ntwo\nthr");

        assert_eq!(keys.next_line().as_deref(), Some("one"));
        assert_eq!(keys.unsent(), "two\nthr");
        assert_eq!((keys.next_line(), keys.typing()), (None, String::new()));

        keys.state().typed.take(b"one\n");
        assert_eq!(keys.unsent(), "one", "and gone on with on the same line");
    }
}
