//! Waiting: bounded and cancellable, and for several things at once.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use crate::port::{Cancellation, Clock};

/// Result of a bounded wait.
pub(super) enum Waited<T> {
    Done(T),
    TimeOver,
    Cancelled,
}

/// Waits for `work`, no longer than `limit` and the user's patience.
pub(super) async fn bounded<T>(
    clock: &dyn Clock,
    cancellation: &dyn Cancellation,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Waited<T> {
    let mut work = std::pin::pin!(work);
    let mut over = clock.sleep(limit);
    let mut cancelled = cancellation.cancelled();
    std::future::poll_fn(move |context| {
        if cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(Waited::Cancelled);
        }
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Waited::Done(done));
        }
        over.as_mut().poll(context).map(|()| Waited::TimeOver)
    })
    .await
}

/// Waits for all of `works` side by side, and returns their results in order.
pub(super) async fn all<T>(works: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut results: Vec<Option<T>> = works.iter().map(|_| None).collect();
    let mut works: Vec<_> = works.into_iter().map(Some).collect();
    std::future::poll_fn(move |context| {
        for (work, result) in works.iter_mut().zip(&mut results) {
            let Some(running) = work else { continue };
            if let Poll::Ready(done) = running.as_mut().poll(context) {
                *result = Some(done);
                *work = None;
            }
        }
        match works.iter().all(Option::is_none) {
            true => Poll::Ready(results.iter_mut().filter_map(Option::take).collect()),
            false => Poll::Pending,
        }
    })
    .await
}
