//! One run of the binary: how it is started, and what came of it.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::{Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use crate::terminal::Terminal;

/// How long a run may take unless a test says otherwise.
pub const STANDARD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long output may stay open after the program ended.
const DRAIN: Duration = Duration::from_secs(10);

/// A run to be started. Made by [`crate::Home::openkoi`].
#[must_use = "a run that is not started tests nothing"]
#[derive(Clone, Debug)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    input: Vec<u8>,
    stays_open: bool,
    timeout: Duration,
}

impl Invocation {
    /// Returns a run of `program` in `directory` with nothing but `environment`.
    pub fn new(program: &Path, directory: &Path, environment: Vec<(OsString, OsString)>) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment,
            directory: directory.to_owned(),
            input: Vec::new(),
            stays_open: false,
            timeout: STANDARD_TIMEOUT,
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets what it reads; nothing otherwise.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Keeps what it reads from open until it has ended, as a parent does that writes nothing more and closes nothing.
    pub fn stdin_stays_open(mut self) -> Self {
        self.stays_open = true;
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Removes a variable.
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.retain(|(known, _)| known != name.as_ref());
        self
    }

    /// Sets after how long the run is killed and the test fails.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets where it starts; the workspace otherwise.
    pub fn in_dir(mut self, directory: impl AsRef<Path>) -> Self {
        directory.as_ref().clone_into(&mut self.directory);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or does not end in time.
    #[must_use = "a run whose result nobody looks at tests nothing"]
    pub fn run(self) -> Run {
        self.start().wait()
    }

    /// Starts it at a terminal, with a person in front of it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn at_a_terminal(self) -> Terminal {
        let Self { program, arguments, environment, directory, .. } = self;
        Terminal::start(&program, &arguments, |terminal| {
            terminal.env_clear().envs(environment).current_dir(directory);
        })
    }

    /// Starts it and returns while it runs.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(self) -> Running {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment)
            .current_dir(&self.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that a timeout kills all of it and a signal reaches none but it.
        command.process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{} does not start: {error}", self.program.display());
        });
        let held = feed(&mut child, self.input, self.stays_open);
        let shown = self.arguments.iter().map(|argument| argument.to_string_lossy());
        Running::of(child, held, shown.collect::<Vec<_>>().join(" "), self.timeout)
    }
}

/// Writes the input beside the run: a program that does not read it must not block the test.
///
/// Returns the pipe, after a write that has to fit into it, if it `stays_open`.
fn feed(child: &mut Child, input: Vec<u8>, stays_open: bool) -> Option<ChildStdin> {
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    if stays_open {
        pipe.write_all(&input).ok();
        return Some(pipe);
    }
    thread::spawn(move || {
        // A program that ends without reading breaks the pipe, which is its right.
        pipe.write_all(&input).ok();
    });
    None
}

/// A run that goes on.
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    shown: String,
    begun: Instant,
    timeout: Duration,
    ended: Receiver<ExitStatus>,
    stdout: Drain,
    stderr: Drain,
    waited: bool,
    /// What it reads from, as long as that is open.
    _held: Option<ChildStdin>,
}

impl Running {
    fn of(mut child: Child, held: Option<ChildStdin>, shown: String, timeout: Duration) -> Self {
        let pid = Pid::from_child(&child);
        let stdout = Drain::of(child.stdout.take().expect("standard output is a pipe"));
        let stderr = Drain::of(child.stderr.take().expect("standard error is a pipe"));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // Nobody listens any more when the test has already failed.
                sender.send(status).ok();
            }
        });
        Self {
            pid,
            shown,
            begun: Instant::now(),
            timeout,
            ended,
            stdout,
            stderr,
            waited: false,
            _held: held,
        }
    }

    /// Sends a signal to the program, not to what it started.
    ///
    /// # Panics
    ///
    /// When it is no longer there.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the program is running");
    }

    /// Returns its process id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end in time; it is killed then.
    #[must_use = "a run whose result nobody looks at tests nothing"]
    pub fn wait(mut self) -> Run {
        let left = self.timeout.saturating_sub(self.begun.elapsed());
        let status = self.ended.recv_timeout(left);
        self.waited = true;
        let duration = self.begun.elapsed();
        let Ok(status) = status else {
            self.kill();
            let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
            panic!(
                "`openkoi {}` did not end within {:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
                self.shown, self.timeout
            );
        };
        // As a shell has it: 128 and the signal.
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let code = code.expect("a process ends by a code or a signal");
        let signal = status.signal();
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        Run { shown: self.shown.clone(), code, signal, stdout, stderr, duration }
    }

    fn kill(&self) {
        // It may be gone by now, which is as good.
        kill_process_group(self.pid, Signal::KILL).ok();
        kill_process(self.pid, Signal::KILL).ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.waited {
            self.kill();
        }
    }
}

