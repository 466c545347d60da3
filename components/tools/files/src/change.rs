//! One change to one file: read, change, write only if nobody else did.

use openkoi_sdk::{Failure, Result, files::FileSystem, tool::Output};

use openkoi_text::{Hints, Text, lines};

use crate::{
    diff::{self, Counts},
    format, suggest,
};

/// The largest file that is changed.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// The number of unchanged lines that are shown around a change.
const AROUND: usize = 3;
/// The number of lines of a change that are shown.
const MAX_SHOWN: usize = 40;

/// A file as it was before a change.
pub(crate) struct Before {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its text.
    pub text: Text,
}

impl Before {
    /// Reads the file at `path`, which has to be text.
    pub(crate) fn read(files: &impl FileSystem, path: &str) -> Result<Self> {
        let stat = files.stat(path).map_err(|failure| suggest::not_found(files, path, failure))?;
        if !stat.is_file() {
            return Err(Failure::invalid("/path", format!("`{path}` is not a regular file")));
        }
        let bytes = files.read_to_end(path, MAX_FILE)?;
        let text = Text::decode(&bytes, &|| Hints::of(files, path));
        let kind = format::binary_kind(&bytes);
        let text = text.ok_or_else(|| {
            Failure::invalid("/path", format!("`{path}` is not text: it is {kind}"))
        })?;
        Ok(Self { bytes, text })
    }

    /// Writes `after` and tells what became of it. `left` places were to be replaced too, and overlap others.
    pub(crate) fn replace(
        self,
        files: &impl FileSystem,
        path: &str,
        after: &[u8],
        left: usize,
    ) -> Result<Output> {
        files.write(path, after, Some(&self.bytes))?;
        let after = Text::decode(after, &|| Hints::of(files, path));
        let named = after.as_ref().and_then(|text| new_charset(&self.text, text));
        let after = after.map(|text| text.text).unwrap_or_default();
        let counts = diff::counts(&self.text.text, &after);
        let shown = around(&self.text.text, &after);
        let named = named.map(|named| format!(" (it is in {named})")).unwrap_or_default();
        let left = match left {
            0 => String::new(),
            _ => format!(" ({} left that overlapped others)", format::count(left, "place")),
        };
        answer(path, format!("edited `{path}`: {counts}{named}{left}\n{shown}"), counts)
    }
}

/// Names the charset of a file that had nothing but ASCII and has other letters now, unless it is the common one.
fn new_charset(before: &Text, after: &Text) -> Option<String> {
    if before.format.charset == after.format.charset { None } else { after.format.describe() }
}

/// Puts together what is told of a change.
pub(crate) fn answer(path: &str, text: String, counts: Counts) -> Result<Output> {
    #[derive(serde::Serialize)]
    struct Changed<'a> {
        path: &'a str,
        #[serde(flatten)]
        counts: Counts,
    }
    Output::text(text).summary(counts.to_string()).structured(&Changed { path, counts })
}

/// Shows the changed lines as they are now, with a few around them.
fn around(before: &str, after: &str) -> String {
    let old: Vec<&str> = lines::of(before).collect();
    let new: Vec<&str> = lines::of(after).collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let same_end = old[start..]
        .iter()
        .rev()
        .zip(new[start..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let first = start.saturating_sub(AROUND);
    let last = (new.len() - same_end + AROUND).min(new.len());
    let mut shown = format::numbered(new[first..last].iter().take(MAX_SHOWN).copied(), first + 1);
    if last - first > MAX_SHOWN {
        shown.push_str(&format!("[and {} more lines, to line {last}]\n", last - first - MAX_SHOWN));
    }
    shown
}
