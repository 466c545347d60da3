//! Words and flags that other agents have and this one has not: the line that does the same here is named, and nothing
//! is paid.

use clap::error::{ContextKind, ErrorKind};

use crate::error::CommandError;

/// Words that are commands of other agents, with what to type here.
const COMMANDS: &[(&str, &[&str])] = &[
    ("login", &["openkoi connect"]),
    ("signin", &["openkoi connect"]),
    ("auth", &["openkoi connect", "openkoi connect status"]),
    ("configure", &["openkoi connect", "openkoi config"]),
    ("whoami", &["openkoi connect status"]),
    ("permissions", &["openkoi trust"]),
    ("provider", &["openkoi connect status"]),
    ("providers", &["openkoi connect status"]),
    ("logout", &["openkoi disconnect"]),
    ("signout", &["openkoi disconnect"]),
    ("log", &["openkoi task list", "openkoi task replay ID"]),
    ("logs", &["openkoi task list", "openkoi task replay ID"]),
    ("history", &["openkoi session list", "openkoi task list"]),
    ("sessions", &["openkoi session list"]),
    ("threads", &["openkoi session list"]),
    ("fork", &["openkoi -r ID --fork \"TASK\""]),
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
    ("commit", &["openkoi \"commit what is staged\""]),
    ("mcp", &[]),
    ("acp", &[]),
    ("serve", &["openkoi daemon run"]),
    ("server", &["openkoi daemon run"]),
    ("upgrade", &[]),
    ("install", &[]),
    ("uninstall", &[]),
];

/// Those that take a text elsewhere: `run "fix it"`.
const WITH_A_TEXT: [&str; 4] = ["run", "exec", "ask", "prompt"];

/// Words that hold a sentence together. The line of a command has none.
const FUNCTION_WORDS: &[&str] = &[
    "a", "about", "after", "all", "an", "and", "any", "are", "as", "at", "be", "because", "before",
    "but", "by", "can", "do", "does", "each", "every", "for", "from", "how", "if", "in", "into",
    "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "should", "so", "that",
    "the", "them", "then", "there", "these", "this", "those", "to", "until", "was", "what", "when",
    "where", "which", "who", "why", "with", "without", "you", "your",
];

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

/// Refuses a line that is a command elsewhere: its first word is one, and the words do not read as a sentence. What
/// stands in quotes as a whole is a task, whatever it begins with.
pub(super) fn refuse(words: &[String]) -> Result<(), CommandError> {
    let Some((first, rest)) = words.split_first() else { return Ok(()) };
    let line = words.join(" ");
    // `log in` is `login`.
    let name = if words.len() == 2 && command(&words.concat()).is_some() {
        words.concat()
    } else {
        first.clone()
    };
    let Some(lines) = command(&name) else { return Ok(()) };
    let text = Some(rest.join(" ")).filter(|text| takes_text(first) && !text.is_empty());
    // A text in quotes behind one that takes a text is its argument, even where it reads as a sentence.
    let is_argument = text.is_some() && rest.len() == 1;
    if !is_argument && is_sentence(&line) {
        return Ok(());
    }
    let message = match lines {
        [] => format!("`{name}` is no command of openkoi, and nothing does the same yet"),
        _ => format!("`{name}` is no command of openkoi"),
    };
    let error = CommandError::usage(message);
    let error = match text {
        Some(text) => error.hint(as_task(&text)),
        None => error.hints(lines.iter().map(|line| (*line).to_owned())),
    };
    Err(error.hint(format!("as a task: {}", as_task(&line))))
}

fn command(name: &str) -> Option<&'static [&'static str]> {
    COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, lines)| *lines)
}

fn takes_text(word: &str) -> bool {
    WITH_A_TEXT.contains(&word)
}

/// Returns true if the words read as a sentence rather than as the line of a command: a function word follows the first
/// word (`run the tests`), or stands anywhere in four words or more. Two words are too few to tell, and nobody begins a
/// sentence with `exec`.
fn is_sentence(line: &str) -> bool {
    let words: Vec<String> = line.split_whitespace().map(bare).collect();
    let is_function = |word: &String| FUNCTION_WORDS.contains(&word.as_str());
    match words.as_slice() {
        [first, ..] if first == "exec" => false,
        [_, second, _] => is_function(second),
        [_, rest @ ..] if rest.len() > 2 => rest.iter().any(is_function),
        _ => false,
    }
}

/// Returns a word in lower case, without what is around it.
fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

/// Returns the line that runs `text` as a task. A single word would be a command again, even in quotes.
fn as_task(text: &str) -> String {
    if text.contains(char::is_whitespace) {
        return format!("openkoi \"{}\"", text.replace('"', "\\\""));
    }
    format!("openkoi -- {text}")
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
                let second = line.split(' ').nth(1).unwrap_or_default();
                if second.chars().all(char::is_lowercase) {
                    assert!(whole.find_subcommand(second).is_some(), "{line}");
                }
            }
        }
    }

    fn typed(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_that_takes_a_text_is_recognised_with_and_without_quotes() {
        let hints = ["openkoi \"fix the login\"", "as a task: openkoi \"exec fix the login\""];
        assert_eq!(refused(&["exec", "fix the login"]).hints, hints);
        assert_eq!(refused(&["exec", "fix", "the", "login"]).hints, hints);
        assert_eq!(refused(&["run", "fix", "it"]).hints[0], "openkoi \"fix it\"");
        let hints = ["openkoi -- status", "as a task: openkoi \"run status\""];
        assert_eq!(refused(&["run", "status"]).hints, hints);
    }

    #[test]
    fn a_line_of_a_command_of_others_is_refused_with_what_to_type() {
        for line in [
            "auth login",
            "login openai",
            "log in",
            "sign out",
            "mcp add github npx",
            "list tasks",
            "commit",
        ] {
            let words = typed(line);
            let error = refuse(&words).unwrap_err();
            let task = error.hints.last().unwrap();
            assert!(task.starts_with("as a task: openkoi ") && task.contains(line), "{error}");
        }
        let error = refuse(&typed("log in")).unwrap_err();
        assert_eq!(error.message, "`login` is no command of openkoi");
        assert_eq!(error.hints, ["openkoi connect", "as a task: openkoi \"log in\""]);
        let error = refuse(&typed("mcp list")).unwrap_err();
        assert_eq!(error.message, "`mcp` is no command of openkoi, and nothing does the same yet");
        assert_eq!(error.hints, ["as a task: openkoi \"mcp list\""]);
    }

    #[test]
    fn a_sentence_that_begins_with_the_name_of_a_command_is_a_task() {
        for line in [
            "run the tests",
            "run the tests and fix what fails",
            "run cargo test and fix what fails",
            "login page is broken",
            "show me how the parser works",
            "review what changed in main.rs",
            "list all todos",
            "hello",
            "fix it",
        ] {
            assert_eq!(refuse(&typed(line)), Ok(()), "{line}");
            assert_eq!(refuse(&[line.to_owned()]), Ok(()), "{line}, in quotes");
        }
        assert_eq!(refuse(&["auth login".to_owned()]), Ok(()), "in quotes");
    }
}
