//! Resolves the imports of components: one linker for each kind, made when its first component is loaded.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use std::sync::{Mutex, OnceLock, PoisonError};

use wasmtime::component::{Component, InstancePre, Linker};

use crate::{
    engine::EngineError,
    instance::GuestState,
    interfaces::{self, wasi},
    manifest::Kind,
};

/// The exports of a kind, looked up in a component.
pub(crate) trait Exports: Clone + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;

    /// Looks them up. One that is missing or has another type is an error.
    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self>;
}

/// A component whose imports are resolved and whose exports are found: the [`Exports`] of its kind.
#[derive(Clone)]
pub(crate) struct Linked(Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Linked")
    }
}

impl Linked {
    /// Returns the exports, if they are those of this kind.
    pub(crate) fn exports<K: Exports>(&self) -> Option<K> {
        self.0.downcast_ref().cloned()
    }
}

type Made = Result<Linker<GuestState>, EngineError>;

/// The linkers of the kinds.
#[derive(Default)]
pub(crate) struct Linkers {
    wasi: OnceLock<Made>,
    kinds: Mutex<BTreeMap<Kind, Made>>,
}

impl std::fmt::Debug for Linkers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linkers").finish_non_exhaustive()
    }
}

impl Linkers {
    /// Resolves the imports of an admitted component, and looks up its exports.
    pub(crate) fn link<K: Exports>(&self, component: &Component) -> Result<Linked, EngineError> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let linker =
            kinds.entry(K::KIND).or_insert_with(|| self.linker(K::KIND, component.engine()));
        let linker = linker.as_ref().map_err(Clone::clone)?;
        let instance = linker.instantiate_pre(component)?;
        Ok(Linked(Arc::new(K::find(instance)?)))
    }

    /// Makes the linker of a kind: an empty WASI, which all kinds share, and the interfaces of its world that this
    /// host offers.
    fn linker(&self, kind: Kind, engine: &wasmtime::Engine) -> Made {
        let mut linker = self.wasi.get_or_init(|| wasi_linker(engine)).clone()?;
        for name in kind.world().imports {
            // Admission refuses what is not offered.
            if let Some(link) = interfaces::link(name) {
                link(&mut linker)?;
            }
        }
        Ok(linker)
    }
}

fn wasi_linker(engine: &wasmtime::Engine) -> Made {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    Ok(linker)
}
