//! The installed components.
//!
//! Built-ins are a static index: listing them parses nothing, asking for a manifest parses that one, and the
//! code of a component is unpacked, or compiled, when it is first called. A catalog does not change: one with a further component
//! is another catalog, which [`CurrentCatalog`](current::CurrentCatalog) puts in its place, and calls in flight end on theirs.
//!
//! A built-in has what its manifest asks for. Any other component has of that what a person [granted](Catalog::granting),
//! and nothing without a grant.

pub mod current;
mod entry;
mod error;
mod installed;
mod reading;
mod section;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use openkoi_core::{grant::ComponentGrant, hash};

pub use crate::embedded::{Embedded, Form, Unpack};
pub use entry::{CatalogEntry, ListedComponent};
pub use error::{COMPONENT_BYTES, CatalogError};
pub use installed::Installed;
pub use reading::read;

use crate::{
    engine::{
        Engine, EngineError,
        compiler::{Compiler, Origin},
    },
    linker::{Exports, Linkers},
    manifest::{Kind, LimitRequest, Manifest},
};

/// The installed components. Clones share the engine and all loaded components.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: BTreeMap<String, Arc<CatalogEntry>>,
    engine: Arc<OnceLock<Result<Engine, CatalogError>>>,
    linkers: Arc<Linkers>,
    compiler: Compiler,
}

impl Catalog {
    /// Makes a catalog of built-ins with the limits that their manifests ask for. Nothing is parsed or unpacked.
    #[must_use]
    pub fn new(built_in: impl IntoIterator<Item = Embedded>) -> Self {
        let entries = built_in.into_iter().map(CatalogEntry::built_in);
        let entries = entries.map(|entry| (entry.name().to_owned(), Arc::new(entry)));
        Self { entries: entries.collect(), ..Self::default() }
    }

    /// Returns the same components with limits of the user laid over those that their manifests ask for. Both catalogs
    /// share the engine and what is loaded. A name that is not here limits nothing.
    #[must_use]
    pub fn limited(&self, limits: &BTreeMap<String, LimitRequest>) -> Self {
        let mut limited = self.clone();
        for (name, own) in limits {
            if let Some(entry) = limited.entries.get_mut(name) {
                *entry = Arc::new(entry.limited(own));
            }
        }
        limited
    }

    /// Returns the same components, with the code that is compiled here kept in `directory`, for other processes too.
    /// Without it nothing is kept.
    #[must_use]
    pub fn keeping(&self, directory: PathBuf) -> Self {
        Self { compiler: Compiler::keeping(directory), ..self.clone() }
    }

    /// Returns the same components with `granted` in force for one of them. A name that is not here changes nothing.
    #[must_use]
    pub fn granting(&self, name: &str, granted: ComponentGrant) -> Self {
        let mut changed = self.clone();
        if let Some(entry) = changed.entries.get_mut(name) {
            *entry = Arc::new(entry.granted(granted));
        }
        changed
    }

    /// Returns a catalog with one more component, and the name of it. Nothing is granted to it yet. This catalog stays as
    /// it is; both share the engine and what is loaded.
    ///
    /// The manifest in the WebAssembly bytes is read first. A component that is admitted is then compiled in a
    /// process that can do nothing else, which takes a second.
    ///
    /// # Errors
    ///
    /// The reason why the component cannot be used.
    pub fn with_component(&self, wasm: &[u8]) -> Result<(Self, String), CatalogError> {
        let manifest = read(wasm)?;
        self.free(&manifest.component.name)?;
        let entry = self.compiled(wasm, manifest)?;
        let name = entry.name().to_owned();
        Ok((self.with(entry), name))
    }

    /// Checks that no component has this name.
    fn free(&self, name: &str) -> Result<(), CatalogError> {
        match self.entries.contains_key(name) {
            true => Err(CatalogError::Duplicate { name: name.to_owned() }),
            false => Ok(()),
        }
    }

    /// Returns a catalog in which the entry is, instead of one of the same name.
    fn with(&self, entry: CatalogEntry) -> Self {
        let mut changed = self.clone();
        changed.entries.insert(entry.name().to_owned(), Arc::new(entry));
        changed
    }

    /// Makes the entry of a component whose manifest was read from its bytes.
    fn compiled(&self, wasm: &[u8], manifest: Manifest) -> Result<CatalogEntry, CatalogError> {
        let component = manifest.component.name.clone();
        let broken =
            |source: EngineError| CatalogError::Code { component: component.clone(), source };
        let digest = hash::of_bytes(wasm);
        let engine = self.engine()?;
        let code = match engine.kept(&self.compiler, &digest) {
            Some(code) => code,
            None => engine.make(&self.compiler, wasm, &digest, Origin::Foreign).map_err(broken)?,
        };
        Ok(CatalogEntry::compiled(manifest, digest, wasm.len(), code))
    }

    /// Returns all components, sorted by name.
    pub fn list(&self) -> impl Iterator<Item = ListedComponent<'_>> {
        self.entries.values().map(|entry| entry.listed())
    }

    /// Returns the component `name`.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Unknown`].
    pub fn find(&self, name: &str) -> Result<Arc<CatalogEntry>, CatalogError> {
        let unknown = || CatalogError::Unknown { name: crate::text::one_line(name, 80) };
        self.entries.get(name).cloned().ok_or_else(unknown)
    }

    /// Returns the components of one kind, sorted by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &CatalogEntry> {
        self.entries.values().map(Arc::as_ref).filter(move |entry| entry.kind() == kind)
    }

    /// Returns whether a component can be called without being compiled first.
    pub(crate) fn is_compiled(&self, entry: &CatalogEntry) -> bool {
        entry.is_compiled(&self.compiler)
    }

    /// Returns the engine, which is started at the first call.
    pub(crate) fn engine(&self) -> Result<&Engine, CatalogError> {
        let started = self.engine.get_or_init(|| Engine::start().map_err(CatalogError::Engine));
        started.as_ref().map_err(Clone::clone)
    }

    /// Returns the exports of a component that is ready to be called. The first call loads it.
    pub(crate) fn load<K: Exports>(&self, entry: &CatalogEntry) -> Result<K, CatalogError> {
        entry.load(self.engine()?, &self.compiler, &self.linkers)
    }
}
