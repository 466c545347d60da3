//! The commands that can be typed in a conversation besides messages.

use openkoi_app::suggest;

use crate::error::CommandError;

/// A command of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    Help,
    Model,
    Effort,
    Diff,
    Undo,
    Rewind,
    Compact,
    New,
    Resume,
    Cost,
    Status,
    Skills,
    Memory,
    Tools,
    Init,
    Copy,
    Exit,
}

/// A command with its names, the first of which is shown, its arguments and its help.
pub(super) struct Entry {
    pub(super) slash: Slash,
    pub(super) names: &'static [&'static str],
    pub(super) arguments: &'static str,
    pub(super) help: &'static str,
}

const fn entry(
    slash: Slash,
    names: &'static [&'static str],
    arguments: &'static str,
    help: &'static str,
) -> Entry {
    Entry { slash, names, arguments, help }
}

/// All commands, in the order of the help.
pub(super) const COMMANDS: [Entry; 17] = [
    entry(Slash::Help, &["/help"], "", "show these commands"),
    entry(Slash::Model, &["/model"], "[NAME]", "go on with another model; without a name, pick it"),
    entry(
        Slash::Effort,
        &["/effort"],
        "[LEVEL]",
        "have the model reason more or less from here on",
    ),
    entry(Slash::Diff, &["/diff"], "", "show what this session changed, task by task"),
    entry(Slash::Undo, &["/undo"], "[redo]", "bring the files back to before the last message"),
    entry(
        Slash::Rewind,
        &["/rewind"],
        "[N]",
        "go back to before message N, with the files and what was said; without a number, list them",
    ),
    entry(
        Slash::Compact,
        &["/compact"],
        "",
        "have what was said summed up, and go on in a session with the summary alone",
    ),
    entry(Slash::New, &["/new", "/clear"], "", "begin a new session, in which nothing was said"),
    entry(Slash::Resume, &["/resume"], "[ID]", "take up another session; without an id, pick it"),
    entry(Slash::Cost, &["/cost"], "", "show what this session took"),
    entry(Slash::Status, &["/status"], "", "show the session, its models, directory and cost"),
    entry(Slash::Skills, &["/skills"], "", "list the skills that can apply"),
    entry(
        Slash::Memory,
        &["/memory"],
        "[TEXT]",
        "remember a sentence for later tasks here; without one, list what is remembered",
    ),
    entry(Slash::Tools, &["/tools"], "", "list the tools that the model has"),
    entry(
        Slash::Init,
        &["/init"],
        "",
        "have AGENTS.md written, which tells agents about the project",
    ),
    entry(Slash::Copy, &["/copy"], "", "copy the last answer to the clipboard"),
    entry(Slash::Exit, &["/exit", "/quit"], "", "end the conversation; so does Ctrl-D"),
];

/// Returns the command that a line is, with what stands behind it; nothing if the line is a message. A path is one: it
/// has a second slash.
///
/// # Errors
///
/// There is no such command; the hint names those that are spelt alike.
pub(super) fn command(text: &str) -> Result<Option<(Slash, &str)>, CommandError> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let named = word.strip_prefix('/').is_some_and(|name| !name.is_empty() && !name.contains('/'));
    if !named {
        return Ok(None);
    }
    let found = COMMANDS.iter().find(|entry| entry.names.contains(&word));
    let unknown = || {
        let error = CommandError::usage(format!("there is no command `{word}`"));
        let close = suggest::closest(word, names().map(str::to_owned));
        if close.is_empty() { error.hint("/help") } else { error.hints(close) }
    };
    found.map(|entry| Some((entry.slash, rest.trim()))).ok_or_else(unknown)
}

/// Returns every name of every command.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().flat_map(|entry| entry.names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_slash_in_front_is_a_command_with_the_rest_behind_it() {
        assert_eq!(command("/help").unwrap(), Some((Slash::Help, "")));
        assert_eq!(command("/model  koi/large ").unwrap(), Some((Slash::Model, "koi/large")));
        assert_eq!(command("/model\tkoi").unwrap(), Some((Slash::Model, "koi")));
        assert_eq!(command("/clear").unwrap(), Some((Slash::New, "")));
    }

    #[test]
    fn paths_and_sentences_are_messages() {
        for text in ["fix it", "/", "/ is the root", "/etc/hosts is odd", "see /help", "//", "a/b"]
        {
            assert_eq!(command(text).unwrap(), None, "{text:?}");
        }
    }

    #[test]
    fn a_misspelt_command_gets_those_that_are_spelt_alike() {
        let table = [
            ("/stauts", vec!["/status"]),
            ("/modle x", vec!["/model"]),
            ("/nonsense", vec!["/help"]),
        ];
        for (typed, hints) in table {
            let word = typed.split(' ').next().unwrap();
            let expected = CommandError::usage(format!("there is no command `{word}`"));
            assert_eq!(
                command(typed).unwrap_err(),
                expected.hints(hints.into_iter().map(str::to_owned)),
                "{typed}"
            );
        }
    }

    #[test]
    fn every_command_has_a_name_of_its_own_and_says_what_it_does() {
        let all: std::collections::BTreeSet<&str> = names().collect();

        assert_eq!(all.len(), names().count());
        for entry in &COMMANDS {
            assert_eq!(command(entry.names[0]).unwrap(), Some((entry.slash, "")));
            assert!(!entry.help.is_empty() && !entry.help.ends_with('.'), "{}", entry.help);
        }
    }
}
