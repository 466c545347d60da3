//! The binary stream of events: `application/vnd.amazon.eventstream`.

use serde_json::Value;

/// Its media type.
pub(super) const TYPE: &str = "application/vnd.amazon.eventstream";

/// Writes an event.
pub(super) fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers =
        [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    message(&headers, payload.to_string().as_bytes())
}

/// Writes an error that ends the stream.
pub(super) fn exception(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [
        (":exception-type", kind),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    message(&headers, payload.to_string().as_bytes())
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, value) in headers {
        list.push(name.len() as u8);
        list.extend_from_slice(name.as_bytes());
        // Seven: a text.
        list.push(7);
        list.extend_from_slice(&(value.len() as u16).to_be_bytes());
        list.extend_from_slice(value.as_bytes());
    }
    let length = 12 + list.len() + payload.len() + 4;
    let mut bytes = (length as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(&(list.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
    bytes.extend_from_slice(&list);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
    bytes
}

/// CRC-32 bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

/// Reads the messages of a stream: the kind and the payload of each.
#[cfg(test)]
pub(super) fn read(mut bytes: &[u8]) -> Vec<(String, Value)> {
    let number = |at: &[u8]| u32::from_be_bytes(at[..4].try_into().unwrap()) as usize;
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (length, headers) = (number(bytes), number(&bytes[4..]));
        assert_eq!(number(&bytes[8..]), crc32(&bytes[..8]) as usize);
        let (one, rest) = bytes.split_at(length);
        assert_eq!(number(&one[length - 4..]), crc32(&one[..length - 4]) as usize);
        // The first header is the kind: its name, its type, the length of the value, the value.
        let header = &one[12..12 + headers];
        let value = 1 + usize::from(header[0]) + 3;
        let kind = &header[value..value + usize::from(header[value - 1])];
        let kind = String::from_utf8_lossy(kind).into_owned();
        messages.push((kind, serde_json::from_slice(&one[12 + headers..length - 4]).unwrap()));
        bytes = rest;
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_message_is_written_as_the_vendor_writes_it() {
        let payload = serde_json::json!({ "p": "abcd", "role": "assistant" });
        let bytes = event("messageStart", &payload);

        // The prelude of a recorded stream.
        assert_eq!(bytes[..12], [0, 0, 0, 0x81, 0, 0, 0, 0x52, 0x6c, 0xc1, 0x76, 0x93]);
        assert_eq!(bytes[125..], [0xf5, 0x12, 0xa0, 0x05]);
        assert_eq!(read(&bytes), [("messageStart".to_owned(), payload)]);
    }
}
