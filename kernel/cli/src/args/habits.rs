//! Words and flags that other agents have and this one has not: the line that does the same here is named, and nothing
//! is paid.

use clap::error::{ContextKind, ErrorKind};

use crate::error::CommandError;

/// Single words that are commands of other agents, with what to type here.
const COMMANDS: &[(&str, &[&str])] = &[
    ("login", &["openkoi connect"]),
    ("signin", &["openkoi connect"]),
    ("auth", &["openkoi connect", "openkoi connect status"]),
    ("provider", &["openkoi connect status"]),
    ("providers", &["openkoi connect status"]),
    ("logout", &["openkoi disconnect"]),
    ("signout", &["openkoi disconnect"]),
    ("log", &["openkoi task list", "openkoi task replay ID"]),
    ("logs", &["openkoi task list", "openkoi task replay ID"]),
    ("history", &["openkoi session list", "openkoi task list"]),
    ("sessions", &["openkoi session list"]),
    ("tasks", &["openkoi task list"]),
    ("list", &["openkoi task list", "openkoi session list"]),
    ("ls", &["openkoi task list", "openkoi session list"]),
    ("show", &["openkoi task show ID"]),
    ("diff", &["openkoi task diff ID"]),
    ("version", &["openkoi --version"]),
    ("model", &["openkoi models", "openkoi -m MODEL \"TASK\""]),
    ("settings", &["openkoi config"]),
    ("cost", &["openkoi status"]),
    ("usage", &["openkoi status"]),
    ("stats", &["openkoi status"]),
    ("continue", &["openkoi -c \"TASK\"", "openkoi resume ID"]),
    ("redo", &["openkoi undo --redo ID"]),
    ("completion", &["openkoi completions SHELL"]),
    ("plugins", &["openkoi plugin list"]),
    ("extensions", &["openkoi plugin list"]),
    ("tui", &["openkoi chat"]),
    ("web", &["openkoi chat"]),
    ("start", &["openkoi chat"]),
    ("repl", &["openkoi chat"]),
    ("agent", &["openkoi \"TASK\"", "openkoi chat"]),
    ("run", &["openkoi \"TASK\""]),
    ("exec", &["openkoi \"TASK\""]),
    ("ask", &["openkoi \"QUESTION\""]),
    ("prompt", &["openkoi \"TASK\""]),
    ("review", &["openkoi \"review the last commit\""]),
    ("mcp", &[]),
    ("acp", &[]),
    ("serve", &[]),
    ("server", &[]),
    ("upgrade", &[]),
    ("install", &[]),
    ("uninstall", &[]),
];

/// Those that take a text elsewhere: `run "fix it"`.
const WITH_A_TEXT: [&str; 4] = ["run", "exec", "ask", "prompt"];

/// Flags of other agents that have another form here.
const FLAGS: &[(&str, &str)] = &[
    ("-p", "the result is printed anyway: openkoi \"TASK\""),
    ("--print", "the result is printed anyway: openkoi \"TASK\""),
    ("--prompt", "the task needs no flag: openkoi \"TASK\""),
    ("--message", "the task needs no flag: openkoi \"TASK\""),
    ("-C", "openkoi --workspace DIR \"TASK\""),
    ("--cd", "openkoi --workspace DIR \"TASK\""),
    ("--cwd", "openkoi --workspace DIR \"TASK\""),
    ("--max-turns", "openkoi -i N \"TASK\""),
    ("--max-budget-usd", "openkoi --max-cost USD \"TASK\""),
];

/// Refuses a line that is a command elsewhere: one word alone, or one that takes a text, with a text in quotes.
pub(super) fn refuse(words: &[String]) -> Result<(), CommandError> {
    let (word, text) = match words {
        [word] => (word, None),
        [word, text]
            if WITH_A_TEXT.contains(&word.as_str()) && text.contains(char::is_whitespace) =>
        {
            (word, Some(text))
        }
        _ => return Ok(()),
    };
    let Some((_, lines)) = COMMANDS.iter().find(|(known, _)| known == word) else { return Ok(()) };
    let message = match lines {
        [] => format!("`{word}` is no command of openkoi, and nothing does the same yet"),
        _ => format!("`{word}` is no command of openkoi"),
    };
    let error = CommandError::usage(message);
    let error = match text {
        Some(text) => error.hint(format!("openkoi \"{}\"", text.replace('"', "\\\""))),
        None => error.hints(lines.iter().map(|line| (*line).to_owned())),
    };
    let words = text.map_or_else(|| word.clone(), |text| format!("{word} \"{text}\""));
    Err(error.hint(format!("as a task: openkoi -- {words}")))
}

/// Returns the error for a flag that is not known here, if other agents have it.
pub(super) fn of_flag(error: &clap::Error) -> Option<CommandError> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let typed = error.get(ContextKind::InvalidArg)?.to_string();
    let (flag, way) = FLAGS.iter().find(|(flag, _)| *flag == typed)?;
    Some(CommandError::usage(format!("there is no flag `{flag}`")).hint(*way))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::line::Cli;

    fn refused(words: &[&str]) -> CommandError {
        refuse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap_err()
    }

    #[test]
    fn a_command_of_others_is_never_a_paid_task_and_every_hint_is_a_line_of_ours() {
        let whole = Cli::command();
        for (word, lines) in COMMANDS {
            assert!(whole.find_subcommand(word).is_none(), "{word} is a command of ours");
            let error = refused(&[word]);
            assert_eq!(error.hints.last().unwrap(), &format!("as a task: openkoi -- {word}"));
            for line in *lines {
                let plain = line.split(['"', '-']).next().unwrap_or_default();
                let mut words = plain.split(' ').skip(1).filter(|word| !word.is_empty());
                if let Some(command) =
                    words.next().filter(|word| word.chars().all(char::is_lowercase))
                {
                    let found = whole.find_subcommand(command);
                    assert!(found.is_some(), "{line}");
                }
            }
        }
    }

    #[test]
    fn a_command_that_takes_a_text_is_recognised_by_its_quotes() {
        assert_eq!(refused(&["exec", "fix the login"]).hints[0], "openkoi \"fix the login\"");
        for words in [&["run", "tests"][..], &["run", "the", "tests"], &["hello"], &["login page"]]
        {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(refuse(&words), Ok(()), "{words:?}");
        }
    }
}
