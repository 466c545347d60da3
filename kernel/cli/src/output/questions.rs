//! Questions at the terminal: a numbered picker and yes or no.
//!
//! A question is asked if stdin and stderr are both a terminal, so that a person can answer it. If
//! not, a missing argument is a usage error that names the choices. Esc leaves a question, and Ctrl-C ends the
//! command.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use openkoi_app::thread;
use tokio::sync::mpsc;

use super::sanitise_line;
use crate::{
    error::CommandError,
    exit::Exit,
    terminal_modes::{Hidden, LineKeys},
};

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
        let keys = LineKeys::begin().map_err(broken)?;
        let is_other_key = || keys.is_other_key();
        let (mut input, mut screen) = (io::stdin().lock(), io::stderr().lock());
        let picked = ask_for_one(what, choices, &mut input, &mut screen, &is_other_key);
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
        let answer = at_terminal(&format!("{} [y/N] ", sanitise_line(question)))?;
        let answer = answer.unwrap_or_default();
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Returns the lines that are typed from now on, if there is a terminal. The thread that reads them ends with the program, so no
    /// other question can be asked afterwards.
    pub fn lines(self) -> mpsc::UnboundedReceiver<String> {
        let (typed, lines) = mpsc::unbounded_channel();
        if self.interactive {
            thread::beside("typed", move || {
                for line in io::stdin().lines().map_while(Result::ok) {
                    if typed.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        lines
    }
}

impl Questions {
    /// Asks for one line. An empty one is an answer. Returns nothing if the person left the question.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or Ctrl-C was pressed.
    pub fn text(self, question: &str) -> Result<Option<String>, CommandError> {
        if !self.interactive {
            return Err(CommandError::usage("there is no terminal to ask on"));
        }
        at_terminal(&sanitise_line(question))
    }

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
        // First, because what was typed before is thrown away: whoever sees the question may answer at once.
        let silence = Hidden::begin().map_err(broken)?;
        let mut err = io::stderr().lock();
        write!(err, "{}", sanitise_line(question)).and_then(|()| err.flush()).map_err(broken)?;
        let typed = unseen(io::stdin().lock());
        drop(silence);
        writeln!(err).map_err(broken)?;
        typed
    }
}

/// What a person did at a question.
#[derive(Debug, PartialEq, Eq)]
enum TypedLine {
    /// A line was typed.
    Line(String),
    /// Esc was pressed.
    Esc,
    /// Ctrl-C was pressed.
    CtrlC,
    /// There is no more input.
    End,
}

/// Asks at the terminal. Returns nothing if the person left the question.
fn at_terminal(question: &str) -> Result<Option<String>, CommandError> {
    let keys = LineKeys::begin().map_err(broken)?;
    let is_other_key = || keys.is_other_key();
    ask(question, &mut io::stdin().lock(), &mut io::stderr().lock(), &is_other_key)
}

/// Asks until a line is typed or the question is left. A key such as an arrow begins like Esc, and has it asked again.
fn ask(
    question: &str,
    input: &mut impl BufRead,
    screen: &mut impl Write,
    is_other_key: &impl Fn() -> bool,
) -> Result<Option<String>, CommandError> {
    loop {
        write!(screen, "{question}").and_then(|()| screen.flush()).map_err(broken)?;
        let entered = entered(input).map_err(broken)?;
        if matches!(entered, TypedLine::Esc | TypedLine::CtrlC) {
            writeln!(screen).map_err(broken)?;
        }
        match entered {
            TypedLine::Line(line) => return Ok(Some(line)),
            TypedLine::Esc if is_other_key() => {}
            TypedLine::Esc | TypedLine::End => return Ok(None),
            TypedLine::CtrlC => return Err(CommandError::new(Exit::Interrupted, "given up")),
        }
    }
}

/// Reads up to the end of a line or of the input, or to a key that ends the line.
fn entered(input: &mut impl BufRead) -> io::Result<TypedLine> {
    let mut typed = Vec::new();
    for byte in Read::bytes(&mut *input) {
        match byte? {
            b'\n' => return Ok(TypedLine::Line(String::from_utf8_lossy(&typed).into_owned())),
            LineKeys::ESC => return Ok(TypedLine::Esc),
            LineKeys::CTRL_C => return Ok(TypedLine::CtrlC),
            byte => typed.push(byte),
        }
    }
    Ok(TypedLine::End)
}

/// Reads up to the end of a line. Ctrl-C and Esc give up, and the delete key removes the last character.
fn unseen(input: impl BufRead) -> Result<String, CommandError> {
    let mut typed = Vec::new();
    for byte in input.bytes() {
        match byte.map_err(broken)? {
            b'\r' | b'\n' | 4 => break,
            LineKeys::CTRL_C | LineKeys::ESC => {
                return Err(CommandError::new(Exit::Interrupted, "given up, nothing was kept"));
            }
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
    is_other_key: &impl Fn() -> bool,
) -> Result<Option<String>, CommandError> {
    let mut left: Vec<&Choice> = choices.iter().collect();
    show(&left, screen)?;
    let question = format!("pick a {what} (number, part of a name, or nothing to leave): ");
    loop {
        let line = ask(&question, input, screen, is_other_key)?.unwrap_or_default();
        let typed = line.trim().to_lowercase();
        if typed.is_empty() {
            return Ok(None);
        }
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
mod tests;
