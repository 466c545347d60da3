//! Compiles components, loads native code and interrupts guests that run too long.

mod code;
pub(crate) mod compiler;
#[path = "../../compiler/program/src/config.rs"]
mod config;
mod error;
mod ticker;

use std::{fmt, num::NonZeroUsize, sync::Arc};

use wasmtime::{Config, component::Component};

use compiler::{Compiler, Made, Origin};
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

    /// Loads the code that is kept of bytes with this hash, if there is some and it can be believed.
    pub(crate) fn kept(&self, compiler: &Compiler, digest: &str) -> Option<Component> {
        let loaded = self.deserialize_made(&compiler.kept(digest)?);
        loaded.inspect_err(|error| tracing::debug!(%error, "kept code does not load")).ok()
    }

    /// Compiles bytes with this hash. This takes up to a second, and the processor.
    pub(crate) fn make(
        &self,
        compiler: &Compiler,
        wasm: &[u8],
        digest: &str,
        origin: Origin,
    ) -> Result<Component, EngineError> {
        self.deserialize_made(&compiler.make(wasm, digest, origin)?)
    }

    /// Deserializes native code that our compiler made.
    fn deserialize_made(&self, made: &Made) -> Result<Component, EngineError> {
        #[expect(
            unsafe_code,
            reason = "native code is sound to load only if it is ours: `Made` is what the compiler that \
                      came with this program answered, or what was kept of that and authenticated"
        )]
        // SAFETY: see the reason; `compiler` makes values of that type and nobody else.
        unsafe {
            code::load_made(&self.wasmtime, made)
        }
    }

    /// Deserializes native code that the build of this program made.
    pub(crate) fn deserialize_native(&self, embedded: &Embedded) -> Result<Component, EngineError> {
        #[expect(
            unsafe_code,
            reason = "native code is sound to load only if it is ours: the bytes come from the \
                      static index in this binary"
        )]
        // SAFETY: see the reason; the catalog calls this for embedded components, and for those alone.
        unsafe {
            code::load(&self.wasmtime, embedded)
        }
    }
}
