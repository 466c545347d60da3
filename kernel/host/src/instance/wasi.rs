//! The WASI context of one call: empty but for clocks, randomness and captured output.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx,
    cli::{IsTerminal, StdoutStream},
};

use super::call_log::CallLog;
use crate::sabotage::{Guard, off};

const STEP: Duration = Duration::from_millis(1);
/// The most random bytes of one call.
const RANDOM_BYTES: u64 = 64 << 10;

/// Makes the context of one call.
pub(crate) fn context(log: &Arc<CallLog>) -> WasiCtx {
    WasiCtx::builder()
        .stdout(Captured(Arc::clone(log)))
        .stderr(Captured(Arc::clone(log)))
        .max_random_size(RANDOM_BYTES)
        .wall_clock(CoarseClock(Instant::now()))
        .monotonic_clock(CoarseClock(Instant::now()))
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// Clocks too coarse to time the host by.
struct CoarseClock(Instant);

impl HostWallClock for CoarseClock {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl HostMonotonicClock for CoarseClock {
    fn resolution(&self) -> u64 {
        u64::try_from(STEP.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        let step = HostMonotonicClock::resolution(self);
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX) / step * step
    }
}

/// Standard output and error: kept at their beginning, never shown to a terminal.
#[derive(Clone)]
struct Captured(Arc<CallLog>);

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Captured {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.capture(bytes);
        if off(Guard::HostStreams) {
            drop(io::Write::write_all(&mut io::stdout(), bytes));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
