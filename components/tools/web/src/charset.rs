//! The encoding of a body: by its byte order mark, by the header, by the page's own word, by its bytes.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The part of a page that is searched for what it says of its encoding.
const SEARCHED: usize = 2048;

/// Decodes `body`; what makes no sense is replaced.
pub(crate) fn decode(body: &[u8], content_type: &str) -> String {
    let said = parameter(content_type).or_else(|| declared(body));
    let encoding = said.unwrap_or_else(|| guess(body));
    // A byte order mark outranks both, which `decode` sees to.
    let (text, _, _) = encoding.decode(body);
    text.into_owned()
}

fn parameter(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let (_, value) = lower.split_once("charset=")?;
    label(value)
}

/// Finds `charset=` in a `meta` element or `encoding=` in an XML declaration, without reading the page.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]).to_ascii_lowercase();
    let tags = head.split('<').filter(|tag| tag.starts_with("meta") || tag.starts_with("?xml"));
    let values = tags.filter_map(|tag| {
        let (_, value) = tag.split_once("charset=").or_else(|| tag.split_once("encoding="))?;
        label(value)
    });
    // A page in UTF-16 could not say so in these letters; the standard reads it as UTF-8.
    values.map(|encoding| if encoding.is_ascii_compatible() { encoding } else { UTF_8 }).next()
}

fn label(value: &str) -> Option<&'static Encoding> {
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let end = value.find(['"', '\'', ';', ' ', '>', '/', '?']).unwrap_or(value.len());
    Encoding::for_label(&value.as_bytes()[..end])
}

/// A body that was cut may end inside of a character; that this is one is believed if there was one before.
fn guess(body: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        Err(error) if error.error_len().is_none() && !body[..error.valid_up_to()].is_ascii() => {
            UTF_8
        }
        Err(_) => WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_word_counts() {
        let cases: [(&[u8], &str, &str); 9] = [
            ("ä".as_bytes(), "text/html", "ä"),
            (b"\xE4", "text/plain", "ä"),
            (b"\x93\xE4", "text/plain; charset=windows-1252", "\u{201C}ä"),
            (b"\xC0\xC1", "text/html; Charset=\"KOI8-R\"", "юа"),
            (b"\x82\xA0", "text/html; charset=shift_jis", "あ"),
            (b"<meta charset=koi8-r>\xC0", "text/html", "<meta charset=koi8-r>ю"),
            (
                b"<META http-equiv=x content='text/html; charset=iso-8859-1'>\xE4",
                "text/html",
                "<META http-equiv=x content='text/html; charset=iso-8859-1'>ä",
            ),
            (b"\xEF\xBB\xBF\xC3\xA4", "text/html; charset=koi8-r", "ä"),
            (b"\xC3\xA4\xC3", "text/plain", "ä\u{FFFD}"),
        ];

        for (body, content_type, text) in cases {
            assert_eq!(decode(body, content_type), text, "{content_type}");
        }
    }
}
