//! The end of the daemon, as those see it who have something in hand.

use tokio::sync::watch;

/// Waits until the daemon ends.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever would say so is gone with the daemon.
    let _is_over = stop.wait_for(|stop| *stop).await.is_ok();
}
