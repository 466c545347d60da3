//! Compiles components, loads native code and interrupts guests that run too long.

mod code;
mod config;
mod error;
mod ticker;

use std::{fmt, num::NonZeroUsize, sync::Arc};

use wasmtime::{Config, component::Component};

pub use error::EngineError;
pub(crate) use ticker::Ticker;

use crate::embedded::Embedded;

/// The most frames of a trap's backtrace.
const FRAMES: usize = 8;

/// A wasmtime engine and the thread that advances its epoch.
pub(crate) struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn start() -> Result<Self, EngineError> {
        let mut config = Config::new();
        config::configure(&mut config);
        code::configure(&mut config);
        config.wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES));
        let wasmtime = wasmtime::Engine::new(&config)?;
        let ticker = Ticker::start(wasmtime.weak())
            .map_err(|error| EngineError(format!("the epoch thread cannot be started: {error}")))?;
        Ok(Self { wasmtime, ticker })
    }

    /// Returns wasmtime's engine.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    pub(crate) fn ticker(&self) -> Arc<Ticker> {
        Arc::clone(&self.ticker)
    }

    /// Compiles a component. This takes seconds and the processor.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Component, EngineError> {
        Ok(Component::from_binary(&self.wasmtime, wasm)?)
    }

    /// Deserializes native code that the build of this program made.
    pub(crate) fn deserialize_native(&self, embedded: &Embedded) -> Result<Component, EngineError> {
        #[expect(
            unsafe_code,
            reason = "native code is sound to load only if it is ours: the bytes come from the \
                      static index in this binary, and third-party components are always compiled"
        )]
        // SAFETY: see the reason; the catalog calls this for embedded components, and for those alone.
        unsafe {
            code::load(&self.wasmtime, embedded)
        }
    }
}
