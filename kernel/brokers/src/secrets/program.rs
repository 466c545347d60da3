//! Programs of the system that keep secrets. They are started without a shell and without anything of this process
//! that they do not need, and they are not waited for longer than [`DEADLINE`].

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a program may take. Whoever is asked for a password by it has not typed one by then.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// Between two looks whether a program that has said everything has ended.
const PAUSE: Duration = Duration::from_millis(2);
/// The most that is read of what a program says.
const LARGEST: u64 = 256 << 10;

/// One program, with the variables that it gets.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// How a run ended.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) out: Zeroizing<Vec<u8>>,
    /// The first line of what it complained about.
    pub(super) complaint: Zeroizing<String>,
}

/// What a program wrote to its two streams.
struct Heard {
    out: Zeroizing<Vec<u8>>,
    complaint: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It could not be started, or not be followed.
    Broken(io::Error),
    /// It took too long and was ended.
    Late,
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Program {
    /// Runs it. `input` is what it reads: a secret is handed over there and never among the arguments, which
    /// everybody on the machine can see.
    pub(super) fn run<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: &[u8],
    ) -> Result<Said, Silence> {
        let until = Instant::now() + DEADLINE;
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // With whatever it starts it is ended together.
            .process_group(0)
            .spawn()?;
        let answer =
            converse(&mut child, input).and_then(|heard| follow(&mut child, &heard, until));
        if answer.is_err() {
            end(&mut child);
        }
        answer
    }
}

/// Hands `input` over and listens in a thread of its own.
fn converse(child: &mut Child, input: &[u8]) -> Result<Receiver<Heard>, Silence> {
    let missing = || io::Error::other("a pipe is missing");
    let (out, complaint) = (child.stdout.take(), child.stderr.take());
    let (out, complaint) = (out.ok_or_else(missing)?, complaint.ok_or_else(missing)?);
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let (sender, heard) = mpsc::channel();
    let input = Zeroizing::new(input.to_vec());
    thread::Builder::new().name("key ring".to_owned()).spawn(move || {
        // A program that reads nothing has closed the pipe, and its answer says what is wrong.
        let _unread = stdin.write_all(&input);
        drop(stdin);
        let heard = Heard { out: listen(out), complaint: listen(complaint) };
        // Nobody listens any more once it is late.
        let _late = sender.send(heard);
    })?;
    Ok(heard)
}

fn listen(pipe: impl Read) -> Zeroizing<Vec<u8>> {
    // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    if let Err(error) = pipe.take(LARGEST).read_to_end(&mut bytes) {
        tracing::debug!(%error, "a program of the key ring was not heard to the end");
    }
    bytes
}

fn follow(child: &mut Child, heard: &Receiver<Heard>, until: Instant) -> Result<Said, Silence> {
    let left = until.saturating_duration_since(Instant::now());
    let Heard { out, complaint } = heard.recv_timeout(left).map_err(|_| Silence::Late)?;
    loop {
        if let Some(status) = child.try_wait()? {
            let text = Zeroizing::new(String::from_utf8_lossy(&complaint).into_owned());
            let line = text.lines().next().unwrap_or_default();
            let clean = line.chars().filter(|c| !c.is_control()).take(200);
            return Ok(Said { status, out, complaint: Zeroizing::new(clean.collect()) });
        }
        if Instant::now() >= until {
            return Err(Silence::Late);
        }
        thread::sleep(PAUSE);
    }
}

/// Ends a program that is not waited for any more, with all that it started.
fn end(child: &mut Child) {
    let group = rustix::process::Pid::from_child(child);
    if let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL) {
        tracing::debug!(%error, "a program of the key ring could not be ended");
    }
    if let Err(error) = child.wait() {
        tracing::debug!(%error, "a program of the key ring could not be waited for");
    }
}
