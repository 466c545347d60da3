//! The source of messages: an edited line with history at a terminal, plain lines elsewhere.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_app::file;
use rustyline::{
    Cmd, CompletionType, Config, Editor, KeyCode, KeyEvent, Modifiers, error::ReadlineError,
    history::FileHistory,
};

use super::complete::{self, Completion};
use crate::{context::Context, error::CommandError, interrupt::Interrupts, terminal_modes};

type LineEditor = Editor<Completion, FileHistory>;

/// The number of lines that the history remembers.
const REMEMBERED: usize = 1_000;

/// The next input of the person.
pub(crate) enum Input {
    /// A message or a command.
    Text(String),
    /// The end of the conversation.
    End,
}

/// A reader of messages.
pub(crate) enum Lines {
    /// An editor at a terminal.
    Edited {
        /// The editor, which the thread that waits for a line borrows.
        editor: Arc<Mutex<LineEditor>>,
        /// The file of the history.
        history: PathBuf,
    },
    /// Plain lines of a pipe or a file.
    Plain,
}

impl Lines {
    /// Returns an editor if there is a terminal, or else a reader of plain lines.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be used.
    pub(crate) fn open(context: &Context, workspace: &Path) -> Result<Self, CommandError> {
        if !context.questions.is_interactive() {
            return Ok(Self::Plain);
        }
        let config = Config::builder()
            .max_history_size(REMEMBERED)
            .map_err(|error| broken(&error))?
            .auto_add_history(true)
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let mut editor = LineEditor::with_config(config).map_err(|error| broken(&error))?;
        editor.set_helper(Some(Completion::new(workspace.to_owned())));
        editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
        let history = context.paths()?.home().join("chat-history");
        if file::exists(&history)
            && let Err(error) = editor.load_history(&history)
        {
            tracing::warn!(%error, "the history of earlier chats is left out");
        }
        Ok(Self::Edited { editor: Arc::new(Mutex::new(editor)), history })
    }

    /// Waits for the next input, which begins with what was `typed` before. Empty lines are passed over.
    ///
    /// # Errors
    ///
    /// When the terminal or standard input cannot be read.
    pub(crate) async fn next(
        &mut self,
        typed: &str,
        interrupts: &Interrupts,
    ) -> Result<Input, CommandError> {
        let mut typed = typed.to_owned();
        loop {
            let line = match self {
                Self::Plain => read_plain().await?,
                Self::Edited { editor, history } => {
                    let (editor, history) = (Arc::clone(editor), history.clone());
                    let typed = std::mem::take(&mut typed);
                    let edit = move || edit(&editor, &history, &typed);
                    let read = tokio::task::spawn_blocking(edit).await;
                    interrupts.clear();
                    read.map_err(|error| CommandError::failed(error.to_string()))??
                }
            };
            match line {
                None => return Ok(Input::End),
                Some(line) if line.trim().is_empty() => {}
                Some(line) => {
                    return Ok(Input::Text(complete::joined(line.trim()).trim().to_owned()));
                }
            }
        }
    }
}

/// Returns the next line. It is empty after Ctrl-C, and `None` after Ctrl-D.
fn edit(
    editor: &Mutex<LineEditor>,
    history: &PathBuf,
    typed: &str,
) -> Result<Option<String>, CommandError> {
    let mut editor = editor.lock().unwrap_or_else(PoisonError::into_inner);
    terminal_modes::remember();
    let line = editor.readline_with_initial("koi> ", (typed, ""));
    terminal_modes::restore();
    match line {
        Ok(line) => {
            if let Err(error) = editor.save_history(history) {
                tracing::debug!(%error, "the line is not remembered");
            }
            Ok(Some(line))
        }
        Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
        Err(ReadlineError::Eof) => Ok(None),
        Err(error) => Err(broken(&error)),
    }
}

async fn read_plain() -> Result<Option<String>, CommandError> {
    let read = tokio::task::spawn_blocking(|| next_of(&mut io::stdin().lock()));
    let read = read.await.map_err(|error| CommandError::failed(error.to_string()))?;
    read.map_err(|error| CommandError::failed(format!("cannot read standard input: {error}")))
}

/// Returns the next line with its end, nothing at the end of the input.
fn next_of(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = input.read_line(&mut line)?;
    Ok((count > 0).then_some(line))
}

fn broken(error: &ReadlineError) -> CommandError {
    CommandError::failed(format!("cannot use the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_pipe_come_one_by_one_until_it_ends() {
        let mut pipe = &b"one\n\n two \r\nlast"[..];

        let mut lines = Vec::new();
        while let Some(line) = next_of(&mut pipe).unwrap() {
            lines.push(line);
        }

        assert_eq!(lines, ["one\n", "\n", " two \r\n", "last"]);
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_an_error() {
        assert_eq!(next_of(&mut &b"\xff\n"[..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
