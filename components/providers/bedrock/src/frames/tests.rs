use super::{
    writer::{message, prelude, with_headers},
    *,
};

fn read(pieces: &[&[u8]]) -> Result<Vec<Frame>> {
    let mut frames = Frames::default();
    let mut read = Vec::new();
    for piece in pieces {
        frames.push(piece, &mut read)?;
    }
    Ok(read)
}

#[test]
fn the_checksum_is_the_usual_one() {
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    assert_eq!(checksum(b""), 0);
}

#[test]
fn a_message_of_the_vendor_is_read() {
    // `messageStop` of a recorded stream.
    let recorded = "AAAApAAAAFH86YddCzpldmVudC10eXBlBwALbWVzc2FnZVN0b3ANOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2UtdHlwZQcABWV2ZW50eyJwIjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXpBQkNERUZHSEkiLCJzdG9wUmVhc29uIjoidG9vbF91c2UifcDeTmo=";
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, recorded).unwrap();

    let frames = read(&[&bytes]).unwrap();

    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].header(":event-type"), "messageStop");
    assert_eq!(frames[0].header(":message-type"), "event");
    assert!(
        frames[0].payload.starts_with(b"{\"p\":") && frames[0].payload.ends_with(b"\"tool_use\"}")
    );
}

#[test]
fn every_cut_gives_the_same_messages() {
    let bytes = [
        message(&[("a", "1"), ("b", "")], b"payload"),
        message(&[], b""),
        message(&[("c", "é")], b"x"),
    ]
    .concat();
    let whole = read(&[&bytes]).unwrap();

    assert_eq!(whole.len(), 3);
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(read(&[head, tail]).unwrap(), whole, "cut at {cut}");
    }
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()).unwrap(), whole);
}

#[test]
fn a_message_with_any_bit_changed_is_damaged() {
    let bytes = message(&[("name", "value")], b"payload");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1 << bit;
            assert!(read(&[&wrong]).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_length_that_lies_is_refused_before_anything_is_kept_for_it() {
    for (length, headers) in [(0, 0), (15, 0), (16, 1), (100, 85), (100, u32::MAX)] {
        assert_eq!(read(&[&prelude(length, headers)]), Err(damaged()), "{length} {headers}");
    }
    for length in [(16 << 20) + 1, u32::MAX] {
        let refused = read(&[&prelude(length, 0)]);
        assert!(matches!(refused, Err(Failure::Failed(_))), "{length}: {refused:?}");
    }
    // A length that may be true makes it wait, with no more room than what has arrived.
    let (mut frames, mut read) = (Frames::default(), Vec::new());
    assert_eq!(frames.push(&prelude(16 << 20, 0), &mut read), Ok(()));
    assert_eq!(read, []);
    assert!(frames.rest.capacity() < 1024 && !frames.is_done());
}

#[test]
fn headers_of_every_type_are_stepped_over_and_lying_ones_are_damaged() {
    let types: [(u8, &[u8]); 9] = [
        (0, b""),
        (1, b""),
        (2, b"1"),
        (3, b"12"),
        (4, b"1234"),
        (5, b"12345678"),
        (6, b"\0\x03abc"),
        (8, b"12345678"),
        (9, b"1234567812345678"),
    ];
    for (kind, value) in types {
        let headers = [b"\x01x", &[kind][..], value, b"\x01y\x07\0\x01z"].concat();
        let frames = read(&[&with_headers(&headers, b"p")]).unwrap();
        assert_eq!((frames[0].header("y"), frames[0].header("x")), ("z", ""), "type {kind}");
    }
    let lies: [&[u8]; 5] = [b"\x09x", b"\x01", b"\x01x", b"\x01x\x07\xff\xff", b"\x01x\x0a"];
    for lie in lies {
        assert_eq!(read(&[&with_headers(lie, b"")]), Err(damaged()), "{lie:?}");
    }
}

#[test]
fn bytes_that_are_not_such_a_stream_are_named() {
    for text in ["{\"message\":\"no\"}", "<html><body>no</body></html>"] {
        assert!(matches!(read(&[text.as_bytes()]), Err(Failure::Failed(_))), "{text}");
    }
}
