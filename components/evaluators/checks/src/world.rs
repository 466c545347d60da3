//! The outside of this component, as a trait, so that all of it can be tested natively.

use std::time::Duration;

use openkoi_sdk::process::{Command, Happening};
use openkoi_sdk::{Failure, Result, files, process, progress};

/// The most bytes of a file that is looked at.
const FILE_BYTES: u64 = 1024 * 1024;

/// The most bytes of a run's output that are kept: the first quarter and the newest rest.
const OUTPUT_BYTES: usize = 16 * 1024 * 1024;

/// A command to be run. Both output streams come back as one, in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The script for `sh` that runs `arguments` as `"$@"`.
    pub script: String,
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// Its directory, relative to the workspace; empty for the workspace itself.
    pub directory: String,
    /// The time after which it is killed, in milliseconds.
    pub timeout_ms: u64,
}

/// The output and the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its output.
    pub output: String,
    /// True if a part of that is missing from the middle.
    pub cut: bool,
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// True if it was killed at its deadline.
    pub timed_out: bool,
    /// Its running time, in milliseconds.
    pub duration_ms: u64,
    /// The host's receipt.
    pub receipt: String,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub name: String,
    /// True if it is a directory.
    pub directory: bool,
}

/// The workspace and its programs.
pub(crate) trait World {
    /// Returns a file's text, or nothing if it is absent, too large or not to be read.
    fn read(&self, path: &str) -> Option<String>;
    /// Returns a directory's entries, or none.
    fn list(&self, directory: &str) -> Vec<Entry>;
    /// Returns whether a program is installed.
    fn installed(&self, program: &str) -> bool;
    /// Runs something to its end.
    fn run(&self, invocation: &Invocation) -> Result<Run>;
    /// Says what is being done.
    fn say(&self, message: &str);
}

/// The world of a component: its host.
pub(crate) struct Host;

