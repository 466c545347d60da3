//! A command line of the shell, seen as the commands in it. Approval rules look at every one of them.
//!
//! Splitting is all that is done here: nothing is expanded. What cannot be known without running it, such as the
//! value of a variable, makes a line not [`Line::plain`], and a rule that allows does not hold for such a line.

use std::iter::Peekable;

/// One command of a line, with its quotes removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Name and arguments.
    pub words: Vec<String>,
    /// Redirections, operator and target in turn.
    pub redirections: Vec<String>,
}

/// A command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Every command that the line may run, those of substitutions and of compound commands included.
    pub commands: Vec<Command>,
    /// True if the line is nothing but such commands, joined by `;`, `&&`, `||`, `|` or line ends: no redirection,
    /// no expansion, no assignment, no compound command, nothing in the background.
    pub plain: bool,
}

/// Shells that run what they are given with `-c`.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "zsh"];

/// Returns what a person would have typed for a command that was handed to a shell: the text behind `-c`, or the words that it
/// was given to run as they are.
#[must_use]
pub fn as_typed(command: &str) -> String {
    let line = Line::parse(command);
    let [Command { words, redirections }] = line.commands.as_slice() else {
        return command.to_owned();
    };
    match words.as_slice() {
        [shell, flag, text, rest @ ..]
            if SHELLS.contains(&shell.as_str()) && flag == "-c" && redirections.is_empty() =>
        {
            match rest {
                [] => text.clone(),
                // The first of them is the name that the shell goes by.
                [_, words @ ..] if text.contains("\"$@\"") => words.join(" "),
                _ => command.to_owned(),
            }
        }
        _ => command.to_owned(),
    }
}

/// Words of the grammar after which a command begins.
const BEFORE_A_COMMAND: [&str; 9] =
    ["!", "{", "if", "then", "elif", "else", "while", "until", "do"];

impl Line {
    /// Splits a line. It never fails: what the shell would refuse is split as well as can be.
    pub fn parse(text: &str) -> Self {
        let mut splitter = Splitter::default();
        let mut rest = text.chars().peekable();
        splitter.stack.push(Frame::default());
        while let Some(c) = rest.next() {
            splitter.take(c, &mut rest);
        }
        while splitter.stack.len() > 1 {
            splitter.odd = true;
            splitter.close();
        }
        splitter.end_command();
        Self { commands: splitter.commands, plain: !splitter.odd }
    }

    /// Returns whether these commands stand in the line, one after the other.
    pub fn contains(&self, wanted: &Self) -> bool {
        let count = wanted.commands.len();
        let alike = |window: &[Command]| {
            window.iter().zip(&wanted.commands).all(|(command, wanted)| command.does(wanted))
        };
        count > 0 && self.commands.windows(count).any(alike)
    }

    /// Returns the beginning that a rule for similar commands can rest on: the program and its subcommand.
    /// `None` unless the line is one plain command of that form.
    pub fn prefix(&self) -> Option<String> {
        let [command] = self.commands.as_slice() else { return None };
        let [program, subcommand, ..] = command.words.as_slice() else { return None };
        let named = |word: &str, also: &[u8]| {
            word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
        };
        let fits = self.plain && named(program, b"._+-") && named(subcommand, b"_-");
        fits.then(|| format!("{program} {subcommand}"))
    }
}

impl Command {
    /// Returns whether the command begins with these words.
    pub fn begins_with(&self, words: &[String]) -> bool {
        !words.is_empty() && self.words.starts_with(words)
    }

    /// Returns whether the command does what `wanted` does; it may redirect more.
    fn does(&self, wanted: &Self) -> bool {
        self.words == wanted.words
            && wanted.redirections.iter().all(|one| self.redirections.contains(one))
    }
}

/// A command in the making: one for the line and one for each substitution that is open.
#[derive(Default)]
struct Frame {
    command: Command,
    word: Option<String>,
    in_double_quotes: bool,
    /// True if the word that comes next is the target of a redirection.
    redirects: bool,
    /// Character that ends the substitution.
    closer: Option<char>,
}

#[derive(Default)]
struct Splitter {
    stack: Vec<Frame>,
    commands: Vec<Command>,
    odd: bool,
}

