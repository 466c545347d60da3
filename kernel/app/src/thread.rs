//! One run, one thread. Each run has a thread with an async runtime of its own, so blocking work
//! (the journal, captures of a workspace) holds up that run alone, and many runs go on at once in
//! one process (decision 0012).

use std::{future::Future, thread};

pub use openkoi_brokers::heap::{give_back as give_memory_back, share as share_heap};
use openkoi_core::id::TaskId;
use tokio::sync::oneshot;

use crate::error::AppError;

/// As much stack as the main thread of a program usually has, in bytes.
const STACK: usize = 8 << 20;

/// Runs `work` to its end on this thread, with an async runtime of its own.
///
/// # Errors
///
/// The error of `work`, or that the system cannot give a runtime.
pub fn block<T, E: From<AppError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(AppError::Thread)?;
    let result = runtime.block_on(work);
    // A question may still be waiting for a line at the terminal; that is not waited for.
    runtime.shutdown_background();
    result
}

/// Runs `work` on a thread of its own that nobody waits for: it ends with the program at the latest.
pub fn beside(name: &str, work: impl FnOnce() + Send + 'static) {
    let named = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    if let Err(error) = named.spawn(work) {
        tracing::warn!(%error, name, "there is no thread for what goes on beside a task");
    }
}

/// Runs `work` on a thread of its own and waits for it: work that blocks on a runtime of its own cannot do so on a thread that has one.
///
/// # Errors
///
/// When the system gives no thread.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, AppError> {
    thread::scope(|scope| {
        let named = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let done = named.map_err(AppError::Thread)?.join();
        done.map_err(|_| AppError::Thread(std::io::ErrorKind::BrokenPipe.into()))
    })
}

/// Runs the future of `work` on a thread of its own, and waits for it without blocking this one.
pub(crate) async fn apart<T, F>(
    task: &TaskId,
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<T, AppError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, AppError>>,
{
    let (send, receive) = oneshot::channel();
    let named = thread::Builder::new().name(format!("run {}", task.short())).stack_size(STACK);
    let started = named.spawn(move || {
        // The receiver may be gone; the journal has what matters.
        drop(send.send(block(work())));
    });
    started.map_err(AppError::Thread)?;
    receive.await.unwrap_or_else(|_| Err(AppError::Thread(std::io::ErrorKind::BrokenPipe.into())))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn whoever_waits_for_a_run_goes_on_while_the_run_blocks() {
        let (free, blocked) = mpsc::channel();
        let task = TaskId::new("1".to_owned());

        let done = block(async {
            let run = apart(&task, move || async move { Ok(blocked.recv().is_ok()) });
            let other = async { Ok(free.send(()).is_ok()) };
            tokio::try_join!(run, other)
        });

        assert_eq!(done.unwrap(), (true, true));
    }
}
