//! Questions at the terminal: a numbered picker and yes or no.
//!
//! A question is asked if stdin and stderr are both a terminal, so that a person can answer it. If
//! not, a missing argument is a usage error that names the choices.

use std::io::{self, BufRead, IsTerminal, Write};

use super::sanitise_line;
use crate::{error::CommandError, exit::Exit};

/// The number of choices that a picker or an error shows.
const SHOWN: usize = 20;

/// One thing to pick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The argument that could be typed instead.
    pub argument: String,
    /// A description of it, on one line.
    pub description: String,
}

/// The questions to a person at the terminal, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Questions {
    interactive: bool,
}

impl Questions {
    /// Returns questions that are asked if stdin and stderr are both a terminal.
    pub fn new() -> Self {
        Self { interactive: io::stdin().is_terminal() && io::stderr().is_terminal() }
    }

    /// Returns true if a person can answer.
    pub fn is_interactive(self) -> bool {
        self.interactive
    }

    /// Lets the person pick one of `choices`. `usage` is the command line that takes the picked
    /// argument, for hints.
    ///
    /// # Errors
    ///
    /// A usage error when there is no terminal, there are no choices, or none was picked.
    pub fn pick(self, what: &str, usage: &str, choices: &[Choice]) -> Result<String, CommandError> {
        if choices.is_empty() {
            return Err(CommandError::usage(format!("there is no {what} yet")));
        }
        if !self.interactive {
            return Err(missing(what, usage, choices));
        }
        let picked = ask_for_one(what, choices, &mut io::stdin().lock(), &mut io::stderr().lock());
        picked?.ok_or_else(|| CommandError::usage(format!("no {what} was picked")))
    }

    /// Asks a question with the answers yes and no. An empty answer means no.
    ///
    /// # Errors
    ///
    /// When there is no terminal. `instead` is a hint: the command line that needs no question.
    pub fn confirm(self, question: &str, instead: &str) -> Result<bool, CommandError> {
        if !self.interactive {
            let message = format!("{question} (there is no terminal to answer on)");
            return Err(CommandError::new(Exit::NeedsApproval, message).hint(instead));
        }
        let mut err = io::stderr().lock();
        write!(err, "{} [y/N] ", sanitise_line(question)).map_err(broken)?;
        err.flush().map_err(broken)?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(broken)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

impl Questions {
    /// Asks for a secret, which is not shown. It is read key by key, so that an interrupt ends it
    /// at once.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or the person gave up.
    pub fn hidden(self, question: &str) -> Result<String, CommandError> {
        if !self.interactive {
            return Err(CommandError::usage("there is no terminal to ask on"));
        }
        let mut err = io::stderr().lock();
        write!(err, "{}", sanitise_line(question)).map_err(broken)?;
        err.flush().map_err(broken)?;
        let silence = HiddenInput::begin().map_err(broken)?;
        let typed = unseen(io::stdin().lock());
        drop(silence);
        writeln!(err).map_err(broken)?;
        typed
    }
}

/// A terminal that shows no keys and sends no signals until this is dropped.
struct HiddenInput(rustix::termios::Termios);

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).is_err() {
            tracing::warn!("the terminal could not be made to show what is typed again");
        }
    }
}

/// Reads up to the end of a line. Ctrl-C gives up, and the delete key removes the last character.
fn unseen(input: impl BufRead) -> Result<String, CommandError> {
    let mut typed = Vec::new();
    for byte in input.bytes() {
        match byte.map_err(broken)? {
            b'\r' | b'\n' | 4 => break,
            3 => return Err(CommandError::new(Exit::Interrupted, "given up, nothing was kept")),
            8 | 127 => drop(typed.pop()),
            21 => typed.clear(),
            byte => typed.push(byte),
        }
    }
    String::from_utf8(typed).map_err(|_| CommandError::usage("that is not text"))
}

impl Default for Questions {
    fn default() -> Self {
        Self::new()
    }
}

fn missing(what: &str, usage: &str, choices: &[Choice]) -> CommandError {
    let error = CommandError::usage(format!("which {what}? there is no terminal to pick on"));
    let hint = |choice: &Choice| {
        let line = format!("{usage} {}", choice.argument);
        match sanitise_line(&choice.description) {
            what if what.is_empty() => line,
            what => format!("{line}   ({what})"),
        }
    };
    error.hints(choices.iter().take(SHOWN).map(hint))
}

fn broken(error: io::Error) -> CommandError {
    CommandError::failed(format!("cannot ask at the terminal: {error}"))
}