impl Splitter {
    fn take(&mut self, c: char, rest: &mut Peekable<impl Iterator<Item = char>>) {
        let Some(frame) = self.stack.last_mut() else { return };
        let quoted = frame.in_double_quotes;
        match c {
            '\\' => self.escape(rest),
            '"' => {
                frame.in_double_quotes = !quoted;
                frame.word.get_or_insert_default();
            }
            '`' if frame.closer == Some('`') => self.close(),
            '`' => self.open('`'),
            '$' => {
                self.odd = true;
                match rest.next_if_eq(&'(') {
                    Some(_) => self.open(')'),
                    None => self.add('$'),
                }
            }
            _ if quoted => self.add(c),
            '\'' => {
                let word = frame.word.get_or_insert_default();
                word.extend(rest.by_ref().take_while(|c| *c != '\''));
            }
            ')' if frame.closer == Some(')') => self.close(),
            '(' => self.open(')'),
            '#' if frame.word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            ';' | '\n' | ')' => self.end_command(),
            '&' | '|' => self.join(c, rest),
            '<' | '>' => self.redirect(c, rest),
            c if c.is_whitespace() => self.end_word(),
            c => self.add(c),
        }
    }

    fn escape(&mut self, rest: &mut Peekable<impl Iterator<Item = char>>) {
        let quoted = self.stack.last().is_some_and(|frame| frame.in_double_quotes);
        match rest.next() {
            Some('\n') | None => {}
            Some(c) if quoted && !matches!(c, '"' | '\\' | '$' | '`') => {
                self.add('\\');
                self.add(c);
            }
            Some(c) => self.add(c),
        }
    }

    fn join(&mut self, c: char, rest: &mut Peekable<impl Iterator<Item = char>>) {
        let twice = rest.next_if_eq(&c).is_some();
        if c == '&' && !twice {
            self.odd = true;
            if rest.peek() == Some(&'>') {
                return;
            }
        }
        self.end_command();
    }