impl World for Host {
    fn read(&self, path: &str) -> Option<String> {
        let bytes = files::read_to_end(path, FILE_BYTES).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn list(&self, directory: &str) -> Vec<Entry> {
        let path = if directory.is_empty() { "." } else { directory };
        let entries = files::list(path).unwrap_or_default();
        entries
            .into_iter()
            .map(|entry| Entry { directory: entry.stat.is_directory(), name: entry.name })
            .collect()
    }

    fn installed(&self, program: &str) -> bool {
        process::exists(program).unwrap_or(false)
    }

    fn run(&self, invocation: &Invocation) -> Result<Run> {
        let mut output = Tail::new(OUTPUT_BYTES);
        for happening in command(invocation).spawn()? {
            match happening? {
                Happening::Stdout(bytes) | Happening::Stderr(bytes) => output.push(&bytes),
                Happening::Exited(exit) => {
                    return Ok(Run {
                        cut: exit.omitted > 0 || output.is_cut(),
                        output: output.text(),
                        code: exit.code,
                        signal: exit.signal,
                        timed_out: exit.timed_out,
                        duration_ms: exit.duration_ms,
                        receipt: exit.receipt,
                    });
                }
            }
        }
        Err(Failure::failed("the program ended without saying how"))
    }

    fn say(&self, message: &str) {
        progress::report(message);
    }
}

/// Variables that make runners speak plainly and leave nothing behind.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("RUST_BACKTRACE", "0"),
    ("NO_COLOR", "1"),
    ("CI", "true"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONUNBUFFERED", "1"),
    ("GOPROXY", "off"),
];

fn command(invocation: &Invocation) -> Command {
    let mut command = Command::new("sh")
        .args(["-c", invocation.script.as_str(), "sh"])
        .args(invocation.arguments.iter().cloned())
        .timeout(Duration::from_millis(invocation.timeout_ms));
    if !invocation.directory.is_empty() {
        command = command.directory(invocation.directory.clone());
    }
    for (name, value) in ENVIRONMENT {
        command = command.env(name, value);
    }
    command
}

/// Output of which the beginning and the end are kept.
struct Tail {
    head: Vec<u8>,
    tail: Vec<u8>,
    max: usize,
    omitted: usize,
}

impl Tail {
    fn new(max: usize) -> Self {
        Self { head: Vec::new(), tail: Vec::new(), max, omitted: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = (self.max / 4).saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        // Cutting only at twice the size keeps the copying linear.
        if self.tail.len() > 2 * (self.max - self.max / 4) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let excess = self.tail.len().saturating_sub(self.max - self.max / 4);
        self.omitted += excess;
        self.tail.drain(..excess);
    }

    fn is_cut(&self) -> bool {
        self.head.len() + self.tail.len() + self.omitted > self.max
    }

    fn text(mut self) -> String {
        self.cut();
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.omitted > 0 {
            text.push_str(&format!("\n[{} bytes left out]\n", self.omitted));
        }
        text.push_str(&String::from_utf8_lossy(&self.tail));
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    /// A workspace of texts with scripted programs.
    #[derive(Default)]
    pub(crate) struct Fake {
        files: BTreeMap<String, String>,
        programs: BTreeSet<String>,
        runs: RefCell<BTreeMap<String, VecDeque<Run>>>,
        pub asked: RefCell<Vec<String>>,
        /// What every program says of its version.
        version: String,
    }

    impl Fake {
        pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
            self.files.insert(path.to_owned(), text.to_owned());
            self
        }

        pub(crate) fn version(mut self, said: &str) -> Self {
            self.version = said.to_owned();
            self
        }

        pub(crate) fn program(mut self, name: &str) -> Self {
            self.programs.insert(name.to_owned());
            self
        }

        pub(crate) fn answers(self, command: &str, code: i32, output: &str) -> Self {
            let run = Run {
                output: output.to_owned(),
                code: Some(code),
                duration_ms: 10,
                receipt: format!("r-{command}"),
                ..Run::default()
            };
            self.answers_run(command, run)
        }

        pub(crate) fn answers_run(self, command: &str, run: Run) -> Self {
            self.runs.borrow_mut().entry(command.to_owned()).or_default().push_back(run);
            self
        }
    }

    impl World for Fake {
        fn read(&self, path: &str) -> Option<String> {
            self.files.get(path).cloned()
        }

        fn list(&self, directory: &str) -> Vec<Entry> {
            let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
            let mut entries = BTreeMap::new();
            for path in self.files.keys() {
                let Some(rest) = path.strip_prefix(&prefix) else { continue };
                let (name, directory) = match rest.split_once('/') {
                    Some((name, _)) => (name, true),
                    None => (rest, false),
                };
                entries.insert(name.to_owned(), directory);
            }
            entries.into_iter().map(|(name, directory)| Entry { name, directory }).collect()
        }

        fn installed(&self, program: &str) -> bool {
            self.programs.contains(program)
        }

        fn run(&self, invocation: &Invocation) -> Result<Run> {
            let mut command = crate::plan::typed(&invocation.arguments);
            if !invocation.directory.is_empty() {
                command = format!("{}$ {command}", invocation.directory);
            }
            if matches!(
                invocation.arguments.last().map(String::as_str),
                Some("--version" | "version")
            ) {
                let output = self.version.clone();
                let code = Some(i32::from(output.is_empty()));
                return Ok(Run { output, code, ..Run::default() });
            }
            self.asked.borrow_mut().push(command.clone());
            let mut runs = self.runs.borrow_mut();
            let answers =
                runs.get_mut(&command).unwrap_or_else(|| panic!("not expected: {command}"));
            Ok(answers.pop_front().unwrap_or_else(|| panic!("once too often: {command}")))
        }

        fn say(&self, _message: &str) {}
    }

    #[test]
    fn output_keeps_its_beginning_and_its_end() {
        let mut tail = Tail::new(8);

        for piece in ["abc", "def", "ghi", "jkl", "mno", "pqr", "stu"] {
            tail.push(piece.as_bytes());
        }

        assert!(tail.is_cut());
        assert_eq!(tail.text(), "ab\n[13 bytes left out]\npqrstu");
    }

    #[test]
    fn short_output_is_kept_whole() {
        let mut tail = Tail::new(64);
        tail.push("a very ".as_bytes());
        tail.push("short text".as_bytes());
        assert!(!tail.is_cut());
        assert_eq!(tail.text(), "a very short text");
    }
}
