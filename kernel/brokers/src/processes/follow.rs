//! A program, followed to its end: both pipes, the deadline and the order to kill, even if the caller does not ask for
//! its events.

use super::left::unmark;
use super::output::{OutputEnd, OutputLog, PIECE, Pipe};
use super::proxy::Served;
use super::quota::DiskWatch;
use super::sweep::Group;
use super::{Happening, ProgramExit};
use crate::failpoint::{Point, hit};
use crate::layer::Guest;
use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// The time in which a group may end on its own.
const GRACE: Duration = Duration::from_millis(500);
/// The time for which the pipes are read after the program ended: another process may hold them open.
const DRAIN: Duration = Duration::from_millis(500);
/// The most pieces that wait for the caller. After that the program has to wait.
const MOST_WAITING: usize = 8;

/// A program that is being followed.
pub(super) struct RunningProgram {
    pub(super) child: Child,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    pub(super) group: Arc<Group>,
    pub(super) output: OutputLog,
    pub(super) begun: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) kill: Arc<Notify>,
    /// Whether it may end on its own when it is to be killed.
    pub(super) is_asked_first: bool,
    pub(super) sender: mpsc::Sender<Happening>,
    /// Its way to hosts by name.
    pub(super) network: Option<Served>,
    /// The watch over what it writes, where it has a sandbox.
    pub(super) disk: Option<DiskWatch>,
    /// Its place in the layer that it runs over.
    pub(super) _guest: Option<Guest>,
}

/// The state of a program's end.
#[derive(Default)]
struct EndState {
    timed_out: bool,
    kill_at: Option<Instant>,
    status: Option<ExitStatus>,
    drained_at: Option<Instant>,
    waiting: VecDeque<Happening>,
}

/// Follows a program until it has ended and all events are delivered, or the caller has dropped it.
pub(super) async fn follow(mut life: RunningProgram) {
    let mut ending = EndState::default();
    let sender = life.sender.clone();
    let (mut out, mut err) = (vec![0; PIECE], vec![0; PIECE]);
    while !life.is_over(&ending) {
        let room = ending.waiting.len() < MOST_WAITING;
        let next = life.next_time(&ending);
        tokio::select! {
            biased;
            () = until(next) => life.on_time(&mut ending),
            () = life.kill.notified() => life.on_kill(&mut ending),
            status = life.child.wait(), if ending.status.is_none() => {
                life.on_exit(status, &mut ending);
            }
            permit = sender.reserve(), if !ending.waiting.is_empty() => match permit {
                Ok(permit) => if let Some(first) = ending.waiting.pop_front() { permit.send(first) },
                Err(_) => ending.waiting.clear(),
            },
            count = read(&mut life.stdout, &mut out), if room && life.stdout.is_some() => {
                life.on_read(Pipe::Out, count, &out, &mut ending);
            }
            count = read(&mut life.stderr, &mut err), if room && life.stderr.is_some() => {
                life.on_read(Pipe::Err, count, &err, &mut ending);
            }
        }
    }
    life.finish(ending).await;
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => std::future::pending().await,
    }
}

impl RunningProgram {
    fn is_over(&self, ending: &EndState) -> bool {
        let drained = self.stdout.is_none() && self.stderr.is_none();
        ending.status.is_some()
            && (drained || ending.drained_at.is_some_and(|at| at <= Instant::now()))
    }

    /// Returns the time of the next step that does not depend on the program.
    fn next_time(&self, ending: &EndState) -> Option<Instant> {
        if ending.status.is_some() { ending.drained_at } else { ending.kill_at.or(self.deadline) }
    }

    fn on_time(&self, ending: &mut EndState) {
        if ending.status.is_some() {
            return;
        }
        if ending.kill_at.is_some() {
            return self.end_now(ending);
        }
        ending.timed_out = true;
        ending.kill_at = Some(Instant::now() + GRACE);
        self.group.terminate();
    }

    /// A program in the background is asked to end first: it may have something to put away.
    fn on_kill(&self, ending: &mut EndState) {
        if !self.is_asked_first || ending.kill_at.is_some() || ending.status.is_some() {
            return self.end_now(ending);
        }
        ending.kill_at = Some(Instant::now() + GRACE);
        self.group.terminate();
    }

    fn end_now(&self, ending: &mut EndState) {
        // Repeated after a while, for processes that were started meanwhile.
        ending.kill_at = Some(Instant::now() + GRACE);
        self.group.kill();
    }

    fn on_exit(&self, status: io::Result<ExitStatus>, ending: &mut EndState) {
        // An error means that other code has waited for it; it has ended all the same.
        ending.status = Some(status.unwrap_or_else(|_| ExitStatus::from_raw(0)));
        self.group.kill();
        self.group.bury();
        ending.drained_at = Some(Instant::now() + DRAIN);
    }

    fn on_read(
        &mut self,
        pipe: Pipe,
        count: io::Result<usize>,
        buffer: &[u8],
        ending: &mut EndState,
    ) {
        let count = count.unwrap_or(0);
        if count == 0 {
            match pipe {
                Pipe::Out => self.stdout = None,
                Pipe::Err => self.stderr = None,
            }
            return;
        }
        ending.waiting.extend(self.output.push(pipe, &buffer[..count]));
    }

    async fn finish(self, ending: EndState) {
        let duration = self.begun.elapsed();
        let OutputEnd { tail, saved, omitted, note } = self.output.finish();
        let passed = hit(Point::ProcessExited);
        remove_temporary(&self.group).await;
        let status = ending.status.unwrap_or_default();
        let exit = ProgramExit {
            code: status.code(),
            signal: status.signal(),
            timed_out: ending.timed_out,
            duration,
            saved,
            omitted,
        };
        let of_network = self.network.as_ref().map(Served::notes).filter(|notes| !notes.is_empty());
        let of_disk = self.disk.as_ref().and_then(DiskWatch::note);
        let notes = [of_network, note, of_disk].into_iter().flatten();
        let notes = notes.map(|notes| Happening::Stderr(notes.into_bytes()));
        let last = passed.is_ok().then_some(Happening::Exited(exit));
        for happening in ending.waiting.into_iter().chain(tail).chain(notes).chain(last) {
            if self.sender.send(happening).await.is_err() {
                return;
            }
        }
    }
}

async fn remove_temporary(group: &Arc<Group>) {
    let group = Arc::clone(group);
    let remove = move || {
        let removed = std::fs::remove_dir_all(group.temporary());
        unmark(group.temporary());
        removed
    };
    let removed = tokio::task::spawn_blocking(remove).await;
    if let Ok(Err(error)) = removed {
        tracing::debug!(%error, "a temporary directory stays");
    }
}
