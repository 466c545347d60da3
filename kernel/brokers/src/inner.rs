//! Programs that came with OpenKoi, packed into it, each started for one question.
//!
//! The program is put into memory and started from there, where nobody can change it; where that cannot be (macOS, or a
//! system that starts nothing from memory) it is a file of this user's alone for as long as it runs. It gets no environment,
//! no directory of anybody's, and no descriptor but its three; it gives up the rest itself, as its first act. Question and
//! answer are bytes over pipes, and both have an end: the answer at a length, the whole at a deadline.

use crate::random::Random;
use crate::sabotage::{Guard, off};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How many bytes are read or written at once.
const PIECE: usize = 64 << 10;

/// What a program may take.
#[derive(Debug, Clone)]
pub struct InnerLimits {
    /// The longest time from start to end.
    pub deadline: Duration,
    /// The longest answer, in bytes.
    pub answer: usize,
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InnerError {
    /// It could not be started.
    #[error("a program of OpenKoi's own cannot be started")]
    Start(#[source] io::Error),
    /// It took too long.
    #[error("it took more than {} s", .0.as_secs())]
    Late(Duration),
    /// It said too much.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    /// It ended before it had answered.
    #[error("it ended early ({0})")]
    Ended(ExitStatus),
    /// The pipes failed.
    #[error("it cannot be talked to")]
    Pipe(#[source] io::Error),
}

/// Starts `program` with these arguments, gives it `question` to read and returns what it wrote. `place` is where it may lie
/// as a file, if it has to; without one that is where temporary files lie.
///
/// # Errors
///
/// There is no answer, or only a part of one.
pub fn ask(
    program: &[u8],
    arguments: &[String],
    question: &[u8],
    limits: &InnerLimits,
    place: Option<&Path>,
) -> Result<Vec<u8>, InnerError> {
    let lying = Lying::of(program, place).map_err(InnerError::Start)?;
    let mut command = Command::new(lying.path());
    command.args(arguments).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if !off(Guard::InnerEnvironment) {
        command.env_clear();
    }
    let mut child = Ending(command.spawn().map_err(InnerError::Start)?);
    let deadline = Deadline::after(limits.deadline);
    let answer = converse(&mut child.0, question, limits, &deadline)?;
    let status = wait(&mut child.0, &deadline)?;
    if status.success() { Ok(answer) } else { Err(InnerError::Ended(status)) }
}

/// A program that lies somewhere it can be started from.
enum Lying {
    #[cfg(target_os = "linux")]
    Memory(File),
    File(PathBuf),
}

impl Lying {
    fn of(program: &[u8], place: Option<&Path>) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        match in_memory(program) {
            Ok(file) => return Ok(Self::Memory(file)),
            Err(error) => tracing::debug!(%error, "nothing is started from memory here"),
        }
        let name = u128::from_ne_bytes(Random::default().bytes().map_err(io::Error::other)?);
        // A directory that is not there yet is no place.
        let place =
            place.filter(|place| place.is_dir()).map_or_else(std::env::temp_dir, Path::to_owned);
        let lying = Self::File(place.join(format!(".program-{name:032x}")));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o700).open(lying.path())?;
        file.write_all(program)?;
        Ok(lying)
    }

    fn path(&self) -> PathBuf {
        match self {
            // The new process has the descriptor too, until the program has begun.
            #[cfg(target_os = "linux")]
            Self::Memory(file) => format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
            Self::File(path) => path.clone(),
        }
    }
}

impl Drop for Lying {
    fn drop(&mut self) {
        if let Self::File(path) = self
            && let Err(error) = fs::remove_file(path)
        {
            tracing::debug!(%error, "a program stays");
        }
    }
}

/// Puts a program into memory that nobody can write to any more.
#[cfg(target_os = "linux")]
fn in_memory(program: &[u8]) -> io::Result<File> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Linux before 6.3 does not know that it may be asked for what can be started, and gives it.
    let made = memfd_create(c"openkoi", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create(c"openkoi", flags))?;
    let mut file = File::from(made);
    file.write_all(program)?;
    let all = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(&file, all)?;
    // Without the list of this process's descriptors it has no name.
    fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(file)
}

