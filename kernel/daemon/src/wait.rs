//! Waiting for a moment of the wall clock, or for something to happen.

use std::sync::Arc;

use openkoi_app::wall_clock::WallClock;
use tokio::sync::watch;

/// How soon a step that failed is tried again, in milliseconds.
pub(crate) const AGAIN_MS: u64 = 30_000;

/// Waits until `at_ms` has come, or for ever without it.
pub(crate) async fn until(clock: &Arc<dyn WallClock>, at_ms: Option<u64>) {
    match at_ms {
        Some(at_ms) => clock.until(at_ms).await,
        None => std::future::pending().await,
    }
}

/// Waits for a change. Never returns when there is nobody any more who could tell of one.
pub(crate) async fn change(changed: &mut watch::Receiver<u64>) {
    if changed.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Returns the earlier of two moments.
pub(crate) fn sooner(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
