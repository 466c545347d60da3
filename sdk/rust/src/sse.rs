//! Server-sent events, as they arrive: bytes in, events out, cut anywhere.
//!
//! Follows the WHATWG standard: lines end with CR, LF or CRLF, a byte order mark at the start and comments are
//! ignored, several `data` lines are joined, invalid UTF-8 is replaced. Two things are left to the caller: what
//! a comment or a `retry` means for deadlines, and whether an event without its blank line counts.

use crate::{Result, lines::Lines};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The type of the event; `message` where the stream does not say.
    pub name: String,
    /// Its data, lines joined with `\n`.
    pub data: String,
    /// The last id that the stream gave, or empty.
    pub id: String,
}

/// Reads one stream.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    pending: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    name: String,
    data: String,
    has_data: bool,
    id: String,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Begins a stream.
    pub fn new() -> Self {
        Self { lines: Lines::new("sse-line-bytes", true), pending: Pending::default() }
    }

    /// Takes the next bytes and adds the events that they complete to `events`.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`](crate::Failure::Limited) for a line of more than 1 MiB or data of more than 16 MiB.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { lines, pending } = self;
        lines.push(bytes, |line| {
            events.extend(pending.line(line)?);
            Ok(())
        })
    }

    /// Ends the stream and returns an event whose blank line never came. The standard drops it, but some
    /// servers close the connection instead of sending that line.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<Option<Event>> {
        if let Some(line) = self.lines.finish() {
            self.pending.line(&line)?;
        }
        Ok(self.pending.dispatch())
    }
}

impl Pending {
    const MAX_DATA: usize = 16 * 1024 * 1024;

    fn line(&mut self, line: &str) -> Result<Option<Event>> {
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_owned(),
            "data" => self.add(value)?,
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            _ => {}
        }
        Ok(None)
    }

    fn add(&mut self, value: &str) -> Result<()> {
        if self.data.len() + value.len() > Self::MAX_DATA {
            return Err(crate::Failure::limited("sse-event-bytes", Self::MAX_DATA as u64));
        }
        if self.has_data {
            self.data.push('\n');
        }
        self.has_data = true;
        self.data.push_str(value);
        Ok(())
    }

    /// Ends the event. One without any `data` line is none.
    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then(|| Event {
            name: if name.is_empty() { "message".to_owned() } else { name },
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Failure;

    fn read(pieces: &[&[u8]]) -> Vec<Event> {
        let mut reader = Reader::new();
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut events).unwrap();
        }
        events.extend(reader.finish().unwrap());
        events
    }

    fn event(name: &str, data: &str, id: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned(), id: id.to_owned() }
    }

    fn stream(end: &str) -> Vec<u8> {
        "\u{FEFF}: keep-alive|event: start|data: {\"a\":1}||data:one|data:  two|data|id: 7||event: empty||data: ä€😀||retry: 10|unknown|data: last"
            .replace('|', end)
            .into_bytes()
    }

    fn expected() -> Vec<Event> {
        vec![
            event("start", "{\"a\":1}", ""),
            event("message", "one\n two\n", "7"),
            event("message", "ä€😀", "7"),
            event("message", "last", "7"),
        ]
    }

    #[test]
    fn every_cut_and_every_line_end_gives_the_same_events() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = stream(end);

            for cut in 0..=stream.len() {
                let events = read(&[&stream[..cut], &stream[cut..]]);
                assert_eq!(events, expected(), "cut at {cut} with {end:?}");
            }
            assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected());
        }
    }

    #[test]
    fn an_event_arrives_with_its_blank_line_and_not_later() {
        let (mut reader, mut events) = (Reader::new(), Vec::new());

        reader.push(b"data: x\n", &mut events).unwrap();
        assert_eq!(events, []);
        reader.push(b"\n", &mut events).unwrap();
        assert_eq!(events, [event("message", "x", "")]);
        assert_eq!(reader.finish().unwrap(), None);
    }

    #[test]
    fn invalid_utf_8_is_replaced() {
        assert_eq!(read(&[b"data: a\xFF", b"b\n\n"]), [event("message", "a\u{FFFD}b", "")]);
    }

    #[test]
    fn a_line_without_end_is_refused_at_one_mebibyte_and_what_came_before_it_is_kept() {
        let (mut reader, mut events) = (Reader::new(), Vec::new());
        let bytes = [b"data: x\n\n".as_slice(), &[b'x'; 1024 * 1024 + 1]].concat();

        let failure = reader.push(&bytes, &mut events);

        assert_eq!(failure, Err(Failure::limited("sse-line-bytes", 1024 * 1024)));
        assert_eq!(events, [event("message", "x", "")]);
    }

    proptest! {
        #[test]
        fn any_bytes_cut_anywhere_read_the_same(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b':')], 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(bytes.len() + 1);

            prop_assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), read(&[&bytes]));
        }
    }
}
