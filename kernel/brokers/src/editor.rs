//! The user's own editor, at the user's own terminal.
//!
//! It is the one program that is started outside of the sandbox: the user named it, and it edits a file that the user asked to
//! edit. No shell reads its command.

use std::io;
use std::path::Path;
use std::process::Command;

/// Returns the words of a command as a person writes it in a variable: `code --wait`, `"/opt/my editor/ed" -n`. Nothing in it
/// is expanded.
#[must_use]
pub fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut is_begun) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (None, '"' | '\'') => (quote, is_begun) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut is_begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => {
                word.push(c);
                is_begun = true;
            }
        }
    }
    if is_begun {
        words.push(word);
    }
    words
}

/// Lets the user edit a file, and returns whether the editor ended as one does that has saved.
///
/// # Errors
///
/// The editor cannot be started.
pub fn edit(command: &str, file: &Path) -> io::Result<bool> {
    let words = words(command);
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
    Ok(Command::new(program).args(arguments).arg(file).status()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words_and_nothing_of_it_is_expanded() {
        for (command, expected) in [
            ("vi", &["vi"][..]),
            ("  code   --wait ", &["code", "--wait"]),
            ("\"/opt/my editor/ed\" -n ''", &["/opt/my editor/ed", "-n", ""]),
            ("vi; rm -rf $HOME", &["vi;", "rm", "-rf", "$HOME"]),
            ("", &[]),
        ] {
            assert_eq!(words(command), expected, "{command}");
        }
    }
}
