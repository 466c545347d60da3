//! Following a program to its end: both pipes, the deadline and the order to kill, whether or not anybody
//! asks for what happened.

use super::output::{Output, PIECE, Stream};
use super::sweep::Group;
use super::{Exit, Happening};
use crate::failpoint::{Point, hit};
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

/// How long a group may take to end on its own.
const GRACE: Duration = Duration::from_millis(500);
/// How long the pipes are read after the program ended; something may still hold them open.
const DRAIN: Duration = Duration::from_millis(500);
/// How many pieces wait for the caller before the program has to.
const MOST_WAITING: usize = 8;

/// A program that is being followed.
pub(super) struct Life {
    pub(super) child: Child,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    pub(super) group: Arc<Group>,
    pub(super) output: Output,
    pub(super) begun: Instant,
    pub(super) deadline: Option<Instant>,
    pub(super) kill: Arc<Notify>,
    pub(super) sender: mpsc::Sender<Happening>,
}

/// What the deadline or an order led to so far.
#[derive(Default)]
struct Ending {
    timed_out: bool,
    kill_at: Option<Instant>,
    status: Option<ExitStatus>,
    drained_at: Option<Instant>,
    waiting: VecDeque<Happening>,
}

/// Follows `life` until its program ended and everything was handed over or nobody listens.
pub(super) async fn follow(mut life: Life) {
    let mut ending = Ending::default();
    let sender = life.sender.clone();
    let (mut out, mut err) = (vec![0; PIECE], vec![0; PIECE]);
    while !life.is_over(&ending) {
        let room = ending.waiting.len() < MOST_WAITING;
        let next = life.next_time(&ending);
        tokio::select! {
            biased;
            () = until(next) => life.on_time(&mut ending),
            () = life.kill.notified() => life.end_now(&mut ending),
            status = life.child.wait(), if ending.status.is_none() => {
                life.on_exit(status, &mut ending);
            }
            permit = sender.reserve(), if !ending.waiting.is_empty() => match permit {
                Ok(permit) => if let Some(first) = ending.waiting.pop_front() { permit.send(first) },
                Err(_) => ending.waiting.clear(),
            },
            count = read(&mut life.stdout, &mut out), if room && life.stdout.is_some() => {
                life.on_read(Stream::Out, count, &out, &mut ending);
            }
            count = read(&mut life.stderr, &mut err), if room && life.stderr.is_some() => {
                life.on_read(Stream::Err, count, &err, &mut ending);
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

impl Life {
    fn is_over(&self, ending: &Ending) -> bool {
        let drained = self.stdout.is_none() && self.stderr.is_none();
        ending.status.is_some()
            && (drained || ending.drained_at.is_some_and(|at| at <= Instant::now()))
    }

    /// The next moment at which something must be done unasked.
    fn next_time(&self, ending: &Ending) -> Option<Instant> {
        if ending.status.is_some() { ending.drained_at } else { ending.kill_at.or(self.deadline) }
    }

    fn on_time(&self, ending: &mut Ending) {
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

    fn end_now(&self, ending: &mut Ending) {
        // Asked again in a while, should a process appear between two looks.
        ending.kill_at = Some(Instant::now() + GRACE);
        self.group.kill();
    }

    fn on_exit(&self, status: io::Result<ExitStatus>, ending: &mut Ending) {
        // An error means that somebody else waited for it; it ended all the same.
        ending.status = Some(status.unwrap_or_else(|_| ExitStatus::from_raw(0)));
        self.group.kill();
        self.group.bury();
        ending.drained_at = Some(Instant::now() + DRAIN);
    }

    fn on_read(
        &mut self,
        stream: Stream,
        count: io::Result<usize>,
        buffer: &[u8],
        ending: &mut Ending,
    ) {
        let count = count.unwrap_or(0);
        if count == 0 {
            match stream {
                Stream::Out => self.stdout = None,
                Stream::Err => self.stderr = None,
            }
            return;
        }
        ending.waiting.extend(self.output.push(stream, &buffer[..count]));
    }

    async fn finish(self, ending: Ending) {
        let duration = self.begun.elapsed();
        let (tail, saved, omitted) = self.output.finish();
        let passed = hit(Point::ProcessExited);
        remove_temporary(&self.group).await;
        let status = ending.status.unwrap_or_default();
        let exit = Exit {
            code: status.code(),
            signal: status.signal(),
            timed_out: ending.timed_out,
            duration,
            saved,
            omitted,
        };
        let last = passed.is_ok().then_some(Happening::Exited(exit));
        for happening in ending.waiting.into_iter().chain(tail).chain(last) {
            if self.sender.send(happening).await.is_err() {
                return;
            }
        }
    }
}

async fn remove_temporary(group: &Arc<Group>) {
    let group = Arc::clone(group);
    let removed =
        tokio::task::spawn_blocking(move || std::fs::remove_dir_all(group.temporary())).await;
    if let Ok(Err(error)) = removed {
        tracing::debug!(%error, "a temporary directory stays");
    }
}