fn ask_for_one(
    what: &str,
    choices: &[Choice],
    input: &mut impl BufRead,
    screen: &mut impl Write,
) -> Result<Option<String>, CommandError> {
    let mut left: Vec<&Choice> = choices.iter().collect();
    show(&left, screen)?;
    loop {
        write!(screen, "pick a {what} (number, part of a name, or nothing to leave): ")
            .map_err(broken)?;
        screen.flush().map_err(broken)?;
        let mut line = String::new();
        if input.read_line(&mut line).map_err(broken)? == 0 || line.trim().is_empty() {
            return Ok(None);
        }
        let typed = line.trim().to_lowercase();
        if let Ok(number) = typed.parse::<usize>() {
            if let Some(choice) = left.iter().take(SHOWN).nth(number.wrapping_sub(1)) {
                return Ok(Some(choice.argument.clone()));
            }
            continue;
        }
        let found = choices.iter().filter(|choice| choice.contains(&typed));
        left = found.collect();
        if let [only] = left.as_slice()
            && only.argument.to_lowercase() == typed
        {
            return Ok(Some(only.argument.clone()));
        }
        show(&left, screen)?;
    }
}

fn show(choices: &[&Choice], screen: &mut impl Write) -> Result<(), CommandError> {
    for (index, choice) in choices.iter().take(SHOWN).enumerate() {
        let description = sanitise_line(&choice.description);
        let argument = sanitise_line(&choice.argument);
        writeln!(screen, "{:>3}  {argument}  {description}", index + 1).map_err(broken)?;
    }
    match choices.len().checked_sub(SHOWN) {
        Some(more @ 1..) => writeln!(screen, "     and {more} more: type a part of the name"),
        _ if choices.is_empty() => writeln!(screen, "     none has that in its name"),
        _ => return Ok(()),
    }
    .map_err(broken)
}

impl Choice {
    /// Returns true if the argument or the description contains `text`, which is in lower case.
    fn contains(&self, text: &str) -> bool {
        [&self.argument, &self.description].iter().any(|own| own.to_lowercase().contains(text))
    }
}

