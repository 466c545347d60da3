//! Resolves the imports of components: one linker for each kind.

use std::sync::OnceLock;

use wasmtime::component::{Component, HasSelf, Linker};

use crate::{
    admission,
    bindings::{
        evaluator::EvaluatorExportsPre, imports::openkoi::host, provider::ProviderExportsPre,
        tool::ToolExportsPre,
    },
    engine::EngineError,
    instance::GuestState,
    interfaces::wasi,
    manifest::Kind,
};

/// A component whose imports are resolved, ready to be instantiated.
#[derive(Clone)]
pub(crate) enum Loaded {
    Tool(ToolExportsPre<GuestState>),
    Provider(ProviderExportsPre<GuestState>),
    Evaluator(EvaluatorExportsPre<GuestState>),
}

type Made = OnceLock<Result<Linker<GuestState>, EngineError>>;

/// The linkers of the kinds, each made when the first component of its kind is loaded.
#[derive(Default)]
pub(crate) struct Linkers {
    wasi: Made,
    tools: Made,
    providers: Made,
    evaluators: Made,
}

impl std::fmt::Debug for Linkers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linkers").finish_non_exhaustive()
    }
}

impl Linkers {
    /// Resolves the imports of an admitted component.
    pub(crate) fn link(&self, kind: Kind, component: &Component) -> Result<Loaded, EngineError> {
        let linked = |cell: &Made| {
            let linker = cell.get_or_init(|| self.linker(kind, component.engine())).as_ref();
            let linker = linker.map_err(Clone::clone)?;
            Ok::<_, EngineError>(linker.instantiate_pre(component)?)
        };
        Ok(match kind {
            Kind::Tool => Loaded::Tool(ToolExportsPre::new(linked(&self.tools)?)?),
            Kind::Provider => Loaded::Provider(ProviderExportsPre::new(linked(&self.providers)?)?),
            Kind::Evaluator => {
                Loaded::Evaluator(EvaluatorExportsPre::new(linked(&self.evaluators)?)?)
            }
            other => return Err(EngineError::unsupported(other)),
        })
    }

    /// Makes the linker of a kind: an empty WASI, which all kinds share, and the interfaces of its world that this
    /// host offers.
    fn linker(
        &self,
        kind: Kind,
        engine: &wasmtime::Engine,
    ) -> Result<Linker<GuestState>, EngineError> {
        let mut linker = self.wasi.get_or_init(|| wasi_linker(engine)).clone()?;
        for interface in admission::interfaces(kind).unwrap_or_default() {
            link(&mut linker, interface)?;
        }
        Ok(linker)
    }
}

fn wasi_linker(engine: &wasmtime::Engine) -> Result<Linker<GuestState>, EngineError> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    Ok(linker)
}

fn link(linker: &mut Linker<GuestState>, interface: &str) -> wasmtime::Result<()> {
    type Own = HasSelf<GuestState>;
    let own: fn(&mut GuestState) -> &mut GuestState = |state| state;
    match interface {
        "log" => host::log::add_to_linker::<GuestState, Own>(linker, own),
        "progress" => host::progress::add_to_linker::<GuestState, Own>(linker, own),
        "http" => host::http::add_to_linker::<GuestState, Own>(linker, own),
        "model" => host::model::add_to_linker::<GuestState, Own>(linker, own),
        "state" => host::state::add_to_linker::<GuestState, Own>(linker, own),
        "files" => host::files::add_to_linker::<GuestState, Own>(linker, own),
        "process" => host::process::add_to_linker::<GuestState, Own>(linker, own),
        // Refused at admission: this host has no implementation yet.
        _ => Ok(()),
    }
}
