//! The one engine: how components are compiled, made runnable and kept from running for ever.

mod code;
mod config;
mod ticker;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
};

use wasmtime::{
    Config, Engine,
    component::{Component, HasSelf, Linker},
};

use crate::{
    bindings::{
        evaluator::EvaluatorExportsPre, imports::openkoi::host, provider::ProviderExportsPre,
        tool::ToolExportsPre,
    },
    catalog::Embedded,
    instance::Call,
    interfaces::wasi,
    manifest::Kind,
};

pub(crate) use ticker::Ticker;

/// Frames of a trap that are kept.
const FRAMES: usize = 8;

/// Why the engine could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(String);

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(crate::text::one_line(&format!("{error:#}"), 500))
    }
}

/// A component ready to be instantiated, with its imports resolved.
#[derive(Clone)]
pub(crate) enum Loaded {
    Tool(ToolExportsPre<Call>),
    Provider(ProviderExportsPre<Call>),
    Evaluator(EvaluatorExportsPre<Call>),
}

/// Engine, ticker and linkers. Nothing of it exists before the first component is loaded.
pub(crate) struct Machine {
    engine: Engine,
    ticker: Arc<Ticker>,
    wasi: OnceLock<Result<Linker<Call>, EngineError>>,
    tools: OnceLock<Result<Linker<Call>, EngineError>>,
    providers: OnceLock<Result<Linker<Call>, EngineError>>,
    evaluators: OnceLock<Result<Linker<Call>, EngineError>>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    pub(crate) fn start() -> Result<Self, EngineError> {
        let mut config = Config::new();
        config::configure(&mut config);
        code::configure(&mut config);
        config.wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES));
        let engine = Engine::new(&config)?;
        let ticker = Ticker::start(engine.weak())
            .map_err(|error| EngineError(format!("the epoch thread cannot be started: {error}")))?;
        Ok(Self {
            engine,
            ticker,
            wasi: OnceLock::new(),
            tools: OnceLock::new(),
            providers: OnceLock::new(),
            evaluators: OnceLock::new(),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn ticker(&self) -> Arc<Ticker> {
        Arc::clone(&self.ticker)
    }

    /// Compiles a component. This takes seconds and the processor.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Component, EngineError> {
        Ok(Component::from_binary(&self.engine, wasm)?)
    }

    /// Takes up native code that the build of this very program made.
    pub(crate) fn revive(&self, embedded: &Embedded) -> Result<Component, EngineError> {
        #[expect(
            unsafe_code,
            reason = "native code is sound to load only if it is ours: the bytes come from the \
                      static index in this binary, and third-party components are always compiled"
        )]
        // SAFETY: see the reason; the catalog calls this for what is embedded and for nothing else.
        unsafe {
            code::load(&self.engine, embedded)
        }
    }

    /// Resolves the imports of an admitted component.
    pub(crate) fn link(&self, kind: Kind, component: &Component) -> Result<Loaded, EngineError> {
        let linked = |cell: &OnceLock<Result<Linker<Call>, EngineError>>| {
            let linker = cell.get_or_init(|| self.linker(kind)).as_ref();
            let linker = linker.map_err(Clone::clone)?;
            Ok::<_, EngineError>(linker.instantiate_pre(component)?)
        };
        Ok(match kind {
            Kind::Tool => Loaded::Tool(ToolExportsPre::new(linked(&self.tools)?)?),
            Kind::Provider => Loaded::Provider(ProviderExportsPre::new(linked(&self.providers)?)?),
            Kind::Evaluator => {
                Loaded::Evaluator(EvaluatorExportsPre::new(linked(&self.evaluators)?)?)
            }
            other => {
                let message = format!("components of kind `{}` are not run here", other.word());
                return Err(EngineError(message));
            }
        })
    }

    /// Makes the linker of a kind: WASI with nothing in it, which all kinds share, and the interfaces of its world
    /// that this host offers.
    fn linker(&self, kind: Kind) -> Result<Linker<Call>, EngineError> {
        let mut linker = self.wasi.get_or_init(|| bare(&self.engine)).clone()?;
        for interface in crate::admission::interfaces(kind).unwrap_or_default() {
            link(&mut linker, interface)?;
        }
        Ok(linker)
    }
}

fn bare(engine: &Engine) -> Result<Linker<Call>, EngineError> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    Ok(linker)
}

fn link(linker: &mut Linker<Call>, interface: &str) -> wasmtime::Result<()> {
    type Own = HasSelf<Call>;
    let own: fn(&mut Call) -> &mut Call = |call| call;
    match interface {
        "log" => host::log::add_to_linker::<Call, Own>(linker, own),
        "progress" => host::progress::add_to_linker::<Call, Own>(linker, own),
        "http" => host::http::add_to_linker::<Call, Own>(linker, own),
        "model" => host::model::add_to_linker::<Call, Own>(linker, own),
        "state" => host::state::add_to_linker::<Call, Own>(linker, own),
        "files" => host::files::add_to_linker::<Call, Own>(linker, own),
        "process" => host::process::add_to_linker::<Call, Own>(linker, own),
        // Refused at admission: there is nothing behind it yet.
        _ => Ok(()),
    }
}