/// Reads a pipe to its end, beside the run.
#[derive(Debug)]
struct Drain {
    done: Receiver<Vec<u8>>,
    _thread: JoinHandle<()>,
}

impl Drain {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, done) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is what there is to show.
            pipe.read_to_end(&mut bytes).ok();
            sender.send(bytes).ok();
        });
        Self { done, _thread: thread }
    }

    fn take(&self) -> String {
        let bytes = self.done.recv_timeout(DRAIN);
        let bytes = bytes.expect("nothing that was left running holds the output open");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Run {
    shown: String,
    /// The exit code; 128 and the signal where one ended it.
    pub code: i32,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Everything on standard output.
    pub stdout: String,
    /// Everything on standard error.
    pub stderr: String,
    /// How long it ran.
    pub duration: Duration,
}

impl Run {
    /// Fails unless the exit code is `code`.
    ///
    /// # Panics
    ///
    /// With all that the run said.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Returns standard output as one JSON value.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{self}"))
    }

    /// Returns standard output as one JSON value for each line.
    ///
    /// # Panics
    ///
    /// When a line is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines().map(|line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("`{line}` is not JSON: {error}\n{self}"))
        });
        lines.collect()
    }

    /// Returns both outputs, for what must be in neither.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`openkoi {}` ended with {} after {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.shown, self.code, self.duration, self.stdout, self.stderr
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Invocation {
        let path = (OsString::from("PATH"), OsString::from("/usr/bin:/bin"));
        Invocation::new(Path::new("/bin/sh"), Path::new("/"), vec![path]).args(["-c", script])
    }

    #[test]
    fn a_run_has_code_outputs_and_input() {
        let run = sh("cat; echo err >&2; exit 7").stdin("in").run();

        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (7, "in", "err\n"));
    }

    #[test]
    fn a_program_that_reads_nothing_and_says_much_blocks_nobody() {
        let run = sh("head -c 300000 /dev/zero").stdin(vec![0; 300_000]).run();

        assert_eq!((run.code, run.stdout.len()), (0, 300_000));
    }

    #[test]
    fn the_environment_is_what_was_given_and_no_more() {
        let run = sh("echo $GIVEN $HOME").env("GIVEN", "a").env("GIVEN", "b").run();

        assert_eq!(run.stdout, "b\n");
    }

    #[test]
    fn a_signal_is_a_code_of_128_and_more() {
        // `exec`: a shell that is ended leaves its child behind, which holds the output open.
        let running = sh("exec sleep 60").start();
        running.signal(Signal::TERM);

        let run = running.wait();
        assert_eq!((run.code, run.signal), (143, Some(15)));
    }

    #[test]
    #[should_panic(expected = "did not end within")]
    fn a_run_without_end_fails() {
        drop(sh("sleep 60").timeout(Duration::from_millis(50)).run());
    }

    #[test]
    fn json_is_read_whole_or_by_line() {
        let run = sh(r#"echo '{"a":1}'; echo '{"a":2}'"#).run();

        assert_eq!(run.json_lines(), [serde_json::json!({"a": 1}), serde_json::json!({"a": 2})]);
    }
}
