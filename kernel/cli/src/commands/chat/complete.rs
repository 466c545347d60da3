//! Tab in a conversation: commands at the beginning of a line, files behind `@`. A line that ends with `\` goes on.

use std::path::PathBuf;

use openkoi_app::file;
use rustyline::{
    Context, Helper, Result,
    completion::{Completer, Pair},
    highlight::Highlighter,
    hint::Hinter,
    validate::{ValidationContext, ValidationResult, Validator},
};

use super::slash;

/// The most files that are offered.
const MOST: usize = 100;

/// The editor's knowledge of the conversation.
pub(super) struct Completion {
    workspace: PathBuf,
}

impl Completion {
    pub(super) fn new(workspace: PathBuf) -> Self {
        Self { workspace }
    }

    /// Returns where the word begins that is completed, and what may stand there.
    fn offers(&self, line: &str, position: usize) -> (usize, Vec<String>) {
        let typed = line.get(..position).unwrap_or(line);
        if typed.starts_with('/') && !typed.contains(char::is_whitespace) {
            let names = slash::names().filter(|name| name.starts_with(typed));
            return (0, names.map(str::to_owned).collect());
        }
        let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        match typed.get(start..).and_then(|word| word.strip_prefix('@')) {
            Some(path) => (start + 1, self.files(path)),
            None => (position, Vec::new()),
        }
    }

    fn files(&self, typed: &str) -> Vec<String> {
        let (directory, beginning) =
            typed.rfind('/').map_or(("", typed), |at| typed.split_at(at + 1));
        let outside = directory.starts_with('/') || directory.split('/').any(|part| part == "..");
        let found = file::list(&self.workspace.join(directory));
        let Ok(entries) = found else { return Vec::new() };
        if outside {
            return Vec::new();
        }
        let mut paths: Vec<String> = entries
            .into_iter()
            .filter_map(|entry| {
                let name = entry.name.to_str()?;
                let hidden = name.starts_with('.') && !beginning.starts_with('.');
                let fits = name.starts_with(beginning) && !name.contains(char::is_whitespace);
                let end = if entry.kind == file::FileKind::Directory { "/" } else { "" };
                (fits && !hidden).then(|| format!("{directory}{name}{end}"))
            })
            .collect();
        paths.sort_unstable();
        paths.truncate(MOST);
        paths
    }
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let (start, offers) = self.offers(line, position);
        let pair = |offer: String| Pair { display: offer.clone(), replacement: offer };
        Ok((start, offers.into_iter().map(pair).collect()))
    }
}

impl Validator for Completion {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        Ok(match goes_on(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Helper for Completion {}

/// Returns whether a line follows.
fn goes_on(text: &str) -> bool {
    text.ends_with('\\')
}

/// Returns a message of several lines without the marks at their ends.
pub(super) fn joined(text: &str) -> String {
    text.replace("\\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn commands_are_completed_at_the_beginning_and_files_behind_an_at_sign() {
        let world = World::new();
        let work = world.workspace();
        std::fs::create_dir_all(work.join("src/deep")).unwrap();
        for name in ["src/main.py", "src/make", "setup.cfg", ".env", "two words"] {
            std::fs::write(work.join(name), "").unwrap();
        }
        let completion = Completion::new(work);
        let table: [(&str, usize, &[&str]); 12] = [
            ("/st", 0, &["/status"]),
            ("/", 0, &slash::names().collect::<Vec<_>>()),
            ("/status x", 9, &[]),
            ("see /st", 7, &[]),
            ("see @s", 5, &["setup.cfg", "src/"]),
            ("@src/m", 1, &["src/main.py", "src/make"]),
            ("@src/", 1, &["src/deep/", "src/main.py", "src/make"]),
            ("@", 1, &["setup.cfg", "src/"]),
            ("@.e", 1, &[".env"]),
            ("@../", 1, &[]),
            ("@/etc/", 1, &[]),
            ("mail me@s", 9, &[]),
        ];
        for (line, start, offers) in table {
            let found = completion.offers(line, line.len());
            assert_eq!(
                found,
                (start, offers.iter().map(|&offer| offer.to_owned()).collect()),
                "{line}"
            );
        }
    }

    #[test]
    fn a_mark_at_the_end_adds_a_line() {
        assert!(goes_on("one\\") && !goes_on("one\\\ntwo"));
        assert_eq!(joined("one\\\ntwo\nthree"), "one\ntwo\nthree");
    }
}
