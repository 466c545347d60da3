//! Ending a program with everything it started.

use super::left::{Owned, kill_strays};
use crate::sabotage::{Guard, off};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The groups whose leader may still run.
static LIVE: Mutex<Vec<Weak<Group>>> = Mutex::new(Vec::new());

/// Kills every program that runs, with everything it started, for a process that ends at once: the system ends the
/// leader of a group with its parent, and nobody else. Programs that are about to be started wait for that end.
pub fn kill_all() {
    let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.iter().filter_map(Weak::upgrade).for_each(|group| group.kill());
    std::mem::forget(live);
}

/// A program that was started. Unless it is taken it is killed with everything that it has started meanwhile.
pub(super) struct Started(Option<(tokio::process::Child, Arc<Group>)>);

impl Started {
    /// Starts a program. Between its start and its entry in the list nobody kills what is in the list.
    pub(super) fn by(
        spawn: impl FnOnce() -> io::Result<tokio::process::Child>,
        temporary: PathBuf,
        owned: Owned,
    ) -> io::Result<Self> {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let child = spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let leader = leader.ok_or_else(|| io::Error::other("it has no process id"))?;
        let group = Arc::new(Group { leader, temporary, _owned: owned, gone: Mutex::new(false) });
        live.retain(|group| group.strong_count() > 0);
        live.push(Arc::downgrade(&group));
        Ok(Self(Some((child, group))))
    }

    #[cfg(test)]
    fn leader(&self) -> i32 {
        self.0.as_ref().map_or(0, |(_, group)| group.leader.as_raw_nonzero().get())
    }

    /// Takes the program over.
    pub(super) fn take(mut self) -> Option<(tokio::process::Child, Arc<Group>)> {
        self.0.take()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some((_, group)) = &self.0 {
            group.kill();
        }
    }
}

/// The processes of one program. They share a process group, and an environment that names the temporary directory.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
    temporary: PathBuf,
    /// Tells other processes that somebody looks after it.
    _owned: Owned,
    /// Whether the leader was waited for: its number may belong to another process by then.
    gone: Mutex<bool>,
}

impl Group {
    pub(super) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Asks the group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills the group, and the processes that left it. Does nothing once the leader was waited for.
    pub(super) fn kill(&self) {
        if self.signal(Signal::KILL) && !off(Guard::ProcessGroup) {
            self.sweep();
        }
    }

    /// Notes that the leader was waited for. The rest of the group must have been killed before.
    pub(super) fn bury(&self) {
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Sends a signal to the group; returns whether it may still exist.
    fn signal(&self, signal: Signal) -> bool {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if *gone {
            return false;
        }
        let sent = match off(Guard::ProcessGroup) {
            true => kill_process(self.leader, signal),
            false => kill_process_group(self.leader, signal),
        };
        if let Err(error) = sent {
            tracing::trace!(%error, "the group is gone already");
        }
        true
    }

    /// Kills processes that left the group, for example for a session of their own. One that has cleared its environment
    /// too is not found; it stays in the sandbox.
    fn sweep(&self) {
        kill_strays(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::{Owned, Started};
    use std::time::Duration;

    #[tokio::test]
    async fn a_program_that_nobody_takes_over_ends_with_what_it_has_started() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "sleep 1000 & wait"]).process_group(0);
        let started = Started::by(|| command.spawn(), "/nowhere".into(), Owned::none()).unwrap();
        let group = rustix::process::Pid::from_raw(started.leader()).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;

        drop(started);

        // The child of the shell is nobody's once that is gone: a signal finds it no more.
        for _ in 0..500 {
            if rustix::process::test_kill_process_group(group).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a process of the group is left");
    }
}