#[cfg(test)]
impl Questions {
    /// Returns a prompt where nobody can answer, wherever the tests run.
    pub(crate) fn of_nobody() -> Self {
        Self { interactive: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices() -> Vec<Choice> {
        [("abc1", "fix the login bug"), ("def2", "write\ndocs")]
            .map(|(argument, description)| Choice {
                argument: argument.into(),
                description: description.into(),
            })
            .into()
    }

    fn answer(typed: &str) -> (Option<String>, String) {
        let mut screen = Vec::new();
        let picked = ask_for_one("session", &choices(), &mut typed.as_bytes(), &mut screen);
        (picked.unwrap(), String::from_utf8(screen).unwrap())
    }

    #[test]
    fn a_number_picks_and_a_wrong_one_is_asked_again() {
        let (picked, screen) = answer("7\n0\n99999999999999999999\n\u{e9}\ne\n2\n");

        assert_eq!(picked.as_deref(), Some("def2"));
        assert_eq!(screen.matches("pick a session").count(), 6);
        assert!(screen.contains("none has that in its name"), "{screen}");
        assert!(screen.contains("  2  def2  write docs\n"), "{screen}");
    }

    #[test]
    fn what_is_typed_unseen_can_be_taken_back_and_given_up() {
        assert_eq!(unseen(&b"sk-2\x7f1\nrest"[..]).unwrap(), "sk-1");
        assert_eq!(unseen(&b"wrong\x15right"[..]).unwrap(), "right");
        assert_eq!(unseen(&b"sk-\x03"[..]).unwrap_err().kind, Exit::Interrupted);
    }

    #[test]
    fn a_part_of_a_name_narrows_the_choices() {
        let (picked, screen) = answer("LOGIN\n1\n");

        assert_eq!(picked.as_deref(), Some("abc1"));
        assert!(screen.ends_with("leave):   1  abc1  fix the login bug\npick a session (number, part of a name, or nothing to leave): "), "{screen}");
        assert_eq!(answer("def2\n").0.as_deref(), Some("def2"));
    }

    #[test]
    fn of_many_choices_some_are_shown_and_all_can_be_found() {
        let many: Vec<Choice> = (1..=45)
            .map(|n| Choice { argument: format!("model-{n}"), description: String::new() })
            .collect();
        let mut screen = Vec::new();

        let picked = ask_for_one("model", &many, &mut "l-44\n1\n".as_bytes(), &mut screen);

        let screen = String::from_utf8(screen).unwrap();
        assert_eq!(picked.unwrap().as_deref(), Some("model-44"));
        assert!(
            screen.contains(" 20  model-20  \n     and 25 more: type a part of the name\n"),
            "{screen}"
        );
    }

    #[test]
    fn nothing_or_the_end_of_input_picks_nothing() {
        assert_eq!(answer("\n").0, None);
        assert_eq!(answer("").0, None);
    }

    #[test]
    fn without_a_terminal_the_choices_are_named() {
        let prompt = Questions { interactive: false };

        let error = prompt.pick("session", "openkoi session show", &choices()).unwrap_err();

        assert_eq!(error.kind, Exit::Usage);
        assert_eq!(
            error.hints,
            [
                "openkoi session show abc1   (fix the login bug)",
                "openkoi session show def2   (write docs)",
            ]
        );
    }

    #[test]
    fn a_choice_without_a_description_is_a_line_to_paste_alone() {
        let choices = [Choice { argument: "koi/swim".into(), description: String::new() }];

        let error = Questions::of_nobody().pick("model", "-m", &choices).unwrap_err();

        assert_eq!(error.hints, ["-m koi/swim"]);
    }

    #[test]
    fn without_a_terminal_at_most_twenty_choices_are_named() {
        let many: Vec<Choice> = (1..=45)
            .map(|n| Choice { argument: format!("m{n}"), description: "x".into() })
            .collect();

        let error = Questions::of_nobody().pick("model", "-m", &many).unwrap_err();

        assert_eq!(error.hints.len(), 20);
        assert_eq!(error.hints[19], "-m m20   (x)");
    }

    #[test]
    fn where_there_is_nothing_to_pick_nobody_is_asked() {
        for prompt in [Questions { interactive: false }, Questions { interactive: true }] {
            let error = prompt.pick("session", "openkoi session show", &[]).unwrap_err();

            assert_eq!(error, CommandError::usage("there is no session yet"));
        }
    }

    #[test]
    fn a_question_that_nobody_can_answer_names_the_flag_that_does() {
        let error = Questions::of_nobody().confirm("delete it?", "openkoi rm --yes").unwrap_err();

        let message = "delete it? (there is no terminal to answer on)";
        let expected = CommandError::new(Exit::NeedsApproval, message);
        assert_eq!(error, expected.hint("openkoi rm --yes"));
    }

    #[test]
    fn nothing_secret_is_asked_for_where_nobody_sits() {
        let error = Questions::of_nobody().hidden("key: ").unwrap_err();

        assert_eq!(error, CommandError::usage("there is no terminal to ask on"));
    }

    #[test]
    fn the_whole_argument_picks_even_if_others_contain_it() {
        let two = ["swim", "swim-large"]
            .map(|name| Choice { argument: name.to_owned(), description: String::new() });
        let mut screen = Vec::new();

        let picked = ask_for_one("model", &two, &mut "large\n1\n".as_bytes(), &mut screen);

        assert_eq!(picked.unwrap().as_deref(), Some("swim-large"));
        assert_eq!(
            String::from_utf8(screen).unwrap(),
            "  1  swim  \n  2  swim-large  \n\
             pick a model (number, part of a name, or nothing to leave):   1  swim-large  \n\
             pick a model (number, part of a name, or nothing to leave): "
        );
    }

    #[test]
    fn a_choice_cannot_drive_the_terminal() {
        let odd = [Choice { argument: "a\x1b[2J".into(), description: "b\n  2  c\x07".into() }];
        let mut screen = Vec::new();

        let picked = ask_for_one("model", &odd, &mut "".as_bytes(), &mut screen);

        assert_eq!(picked.unwrap(), None);
        assert_eq!(
            String::from_utf8(screen).unwrap(),
            "  1  a\\x1b[2J  b   2  c\\x07\n\
             pick a model (number, part of a name, or nothing to leave): "
        );
    }

    #[test]
    fn every_key_that_ends_a_line_ends_a_secret() {
        for end in ["\r", "\n", "\u{4}", ""] {
            let typed = format!("sk-1{end}more");
            let expected = if end.is_empty() { "sk-1more" } else { "sk-1" };
            assert_eq!(unseen(typed.as_bytes()).unwrap(), expected);
        }
        assert_eq!(unseen(&b"\xff"[..]).unwrap_err(), CommandError::usage("that is no text"));
        assert_eq!(unseen(&b"\x08\x7fa"[..]).unwrap(), "a", "there was nothing to take back");
    }
}
