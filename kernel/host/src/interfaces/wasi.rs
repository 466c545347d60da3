//! WASI with nothing in it, because the runtimes of languages import it.
//!
//! No environment, no arguments, no directories, no sockets; standard input is empty, standard output and
//! error are captured and capped. Clocks and randomness are those of the machine, the clocks in steps of a
//! millisecond.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiView,
    cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView},
    clocks::{WasiClocks, WasiClocksView},
    filesystem::{WasiFilesystem, WasiFilesystemView},
    p2::bindings::{cli, clocks, filesystem, io as wasi_io, random},
    random::{WasiRandom, WasiRandomView},
};

use crate::{
    instance::{Call, Traces},
    sabotage::{Guard, off},
};

const STEP: Duration = Duration::from_millis(1);
/// The most random bytes of one call.
const RANDOM_BYTES: u64 = 64 << 10;

/// Lets standard streams and clocks get at the table of resources.
struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what [`crate::admission`] admits, and no more.
pub(crate) fn link(l: &mut Linker<Call>) -> wasmtime::Result<()> {
    let table: fn(&mut Call) -> &mut ResourceTable = |call| call.ctx().table;
    wasi_io::error::add_to_linker::<Call, Io>(l, table)?;
    wasi_io::poll::add_to_linker::<Call, Io>(l, table)?;
    wasi_io::streams::add_to_linker::<Call, Io>(l, table)?;
    clocks::wall_clock::add_to_linker::<Call, WasiClocks>(l, Call::clocks)?;
    clocks::monotonic_clock::add_to_linker::<Call, WasiClocks>(l, Call::clocks)?;
    filesystem::preopens::add_to_linker::<Call, WasiFilesystem>(l, Call::filesystem)?;
    filesystem::types::add_to_linker::<Call, WasiFilesystem>(l, Call::filesystem)?;
    random::random::add_to_linker::<Call, WasiRandom>(l, Call::random)?;
    random::insecure::add_to_linker::<Call, WasiRandom>(l, Call::random)?;
    random::insecure_seed::add_to_linker::<Call, WasiRandom>(l, Call::random)?;
    cli::exit::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::environment::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stdin::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stdout::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::stderr::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_input::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_output::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stdin::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stdout::add_to_linker::<Call, WasiCli>(l, Call::cli)?;
    cli::terminal_stderr::add_to_linker::<Call, WasiCli>(l, Call::cli)
}

/// Makes the context of one call.
pub(crate) fn context(traces: &Arc<Traces>) -> WasiCtx {
    WasiCtx::builder()
        .stdout(Captured(Arc::clone(traces)))
        .stderr(Captured(Arc::clone(traces)))
        .max_random_size(RANDOM_BYTES)
        .wall_clock(Steps(Instant::now()))
        .monotonic_clock(Steps(Instant::now()))
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// Clocks too coarse to time the host by.
struct Steps(Instant);

impl HostWallClock for Steps {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl HostMonotonicClock for Steps {
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
struct Captured(Arc<Traces>);

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
