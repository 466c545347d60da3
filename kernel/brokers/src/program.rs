//! Programs of the system that keep secrets or tell a person something. They are started without a shell and with the variables they
//! need, and killed after [`DEADLINE`].

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The time a program may take. One that asks a person for a password takes longer and is killed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// The pause between two looks whether a program whose output has ended has exited.
const PAUSE: Duration = Duration::from_millis(2);
/// The most bytes that are read of each stream.
const LARGEST: u64 = 256 << 10;

/// A program, with the variables that it gets.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// The directories of programs that come with the system. The user's search path is not used: it may lead through a workspace.
pub(crate) const DIRECTORIES: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// Returns the file of a program in the first of these directories that has it.
pub(crate) fn found(directories: &[PathBuf], name: &str) -> Option<PathBuf> {
    let mut paths = directories.iter().map(|directory| directory.join(name));
    paths.find(|path| path.is_absolute() && path.is_file())
}

/// The exit and the output of a program.
pub(crate) struct ProgramAnswer {
    pub(crate) status: ExitStatus,
    pub(crate) out: Zeroizing<Vec<u8>>,
    /// The first line on its standard error.
    pub(crate) complaint: Zeroizing<String>,
}

/// The bytes of a program's two streams.
struct Streams {
    out: Zeroizing<Vec<u8>>,
    complaint: Zeroizing<Vec<u8>>,
}

/// Why a program gave no answer.
#[derive(Debug)]
pub(crate) enum ProgramFailure {
    /// It could not be started or waited for.
    Broken(io::Error),
    /// It took too long and was killed.
    Late,
}

impl From<io::Error> for ProgramFailure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Program {
    /// Runs the program with `input` as its standard input. A secret goes there and not into the arguments, which every
    /// user of the machine can see.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: &[u8],
    ) -> Result<ProgramAnswer, ProgramFailure> {
        let until = Instant::now() + DEADLINE;
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that it can be killed with all that it starts.
            .process_group(0)
            .spawn()?;
        let answer = converse(&mut child, input).and_then(|heard| wait(&mut child, &heard, until));
        if answer.is_err() {
            kill(&mut child);
        }
        answer
    }
}

/// Writes `input` and reads both streams, in a thread of their own.
fn converse(child: &mut Child, input: &[u8]) -> Result<Receiver<Streams>, ProgramFailure> {
    let missing = || io::Error::other("a pipe is missing");
    let (out, complaint) = (child.stdout.take(), child.stderr.take());
    let (out, complaint) = (out.ok_or_else(missing)?, complaint.ok_or_else(missing)?);
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let (sender, heard) = mpsc::channel();
    let input = Zeroizing::new(input.to_vec());
    thread::Builder::new().name("program".to_owned()).spawn(move || {
        // A program that reads nothing may have closed the pipe; its answer says what is wrong.
        let _unread = stdin.write_all(&input);
        drop(stdin);
        let heard = Streams { out: read(out), complaint: read(complaint) };
        // After the deadline the receiver is gone.
        let _late = sender.send(heard);
    })?;
    Ok(heard)
}

fn read(pipe: impl Read) -> Zeroizing<Vec<u8>> {
    // Room for all of it at once: a buffer that grows leaves copies in memory that are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    if let Err(error) = pipe.take(LARGEST).read_to_end(&mut bytes) {
        tracing::debug!(%error, "the output of a program was not read to the end");
    }
    bytes
}

fn wait(
    child: &mut Child,
    streams: &Receiver<Streams>,
    until: Instant,
) -> Result<ProgramAnswer, ProgramFailure> {
    let left = until.saturating_duration_since(Instant::now());
    let Streams { out, complaint } =
        streams.recv_timeout(left).map_err(|_| ProgramFailure::Late)?;
    loop {
        if let Some(status) = child.try_wait()? {
            let text = Zeroizing::new(String::from_utf8_lossy(&complaint).into_owned());
            let line = text.lines().next().unwrap_or_default();
            let clean = line.chars().filter(|c| !c.is_control()).take(200);
            return Ok(ProgramAnswer { status, out, complaint: Zeroizing::new(clean.collect()) });
        }
        if Instant::now() >= until {
            return Err(ProgramFailure::Late);
        }
        thread::sleep(PAUSE);
    }
}

/// Kills a program with all that it started.
fn kill(child: &mut Child) {
    let group = rustix::process::Pid::from_child(child);
    if let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL) {
        tracing::debug!(%error, "a program could not be killed");
    }
    if let Err(error) = child.wait() {
        tracing::debug!(%error, "a program could not be waited for");
    }
}
