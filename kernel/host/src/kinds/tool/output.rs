//! Makes a tool's output short enough for a model and safe to show. Nothing else cuts an output: a guest hands over
//! what it was given, and what is left out here is whole in a file.

use std::path::Path;

use openkoi_brokers::durable;
use openkoi_core::{blob::Blob, failure::Failure, tool::ToolOutput};

use crate::{
    bindings::tool::exports::openkoi::tool::tool::Output, brokers::Brokers, convert,
    instance::Spooled, text,
};

/// The most lines of an output.
const LINES: usize = 2_000;
/// The most bytes of an output.
const BYTES: usize = 50 << 10;
/// A text that is this little longer, in lines and in bytes, is not worth a cut: a page of a file with a note under it.
const SLACK: (usize, usize) = (10, 1 << 10);
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
pub(super) fn fit(
    answer: Output,
    spooled: &[Spooled],
    saver: &Saver<'_>,
) -> Result<ToolOutput, Failure> {
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
    // Where the output of a program is in a file already, that file is the whole, and not what the guest was given of it.
    let omitted: u64 = spooled.iter().map(|output| output.omitted).sum();
    let kept = spooled.iter().map(|output| output.path.clone()).collect::<Vec<_>>();
    output.text = match shorten(&shown) {
        None if omitted == 0 => shown,
        None => {
            output.saved = kept.first().cloned();
            format!("{shown}\n[… {omitted} bytes are not shown; {}]", where_it_is(&kept))
        }
        Some(short) => {
            let kept = if kept.is_empty() { vec![saver.save(&shown)?] } else { kept.clone() };
            output.saved = kept.first().cloned();
            short.with_note(omitted, &where_it_is(&kept))
        }
    };
    Ok(output)
}

/// Says where an output is whole, and what reads it.
fn where_it_is(paths: &[String]) -> String {
    format!(
        "all of it is in {}: `read_file` with an offset shows more, `search` with that path finds lines, \
         and the shell may read it",
        paths.join(" and ")
    )
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
    /// `omitted` bytes more are in the file than in the text.
    fn with_note(&self, omitted: u64, place: &str) -> String {
        let Self { head, tail, lines, bytes } = self;
        let left_out = (bytes - head.len() - tail.len()) as u64 + omitted;
        let all = *bytes as u64 + omitted;
        let lines = if omitted == 0 { format!("{lines} lines, ") } else { String::new() };
        format!("{head}\n[… {left_out} bytes left out of {lines}{all} bytes; {place} …]\n{tail}")
    }
}

/// Returns the excerpt of a text that is too long: most of it from the beginning, some from the end, where programs
/// report how they ended.
fn shorten(text: &str) -> Option<Excerpt<'_>> {
    let lines = text.lines().count();
    if lines <= LINES + SLACK.0 && text.len() <= BYTES + SLACK.1 {
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
        assert_eq!(shorten(&format!("{}[a note]\n", "a\n".repeat(LINES))), None);
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
    fn the_note_counts_what_the_program_s_file_has_more() {
        let text: String = (0..5_000).map(|n| format!("{n}\n")).collect();
        let short = shorten(&text).unwrap();
        let left_out = text.len() - short.head.len() - short.tail.len();

        let own = short.with_note(0, "all of it is in f");
        let more = short.with_note(1_000, "all of it is in f");

        let note = format!(
            "[… {left_out} bytes left out of 5000 lines, {} bytes; all of it is in f …]",
            text.len()
        );
        assert!(own.contains(&note), "{own}");
        let (left_out, all) = (left_out + 1_000, text.len() + 1_000);
        let note = format!("[… {left_out} bytes left out of {all} bytes; all of it is in f …]");
        assert!(more.contains(&note), "{more}");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "é".repeat(BYTES);

        let short = shorten(&text).unwrap();

        assert!(short.head.len() + short.tail.len() <= BYTES);
        assert!(short.head.len() + short.tail.len() > BYTES - 8);
    }
}
