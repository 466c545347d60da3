//! Makes a tool's output short enough for a model and safe to show.

use std::path::Path;

use openkoi_brokers::durable;
use openkoi_core::{blob::Blob, failure::Failure, tool::ToolOutput};

use crate::{
    bindings::tool::exports::openkoi::tool::tool::Output, brokers::Brokers, convert, text,
};

/// The most lines of an output.
const LINES: usize = 2_000;
/// The most bytes of an output.
const BYTES: usize = 50 << 10;
/// The longest summary, in characters.
const SUMMARY: usize = 200;

/// Saves outputs that are too long.
pub(super) struct Saver<'a> {
    pub(super) brokers: &'a Brokers,
    pub(super) directory: &'a Path,
}

impl Saver<'_> {
    fn save(&self, text: &str) -> Result<String, Failure> {
        let failed =
            |error: String| Failure::Failed(format!("a long output is not saved: {error}"));
        let id = self.brokers.random.id(self.brokers.clock.now_ms());
        let id = id.map_err(|error| failed(error.to_string()))?;
        durable::create_private_dir(self.directory).map_err(|error| failed(error.to_string()))?;
        let path = self.directory.join(format!("{id}.txt"));
        durable::put_atomic(&path, text.as_bytes(), 0o600)
            .map_err(|error| failed(error.to_string()))?;
        Ok(path.display().to_string())
    }
}

/// Makes a guest's output fit for a model and a person.
pub(super) fn fit(answer: Output, saver: &Saver<'_>) -> Result<ToolOutput, Failure> {
    let attachments = answer.attachments.into_iter().map(convert::blob_in);
    let (attachments, others): (Vec<Blob>, Vec<Blob>) = attachments.partition(is_looked_at);
    let mut shown = text::visible(&answer.text);
    for Blob { media_type, .. } in &others {
        shown.push_str(&format!(
            "\n[an attachment is left out: `{media_type}` is neither an image nor a PDF]"
        ));
    }
    let mut output = ToolOutput {
        summary: text::one_line(&answer.summary, SUMMARY),
        structured: answer.structured,
        attachments,
        ..ToolOutput::default()
    };
    match shorten(&shown) {
        None => output.text = shown,
        Some(short) => {
            let path = saver.save(&shown)?;
            output.text = short.with_note(&path);
            output.saved = Some(path);
        }
    }
    Ok(output)
}

/// Returns true for attachments that some models read.
fn is_looked_at(blob: &Blob) -> bool {
    blob.media_type.starts_with("image/") || blob.media_type == "application/pdf"
}

/// The beginning and the end of a text that is too long.
#[derive(Debug, PartialEq, Eq)]
struct Excerpt<'a> {
    head: &'a str,
    tail: &'a str,
    lines: usize,
    bytes: usize,
}

impl Excerpt<'_> {
    fn with_note(&self, path: &str) -> String {
        let Self { head, tail, lines, bytes } = self;
        let left_out = bytes - head.len() - tail.len();
        format!(
            "{head}\n[… {left_out} bytes left out of {lines} lines, {bytes} bytes; the whole is in {path} — read \
             or search that file for the rest …]\n{tail}"
        )
    }
}

/// Returns the excerpt of a text that is too long: most of it from the beginning, some from the end, where programs
/// report how they ended.
fn shorten(text: &str) -> Option<Excerpt<'_>> {
    let lines = text.lines().count();
    if lines <= LINES && text.len() <= BYTES {
        return None;
    }
    let (head_lines, tail_lines) = (LINES * 3 / 4, LINES / 4);
    let head = text::cut(first_lines(text, head_lines), BYTES * 3 / 4);
    let rest = &text[head.len()..];
    let tail = last_bytes(last_lines(rest, tail_lines), BYTES / 4);
    Some(Excerpt { head, tail, lines, bytes: text.len() })
}

fn first_lines(text: &str, count: usize) -> &str {
    text.match_indices('\n').nth(count.saturating_sub(1)).map_or(text, |(at, _)| &text[..at])
}

fn last_lines(text: &str, count: usize) -> &str {
    let trimmed = text.strip_suffix('\n').unwrap_or(text);
    let start = trimmed.rmatch_indices('\n').nth(count.saturating_sub(1));
    start.map_or(text, |(at, _)| &text[at + 1..])
}

fn last_bytes(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let start = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(shorten(&"a\n".repeat(LINES)), None);
        assert_eq!(shorten(&"a".repeat(BYTES)), None);
    }

    #[test]
    fn an_excerpt_has_the_first_and_the_last_lines() {
        let text: String = (0..5_000).map(|n| format!("{n}\n")).collect();

        let short = shorten(&text).unwrap();

        assert!(short.head.starts_with("0\n1\n") && short.head.ends_with("\n1499"));
        assert!(short.tail.starts_with("4500\n") && short.tail.ends_with("4999\n"));
        assert_eq!(short.lines, 5_000);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "é".repeat(BYTES);

        let short = shorten(&text).unwrap();

        assert!(short.head.len() + short.tail.len() <= BYTES);
        assert!(short.head.len() + short.tail.len() > BYTES - 8);
    }
}