/// A process that does not outlive this value.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        // It has ended already, or does now.
        let _killed = self.0.kill();
        let _ended = self.0.wait();
    }
}

struct Deadline {
    begun: Instant,
    whole: Duration,
}

impl Deadline {
    fn after(whole: Duration) -> Self {
        Self { begun: Instant::now(), whole }
    }

    /// Returns the time that is left.
    fn left(&self) -> Result<Duration, InnerError> {
        if off(Guard::InnerDeadline) {
            return Ok(Duration::from_secs(1));
        }
        let left = self.whole.checked_sub(self.begun.elapsed());
        left.filter(|left| !left.is_zero()).ok_or(InnerError::Late(self.whole))
    }
}

/// Writes the question and reads the answer, in whatever order the program wants.
fn converse(
    child: &mut Child,
    question: &[u8],
    limits: &InnerLimits,
    deadline: &Deadline,
) -> Result<Vec<u8>, InnerError> {
    let missing = || InnerError::Pipe(io::ErrorKind::BrokenPipe.into());
    let mut asking = Some(pipe(child.stdin.take().ok_or_else(missing)?.into())?);
    let mut hearing = pipe(child.stdout.take().ok_or_else(missing)?.into())?;
    let (mut left, mut answer, mut piece) = (question, Vec::new(), vec![0; PIECE]);
    loop {
        if left.is_empty() {
            // The end of the question is the end of the pipe.
            asking = None;
        }
        poll(asking.as_ref(), &hearing, deadline.left()?)?;
        if let Some(pipe) = &mut asking {
            match unless_busy(pipe.write(&left[..left.len().min(PIECE)])) {
                Ok(written) => left = &left[written.unwrap_or(0)..],
                // It wants to read no more, and may have an answer all the same.
                Err(_) => left = &[],
            }
        }
        match unless_busy(hearing.read(&mut piece)).map_err(InnerError::Pipe)? {
            None => {}
            Some(0) => return Ok(answer),
            Some(read) => answer.extend_from_slice(&piece[..read]),
        }
        if answer.len() > limits.answer && !off(Guard::InnerAnswer) {
            return Err(InnerError::TooLong(limits.answer));
        }
    }
}

/// Makes a pipe one that does not wait.
fn pipe(end: OwnedFd) -> Result<File, InnerError> {
    let flags = rustix::fs::fcntl_getfl(&end).map_err(|error| InnerError::Pipe(error.into()))?;
    rustix::fs::fcntl_setfl(&end, flags | OFlags::NONBLOCK)
        .map_err(|error| InnerError::Pipe(error.into()))?;
    Ok(File::from(end))
}

/// Waits until one of the pipes can be used, or a part of the time is over.
fn poll(asking: Option<&File>, hearing: &File, left: Duration) -> Result<(), InnerError> {
    let mut all = vec![PollFd::new(hearing, PollFlags::IN)];
    all.extend(asking.map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    let left = Timespec::try_from(left.min(Duration::from_secs(1))).unwrap_or_default();
    match rustix::event::poll(&mut all, Some(&left)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(InnerError::Pipe(error.into())),
    }
}

/// Returns nothing for a pipe on which there is nothing to be done now.
fn unless_busy(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Waits for a process that has closed its output, and so is about to end.
fn wait(child: &mut Child, deadline: &Deadline) -> Result<ExitStatus, InnerError> {
    loop {
        if let Some(status) = child.try_wait().map_err(InnerError::Pipe)? {
            return Ok(status);
        }
        deadline.left()?;
        std::thread::sleep(Duration::from_millis(1));
    }
}
