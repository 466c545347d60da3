//! Takes a binary stream of events apart: `application/vnd.amazon.eventstream`.
//!
//! A message is its length, the length of its headers, a checksum of both, the headers, the payload and a checksum of
//! all that. <https://smithy.io/2.0/aws/amazon-eventstream.html>

use openkoi_sdk::{Failure, Result};

/// The length of the two lengths and their checksum.
const PRELUDE: usize = 12;
/// The length of a checksum.
const CHECKSUM: usize = 4;
/// The longest message. AWS has none that is longer; without a bound, a length that lies would make this wait and
/// keep everything that comes.
const LONGEST: usize = 16 << 20;

/// One message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Frame {
    /// The headers that are texts.
    headers: Vec<(String, String)>,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Returns the header `name`, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Reads messages from bytes cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The bytes of a message that is not whole yet.
    rest: Vec<u8>,
}

impl Frames {
    /// Takes the next bytes and adds the messages that they complete to `frames`.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] for a message that was damaged, [`Failure::Failed`] for bytes that are not such a
    /// stream.
    pub(crate) fn push(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) -> Result<()> {
        self.rest.extend_from_slice(bytes);
        let mut read = 0;
        while let Some(message) = whole(&self.rest[read..])? {
            frames.push(frame(message)?);
            read += message.len();
        }
        self.rest.drain(..read);
        Ok(())
    }

    /// Returns whether nothing of a message is left over.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Returns the first message of `bytes` if all of it is there.
fn whole(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    let length = number(prelude, 0);
    if length > LONGEST {
        return Err(Failure::failed(
            "the provider sent something that is not a stream of events; check its `base-url`",
        ));
    }
    if number(prelude, 8) != checksum(&prelude[..8]) {
        return Err(damaged());
    }
    if length < PRELUDE + CHECKSUM || number(prelude, 4) > length - PRELUDE - CHECKSUM {
        return Err(damaged());
    }
    Ok(bytes.get(..length))
}

fn frame(message: &[u8]) -> Result<Frame> {
    let (content, sum) = message.split_at(message.len() - CHECKSUM);
    if number(sum, 0) != checksum(content) {
        return Err(damaged());
    }
    let (headers, payload) = content[PRELUDE..].split_at(number(content, 4));
    let headers = headers_of(headers).ok_or_else(damaged)?;
    Ok(Frame { headers, payload: payload.to_vec() })
}

/// Reads headers: the length of the name, the name, a type, and a value whose length the type says.
fn headers_of(mut bytes: &[u8]) -> Option<Vec<(String, String)>> {
    const BYTES: u8 = 6;
    const TEXT: u8 = 7;
    let mut headers = Vec::new();
    while let Some(length) = take(&mut bytes, 1) {
        let name = take(&mut bytes, length[0].into())?;
        let kind = take(&mut bytes, 1)?[0];
        let length = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            9 => 16,
            BYTES | TEXT => {
                let length = take(&mut bytes, 2)?;
                usize::from(u16::from_be_bytes([length[0], length[1]]))
            }
            _ => return None,
        };
        let value = take(&mut bytes, length)?;
        if kind == TEXT {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            headers.push((text(name), text(value)));
        }
    }
    Some(headers)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Reads the number at `at`, of which the caller knows that it is there.
fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The usual CRC-32, four bits at a time: a message is short, and a larger table would be most of this component's
/// data.
fn checksum(bytes: &[u8]) -> usize {
    const TABLE: [u32; 16] = table();
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        let sum = sum ^ u32::from(*byte);
        let sum = sum >> 4 ^ TABLE[(sum & 15) as usize];
        sum >> 4 ^ TABLE[(sum & 15) as usize]
    });
    !sum as usize
}

const fn table() -> [u32; 16] {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let (mut sum, mut bit) = (index as u32, 0);
        while bit < 4 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
}

fn damaged() -> Failure {
    Failure::unavailable("the provider's answer was damaged on its way")
}

/// Writes messages, for the tests.
#[cfg(test)]
pub(crate) mod writer {
    use super::checksum;

    /// Writes a message with texts as headers.
    pub(crate) fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut list = Vec::new();
        for (name, value) in headers {
            list.push(name.len() as u8);
            list.extend_from_slice(name.as_bytes());
            list.push(7);
            list.extend_from_slice(&(value.len() as u16).to_be_bytes());
            list.extend_from_slice(value.as_bytes());
        }
        with_headers(&list, payload)
    }

    /// Writes a message with these bytes as headers.
    pub(crate) fn with_headers(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let length = headers.len() + payload.len() + 16;
        let mut message = prelude(length as u32, headers.len() as u32);
        message.extend_from_slice(headers);
        message.extend_from_slice(payload);
        message.extend_from_slice(&(checksum(&message) as u32).to_be_bytes());
        message
    }

    /// Writes two lengths and their checksum.
    pub(crate) fn prelude(length: u32, headers: u32) -> Vec<u8> {
        let mut prelude = [length.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend_from_slice(&(checksum(&prelude) as u32).to_be_bytes());
        prelude
    }

    /// Writes an event.
    pub(crate) fn event(kind: &str, payload: &str) -> Vec<u8> {
        let headers = [
            (":event-type", kind),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        message(&headers, payload.as_bytes())
    }

    /// Writes an exception.
    pub(crate) fn exception(kind: &str, payload: &str) -> Vec<u8> {
        let headers = [(":exception-type", kind), (":message-type", "exception")];
        message(&headers, payload.as_bytes())
    }
}

#[cfg(test)]
mod tests;