    fn redirect(&mut self, c: char, rest: &mut Peekable<impl Iterator<Item = char>>) {
        self.odd = true;
        let mut operator = String::from(c);
        while let Some(more) = rest.next_if(|c| matches!(c, '<' | '>' | '&' | '|')) {
            operator.push(more);
        }
        let Some(frame) = self.stack.last_mut() else { return };
        // The number of a descriptor stands at the operator without a space.
        match frame.word.take() {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                operator.insert_str(0, &digits);
            }
            word => {
                frame.word = word;
                self.end_word();
            }
        }
        let Some(frame) = self.stack.last_mut() else { return };
        frame.command.redirections.push(operator);
        frame.redirects = true;
    }

    fn add(&mut self, c: char) {
        if let Some(frame) = self.stack.last_mut() {
            frame.word.get_or_insert_default().push(c);
        }
    }

    fn open(&mut self, closer: char) {
        self.odd = true;
        self.stack.push(Frame { closer: Some(closer), ..Frame::default() });
    }

    fn close(&mut self) {
        self.end_command();
        self.stack.pop();
        // The word has a part that is known only when the line runs.
        self.add('\u{fffd}');
    }

    fn end_word(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        let Some(word) = frame.word.take() else { return };
        if std::mem::take(&mut frame.redirects) {
            frame.command.redirections.push(word);
            return;
        }
        if frame.command.words.is_empty() {
            if BEFORE_A_COMMAND.contains(&word.as_str()) || is_assignment(&word) {
                self.odd = true;
                return;
            }
            if matches!(word.as_str(), "}" | "fi" | "done" | "esac" | "for" | "case") {
                self.odd = true;
            }
        }
        frame.command.words.push(word);
    }

    fn end_command(&mut self) {
        self.end_word();
        let Some(frame) = self.stack.last_mut() else { return };
        let command = std::mem::take(&mut frame.command);
        frame.redirects = false;
        if command != Command::default() {
            self.commands.push(command);
        }
    }
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let first = name.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns each command as its words, joined by a space.
    fn split(text: &str) -> Vec<String> {
        let all = Line::parse(text).commands.into_iter();
        all.map(|command| command.words.join(" ")).collect()
    }

    #[test]
    fn every_command_of_a_line_is_found() {
        let table: [(&str, &[&str]); 25] = [
            ("git push", &["git push"]),
            ("  git \t push  ", &["git push"]),
            ("a; b;c", &["a", "b", "c"]),
            ("a && b||c", &["a", "b", "c"]),
            ("a | b\nc", &["a", "b", "c"]),
            ("a & b", &["a", "b"]),
            ("cd x && git   push -f", &["cd x", "git push -f"]),
            ("r'm' \"x y\"", &["rm x y"]),
            ("r\\m x", &["rm x"]),
            ("git \\\n push", &["git push"]),
            ("echo 'a; b' \"c && d\"", &["echo a; b c && d"]),
            ("A=1 B=2 rm x", &["rm x"]),
            ("(rm x)", &["rm x", "\u{fffd}"]),
            ("{ rm x; }", &["rm x", "}"]),
            ("if a; then rm x; fi", &["a", "rm x", "fi"]),
            ("for f in a b; do rm $f; done", &["for f in a b", "rm $f", "done"]),
            ("! rm x", &["rm x"]),
            ("echo $(rm x) y", &["rm x", "echo \u{fffd} y"]),
            ("echo \"$(rm x) y\"", &["rm x", "echo \u{fffd} y"]),
            ("echo `rm x`", &["rm x", "echo \u{fffd}"]),
            ("echo $(a $(b \"c)\"))", &["b c)", "a \u{fffd}", "echo \u{fffd}"]),
            ("echo a # rm x", &["echo a"]),
            ("echo a#b", &["echo a#b"]),
            ("rm x >/dev/null 2>&1", &["rm x"]),
            ("", &[]),
        ];
        for (text, commands) in table {
            assert_eq!(split(text), commands, "{text:?}");
        }
    }

    #[test]
    fn only_commands_joined_by_operators_are_plain() {
        for text in ["git push", "a; b", "a && b || c | d", "a\nb", "echo '$x `y` > z'"] {
            assert!(Line::parse(text).plain, "{text:?}");
        }
        for text in [
            "a &",
            "a > b",
            "a < b",
            "a 2>&1",
            "echo $x",
            "echo \"$x\"",
            "echo $(b)",
            "echo `b`",
            "(a)",
            "{ a; }",
            "A=b c",
            "if a; then b; fi",
            "! a",
            "echo $(b",
            "a &> b",
        ] {
            assert!(!Line::parse(text).plain, "{text:?}");
        }
    }

    #[test]
    fn a_line_contains_what_it_does_however_it_is_written() {
        let table = [
            ("git push", "git  push", true),
            ("cd x; git push", "git push", true),
            ("git push > log", "git push", true),
            ("git push", "git push > log", false),
            ("git push --force", "git push", false),
            ("a; b; c", "b && c", true),
            ("a; c; b", "b && c", false),
            ("a", "", false),
        ];
        for (line, wanted, contains) in table {
            let found = Line::parse(line).contains(&Line::parse(wanted));
            assert_eq!(found, contains, "{line:?} {wanted:?}");
        }
    }

    #[test]
    fn a_prefix_is_a_program_with_its_subcommand() {
        let table = [
            ("git push origin main", Some("git push")),
            ("cargo test", Some("cargo test")),
            ("ls", None),
            ("rm -rf x", None),
            ("python script.py", None),
            ("./git push", None),
            ("git push; ls a", None),
            ("git push > log", None),
            ("git $x", None),
        ];
        for (line, prefix) in table {
            assert_eq!(Line::parse(line).prefix().as_deref(), prefix, "{line:?}");
        }
    }

    #[test]
    fn a_command_that_a_shell_was_handed_is_told_as_it_was_typed() {
        for (command, typed) in [
            ("bash -c 'make check'", "make check"),
            ("bash -c 'a | b > c'", "a | b > c"),
            (r#"sh -c 'exec "$@" 2>&1' sh cargo test --all"#, "cargo test --all"),
            ("sh test.sh", "sh test.sh"),
            ("sh -c a b c", "sh -c a b c"),
            ("make -c x", "make -c x"),
            ("bash -c 'a' && b", "bash -c 'a' && b"),
        ] {
            assert_eq!(as_typed(command), typed, "{command}");
        }
    }

    #[test]
    fn any_text_can_be_split() {
        let pieces = ["a", " ", "\\", "'", "\"", "`", "$(", ")", ";", "&", "|", "<", "#", "\n"];
        let count = pieces.len();
        for number in 0..count.pow(4) {
            let text: String =
                (0..4).map(|place| pieces[number / count.pow(place) % count]).collect();
            for command in Line::parse(&text).commands {
                assert_ne!(command, Command::default(), "{text:?}");
            }
        }
    }
}
