//! The WASI context of one call: empty but for clocks, randomness and captured output.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use openkoi_core::port::Clock;
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

/// Makes the WASI context of one call.
pub(super) fn context(log: &Arc<CallLog>, clock: &Arc<dyn Clock>) -> WasiCtx {
    let begun_ms = clock.monotonic_ms();
    let clock = || CoarseClock { clock: Arc::clone(clock), begun_ms };
    WasiCtx::builder()
        .stdout(Captured(Arc::clone(log)))
        .stderr(Captured(Arc::clone(log)))
        .max_random_size(RANDOM_BYTES)
        .wall_clock(clock())
        .monotonic_clock(clock())
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// The broker's clock, which is too coarse to time the host by. The monotonic one begins with the call.
struct CoarseClock {
    clock: Arc<dyn Clock>,
    begun_ms: u64,
}

impl HostWallClock for CoarseClock {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.clock.now_ms())
    }
}

impl HostMonotonicClock for CoarseClock {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        let elapsed_ms = self.clock.monotonic_ms().saturating_sub(self.begun_ms);
        nanoseconds(Duration::from_millis(elapsed_ms))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Standard output and error. Their beginning goes into the log of the call.
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
