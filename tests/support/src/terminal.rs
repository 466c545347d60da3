//! A person at a terminal: a run whose three streams are a pseudo-terminal, made by `script` of util-linux.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{
    screen::Screen,
    wait::{comes_true, until},
};

/// How long anything at a terminal may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at a terminal, and the person in front of it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen has been read.
    seen: usize,
}

impl Terminal {
    /// Returns whether this machine can make one.
    pub fn is_available() -> bool {
        Command::new("script").arg("--version").output().is_ok_and(|run| run.status.success())
    }

    /// Starts a program at a terminal of its own; `prepare` sets its environment and directory.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: &[S],
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let words = std::iter::once(program.as_os_str()).chain(arguments.iter().map(AsRef::as_ref));
        let words: Vec<String> = words.map(quoted).collect();
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--return", "--command"]);
        command.arg(format!("exec {}", words.join(" "))).arg("/dev/null");
        prepare(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the terminal starts");
        let keyboard = child.stdin.take().expect("its input is a pipe");
        let mut output = child.stdout.take().expect("its output is a pipe");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..count]);
            }
        });
        Self { child, keyboard, screen, seen: 0 }
    }

    /// Waits until `text` is shown, and returns what was shown since the last time, up to its end.
    ///
    /// # Panics
    ///
    /// When it is not shown in time.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut end = None;
        let (seen, screen) = (self.seen, Arc::clone(&self.screen));
        until(&format!("`{text}` is shown"), PATIENCE, || {
            let shown = read(&screen);
            let found = shown.get(seen..).and_then(|new| new.find(text));
            end = found.map(|at| seen + at + text.len());
            end.is_some()
        });
        self.seen = end.unwrap_or(seen);
        self.shown().get(seen..self.seen).unwrap_or_default().to_owned()
    }

    /// Waits until a program that draws shows `text` on one line, and returns the lines of the screen.
    ///
    /// # Panics
    ///
    /// When it is not shown in time.
    pub fn sees(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let is_seen = comes_true(PATIENCE, || {
            lines = Screen::after(&self.shown()).lines();
            lines.iter().any(|line| line.contains(text))
        });
        assert!(is_seen, "`{text}` is not on the screen:\n{}", lines.join("\n"));
        lines
    }

    /// Types `answer` each time that `question` is shown, until the program has ended. Returns how often that was.
    ///
    /// # Panics
    ///
    /// When neither happens in time.
    pub fn answers(&mut self, question: &str, answer: &str) -> usize {
        let mut count = 0;
        loop {
            let (seen, screen) = (self.seen, Arc::clone(&self.screen));
            let mut end = None;
            let child = &mut self.child;
            until(&format!("`{question}` is shown, or the end"), PATIENCE, || {
                let shown = read(&screen);
                let found = shown.get(seen..).and_then(|new| new.find(question));
                end = found.map(|at| seen + at + question.len());
                end.is_some() || child.try_wait().expect("it is our child").is_some()
            });
            let Some(end) = end else { return count };
            self.seen = end;
            count += 1;
            // A program that was killed at its question reads nothing any more.
            self.keyboard.write_all(format!("{answer}\n").as_bytes()).ok();
        }
    }

    /// Types a line.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    pub fn types(&mut self, line: &str) {
        self.presses(&format!("{line}\n"));
    }

    /// Presses keys, without a line end behind them.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    pub fn presses(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal is there");
    }

    /// Returns everything that was shown.
    pub fn shown(&self) -> String {
        read(&self.screen)
    }

    /// Waits for the end of the program and returns its exit code.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub fn ends(&mut self) -> i32 {
        let mut status = None;
        let child = &mut self.child;
        until("the program at the terminal ends", PATIENCE, || {
            status = child.try_wait().expect("it is our child");
            status.is_some()
        });
        status.and_then(|status| status.code()).expect("the terminal ends by itself")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already in a test that went well; otherwise the terminal hangs up on its program.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read(screen: &Mutex<Vec<u8>>) -> String {
    let screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&screen).into_owned()
}

fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_and_answers() {
        if !Terminal::is_available() {
            return crate::skip::skip("a_person_reads_and_answers", "no `script`");
        }
        let script = "test -t 0 && printf 'name? ' && read n && echo \"hello $n\"; exit 3";
        let mut terminal = Terminal::start(Path::new("/bin/sh"), &["-c", script], |_| {});

        assert_eq!(terminal.wait_for("name? "), "name? ");
        terminal.types("koi");
        assert!(terminal.wait_for("hello koi").ends_with("\r\nhello koi"));
        assert_eq!(terminal.ends(), 3);
    }
}
