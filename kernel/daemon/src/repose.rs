//! Memory while nothing happens: a daemon rests most of the day.

use std::time::Duration;

use openkoi_app::{pause, thread};
use tokio::sync::watch;

use crate::wait;

/// How long nothing happens until memory is given back: what comes at short intervals needs it again.
const QUIET: Duration = Duration::from_secs(5);

/// Gives memory back, once each time that nothing has happened for a while. `changed` moves when something has.
pub(crate) async fn run(mut changed: watch::Receiver<u64>) {
    loop {
        changed.mark_unchanged();
        tokio::select! {
            () = pause(QUIET) => {
                thread::give_memory_back();
                wait::change(&mut changed).await;
            }
            () = wait::change(&mut changed) => {}
        }
    }
}
