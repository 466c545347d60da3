//! The answer for a page that was fetched.

use openkoi_sdk::{Failure, Result, tool::Output};

use crate::{charset, html, json};

const DEFAULT_CHARS: usize = 20_000;
const MAX_CHARS: usize = 100_000;

/// A response whose body has been read.
pub(crate) struct Fetched {
    /// Its status code.
    pub status: u16,
    /// The address that answered.
    pub url: String,
    /// The header, or empty.
    pub content_type: String,
    /// The body, cut.
    pub body: Vec<u8>,
    /// True if that is the whole of it.
    pub complete: bool,
}

/// A body as text.
struct Readable {
    title: Option<String>,
    text: String,
}

/// Shows a part of what was fetched.
pub(crate) fn show(fetched: &Fetched, start: usize, max_chars: Option<usize>) -> Result<Output> {
    let Some(readable) = readable(fetched) else {
        return Ok(binary(fetched));
    };
    let max = max_chars.unwrap_or(DEFAULT_CHARS).clamp(1, MAX_CHARS);
    let part = part(&readable.text, start, max)?;
    let mut text = heading(fetched, readable.title.as_deref());
    text.push_str(part.text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&notes(&part, fetched));
    Ok(Output::text(text).summary(summary(fetched, readable.title.as_deref(), part.total)))
}

fn heading(fetched: &Fetched, title: Option<&str>) -> String {
    let mut heading = format!("Address: {}\n", fetched.url);
    if !(200..300).contains(&fetched.status) {
        heading.push_str(&format!("Status: {}\n", fetched.status));
    }
    if let Some(title) = title {
        heading.push_str(&format!("Title: {title}\n"));
    }
    heading + "\n"
}

fn summary(fetched: &Fetched, title: Option<&str>, characters: usize) -> String {
    if (200..300).contains(&fetched.status) {
        format!("{}, {characters} characters", title.unwrap_or(&fetched.url))
    } else {
        format!("status {}", fetched.status)
    }
}

/// Returns nothing for bytes that are not text.
fn readable(fetched: &Fetched) -> Option<Readable> {
    let media_type =
        fetched.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_html = matches!(media_type.as_str(), "text/html" | "application/xhtml+xml")
        || (media_type.is_empty() && looks_like_html(&fetched.body));
    if !is_html && !is_text(&media_type, &fetched.body) {
        return None;
    }
    let text = charset::decode(&fetched.body, &fetched.content_type);
    if is_html {
        let page = html::render(&text, &fetched.url);
        return Some(Readable { title: page.title, text: page.text });
    }
    let is_json = media_type.ends_with("/json") || media_type.ends_with("+json");
    let text = if is_json { json::lines(&text).unwrap_or(text) } else { text };
    Some(Readable { title: None, text })
}

fn looks_like_html(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(512)]).to_ascii_lowercase();
    let head = head.trim_start_matches('\u{FEFF}').trim_start();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// The type is taken at its word where it says that this is not text; otherwise the bytes decide.
fn is_text(media_type: &str, body: &[u8]) -> bool {
    let (class, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    if matches!(class, "image" | "audio" | "video" | "font") && !media_type.contains("svg") {
        return false;
    }
    let marked = body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF");
    marked || !body[..body.len().min(8192)].contains(&0)
}

fn binary(fetched: &Fetched) -> Output {
    let kind =
        if fetched.content_type.is_empty() { "of an unknown kind" } else { &fetched.content_type };
    let more = if fetched.complete { "" } else { " or more" };
    let text = format!(
        "{}This is not text: {kind}, {} bytes{more}. A download can be made with the shell, if the network is granted.\n",
        heading(fetched, None),
        fetched.body.len()
    );
    Output::text(text).summary(kind.to_owned())
}

struct Part<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    total: usize,
}

/// Takes up to `max` characters from `start`, ending with a line if one ends in the second half.
fn part(text: &str, start: usize, max: usize) -> Result<Part<'_>> {
    let total = text.chars().count();
    if start > 0 && start >= total {
        return Err(Failure::invalid("/start", format!("the text has only {total} characters")));
    }
    let at =
        |characters: usize| text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    let (from, to) = (at(start), at(start + max));
    let mut part = &text[from..to];
    if to < text.len()
        && let Some(line) = part.rfind('\n')
        && line > part.len() / 2
    {
        part = &part[..=line];
    }
    Ok(Part { text: part, start, end: start + part.chars().count(), total })
}

fn notes(part: &Part<'_>, fetched: &Fetched) -> String {
    let mut notes = String::new();
    if part.end - part.start < part.total {
        notes.push_str(&format!("[characters {} to {} of {}", part.start, part.end, part.total));
        if part.end < part.total {
            notes.push_str(&format!("; go on with start {}", part.end));
        }
        notes.push_str("]\n");
    }
    if !fetched.complete {
        notes.push_str(&format!(
            "[the page is longer; only its first {} bytes were read]\n",
            fetched.body.len()
        ));
    }
    if part.total == 0 {
        notes.push_str("[no text]\n");
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(content_type: &str, body: &[u8]) -> Fetched {
        Fetched {
            status: 200,
            url: "https://example.com/a/b".to_owned(),
            content_type: content_type.to_owned(),
            body: body.to_vec(),
            complete: true,
        }
    }

    #[test]
    fn a_page_is_shown_with_address_and_title() {
        let page =
            fetched("text/html; charset=utf-8", b"<title>A &amp; B</title><h1>Hi</h1><p>There");

        let output = show(&page, 0, None).unwrap();

        assert_eq!(
            output.text,
            "Address: https://example.com/a/b\nTitle: A & B\n\n# Hi\n\nThere\n"
        );
        assert_eq!(output.summary, "A & B, 11 characters");
    }

    #[test]
    fn an_error_says_its_status_and_what_it_says() {
        let page = Fetched { status: 404, ..fetched("text/plain", b"gone\n") };

        let output = show(&page, 0, None).unwrap();

        assert_eq!(output.text, "Address: https://example.com/a/b\nStatus: 404\n\ngone\n");
        assert_eq!(output.summary, "status 404");
    }

    #[test]
    fn json_is_set_out_and_other_bytes_are_described() {
        let json = show(&fetched("application/json", br#"{"b":[1,{}],"a":"x"}"#), 0, None).unwrap();
        let image = show(&fetched("image/png", b"\x89PNG"), 0, None).unwrap();
        let bytes = show(&fetched("application/octet-stream", b"\0\x01"), 0, None).unwrap();

        assert!(
            json.text.ends_with("{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"x\"\n}\n"),
            "{}",
            json.text
        );
        assert!(image.text.contains("not text: image/png, 4 bytes"));
        assert!(bytes.text.contains("not text: application/octet-stream, 2 bytes"));
    }

    #[test]
    fn a_long_text_is_read_in_parts_that_fit_together() {
        let text: String = (0..100).map(|n| format!("line {n} ä\n")).collect();
        let page = fetched("text/plain; charset=utf-8", text.as_bytes());
        let mut whole = String::new();
        let mut start = 0;

        while start < text.chars().count() {
            let part = part(&text, start, 155).unwrap();
            whole.push_str(part.text);
            start = part.end;
        }

        assert_eq!(whole, text);
        let output = show(&page, 0, Some(155)).unwrap();
        assert!(
            output.text.ends_with("ä\n[characters 0 to 150 of 990; go on with start 150]\n"),
            "{}",
            output.text
        );
        assert!(show(&page, 990, None).is_err());
    }
}
