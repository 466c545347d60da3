//! `@path` in a message: the file is put in behind it, and pictures are shown with it.

use std::path::{Path, PathBuf};

use openkoi_app::{
    file,
    text::{self, Decoded, Read},
};
use openkoi_core::blob::Blob;

use super::picture;
use crate::{
    error::CommandError,
    output::{bytes, plural},
};

/// The most bytes of a file that are put in.
const MOST: u64 = 50 * 1024;

/// A message as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// The text, with the files behind it.
    pub(super) text: String,
    /// The pictures and documents.
    pub(super) attachments: Vec<Blob>,
}

/// Returns the message with the files that it mentions behind it, each in a fence with its path, and with the pictures
/// that it mentions or names by whole paths. An `@` in front of what is no file stays a word.
///
/// # Errors
///
/// A file is outside of the workspace and no picture, or is not text, or a picture is too large.
pub(super) fn with_files(
    text: &str,
    workspace: &Path,
    home: Option<&Path>,
) -> Result<Sent, CommandError> {
    let mut sent = Sent { text: text.to_owned(), attachments: Vec::new() };
    let mut seen = Vec::new();
    for name in mentioned(text) {
        let Some((name, path)) = file_of(&name, workspace) else { continue };
        if seen.contains(&path) {
            continue;
        }
        match picture::kind_of(&path) {
            Some(kind) => sent.attachments.push(picture::read(&name, &path, kind)?),
            None => sent.text.push_str(&fenced(&name, &path, workspace)?),
        }
        seen.push(path);
    }
    for (path, kind) in picture::pasted(text, home) {
        if !seen.contains(&path) {
            sent.attachments.push(picture::read(&path.display().to_string(), &path, kind)?);
            seen.push(path);
        }
    }
    Ok(sent)
}

/// Returns the words behind each `@` that begins a word; quotes keep a path with spaces together.
fn mentioned(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '@' && before.is_whitespace() {
            let rest = text.get(at + 1..).unwrap_or_default();
            let name = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => rest.split(char::is_whitespace).next(),
            };
            names.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        before = c;
    }
    names
}

/// Returns the file that a word names, without the punctuation of the sentence around it.
fn file_of(word: &str, workspace: &Path) -> Option<(String, PathBuf)> {
    let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    let mut names = [word, bare].into_iter().filter(|name| !name.is_empty());
    names.find_map(|name| {
        let path = workspace.join(name);
        file::is_file(&path).then(|| (name.to_owned(), path))
    })
}

fn fenced(name: &str, path: &Path, workspace: &Path) -> Result<String, CommandError> {
    let unusable = |why: String| CommandError::usage(format!("`@{name}` {why}; nothing was sent"));
    let unreadable = |error: std::io::Error| unusable(format!("cannot be read: {error}"));
    let (Decoded { text, odd }, is_cut) =
        match text::read_start_within(workspace, path, MOST).map_err(unreadable)? {
            Read::Text(decoded, is_cut) => (decoded, is_cut),
            Read::NoText => return Err(unusable("is not text".to_owned())),
            Read::Outside => return Err(unusable("is outside of this directory".to_owned())),
        };
    let size = file::status(path).map_err(unreadable)?.length;
    let mut about = Vec::new();
    about.extend(is_cut.then(|| format!("the first {} of {}", bytes(MOST), bytes(size))));
    // The tools know the charsets that a place or a setting names.
    about.extend((odd > 0).then(|| {
        format!(
            "not UTF-8, and {} cannot be shown here; `read_file` knows more",
            plural(odd, "byte")
        )
    }));
    let more = match about.is_empty() {
        true => String::new(),
        false => format!(" ({})", about.join("; ")),
    };
    let fence = fence_around(&text);
    let text = text.trim_end_matches('\n');
    Ok(format!("\n\n`{name}`{more}:\n{fence}\n{text}\n{fence}"))
}

/// Returns a fence that does not stand in the text.
pub(super) fn fence_around(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat((longest + 1).max(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn world() -> World {
        let world = World::new();
        let work = world.workspace();
        std::fs::create_dir(work.join("src")).unwrap();
        std::fs::write(work.join("src/a.py"), "one\n").unwrap();
        std::fs::write(work.join("two words.md"), "```\nx\n```\n").unwrap();
        std::fs::write(work.join("bytes"), b"a\0b").unwrap();
        std::fs::write(work.join("legacy"), b"caf\xe9").unwrap();
        std::fs::write(work.join("wide"), b"\xff\xfec\0\xe9\0").unwrap();
        std::fs::write(work.join("../secret"), "s").unwrap();
        std::os::unix::fs::symlink("../secret", work.join("link")).unwrap();
        world
    }

    fn sent(text: &str) -> Result<String, CommandError> {
        let world = world();
        Ok(with_files(text, &world.workspace(), None)?.text)
    }

    #[test]
    fn a_mentioned_file_stands_behind_the_message_once() {
        assert_eq!(
            sent("look at @src/a.py, and @src/a.py").unwrap(),
            "look at @src/a.py, and @src/a.py\n\n`src/a.py`:\n```\none\n```"
        );
        assert_eq!(
            sent("@\"two words.md\"").unwrap(),
            "@\"two words.md\"\n\n`two words.md`:\n````\n```\nx\n```\n````"
        );
    }

    #[test]
    fn what_is_no_file_is_a_word() {
        for text in ["mail me@src/a.py", "@nobody knows", "@", "@ x", "@src", "a @\"\" b"] {
            assert_eq!(sent(text).unwrap(), text);
        }
    }

    #[test]
    fn files_outside_and_bytes_are_refused_and_nothing_is_sent() {
        let outside = ["@../secret", "@link"];
        for text in outside {
            let error = sent(text).unwrap_err().to_string();
            assert!(error.contains("is outside of this directory; nothing was sent"), "{error}");
        }
        let error = sent("@bytes").unwrap_err().to_string();
        assert!(error.contains("`@bytes` is not text"), "{error}");
    }

    #[test]
    fn a_file_in_another_charset_is_shown_as_far_as_it_can_be_and_that_is_said() {
        let legacy = sent("@legacy").unwrap();

        let about =
            "`legacy` (not UTF-8, and 1 byte cannot be shown here; `read_file` knows more):";
        assert!(legacy.contains(about) && legacy.contains("caf\u{fffd}"), "{legacy}");
        assert!(sent("@wide").unwrap().ends_with("\n\n`wide`:\n```\ncé\n```"));
    }

    #[test]
    fn a_long_file_is_cut_between_characters_and_says_so() {
        let world = world();
        let long = format!("x{}", "é".repeat(60_000));
        std::fs::write(world.workspace().join("long"), &long).unwrap();

        let sent = with_files("@long", &world.workspace(), None).unwrap().text;

        assert!(sent.contains("`long` (the first 50.0 KiB of 117.2 KiB):"), "{}", &sent[..80]);
        assert!(sent.len() < 52_000 && sent.ends_with("é\n```"));
    }
}
